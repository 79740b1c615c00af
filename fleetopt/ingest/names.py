"""Ids of serving configs, made like the shipped ones: GPU, split, precision, engine.

    h100-tp8-dp2-ep16-fp8-vllm

Where a config with other evidence already has the id, the evidence is added (`-measured`); where another build of the
same evidence has it, the engine's version is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fleetopt.catalog.domain import ServingConfig
from fleetopt.errors import InputError, Issue

_MEMORY = re.compile(r"-[0-9]+gi?b?$")
_BUILD = (
    *("gpu_type", "gpus_per_replica", "tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel"),
    *("precision", "engine", "gpu_share"),
)


def plain_id(config: ServingConfig) -> str:
    """The id of a config that meets no other.

    >>> from fleetopt.catalog.domain import Provenance
    >>> plain_id(ServingConfig("", "m", "A100-80G", 8, 4, 1, 2, 8, "fp8_block", "vllm 0.24.0", None,
    ...     Provenance("measured", "s")))
    'a100-tp4-dp2-ep8-fp8-vllm'
    """
    split = f"tp{config.tensor_parallel}"
    others = (("pp", config.pipeline_parallel), ("dp", config.data_parallel), ("ep", config.expert_parallel))
    split += "".join(f"-{word}{degree}" for word, degree in others if degree > 1)
    gpu = _MEMORY.sub("", _slug(config.gpu_type))
    return f"{gpu}-{split}-{_slug(config.precision.split('_')[0])}-{_slug(config.engine.split()[0])}"


def differences(one: ServingConfig, other: ServingConfig) -> list[str]:
    """The facts in which two configs are not the same build; KV memory is a figure, not a build."""
    return [fact for fact in _BUILD if getattr(one, fact) != getattr(other, fact)]


def settled_id(config: ServingConfig, known: Mapping[str, ServingConfig], where: str) -> str:
    """The id under which a config belongs into a catalog: that of the same build and evidence, or a new one.

    Raises:
        InputError: all ids that come to mind are taken by other builds.
    """
    names = _ids(config, known)
    for name in names:
        taken = known.get(name)
        if taken is None or _is_same(config, taken):
            return name
    what = f"would be {' or '.join(names)}, which other builds or evidence have"
    fix = "Give the engine's version with --engine, or an id with --config"
    raise InputError([Issue("taken-id", where, what, fix)])


def _ids(config: ServingConfig, known: Mapping[str, ServingConfig]) -> list[str]:
    plain, version, evidence = plain_id(config), _slug("-".join(config.engine.split()[1:])), config.provenance.evidence
    suffix = f"-{evidence}" if plain in known and known[plain].provenance.evidence != evidence else ""
    names = [plain, plain + suffix]
    if version:
        names += [f"{plain}-{version}{suffix}", f"{plain}-{version}-{evidence}"]
    return list(dict.fromkeys(names))


def _is_same(config: ServingConfig, taken: ServingConfig) -> bool:
    return not differences(config, taken) and config.provenance.evidence == taken.provenance.evidence


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
