"""The search: a first plan of every time at once, by choosing a pattern for one workload after another.

Given what is held, nodes are rented by the whole: cost jumps by a node, the cheapest line first. One workload at a time
changes to the pattern that makes the whole cheapest, beside what all others use; a little luck, less and less of it,
lets it leave a choice that only looks best (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983, with the random numbers
of Gumbel, so that every pattern is weighed in one stroke). All times are worked on together. Then nodes and orders are
found anew for the replicas, by the program itself, which also sees to every rule that the search does not know; and
again from there, while that helps.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fleetopt.optimizer.matrix import Floats, Ints
from fleetopt.optimizer.patterns.completing import completed
from fleetopt.optimizer.patterns.counted import without
from fleetopt.optimizer.patterns.covers import patterns
from fleetopt.optimizer.patterns.plain import Plain, Pools, Ways
from fleetopt.optimizer.patterns.relaxation import Point
from fleetopt.optimizer.patterns.relaxed import Ground
from fleetopt.optimizer.patterns.watch import THREADS, Watch

Singles: TypeAlias = npt.NDArray[np.float32]

ROUNDS = 6
CHOICES_AT_ONCE = 7_500
"""Workloads times times that are searched at once: their patterns take a few tens of kilobytes each."""

SWEEPS = 16
FEWEST = 10
SHARE_FOR_CHOOSING = 0.75
"""Sweeps over all workloads, how few there are at least, and of the time that is left what a round of them may take."""

WARMEST, COLDEST = 0.5, 0.003
"""How much luck weighs in the first and the last sweep, in rented nodes."""

LONG_RUN = 0.3
"""Weight of a pool's mean price in the prices by which patterns are listed: where GPUs are free at a time, not all are
equally well left idle."""

TIE = 0.02
"""Weight of these prices in the search: of patterns that take as many nodes, the one that leaves dearer GPUs free."""

DEAR, TOO_DEAR = 2.0, 300.0
"""How much dearer than rent a GPU is that nobody offers: when sweeps begin again, and at last. All may ask for GPUs
that are few, and as they grow dearer whoever is best off elsewhere leaves them."""

SAME = 1e-6
SHARE_OF_TIME = 0.3
SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Rent:
    """What more GPUs than are held cost: lines by rising price, arrays (lines, pools, times)."""

    gpus: Singles
    usd: Singles
    most: Singles
    beyond: Singles

    def at(self, times: slice) -> _Rent:
        """The lines at some times."""
        return _Rent(*(one[..., times] for one in (self.gpus, self.usd, self.most, self.beyond)))

    def cost(self, gpus: Singles, pools: Ints) -> Singles:
        """USD for GPUs beyond those held: an array (pools, times, patterns)."""
        missing, usd = np.maximum(gpus, 0.0), np.zeros_like(gpus)
        for line in range(len(self.gpus)):
            size = self.gpus[line, pools, :, None]
            nodes = np.minimum(np.ceil(missing / size - 1e-6), self.most[line, pools, :, None])
            usd += nodes * self.usd[line, pools, :, None]
            missing = np.maximum(missing - nodes * size, 0.0)
        usd += missing * self.beyond[pools, :, None]
        return usd


@dataclass(slots=True, eq=False)
class _Choice:
    """The patterns of a workload and which of them each time has; `used` is GPUs (pools, times, patterns)."""

    ways: Ways
    counts: npt.NDArray[np.uint16]
    pools: Ints
    used: Singles
    usd: Singles
    chosen: Ints

    def now(self) -> Singles:
        """GPUs in use: (pools, times)."""
        return self.used[:, np.arange(len(self.chosen)), self.chosen]

    def decide(self, beside: Singles, rent: _Rent, luck: Floats) -> None:
        """Takes the pattern that looks best at each time, next to the GPUs that others use beyond those held."""
        usd = (1.0 - TIE) * rent.cost(beside[:, :, None] + self.used, self.pools).sum(axis=0) + TIE * self.usd
        self.chosen = (usd - luck).argmin(axis=1)


def searching(watch: Watch, ground: Ground, point: Point, rounds: int = ROUNDS) -> Floats:
    """Plans from patterns at the prices of a relaxation, told to the watch as they get better.

    Args:
        watch: the clock, and whom to tell.
        ground: the program.
        point: an optimum of its relaxation, for prices and relaxed numbers; its orders are held at first.
        rounds: how many there are at most.

    Returns: the replicas that were chosen last, and what is tied; every other column at zero.
    """
    program, plain = ground.program, ground.plain
    price, hours = prices(plain.pools, point), _hours(plain)
    values, best = point.columns, np.inf
    for _ in range(rounds):
        held, rent = plain.pools.held(values), _rent(ground, point, values)
        one = _Round(plain, point, price, held, rent, SHARE_FOR_CHOOSING * watch.left_s)
        whole = np.where(plain.tied, point.columns, 0.0)
        for replicas in watch.each(partial(_chosen, watch, one), hours):
            for column, count in replicas:
                whole[column] = count
        whole = np.minimum(whole, program.column_upper)
        found = completed(watch, program, plain, whole, plain.replicas)
        if found.objective is None or found.values is None or found.objective >= best * (1.0 - SAME):
            break
        best, values = found.objective, found.values
        watch.keep("searching", best, values)
        if watch.done or watch.seconds > SHARE_OF_TIME * watch.options.time_limit_s:
            break
    return whole


@dataclass(slots=True, eq=False)
class _Hours:
    """Some of the times, searched by themselves, and what each workload had there last."""

    times: slice
    chosen: list[Ints] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class _Round:
    """What all times are searched with: prices of GPUs, those held, rent, and about how many seconds there are."""

    plain: Plain
    point: Point
    price: Floats
    held: Floats
    rent: _Rent
    seconds: float


def _hours(plain: Plain) -> list[_Hours]:
    """All times, in parts of a size that memory holds, as many as threads at least."""
    times = plain.pools.row.shape[1]
    count = max(min(THREADS, times), -(-times * len(plain.ways) // CHOICES_AT_ONCE))
    ends = np.linspace(0, times, count + 1).astype(int).tolist()
    return [_Hours(slice(first, last)) for first, last in pairwise(ends)]


def _chosen(watch: Watch, one: _Round, hours: _Hours) -> list[tuple[Ints, Ints]]:
    """The columns of the replicas of some times, and how many of each were chosen, workload by workload."""
    here, (pools, times) = hours.times, one.price.shape
    price, ways = one.price[:, here], [ways.at(here) for ways in one.plain.ways]
    choices = [_choice(own, price, own.replicas(one.point.columns), pools) for own in ways]
    for choice, chosen in zip(choices, hours.chosen, strict=False):
        choice.chosen = chosen
    budget_s = one.seconds * THREADS * (here.stop - here.start) / times
    scene = _Scene.of(choices, one.held[:, here], one.rent.at(here))
    _anneal(watch, scene, np.random.default_rng([SEED, here.start]), budget_s)
    hours.chosen = [choice.chosen for choice in choices]
    found = []
    for choice in choices:
        there = choice.ways.column >= 0
        counts = choice.counts[np.arange(len(choice.chosen)), choice.chosen]
        found.append((choice.ways.column[there], counts[there].astype(np.int32)))
    return found


def prices(pools: Pools, point: Point) -> Floats:
    """USD per GPU, (pools, times): of the time, mixed with what the pool costs at all times in proportion."""
    now = pools.price(point)
    weight = now.sum(axis=0) / max(float(now.sum()), 1e-12)
    return (1.0 - LONG_RUN) * now + LONG_RUN * now.sum(axis=1, keepdims=True) * weight  # type: ignore[no-any-return]


def listed(ways: Ways, price: Floats) -> Floats:
    """USD per replica at prices of GPUs (pools, times), for listing patterns: (times, options)."""
    return np.asarray(price[ways.pool].T * ways.gpus + 1e-9)


def _choice(ways: Ways, price: Floats, relaxed: Floats, pools: int) -> _Choice:
    """The patterns of a workload at some prices, the last of them for a start: the relaxed numbers made whole."""
    usd = listed(ways, price)
    found = patterns(ways, usd, relaxed)
    counts = found.astype(np.uint16)
    used = np.zeros((pools, *counts.shape[:2]), dtype=np.float32)
    for option, pool in enumerate(ways.pool):
        used[pool] += counts[:, :, option] * np.float32(ways.gpus[option])
    touched = np.flatnonzero(used.any(axis=(1, 2))).astype(np.int32)
    last = np.full(len(counts), counts.shape[1] - 1)
    return _Choice(ways, counts, touched, used[touched], np.einsum("tko,to->tk", found, usd).astype(np.float32), last)


def _rent(ground: Ground, point: Point, values: Floats) -> _Rent:
    """Lines by price, what other rules charge for a node included, and as many nodes as those rules have room for."""
    pools = ground.plain.pools
    most = _room(ground, values)[pools.nodes]
    dual = -point.row_dual[pools.row.reshape(-1)[pools.node_place]]
    usd = np.maximum(point.column_dual[pools.nodes] + dual * pools.node_gpus, 0.0)
    order = np.lexsort((usd / pools.node_gpus, pools.node_place))
    place = pools.node_place[order]
    line = np.arange(len(order)) - np.searchsorted(place, place)
    shape = (int(line.max(initial=0)) + 1, pools.row.size)
    arrays = [np.full(shape, default, np.float32) for default in (1.0, 0.0, 0.0)]
    for array, column in zip(arrays, (pools.node_gpus, usd, most), strict=True):
        array[line, place] = column[order]
    gpus, price, limit = (array.reshape(shape[0], *pools.row.shape) for array in arrays)
    beyond = np.full(pools.row.shape, TOO_DEAR * (price / gpus).max(), np.float32)
    return _Rent(gpus, price, limit, beyond)


def further(ground: Ground, point: Point) -> tuple[Floats, Floats]:
    """GPUs that can be had beyond those in use at a point at no more than their price, and USD for one beyond these.

    Both are (pools, times); where nobody offers more, it costs more than any rent.
    """
    rent, price = _rent(ground, point, point.columns), ground.plain.pools.price(point)
    rate, offered = rent.usd / rent.gpus, rent.most > 0.0
    cheap = offered & (rate <= price * (1.0 + SAME) + SAME)
    dearer = np.where(offered & ~cheap, rate, rent.beyond).min(axis=0)
    return (cheap * rent.most * rent.gpus).sum(axis=0, dtype=float), np.asarray(dearer, dtype=float)


def _room(ground: Ground, values: Floats) -> Floats:
    """The most there may be of each column next to the others' values: rows' slack in equal parts."""
    program = ground.program
    row = np.repeat(np.arange(program.rows.count), np.diff(program.rows.start))
    column, coefficient = program.rows.column, program.rows.coefficient
    slack = program.row_upper - np.bincount(row, coefficient * values[column], program.rows.count)
    node = np.zeros(program.cost.size, dtype=bool)
    node[ground.plain.pools.nodes] = True
    limits = np.isfinite(program.row_upper) & without(program, ground.counted.rows)
    limited = node[column] & (coefficient > 0.0) & limits[row]
    sharing = np.maximum(np.bincount(row[limited], minlength=program.rows.count), 1)
    at = column[limited]
    more = np.maximum(slack[row[limited]], 0.0) / (coefficient[limited] * sharing[row[limited]])
    room = program.column_upper.copy()
    np.minimum.at(room, at, np.floor(values[at] + more + 1e-6))
    return np.where(np.isfinite(room), room, 1e9)


@dataclass(slots=True, eq=False)
class _Scene:
    """The choices of all workloads at some times, next to GPUs that are held and rent: arrays (pools, times)."""

    choices: list[_Choice]
    held: Singles
    rent: _Rent
    used: Singles

    @classmethod
    def of(cls, choices: list[_Choice], held: Floats, rent: _Rent) -> _Scene:
        used = np.zeros(held.shape, np.float32)
        for choice in choices:
            used[choice.pools] += choice.now()
        return cls(choices, held.astype(np.float32), rent, used)

    def usd(self) -> Singles:
        """The rent at each time."""
        everywhere = np.arange(len(self.held), dtype=np.int32)
        return self.rent.cost((self.used - self.held)[:, :, None], everywhere).sum(axis=(0, 2))  # type: ignore[no-any-return]

    def sweep(self, draw: np.random.Generator, luck: float, dear: float) -> None:
        """Lets every workload choose again, in a drawn order, where GPUs that nobody offers are so much dearer."""
        node = luck * np.median(self.rent.usd[0], axis=0)[:, None]
        rent = replace(self.rent, beyond=np.float32(dear) * self.rent.beyond)
        for index in draw.permutation(len(self.choices)):
            choice = self.choices[index]
            self.used[choice.pools] -= choice.now()
            beside = (self.used - self.held)[choice.pools]
            choice.decide(beside, rent, node * draw.gumbel(size=choice.usd.shape))
            self.used[choice.pools] += choice.now()


def _anneal(watch: Watch, scene: _Scene, draw: np.random.Generator, budget_s: float) -> None:
    """Changes the choices to the best that were met at each time.

    Where all sweeps would take longer than the budget there are fewer, which grow cold as far.
    """
    best, kept = scene.usd(), [choice.chosen.copy() for choice in scene.choices]
    left, begun, first = [(WARMEST, 1.0)], perf_counter(), True
    while left and not watch.over:
        luck, dear = left.pop()
        scene.sweep(draw, luck, dear)
        if first:
            first = False
            left = _cooler(budget_s / (perf_counter() - begun))
        now = scene.usd()
        better = now < best * (1.0 - SAME)
        for choice, chosen in zip(scene.choices, kept, strict=True):
            chosen[better] = choice.chosen[better]
        best = np.minimum(now, best)
    for choice, chosen in zip(scene.choices, kept, strict=True):
        choice.chosen = chosen


def _cooler(sweeps: float) -> list[tuple[float, float]]:
    """The luck of the sweeps after the first, and how dear what nobody offers is, the last of them first."""
    count = int(max(FEWEST, min(SWEEPS, sweeps)))
    half = -(-count // 2)
    luck = np.geomspace(WARMEST, COLDEST, half)
    dear = np.concatenate([np.ones(half), np.geomspace(DEAR / TOO_DEAR, 1.0, half)])
    return list(zip(np.tile(luck, 2)[:0:-1].tolist(), dear[:0:-1].tolist(), strict=True))
