"""KV memory: as stated, or what the GPUs have left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetopt.capacity.memory import kv_memory
from fleetopt.catalog.domain import GpuType, ModelCard, Provenance, ServingConfig

HERE = Provenance("assumed", "test")
GPU = GpuType("H200", 131.0, 4800.0, 700.0, HERE)
DENSE = ModelCard("llama", "Llama", 70.0, 70.0, 80, 327_680.0, False, 131_072, ())
MLA = ModelCard("deepseek", "DeepSeek", 671.0, 37.0, 61, 70_272.0, True, 131_072, ())
CONFIG = ServingConfig("h200x8", "m", "H200", 8, 8, 1, 1, 1, "fp8", "sglang", None, HERE)


def test_a_stated_memory_is_taken_as_it_is() -> None:
    """Proves that evidence goes before the formula, and needs no sentence."""
    memory = kv_memory(replace(CONFIG, max_kv_tokens=123.0), DENSE, GPU)
    assert (memory.tokens, memory.assumptions) == (123.0, ())


def test_what_the_weights_leave() -> None:
    """Proves (8 * (131 * 0.9 - 2) GiB - 70 GB) / 327680 = 2.824 million tokens; at bf16 the weights are twice that."""
    memory = kv_memory(CONFIG, DENSE, GPU)
    assert memory.tokens == pytest.approx((8 * (131 * 0.9 - 2) * 2**30 - 70e9) / 327_680)
    assert memory.assumptions == (
        "KV memory is not stated for h200x8: 90 % of GPU memory less the weights and 2 GiB a GPU is assumed",
    )
    wide = kv_memory(replace(CONFIG, precision="bf16"), DENSE, GPU)
    assert memory.tokens - wide.tokens == pytest.approx(70e9 / 327_680)


def test_a_cache_that_cannot_be_split_is_limited_by_one_gpu() -> None:
    """Proves 577 thousand tokens where splitting over 8 GPUs would claim 4.6 million."""
    assert kv_memory(CONFIG, MLA, GPU).tokens == pytest.approx(576_807, rel=1e-3)


@pytest.mark.parametrize(("tensor", "pipeline", "data"), [(1, 1, 8), (2, 1, 4), (2, 4, 1), (2, 2, 2)])
def test_groups_and_stages_hold_different_tokens(tensor: int, pipeline: int, data: int) -> None:
    """Proves that only tensor parallelism repeats the cache: eight GPUs in twos hold four times one GPU's."""
    split = replace(CONFIG, tensor_parallel=tensor, pipeline_parallel=pipeline, data_parallel=data)
    assert kv_memory(split, MLA, GPU).tokens == pytest.approx(8 / tensor * kv_memory(CONFIG, MLA, GPU).tokens)


def test_weights_that_do_not_fit_leave_nothing() -> None:
    """Proves that the answer is zero and never negative."""
    assert kv_memory(replace(CONFIG, gpus_per_replica=1, tensor_parallel=1), MLA, GPU).tokens == 0.0


def test_an_unknown_precision_counts_as_the_widest_aloud() -> None:
    """Proves that a precision nobody listed is not taken for a small one in silence."""
    memory = kv_memory(replace(CONFIG, precision="int7"), DENSE, GPU)
    assert memory.tokens == kv_memory(replace(CONFIG, precision="bf16"), DENSE, GPU).tokens
    assert memory.assumptions[1] == "precision 'int7' of h200x8 is not known: 2 bytes per parameter"
