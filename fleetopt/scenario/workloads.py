"""Turns the workloads of a scenario file into values with every name resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from fleetopt.catalog.domain import Hardware, Llm
from fleetopt.documents import Document, Key
from fleetopt.errors import Issue, did_you_mean
from fleetopt.scenario.batch import BatchReader
from fleetopt.scenario.buckets import cut
from fleetopt.scenario.by_slot import conflicts, part, usual_label
from fleetopt.scenario.demand import DemandReader
from fleetopt.scenario.domain import Shortfall, Speculation, Survive, Workload
from fleetopt.scenario.lengths import LengthReader, Lengths
from fleetopt.scenario.promises import PromiseReader
from fleetopt.scenario.workload_schema import OverheadFile, WorkloadFile

RESERVED = "(unused)"


class WorkloadBuilder:
    """Builds workloads; what is wrong with them is added to `issues`."""

    def __init__(
        self,
        models: dict[str, Llm],
        hardware: Hardware,
        document: Document,
        issues: list[Issue],
        *,
        sites: list[str],
        demand: DemandReader,
        lengths: LengthReader,
        batch: BatchReader,
        slots: Collection[str] = (),
        racked: Collection[str] = (),
        wired: bool = False,
    ) -> None:
        self._models = models
        self._hardware = hardware
        self._sites = sites
        self._slots = slots
        self._racked = racked
        self._wired = wired
        self._demand = demand
        self._lengths = lengths
        self._batch = batch
        self._document = document
        self._issues = issues

    def build(self, name: str, file: WorkloadFile) -> tuple[Workload, ...]:
        """A workload as a value, or one for each of its length buckets or of the lengths of its day."""
        key = ("workloads", name)
        if name == RESERVED:
            self._add(key, f"'{RESERVED}' is what a plan calls nodes that nobody uses", "Give it another name")
        for field, listed in (("allow", file.gpu_types.allow or []), ("forbid", file.gpu_types.forbid)):
            self._must_know((*key, "gpu_types", field), listed, self._hardware.gpu_types, "GPU type here")
        if file.model in self._models:
            precisions = {c.config.precision for c in self._models[file.model].candidates}
            self._must_know((*key, "precisions"), file.precisions or [], precisions, f"precision of {file.model} here")
        self._must_know((*key, "sites"), file.sites or [], self._sites, "site here")
        for field, counts in (("least_replicas", file.least_replicas), ("spares", file.spares)):
            self._must_know((*key, field), counts, file.roles, "role of the workload")
        if (file.spares or file.least_replicas) and (file.pooled or (file.buckets and file.buckets.sharing != "none")):
            what = "counts replicas that are pooled or shared"
            self._add((*key, "spares" if file.spares else "least_replicas"), what, "Take one of the two out")
        if file.spares and file.shortfall.allowed:
            what = "are beyond a need that need not be met"
            self._add((*key, "spares"), what, "Take them out, or the shortfall that is allowed")
        self._check_survival(key, file)
        if file.shortfall.usd_per_million_tokens and file.shortfall.usd_per_request:
            what = "is given beside usd_per_million_tokens"
            self._add((*key, "shortfall", "usd_per_request"), what, "Keep one of the two")
        split = {"prefill", "decode"} & set(file.roles)
        if len(split) == 1 and "aggregated" not in file.roles:
            what = f"allows {split.pop()} alone, which cannot serve a request"
            self._add((*key, "roles"), what, "Allow prefill and decode, or aggregated")
        if file.batch is None and not any((file.slo.ttft, file.slo.tpot, file.slo.e2e)):
            fix = "Add ttft or tpot: without a promise there is no telling what a replica carries"
            self._add((*key, "slo"), "promises nothing", fix)
        lengths = self._lengths.read(key, file)
        transfer_s = self._transfer_s_per_token((*key, "ttft_overhead"), file)
        bare = replace(_workload(name, file, lengths, transfer_s), kv_seen=self._seen(file))
        if file.by_slot:
            return tuple(self._parts(key, file, bare))
        workload = self._asked(key, file, self._promised(key, file, bare))
        if file.buckets is None:
            return (workload,)
        self._check_buckets((*key, "buckets"), file)
        return cut(workload, file.buckets.input_edges, file.buckets.output_edges, file.buckets.sharing)

    def _parts(self, key: tuple[str, str], file: WorkloadFile, bare: Workload) -> Iterator[Workload]:
        """The workload by slot; the first part with an issue is the last, since others would repeat it."""
        self._must_know((*key, "by_slot"), file.by_slot, self._slots, "slot of the calendar")
        for field, what in conflicts(file):
            self._add((*key, field), f"{what} (by_slot)", "Take one of the two out")
        usual = [slot for slot in self._slots if slot not in file.by_slot]
        found = [(slot, [slot], self._lengths.read((*key, "by_slot", slot), own)) for slot, own in file.by_slot.items()]
        for label, slots, lengths in [*found, *([(usual_label(usual), usual, None)] if usual else [])]:
            before = len(self._issues)
            one = bare if lengths is None else with_lengths(bare, file, lengths)
            yield part(self._asked(key, file, self._promised(key, file, one)), label, slots)
            if len(self._issues) > before:
                return

    def _promised(self, key: tuple[str, str], file: WorkloadFile, workload: Workload) -> Workload:
        """The workload with its limits as times."""
        return PromiseReader(self._document, self._issues).promised(key, file, workload, self._models.get(file.model))

    def _check_survival(self, key: Key, file: WorkloadFile) -> None:
        """What survives is counted in replicas of one workload that carry the same however many there are."""
        asked = {what: share for what, share in file.survive.model_dump().items() if share}
        if asked and file.buckets and file.buckets.sharing != "none":
            self._add((*key, "survive"), "counts replicas that buckets share", "Set sharing: none, or take it out")
        for what in asked if file.pooled else ():
            if what != "site":
                fix = "Take pooled out, or this"
                self._add((*key, "survive", what), "leaves pools of sizes that nobody can foretell", fix)
        if "site" in asked and len(set(file.sites or self._sites)) < 2:
            what = "has no other site to be served from"
            self._add((*key, "survive", "site"), what, "Let it stand at two sites or more, or take this out")
        for site in (file.sites or self._sites) if "rack" in asked else ():
            if site not in self._racked:
                fix = f"State supply.facilities.{site}.nodes_per_rack"
                self._add((*key, "survive", "rack"), f"does not know how many nodes a rack of {site} holds", fix)
        # A shortfall is of demand with headroom, what survives of demand without.
        served = (1.0 - file.shortfall.allowed) * (1.0 + file.headroom)
        for what, share in asked.items():
            if share > served + 1e-9:
                fix = f"Write at most {100 * served:g} %, or allow less shortfall"
                self._add((*key, "survive", what), "promises more after a loss than without one", fix)

    def _asked(self, key: tuple[str, str], file: WorkloadFile, workload: Workload) -> Workload:
        """The workload with the requests that arrive, or with the work that is to be done."""
        if (file.demand is None) == (file.batch is None):
            what = "has neither demand nor batch" if file.batch is None else "has demand beside batch"
            self._add(key, what, "Give one: demand for requests that arrive, or batch for work with a deadline")
            return workload
        if file.batch is None:
            return replace(workload, demand_rps=self._demand.read(key[1], file, workload.tokens_per_request))
        if file.spares:
            fix = "Take them out, or use headroom"
            self._add((*key, "spares"), "keep up a rate, which batch work does not have", fix)
        if any(file.survive.model_dump().values()):
            fix = "Take it out, or use headroom"
            self._add((*key, "survive"), "keeps up a rate, which batch work does not have", fix)
        batch = self._batch.read((*key, "batch"), file.batch, workload.tokens_per_request)
        return workload if batch is None else replace(workload, batch=batch, demand_rps=self._batch.most_rps(batch))

    def _check_buckets(self, key: Key, file: WorkloadFile) -> None:
        assert file.buckets is not None
        edges = {"input_edges": file.buckets.input_edges, "output_edges": file.buckets.output_edges}
        if file.lengths is None:
            self._add(key, "cuts lengths that are not given", "Add lengths: a mean cannot be cut")
        if not any(edges.values()):
            self._add(key, "has no edges", "Add input_edges or output_edges, in tokens")
        for field, values in edges.items():
            if any(later <= earlier for earlier, later in pairwise(values)):
                self._add((*key, field), "does not rise", "Write each edge above the one before")
        if file.pooled and file.buckets.sharing != "none":
            self._add(key, "shares replicas that are pooled", "Take pooled out, or set sharing: none")

    def _transfer_s_per_token(self, key: Key, file: WorkloadFile) -> float:
        """Seconds of KV transfer that a request sees for each input token: bytes / bandwidth x what is not hidden.

        Behind layer-wise transfer only the last layer's is seen (Splitwise, ISCA'24, section 4.2).
        """
        overhead: OverheadFile = file.ttft_overhead
        if self._wired:
            for field in ("kv_link", "kv_transfer_per_token"):
                if getattr(overhead, field):
                    what = "is given beside supply.fabrics, from which the transfer follows"
                    self._add((*key, field), what, "Keep one of the two")
            return 0.0
        if overhead.kv_link is None:
            if overhead.kv_overlap:
                self._add(
                    (*key, "kv_overlap"),
                    "is given without a kv_link",
                    "Name the link, state supply.fabrics, or take it out",
                )
            return overhead.kv_transfer_per_token
        if overhead.kv_transfer_per_token:
            self._add((*key, "kv_link"), "is given beside kv_transfer_per_token", "Keep one of the two")
        if file.model not in self._models:
            return 0.0
        card = self._models[file.model].card
        return card.kv_bytes_per_token / overhead.kv_link * self._seen(file)

    def _seen(self, file: WorkloadFile) -> float:
        """The part of a transfer that a request waits for."""
        overlap = file.ttft_overhead.kv_overlap
        if overlap == "layerwise":
            return 1.0 / self._models[file.model].card.layers if file.model in self._models else 1.0
        return 1.0 - overlap

    def _must_know(self, key: Key, listed: Iterable[str], known: Iterable[str], kind: str) -> None:
        names = list(known)
        for index, name in enumerate(listed):
            if name not in names:
                fix = did_you_mean(name, names)
                what = f"'{name[:60]}' is no {kind}"
                place = name if key[-1] in {"least_replicas", "spares", "by_slot"} else index
                self._issues.append(self._document.issue("unknown-name", (*key, place), what, fix))

    def _add(self, key: Key, what: str, fix: str) -> None:
        self._issues.append(self._document.issue("bad-value", key, what, fix))


def with_lengths(workload: Workload, file: WorkloadFile, lengths: Lengths) -> Workload:
    """The workload with other lengths, and the queue that they have where the file names none."""
    return replace(
        workload,
        input_tokens=lengths.input_tokens,
        output_tokens=lengths.output_tokens,
        lengths=lengths.bins,
        queue=file.queue or ("mg1" if lengths.bins else "mm1"),
    )


def _workload(name: str, file: WorkloadFile, lengths: Lengths, transfer_s_per_token: float) -> Workload:
    """The workload before anything is asked of it, or promised."""
    return Workload(
        name=name,
        model=file.model,
        input_tokens=lengths.input_tokens,
        output_tokens=lengths.output_tokens,
        demand_rps={},
        ttft=None,
        tpot=None,
        ttft_overhead_s=file.ttft_overhead.fixed,
        kv_transfer_s_per_token=transfer_s_per_token,
        prefix_cache_hit_rate=file.prefix_cache_hit_rate,
        queue=file.queue or ("mg1" if lengths.bins else "mm1"),
        decode_fit=file.decode_fit,
        headroom=file.headroom,
        shortfall=Shortfall(**file.shortfall.model_dump()),
        gpu_types=None if file.gpu_types.allow is None else tuple(file.gpu_types.allow),
        forbidden_gpu_types=tuple(file.gpu_types.forbid),
        precisions=None if file.precisions is None else tuple(file.precisions),
        roles=tuple(file.roles),
        lengths=lengths.bins,
        most_gpu_types=file.most_gpu_types,
        priority=file.priority,
        isolation=file.isolation,
        sites=None if file.sites is None else tuple(file.sites),
        least_replicas=tuple(sorted(file.least_replicas.items())),
        spares=tuple(sorted(file.spares.items())),
        survive=Survive(**file.survive.model_dump()),
        pooled=file.pooled,
        speculation=None if file.speculation is None else Speculation(**file.speculation.model_dump()),
    )
