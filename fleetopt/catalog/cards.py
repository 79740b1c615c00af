"""Reads card.yaml: the public facts about an LLM."""

from __future__ import annotations

from typing import Any

from fleetopt.catalog.domain import ModelCard
from fleetopt.documents import LEAST, Document
from fleetopt.errors import InputError, did_you_mean

MOST_OF_A_CARD = 1e10
"""More parameters, layers, tokens or bytes per token than any model has."""


def read_card(name: str, document: Document) -> ModelCard:
    """The card of a model.

    Raises:
        InputError: with everything that is wrong in the file.
    """
    values = document.value if isinstance(document.value, dict) else {}
    numbers = ("parameters_b", "active_parameters_b", "layers", "kv_bytes_per_token", "context_limit")
    known = {"title", "kv_replicated_per_gpu", "sources", *numbers}
    issues = [document.issue("unknown-key", (k,), "unknown key", did_you_mean(k, known)) for k in values.keys() - known]
    issues += [document.issue("missing-key", (), f"has no '{k}'", "Add it") for k in sorted(known - values.keys())]
    issues += [
        document.issue(
            "bad-value", (k,), f"{_quoted(values[k])} is not a sensible number", "Write a plain number above zero"
        )
        for k in numbers
        if k in values and not _positive(values[k])
    ]
    issues += [
        document.issue("bad-value", (k,), f"{_quoted(values[k])} is not a whole number", "Write a plain whole number")
        for k in ("layers", "context_limit")
        if _positive(values.get(k)) and values[k] != int(values[k])
    ]
    if not (isinstance(values.get("title", ""), str) and values.get("title", "").isprintable()):
        issues.append(document.issue("bad-value", ("title",), "is not plain text", "Write the model's name"))
    if not isinstance(values.get("kv_replicated_per_gpu", False), bool):
        issues.append(document.issue("bad-value", ("kv_replicated_per_gpu",), "is not true or false", "Write one"))
    if not isinstance(values.get("sources", []), list):
        issues.append(document.issue("bad-value", ("sources",), "is not a list", "Write '- ' before each source"))
    if issues:
        raise InputError(issues)
    return ModelCard(
        name=name,
        title=values["title"],
        parameters_b=float(values["parameters_b"]),
        active_parameters_b=float(values["active_parameters_b"]),
        layers=int(values["layers"]),
        kv_bytes_per_token=float(values["kv_bytes_per_token"]),
        kv_replicated_per_gpu=values["kv_replicated_per_gpu"],
        context_limit=int(values["context_limit"]),
        sources=tuple(str(source) for source in values["sources"]),
    )


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and LEAST <= value <= MOST_OF_A_CARD


def _quoted(value: Any) -> str:
    return f"'{str(value)[:40]}'"
