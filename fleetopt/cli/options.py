"""What several verbs have in common: options that are quantities, and a line on stderr while somebody waits."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fleetopt.cli.failure import bad_option, printable

LONGEST_LINE = 100


def fraction_option(name: str, text: str) -> float:
    """A percentage from 0 to less than 100 %, with its sign: of '0.5' nobody knows whether it is a half."""
    from fleetopt.units import fraction

    try:
        value = fraction(text)
    except ValueError as error:
        raise bad_option(name, f"'{text}' {error}") from None
    if value > 0 and "%" not in text:
        raise bad_option(name, f"'{text}' has no unit; write '{text.strip()} %' or '{100 * value:g} %'")
    if not 0 <= value < 1:
        raise bad_option(name, f"'{text}' is not between 0 and 100 %")
    return value


def seconds_option(name: str, text: str, *, zero: bool = False) -> float:
    """A time, more than zero unless zero means something."""
    from fleetopt.units import seconds

    try:
        value = seconds(text)
    except ValueError as error:
        raise bad_option(name, f"'{text}' {error}") from None
    if value < 0 or (value == 0 and not zero):
        raise bad_option(name, f"'{text}' is not more than zero")
    return value


def told() -> Callable[[str, int], None]:
    """Says on a terminal's stderr what is being solved, one line that is written over."""
    if not sys.stderr.isatty():
        return lambda _what, _number: None

    def show(what: str, number: int) -> None:
        sys.stderr.write(f"\r\x1b[Ksolve {number}: {printable(what)[:LONGEST_LINE]}")
        sys.stderr.flush()

    return show


def wipe() -> None:
    """Takes the line off again."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
