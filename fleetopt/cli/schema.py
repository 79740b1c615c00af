"""fleetopt schema: the published JSON Schemas of what goes in and what comes out."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

NAME = "schema"
BRIEF = "Print a JSON Schema."


class Of(StrEnum):
    """What has a schema."""

    SCENARIO = "scenario"
    PLAN = "plan"
    SWEEP = "sweep"
    RATIOS = "ratios"


def run(of: Annotated[Of, typer.Argument(help="Which schema to print.")] = Of.SCENARIO) -> None:
    """Print the JSON Schema of scenario.yaml, of plan.json, of sweep.json or of ratios.json.

    Editors use it to complete and check: save it beside the scenario and begin scenario.yaml with the line
    '# yaml-language-server: $schema=scenario.schema.json' ('fleetopt init' does both).
    """
    from fleetopt.report.schemas import schema_text

    sys.stdout.write(schema_text(of.value))
