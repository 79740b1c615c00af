from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data() -> Path:
    """Real price lists; its README says where each is from."""
    return Path(__file__).parent / "data"
