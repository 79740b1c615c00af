"""The promises of a workload as times: each latency at one statistic or at several, and from end to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fleetopt.catalog.domain import Llm
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.end_to_end import enough
from fleetopt.scenario.slowdown import Asked, SlowdownReader
from fleetopt.scenario.workload_schema import WorkloadFile
from fleetopt.units import Latency


class PromiseReader:
    """Reads the `slo` of workloads; what is wrong with it is added to `issues`."""

    def __init__(self, document: Document, issues: list[Issue]) -> None:
        self._document = document
        self._issues = issues
        self._slow = SlowdownReader(document, issues)

    def promised(self, key: tuple[str, str], file: WorkloadFile, workload: Workload, llm: Llm | None) -> Workload:
        """The workload with its limits as times, also where they are written as slow-downs."""
        slo, mix, hit = file.slo, workload.mix, file.prefix_cache_hit_rate
        ttfts = self._each((*key, "slo", "ttft"), slo.ttft, lambda at, one: self._slow.ttft(at, one, llm, mix, hit))
        tpots = self._each((*key, "slo", "tpot"), slo.tpot, lambda at, one: self._slow.tpot(at, one, llm, mix))
        wholes = self._each((*key, "slo", "e2e"), slo.e2e, lambda at, one: self._slow.e2e(at, one, llm, mix, hit))
        found = replace(
            workload,
            ttft=next(iter(ttfts), None),
            tpot=next(iter(tpots), None),
            further_ttft=tuple(ttfts[1:]),
            further_tpot=tuple(tpots[1:]),
            e2e=tuple(wholes),
        )
        if wholes and len(ttfts) == len(slo.ttft or ()):
            self._check_whole((*key, "slo", "e2e"), file, found)
        return found

    def _each(
        self, key: Key, asked: tuple[Asked, ...] | None, read: Callable[[Key, Asked], Latency | None]
    ) -> list[Latency]:
        limits = [limit for one in asked or () if (limit := read(key, one)) is not None]
        seen = {limit.at for limit in limits}
        if len(seen) < len(limits):
            twice = next(at for at in sorted(seen) if sum(one.at == at for one in limits) > 1)
            self._add(key, f"promises {'the mean' if twice == 'mean' else twice} more than once", "Keep one of them")
        return limits

    def _check_whole(self, key: Key, file: WorkloadFile, workload: Workload) -> None:
        """An end-to-end promise rests on a TTFT that leaves room for it."""
        if file.buckets is not None:
            self._add(key, "is of all requests, which buckets take apart", "Take buckets out, or promise ttft and tpot")
            return
        if workload.output_tokens <= 1.0:
            self._add(key, "has no token after the first", "Promise ttft alone")
            return
        ttfts = [*([workload.ttft] if workload.ttft else []), *workload.further_ttft]
        for whole in workload.e2e:
            if whole.percentile is not None and workload.lengths:
                what = f"at {whole.at} is not worked out for a mix of lengths"
                self._add(key, what, "Promise it at the mean, or give input_tokens and output_tokens")
            elif not enough(whole, ttfts, workload.output_tokens):
                later = "the mean" if whole.percentile is None else f"a percentile above {whole.at}"
                what = f"of {whole.limit_s:g} s at {whole.at} rests on no ttft at {later} that leaves time for tokens"
                self._add(key, what, f"Add ttft at {later} and well below {whole.limit_s:g} s")

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))
