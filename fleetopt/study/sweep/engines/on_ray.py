"""Tasks on a Ray cluster: this machine's processes, or those of every machine that has joined.

The shared part is put into Ray's object store once and unpacked once in each worker process. Ray's own retries are off:
a task whose worker dies is given out again here, as often as on every engine.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any
from uuid import uuid4

from fleetopt.errors import InputError, Issue
from fleetopt.study.programs import fingerprint
from fleetopt.study.sweep.bench import Answer, Bench, Shared, Task, lost
from fleetopt.study.sweep.engines.engine import Again

HELD_PER_WORKER = 2
"""Tasks that Ray holds for each worker: one that runs, and one so that none waits."""

_benches: dict[str, Bench] = {}
"""In a worker process: the bench of the sweep that it works for."""


class OnRay:
    """Workers of a cluster at an address, or of one that is started here; as many as are wanted, or all."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address = address
        self._workers = workers
        self._ray = _ray()

    def run(self, shared: Shared, tasks: Iterator[Task]) -> Generator[Answer]:
        ray = self._ray
        started = not ray.is_initialized()
        if started:
            _join(ray, self._address, self._workers)
        try:
            yield from self._answers(shared, tasks)
        finally:
            if started:
                ray.shutdown()

    def _answers(self, shared: Shared, tasks: Iterator[Task]) -> Generator[Answer]:
        ray = self._ray
        work = ray.remote(num_cpus=1, max_retries=0)(_work)
        # Inside a list the reference stays one: a worker fetches what it stands for only if it does not have it.
        known = (uuid4().hex, [ray.put(shared)], fingerprint())
        workers = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        queue, running = Again(tasks), dict[Any, Task]()

        def fill() -> None:
            while len(running) < HELD_PER_WORKER * workers and (task := next(queue, None)) is not None:
                running[work.remote(*known, task)] = task

        try:
            fill()
            while running:
                [done], _ = ray.wait(list(running))
                task = running.pop(done)
                answer = _got(ray, done, task) or queue.retry(task)
                fill()
                if answer is not None:
                    yield answer
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _work(sweep: str, shared: list[Any], ours: str, task: Task) -> Answer:
    if sweep not in _benches:
        if fingerprint() != ours:
            return lost(task.key, "this worker has another fleetopt; install the same on every machine")
        import ray

        _benches.clear()
        _benches[sweep] = Bench(ray.get(shared[0]))
    return _benches[sweep].run(task)


def _got(ray: Any, reference: Any, task: Task) -> Answer | None:
    """The answer, None if the worker died. What our own code raised is our bug and is said as such."""
    try:
        return ray.get(reference)  # type: ignore[no-any-return]
    except ray.exceptions.RayTaskError as error:
        return lost(task.key, f"{type(error.cause).__name__}: {error.cause}"[:500])
    except ray.exceptions.RayError:
        return None


def _join(ray: Any, address: str | None, workers: int | None) -> None:
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    # Without an address Ray would join whatever cluster it finds on this machine.
    options |= {"address": "local", "num_cpus": workers, "include_dashboard": False} if address is None else {}
    try:
        ray.init(**{"address": address, **options})
    except (ConnectionError, ValueError, OSError, RuntimeError) as error:
        said = (str(error).strip().splitlines() or ["it does not answer"])[0][:200]
        where = "--engine ray" if address is None else f"--address {address}"
        fix = "Start one with 'ray start --head', and give the address that it prints"
        raise InputError([Issue("no-cluster", where, f"has no cluster: {said}", fix)]) from None


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        fix = "Install it with: pip install 'fleetopt[ray]'"
        raise InputError([Issue("no-ray", "--engine ray", "needs Ray, which is not installed", fix)]) from None
    return ray
