"""What a plan costs over all its futures: expected, in the worst of them, and as the scenario weighs the two.

CVaR is the mean of the dearest futures that together have probability 1 - level (Rockafellar and Uryasev 2000,
"Optimization of conditional value-at-risk", Journal of Risk 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fleetopt.plan.domain import ALL, CostLine
from fleetopt.scenario.domain import Risk


class Worth(NamedTuple):
    """Present values in USD; `cvar_usd` is None where the scenario does not weigh risk."""

    objective_usd: float
    expected_usd: float
    cvar_usd: float | None


def worth(costs: Iterable[CostLine], probability: Mapping[str, float], risk: Risk | None) -> Worth:
    """What the cost lines of a plan come to."""
    lines = list(costs)
    expected = sum(line.usd * line.probability * line.discount for line in lines)
    if risk is None:
        return Worth(expected, expected, None)
    tail = tail_mean(usd_by_outlook(lines, probability), probability, risk.level)
    return Worth((1.0 - risk.weight) * expected + risk.weight * tail, expected, tail)


def usd_by_outlook(costs: Iterable[CostLine], outlooks: Iterable[str]) -> dict[str, float]:
    """The present value of what each outlook costs."""
    lines = list(costs)
    return {
        outlook: sum(line.usd * line.discount for line in lines if line.outlook in (ALL, outlook))
        for outlook in outlooks
    }


def weighed(usd: Mapping[str, float], probability: Mapping[str, float], risk: Risk | None) -> float:
    """What futures of such costs come to together, as the scenario weighs them."""
    expected = sum(probability[outlook] * amount for outlook, amount in usd.items())
    if risk is None:
        return expected
    return (1.0 - risk.weight) * expected + risk.weight * tail_mean(usd, probability, risk.level)


def tail_mean(usd: Mapping[str, float], probability: Mapping[str, float], level: float) -> float:
    """The mean of the dearest outlooks that together have probability 1 - level, the last of them in part.

    >>> tail_mean({"low": 10.0, "base": 20.0, "high": 50.0}, {"low": 0.3, "base": 0.6, "high": 0.1}, 0.8)
    35.0
    """
    left = share = 1.0 - level
    total = 0.0
    for outlook in sorted(usd, key=lambda name: -usd[name]):
        taken = min(left, probability[outlook])
        total += taken * usd[outlook]
        left -= taken
    return round(total / share, 12) if left <= 1e-12 else total / (share - left)
