"""The shape of scenario.yaml: what may be written, in which units, with which defaults.

These models are the published JSON Schema (`fleetopt schema scenario`). They check one field at a time;
`build` checks what concerns several. Unknown keys are refused everywhere.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from fleetopt.scenario.fields import Block, Fraction, Hours, Markup, Name, Text, period_name
from fleetopt.scenario.supply_schema import SupplyFile
from fleetopt.scenario.workload_schema import WorkloadFile


class CalendarFile(Block):
    """When: periods from a start, representative parts of the day, and uncertain futures."""

    start: Annotated[
        str,
        BeforeValidator(period_name),
        Field(description="First period: a quarter, month or year", examples=["2027-Q1", "2027-01"]),
    ]
    periods: Annotated[int, Field(ge=1, le=80, strict=True, description="How many periods")] = 1
    slots: Annotated[
        dict[Name, Hours], Field(min_length=1, description="Parts of the day and their hours; they add up to 24 h")
    ] = Field(default={"day": 24.0}, validate_default=False)
    outlooks: Annotated[
        dict[Name, Fraction], Field(min_length=1, description="Futures and their probabilities; they add up to 100 %")
    ] = Field(default={"base": 1.0}, validate_default=False)


class MoneyFile(Block):
    """How money at different times compares."""

    discount_rate: Annotated[Markup, Field(description="Per year; the plan then has the least present value")] = 0.0


class MarginsFile(Block):
    """By how much to slow profiles down before they are used, by the kind of their evidence."""

    measured: Markup = 0.0
    modelled: Markup = 0.0
    assumed: Markup = 0.0


class ScenarioFile(Block):
    """A planning question for fleetopt."""

    model_config = ConfigDict(title="fleetopt scenario")

    schema_version: Literal[1] = 1
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    include: Annotated[list[str], Field(description="Other YAML files whose keys are merged into this one")] = []
    catalog: Annotated[list[str], Field(description="Folders of models to look in before the shipped ones")] = []
    calendar: CalendarFile
    workloads: Annotated[dict[Name, WorkloadFile], Field(min_length=1)]
    supply: SupplyFile
    margins: MarginsFile = MarginsFile()
    money: MoneyFile = MoneyFile()
