"""The shape of scenario.yaml: what may be written, in which units, with which defaults.

These models are the published JSON Schema (`fleetopt schema scenario`). They check one field at a time;
`build` checks what concerns several. Unknown keys are refused everywhere.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from fleetopt.scenario.bundles import BundlesFile
from fleetopt.scenario.changes import ChangesFile
from fleetopt.scenario.domain import Aim
from fleetopt.scenario.fields import (
    MOST_FACTOR,
    Block,
    Change,
    Currency,
    Fraction,
    Hours,
    Markup,
    Name,
    Text,
    Usd,
    period_name,
)
from fleetopt.scenario.slips import DeliverySlip
from fleetopt.scenario.supply_schema import SupplyFile
from fleetopt.scenario.workload_schema import WorkloadFile


class OutlookFile(Block):
    """An uncertain future: its probability, and what is different in it beside the demand."""

    probability: Fraction
    prices: Annotated[Change, Field(description="Change of hourly prices")] = 1.0
    capacity: Annotated[Change, Field(description="Change of what every replica carries; zero or less")] = 1.0
    delivery_slip: DeliverySlip = {}


def _outlook(value: Any) -> Any:
    return value if isinstance(value, dict | OutlookFile) else {"probability": value}


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
        dict[Name, Annotated[OutlookFile, BeforeValidator(_outlook, json_schema_input_type=Fraction | OutlookFile)]],
        Field(min_length=1, description="Futures and their probabilities; they add up to 100 %"),
    ] = Field(default={"base": OutlookFile(probability=1.0)}, validate_default=False)


def _above_zero(value: float) -> float:
    if value <= 0:
        raise ValueError("is not more than zero; write what one is worth, like '1.08 USD'")
    if value > MOST_FACTOR:
        raise ValueError("is more than any currency is worth; write dollars for one, like '1.08 USD'")
    return value


class RateFile(Block):
    """What one unit of a currency is worth, and who says so."""

    rate: Annotated[Usd, AfterValidator(_above_zero), Field(description="US dollars for one", examples=["1.08 USD"])]
    source: Annotated[Text, Field(max_length=200)] = ""
    date: Annotated[Text, Field(max_length=20)] = ""


def _rate(value: Any) -> Any:
    return value if isinstance(value, dict | RateFile) else {"rate": value}


class MoneyFile(Block):
    """How money of different times and currencies compares."""

    discount_rate: Annotated[Markup, Field(description="Per year; the plan then has the least present value")] = 0.0
    rates: Annotated[
        dict[Currency, Annotated[RateFile, BeforeValidator(_rate, json_schema_input_type=Usd | RateFile)]],
        Field(description="By currency: what one is worth in US dollars"),
    ] = {}


class MarginsFile(Block):
    """By how much to slow profiles down before they are used, by the kind of their evidence."""

    measured: Markup = 0.0
    modelled: Markup = 0.0
    assumed: Markup = 0.0


def _level(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError("is not between 0 and 100 %; write it like '90 %'")
    return value


class RiskFile(Block):
    """How much the dear futures weigh against the expected cost."""

    level: Annotated[Fraction, AfterValidator(_level), Field(description="CVaR: the mean of the worst 1 - level")] = 0.9
    weight: Annotated[Fraction, AfterValidator(_level), Field(description="Of CVaR; the expected cost has the rest")]


class ObjectiveFile(Block):
    """What to have as little of as can be: cost, or something else at a cost of so much above the cheapest."""

    least: Annotated[Literal["cost", Aim], Field(description="What comes first")]
    at_most: Annotated[Markup | None, Field(description="What it may cost above the cheapest plan")] = None
    then: Annotated[Aim | None, Field(description="What to have little of next, before cost")] = None


def _objective(value: Any) -> Any:
    return {"least": value} if isinstance(value, str) else value


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
    bundles: BundlesFile | None = None
    changes: ChangesFile | None = None
    money: MoneyFile = MoneyFile()
    risk: RiskFile | None = None
    objective: Annotated[
        ObjectiveFile | None, BeforeValidator(_objective, json_schema_input_type=str | ObjectiveFile | None)
    ] = None
