"""Regret: what it costs in each variant to keep the orders of the scenario as it is.

Nodes of eight H100 are reserved for the quarter's 2160 hours at 10 USD/h, paid in full, or rented at 24 USD/h. With a
demand that never changes all are reserved, so that with n nodes ordered and m needed

    regret = 2160 h x 10 USD/h x (n - m)  if fewer are needed,   2160 h x (24 - 10) USD/h x (m - n)  if more are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fleetopt.errors import InputError
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.report.sweep.files import write_sweep
from fleetopt.report.sweep.tables import columns, rows
from fleetopt.study.sweep.engines.engine import Engine, Inline
from fleetopt.study.sweep.engines.processes import Processes
from fleetopt.study.sweep.records import Run, Sweep
from fleetopt.study.sweep.sweep import Ask, sweep

HOURS, RESERVED, RENTED = 2160.0, 10.0, 24.0

TEXT = """\
name: regrets
calendar: {start: 2027-Q1}
workloads:
  chat:
    model: llama-3.1-8b
    demand: 600 requests/s
    input_tokens: 1000
    output_tokens: 500
    slo: {ttft: 2 s, tpot: 30 ms}
supply:
  offers:
    keep: {node_type: 8xH100, kind: reserved, price: 10 USD/node/h, term_months: 3, source: test}
    rent: {node_type: 8xH100, kind: on_demand, price: 24 USD/node/h, source: test}
"""

DEMAND = "workloads.chat.demand=0.25x,1x,2x"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "scenario").mkdir()
    (tmp_path / "scenario/scenario.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "scenario"


def swept(path: Path, *vary: str, engine: Engine | None = None, folder: Path | None = None, **how: Any) -> Sweep:
    ask = Ask(vary, options=SolveOptions(gap=1e-6, diagnose=False), regret=True, **how)
    return sweep(path, ask, engine=engine, folder=folder)


def nodes(run: Run) -> int:
    return run.outcome.gpus["H100"] // 8


def test_regret_by_hand(path: Path) -> None:
    """Proves: where less is needed what is reserved in vain is regretted, where more is, what is rented at the dearer
    price instead; nothing where the variant is the scenario as it is.

    Sensitivity: orders that were not held would leave no regret; held as a floor only, none where more is needed.
    """
    less, same, more = swept(path, DEMAND).runs
    ordered = nodes(same)
    assert nodes(less) < ordered < nodes(more)
    assert same.outcome.regret_usd == 0.0
    assert less.outcome.regret_usd == pytest.approx(HOURS * RESERVED * (ordered - nodes(less)), rel=1e-6)
    assert more.outcome.regret_usd == pytest.approx(HOURS * (RENTED - RESERVED) * (nodes(more) - ordered), rel=1e-6)
    assert {run.outcome.base_orders for run in (less, same, more)} == {"KEPT"}


def test_orders_that_cannot_be_kept_have_no_regret(path: Path) -> None:
    """Proves: a variant in which the supplier has fewer nodes than were ordered says so; one without a plan is silent.
    Sensitivity: an order for fewer nodes would pass for the same order.
    """
    fewer, none = swept(path, "offers.keep.max_nodes=0,8", "offers.rent.max_nodes=0,50").runs[:2][::-1]
    assert (fewer.outcome.base_orders, fewer.outcome.regret_usd) == ("IMPOSSIBLE", None)
    assert fewer.outcome.cost_usd is not None
    assert (none.outcome.status, none.outcome.base_orders, none.outcome.regret_usd) == ("INFEASIBLE", None, None)


def test_what_is_rented_alone_is_never_regretted() -> None:
    """Proves: quickstart orders nothing, so that every variant of it is planned as if it had been foreseen.
    Sensitivity: holding what is rented would be regret that nobody has.
    """
    found = swept(Path("quickstart"), "workloads.chat.demand=0.5x,2x")
    assert [run.outcome.regret_usd for run in found.runs] == [0.0, 0.0]


def test_all_engines_regret_the_same_and_the_base_is_planned_once(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: processes give the rows of one process; going on in a folder finds the base plan there, and runs
    that were kept without regret do not pass for some with it.

    Sensitivity: a worker that planned the base by itself could regret other orders.
    """
    inline = swept(path, DEMAND, engine=Inline(), folder=tmp_path / "out")
    apart = swept(path, DEMAND, engine=Processes(2))
    untimed = [[row | {"seconds": None} for row in rows(found)] for found in (inline, apart)]
    assert untimed[0] == untimed[1]
    monkeypatch.setattr("fleetopt.study.sweep.bench.optimize", None)
    assert swept(path, DEMAND, folder=tmp_path / "out") == inline
    with pytest.raises(InputError, match="regret: True instead of False"):
        sweep(path, Ask([DEMAND], options=SolveOptions(gap=1e-6, diagnose=False)), folder=tmp_path / "out")


def test_regret_is_in_the_tables_and_on_the_page(path: Path, tmp_path: Path) -> None:
    """Proves: table, Parquet metadata and page have the regret and its frontier.
    Sensitivity: a figure that was computed and not shown.
    """
    import pyarrow.parquet as pq

    found = swept(path, DEMAND)
    written = {file.name: file for file in write_sweep(found, tmp_path / "report")}
    table = pq.read_table(written["sweep.parquet"])
    assert table.column("regret_usd").to_pylist() == [run.outcome.regret_usd for run in found.runs]
    assert table.schema.field("regret_usd").metadata == {b"unit": b"USD"}
    assert columns(found)["regret_usd"] == "USD"
    page = written["sweep.html"].read_text(encoding="utf-8")
    assert "Cost against regret" in page
    assert "Efficient in cost and regret" in page
    assert "regret USD" in written["sweep.md"].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("demand: 600", "demand: 60000", "has no orders to keep: the scenario as it is has no plan"),
        ("supply:\n", "objective: {least: nodes}\nsupply:\n", "has an objective other than cost"),
    ],
)
def test_what_has_no_regret_is_an_input_error(path: Path, old: str, new: str, said: str) -> None:
    """Proves: a scenario without a plan, or with another aim than cost, is refused with what to do.
    Sensitivity: a column of nothing, or regret of a plan that was not made for its cost.
    """
    limits = TEXT.replace("kind: on_demand", "kind: on_demand, max_nodes: 50").replace(
        "source: test}", "source: test}", 1
    )
    limits = limits.replace("kind: reserved", "kind: reserved, max_nodes: 8")
    (path / "scenario.yaml").write_text(limits.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        swept(path, "workloads.chat.slo.tpot=30 ms,40 ms")
