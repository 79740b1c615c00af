"""Reads what a browser would: the tables of a page, and everything in it that could run or load something."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "base", "embed", "source"})


class Page(HTMLParser):
    """Tables by id as rows of text, all elements with their attributes, and elements that were never closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self._table: list[list[str]] | None = None
        self._cell: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._table = self.tables.setdefault(found["id"], [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            self._table = None
        elif tag in ("td", "th") and self._table is not None and self._cell is not None:
            self._table[-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._cell is not None:
            self._cell.append(data)

    def dangers(self) -> list[str]:
        """What could run or load something: scripts, handlers, frames, links that leave the page."""
        found = [
            tag for tag, _ in self.elements if tag in ("script", "iframe", "object", "embed", "img", "link", "base")
        ]
        for tag, attributes in self.elements:
            found += [f"{tag} {name}" for name in attributes if name.startswith("on")]
            links = [v for n, v in attributes.items() if n in ("href", "src", "xlink:href", "action", "srcset")]
            found += [link for link in links if not link.startswith("#")]
            found += [
                v for n, v in attributes.items() if n == "style" and ("url(" in v.replace("url(#", "") or "@" in v)
            ]
        return found


def money(cell: str) -> float:
    """A cell with dollars as a number."""
    return float(cell.replace(",", ""))
