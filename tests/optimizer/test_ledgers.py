"""Ledgers: written first, sealed, then read."""

from __future__ import annotations

import pytest
from pyomo.core import value

from fleetopt.optimizer.ledgers import Ledger, Ledgers


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("served", "requests/s")


def test_posts_under_one_key_add_up(ledger: Ledger) -> None:
    """Proves: a total is the sum of what was posted, and zero where nothing was.
    Sensitivity: if a later post replaced an earlier one the total of 'a' would be 2 instead of 3.
    """
    for key, term in (("a", 1.0), ("b", 5.0), ("a", 2.0)):
        ledger.post(key, term)
    ledger.seal()
    assert value(ledger.total("a")) == 3.0
    assert value(ledger.total("never posted")) == 0.0
    assert [(key, value(term)) for key, term in ledger.entries()] == [("a", 3.0), ("b", 5.0)]


def test_posting_after_the_seal_is_refused(ledger: Ledger) -> None:
    """Proves: nobody adds to a sum that has been read.
    Sensitivity: a feature that posts in `constrain` would be served less than it promises, in silence.
    """
    ledger.seal()
    with pytest.raises(RuntimeError, match="ledger 'served' is sealed"):
        ledger.post("a", 1.0)


def test_reading_before_the_seal_is_refused(ledger: Ledger) -> None:
    """Proves: neither a total nor the entries can be read while posts may still come.
    Sensitivity: a feature that reads in `declare` would see the features before it and none after.
    """
    ledger.post("a", 1.0)
    with pytest.raises(RuntimeError, match="ledger 'served' is open"):
        ledger.total("a")
    with pytest.raises(RuntimeError, match="ledger 'served' is open"):
        ledger.entries()


def test_every_ledger_is_among_all() -> None:
    """Proves: the loop that seals the books misses none of them.
    Sensitivity: a ledger left out of `all()` would stay open and stop the first feature that reads it.
    """
    ledgers = Ledgers()
    named = {ledger.name for ledger in ledgers.all()}
    assert named == set(Ledgers.__dataclass_fields__)
