"""Rules as they are stated."""

from __future__ import annotations

from fleetopt.optimizer.rules import Rules


def test_what_is_exact_is_stated_both_ways() -> None:
    """Proves that an equation is two rows, one each way, under sentences of their own and without a limit to relax."""
    rules = Rules()
    rules.at_exactly("counts_are_alike", ("w", "h1"), 0.0, 2.0)
    found = [(rule.sentence, rule.key, rule.sense, rule.bound, rule.limit) for rule in rules.all()]
    assert found == [
        ("counts_are_alike", ("w", "h1"), "<=", 2.0, None),
        ("counts_are_alike_and_no_less", ("w", "h1"), ">=", 2.0, None),
    ]
