"""A bundle that may stand on a pool of nodes, and the shape of group that it was grown on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fleetopt.capacity.bundles import Group, Kind, Member, Outcome, beside, judged
from fleetopt.optimizer.options import Pool
from fleetopt.scenario.bundling import Bundling

HALVINGS = 24
LEAST_RPS = 1e-6


@dataclass(frozen=True, eq=False)
class Sliced:
    """A member on a share of the GPUs, with the most that it carries alone there and beside others."""

    member: Member
    alone_rps: float
    beside_rps: float


@dataclass(frozen=True, eq=False)
class Shape:
    """Groups of so many GPUs on the nodes of a pool, and who may stand on one, by workload.

    `alone_rps` is the most that each carries by itself, resident; zero where that is nothing. `sliced` are those whose
    profiles were measured on a share of the GPUs, the best of each share.
    """

    pool: Pool
    group: Group
    members: dict[str, Member]
    alone_rps: dict[str, float]
    allowed: Bundling
    sliced: tuple[Sliced, ...] = ()


@dataclass(frozen=True, eq=False)
class Bundle:
    """Members at their rates on one group, with what each has of it. `worth` is in GPUs of dedicated groups."""

    kind: Kind
    shape: Shape
    members: tuple[Member, ...]
    outcomes: tuple[Outcome, ...]
    worth: float

    @cached_property
    def rates(self) -> dict[str, float]:
        return {one.workload.name: out.rps for one, out in zip(self.members, self.outcomes, strict=True)}

    @property
    def parts(self) -> tuple[float, ...]:
        """The part of the group that each is charged for: that of its memory."""
        total = sum(out.memory_bytes for out in self.outcomes)
        return tuple(out.memory_bytes / total for out in self.outcomes)

    @property
    def order(self) -> tuple[float, int, str]:
        """The best first: what it stands for by GPU, then the largest."""
        return -self.worth / self.shape.group.gpus, -len(self.members), " ".join(sorted(self.rates))


def sliced(member: Member, group: Group, allowed: Bundling) -> Sliced | None:
    """A member on its share, None where it carries nothing or the scenario does not have GPUs cut up."""
    if allowed.spatial is None:
        return None
    alone_rps = largest_rps(member, group, allowed)
    beside_rps = largest_rps(beside(member, allowed.spatial), group, allowed)
    return Sliced(member, alone_rps, beside_rps) if alone_rps else None


def largest_rps(member: Member, group: Group, allowed: Bundling) -> float:
    """The largest rate that a member carries alone on a group, by halving; zero where it carries none."""
    if judged("colocated", [member], [LEAST_RPS], group, allowed) is None:
        return 0.0
    low, high = LEAST_RPS, 2.0 / member.prefill.mean_s
    for _ in range(HALVINGS):
        rps = 0.5 * (low + high)
        low, high = (low, rps) if judged("colocated", [member], [rps], group, allowed) is None else (rps, high)
    return low
