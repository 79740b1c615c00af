"""What cannot make a difference is told, and nothing that can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleetopt.scenario.idle import idle
from fleetopt.scenario.supply_domain import Quota
from fleetopt.units import Latency
from tests.oracle import build

NEVER = "offer buy is never taken: its nodes come {} after the order, and the horizon has 3"


def _said(*, quotas: tuple[Quota, ...] = (), line: dict[str, Any] | None = None, **workload: Any) -> list[str]:
    made = build.line("buy", "Ax8", kind="purchase", upfront=10.0, term=24, lead=(line or {}).pop("lead", 0))
    terms = replace(made.terms, **{key: value for key, value in (line or {}).items() if key != "max_nodes"})
    made = replace(made, terms=terms, max_nodes=(line or {}).get("max_nodes"))
    return idle(build.scenario([build.workload(**workload)], [build.rate("c", 1.0)], [made], quotas=quotas))


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        (Quota("q", "A", None, None, 16), []),
        (Quota("q", "A", "main", "t1", 16, "p"), []),
        (Quota("q", "B", None, None, 16), ["quota q limits nothing: the supply has no B"]),
        (Quota("q", "A", "moon", None, 16), ["quota q limits nothing: the supply has no A at moon"]),
        (Quota("q", "A", None, None, 16, "other"), ["quota q limits nothing: the supply has no A of other"]),
        (Quota("q", "A", None, None, 20), ["quota q of 20 GPUs is one of 16: its nodes have 8 each"]),
    ],
)
def test_a_quota_of_what_nobody_offers(quota: Quota, said: list[str]) -> None:
    """A slip in the name of a GPU type used to leave the quota without effect, and nobody said so."""
    assert _said(quotas=(quota,)) == said


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"min_order": 2, "max_nodes": 2}, []),
        (
            {"min_order": 9, "max_nodes": 2},
            ["offer buy is never taken: orders are of 9 nodes or more, and 2 may be held"],
        ),
        ({"lead": 2}, [NEVER.format("2 months (counted as 3, in whole periods)")]),
        ({"lead": 3}, [NEVER.format("3 months")]),
    ],
)
def test_an_offer_that_can_never_be_taken(line: dict[str, Any], said: list[str]) -> None:
    assert _said(line=line) == said


@pytest.mark.parametrize(
    ("lead", "term", "first", "said"),
    [
        (3, 6, None, []),
        (4, 6, None, ["offer keep is delivered after 4 months (counted as 6, in whole periods): a plan orders"]),
        (0, 7, None, ["offer keep has a term of 7 months (counted as 9, in whole periods): a plan has its nodes"]),
        (0, 10, None, ["offer keep has a term of 10 months (counted as 12, in whole periods)"]),
        (3, 10, None, []),
        (0, 10, "t2", []),
        (0, 13, None, []),
    ],
)
def test_months_that_are_no_whole_periods(lead: int, term: int, first: str | None, said: list[str]) -> None:
    """Proves that rounded lead times and terms are told: a plan of four quarters has the nodes of a term of seven
    months for nine, which no contract gives.

    Sensitivity: a term that is cut off by the horizon anyway is not told, and whole periods are not.
    """
    keep = build.line("keep", "Ax8", kind="reserved", term=term, lead=lead)
    keep = replace(keep, terms=replace(keep.terms, first=first))
    asked = build.scenario([build.workload()], [build.rate("c", 1.0)], [keep, replace(keep, lot_of="keep")])
    found = idle(replace(asked, calendar=build.calendar(4)))
    assert len(found) == len(said)
    assert all(sentence.startswith(start) for sentence, start in zip(found, said, strict=True))


def test_a_promise_that_another_one_implies() -> None:
    """3 s at p50 is kept by whoever keeps 1 s at p99; a mean is no percentile, and 0.5 s at p50 asks for more."""
    strict, loose = Latency(1.0, 0.99), Latency(3.0, 0.5)
    kept = "TTFT of chat of 3 s at p50 asks for nothing: whoever keeps 1 s at p99 keeps it"
    assert _said(ttft=loose, further_ttft=(strict,)) == [kept]
    assert _said(ttft=strict, further_ttft=(loose,)) == [kept]
    assert _said(ttft=replace(loose, limit_s=0.5), further_ttft=(strict,)) == []
    assert _said(ttft=replace(loose, percentile=None), further_ttft=(strict,)) == []
