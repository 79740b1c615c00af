"""What may stand where in scenario.yaml: a walk over the schema by keys."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

from fleetopt.documents import Key
from fleetopt.scenario.availability import AvailabilityFile
from fleetopt.scenario.schema import OutlookFile, ScenarioFile
from fleetopt.scenario.workload_schema import DemandFile

SHORT: dict[type[BaseModel], str] = {DemandFile: "base", OutlookFile: "probability", AvailabilityFile: "fraction"}
"""Blocks that may be written as a plain value, and the field which that value is then."""


def keys_at(key: Key) -> list[str]:
    """The keys that may stand where the last part of `key` stands; none where they are names."""
    block = block_at(key[:-1])
    return [field.alias or name for name, field in block.model_fields.items()] if block else []


def block_at(key: Key) -> type[BaseModel] | None:
    """The block that stands at a key, None where something else does."""
    found = _at(key)
    return found if _is_block(found) else None


def takes_names(key: Key) -> bool:
    """Whether what stands below a key goes by names that the scenario gives."""
    return get_origin(_at(key)) is dict


def takes_list(key: Key) -> bool:
    """Whether a list stands at a key."""
    return get_origin(_at(key)) is list


@lru_cache(maxsize=4096)
def _at(key: Key) -> Any:
    """The type that stands at a key, None where nothing may."""
    found: Any = ScenarioFile
    for part in key:
        if _is_block(found):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            found = _bare(fields[str(part)].annotation) if str(part) in fields else None
        elif get_origin(found) in (dict, list):
            found = _bare(get_args(found)[-1])
        else:
            return None
    return found


def _is_block(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel)


def _bare(annotation: Any) -> Any:
    """A type without its notes; of several that may be written, the one that has most in it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if _is_block(annotation) or get_origin(annotation) in (dict, list):
        return annotation
    inside = [_bare(one) for one in get_args(annotation)]
    return next((one for one in inside if _is_block(one) or get_origin(one) in (dict, list)), annotation)
