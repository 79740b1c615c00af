"""Designs: which settings are run together, in which order, and how many at most."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.errors import InputError
from fleetopt.scenario.load import Source
from fleetopt.study.sweep.designs import Choice, Design, choices
from fleetopt.study.sweep.levels import Span, parse_values
from fleetopt.study.sweep.variables import Variable, read_variables

Write = Callable[..., Path]


def variable(name: str, values: str) -> Variable:
    return Variable(f"{name}={values}", name, ((name,),), parse_values(values))


def texts(found: list[Choice]) -> list[list[str]]:
    return [["-" if level is None else level.text for level in choice] for choice in found]


TWO = (variable("a", "1x,2x"), variable("b", "p,q,r"))


def test_a_grid_has_every_combination_the_last_variable_turning_fastest() -> None:
    """Proves: 2 x 3 variants in the order of the expressions.
    Sensitivity: rows of a table could not be told from one another by their place.
    """
    assert texts(choices(TWO, "grid", 0, 0, 100)) == [
        *(["1x", "p"], ["1x", "q"], ["1x", "r"]),
        *(["2x", "p"], ["2x", "q"], ["2x", "r"]),
    ]


def test_one_at_a_time_starts_with_the_scenario_as_it_is() -> None:
    """Proves: one base and one variant a setting, all else as it is.
    Sensitivity: bars of a tornado would mix effects.
    """
    assert texts(choices(TWO, "one-at-a-time", 0, 0, 100)) == [
        *(["-", "-"], ["1x", "-"], ["2x", "-"], ["-", "p"], ["-", "q"], ["-", "r"]),
    ]


@given(st.integers(2, 40), st.integers(0, 10**9))
@settings(max_examples=50)
def test_a_latin_hypercube_has_one_sample_in_each_slice(samples: int, seed: int) -> None:
    """Proves: each n-th part of every variable's range has one sample, lists are met evenly, the seed decides.
    Sensitivity: plain random samples leave slices empty.
    """
    variables = (variable("a", "0x..1x"), variable("b", "1x..100x:log"), variable("c", "p,q"))
    found = choices(variables, "lhs", samples, seed, 1000)
    assert found == choices(variables, "lhs", samples, seed, 1000)
    slices = sorted(int(float(choice[0].factor or 0) * samples + 1e-4) for choice in found if choice[0])
    assert all(abs(place - index) <= 1 for index, place in enumerate(slices))
    assert abs(sum(choice[2] is not None and choice[2].text == "p" for choice in found) - samples / 2) <= 1
    assert len(found) == samples


@pytest.mark.parametrize("values", ["1..4", "4..1", "1..4:log"])
def test_whole_numbers_are_sampled_where_a_field_takes_no_others(scenario: Write, values: str) -> None:
    """Proves: samples of a number of nodes are whole, between the ends and, unless by ratio, equally many of each; what
    takes other numbers is sampled as before.
    Sensitivity: 1.26969 nodes were refused, and rounding would give the ends half as often.
    """
    source = Source(scenario())
    (nodes,) = read_variables(source, [f"offers.buy.max_nodes={values}"])
    found = [choice[0].value for choice in choices([nodes], "lhs", 40, 1, 100) if choice[0]]
    assert set(found) == {1, 2, 3, 4}
    assert "log" in values or {found.count(n) for n in (1, 2, 3, 4)} == {10}
    assert nodes.levels[0].value in (1, 4)
    (tokens,) = read_variables(source, ["workloads.chat.headroom=0..1"])
    assert not {choice[0].value for choice in choices([tokens], "lhs", 9, 1, 100) if choice[0]} <= {0, 1}


def test_another_seed_gives_other_samples() -> None:
    """Proves: the seed is used.
    Sensitivity: two hypercubes would be one.
    """
    one = (variable("a", "0.1x..1x"),)
    assert choices(one, "lhs", 10, 1, 100) != choices(one, "lhs", 10, 2, 100)


@pytest.mark.parametrize("design", ["grid", "one-at-a-time"])
def test_a_range_needs_a_count_where_all_its_values_are_run(design: Design) -> None:
    """Proves: it is refused with both ways out.
    Sensitivity: its two ends alone would pass for the range.
    """
    ranged = variable("a", "1x..2x")
    assert isinstance(ranged.values, Span)
    with pytest.raises(InputError, match=r"--vary 'a=1x..2x': has a range without a count.*--design lhs"):
        choices((ranged,), design, 0, 0, 100)


def test_too_many_variants_are_refused_before_any_is_made() -> None:
    """Proves: the number that is refused is the one that would be run, also where it would not fit into memory.
    Sensitivity: ten ranges of a thousand would fill the machine.
    """
    ten = tuple(variable(f"v{n}", "1..1000:1000") for n in range(10))
    with pytest.raises(InputError, match=r"makes 1,000,000,000,000,000,000,000,000,000,000 variants, over 1,000"):
        choices(ten, "grid", 0, 0, 1000)
    with pytest.raises(InputError, match="makes 10,001 variants"):
        choices(ten, "one-at-a-time", 0, 0, 1000)


def test_at_most_twenty_expressions(scenario: Write) -> None:
    """Proves: more are refused.
    Sensitivity: a mistake in a script.
    """
    many = [f"workloads.chat.demand.slots.s{n}=50 %" for n in range(21)]
    with pytest.raises(InputError, match="is given 21 times"):
        read_variables(Source(scenario()), many)
