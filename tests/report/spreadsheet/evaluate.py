"""Computes the formulas of a workbook from its plain cells: sums, SUMIF, ROUND and arithmetic, and nothing else."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

TOKEN = re.compile(
    r"\s*(?:(?P<block>(?:'[^']+'!)?\$?[A-Z]+\$?\d+(?::\$?[A-Z]+\$?\d+)?)|(?P<name>[A-Z]+)\(|(?P<number>\d+(?:\.\d+)?)"
    r'|"(?P<text>[^"]*)"|(?P<sign>[-+*/(),]))'
)
APPLY: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


class Evaluator:
    """The values of all formulas of a workbook that openpyxl has read with its formulas."""

    def __init__(self, book: Any) -> None:
        self.book = book
        self._tokens: list[tuple[str, str]] = []
        self._sheet = ""

    def value(self, sheet: str, place: str) -> Any:
        """What a cell comes to."""
        cell = self.book[sheet][place]
        if cell.data_type != "f":
            return cell.value
        inner = Evaluator(self.book)
        inner._sheet = sheet
        inner._tokens = _tokens(cell.value[1:])
        found = inner._sum()
        assert not inner._tokens, f"{cell.value} is not read to its end"
        return found

    def _block(self, text: str) -> list[Any]:
        sheet, _, area = text.rpartition("!")
        name, area = sheet.strip("'") or self._sheet, area.replace("$", "")
        if ":" not in area:
            return [self.value(name, area)]
        return [self.value(name, cell.coordinate) for row in self.book[name][area] for cell in row]

    def _sum(self) -> Any:
        return self._chain("+-", lambda: self._chain("*/", self._leaf))

    def _chain(self, signs: str, part: Callable[[], Any]) -> Any:
        found = part()
        while self._tokens and self._tokens[0][0] == "sign" and self._tokens[0][1] in signs:
            sign = self._tokens.pop(0)[1]
            found = APPLY[sign](found, part())
        return found

    def _leaf(self) -> Any:
        kind, text = self._tokens.pop(0)
        if kind == "number":
            return float(text)
        if kind == "block":
            (found,) = self._block(text)
            return found or 0.0
        assert kind == "name", text
        return self._call(text)

    def _call(self, name: str) -> Any:
        if name == "ROUND":
            inner = self._sum()
            assert [self._tokens.pop(0)[1] for _ in range(3)] == [",", "2", ")"]
            return round(inner, 2)
        parts = [self._tokens.pop(0)]
        while self._tokens.pop(0)[1] == ",":
            parts.append(self._tokens.pop(0))
        if name == "SUM":
            return sum(v for _, block in parts for v in self._block(block) if isinstance(v, int | float))
        assert name == "SUMIF"
        keys, usd = self._block(parts[0][1]), self._block(parts[2][1])
        return sum(v for key, v in zip(keys, usd, strict=True) if key == parts[1][1] and v is not None)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match is not None, text
        assert match.lastgroup is not None
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found
