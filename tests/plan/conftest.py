from __future__ import annotations

import pytest

import fleetopt
from fleetopt.plan.domain import Plan


@pytest.fixture(scope="session")
def plan() -> Plan:
    return fleetopt.optimize(fleetopt.load("seed-paper"))
