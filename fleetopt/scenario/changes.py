"""Changes between the slots of a day, as the scenario file states them: what, how long, how much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from fleetopt.documents import Document, Key
from fleetopt.errors import Issue
from fleetopt.scenario.changing import Changes, Mode
from fleetopt.scenario.domain import Workload
from fleetopt.scenario.fields import Bandwidth, Block, Duration, Text

Gpus = Annotated[int, Field(ge=0, le=100_000_000, strict=True)]


class ChangesFile(Block):
    """What GPUs may change between slots (DOPD, arXiv 2511.20982); without it every slot is planned by itself."""

    mode: Annotated[
        Mode, Field(description="static: nothing changes; roles: workloads keep their GPUs; free: anything changes")
    ] = "free"
    role_flip: Annotated[Duration, Field(description="Lost when a replica changes its role on the weights it has")] = (
        0.0
    )
    model_load: Annotated[Duration, Field(description="Lost when a replica is started, besides loading weights")] = 0.0
    loading: Annotated[
        Bandwidth | None, Field(description="Speed of weights into each GPU, from disk or host memory")
    ] = None
    per_change: Annotated[Gpus | None, Field(description="GPUs that start something between two slots")] = None
    per_day: Annotated[Gpus | None, Field(description="GPUs that start something in a day")] = None
    source: Annotated[Text, Field(max_length=300, description="Who says how long it takes")] = ""


def build_changes(
    file: ChangesFile | None, workloads: Iterable[Workload], document: Document, issues: list[Issue]
) -> Changes | None:
    """What a scenario states, None where it says nothing; what is wrong with it is added to `issues`."""
    if file is None:
        return None
    found = Changes(
        file.mode, file.role_flip, file.model_load, file.loading, file.per_change, file.per_day, file.source
    )
    for field, what, fix in (*_faults(file), *_others(found, workloads)):
        issues.append(document.issue("bad-value", ("changes", *field), what, fix))
    return found


def _faults(file: ChangesFile) -> Iterator[tuple[Key, str, str]]:
    if (file.role_flip or file.model_load or file.loading) and not file.source.strip():
        yield (), "states times, and nobody is named who measured them", "Add source: where the times come from"


def _others(changes: Changes, workloads: Iterable[Workload]) -> Iterator[tuple[Key, str, str]]:
    """What the accounting of changes does not know, and would get wrong in silence.

    What a lower class could do without in one slot it may have to hold for another where starts are restricted.
    """
    if changes.restricts and len({w.priority for w in workloads}) > 1:
        what = "are restricted where service classes go short in order by the slot"
        yield (), what, "Take out priority, or what restricts changes: mode, times and limits"
