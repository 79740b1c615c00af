"""Random questions about sites with fabrics, and the oracle that tries every node pattern on them.

A node pattern is tried as what it is: so many prefill and so many decode replicas in one node, every number of each, of
every two configs of one precision. Nothing is left out because something else looks better.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from random import Random

from fleetopt.catalog.domain import Candidate, PrefillProfile
from fleetopt.scenario.domain import Scenario, Workload
from fleetopt.scenario.supply_domain import Fabric
from tests.oracle import build
from tests.oracle.brute_force import Oracle, Pool, Way, capacity_rps

REQUEST_BYTES = 1e5 * build.INPUT
"""KV bytes of a request: those of a token on the test card, times the prompt."""


def fabric(
    between: float | None, inside: float | None = 1e12, *, fill: float = 1.0, total: float | None = None
) -> Fabric:
    """The fabric of the only site; speeds in requests/s."""
    gbit = None if total is None else 8.0 * total * REQUEST_BYTES / 1e9
    near, far = (None if speed is None else speed * REQUEST_BYTES for speed in (inside, between))
    return Fabric("main", near, far, fill, gbit)


class WiredOracle(Oracle):
    """The oracle with links between nodes and node patterns; `round_up` sets aside powers of two for a pattern."""

    def __init__(self, scenario: Scenario, *, round_up: bool = True) -> None:
        super().__init__(scenario)
        self.round_up = round_up

    def ways(self, workload: Workload) -> list[Way]:
        alone, found = super().ways(workload), []
        (wire,) = self.scenario.supply.fabrics
        for way, candidate in zip(alone, self._candidates(workload), strict=True):
            rps = way.rps
            if way.role != "aggregated":
                if wire.between_bytes_per_s is None:
                    continue
                share = way.gpus / self.gpus(way.pool)
                most = wire.fill * wire.between_bytes_per_s * share / REQUEST_BYTES
                rps = min(most, _sent(candidate, workload, wire.between_bytes_per_s))
            if rps > 0:
                found.append(way._replace(rps=rps))
        return [*found, *self._patterns(workload, wire)]

    def _candidates(self, workload: Workload) -> list[Candidate]:
        """In the order of the ways."""
        named = {(w.role, w.gpus, w.precision): None for w in super().ways(workload)}
        everything = product(self.scenario.models[workload.model].candidates, self.pools)
        kept = [one for one, pool in everything if one.config.gpu_type == self.gpu_type(pool)]
        return [one for one in kept if (one.role, one.config.gpus_per_replica, one.config.precision) in named]

    def _patterns(self, workload: Workload, wire: Fabric) -> list[Way]:
        if wire.inside_bytes_per_s is None:
            return []
        found = []
        models = self.scenario.models[workload.model].candidates
        for prefill, decode, pool in product(models, models, self.pools):
            fits = {prefill.config.gpu_type, decode.config.gpu_type} == {self.gpu_type(pool)}
            speak = prefill.config.precision == decode.config.precision
            if (prefill.role, decode.role) == ("prefill", "decode") and fits and speak:
                found += self._of_pair(workload, prefill, decode, pool, wire.inside_bytes_per_s)
        return found

    def _of_pair(
        self, workload: Workload, prefill: Candidate, decode: Candidate, pool: Pool, speed: float
    ) -> list[Way]:
        found, size = [], self.gpus(pool)
        for a, b in product(range(1, size), repeat=2):
            gpus = a * prefill.config.gpus_per_replica + b * decode.config.gpus_per_replica
            rps = min(a * _sent(prefill, workload, speed), b * capacity_rps(decode, workload))
            if gpus <= size and rps > 0:
                aside = 1 << (gpus - 1).bit_length() if self.round_up else gpus
                found.append(Way("aggregated", pool, aside, rps, prefill.config.precision, None))
        # Of those that set aside as much only the one that carries most can be wanted: they are alike otherwise.
        best = {way.gpus: way for way in sorted(found, key=lambda way: way.rps)}
        return list(best.values())


def _sent(candidate: Candidate, workload: Workload, speed: float) -> float:
    """What a prefill replica carries if its prompts' KV caches travel that fast; any other role as it is."""
    if not isinstance(candidate.profile, PrefillProfile):
        return capacity_rps(candidate, workload)
    assert workload.ttft is not None
    left = workload.ttft.limit_s - REQUEST_BYTES / speed
    return candidate.profile.points[0].tokens_per_s / workload.input_tokens - 1.0 / left if left > 0 else 0.0


def draw(random: Random) -> Scenario:
    """One or two workloads on nodes of 2 or 4 GPUs at a site with a fabric."""
    precisions = ("fp8",) if random.random() < 0.7 else ("fp8", "bf16")
    candidates = []
    for index in range(random.choice((1, 1, 2))):
        precision = random.choice(precisions)
        speed = 1000.0 * random.choice((2.5, 3.0, 4.0, 5.5))
        candidates.append(build.prefill(f"p{index}", speed, gpus=random.choice((1, 2)), precision=precision))
    for index in range(random.choice((1, 1, 2))):
        rps, precision = random.choice((0.75, 1.0, 1.5, 2.5)), random.choice(precisions)
        candidates.append(build.rate(f"d{index}", rps, "decode", gpus=random.choice((1, 2)), precision=precision))
    if random.random() < 0.4:
        candidates.append(build.rate("a", random.choice((0.5, 0.75, 1.0)), gpus=random.choice((1, 2))))
    wire = fabric(
        random.choice((None, 0.5, 2.0, 4.0, 8.0, 100.0)),
        random.choice((None, 5.0, 1e12, 1e12)),
        fill=random.choice((1.0, 1.0, 0.5)),
    )
    if wire.inside_bytes_per_s is None and wire.between_bytes_per_s is None:
        wire = replace(wire, inside_bytes_per_s=1e20)
    demand = [random.uniform(0.3, 4.0) for _ in range(random.choice((1, 1, 2)))]
    lines = [build.line("l", f"Ax{random.choice((2, 4))}", random.choice((1.0, 3.0)))]
    workloads = [build.workload(f"w{index}", round(rps, 2)) for index, rps in enumerate(demand)]
    return build.scenario(workloads, candidates, lines, fabrics=(wire,))
