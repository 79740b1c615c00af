"""What all records of a plan are: frozen, and strict about their fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Share = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)]
"""A number of replicas, or of their GPUs; not whole only where length buckets share replicas."""


class Record(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
