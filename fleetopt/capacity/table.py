"""The capacity table: every workload against every candidate of its model that it allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from fleetopt.capacity.aggregated import aggregated_capacity
from fleetopt.capacity.decode import decode_capacity
from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import Capacity, CapacityTable, Reach, Rejection, SharedRate, latency_at
from fleetopt.capacity.fabric import reaches
from fleetopt.capacity.memory import kv_memory
from fleetopt.capacity.prefill import PrefillCurve, prefill_capacity
from fleetopt.capacity.promises import Answer, carried
from fleetopt.capacity.series import series_of
from fleetopt.capacity.stated import stated_capacity
from fleetopt.catalog.domain import (
    AggregatedProfile,
    Candidate,
    DecodeProfile,
    GpuType,
    Llm,
    ModelCard,
    PrefillProfile,
    RateProfile,
)
from fleetopt.scenario.domain import Margins, Scenario, Shortfall, Survive, Workload


@dataclass(frozen=True, slots=True)
class Evidence:
    """A candidate whose curves are built, ready to be asked by any workload of its model."""

    candidate: Candidate
    card: ModelCard
    margins: Margins
    answer: Callable[[Workload, float], Answer]

    def carries(self, workload: Workload) -> Answer:
        """What one replica of the candidate carries for a workload, or why it cannot."""
        if workload.longest_tokens > self.card.context_limit:
            asked = f"{workload.longest_tokens:g} tokens per request"
            reason = f"{asked} are more than the context limit of {self.card.name}, {self.card.context_limit}"
            return Rejection(workload.name, self.candidate, "context-limit", reason, None)
        slowdown, said = _slowdown(self.candidate, self.margins)
        answer = carried(workload, self.candidate.role, lambda one: self.answer(one, slowdown))
        if isinstance(answer, Rejection):
            return answer
        return replace(answer, assumptions=answer.assumptions + said, shared=answer.shared or _shared(workload, answer))


def evidence(candidate: Candidate, card: ModelCard, gpu: GpuType, margins: Margins) -> Evidence:
    """A candidate made ready: curves through its profile, KV memory, the slowdown of its kind of evidence."""
    return Evidence(candidate, card, margins, _answer(candidate, card, gpu))


def derive(scenario: Scenario) -> CapacityTable:
    """The capacity of every allowed pair, in the order of the workloads and then of candidate names."""
    return Derivation().table(scenario)


@dataclass(frozen=True, slots=True)
class Derivation:
    """Derives the tables of scenarios that are variants of one another, each part once for what it depends on.

    A curve depends on its profile, the GPU type and the margins; what a replica carries of a workload, on the curve and
    on what `asked_of_a_replica` leaves of the workload.
    """

    _ready: dict[tuple[object, ...], tuple[object, Evidence]] = field(default_factory=dict)
    _answers: dict[tuple[object, ...], tuple[object, tuple[Answer, ...]]] = field(default_factory=dict)

    def table(self, scenario: Scenario) -> CapacityTable:
        """The capacity of every allowed pair, in the order of the workloads and then of candidate names."""
        answers = [
            answer if reach is None else _reaching(answer, reach)
            for workload in scenario.workloads
            for reach, sending in _sending(scenario, workload)
            for answer in self._of(scenario, sending)
        ]
        return CapacityTable(
            rows=tuple(answer for answer in answers if isinstance(answer, Capacity)),
            rejections=tuple(answer for answer in answers if isinstance(answer, Rejection)),
        )

    def _of(self, scenario: Scenario, workload: Workload) -> tuple[Answer, ...]:
        asked, llm = asked_of_a_replica(workload), scenario.models[workload.model]
        # Identity tells catalogs apart, so what a key names by it is kept; the rest is told apart by all it says.
        kept = (llm, scenario.gpu_types)
        key = (repr(asked), scenario.margins, *map(id, kept))
        if key not in self._answers:
            candidates = sorted(llm.candidates, key=lambda one: one.name)
            allowed = [one for one in candidates if workload.allows(one.config, one.role)]
            found = tuple(self._evidence(scenario, llm, one).carries(asked) for one in allowed)
            self._answers[key] = (kept, found)
        return self._answers[key][1]

    def _evidence(self, scenario: Scenario, llm: Llm, candidate: Candidate) -> Evidence:
        gpu = scenario.gpu_types[candidate.config.gpu_type]
        kept = (candidate, llm.card, gpu)
        key = (scenario.margins, *map(id, kept))
        if key not in self._ready:
            self._ready[key] = (kept, evidence(*kept, scenario.margins))
        return self._ready[key][1]


def _reaching(answer: Answer, reach: Reach) -> Answer:
    if isinstance(answer, Rejection):
        return replace(answer, reach=reach, reason=f"{answer.reason} ({reach})")
    return replace(answer, reach=reach)


def _sending(scenario: Scenario, workload: Workload) -> Iterator[tuple[Reach | None, Workload]]:
    """The workload as it is, or, where the supply states fabrics, its prefill for every reach and then the rest."""
    if not scenario.supply.fabrics:
        yield None, workload
        return
    if "prefill" in workload.roles:
        prefill = replace(workload, roles=("prefill",))
        yield from reaches(prefill, scenario.models[workload.model].card, scenario.supply.fabrics)
    yield None, replace(workload, roles=tuple(role for role in workload.roles if role != "prefill"))


def asked_of_a_replica(workload: Workload) -> Workload:
    """A workload without what only the fleet as a whole is asked for: how often it comes, and what stands by.

    A pool behind one queue is as large as the demand with its headroom makes it, so that stays.
    """
    peak_rps = max(workload.demand_rps.values(), default=0.0) * (1.0 + workload.headroom) if workload.pooled else 0.0
    return replace(
        workload,
        demand_rps={("", "", ""): peak_rps},
        headroom=0.0,
        shortfall=Shortfall(0.0, 0.0),
        sites=None,
        least_replicas=(),
        spares=(),
        most_gpu_types=None,
        survive=Survive(),
        batch=None,
        priority=None,
        isolation=False,
        part_of=None,
    )


def _answer(candidate: Candidate, card: ModelCard, gpu: GpuType) -> Callable[[Workload, float], Answer]:
    profile = candidate.profile
    if isinstance(profile, PrefillProfile):
        prefill = PrefillCurve.of(profile)
        return lambda workload, slowdown: prefill_capacity(workload, candidate, prefill, slowdown=slowdown)
    if isinstance(profile, DecodeProfile):
        decode, kv = DecodeCurves.of(profile), kv_memory(candidate.config, card, gpu)
        return lambda workload, slowdown: decode_capacity(workload, candidate, decode, slowdown=slowdown, kv=kv)
    if isinstance(profile, AggregatedProfile):
        series = series_of(profile)
        return lambda workload, slowdown: aggregated_capacity(workload, candidate, series, slowdown=slowdown)
    return _stated(candidate, profile)


def _shared(workload: Workload, answer: Capacity) -> SharedRate | None:
    """What a bucket takes of a shared replica where its rate is linear in the share.

    Decode: a step's time is affine in the requests and their contexts, so that a mixture of batches that each keep
    TPOT keeps it. Aggregated serving and stated rates: Melange's assumption (arXiv 2404.14527, section 5.3).
    """
    if workload.family is None or workload.family.sharing == "none":
        return None
    if isinstance(answer.candidate.profile, PrefillProfile):
        return None
    return SharedRate(answer.capacity_rps, latency_at(answer, answer.capacity_rps))


def _stated(candidate: Candidate, profile: RateProfile) -> Callable[[Workload, float], Answer]:
    return lambda workload, slowdown: stated_capacity(workload, candidate, profile, slowdown=slowdown)


def _slowdown(candidate: Candidate, margins: Margins) -> tuple[float, tuple[str, ...]]:
    """The margin of the profile's evidence, and the sentence that says it was applied."""
    kind = candidate.profile.provenance.evidence
    margin = {"measured": margins.measured, "modelled": margins.modelled, "assumed": margins.assumed}[kind]
    return margin, (f"{kind} profile slowed by {100 * margin:g} %",) if margin > 0.0 else ()
