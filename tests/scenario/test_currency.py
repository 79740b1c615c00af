"""Prices in other currencies: dollars in the scenario, and where they come from in the plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import fleetopt
from fleetopt.errors import Issue
from fleetopt.scenario.load import load
from fleetopt.study.differences import inputs

Folder = Callable[..., Path]
Find = Callable[[Path], tuple[Issue, ...]]
OFFER = "    h200: {offer: nebius-8xh200-on-demand-eu-north1}\n"
EURO = "    h200: {offer: nebius-8xh200-on-demand-eu-north1, price: 2.5 EUR/GPU/h}\n"
BUY = "    buy: {node_type: 8xH200, kind: purchase, price: 1 CHF/node/h, upfront: 30 k EUR/GPU, term_months: 48}\n"
OWNED = "  owned: {old: {node_type: 8xH200, nodes: 2, price: 146 EUR/GPU/month}}\n"
RATES = "money: {rates: {EUR: {rate: 1.1 USD, source: ECB, date: 2026-10-01}, CHF: 1.2 USD}}\n"


def test_prices_become_dollars_and_say_how(folder: Folder) -> None:
    """Proves amount x rate x GPUs for each price there can be, with text, rate, source and date kept.

    Sensitivity: a rate the other way round would make 8 x 2.5 EUR 18.18 USD instead of 22.
    """
    supply = load(folder(OFFER, EURO + BUY + OWNED + RATES)).supply
    h200, buy = supply.lines
    assert h200.offer.usd_per_node_h == pytest.approx(8 * 2.5 * 1.1)
    assert "set to 22 USD/node/h" in h200.offer.provenance.source
    assert "2.5 EUR/GPU/h at 1.1 USD per EUR (ECB of 2026-10-01)" in h200.offer.provenance.source
    assert (buy.offer.usd_per_node_h, buy.offer.upfront_usd_per_node) == pytest.approx((1.2, 8 * 33_000.0))
    assert "1 CHF/node/h at 1.2 USD per CHF; 30 k EUR/GPU at" in buy.offer.provenance.source
    assert supply.stock[0].usd_per_node_h == pytest.approx(8 * 0.2 * 1.1)
    assert supply.conversions == (
        "offers.h200.price: 2.5 EUR/GPU/h at 1.1 USD per EUR (ECB of 2026-10-01)",
        "offers.buy.price: 1 CHF/node/h at 1.2 USD per CHF",
        "offers.buy.upfront: 30 k EUR/GPU at 1.1 USD per EUR (ECB of 2026-10-01)",
        "owned.old.price: 146 EUR/GPU/month at 1.1 USD per EUR (ECB of 2026-10-01)",
    )


def test_the_plan_keeps_what_was_written(folder: Folder) -> None:
    """Proves that the plan costs dollars and that its assumptions, which every report shows, name the rate."""
    scenario = load(folder(OFFER, EURO + RATES))
    plan = fleetopt.optimize(scenario)
    assert plan.verdict.passed
    assert [round(line.usd_per_node_h, 9) for line in plan.fleet] == [22.0] * len(plan.fleet)
    assert scenario.supply.conversions[0] in plan.provenance.assumptions


@pytest.mark.parametrize(
    ("written", "where", "words"),
    [
        (EURO, "supply.offers.h200.price", "Add what one is worth in dollars under money.rates, like 'EUR: 1.08 USD'"),
        (EURO + "money: {rates: {CHF: 1.2 USD}}\n", "supply.offers.h200.price", "is in EUR"),
        (EURO + "money: {rates: {EUR: 1.08}}\n", "money.rates.EUR", "unit"),
        (EURO + "money: {rates: {EUR: 0 USD}}\n", "money.rates.EUR", "not more than zero"),
        (EURO + "money: {rates: {EUR: 1.08 EUR}}\n", "money.rates.EUR", "EUR"),
        (EURO + "money: {rates: {EUR: 1 M USD}}\n", "money.rates.EUR", "more than any currency"),
        (EURO + "money: {rates: {EUR: 1 USD, USD: 1 USD}}\n", "money.rates.USD", "no other currency"),
        (EURO + "money: {rates: {EUR: 1 USD, euro: 1 USD}}\n", "money.rates.euro", "three capital letters"),
        (EURO + "money: {rates: {EUR: {source: ECB}}}\n", "money.rates.EUR", "rate"),
    ],
)
def test_a_currency_without_a_rate_is_one_error(
    folder: Folder, issues: Find, written: str, where: str, words: str
) -> None:
    """Proves that nothing is converted in silence, and that the error says what to add where."""
    [issue] = issues(folder(OFFER, written))
    assert where in issue.where
    assert words in f"{issue.what} {issue.fix}"


def test_another_rate_is_another_price_and_no_more(folder: Folder) -> None:
    """Proves that `compare` shows the dollars and where they come from, not the note on top."""
    one = load(folder(OFFER, EURO + RATES))
    other = load(folder(OFFER, EURO + RATES.replace("1.1 USD", "1.2 USD")))
    changed = [difference.about for difference in inputs(one, other)]
    assert changed == ["supply.lines.h200.offer.usd_per_node_h", "supply.lines.h200.offer.provenance.source"]
