"""Calendar hours out of windows of rates."""

from __future__ import annotations

from collections import defaultdict
from datetime import tzinfo
from pathlib import Path

from fleetopt.documents import shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.clock import to_moment
from fleetopt.ingest.traces.domain import Hour
from fleetopt.ingest.traces.format import Rates, Window
from fleetopt.ingest.traces.hours import hour_start_us


def rate_hours(path: Path, rates: Rates, zone: tzinfo) -> dict[str, tuple[Hour, ...]]:
    """Each model's hours that have a window, by name; a window belongs to the hour in which it begins.

    Raises:
        InputError: a model has no traffic at all.
    """
    by_model: dict[str, dict[int, list[Window]]] = defaultdict(lambda: defaultdict(list))
    for window in rates.windows:
        by_model[window.model][hour_start_us(window.start_us, zone)].append(window)
    found = {
        name: tuple(_hour(start, hours[start], zone) for start in sorted(hours)) for name, hours in by_model.items()
    }
    for name, hours in found.items():
        if not any(hour.requests for hour in hours):
            what = f"has no traffic for '{name[:60]}'"
            raise InputError([Issue("no-traffic", shown(path), what, "Take its rows out")])
    return dict(sorted(found.items()))


def _hour(start: int, windows: list[Window], zone: tzinfo) -> Hour:
    covered_s = sum(window.length_s for window in windows)
    requests = sum(window.rps * window.length_s for window in windows)
    return Hour(to_moment(start, zone), covered_s, requests, 0.0, None, None)
