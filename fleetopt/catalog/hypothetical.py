"""Hypothetical hardware: a GPU type that does not exist yet, or was not measured, by its ratios to one that was.

`_hardware/hypothetical.csv` states, for each such type, the one it is based on and the ratios of compute, memory
bandwidth, memory, price and power. Nodes, offers and every prefill and decode profile of the base are carried over,
always marked assumed, by an additive roofline (Williams et al. 2009, without overlap):

    time' = time_memory / bandwidth + (time - time_memory) / compute
    time_memory = min(time, bytes moved / (GPUs x bandwidth of the base))

Bytes moved are the weights, once a step and of a mixture of experts no more than the batch can touch, and in decode
the KV cache of every request. What does not move bytes counts as compute. Aggregated profiles and stated rates mix
both and are not carried over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleetopt.catalog.domain import (
    Candidate,
    DecodePoint,
    DecodeProfile,
    GpuType,
    ModelCard,
    NodeType,
    Offer,
    PrefillPoint,
    PrefillProfile,
    Provenance,
    Ratios,
    ServingConfig,
)
from fleetopt.catalog.memory import BYTES_PER_GIB, USABLE_SHARE, kv_copies, weight_bytes


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A hypothetical GPU type and how it differs from its base."""

    name: str
    base: GpuType
    ratios: Ratios
    source: str

    @property
    def provenance(self) -> Provenance:
        r = self.ratios
        said = (
            f"assumed from {self.base.name}: compute x{r.compute:g}, bandwidth x{r.bandwidth:g}, memory x{r.memory:g},"
            f" price x{r.price:g}, power x{r.power:g}; {self.source}"
        )
        return Provenance("assumed", said)

    def gpu_type(self) -> GpuType:
        """The GPU type."""
        base, ratios = self.base, self.ratios
        return GpuType(
            name=self.name,
            memory_gib=base.memory_gib * ratios.memory,
            memory_bandwidth_gb_s=base.memory_bandwidth_gb_s * ratios.bandwidth,
            power_w=base.power_w * ratios.power,
            provenance=self.provenance,
            hypothesis=(base, ratios),
        )

    def node_type(self, node: NodeType) -> NodeType:
        """A node of the base with its GPUs replaced."""
        power_w = None if node.power_w is None else node.power_w * self.ratios.power
        name = f"{node.gpus_per_node}x{self.name}"
        return NodeType(name, self.name, node.gpus_per_node, power_w, self.provenance, node.rack_units)

    def offer(self, offer: Offer, node: NodeType) -> Offer:
        """An offer of a node of the base, at the ratio of the prices."""
        return replace(
            offer,
            name=f"{offer.name}-as-{self.name.lower()}",
            node_type=self.node_type(node).name,
            usd_per_node_h=offer.usd_per_node_h * self.ratios.price,
            upfront_usd_per_node=offer.upfront_usd_per_node * self.ratios.price,
            provenance=Provenance("assumed", f"{offer.name} x{self.ratios.price:g}; {self.source}"),
        )


def carried_over(candidate: Candidate, card: ModelCard, gpu: GpuType) -> Candidate | None:
    """A candidate of the base as it would run on a hypothetical GPU type; None where the profile cannot tell."""
    profile, config = candidate.profile, candidate.config
    assert gpu.hypothesis is not None
    base, ratios = gpu.hypothesis
    provenance = Provenance("assumed", f"{gpu.provenance.source}; from {config.name}: {profile.provenance.source}")
    moved = replace(
        config,
        name=f"{config.name}-as-{gpu.name.lower()}",
        gpu_type=gpu.name,
        max_kv_tokens=_kv_tokens(config, card, base, gpu),
        provenance=provenance,
    )
    roofline = _Roofline(config, card, base, ratios)
    if isinstance(profile, PrefillProfile):
        points = tuple(roofline.prefill(point) for point in profile.points)
        return Candidate(moved, candidate.role, PrefillProfile(points, provenance))
    if isinstance(profile, DecodeProfile):
        steps = tuple(roofline.decode(point) for point in profile.points)
        return Candidate(moved, candidate.role, DecodeProfile(steps, provenance))
    return None


@dataclass(frozen=True, slots=True)
class _Roofline:
    """Times of one serving config carried from the base to other ratios."""

    config: ServingConfig
    card: ModelCard
    base: GpuType
    ratios: Ratios

    def prefill(self, point: PrefillPoint) -> PrefillPoint:
        """One prompt in every data-parallel group at a time: the weights are read once for it."""
        groups = self.config.data_parallel
        time_s = groups * point.input_tokens / point.tokens_per_s
        carried_s = self._carried(time_s, self._weights(point.input_tokens * groups))
        return PrefillPoint(point.input_tokens, groups * point.input_tokens / carried_s)

    def decode(self, point: DecodePoint) -> DecodePoint:
        """One step of the batch: the weights, and the KV cache of every request as often as it is kept."""
        cache = point.batch * point.context_tokens * self.card.kv_bytes_per_token
        moved = self._weights(point.batch) + cache * kv_copies(self.config, self.card)
        return replace(point, tpot_s=self._carried(point.tpot_s, moved))

    def _carried(self, time_s: float, moved_bytes: float) -> float:
        bandwidth = self.config.gpus_per_replica * self.base.memory_bandwidth_gb_s * 1e9
        memory_s = min(time_s, moved_bytes / bandwidth)
        return memory_s / self.ratios.bandwidth + (time_s - memory_s) / self.ratios.compute

    def _weights(self, tokens: float) -> float:
        """Bytes of weights that a step over so many tokens reads: at least one token's experts, at most all."""
        share = min(1.0, self.card.active_parameters_b * tokens / self.card.parameters_b)
        return weight_bytes(self.config, self.card) * share


def _kv_tokens(config: ServingConfig, card: ModelCard, base: GpuType, gpu: GpuType) -> float | None:
    """A stated KV memory, with what the other GPU has more or less of."""
    if config.max_kv_tokens is None:
        return None
    more_gib = config.gpus_per_replica * (gpu.memory_gib - base.memory_gib) * USABLE_SHARE
    more = more_gib * BYTES_PER_GIB / kv_copies(config, card) / card.kv_bytes_per_token
    return max(1.0, config.max_kv_tokens + more)
