"""Does each replica carry what the plan says, within its SLO, on the evidence the scenario gives?"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from fleetopt.catalog.domain import AggregatedProfile, DecodeProfile, PrefillProfile
from fleetopt.plan.domain import Check, Placement
from fleetopt.scenario.domain import Workload
from fleetopt.units import Latency
from fleetopt.verify.allowed import place
from fleetopt.verify.curves import Unsupported
from fleetopt.verify.evidence_aggregated import AggregatedSupport
from fleetopt.verify.evidence_decode import DecodeSupport
from fleetopt.verify.evidence_prefill import PrefillSupport
from fleetopt.verify.evidence_rates import RateSupport
from fleetopt.verify.facts import Facts
from fleetopt.verify.network import sending
from fleetopt.verify.promised import kept_by
from fleetopt.verify.support import Case, Finding, Support, stated, within
from fleetopt.verify.tally import RELATIVE, Tally, allowance


def slo_holds(facts: Facts) -> Check:
    """At its stated capacity every placement outside bundles keeps its promises, and reports latencies that can be."""
    tally = Tally("slo_holds", "fraction of the limit", nothing="no replicas")
    bench = _Bench(facts)
    for row in (row for row in facts.plan.placements if row.bundle is None):
        if (row.model, row.config, row.role) not in facts.candidates:
            tally.fail(f"{place(row)}: no evidence for such a serving config")
            continue
        try:
            for finding in (*bench.capacity(row), *_reported(facts, bench.support(row), row)):
                tally.hold(finding.slack, finding.allowed, f"{place(row)}: {finding.what}")
            if not bench.is_known_so_well(row):
                tally.fail(f"{place(row)}: its points do not say that the capacity is known to {row.capacity_error}")
        except Unsupported as error:
            tally.fail(f"{place(row)}: {error}")
    return tally.check()


@dataclass(frozen=True)
class _Bench:
    """Reads each profile once for a workload, and judges each claim about it once."""

    facts: Facts
    _supports: dict[Hashable, Support] = field(default_factory=dict)
    _errors: dict[tuple[str, str, str], tuple[float | None, ...]] = field(default_factory=dict)
    _judged: dict[Hashable, list[Finding]] = field(default_factory=dict)

    def support(self, row: Placement, asked: Workload | None = None) -> Support:
        """What the evidence says to a workload with one promise of each kind; else to its own first ones."""
        workload = asked or self.facts.workloads[row.workload]
        key = row.workload, row.config, row.role, row.site, row.pattern is None, workload.ttft, workload.tpot
        if key not in self._supports:
            self._supports[key] = _support(self._case(row, workload))
        return self._supports[key]

    def is_known_so_well(self, row: Placement) -> bool:
        """Whether the stated error follows from the evidence; plans made before errors were told state none."""
        stated = row.capacity_error
        if stated is None:
            return True
        key = row.workload, row.config, row.role
        if key not in self._errors:
            self._errors[key] = self.support(row).errors
        return any(abs(stated - error) <= allowance(error) for error in self._errors[key] if error is not None)

    def capacity(self, row: Placement) -> list[Finding]:
        """What the evidence says to each promise; of several ways to keep one, to the best."""
        found: list[Finding] = []
        for ways in kept_by(self.facts.workloads[row.workload], row.role):
            judged = [self._judge(row, asked) for asked in ways]
            if not judged:
                raise Unsupported("what is promised from end to end rests on no TTFT")
            found += max(judged, key=lambda one: min((finding.slack for finding in one), default=0.0))
        return found

    def _judge(self, row: Placement, asked: Workload) -> list[Finding]:
        # How many share a queue matters only where they do.
        pooled = self.facts.workloads[row.workload].pooled and row.pattern is None
        together = round(row.replicas) if pooled else 1
        promised_rps = row.capacity_rps / self._capability(row.outlook)
        hop = row.site, row.pattern is None
        promises = asked.ttft, asked.tpot
        key = row.workload, row.config, row.role, hop, promised_rps, row.batch, together, row.shared, promises
        if key not in self._judged:
            support = self.support(row, asked)
            if row.shared is not None and isinstance(support, PrefillSupport):
                self._judged[key] = support.shared_findings(promised_rps)
            else:
                self._judged[key] = support.findings(promised_rps, row.batch, together)
        return self._judged[key]

    def _capability(self, outlook: str) -> float:
        """What is left of every capacity in an outlook."""
        return next(one.capacity_factor for one in self.facts.scenario.calendar.outlooks if one.name == outlook)

    def _case(self, row: Placement, asked: Workload) -> Case:
        scenario, candidate = self.facts.scenario, self.facts.candidates[row.model, row.config, row.role]
        gpu = scenario.gpu_types[candidate.config.gpu_type]
        card = scenario.models[row.model].card
        workload = sending(self.facts, asked, row)
        return Case(candidate, workload, card, gpu, 1.0 + self.facts.margin(candidate))


def _support(case: Case) -> Support:
    profile = case.candidate.profile
    if isinstance(profile, PrefillProfile):
        return PrefillSupport(case, profile)
    if isinstance(profile, DecodeProfile):
        return DecodeSupport(case, profile)
    if isinstance(profile, AggregatedProfile):
        return AggregatedSupport(case, profile)
    return RateSupport(case, profile)


def _reported(facts: Facts, support: Support, row: Placement) -> Iterator[Finding]:
    """The latencies a placement reports at its load: within the limit, and not below what no load would give."""
    workload = facts.workloads[row.workload]
    yield from _between("TTFT", row.ttft_s, support.ttft_floor_s, workload.ttft)
    yield from _between("TPOT", row.tpot_s, support.tpot_floor_s, workload.tpot)


def _between(name: str, value: float | None, floor_s: float, promise: Latency | None) -> Iterator[Finding]:
    if value is None:
        return
    if promise is not None:
        yield within(value, promise.limit_s, f"reported {name} {stated(promise)}")
    # Only a breach is news: how far a latency is above its floor is no slack of the plan's.
    if value < floor_s * (1.0 - RELATIVE):
        yield Finding(value / floor_s - 1.0, RELATIVE, f"reported {name} {value:.6g} s, without load {floor_s:.6g} s")
