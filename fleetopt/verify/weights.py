"""Bytes of weights and KV caches, and what a GPU has for them, from cards and configs alone."""

from __future__ import annotations

from fleetopt.catalog.domain import GpuType, ModelCard, ServingConfig

_USABLE = 0.9
_ENGINE_GIB = 2.0
_BYTES = {"fp8": 1.0, "fp8_block": 1.0, "nvfp4": 0.5625, "mxfp4": 0.5625}
_BYTES_OF_BF16 = 2.0


def usable_bytes(gpu: GpuType) -> float:
    """Of a GPU, for engines: 90 %."""
    return _USABLE * gpu.memory_gib * 2.0**30


def engine_bytes() -> float:
    """Of a GPU, for the activations, graphs and buffers of one engine."""
    return _ENGINE_GIB * 2.0**30


def weight_bytes(config: ServingConfig, card: ModelCard) -> float:
    return card.parameters_b * 1e9 * _BYTES.get(config.precision, _BYTES_OF_BF16)


def kv_bytes_per_token(config: ServingConfig, card: ModelCard) -> float:
    """Of all GPUs of a group together: a cache that cannot be split stands on each of them."""
    return card.kv_bytes_per_token * (config.tensor_parallel if card.kv_replicated_per_gpu else 1)
