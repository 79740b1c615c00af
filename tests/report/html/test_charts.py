from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from fleetopt.report.html import charts

PERIODS = ["2027-Q1", "2027-Q2"]
ROWS = {"a": [1.0, 2.0], "b": [3.0, -1.0]}


@pytest.fixture(scope="module")
def chart() -> charts.Chart:
    return charts.stacked("one", "Spend", PERIODS, ROWS, "USD")


def test_a_chart_is_well_formed_and_says_what_it_shows(chart: charts.Chart) -> None:
    """One svg element with a role and a label; ends of the sums stand in the label."""
    root = ET.fromstring(chart.svg)
    assert root.tag.endswith("svg")
    assert (root.get("role"), root.get("width"), root.get("viewBox") is None) == ("img", None, False)
    assert root.get("aria-label") == (
        "Spend: 2 series over 2 periods; 2027-Q1 4 USD in all, 2027-Q2 1 USD in all; the table has every number"
    )


def test_names_of_rows_are_in_the_legend_and_not_in_the_picture() -> None:
    """What a user wrote is never part of an SVG; it is text of the page, in the order of the stack."""
    hostile = {'<script>"$\\frac{1': [1.0, 1.0], "_hidden": [1.0, 1.0], "\N{FIRE}": [1.0, 1.0]}
    chart = charts.stacked("x", "Spend", PERIODS, hostile, "USD")
    assert [name for _, name in chart.legend] == list(hostile)
    words = set(re.findall(r"<text[^>]*>([^<]*)</text>", chart.svg))
    assert words <= {"Q1", "Q2", "2027", "USD"} | {w for w in words if re.fullmatch(r"[\d.\u2212-]+( [kMG])?", w)}


def test_two_charts_on_a_page_share_no_ids(chart: charts.Chart) -> None:
    """Every id carries the chart's name, every reference points to an id of its own chart."""
    other = charts.lines("two", "Price", PERIODS, {"a": [1.0, None]}, "USD")
    for name, one in (("one", chart), ("two", other)):
        ids = re.findall(r'\sid="([^"]+)"', one.svg)
        used = re.findall(r"(?:url\(|href=\")#([^)\"]+)", one.svg)
        assert set(used) <= set(ids)
        assert all(found.startswith(f"{name}-") for found in ids)


def test_colours_are_told_apart_and_the_rest_is_grey() -> None:
    """Seven rows have seven colours; what is put together is grey."""
    rows = {**{str(n): [1.0, 1.0] for n in range(6)}, "others, 4": [1.0, 1.0]}
    legend = charts.stacked("x", "t", PERIODS, rows, "USD").legend
    assert len({colour for colour, _ in legend}) == 7
    assert legend[-1] == (charts.OTHERS, "others, 4")


def test_the_same_numbers_make_the_same_picture(chart: charts.Chart) -> None:
    """No clock and no chance is in a picture."""
    assert charts.stacked("one", "Spend", PERIODS, ROWS, "USD") == chart


def test_many_periods_have_few_words_under_the_axis() -> None:
    """With 24 months no more than eight are named, so that they do not run into each other."""
    months = [f"{2027 + n // 12}-{n % 12 + 1:02d}" for n in range(24)]
    svg = charts.fan("x", "t", months, [(1.0, 2.0, 3.0)] * 24, "USD").svg
    assert 4 <= len(re.findall(r">202[78]</text>", svg)) <= charts.MOST_TICKS
