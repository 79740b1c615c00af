"""JSON Schemas as text."""

from __future__ import annotations

import json

from fleetopt.plan.domain import Plan
from fleetopt.scenario.schema import ScenarioFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_text(of: str) -> str:
    """The JSON Schema of a 'scenario' file, or of a 'plan' as it is written."""
    schema = ScenarioFile.model_json_schema() if of == "scenario" else Plan.model_json_schema(mode="serialization")
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2) + "\n"
