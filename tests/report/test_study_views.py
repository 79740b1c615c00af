"""Tables of studies where there is much to show."""

from __future__ import annotations

from fleetopt.report.study_views import comparison_views
from fleetopt.study.compare import Comparison
from fleetopt.study.differences import Difference


def test_many_numbers_of_one_field_are_one_row() -> None:
    """Proves: a demand at six times that rose by half everywhere is a row with its range and factor, one that changed
    in other ways a row without; a field next to them and fewer numbers than five stand as they are, as fleets do.
    Sensitivity: a field that somebody edited once would be told a hundred times, and nothing else be seen.
    """
    rates = {f"t{n}": 2.0 + n for n in range(6)}
    rows: list[tuple[str, float | None, float | str]]
    rows = [(f"workloads.chat.demand_rps.{t}", rps, 1.5 * rps) for t, rps in rates.items()]
    rows += [(f"workloads.code.demand_rps.{t}", rps, rps + 1.0) for t, rps in rates.items()]
    rows += [("workloads.code.headroom", 0.1, 0.2), ("workloads.code.tpot", None, "0.02")]
    rows += [(f"workloads.few.demand_rps.t{n}", 1.0, 2.0) for n in range(4)]
    fleet = [(f"h{n}.x", 1.0, 2.0) for n in range(6)]
    found = Comparison(
        a="a",
        b="b",
        usd_a=1.0,
        usd_b=2.0,
        differences=(
            *(Difference(section="input", about=what, before=old, after=new) for what, old, new in rows),
            *(Difference(section="fleet", about=what, before=old, after=new) for what, old, new in fleet),
        ),
    )
    _, given, nodes, *_ = comparison_views(found)
    assert given.rows[:2] == (
        ("workloads.chat.demand_rps: 6 numbers", "2 to 7", "3 to 10.5 (each times 1.5)"),
        ("workloads.code.demand_rps: 6 numbers", "2 to 7", "3 to 8"),
    )
    assert [row[0] for row in given.rows[2:4]] == ["workloads.code.headroom", "workloads.code.tpot"]
    assert len(given.rows) == 2 + 2 + 4
    assert len(nodes.rows) == 6
