from __future__ import annotations

from pathlib import Path

import pytest

import fleetopt
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario

QUARTERS = Path(__file__).parent / "data/quarters"


@pytest.fixture(scope="session")
def plan() -> Plan:
    return fleetopt.optimize(fleetopt.load("seed-paper"))


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """Two quarters, two slots, two outlooks, every kind of supply (data/quarters)."""
    return fleetopt.load(QUARTERS)


@pytest.fixture(scope="session")
def quarters(scenario: Scenario) -> Plan:
    """A plan of it; how close to the best does not matter to a report."""
    return fleetopt.optimize(scenario, SolveOptions(gap=0.05))
