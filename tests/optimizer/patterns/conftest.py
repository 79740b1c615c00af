"""Both ways through the pattern method: with the phases that know plain programs, and with those that know nothing."""

from __future__ import annotations

import pytest

from fleetopt.optimizer.patterns import method


@pytest.fixture(params=["plain", "general"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """'general' takes every program for one that has more to it than the search knows."""
    if request.param == "general":
        monkeypatch.setattr(method, "plain_of", lambda *_: None)
    return str(request.param)
