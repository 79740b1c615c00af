"""What weights and KV caches take of GPU memory, as far as a model's card and a serving config say."""

from __future__ import annotations

from fleetopt.catalog.domain import ModelCard, ServingConfig

# Serving engines take this share by default (vLLM gpu_memory_utilization; SGLang mem_fraction_static is near it).
USABLE_SHARE = 0.9
BYTES_PER_GIB = 2.0**30
# 4-bit formats carry a scale byte for every 16 values (nvfp4), or less (mxfp4): 0.5 + 1/16.
BYTES_PER_PARAMETER = {"bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "fp8_block": 1.0, "nvfp4": 0.5625, "mxfp4": 0.5625}
WIDEST = 2.0


def weight_bytes(config: ServingConfig, card: ModelCard) -> float:
    """Bytes of all weights at the config's precision, at the widest where it is not known."""
    return card.parameters_b * 1e9 * BYTES_PER_PARAMETER.get(config.precision, WIDEST)


def kv_copies(config: ServingConfig, card: ModelCard) -> int:
    """How many GPUs keep the same KV cache: a tensor-parallel group where the cache cannot be split, else one."""
    return config.tensor_parallel if card.kv_replicated_per_gpu else 1
