"""What an import found that contradicts itself, the same table for every kind of evidence."""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.ingest.reading import Flag
from fleetopt.report.view import View, view


def flag_view(flags: Iterable[Flag]) -> View:
    """Every flag with what was done about it: kept, dropped or corrected."""
    return view("To look at", ["where", "what", "done"], [[one.where, one.what, one.done] for one in flags], text=3)
