"""What may stand where in scenario.yaml: a walk over the schema by keys."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from fleetopt.documents import Key
from fleetopt.scenario.schema import ScenarioFile


def keys_at(key: Key) -> list[str]:
    """The keys that may stand where the last part of `key` stands; none where they are names."""
    block = block_at(key[:-1])
    return list(block.model_fields) if block else []


def block_at(key: Key) -> type[BaseModel] | None:
    """The block that stands at a key, None where something else does."""
    found = _found(key)
    return found if isinstance(found, type) else None


def named_at(key: Key) -> type[BaseModel] | None:
    """The block that stands under each name at a key, None where blocks have no names there."""
    found = _found(key)
    return found[0] if isinstance(found, tuple) else None


def _found(key: Key) -> Any:
    block: Any = ScenarioFile
    for part in key:
        block = _inside(block, part)
    return block


def _inside(block: Any, part: str | int) -> Any:
    """The type found under `part`, looking through optional and mapping types."""
    if isinstance(block, type) and issubclass(block, BaseModel):
        field = block.model_fields.get(str(part))
        return _block_of(field.annotation) if field else None
    if isinstance(block, tuple):
        return block[0]
    return None


def _block_of(annotation: Any) -> Any:
    """A block type itself; a mapping or list of blocks as a 1-tuple, one `_inside` step away."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    blocks = [b for a in getattr(annotation, "__args__", ()) if (b := _block_of(a))]
    return (blocks[0],) if blocks else None
