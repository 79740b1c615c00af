"""Completes what is known of a serving config, or says at once all that is missing and which option supplies it.

A replica has tensor x pipeline x data parallel GPUs; expert parallelism reuses them. Of the splits that nobody stated,
pipeline, data and expert parallel are 1 and tensor parallel is what is left of the GPUs; that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from fleetopt.catalog.domain import Provenance, ServingConfig
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.reading import Series, Setup

OPTION = {
    "model": "--model",
    "gpu_type": "--gpu-type",
    "gpus_per_replica": "--gpus",
    "precision": "--precision",
    "engine": "--engine",
}
"""The facts that no config goes without, each with the option that supplies it."""

SPLITS = ("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
"""Names of folders and configs that are written: they stand in paths, in cells and on command lines."""


def check_facts(many: Sequence[Series]) -> None:
    """Stops if any series lacks a fact, with one issue for each fact.

    Raises:
        InputError: something is missing.
    """
    issues = []
    for fact, option in OPTION.items():
        lacking = [one.where for one in many if getattr(one.setup, fact) is None]
        if lacking:
            more = f" (and {len(lacking) - 1} more series)" if len(lacking) > 1 else ""
            issues.append(Issue("missing-fact", lacking[0] + more, f"does not say its {fact}", f"Add {option}"))
    if issues:
        raise InputError(issues)


def check_words(many: Sequence[Series]) -> None:
    """Stops if any name or text could not stand in a path or a cell.

    Raises:
        InputError: with every issue found.
    """
    issues = dict.fromkeys(issue for one in many for issue in _bad_words(one))
    if issues:
        raise InputError(issues)


def _bad_words(one: Series) -> Iterable[Issue]:
    for fact in ("model", "config"):
        name = getattr(one.setup, fact)
        if name is not None and NAME.fullmatch(name) is None:
            what = f"names a {fact} '{printable(name)[:60]}'"
            fix = f"Give a name of letters, digits, '.', '_', '+' and '-' with --{fact}"
            yield Issue("bad-name", one.where, what, fix)
    for fact in ("gpu_type", "precision", "engine"):
        text = getattr(one.setup, fact)
        if text is not None and not is_cell(text):
            yield Issue("bad-value", one.where, f"has a {fact} that no cell can hold", f"Give it with {OPTION[fact]}")
    if not is_cell(one.source):
        yield Issue("bad-value", one.where, "has a source that no cell can hold", "Rename the file")
    if one.setup.max_kv_tokens is not None and not 0 < one.setup.max_kv_tokens <= 1e12:
        yield Issue("bad-value", one.where, "has KV memory out of range", "Give it with --max-kv-tokens")


def check_name(name: str, where: str) -> None:
    """Stops if a name could not be that of a model's folder.

    Raises:
        InputError: it could not.
    """
    if NAME.fullmatch(name) is None:
        fix = "Give a name of letters, digits, '.', '_', '+' and '-'"
        raise InputError([Issue("bad-name", where, f"'{printable(name)[:60]}' is no name of a model", fix)])


def is_cell(text: str) -> bool:
    """Whether a text comes back from a table as it went in, and no spreadsheet runs it as a formula."""
    return bool(text) and text.isprintable() and text == text.strip() and text[0] not in "#=+-@'"


def printable(text: str) -> str:
    """Text without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in text)


def from_config(setup: Setup, config: ServingConfig) -> Setup:
    """A setup that names a config of the catalog, with what it does not say taken from there."""
    facts = (*OPTION, *SPLITS)
    return replace(setup, **{f: getattr(config, f) for f in facts if getattr(setup, f) is None})


def complete(one: Series) -> tuple[ServingConfig, tuple[str, ...]]:
    """The serving config of a series in which nothing is missing, with what was assumed about its split.

    Its name is empty where nobody gave one.

    Raises:
        InputError: the split does not multiply to the GPUs of the replica.
    """
    setup = one.setup
    gpus = setup.gpus_per_replica
    assert gpus is not None
    pipeline, data = setup.pipeline_parallel or 1, setup.data_parallel or 1
    tensor = setup.tensor_parallel or max(1, gpus // (pipeline * data))
    if tensor * pipeline * data != gpus or not 1 <= gpus <= 4096:
        what = f"has {gpus} GPUs, which are not tensor x pipeline x data parallel = {tensor} x {pipeline} x {data}"
        fix = "Give --gpus, --tp, --pp and --dp of one replica; expert parallelism reuses the same GPUs"
        raise InputError([Issue("bad-split", one.where, what, fix)])
    config = ServingConfig(
        name=setup.config or "",
        model=setup.model or "",
        gpu_type=setup.gpu_type or "",
        gpus_per_replica=gpus,
        tensor_parallel=tensor,
        pipeline_parallel=pipeline,
        data_parallel=data,
        expert_parallel=setup.expert_parallel or 1,
        precision=setup.precision or "",
        engine=setup.engine or "",
        max_kv_tokens=setup.max_kv_tokens,
        provenance=Provenance(one.evidence, one.source),
    )
    assumed = [f"{fact} {getattr(config, fact)}" for fact in SPLITS if getattr(setup, fact) is None]
    return config, (
        f"not stated, so taken for {gpus} GPU{'s' if gpus > 1 else ''}: {', '.join(assumed)}",
    ) if assumed else ()
