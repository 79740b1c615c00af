"""What a bundle can ask about a workload under a serving config: prefill and decode profiles of one config, made ready.

Left out are configs with several data-parallel groups, workloads with draft tokens, TPOT promised at a percentile,
latencies promised at several statistics or from end to end, spares, a least number of replicas, losses to survive,
pooled queues, length buckets and batch work: what a bundle would do to these is not worked out.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from functools import cache

from fleetopt.capacity.bundles import Member
from fleetopt.capacity.decode_curves import DecodeCurves
from fleetopt.capacity.domain import NotCarriedError
from fleetopt.capacity.left_out import cubic_error
from fleetopt.capacity.lengths import mean_context, mean_reserved, uncached
from fleetopt.capacity.memory import HALF_A_PAGE
from fleetopt.capacity.prefill import PrefillCurve
from fleetopt.capacity.waiting import Job
from fleetopt.catalog.domain import EVIDENCE, Candidate, DecodeProfile, Llm, PrefillProfile, ServingConfig
from fleetopt.catalog.memory import kv_copies, weight_bytes
from fleetopt.scenario.domain import Margins, Scenario, Survive, Workload


def members_of(scenario: Scenario, workload: Workload, gpu_types: Container[str]) -> Iterator[Member]:
    """The workload under each config that has both profiles and is allowed, where bundles know what to do with it."""
    llm = scenario.models[workload.model]
    if not _may_share(workload) or workload.longest_tokens > llm.card.context_limit:
        return
    prefills = {c.config.name: c for c in llm.candidates if isinstance(c.profile, PrefillProfile)}
    for decode in sorted(llm.candidates, key=lambda one: one.name):
        prefill = prefills.get(decode.config.name)
        if decode.config.gpu_type not in gpu_types or decode.config.data_parallel != 1:
            continue
        whole = workload.allows(decode.config, "aggregated")
        if prefill is None or not isinstance(decode.profile, DecodeProfile) or not whole:
            continue
        try:
            member = _member(workload, llm, (prefill, decode), scenario.margins)
        except NotCarriedError:
            continue
        if member.longest_tokens <= member.most_tokens:
            yield member


def _may_share(workload: Workload) -> bool:
    paced = workload.tpot is not None and workload.tpot.percentile is not None
    counted = workload.spares or workload.least_replicas or workload.survive != Survive()
    several = workload.further_ttft or workload.further_tpot or workload.e2e
    other = several or workload.pooled or workload.speculation or workload.family or workload.batch
    return not (paced or counted or other)


def _member(workload: Workload, llm: Llm, both: tuple[Candidate, Candidate], margins: Margins) -> Member:
    prefill, decode = both
    assert isinstance(prefill.profile, PrefillProfile)
    assert isinstance(decode.profile, DecodeProfile)
    config, (curve, curves) = decode.config, _curves(prefill.profile, decode.profile)
    parts, notes = _parts(workload, curve, _slower(prefill, margins))
    tpot, more = curves.at(mean_context(workload), workload.decode_fit)
    errors = [cubic_error(curve.curve), curves.error(mean_context(workload))]
    stay = tuple((one.share, one.output_tokens) for one in workload.mix)
    if workload.queue != "mg1":
        parts, stay = ((1.0, sum(a * s for a, s in parts)),), ((1.0, workload.output_tokens),)
    return Member(
        workload=workload,
        config=config,
        evidence=max(both, key=lambda one: EVIDENCE.index(one.profile.provenance.evidence)),
        prefill=Job(parts, exponential=workload.queue == "mm1"),
        stay=stay,
        tpot=tpot,
        slower=_slower(decode, margins),
        kept_tokens=mean_reserved(workload) + HALF_A_PAGE,
        longest_tokens=workload.longest_tokens + HALF_A_PAGE,
        most_tokens=_most_tokens(config),
        weights_bytes=weight_bytes(config, llm.card),
        kv_bytes_per_token=llm.card.kv_bytes_per_token * kv_copies(config, llm.card),
        error=max((error for error in errors if error is not None), default=None),
        notes=(*notes, *more),
    )


@cache
def _curves(prefill: PrefillProfile, decode: DecodeProfile) -> tuple[PrefillCurve, DecodeCurves]:
    return PrefillCurve.of(prefill), DecodeCurves.of(decode)


def _most_tokens(config: ServingConfig) -> float:
    return float("inf") if config.max_kv_tokens is None else config.max_kv_tokens


def _slower(candidate: Candidate, margins: Margins) -> float:
    by_kind = {"measured": margins.measured, "modelled": margins.modelled, "assumed": margins.assumed}
    return 1.0 + by_kind[candidate.profile.provenance.evidence]


def _parts(
    workload: Workload, curve: PrefillCurve, slower: float
) -> tuple[tuple[tuple[float, float], ...], tuple[str, ...]]:
    """Seconds of prefill of each part of the mix, with what was assumed."""
    parts: list[tuple[float, float]] = []
    notes: list[str] = []
    for one in workload.mix:
        throughput, said = curve.at(one.input_tokens)
        parts.append((one.share, uncached(one.input_tokens, workload) / throughput * slower))
        notes += said
    return tuple(parts), tuple(dict.fromkeys(notes))
