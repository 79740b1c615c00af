"""Whatever a trace holds: means are kept, the day has 24 hours, peaks stay, and the order of rows plays no part."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetopt.ingest.traces.domain import TraceReading
from fleetopt.ingest.traces.options import TraceOptions
from fleetopt.ingest.traces.read import read_trace
from tests.ingest.traces.conftest import Request, table

prove = settings(derandomize=True, deadline=None, max_examples=40, database=None)

REQUESTS = st.lists(
    st.tuples(
        st.integers(0, 3 * 86_400_000).map(lambda ms: ms / 1000), st.integers(1, 200_000), st.integers(1, 20_000)
    ),
    min_size=2,
    max_size=80,
    unique_by=lambda request: request[0],
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where traces are written."""
    return tmp_path_factory.mktemp("traces") / "trace.csv"


def _read(place: Path, requests: list[Request], names: list[str] | None = None, **options: int) -> TraceReading:
    place.write_text(table(requests, names))
    return read_trace(place, TraceOptions(slots=options.get("slots", 6), max_bins=options.get("bins", 64)))


@prove
@given(requests=REQUESTS, slots=st.integers(1, 24))
def test_slots_keep_the_mean_the_day_and_the_peak(place: Path, requests: list[Request], slots: int) -> None:
    """Weights sum to 24, every hour is in one slot, the mean rate is kept and the peak hour has its own slot."""
    reading = _read(place, requests, slots=slots)
    (traffic,) = reading.traffic
    assert sorted(hour for slot in reading.slots for hour in slot.hours) == list(range(24))
    rates = zip(reading.slots, traffic.slot_rps, strict=True)
    assert sum(slot.hours_per_day * rps for slot, rps in rates) / 24 == pytest.approx(traffic.mean_rps, rel=1e-12)
    assert max(traffic.slot_rps) == pytest.approx(traffic.peak.rps, rel=1e-12)
    assert len(reading.slots) <= max(slots, 2)
    if len(reading.slots) > 1:
        assert reading.slots[0].hours == (traffic.peak.hour,)


@prove
@given(requests=REQUESTS, slots=st.integers(2, 24))
def test_the_busiest_hour_can_be_the_peak(place: Path, requests: list[Request], slots: int) -> None:
    """Set apart, the busiest single hour is the peak slot at its true rate; mean rate and 24 hours are kept."""
    mean_rps = _read(place, requests).traffic[0].mean_rps
    reading = read_trace(place, TraceOptions(slots=slots, peak="busiest"))
    (traffic,) = reading.traffic
    assert sum(slot.hours_per_day for slot in reading.slots) == pytest.approx(24.0, rel=1e-12)
    weighted = (s.hours_per_day * rps for s, rps in zip(reading.slots, traffic.slot_rps, strict=True))
    assert sum(weighted) / 24 == pytest.approx(mean_rps, rel=1e-9)
    assert traffic.mean_rps == pytest.approx(mean_rps, rel=1e-9)
    if traffic.busiest.covered_s >= 1800 and len(reading.slots) > 1:
        assert traffic.slot_rps[0] == pytest.approx(traffic.busiest.rps, rel=1e-12)


@prove
@given(requests=REQUESTS, bins=st.integers(1, 70))
def test_bins_keep_counts_and_mean_lengths(place: Path, requests: list[Request], bins: int) -> None:
    """Shares sum to one, and the mean lengths over bins are those of the requests."""
    (traffic,) = _read(place, requests, bins=bins).traffic
    assert 1 <= len(traffic.lengths) <= bins
    assert math.fsum(b.share for b in traffic.lengths) == pytest.approx(1.0, abs=1e-12)
    for kind, at in (("input_tokens", 1), ("output_tokens", 2)):
        mean = math.fsum(r[at] for r in requests) / len(requests)
        assert math.fsum(b.share * getattr(b, kind) for b in traffic.lengths) == pytest.approx(mean, rel=1e-12)
        assert getattr(traffic, kind) == pytest.approx(mean, rel=1e-12)


@prove
@given(requests=REQUESTS, data=st.data())
def test_the_order_of_rows_plays_no_part(place: Path, requests: list[Request], data: st.DataObject) -> None:
    """A shuffled trace gives the same rates, slots, lengths and burstiness; only a flag tells the difference."""
    names = data.draw(st.lists(st.sampled_from(["a", "b"]), min_size=len(requests), max_size=len(requests)))
    order = data.draw(st.permutations(range(len(requests))))
    first = _read(place, requests, names)
    second = _read(place, [requests[i] for i in order], [names[i] for i in order])
    assert first.traffic == second.traffic
    assert first.slots == second.slots


@prove
@given(requests=REQUESTS)
def test_hours_hold_every_request_once(place: Path, requests: list[Request]) -> None:
    """Calendar hours are whole and in a row, hold all requests, and cover the trace to one mean gap after its end."""
    (traffic,) = _read(place, requests).traffic
    starts = [hour.start.timestamp() for hour in traffic.hours]
    assert starts == [starts[0] + 3600 * i for i in range(len(starts))]
    assert sum(hour.requests for hour in traffic.hours) == len(requests)
    times = [r[0] for r in requests]
    span = max(times) - min(times)
    assert sum(hour.covered_s for hour in traffic.hours) == pytest.approx(
        span * len(times) / (len(times) - 1), abs=1e-5
    )
