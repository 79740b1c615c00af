"""Runs at nearly the same token lengths are points of one curve.

A benchmark that draws its prompts at random delivers 253.7 tokens in one run and 253.8 in the next; as lengths of their
own, each would be a curve of one point. Lengths within the capacities' tolerance (1 %) become
those of the longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fleetopt.capacity.lengths import SAME_LENGTH, is_same
from fleetopt.catalog.domain import AggregatedPoint

Lengths = tuple[float, float]


def levelled(points: Sequence[AggregatedPoint], known: Iterable[Lengths]) -> tuple[list[AggregatedPoint], list[str]]:
    """The points in their order with the lengths of their curves, and what to tell about it.

    Lengths that are known already stay, so that importing the same files again finds the same points.
    """
    curves = list(dict.fromkeys(known))
    at: dict[Lengths, Lengths] = {}
    for lengths in sorted({_of(point) for point in points}, reverse=True):
        near = max((one for one in curves if _is_near(lengths, one)), default=None)
        if near is None:
            curves.append(lengths)
        at[lengths] = near or lengths
    moved = sorted({target for own, target in at.items() if own != target})
    words = "tokens are taken as these, to be one curve"
    said = [f"lengths within {SAME_LENGTH:.0%} of {i:g} + {o:g} {words}" for i, o in moved]
    return [replace(p, input_tokens=at[_of(p)][0], output_tokens=at[_of(p)][1]) for p in points], said


def _of(point: AggregatedPoint) -> Lengths:
    return point.input_tokens, point.output_tokens


def _is_near(one: Lengths, curve: Lengths) -> bool:
    return is_same(one[0], curve[0]) and is_same(one[1], curve[1])
