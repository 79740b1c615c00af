from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """Real output of real tools; its README says how each file was made."""
    return Path(__file__).parent / "data"
