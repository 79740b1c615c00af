"""The house stays in order: every verb is documented, every feature is proven, nothing heavy loads at start-up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from fleetopt.cli.main import app
from fleetopt.optimizer.formulation import FEATURES, formulate
from fleetopt.verify.verifier import CHECKS

ROOT = Path(__file__).resolve().parents[2]
FEATURE_FILES = sorted(p for p in (ROOT / "fleetopt/optimizer/features").glob("*.py") if p.stem != "__init__")

PROVEN_BY = {
    "batch": "demand_is_met",
    "budgets": "budgets_are_kept",
    "changes": "changes_are_possible",
    "classes": "classes_go_short_in_order",
    "facilities": "facilities_suffice",
    "least": "spares_are_kept",
    "orders": "supply_is_respected",
    "spares": "spares_are_kept",
    "commitments": "supply_is_respected",
    "demand": "demand_is_met",
    "fleet": "gpus_pack_into_nodes",
    "pools": "slo_holds",
    "quotas": "quotas_are_respected",
    "rentals": "supply_is_respected",
    "sales": "supply_is_respected",
    "serving": "slo_holds",
    "sharing": "gpus_pack_into_nodes",
    "shortfall": "demand_is_met",
    "slices": "placements_are_allowed",
    "stock": "supply_is_respected",
    "survival": "losses_are_survived",
    "traffic": "kv_caches_get_through",
    "upkeep": "dollars_add_up",
    "variety": "types_are_few",
}
"""The check of verify/ that breaks if a feature's rules are wrong."""


def verbs() -> dict[str, Any]:
    """Every command by the words that call it: 'plan', 'ingest profiles'."""
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {name: command} if inner is None else {f"{name} {word}": one for word, one in inner.items()}
    return dict(sorted(found.items()))


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_is_in_the_readme_and_has_its_own_file(verb: str) -> None:
    """A verb nobody can find is not there."""
    assert f"| `{verb}" in (ROOT / "README.md").read_text()
    assert (ROOT / f"fleetopt/cli/{verb.replace(' ', '/')}.py").is_file()


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_and_option_has_help(verb: str) -> None:
    """Help is the only manual most people read."""
    command = verbs()[verb]
    assert command.help
    assert all(getattr(p, "help", None) for p in command.params)


def test_every_feature_file_is_in_the_formulation_once() -> None:
    """A feature that is not in the list does nothing, in silence."""
    modules = [type(feature).__module__.rsplit(".", 1)[-1] for feature in FEATURES]
    assert sorted(modules) == [path.stem for path in FEATURE_FILES]


def test_every_feature_has_a_check_of_its_own_second_computation() -> None:
    """A rule the optimizer alone believes in is not proven."""
    assert set(PROVEN_BY) == {path.stem for path in FEATURE_FILES}
    assert set(PROVEN_BY.values()) <= set(CHECKS)


@pytest.mark.parametrize("path", FEATURE_FILES, ids=lambda p: p.stem)
def test_every_feature_writes_down_its_equations(path: Path) -> None:
    """The docstring is the page of the paper: ledgers, shape and symbols stand in it."""
    text = path.read_text().split('"""')[1]
    assert "Ledgers" in text
    assert "Shape" in text


def test_every_sentence_of_the_problem_is_in_the_mathematics() -> None:
    """docs/math.md names every constraint by the sentence it asserts."""
    stated = {
        line.split('"')[1]
        for path in FEATURE_FILES
        for line in path.read_text().splitlines()
        if ("rules.at_" in line and '"' in line) or line.strip().startswith(('"offer_', '"commitment_'))
    }
    text = (ROOT / "docs/math.md").read_text()
    assert {s for s in stated if "{" not in s and s not in text} == set()
    assert formulate is not None


REPORTING = ("jinja2", "matplotlib", "openpyxl", "pyarrow", "xlsxwriter")
HEAVY = ("pyomo", "highspy", "numpy", "pandas", "pydantic", "scipy", "yaml", "rich", *REPORTING)


def test_help_loads_nothing_heavy() -> None:
    """`fleetopt --help` answers at once because no library of the real work is imported for it."""
    code = (
        "import sys; sys.argv = ['fleetopt', '--help']\n"
        "from fleetopt.cli.main import main\n"
        "try: main()\n"
        f"except SystemExit: print('LOADED', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("LOADED []")


def test_planning_never_loads_scipy_or_pandas() -> None:
    """scipy behind Pyomo's import hooks costs a second of start-up, pandas half of one (decision 0003)."""
    code = (
        "import sys, fleetopt\n"
        "fleetopt.optimize(fleetopt.load('seed-paper'))\n"
        "print([m for m in ('scipy', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_planning_without_a_folder_loads_nothing_that_reports_need() -> None:
    """`fleetopt plan` that only shows a plan waits for no library of pages, pictures or workbooks."""
    code = (
        "import sys; sys.argv = ['fleetopt', 'plan', 'seed-paper']\n"
        "from fleetopt.cli.main import main\n"
        "try: main()\n"
        f"except SystemExit: print('LOADED', [m for m in {REPORTING} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip().endswith("LOADED []")
