"""Tables to be shown: plain rows of text, made once and drawn as terminal tables, Markdown or anything else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

BINDS = {
    "network": "network",
    "ttft": "TTFT",
    "tpot": "TPOT",
    "kv_memory": "KV memory",
    "throughput": "throughput",
    "profile_end": "end of profile",
    "stated": "stated rate",
    "bundle": "its bundle",
}
"""What keeps a replica's capacity from being larger, in words."""


@dataclass(frozen=True, slots=True)
class View:
    """A titled table. `numeric` names the columns that are set flush right."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str] = frozenset()
    note: str = ""


def view(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    text: int = 1,
    words: Collection[str] = (),
    note: str = "",
) -> View:
    """A view whose first `text` columns, and those named in `words`, are words and the others numbers."""
    numeric = frozenset(columns[text:]) - frozenset(words)
    return View(title, tuple(columns), tuple(tuple(row) for row in rows), numeric, note)


def plain(text: str) -> str:
    r"""Text without what a browser or a spreadsheet would obey instead of showing: control and direction characters.

    >>> plain("a\x00b\u202ec")
    'a b c'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def usd(value: float) -> str:
    """Dollars to the cent.

    >>> usd(1234567.891), usd(-3.0)
    ('1,234,567.89', '-3.00')
    """
    return f"{value:,.2f}"


def number(value: float) -> str:
    """A number to three significant digits, or whole if it is large.

    >>> number(25066.3), number(12.519), number(0.04567)
    ('25,066', '12.5', '0.0457')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def count(value: float) -> str:
    """How many, with two decimals where they are shares of whole ones.

    >>> count(1234), count(0.6666)
    ('1,234', '0.67')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def percent(value: float) -> str:
    """A fraction as a percentage.

    >>> percent(0.9778), percent(0.0001)
    ('97.8 %', '0.01 %')

    >>> percent(1e-7)
    '< 0.001 %'
    """
    scaled = 100 * value
    if 0 < scaled < 0.001:
        return "< 0.001 %"
    return f"{scaled:.1f} %" if abs(scaled) >= 1 or scaled == 0 else f"{scaled:.2g} %"


def time(seconds: float | None) -> str:
    """A latency in the unit that reads best.

    >>> time(0.0188), time(2.0), time(None)
    ('18.8 ms', '2 s', '-')
    """
    if seconds is None:
        return "-"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def known_to(error: float | None) -> str:
    """How well a figure is known.

    >>> known_to(0.0812), known_to(0.0004), known_to(None)
    ('+-8 %', '+-1 %', 'not known')
    """
    return "not known" if error is None else f"+-{max(1, round(100 * error))} %"
