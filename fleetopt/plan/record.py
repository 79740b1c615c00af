"""What all records of a plan are: frozen, and strict about their fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Share = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)]
"""A number of replicas, or of their GPUs; not whole only where length buckets share replicas."""

_STATED: dict[frozenset[str], set[str]] = {}


class Record(BaseModel):
    """A frozen record that refuses fields it does not know.

    Records that had the same fields stated share one set of their names. A set of its own is seven tenths of what a
    placement takes, and a large plan has a million.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def model_post_init(self, _context: Any, /) -> None:
        stated = self.__pydantic_fields_set__
        object.__setattr__(self, "__pydantic_fields_set__", _STATED.setdefault(frozenset(stated), stated))
