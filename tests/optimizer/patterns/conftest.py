"""Both ways through the pattern method: with what is plain by patterns, and with every workload tied."""

from __future__ import annotations

import pytest

from tests.optimizer.patterns.questions import tie_all


@pytest.fixture(params=["plain", "tied"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """'tied' takes every workload for one of which more is said than the search knows."""
    if request.param == "tied":
        tie_all(monkeypatch)
    return str(request.param)
