"""NVIDIA AIConfigurator: three kinds of tables, told apart by their columns.

- its measured reference points, `silicon_sample.csv`, and a tidied version of it (`silicon`: measured);
- what its command line saves, pareto.csv and best_config_topn.csv (`results`: modelled);
- grids of single estimates for prefill and decode, gzipped or not (`grid`: modelled).

Measured and modelled points never meet in one series: `evidence` and `source` keep them apart.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fleetopt.documents import Row, shown
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.profilers import aiconfigurator_grid as grid
from fleetopt.ingest.profilers import aiconfigurator_results as results
from fleetopt.ingest.profilers import aiconfigurator_silicon as silicon
from fleetopt.ingest.profilers.gather import Found, believable, gathered, raised
from fleetopt.ingest.profilers.tabular import columns, read_columns
from fleetopt.ingest.reading import Flag, Reading, Told

Parse = Callable[[list[Row], list[Flag]], list[Found]]

KINDS: tuple[tuple[tuple[str, ...], Parse, tuple[str, ...]], ...] = (
    (silicon.RAW, silicon.raw_points, silicon.UNDERSTOOD),
    (silicon.TIDY, silicon.tidy_points, silicon.UNDERSTOOD),
    (results.AGGREGATED, results.aggregated_points, results.UNDERSTOOD),
    (results.SPLIT, results.split_points, results.UNDERSTOOD_SPLIT),
    (grid.COLUMNS, grid.points, grid.UNDERSTOOD),
)


class AiConfigurator:
    name = "aiconfigurator"
    title = (
        "AIConfigurator: silicon_sample.csv, saved results (pareto.csv, best_config_topn.csv), grids (.csv, .csv.gz)"
    )

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - the columns say it all
        return _kind(columns(head)) is not None

    def read(self, path: Path, told: Told) -> Reading:
        rows, digest = read_columns(path, ())
        kind = _kind(frozenset(rows[0].cells))
        if kind is None:
            what = "has the columns of none of AIConfigurator's tables"
            raise InputError([Issue("unknown-columns", shown(path), what, "Name its format with --format")])
        _, parse, understood = kind
        flags: list[Flag] = []
        found = believable(parse(rows, flags), flags)
        if not found:
            raise InputError([Issue("no-points", shown(path), "holds no operating point", "Check the file")])
        smooth = [raised(one) if one.evidence == "modelled" else (one, None) for one in gathered(found, told)]
        flags += [flag for _, flag in smooth if flag is not None]
        count = f"{len(rows)} rows, {len(found)} points in {len(smooth)} series"
        return Reading(self.name, path, digest, tuple(one for one, _ in smooth), (count, *understood), tuple(flags))


def _kind(header: frozenset[str]) -> tuple[tuple[str, ...], Parse, tuple[str, ...]] | None:
    return next((kind for kind in KINDS if header.issuperset(kind[0])), None)
