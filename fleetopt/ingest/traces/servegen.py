"""ServeGen's arrival rates: model and time with mean requests per second, in windows of ten minutes or an hour.

Source: alibaba/ServeGen, Apache-2.0, summed over its clients. Columns `model, t_s, req_per_s` or `model, hour,
mean_req_per_s, peak_10min_req_per_s`. There are no single requests, hence neither lengths nor burstiness; levels may
have been scaled by their publisher, so take the shape and not the size.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from fleetopt.documents import Row, read_table, shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.traces.clock import LONGEST_US, to_us
from fleetopt.ingest.traces.format import Content, Rates, Window, header_of
from fleetopt.ingest.traces.options import NOMINAL_START, TraceOptions
from fleetopt.ingest.traces.streams import is_name

FINE = ("model", "t_s", "req_per_s")
HOURLY = ("model", "hour", "mean_req_per_s", "peak_10min_req_per_s")
HOUR_S = 3600.0
MOST_RPS = 1e9


class ServeGen:
    """The format's reader."""

    name = "servegen"
    title = "ServeGen rate table"

    def recognises(self, head: bytes) -> bool:
        """One of its two headers."""
        return tuple(header_of(head)) in (FINE, HOURLY)

    def open(self, path: Path, head: bytes, options: TraceOptions) -> Content:
        """Its windows."""
        fine = "t_s" in header_of(head)
        rows, _ = read_table(path, FINE if fine else HOURLY)
        began = to_us(options.start or NOMINAL_START.replace(tzinfo=options.timezone))
        length_s = _step_s(rows, path) if fine else HOUR_S
        windows = tuple(_window(row, began, length_s, fine=fine) for row in rows)
        _check_overlap(windows, rows)
        taken = "as --start says" if options.start else "taken for midnight; --start says otherwise"
        understood = (
            f"mean rates over {length_s / 60:g} min; no single requests, hence no lengths and no burstiness",
            f"times count from the start of the trace, {taken}",
        )
        return Rates(understood, windows)


def _step_s(rows: list[Row], path: Path) -> float:
    """The window's length: the smallest distance between two times."""
    times = sorted({row.number("t_s", most=LONGEST_US / 1e6) for row in rows})
    if len(times) < 2:
        fix = "Give at least two windows; their distance is their length"
        raise InputError([Issue("too-short", shown(path), "holds a single time", fix)])
    step = min(later - earlier for earlier, later in pairwise(times))
    if HOUR_S % step:
        what = f"has windows of {step:g} s, which do not divide an hour"
        raise InputError([Issue("bad-value", shown(path), what, "Check the times")])
    return step


def _window(row: Row, began_us: int, length_s: float, *, fine: bool) -> Window:
    name = row.text("model")
    if not is_name(name):
        raise row.fail("model", "is no name of a model", "Shorten it")
    if fine:
        start_s, rps = row.number("t_s", most=LONGEST_US / 1e6), row.number("req_per_s", most=MOST_RPS)
    else:
        start_s = HOUR_S * row.whole("hour", least=0, most=LONGEST_US // 3_600_000_000)
        rps = row.number("mean_req_per_s", most=MOST_RPS)
    if start_s % length_s:
        raise row.fail("t_s", f"{start_s:g} is not a multiple of {length_s:g} s", "Check the times")
    return Window(name, began_us + round(start_s * 1_000_000), length_s, rps)


def _check_overlap(windows: tuple[Window, ...], rows: list[Row]) -> None:
    seen: set[tuple[str, int]] = set()
    for window, row in zip(windows, rows, strict=True):
        if (window.model, window.start_us) in seen:
            raise row.fail("model", "repeats a model and time", "Keep one of the rows")
        seen.add((window.model, window.start_us))
