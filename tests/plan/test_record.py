"""Records: what they have in common is held once."""

from __future__ import annotations

import pickle

from pydantic import TypeAdapter

from fleetopt.plan.domain import Plan
from fleetopt.plan.record import Record


class _One(Record):
    first: int
    second: int = 0


def test_records_share_one_set_of_the_fields_they_state() -> None:
    """A set of its own made XL's verification take 18 GB instead of 12."""
    some = [_One(first=1), _One(first=2), TypeAdapter(_One).validate_json('{"first": 3}')]
    assert len({id(one.model_fields_set) for one in some}) == 1
    assert _One(first=1, second=0).model_fields_set == {"first", "second"}
    assert some[0].model_fields_set == {"first"}


def test_a_changed_copy_says_so_of_itself_only() -> None:
    one = _One(first=1)
    assert one.model_copy(update={"second": 2}).model_fields_set == {"first", "second"}
    assert one.model_fields_set == _One(first=5).model_fields_set == {"first"}


def test_placements_share_it_across_processes(plan: Plan) -> None:
    """What a copy of the process reads out comes back pickled."""
    back = pickle.loads(pickle.dumps(plan.placements))
    assert back == plan.placements
    assert len({id(one.model_fields_set) for one in back}) <= len({frozenset(one.model_fields_set) for one in back})
