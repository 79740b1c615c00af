"""Slots, bins, burstiness and prefix caches, against what can be worked out another way."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from fleetopt.ingest.traces.burst import burstiness
from fleetopt.ingest.traces.domain import HourOfDay
from fleetopt.ingest.traces.grid import Grid
from fleetopt.ingest.traces.lengths import length_bins
from fleetopt.ingest.traces.prefix import PrefixTracker
from fleetopt.ingest.traces.slots import choose_slots, slot_rates, slot_tokens

HOUR_US = 3_600_000_000


def _day(rates: list[float]) -> list[HourOfDay]:
    return [HourOfDay(hour, rate, 1, 100.0, 10.0) for hour, rate in enumerate(rates)]


def _spread(values: list[float]) -> float:
    return sum((value - sum(values) / len(values)) ** 2 for value in values)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [2, 3, 4])
def test_levels_are_the_best_of_all_cuts(seed: int, most: int) -> None:
    """Of all ways to cut the sorted hours beside the peak into runs, none has a smaller sum of squares."""
    rates = [float(rate) for rate in np.random.default_rng(seed).integers(1, 1000, 24)]
    slots = choose_slots([_day(rates)], most)
    rest = sorted(rates, reverse=True)[1:]
    cuts = combinations(range(1, 23), most - 2)
    least = min(sum(_spread(rest[a:b]) for a, b in pairwise((0, *cut, 23))) for cut in cuts)
    mine = sum(_spread([rates[hour] for hour in slot.hours]) for slot in slots[1:])
    assert mine == pytest.approx(least, rel=1e-9)


def test_two_levels_of_a_day_are_found_whatever_was_asked() -> None:
    """A day that is flat but for a night and a peak needs three slots, though 24 are allowed."""
    rates = [1.0] * 8 + [5.0] * 15 + [9.0]
    slots = choose_slots([_day(rates)], 24)
    assert [slot.hours_per_day for slot in slots] == [1, 15, 8]
    assert slot_rates(_day(rates), slots) == ((9.0, 5.0, 1.0), 0.0)


def test_each_model_keeps_its_own_peak() -> None:
    """Models that peak in different hours each have a slot at their peak, and shared levels for the rest."""
    early, late = _day([float(24 - h) for h in range(24)]), _day([float(1 + h) for h in range(24)])
    slots = choose_slots([early, late], 4)
    assert [slot.name for slot in slots][:2] == ["peak-00h", "peak-23h"]
    assert max(slot_rates(early, slots)[0]) == max(slot_rates(late, slots)[0]) == 24.0


def test_token_loads_part_hours_of_the_same_rate() -> None:
    """Hours of equal rates and different lengths do not end in one level."""
    day = [HourOfDay(h, 2.0 if h else 3.0, 1, 100.0 if h < 12 else 4000.0, 10.0) for h in range(24)]
    slots = choose_slots([day], 3)
    assert [slot.hours for slot in slots] == [(0,), tuple(range(12, 24)), tuple(range(1, 12))]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("most", [3, 4])
def test_slots_in_order_are_the_best_runs_of_the_clock(seed: int, most: int) -> None:
    """Proves: the peak alone, then runs of neighbouring hours around the clock, of which no others are closer.

    Sensitivity: levels of the same day would part neighbours and join hours from all over it.
    """
    rates = [float(rate) for rate in np.random.default_rng(seed).integers(1, 1000, 24)]
    slots = choose_slots([_day(rates)], most, in_order=True)
    top = rates.index(max(rates))
    around = [(top + step) % 24 for step in range(24)]
    assert [hour for slot in slots for hour in _from(slot.hours, around)] == around
    assert slots[0].name == "peak"
    rest = [rates[hour] for hour in around[1:]]
    least = min(
        sum(_spread(rest[a:b]) for a, b in pairwise((0, *cut, 23))) for cut in combinations(range(1, 23), most - 2)
    )
    mine = sum(_spread([rates[hour] for hour in slot.hours]) for slot in slots[1:])
    assert mine == pytest.approx(least, rel=1e-9)
    weighted = sum(s.hours_per_day * r for s, r in zip(slots, slot_rates(_day(rates), slots)[0], strict=True))
    assert weighted == pytest.approx(sum(rates))


def _from(hours: tuple[int, ...], around: list[int]) -> list[int]:
    return sorted(hours, key=around.index)


def test_every_peak_is_a_run_by_itself_and_names_say_when() -> None:
    """Proves: two models that peak at 00 and 12 h have four runs at least, named by their first hour and their end."""
    early, late = _day([9.0] + [1.0] * 23), _day([1.0] * 12 + [9.0] + [2.0] * 11)
    slots = choose_slots([early, late], 2, in_order=True)
    assert [slot.name for slot in slots] == ["peak-00h", "01h-12h", "peak-12h", "13h-00h"]
    assert [slot.hours_per_day for slot in slots] == [1, 11, 1, 11]


def test_tokens_of_a_slot_are_those_of_its_requests() -> None:
    """Proves: means over requests, not over hours; none where no hour knows any."""
    day = [HourOfDay(h, 3.0 if h else 9.0, 1, 100.0 if h < 2 else 400.0, 10.0) for h in range(24)]
    (peak, *rest) = choose_slots([day], 3, in_order=True)
    assert slot_tokens(day, peak) == (100.0, 10.0)
    assert slot_tokens(day, replace(peak, rows=(1, 2))) == (250.0, 10.0)
    assert slot_tokens(day, replace(peak, rows=(0, 2))) == (175.0, 10.0)
    assert slot_tokens([replace(hour, input_tokens=None) for hour in day], rest[0]) is None


def test_a_flat_day_is_one_slot() -> None:
    """Where no hour differs, no peak is made up."""
    assert [slot.name for slot in choose_slots([_day([2.0] * 24)], 6)] == ["day"]


def test_bins_part_what_differs_most() -> None:
    """Two bins of a trace of short and long prompts are the short and the long."""
    grid = Grid()
    grid.add(np.array([100, 110, 90, 8000, 9000]), np.array([50, 50, 50, 50, 50]))
    low, high = length_bins(grid, 2)
    assert (low.input_tokens, low.output_tokens, low.share) == (100.0, 50.0, 0.6)
    assert (high.input_tokens, high.output_tokens, high.share) == (8500.0, 50.0, 0.4)


def test_poisson_arrivals_have_unit_dispersion_whatever_the_day_does() -> None:
    """A Poisson process whose rate doubles every hour still has an index near 1 in every window, and CV^2 near 1."""
    draw = np.random.default_rng(7)
    hours = [np.sort(draw.integers(h * HOUR_US, (h + 1) * HOUR_US, 2000 * 2**h)) for h in range(5)]
    found = burstiness(np.concatenate(hours))
    assert found is not None
    assert found.gap_cv2 == pytest.approx(1.0, abs=0.05)
    assert [one.index for one in found.dispersion] == pytest.approx([1.0, 1.0, 1.0], abs=0.15)


def test_even_arrivals_have_no_dispersion() -> None:
    """One request every second is as even as can be."""
    found = burstiness(np.arange(0, 3 * HOUR_US, 1_000_000))
    assert found is not None
    assert [one.index for one in found.dispersion] == [0.0, 0.0, 0.0]
    assert found.gap_cv2 == pytest.approx(0.0, abs=1e-12)
    assert found.tick_s == 1.0


def test_batches_multiply_the_dispersion() -> None:
    """Ten requests at each moment of a Poisson process make the index of the moments ten times as large."""
    moments = np.sort(np.random.default_rng(3).integers(0, 2 * HOUR_US, 20_000)) // 1000 * 1000
    single, batched = burstiness(moments), burstiness(np.repeat(moments, 10))
    assert single is not None
    assert batched is not None
    for one, ten in zip(single.dispersion, batched.dispersion, strict=True):
        assert one.index is not None
        assert ten.index == pytest.approx(10 * one.index, rel=1e-9)


def test_a_cache_of_limited_size_forgets() -> None:
    """With room for two blocks, the prompt used longest ago is gone; without a limit it is found."""
    for size, ratio in ((None, 0.25), (1024, 0.0)):
        tracker = PrefixTracker(512, size)
        for blocks in ((1, 2), (3, 4), (5, 6), (1, 2)):
            tracker.add(blocks, 1024)
        found = tracker.result()
        assert found is not None
        assert found.hit_ratio == ratio


def test_a_prefix_ends_at_the_first_unknown_block() -> None:
    """A known block behind an unknown one does not count, and the last block counts with the tokens it has."""
    tracker = PrefixTracker(512, None)
    tracker.add((1, 2, 3), 1100)
    tracker.add((1, 9, 3), 1100)
    tracker.add((1, 2, 3), 1100)
    found = tracker.result()
    assert found is not None
    assert found.hit_ratio == (512 + 1100) / 3300
