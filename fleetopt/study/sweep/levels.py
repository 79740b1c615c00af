"""The values that a field is varied over, as they are written after `PATH=` on the command line.

    VALUES = ITEM {"," ITEM}             commas inside brackets, braces and quotes part nothing
    ITEM   = LEVEL | LOW ".." HIGH [":" COUNT] [":log"]
    LEVEL  = "0.5x" | "+20%" | "-20%"    a factor on what is written in the scenario
           | "0"                         as it is written, in a list with +20% or -20%
           | anything that YAML takes    what is written instead, in the field's own units

A range has its ends and `COUNT` levels in all, evenly spaced or, with `log`, by even ratios: low (high/low)^(i/n).
Numbers are decimals from the text on, so that 1000 x 0.55 is 550; those in between have six significant digits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, TypeAlias

from fleetopt.documents import parse_yaml
from fleetopt.errors import InputError
from fleetopt.study.sweep.refused import Refused
from fleetopt.units import NUMBER, UNSIGNED, decimal

LONGEST = 10_000
MOST_LEVELS = 1000
MOST_FACTOR, LEAST_FACTOR = Decimal(1000), Decimal("1e-6")
BETWEEN = Context(prec=6)
EXACT = Context(prec=15)

_FACTOR = re.compile(rf"({NUMBER})\s*x", re.ASCII)
_CHANGE = re.compile(rf"([+-]\s*{UNSIGNED})\s*%", re.ASCII)
_AS_WRITTEN = re.compile(r"0+(\.0+)?\s*%?", re.ASCII)
_RANGE = re.compile(
    rf"(?P<low>{NUMBER})(?P<low_unit>[^\"'\[{{]*?)\.\.\s*(?P<high>{NUMBER})(?P<high_unit>[^\"'\[{{:]*)"
    r"(?::\s*(?P<count>\d{1,6})\s*)?(?P<log>:\s*log\s*)?",
    re.ASCII,
)
_LIKE_RANGE = re.compile(rf"{NUMBER}[^\"']*\.\.\s*{NUMBER}", re.ASCII)
_OPENS, _CLOSES = "[{", "]}"


@dataclass(frozen=True, slots=True)
class Level:
    """One setting of a field: a factor on what is written, or what is written instead. `text` is how people name it."""

    text: str
    factor: Decimal | None = None
    value: Any = None

    @property
    def is_as_written(self) -> bool:
        return self.factor == 1


@dataclass(frozen=True, slots=True)
class Span:
    """All settings between two ends: factors, or numbers of a unit; with `whole` its whole numbers, each as likely."""

    low: Decimal
    high: Decimal
    unit: str
    log: bool
    whole: bool = False

    @property
    def has_whole_ends(self) -> bool:
        """Whether its ends are whole numbers without a unit."""
        return not self.unit and self.low == int(self.low) and self.high == int(self.high)

    def at(self, part: float) -> Level:
        """The setting at a part of the way, from 0 at the low end to 1 at the high one."""
        if part in (0.0, 1.0):
            number = self.high if part else self.low
        elif self.whole:
            number = self._whole(part)
        elif self.log:
            number = BETWEEN.create_decimal_from_float(float(self.low) * (float(self.high) / float(self.low)) ** part)
        else:
            number = BETWEEN.plus(self.low + (self.high - self.low) * Decimal(part))
        return _level(number, self.unit)

    def _whole(self, part: float) -> Decimal:
        low, high = sorted((int(self.low), int(self.high)))
        up, past = part if self.low <= self.high else 1.0 - part, high + 1
        number = low * (past / low) ** up if self.log else low + (past - low) * up
        return Decimal(min(high, math.floor(number)))


Values: TypeAlias = tuple[Level, ...] | Span


def parse_values(text: str) -> Values:
    """The levels that a text lists, or the span that it leaves to the design.

    Raises:
        Refused: it cannot be meant.
    """
    if len(text) > LONGEST:
        raise Refused(f"has more than {LONGEST} characters", "write fewer values, or a range")
    items = [item.strip() for item in _items(text)]
    if not all(items):
        raise Refused("has an empty value", "write values parted by commas, like 'a,b,c'")
    relative = any(_CHANGE.fullmatch(item) for item in items)
    found: list[Level] = []
    for item in items:
        match = _RANGE.fullmatch(item)
        if match is None and _LIKE_RANGE.match(item):
            raise Refused(f"has '{item[:60]}', which is no range", "write it like '0.5x..2x:7' or '1 s..4 s:3:log'")
        if match is None:
            found.append(_one(item, relative=relative))
        elif match["count"] is None:
            if len(items) > 1:
                raise Refused(f"lists '{item[:60]}', which has no count", f"write '{item[:60]}:5' for five values")
            return _span(match)
        else:
            found += _ranged(_span(match), int(match["count"]))
    if len(found) > MOST_LEVELS:
        raise Refused(f"has {len(found)} values", f"write at most {MOST_LEVELS}")
    return tuple({level.text: level for level in found}.values())


def _items(text: str) -> Iterator[str]:
    """The parts between commas that stand in no bracket, brace or quote."""
    depth, quote, start = 0, "", 0
    for index, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            # Inside a word it is an apostrophe; a quote stands where a value begins.
            quote = character if not text[start:index].strip() or depth else ""
        elif character in _OPENS:
            depth += 1
        elif character in _CLOSES:
            depth -= 1
        elif character == "," and depth == 0:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def _one(item: str, *, relative: bool) -> Level:
    if relative and _AS_WRITTEN.fullmatch(item):
        return Level("0 %", Decimal(1))
    if match := _CHANGE.fullmatch(item):
        return _level(_decimal(match[1]), "%")
    if match := _FACTOR.fullmatch(item):
        return _level(_decimal(match[1]), "x")
    try:
        value = parse_yaml(item, Path("--vary")).value
    except InputError as error:
        raise Refused(f"has '{item[:60]}', which {error.issues[0].what}", f"{error.issues[0].fix}") from None
    if value is None:
        raise Refused(f"has '{item[:60]}', which is nothing", "write a value")
    return Level(item, value=value)


def _level(number: Decimal, unit: str) -> Level:
    """A number as it is named, with the factor that it stands for."""
    if unit == "x":
        return Level(f"{plain(number)}x", _factor(number))
    if unit == "%":
        return Level(f"{'+' if number > 0 else ''}{plain(number)} %", _factor(1 + number / 100))
    text = f"{plain(number)}{unit}"
    return Level(text, value=parse_yaml(text, Path("--vary")).value)


def _factor(number: Decimal) -> Decimal:
    if number < 0 or number > MOST_FACTOR or 0 < number < LEAST_FACTOR:
        raise Refused(
            f"comes to {plain(number)[:20]} times what is written", f"write a factor up to {MOST_FACTOR}, like '0.5x'"
        )
    return EXACT.plus(number)


def _span(match: re.Match[str]) -> Span:
    low_unit, unit = match["low_unit"].strip(), match["high_unit"].strip()
    signed = match["low"][0] in "+-" or match["high"][0] in "+-"
    if low_unit not in ("", unit):
        raise Refused(f"goes from '{low_unit[:40]}' to '{unit[:40]}'", "write both ends in the same unit")
    low, high = _decimal(match["low"]), _decimal(match["high"])
    log = match["log"] is not None
    if log and (low <= 0 or (signed and unit == "%")):
        raise Refused("has no even ratios from zero, below it or in changes", "write factors, like '0.5x..2x:5:log'")
    if (unit == "%" and signed) or unit == "x":
        for end in (low, high):
            _level(end, unit)
        return Span(low, high, unit, log)
    # A percentage without a sign is in the field's own units.
    blank = " " if match["high_unit"][:1] == " " or unit == "%" else ""
    return Span(low, high, blank + unit, log)


def _ranged(span: Span, count: int) -> list[Level]:
    if not 2 <= count <= MOST_LEVELS:
        raise Refused(f"has a range of {count} values", f"write 2 to {MOST_LEVELS}")
    return [span.at(index / (count - 1)) for index in range(count)]


def _decimal(text: str) -> Decimal:
    number = decimal("".join(text.split()))
    if number is None:
        raise Refused(f"has the number {text[:40]}, which is too large or too long", "write a smaller one")
    return number


def plain(number: Decimal) -> str:
    """A decimal without an exponent and without zeros at its end.

    >>> plain(Decimal("2.50")), plain(Decimal("1E+3")), plain(Decimal("0.0"))
    ('2.5', '1000', '0')
    """
    text = f"{number + 0:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def times(written: Any, factor: Decimal) -> Any:
    """What is written, multiplied: a number, or the number in front of a unit.

    >>> times(1000, Decimal("0.55")), times("1_900 requests/s", Decimal(2)), times("250 ms at p99", Decimal(2))
    (550, '3800 requests/s', '500 ms at p99')

    Raises:
        Refused: there is no number, or it is a change or zero itself.
    """
    if factor == 1:
        return written
    if isinstance(written, int | float) and not isinstance(written, bool):
        number = _product(Decimal(repr(written)), factor)
        return int(number) if number == int(number) and isinstance(written, int) else float(number)
    match = re.fullmatch(rf"\s*({NUMBER})(.*)", written, re.ASCII) if isinstance(written, str) else None
    if match is None:
        raise Refused("is no number that could be multiplied", "write the values that it shall have")
    if match[1][0] in "+-" and "%" in match[2]:
        raise Refused("is a change itself", "write the changes that it shall have in quotes, like '\"-10 %\"'")
    return f"{plain(_product(_decimal(match[1]), factor))}{match[2]}"


def _product(number: Decimal, factor: Decimal) -> Decimal:
    if number == 0:
        raise Refused("is zero, whatever it is multiplied by", "write the values that it shall have")
    return EXACT.multiply(number, factor)
