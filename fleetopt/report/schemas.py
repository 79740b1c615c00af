"""JSON Schemas as text."""

from __future__ import annotations

import json

from pydantic import BaseModel

from fleetopt.plan.domain import Plan
from fleetopt.scenario.schema import ScenarioFile
from fleetopt.study.load_ratios import LoadRatios
from fleetopt.study.sweep.records import Sweep

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(of: str) -> str:
    """The JSON Schema of a 'scenario' file, or of a 'plan', a 'sweep' or 'ratios' as they are written."""
    written: dict[str, type[BaseModel]] = {"plan": Plan, "sweep": Sweep, "ratios": LoadRatios}
    schema = written[of].model_json_schema(mode="serialization") if of in written else ScenarioFile.model_json_schema()
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2) + "\n"
