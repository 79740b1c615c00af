"""Do models that share a group of GPUs fit on it together, and does each keep its promises beside the others?

The members of a group are the rows that name it at one time; it stands as often as their replicas add up to. From each
one's rate, batch and profiles latencies are run forward (MuxServe's estimator, arXiv 2404.02015):

    colocated   rho = sum r_j s_j of prefill;  TPOT_i = (T_i + phi sum of the others' T) / (1 - rho)
                r_i L_i TPOT_i <= B_i
                TTFT_i = wait behind all prefills + the longest step + own prefill + overhead
    spatial     each behind its own prefills only, all times (1 + kappa) of the profile's where it is not alone
    swapped     one request at a time: load + prefill + L T(1);  load = weights / (GPUs x link)

Colocated and spatial members have room for their KV as it varies (`crowds`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleetopt.catalog.domain import DecodeProfile, PrefillProfile
from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.bundling import Bundling
from fleetopt.scenario.domain import Workload
from fleetopt.verify.allowed import place
from fleetopt.verify.bundled import group_faults
from fleetopt.verify.crowds import Running, kept_bytes
from fleetopt.verify.curves import Unsupported
from fleetopt.verify.evidence_decode import DecodeSupport
from fleetopt.verify.evidence_prefill import PrefillSupport
from fleetopt.verify.facts import Facts
from fleetopt.verify.shared_queue import Kind, sojourn_s, work
from fleetopt.verify.support import Case, Finding, reached, stated, within
from fleetopt.verify.tally import Tally, allowance
from fleetopt.verify.weights import engine_bytes, kv_bytes_per_token, usable_bytes, weight_bytes

HALF_PAGE = 8.0
BELOW = 1e-4
"""What a reported latency may be below the computed one: each side finds bounds on percentiles by its own steps."""


def bundles_hold(facts: Facts) -> Check:
    """Each group is allowed, its weights and KV fit, and at their rates all of its members keep TTFT and TPOT."""
    tally = Tally("bundles_hold", "fraction of the limit", nothing="no group is shared by models")
    groups: dict[tuple[str, ...], list[Placement]] = defaultdict(list)
    for row in facts.plan.placements:
        if row.bundle is not None:
            groups[row.shared or "", row.node_type, row.site, row.period, row.slot, row.outlook].append(row)
    for rows in groups.values():
        faults = list(group_faults(facts, rows))
        for fault in faults:
            tally.fail(f"{place(rows[0])}: {fault}")
        if faults:
            continue
        try:
            for row, finding in _findings(facts, rows):
                tally.hold(finding.slack, finding.allowed, f"{place(row)}: {finding.what}")
        except Unsupported as error:
            tally.fail(f"{place(rows[0])}: {error}")
    return tally.check()


@dataclass(frozen=True)
class _Member:
    row: Placement
    workload: Workload
    rate_rps: float
    batch: float
    prefill: PrefillSupport
    decode: DecodeSupport
    weights_bytes: float
    request_bytes: float
    kv_bytes: float

    @property
    def step_s(self) -> float:
        return self.decode.step_s(self.batch)

    @property
    def late(self) -> float:
        """The part of its requests whose TTFT may be later than promised."""
        promise = self.workload.ttft
        return 1.0 if promise is None or promise.percentile is None else 1.0 - promise.percentile

    def running(self, kind: Kind, step_s: float, longer: float = 1.0) -> Running:
        """Its requests among those in memory; a step takes `longer` than the profile's beside others."""
        slope_s = longer * self.decode.slope_s(self.batch)
        tokens = self.workload.output_tokens
        return Running(self.request_bytes, self.rate_rps, self.batch, tokens, kind, step_s, slope_s)

    def job(self, before_s: float = 0.0, per_token_s: float = 0.0, longer: float = 1.0) -> Kind:
        """A request on the server: what comes before its prefill, that, and its tokens where they block others."""
        each = zip(self.workload.mix, self.prefill.parts, strict=True)
        mix = [(one.share, before_s + longer * part[1] + per_token_s * one.output_tokens) for one, part in each]
        if self.workload.queue == "mg1":
            return Kind(self.rate_rps, mix, memoryless=False)
        mean_s = sum(share * seconds for share, seconds in mix)
        return Kind(self.rate_rps, [(1.0, mean_s)], memoryless=self.workload.queue == "mm1")


def _findings(facts: Facts, rows: Sequence[Placement]) -> Iterator[tuple[Placement, Finding]]:
    allowed = facts.scenario.bundles
    assert allowed is not None
    members = [_member(facts, rows, row) for row in rows]
    judge = {"colocated": _colocated, "swapped": _swapped, "spatial": _spatial}[str(rows[0].bundle)]
    yield from ((one.row, finding) for one in members for finding in _known(one))
    for one, ttft_s, tpot_s, finding in judge(facts, members, allowed):
        yield one.row, finding
        yield from ((one.row, found) for found in _latencies(one, ttft_s, tpot_s))


def _member(facts: Facts, rows: Sequence[Placement], row: Placement) -> _Member:
    scenario, workload = facts.scenario, facts.workloads[row.workload]
    groups = round(sum(one.replicas for one in rows))
    left = next(one.capacity_factor for one in scenario.calendar.outlooks if one.name == row.outlook)
    llm, gpu = scenario.models[row.model], scenario.gpu_types[row.gpu_type]
    supports = []
    for role in row.profiles:
        candidate = facts.candidates[row.model, row.config, role]
        supports.append(Case(candidate, workload, llm.card, gpu, 1.0 + facts.margin(candidate)))
    prefill, decode = supports
    assert isinstance(prefill.candidate.profile, PrefillProfile)
    assert isinstance(decode.candidate.profile, DecodeProfile)
    if row.batch is None:
        raise Unsupported(f"no batch is stated for {row.workload}")
    running = DecodeSupport(decode, decode.candidate.profile)
    longest = max(one.input_tokens + one.output_tokens for one in workload.mix) + HALF_PAGE
    config = decode.candidate.config
    token_bytes = kv_bytes_per_token(config, llm.card)
    return _Member(
        row=row,
        workload=workload,
        rate_rps=row.capacity_rps * row.replicas / groups / left,
        batch=row.batch,
        prefill=PrefillSupport(prefill, prefill.candidate.profile),
        decode=running,
        weights_bytes=weight_bytes(config, llm.card),
        request_bytes=token_bytes * running.kept_tokens,
        kv_bytes=token_bytes * max(row.batch * running.kept_tokens, longest),
    )


Judged = Iterator[tuple[_Member, float, float, Finding]]


def _colocated(facts: Facts, members: Sequence[_Member], allowed: Bundling) -> Judged:
    own = [one.step_s for one in members]
    steps = [step + allowed.interference * (sum(own) - step) for step in own]
    kinds = [one.job() for one in members]
    running = [one.running(kind, step) for one, kind, step in zip(members, kinds, steps, strict=True)]
    memory = _memory(facts, members, kept_bytes([(running, allowed.interference)], min(one.late for one in members)))
    yield from _resident(members, memory, (steps, kinds))


def _spatial(facts: Facts, members: Sequence[_Member], allowed: Bundling) -> Judged:
    assert allowed.spatial is not None
    longer = 1.0 + allowed.spatial.slowdown * (len(members) > 1)
    apart = [(one, longer * one.step_s, one.job(longer=longer)) for one in members]
    running = [([one.running(kind, step, longer)], 0.0) for one, step, kind in apart]
    memory = _memory(facts, members, kept_bytes(running, min(one.late for one in members)))
    for one, step, kind in apart:
        yield from _resident([one], memory, ([step], [kind]))


def _memory(facts: Facts, members: Sequence[_Member], varying_bytes: float) -> Finding:
    """The memory of a group: weights, and KV of the mean batches and longest requests, or as requests vary."""
    row, gpu = members[0].row, facts.scenario.gpu_types[members[0].row.gpu_type]
    room = row.gpus_per_replica * (usable_bytes(gpu) - len(members) * engine_bytes())
    kept = max(varying_bytes, sum(one.kv_bytes for one in members))
    return within(sum(one.weights_bytes for one in members) + kept, room, "bytes of weights and KV of the group:")


def _resident(members: Sequence[_Member], memory: Finding, times: tuple[Sequence[float], Sequence[Kind]]) -> Judged:
    """Members that take turns by their steps and prefills, in the memory of their group."""
    steps, kinds = times
    prefilling = work(kinds)
    for one, kind, step in zip(members, kinds, steps, strict=True):
        ttft_s = _sojourn(one, kinds, kind) + max(steps) + one.workload.ttft_overhead_s
        tpot_s = step / (1.0 - prefilling) if prefilling < 1.0 else float("inf")
        made = one.batch / (tpot_s * one.workload.output_tokens)
        yield one, ttft_s, tpot_s, memory
        yield one, ttft_s, tpot_s, within(prefilling, 1.0, "busy with prefill:")
        yield one, ttft_s, tpot_s, reached(made, one.rate_rps, f"requests/s at batch {one.batch:.6g}:")
        for finding in one.decode.fits(one.batch, "batch"):
            yield one, ttft_s, tpot_s, finding


def _swapped(facts: Facts, members: Sequence[_Member], allowed: Bundling) -> Judged:
    assert allowed.swapping is not None
    row, how = members[0].row, allowed.swapping
    node, gpu = facts.scenario.node_types[row.node_type], facts.scenario.gpu_types[row.gpu_type]
    gpus = row.gpus_per_replica
    host = dict(how.host_memory_bytes).get(row.node_type, 0.0) * gpus / node.gpus_per_node
    loads = [one.weights_bytes / (gpus * how.host_link_bytes_per_s) for one in members]
    kinds = [one.job(load, one.decode.step_s(1.0)) for one, load in zip(members, loads, strict=True)]
    room, waiting = gpus * (usable_bytes(gpu) - engine_bytes()), sum(one.weights_bytes for one in members)
    for one, load in zip(members, loads, strict=True):
        ttft_s = _sojourn(one, kinds, one.job(load)) + one.workload.ttft_overhead_s
        tpot_s = one.decode.step_s(1.0)
        yield (
            one,
            ttft_s,
            tpot_s,
            within(one.weights_bytes + one.kv_bytes, room, "bytes of weights and KV of the group:"),
        )
        yield one, ttft_s, tpot_s, within(waiting, host, "bytes of weights in the group's part of host memory:")
        yield one, ttft_s, tpot_s, within(work(kinds), 1.0, "busy with loading and serving:")


def _sojourn(one: _Member, kinds: Sequence[Kind], own: Kind) -> float:
    promise = one.workload.ttft
    return sojourn_s(kinds, own, None if promise is None else promise.percentile)


def _known(one: _Member) -> Iterator[Finding]:
    """The stated error of its curves is that of the worse known profile."""
    errors = [error for error in (*one.prefill.errors, *one.decode.errors) if error is not None]
    told = one.row.capacity_error
    if told is not None and not any(abs(told - error) <= allowance(error) for error in errors):
        yield Finding(-1.0, 0.0, f"its points do not say that its profiles are known to {told}")


def _latencies(one: _Member, ttft_s: float, tpot_s: float) -> Iterator[Finding]:
    """Within the promise as computed, and not reported as less."""
    for name, value, told, promise in (
        ("TTFT", ttft_s, one.row.ttft_s, one.workload.ttft),
        ("TPOT", tpot_s, one.row.tpot_s, one.workload.tpot),
    ):
        if promise is not None:
            yield within(value, promise.limit_s, f"{name} {stated(promise)} beside the others:")
        if promise is not None and (told is None or told < value * (1.0 - BELOW) or told > promise.limit_s * 1.000001):
            yield Finding(-1.0, allowance(1.0), f"reported {name} {told}, computed {value:.6g} s")
