"""What stands after `PATH=` is read as it is meant, or refused; numbers stay the decimals that were written."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt import units
from fleetopt.study.sweep.levels import MOST_LEVELS, Level, Span, parse_values, times


def texts(text: str) -> list[str]:
    found = parse_values(text)
    assert not isinstance(found, Span)
    return [level.text for level in found]


def values(text: str) -> list[object]:
    found = parse_values(text)
    assert not isinstance(found, Span)
    return [level.value for level in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5x..2x:7", ["0.5x", "0.75x", "1x", "1.25x", "1.5x", "1.75x", "2x"]),
        ("-20%,0,+20%", ["-20 %", "0 %", "+20 %"]),
        ("-20 % .. +20 % : 3", ["-20 %", "0 %", "+20 %"]),
        ("0.5x..2x:3:log", ["0.5x", "1x", "2x"]),
        ("10..40 requests/s:3", ["10 requests/s", "25 requests/s", "40 requests/s"]),
        ("1 s at p90..3 s at p90:2", ["1 s at p90", "3 s at p90"]),
        ("1x, 1x,2x", ["1x", "2x"]),
        ("1_000..3_000 requests/s:2,+2.e1 s,0_2.x", ["1000 requests/s", "3000 requests/s", "+2.e1 s", "2x"]),
        ("0...5 s:2", ["0 s", "0.5 s"]),
    ],
)
def test_ranges_and_changes_are_named_as_people_write_them(text: str, expected: list[str]) -> None:
    """Proves: ends and counts of ranges, linear and log, and the meaning of 0 beside changes.
    Sensitivity: a range that leaves out its end, or evenly spaced ratios, would give other names.
    """
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,8,16", [0, 8, 16]),
        ("8..64:2", [8, 64]),
        ("0.1..0.3:3", [0.1, 0.2, 0.3]),
        ("[H100],[H100, H200]", [["H100"], ["H100", "H200"]]),
        ('"-10 %","+5 %"', ["-10 %", "+5 %"]),
        ("{fixed: 20 ms, kv_overlap: 0.5}", [{"fixed": "20 ms", "kv_overlap": 0.5}]),
        ("true,false", [True, False]),
        ("../mix.csv", ["../mix.csv"]),
        ("mm1,md1", ["mm1", "md1"]),
        ('"a,b",c', ["a,b", "c"]),
        ("it's,b", ["it's", "b"]),
    ],
)
def test_what_is_no_factor_is_read_as_the_file_would(text: str, expected: list[object]) -> None:
    """Proves: values keep the types that scenario.yaml gives them, and commas inside brackets and quotes part nothing.
    Sensitivity: 16 read as text, or [a, b] as two values, would be refused by the scenario or mean something else.
    """
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty value"),
        ("1x,,2x", "empty value"),
        ("{a: 1", "not valid YAML"),
        ("1..2:1", "range of 1"),
        ("1..2:100000", "range of 100000"),
        ("1 s..2 ms:3", "same unit"),
        ("-300%", "-2 times"),
        ("5000x", "5000 times"),
        ("0x..1x:3:log", "no even ratios"),
        ("-10%..10%:3:log", "no even ratios"),
        ("5x..1x:log:3", "is no range"),
        ("1x,2x..3x", "no count"),
        ("&a [*a]", "no anchor"),
        ("null", "is nothing"),
        ("!!python/object:os.system x", "uses the tag"),
        (",".join(map(str, range(MOST_LEVELS + 1))), "at most"),
        ("x" * 20_000, "more than 10000 characters"),
        ("1e30x", "too large or too long"),
        ("1..1e999999999999:3", "too large or too long"),
        ("1e-999999999..2e-999999999:3:log", "no even ratios"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, said: str) -> None:
    """Proves: each mistake has a sentence of its own.
    Sensitivity: a range that is taken for a text would vary a name instead of a number.
    """
    with pytest.raises(ValueError, match=r".+") as refused:
        parse_values(text)
    assert said in str(refused.value)


def test_a_range_without_a_count_is_left_to_the_design() -> None:
    """Proves: its ends are exact and its middle is half way, by ratio where log is asked.
    Sensitivity: a Latin hypercube would sample another range.
    """
    linear, log = parse_values("1x..4x"), parse_values("1x..4x:log")
    assert isinstance(linear, Span)
    assert isinstance(log, Span)
    assert [linear.at(part).text for part in (0.0, 0.5, 1.0)] == ["1x", "2.5x", "4x"]
    assert log.at(0.5).text == "2x"


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_is_levels_or_a_value_error(text: str) -> None:
    """Proves: no text on a command line gets anything else out of the reader.
    Sensitivity: a traceback instead of a sentence.
    """
    try:
        found = parse_values(text)
    except ValueError:
        return
    assert isinstance(found, Span) or all(isinstance(level, Level) for level in found)


PARTS = st.sampled_from(
    ["0.5", "2", "x", "%", "+", "-", "..", ":", "7", "log", ",", " ", "s", "[", "]", '"', "'", "e9", "{", "}", "0"]
)


@given(st.lists(PARTS, max_size=12).map("".join))
@settings(max_examples=500)
def test_any_shuffle_of_the_grammar_is_levels_or_a_value_error(text: str) -> None:
    """Proves: as above, for texts that are nearly right.
    Sensitivity: those are the ones that people type.
    """
    try:
        found = parse_values(text)
    except ValueError:
        return
    assert isinstance(found, Span) or len(found) <= MOST_LEVELS


@given(
    st.integers(1, 10_000).map(lambda n: Decimal(n) / 100),
    st.integers(1, 10_000).map(lambda n: Decimal(n) / 100),
    st.integers(2, 30),
)
@settings(max_examples=100)
def test_a_linear_range_is_even_and_has_its_ends(low: Decimal, high: Decimal, number: int) -> None:
    """Proves: n levels from end to end, with equal steps to six significant digits.
    Sensitivity: the count would be off by one, or binary noise would stand in a result.
    """
    if low == high:
        return
    found = parse_values(f"{low}x..{high}x:{number}")
    assert not isinstance(found, Span)
    factors = [level.factor for level in found]
    assert (len(factors), factors[0], factors[-1]) == (number, low, high)
    step = (high - low) / (number - 1)
    for index, factor in enumerate(factors):
        assert factor is not None
        assert abs(factor - (low + index * step)) <= Decimal("1e-5") * max(low, high)


@given(st.integers(1, 10**6), st.integers(1, 10**5).map(lambda n: Decimal(n) / 1000))
@settings(max_examples=100)
def test_products_are_those_of_decimals(number: int, factor: Decimal) -> None:
    """Proves: 1000 x 0.55 is 550 and stays whole, where floats would make 550.0000000000001.
    Sensitivity: a count of nodes would be refused for not being whole.
    """
    exact = number * factor
    assert times(f"{number} requests/s", factor) == f"{exact.normalize():f} requests/s"
    whole = times(number, factor)
    assert whole == (int(exact) if exact == int(exact) else float(exact))


NUMBERS = ["1_900", "+20", "2.e1", "2.", ".5", "1_0.25", "1e3", "19e+2", "0001_0", "12345678901234567"]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_that_a_field_takes_can_be_multiplied(number: str) -> None:
    """Proves: sweeps and scenarios read numbers by one grammar: 0.3x of what is written is that of what it stands for.
    Sensitivity: with a narrower one, 2x of 1_900 requests/s was 2_900, and 2.e1 was no number.
    """
    written = f"{number} requests/s"
    part = 0.3 * units.rate(written).per_s
    assert units.rate(times(written, Decimal("0.3"))).per_s == pytest.approx(part, rel=1e-14)


@pytest.mark.parametrize("written", ["fp8", None, True, ["a"], {"base": 1}, "-10 %", 0, "0 s"])
def test_what_has_no_number_of_its_own_cannot_be_multiplied(written: object) -> None:
    """Proves: a factor on a word, a change or zero is refused, not ignored.
    Sensitivity: a sweep would show that a field does nothing.
    """
    with pytest.raises(ValueError, match="; write the"):
        times(written, Decimal("1.5"))
