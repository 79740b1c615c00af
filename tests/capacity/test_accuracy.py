"""How far interpolation misses real measurements that it was not shown (data/README.md says where they come from)."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from fleetopt.capacity.left_out import cubic_error, typical_worst
from fleetopt.capacity.pchip import Pchip
from fleetopt.capacity.scattered import ScatteredDecode, scattered_error
from fleetopt.capacity.series import Series
from fleetopt.catalog.domain import AggregatedPoint, DecodePoint

DATA = Path(__file__).parent / "data"
Key = tuple[str, float, float]


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _silicon() -> dict[Key, list[AggregatedPoint]]:
    """Series of one build at one pair of lengths with at least three concurrencies; the rate is Little's."""
    series: dict[Key, list[AggregatedPoint]] = defaultdict(list)
    for row in _rows("silicon_aggregated.csv"):
        lengths = float(row["input_tokens"]), float(row["output_tokens"])
        load, ttft, tpot = float(row["concurrency"]), float(row["ttft_ms"]) / 1e3, float(row["tpot_ms"]) / 1e3
        rate = load / (ttft + tpot * (lengths[1] - 1.0))
        series[row["build"], *lengths].append(AggregatedPoint(*lengths, load, rate, ttft, tpot))
    return {key: sorted(rows, key=lambda p: p.concurrency) for key, rows in series.items() if len(rows) >= 3}


def _decode(name: str) -> tuple[DecodePoint, ...]:
    points = [(float(r["context_tokens"]), float(r["batch"]), float(r["tpot_ms"]) / 1e3) for r in _rows(name)]
    return tuple(DecodePoint(*point) for point in sorted(points))


def test_aggregated_serving_foretells_points_left_out() -> None:
    """Proves TPOT within 5 % median and 12 % P90, rate within 3 % and 7 %, on 552 points of 176 series never shown."""
    tpots, rates = [], []
    series = _silicon()
    for (_, *lengths), rows in series.items():
        for i in range(1, len(rows) - 1):
            left, point = Series.through((lengths[0], lengths[1]), rows[:i] + rows[i + 1 :]), rows[i]
            tpots.append(abs(left.tpot.at(point.concurrency) / point.tpot_s - 1.0))
            rates.append(abs(left.rate_at(point.concurrency) / point.rate_rps - 1.0))
    assert (len(series), len(rates)) == (176, 552)
    assert np.percentile(tpots, (50, 90)) == pytest.approx((0.0244, 0.0749), abs=1e-4)
    assert np.percentile(rates, (50, 90)) == pytest.approx((0.0238, 0.0681), abs=1e-4)


def test_the_error_of_a_series_is_that_of_its_own_points_left_out() -> None:
    """Proves the error bar against the definition, at full length, on every series with enough points."""
    for (_, *lengths), rows in _silicon().items():
        off: dict[str, list[float]] = {"tpot": [], "rate": []}
        for i in range(1, len(rows) - 1):
            left, point = Series.through((lengths[0], lengths[1]), rows[:i] + rows[i + 1 :]), rows[i]
            off["tpot"].append(abs(left.tpot.at(point.concurrency) / point.tpot_s - 1.0))
            off["rate"].append(abs(left.rate_at(point.concurrency) / point.rate_rps - 1.0))
        error = Series.through((lengths[0], lengths[1]), rows).error
        # Of three to eight errors, nine in ten are all of them.
        assert error == (pytest.approx(max(*off["tpot"], *off["rate"])) if len(rows) >= 5 else None)


def test_scattered_decode_foretells_points_left_out() -> None:
    """Proves 3.3 % median and 10.2 % P90 on Dynamo's profile read as scattered points."""
    points, off = _decode("dynamo_decode.csv"), []
    for i, point in enumerate(points):
        found = ScatteredDecode(points[:i] + points[i + 1 :]).at(point.context_tokens)
        if found and found[0].first <= point.batch <= found[0].last:
            off.append(abs(found[0].at(point.batch) / point.tpot_s - 1.0))
    assert len(off) >= 30
    assert np.median(off) <= 0.04
    assert np.percentile(off, 90) <= 0.15
    assert scattered_error(ScatteredDecode(points)) == pytest.approx(0.1, abs=0.06)


def test_a_cubics_error_is_local() -> None:
    """Proves that five near points foretell a point left out exactly as all points do."""
    xs, ys = tuple(float(x) for x in range(1, 12)), tuple(float(1 + x * x % 7 + x) for x in range(1, 12))
    off = [
        Pchip.through(xs[:i] + xs[i + 1 :], ys[:i] + ys[i + 1 :]).at(xs[i]) / ys[i] - 1.0 for i in range(1, len(xs) - 1)
    ]
    assert cubic_error(Pchip.through(xs, ys)) == pytest.approx(typical_worst(off))


def test_few_points_say_nothing() -> None:
    """Proves that an error is not known, rather than small, where fewer than three inner points are left out."""
    assert cubic_error(Pchip.through((1.0, 2.0, 3.0, 4.0), (1.0, 2.0, 3.0, 4.0))) is None
    assert cubic_error(Pchip.through((1.0, 2.0, 3.0, 4.0, 5.0), (1.0, 2.0, 3.0, 4.0, 5.0))) == pytest.approx(0.0)
    assert scattered_error(ScatteredDecode((DecodePoint(100.0, 1.0, 0.01),))) is None
