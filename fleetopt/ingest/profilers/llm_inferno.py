"""llm-inferno: a folder of JSON files, one problem.

Each server's lengths and promises, on each accelerator its model knows, give one stated rate by llm-inferno's own
queue model (`inferno_queue`): a RatePoint in the role aggregated, evidence modelled.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from fleetopt.catalog.domain import RatePoint
from fleetopt.documents import stands
from fleetopt.errors import InputError, Issue
from fleetopt.ingest.profilers.gather import Found, gathered
from fleetopt.ingest.profilers.inferno_problem import FILES, Performance, Problem, Server, read_problem
from fleetopt.ingest.profilers.inferno_queue import LARGEST_BATCH, Replica, State, carried, largest_batch
from fleetopt.ingest.reading import Reading, Setup, Told

PAIRS_LIMIT = 5_000
SOURCE = "llm-inferno's queue model, from its alpha, beta, gamma"


class LlmInferno:
    name = "llm-inferno"
    title = "llm-inferno problem (a folder with accelerator-, model-, serviceclass- and server-data.json)"

    def recognises(self, path: Path, head: bytes) -> bool:  # noqa: ARG002 - a folder has no first bytes
        return all(stands(path / name, "file") for name in FILES)

    def read(self, path: Path, told: Told) -> Reading:
        problem = read_problem(path)
        return Reading(
            format=self.name,
            path=path,
            sha256=problem.sha256,
            series=gathered(_found(problem), told),
            understood=_understood(problem),
        )


def rate_of(server: Server, performance: Performance) -> State | None:
    """What one replica carries for a server, None where it cannot keep the promises at any rate.

    Raises:
        InputError: it would run more requests at once than can be computed.
    """
    batch = largest_batch(performance.largest_batch, performance.at_tokens, server.output_tokens)
    if batch > LARGEST_BATCH:
        what = f"allows {batch} requests at once for {server.name}, over the limit of {LARGEST_BATCH}"
        raise InputError([Issue("bad-value", performance.where, what, "Check maxBatchSize and atTokens")])
    replica = Replica(performance.parameters, batch, server.input_tokens, server.output_tokens)
    return carried(replica, server.targets)


def gpus_of(problem: Problem, performance: Performance) -> int:
    """GPUs of one replica."""
    return performance.accelerators * problem.accelerators[performance.accelerator].gpus


def _found(problem: Problem) -> Iterator[Found]:
    by_model: dict[str, list[Performance]] = {}
    for performance in problem.performance:
        by_model.setdefault(performance.model, []).append(performance)
    pairs = sum(len(by_model.get(server.model, ())) for server in problem.servers)
    if pairs > PAIRS_LIMIT:
        what = f"asks for {pairs} pairs of server and accelerator, over the limit of {PAIRS_LIMIT}"
        raise InputError([Issue("too-large", "server-data.json", what, "Split the problem")])
    for server in problem.servers:
        for performance in by_model.get(server.model, ()):
            state = rate_of(server, performance)
            if state is not None:
                point = _point(server, state.rate_rps)
                yield Found(_setup(problem, performance), "aggregated", point, "modelled", SOURCE, performance.where)


def _point(server: Server, rate_rps: float) -> RatePoint:
    ttft_ms, itl_ms = server.targets.ttft_ms, server.targets.itl_ms
    return RatePoint(
        input_tokens=server.input_tokens,
        output_tokens=server.output_tokens,
        ttft_s=math.inf if ttft_ms is None else ttft_ms / 1000.0,
        ttft_percentile=None,
        tpot_s=math.inf if itl_ms is None else itl_ms / 1000.0,
        tpot_percentile=None,
        rate_rps=rate_rps,
    )


def _setup(problem: Problem, performance: Performance) -> Setup:
    accelerator = problem.accelerators[performance.accelerator]
    gpus = gpus_of(problem, performance)
    return Setup(
        model=performance.model,
        config=accelerator.name.lower(),
        gpu_type=accelerator.gpu_type,
        gpus_per_replica=gpus,
    )


def _understood(problem: Problem) -> tuple[str, ...]:
    servers, models = len(problem.servers), len({p.model for p in problem.performance})
    return (
        f"{servers} servers, {models} models, {len(problem.accelerators)} accelerators",
        "Times are ms, prices cents per hour, demand requests per MINUTE (divided by 60)",
        "A replica's GPUs are accCount x multiplicity",
        "Limits are means; the rate is what llm-inferno's queue model carries inside them, with a queue of 10 batches",
    )
