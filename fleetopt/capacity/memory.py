"""KV memory: how many tokens of context the requests in one replica can hold together.

    tokens = (gpus * (memory * 0.9 - 2 GiB) - weights) / kv_bytes_per_token

with memory in bytes and weights = parameters * bytes per parameter of the precision. KV stays at the card's two
bytes per value. Where tensor parallelism cannot split the KV cache (multi-head latent attention, fewer KV heads
than GPUs) every GPU of a group keeps the group's whole cache of its own layers, so

    tokens = data_parallel * pipeline_parallel * (memory * 0.9 - 2 GiB - weights / gpus) / kv_bytes_per_token

0.9 is the share that serving engines take by default (vLLM gpu_memory_utilization; SGLang mem_fraction_static is
near it). 2 GiB a GPU are left for activations, captured graphs and communication buffers, which all come out of that
share: an assumption, so state max_kv_tokens where the engine's own count is known. KV memory is handed out in pages of
16 tokens (vLLM's default block), the last page of a request being half empty on average.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleetopt.catalog.domain import GpuType, ModelCard, ServingConfig
from fleetopt.catalog.memory import BYTES_PER_GIB, BYTES_PER_PARAMETER, USABLE_SHARE, WIDEST, kv_copies, weight_bytes

ACTIVATIONS_GIB = 2.0
HALF_A_PAGE = 8.0


@dataclass(frozen=True, slots=True)
class KvMemory:
    """Tokens of context a replica holds, and the sentences that say what was assumed to know it."""

    tokens: float
    assumptions: tuple[str, ...] = ()


def kv_memory(config: ServingConfig, card: ModelCard, gpu: GpuType) -> KvMemory:
    """The KV memory of a replica: as stated, else what its GPUs have left beside the weights. Zero if nothing is.

    671 billion parameters at one byte on 8 GPUs of 131 GiB leave 40.6 GB on each; at 70 272 bytes per token,
    kept whole on every GPU, that is 577 000 tokens.
    """
    if config.max_kv_tokens is not None:
        return KvMemory(config.max_kv_tokens)
    usable_gib = gpu.memory_gib * USABLE_SHARE - ACTIVATIONS_GIB
    free_per_gpu = usable_gib * BYTES_PER_GIB - weight_bytes(config, card) / config.gpus_per_replica
    tokens = config.gpus_per_replica / kv_copies(config, card) * free_per_gpu / card.kv_bytes_per_token
    return KvMemory(max(0.0, tokens), tuple(_assumptions(config)))


def _assumptions(config: ServingConfig) -> list[str]:
    share = f"{100 * USABLE_SHARE:g} %"
    left = f"{share} of GPU memory less the weights and {ACTIVATIONS_GIB:g} GiB a GPU is assumed"
    said = [f"KV memory is not stated for {config.name}: {left}"]
    if config.precision not in BYTES_PER_PARAMETER:
        said.append(f"precision '{config.precision}' of {config.name} is not known: {WIDEST:g} bytes per parameter")
    return said
