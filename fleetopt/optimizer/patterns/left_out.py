"""What options that were left out could have saved at most: the price check of a narrow program.

The optimum of a relaxation says what a GPU of each pool is worth at each time, what carrying a workload's demand is
worth there, and what each rounded row is worth. These prices bound the cost of every plan of the whole program too,
where no option is worth more than its GPUs. With g GPUs of price p, the part a of the demand that a replica carries and
the worth v of what it has in rounded rows, an option asks

    ask  =  (g p - v) / a              for all of the demand,

a link as much as the cheapest of its prefill and of its decode options together. Where somebody asks less than the
demand was thought to be worth, the demand's price is lowered to that, and the bound by the difference: the duals then
fit the whole program (weak duality, as in the bounds of column generation: Lasdon, Optimization Theory for Large
Systems, 1970). Duals of rounded rows may be any that are not negative: where options left out have more in these rows
than those that made them, a share of the duals, or none, proves more than all. Before that, prices of GPUs are raised
as far as the nodes that hold them would still not be worth their price: that costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from fleetopt.optimizer.case import PlanningCase
from fleetopt.optimizer.matrix import Flags, Floats, Ints, Program
from fleetopt.optimizer.patterns.plain import ROLES, Plain, Pools, Ways, pool_places
from fleetopt.optimizer.patterns.relaxation import Point
from fleetopt.optimizer.patterns.rounding import Rounded, rounded

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of the duals of rounded rows; the one that proves most is taken for each workload and time."""

RAISES = 3
"""How often prices are raised: what one pool no longer asks for, another may."""


@dataclass(frozen=True, slots=True, eq=False)
class Lost:
    """By how much the whole program may be cheaper than the narrow one, and what each option has to do with it."""

    usd: float
    by_option: Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """All options of a workload, and what its demand and its rounded rows are worth.

    `part` and `credit` are (times, options): the part of the demand that a replica carries, and USD for what it has in
    rounded rows; `most` is how many replicas there may be. `links` has the options of each role of each link. `worth`
    is USD for the demand at each time and `rounding` that for the right sides of its rows; `excused` says when demand
    may go unserved at a price, which its worth must not be above.
    """

    workload: str
    part: Floats
    credit: Floats
    most: Floats
    gpus: Ints
    pool: Ints
    links: tuple[tuple[Ints, ...], ...]
    worth: Floats
    rounding: Floats
    excused: Flags

    def usd(self, price: Floats, share: float = 1.0) -> Floats:
        """What a replica costs at prices of GPUs (pools, times) beyond its worth in rounded rows: (times, options)."""
        return np.asarray(price[self.pool].T * self.gpus - share * self.credit)

    def asks(self, price: Floats, share: float = 1.0) -> Floats:
        """USD for all of the demand, never below zero: (times, options)."""
        usd = np.maximum(self.usd(price, share), 0.0)
        return np.divide(usd, self.part, out=np.full_like(usd, np.inf), where=self.part > 0)

    def by_role(self, asks: Floats) -> list[list[Floats]]:
        """The least that is asked, by link and role: arrays (times)."""
        return [[asks[:, role].min(axis=1) for role in link] for link in self.links]

    def lost(self, price: Floats) -> Floats:
        """USD at each time: how much less than was thought the demand and the rows together are proven to be worth."""
        proven = np.max([self.proven(price, share) for share in SHARES], axis=0)
        return np.asarray(np.maximum(self.worth + self.rounding - proven, 0.0))

    def proven(self, price: Floats, share: float) -> Floats:
        """USD at each time that whoever carries the demand costs at least, by a share of the duals of rounded rows."""
        least: Floats = np.min([np.sum(roles, axis=0) for roles in self.by_role(self.asks(price, share))], axis=0)
        demand = np.where(self.excused, np.minimum(least, self.worth), least)
        return np.asarray(demand + share * self.rounding - self.given(price, share).sum(axis=1))

    def given(self, price: Floats, share: float = 1.0) -> Floats:
        """USD that as many replicas as there may be are worth more than they cost, without any demand."""
        return np.maximum(-self.usd(price, share), 0.0) * self.most


def lost(case: PlanningCase, plain: Plain, matrix: Program, point: Point, rows: Iterable[Rounded]) -> Lost:
    """What a narrow program loses at most.

    Args:
        case: the whole case.
        plain: the arrays of the narrow program; GPUs of a pool that it has no options on are taken to be free.
        matrix: the narrow program.
        point: an optimum of its relaxation with the rows.
        rows: the rounded rows, in the order in which they were added. Others may have been added after them.
    """
    rows = list(rows)
    added = _added(rows, point.row_dual[matrix.rows.count : matrix.rows.count + len(rows)])
    wholes = [_whole(case, ways, point, added.get(ways.workload, [])) for ways in plain.ways]
    price = _raised(wholes, plain.pools, matrix, point)
    usd, by_option = 0.0, {}
    for whole in wholes:
        missing = whole.lost(price)
        usd += float(missing.sum())
        by_option[whole.workload] = _blamed(whole, whole.asks(price), missing) + whole.given(price).sum(axis=0)
    return Lost(usd, by_option)


def _added(rows: Iterable[Rounded], duals: Floats) -> dict[str, list[tuple[Rounded, float]]]:
    found: dict[str, list[tuple[Rounded, float]]] = {}
    for row, dual in zip(rows, duals, strict=True):
        if dual > 0.0:
            found.setdefault(row.workload, []).append((row, float(dual)))
    return found


def _whole(case: PlanningCase, ways: Ways, point: Point, added: list[tuple[Rounded, float]]) -> _Whole:
    options = case.options[ways.workload]
    rps = np.array([case.planned_rps[ways.workload, *time] / case.capability[time[2]] for time in case.times])
    part = np.minimum(1.0, np.array([o.capacity_rps for o in options]) / np.where(rps > 0, rps, np.inf)[:, None])
    role = np.array([ROLES.index(option.capacity.candidate.role) for option in options])
    links = _links(case, ways.workload, role)
    useful = np.isin(np.arange(len(options)), np.concatenate([one for link in links for one in link]))
    credit, rounding = np.zeros_like(part), np.zeros(len(part))
    for row, usd in added:
        members = np.flatnonzero(useful & ((role == row.role) | (role == ROLES.index("aggregated"))))
        coefficient = rounded(part[None, row.time, members], np.array([row.divisor]))[1][0]
        credit[row.time, members] += usd * coefficient
        rounding[row.time] += usd * row.lower
    pools = pool_places(case)
    return _Whole(
        workload=ways.workload,
        part=part,
        credit=credit,
        most=np.array([option.most for option in options], float),
        gpus=np.array([option.node_gpus for option in options], np.int32),
        pool=np.array([pools[option.pool] for option in options], np.int32),
        links=links,
        worth=np.where(ways.demand >= 0, np.maximum(point.row_dual[ways.demand], 0.0), 0.0),
        rounding=rounding,
        excused=ways.excused >= 0,
    )


def _links(case: PlanningCase, workload: str, role: Ints) -> tuple[tuple[Ints, ...], ...]:
    """The options of each role of each link that has both, and all aggregated ones."""
    at = [option.link for option in case.options[workload]]
    found = []
    for link in dict.fromkeys(at):
        here: Flags = np.array([one == link for one in at])
        found.append(tuple(np.flatnonzero(here & (role == place)).astype(np.int32) for place in (0, 1)))
    alone = np.flatnonzero(role == ROLES.index("aggregated")).astype(np.int32)
    return tuple(link for link in (*found, (alone,)) if all(map(len, link)))


def _raised(wholes: list[_Whole], pools: Pools, matrix: Program, point: Point) -> Floats:
    """USD per GPU, (pools, times): what the relaxation says, and more where somebody asks too little."""
    price = pools.price(point)
    # Where GPUs are there without a node to pay for, a higher price has its price.
    free = (pools.row >= 0) & (matrix.row_upper[pools.row] == 0.0)
    left = np.maximum(point.column_dual, 0.0)
    for _ in range(RAISES):
        more = np.where(free, np.maximum(_needed(wholes, price) - price, 0.0), 0.0).reshape(-1)
        np.minimum.at(more, pools.node_place, left[pools.nodes] / pools.node_gpus)
        asked = np.bincount(pools.orders, pools.order_gpus * more[pools.order_place], left.size)
        share = np.divide(left, asked, out=np.ones_like(left), where=asked > left)
        least = np.ones_like(more)
        np.minimum.at(least, pools.order_place, share[pools.orders])
        more *= least
        np.subtract.at(left, pools.nodes, pools.node_gpus * more[pools.node_place])
        np.subtract.at(left, pools.orders, pools.order_gpus * more[pools.order_place])
        left = np.maximum(left, 0.0)
        price = price + more.reshape(price.shape)
    return price


def _needed(wholes: list[_Whole], price: Floats) -> Floats:
    """Prices of GPUs at which nobody asks less than his demand is worth, in proportion to what they cost now."""
    needed = np.zeros_like(price)
    for whole in wholes:
        asks = whole.asks(price)
        np.maximum.at(needed, whole.pool, (whole.credit / whole.gpus).T)
        for link, least in zip(whole.links, whole.by_role(asks), strict=True):
            total = np.sum(least, axis=0)
            short, known = total < whole.worth, (total > 0) & np.isfinite(total)
            for role, asked in zip(link, least, strict=True):
                share = np.divide(asked, total, out=np.full_like(total, 1.0 / len(link)), where=known)
                for option in role if short.any() else ():
                    worth = whole.part[:, option] * share * whole.worth + whole.credit[:, option]
                    pool = whole.pool[option]
                    needed[pool] = np.maximum(needed[pool], np.where(short, worth / whole.gpus[option], 0.0))
    return needed


def _blamed(whole: _Whole, asks: Floats, missing: Floats) -> Floats:
    """USD by option: what is lost at the times at which an option is the cheapest of its role in the cheapest link."""
    usd, times = np.zeros(asks.shape[1]), np.arange(len(asks))
    cheapest = np.argmin([np.sum(roles, axis=0) for roles in whole.by_role(asks)], axis=0)
    for place, link in enumerate(whole.links):
        for role in link:
            option = role[asks[:, role].argmin(axis=1)]
            chosen = (cheapest == place) & (missing > 0.0)
            np.add.at(usd, option[chosen], missing[times[chosen]])
    return usd
