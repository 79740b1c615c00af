"""On a real Ray cluster of two nodes on this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from fleetopt.errors import InputError
from fleetopt.optimizer.solve import Method, SolveOptions
from fleetopt.report.sweep.tables import rows
from fleetopt.study.sweep.bench import Answer
from fleetopt.study.sweep.engines import on_ray
from fleetopt.study.sweep.engines.engine import Engine, Inline
from fleetopt.study.sweep.engines.on_ray import OnRay
from fleetopt.study.sweep.records import Sweep
from fleetopt.study.sweep.sweep import Ask, sweep

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

Write = Callable[..., Path]

VARY = ("workloads.chat.demand=0.5x..2x:6", "offers.h100.price=-20%,0", "workloads.search.slo.tpot=1 ms,30 ms")


def found(path: Path, engine: Engine, vary: tuple[str, ...] = VARY, method: Method = "auto", **how: Any) -> Sweep:
    options = SolveOptions(gap=0.01, method=method, diagnose=False)
    return sweep(path, Ask(vary, options=options), engine=engine, **how)


def untimed(swept: Sweep) -> list[dict[str, Any]]:
    return [row | {"seconds": None} for row in rows(swept)]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster of two nodes, each with a worker of its own."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


def one_dies(folder: Path) -> Callable[..., Answer]:
    """What a worker runs, but the fourth to be given a task is killed once it has an answer, before anybody gets it.

    Workers know of each other by files in the folder, so that it happens once and whatever they are doing.
    """

    def work(*arguments: Any) -> Answer:
        from fleetopt.study.sweep.engines import on_ray

        for turn in count(1):
            with suppress(FileExistsError):
                (folder / f"task-{turn}").touch(exist_ok=False)
                break
        answer = on_ray._work(*arguments)
        if turn == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return work


@pytest.mark.parametrize("method", ["auto", "patterns"])
def test_ray_gives_what_one_process_gives_though_a_worker_is_killed(
    scenario: Write, address: str, method: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves: on two nodes, one worker killed in mid-run, every variant is answered once and as one process answers it,
    by either method.

    Sensitivity: a lost task, one that counts twice, or another answer from another machine.
    """
    told: list[int] = []
    given = tmp_path / "given"
    given.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(on_ray, "_work", one_dies(given))
        apart = found(scenario(), OnRay(address), VARY, method, tell=lambda progress: told.append(progress.done))
    alone = found(scenario(), Inline(), VARY, method)
    assert untimed(apart) == untimed(alone)
    assert told == list(range(25))
    assert len(list(given.iterdir())) > 24


def test_ray_starts_a_cluster_of_its_own_where_there_is_none(scenario: Write) -> None:
    """Proves: without an address a cluster is started for the sweep and stopped after it.
    Sensitivity: processes would be left behind.
    """
    import ray

    apart, here = (found(scenario(), engine, VARY[2:]) for engine in (OnRay(None, 2), Inline()))
    assert untimed(apart) == untimed(here)
    assert not ray.is_initialized()


def test_an_address_without_a_cluster_is_an_input_error(scenario: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: one sentence and how to start a cluster.
    Sensitivity: Ray's own traceback.
    """
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "2")
    with pytest.raises(InputError, match=r"--address nonsense: has no cluster.*ray start --head"):
        found(scenario(), OnRay("nonsense"))
