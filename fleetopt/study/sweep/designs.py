"""Which settings of the variables are run together.

*grid*: every combination. *one-at-a-time*: the scenario as it is, then each setting of each variable, the others being
as they are. *lhs*: a Latin hypercube (McKay, Beckman, Conover, Technometrics 21, 1979): n samples, of which each n-th
of every variable's range has one; sample i of a variable lies at (p_i + u_i) / n, with p a random permutation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Literal, TypeAlias

from fleetopt.errors import InputError, Issue
from fleetopt.study.sweep.levels import Level, Span
from fleetopt.study.sweep.variables import Variable

Design: TypeAlias = Literal["grid", "one-at-a-time", "lhs"]
Choice: TypeAlias = tuple[Level | None, ...]
"""A setting of each variable, None where it is left as it is."""


def choices(variables: Sequence[Variable], design: Design, samples: int, seed: int, most: int) -> list[Choice]:
    """The variants to run, in order.

    Raises:
        InputError: there are more than `most`, or a range has no count in a design that needs one.
    """
    if design != "lhs":
        issues = [_no_count(one) for one in variables if isinstance(one.values, Span)]
        if issues:
            raise InputError(issues)
    count = _count(variables, design, samples)
    if count > most:
        fix = "Vary less, take another design, or raise --most"
        raise InputError([Issue("too-many-variants", "--vary", f"makes {count:,} variants, over {most:,}", fix)])
    if design == "lhs":
        return list(_latin_hypercube(variables, samples, seed))
    return list(_grid(variables) if design == "grid" else _one_at_a_time(variables))


def _count(variables: Sequence[Variable], design: Design, samples: int) -> int:
    counts = [len(one.levels) for one in variables]
    return {"grid": prod(counts), "one-at-a-time": 1 + sum(counts), "lhs": samples}[design]


def _no_count(variable: Variable) -> Issue:
    return variable.issue("has a range without a count", "Write how many values, like '0.5x..2x:7', or --design lhs")


def _grid(variables: Sequence[Variable]) -> Iterator[Choice]:
    return product(*(one.levels for one in variables))


def _one_at_a_time(variables: Sequence[Variable]) -> Iterator[Choice]:
    as_it_is: list[Level | None] = [None] * len(variables)
    yield tuple(as_it_is)
    for index, variable in enumerate(variables):
        for level in variable.levels:
            yield (*as_it_is[:index], level, *as_it_is[index + 1 :])


def _latin_hypercube(variables: Sequence[Variable], samples: int, seed: int) -> Iterator[Choice]:
    # Only random() is promised to give the same numbers in every version of Python.
    random = Random(seed)  # noqa: S311 - samples, not secrets
    columns = []
    for variable in variables:
        order = sorted(range(samples), key=[random.random() for _ in range(samples)].__getitem__)
        columns.append([_sampled(variable, (place + random.random()) / samples) for place in order])
    return zip(*columns, strict=True)


def _sampled(variable: Variable, part: float) -> Level:
    if isinstance(variable.values, Span):
        return variable.values.at(part)
    levels = variable.values
    return levels[min(len(levels) - 1, int(part * len(levels)))]
