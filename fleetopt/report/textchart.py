"""A panel of curves as lines of text: Braille dots for the curves, a letter at each point, digits on the axes.

Letters tell the curves apart without colour. Drawn here rather than by plotext, whose calls changed from release to
release and which reads and sets the terminal's state.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from fleetopt.report.curves import LABELS, Line, Panel
from fleetopt.report.view import number

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a Braille cell, by row and column (Unicode, U+2800)."""

BLANK = "\u2800"
PROMISE, MARK, PLANNED = "\u2500", "\u2605", "+"
LEFT = 9
"""Columns for the numbers beside the vertical axis."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one style: the number of a curve, or -1 for what belongs to none, -2 for promises and marks."""

    text: str
    style: int = -1


@dataclass(slots=True)
class _Canvas:
    """Cells of a chart: Braille bits, a sign that hides them, and a style."""

    width: int
    height: int
    bits: dict[tuple[int, int], int] = field(default_factory=dict)
    signs: dict[tuple[int, int], str] = field(default_factory=dict)
    styles: dict[tuple[int, int], int] = field(default_factory=dict)

    def dot(self, x: float, y: float, style: int) -> None:
        """Sets the dot at fractions of width and height, from the lower left."""
        column = min(2 * self.width - 1, int(x * 2 * self.width))
        row = min(4 * self.height - 1, int((1.0 - y) * 4 * self.height))
        cell = (row // 4, column // 2)
        self.bits[cell] = self.bits.get(cell, 0) | _DOTS[row % 4][column % 2]
        self.styles.setdefault(cell, style)

    def sign(self, x: float, y: float, sign: str, style: int) -> None:
        cell = (min(self.height - 1, int((1.0 - y) * self.height)), min(self.width - 1, int(x * self.width)))
        self.signs[cell], self.styles[cell] = sign, style

    def row(self, row: int) -> Iterator[Span]:
        for column in range(self.width):
            cell = (row, column)
            sign = self.signs.get(cell) or (chr(0x2800 + self.bits[cell]) if cell in self.bits else " ")
            yield Span(sign, self.styles.get(cell, -1))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where a value stands between the ends of an axis, from 0 to 1."""

    low: float
    high: float
    log: bool

    def at(self, value: float) -> float:
        if self.high <= self.low:
            return 0.5
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def value(self, share: float) -> float:
        if self.log:
            return self.low * math.exp(share * math.log(self.high / self.low))
        return self.low + share * (self.high - self.low)


def chart(panel: Panel, width: int, height: int = 14) -> list[list[Span]]:
    """The lines of a chart of at most `width` columns: title, canvas with axes, legend."""
    canvas = _Canvas(max(20, width - LEFT - 2), height)
    x, y = _scales(panel)
    for index, line in enumerate(panel.lines):
        _trace(canvas, line, index, x, y)
    if panel.promise is not None and y.low <= panel.promise[1] <= y.high:
        for column in range(canvas.width):
            cell_x, cell_y = (column + 0.5) / canvas.width, y.at(panel.promise[1])
            canvas.sign(cell_x, cell_y, PROMISE, -2)
    for index, line in enumerate(panel.lines):
        for point in line.points:
            canvas.sign(x.at(point[0]), y.at(point[1]), letter(index), index)
    for mark in panel.marks:
        canvas.sign(x.at(mark.x), y.at(mark.y), MARK, -2)
    _, x_label, y_label = LABELS[panel.kind]
    body = [[Span(_y_number(y, row, height)), *canvas.row(row)] for row in range(height)]
    axis = [Span(" " * LEFT + "\u2514" + "\u2500" * canvas.width)]
    ends = number(x.low), x_label, number(x.high)
    gap = max(2, canvas.width - sum(map(len, ends)))
    below = [Span(" " * (LEFT + 1) + ends[0] + " " * (gap // 2) + ends[1] + " " * (gap - gap // 2) + ends[2])]
    title = f"{panel.title}{',' if ':' in panel.title else ':'} {y_label}"
    return [[Span(title)], *body, axis, below, *_legend(panel)]


def letter(index: int) -> str:
    """What stands for a curve at its points."""
    return "abcdefghijklmnopqrstuvwxyz"[index % 26]


def _scales(panel: Panel) -> tuple[_Scale, _Scale]:
    xs = [value for line in panel.lines for value in line.xs] + [mark.x for mark in panel.marks]
    ys = [value for line in panel.lines for value in (*line.ys, *(p[1] for p in line.points))]
    ys += [mark.y for mark in panel.marks]
    if panel.promise is not None and panel.promise[1] <= 4.0 * max(ys):
        ys.append(panel.promise[1])
    log = panel.kind == "ttft"
    return _Scale(min(xs), max(xs), log=True), _Scale(min(ys) if log else 0.0, 1.02 * max(ys), log=log)


def _trace(canvas: _Canvas, line: Line, index: int, x: _Scale, y: _Scale) -> None:
    places = [(x.at(a), y.at(b)) for a, b in zip(line.xs, line.ys, strict=True)]
    for (x0, y0), (x1, y1) in pairwise(places):
        steps = 1 + math.ceil(max(2 * canvas.width * abs(x1 - x0), 4 * canvas.height * abs(y1 - y0)))
        for step in range(steps + 1):
            share = step / steps
            if not (line.planned and step % 2):
                canvas.dot(x0 + share * (x1 - x0), y0 + share * (y1 - y0), index)


def _y_number(y: _Scale, row: int, height: int) -> str:
    share = 1.0 - (row + 0.5) / height
    text = number(y.value(share)) if row % 4 == 0 else ""
    return f"{text:>{LEFT}}" + ("\u2524" if text else "\u2502")


def _legend(panel: Panel) -> Iterator[list[Span]]:
    for index, line in enumerate(panel.lines):
        sign = "\u2839 " if line.planned else f"{letter(index)} "
        evidence = "" if line.planned else f", {line.candidate.profile.provenance.evidence}"
        yield [Span(" " * (LEFT + 1)), Span(sign, index), Span(line.label + evidence)]
    if panel.promise is not None:
        yield [Span(" " * (LEFT + 1)), Span(f"{PROMISE} ", -2), Span(panel.promise[0])]
    for mark in panel.marks:
        of = f"{mark.candidate.config.name}: " if len(panel.marks) > 1 else ""
        yield [Span(" " * (LEFT + 1)), Span(f"{MARK} ", -2), Span(f"{of}{mark.label}")]
