"""Turns the workloads of a scenario file into values with every name resolved."""

from __future__ import annotations

from collections.abc import Iterable

from fleetopt.catalog.domain import Hardware, Llm
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.demand import DemandReader, TimeKey
from fleetopt.scenario.domain import Shortfall, Workload
from fleetopt.scenario.schema import WorkloadFile

RESERVED = "(unused)"


class WorkloadBuilder:
    """Builds workloads; what is wrong with them is added to `issues`."""

    def __init__(
        self,
        models: dict[str, Llm],
        hardware: Hardware,
        demand: DemandReader,
        document: Document,
        issues: list[Issue],
    ) -> None:
        self._models = models
        self._hardware = hardware
        self._demand = demand
        self._document = document
        self._issues = issues

    def build(self, name: str, file: WorkloadFile) -> Workload:
        """A workload as a value."""
        key: Key = ("workloads", name)
        if name == RESERVED:
            self._add(key, f"'{RESERVED}' is what a plan calls nodes that nobody uses", "Give it another name")
        for field, listed in (("allow", file.gpu_types.allow or []), ("forbid", file.gpu_types.forbid)):
            self._must_know((*key, "gpu_types", field), listed, self._hardware.gpu_types, "GPU type here")
        if file.model in self._models:
            precisions = {c.config.precision for c in self._models[file.model].candidates}
            self._must_know((*key, "precisions"), file.precisions or [], precisions, f"precision of {file.model} here")
        split = {"prefill", "decode"} & set(file.roles)
        if len(split) == 1 and "aggregated" not in file.roles:
            what = f"allows {split.pop()} alone, which cannot serve a request"
            self._add((*key, "roles"), what, "Allow prefill and decode, or aggregated")
        if file.slo.ttft is None and file.slo.tpot is None:
            fix = "Add ttft or tpot: without a promise there is no telling what a replica carries"
            self._add((*key, "slo"), "promises nothing", fix)
        return _workload(name, file, self._demand.read(name, file))

    def _must_know(self, key: Key, listed: Iterable[str], known: Iterable[str], kind: str) -> None:
        names = list(known)
        for index, name in enumerate(listed):
            if name not in names:
                fix = did_you_mean(name, names)
                what = f"'{name[:60]}' is no {kind}"
                self._issues.append(self._document.issue("unknown-name", (*key, index), what, fix))

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))


def _workload(name: str, file: WorkloadFile, demand_rps: dict[TimeKey, float]) -> Workload:
    return Workload(
        name=name,
        model=file.model,
        input_tokens=file.input_tokens,
        output_tokens=file.output_tokens,
        demand_rps=demand_rps,
        ttft=file.slo.ttft,
        tpot=file.slo.tpot,
        ttft_overhead_s=file.ttft_overhead.fixed,
        kv_transfer_s_per_token=file.ttft_overhead.kv_transfer_per_token,
        prefix_cache_hit_rate=file.prefix_cache_hit_rate,
        queue=file.queue,
        decode_fit=file.decode_fit,
        headroom=file.headroom,
        shortfall=Shortfall(file.shortfall.allowed, file.shortfall.usd_per_million_tokens),
        gpu_types=None if file.gpu_types.allow is None else tuple(file.gpu_types.allow),
        forbidden_gpu_types=tuple(file.gpu_types.forbid),
        precisions=None if file.precisions is None else tuple(file.precisions),
        roles=tuple(file.roles),
    )
