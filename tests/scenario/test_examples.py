"""The scenarios that README and docs show whole are scenarios."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fleetopt
from fleetopt.optimizer.solve import SolveOptions

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/scenario.md"])
def test_an_example_plans_as_it_stands(page: str, tmp_path: Path) -> None:
    """Proves: copied into a file, the example has a plan that verifies.
    Sensitivity: a field or an offer that is renamed would leave an example that begins with an error.
    """
    examples = re.findall(r"^```yaml\n(name: .*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert examples
    for text in examples:
        (tmp_path / "scenario.yaml").write_text(text)
        assert fleetopt.optimize(fleetopt.load(tmp_path), SolveOptions(gap=0.05)).verdict.passed
