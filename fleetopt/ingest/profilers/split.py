"""The true count of GPUs of a replica: tensor x pipeline x data parallel, never tensor x expert parallel.

Experts are spread over the GPUs that are there; they bring none of their own.
"""

from __future__ import annotations

from fleetopt.documents import Row
from fleetopt.ingest.reading import Flag


def true_gpus(
    row: Row, column: str, stated: int | None, split: tuple[int, int, int], expert: int
) -> tuple[int, Flag | None]:
    """GPUs by the split, and a flag where the file counts tensor x expert parallel instead.

    Raises:
        InputError: the stated count is neither.
    """
    tensor, pipeline, data = split
    gpus = tensor * pipeline * data
    if stated is None or stated == gpus:
        return gpus, None
    what = f"is {stated}, and a replica has {tensor} x {pipeline} x {data} = {gpus} GPUs"
    if stated not in (tensor * expert, gpus * expert):
        raise row.fail(column, what, "Correct the row, or take it out")
    return gpus, Flag(row.where(column), f"{what}; tensor x expert parallel is no count", "corrected")
