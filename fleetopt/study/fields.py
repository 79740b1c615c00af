"""Fields of a scenario by path: ("supply", "quotas", "h200", "max_gpus"). Members of a tuple go by their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias, TypeVar

Path: TypeAlias = tuple[str, ...]

T = TypeVar("T")


def get(value: Any, path: Path) -> Any:
    """The value at a path.

    Raises:
        KeyError: there is nothing of that name.
    """
    for name in path:
        value = dict(members(value))[name]
    return value


def put(value: T, path: Path, new: Any) -> T:
    """The same value with another one at a path.

    Raises:
        KeyError: there is nothing of that name.
    """
    if not path:
        return new  # type: ignore[no-any-return]
    head, *rest = path
    inner = put(dict(members(value))[head], tuple(rest), new)
    if isinstance(value, dict):
        return {**value, head: inner}  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(inner if one.name == head else one for one in value)  # type: ignore[return-value]
    return replace(value, **{head: inner})  # type: ignore[type-var]


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value consists of, by name: fields, entries, or the members of a tuple of named things."""
    if is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    elif isinstance(value, dict):
        yield from (("/".join(key) if isinstance(key, tuple) else str(key), inner) for key, inner in value.items())
    elif isinstance(value, tuple) and value and all(hasattr(one, "name") for one in value):
        yield from ((one.name, one) for one in value)
