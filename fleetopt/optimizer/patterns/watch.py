"""The clock, Ctrl-C, and what is known so far: one value that all phases share.

Small programs run on two threads. HiGHS lets go of the interpreter while it works, each program is solved by one thread
from the same seed, and results are taken in the order of the programs, so the plan does not depend on who is first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import TypeVar

from fleetopt.optimizer.aside import aside
from fleetopt.optimizer.matrix import Floats
from fleetopt.optimizer.solve import Progress, Reason, Solution, SolveOptions

THREADS = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class Watch:
    """Time left, best plan and bound of a run. Bounds only rise and incumbents only fall.

    Once `narrow` is set, what follows works on a part of the program: its plans count, its bounds do not.
    """

    options: SolveOptions
    started: float = field(default_factory=perf_counter)
    interrupted: bool = False
    narrow: bool = False
    bound: float | None = None
    incumbent: float | None = None
    values: Floats | None = None
    told: list[Progress] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return perf_counter() - self.started

    @property
    def left_s(self) -> float:
        return 0.0 if self.interrupted else max(0.0, self.options.time_limit_s - self.seconds)

    @property
    def over(self) -> bool:
        return self.left_s <= 0.0

    @property
    def gap(self) -> float:
        """The relative gap, infinite while there is no plan or no bound."""
        if self.incumbent is None or self.bound is None:
            return float("inf")
        missing = self.incumbent - self.bound
        return missing / abs(self.incumbent) if missing > 0.0 else 0.0

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do, or no time to do it."""
        return self.over or self.gap <= self.options.gap

    def enough(self, pieces: int) -> float:
        """What each of some pieces may be too dear, in USD: an equal part of half the gap."""
        return self.options.gap / 2.0 * abs(self.bound or 0.0) / max(1, pieces) + 1e-9

    def know(self, phase: str, bound: float | None = None) -> None:
        """Takes note of a bound and tells where the run stands."""
        if bound is not None and not self.narrow:
            self.bound = bound if self.bound is None else max(self.bound, bound)
        self.told.append(Progress(self.seconds, self.incumbent, self.bound, phase))
        if self.options.on_progress is not None:
            self.options.on_progress(self.told[-1])

    def keep(self, phase: str, objective: float, values: Floats, bound: float | None = None) -> None:
        """Takes note of a plan, if it is the best so far, and of a bound that came with it."""
        if self.incumbent is None or objective < self.incumbent:
            self.incumbent, self.values = objective, values
        self.know(phase, bound)

    def silent(self, gap: float = 0.0) -> Watch:
        """A watch on the same clock whose bounds and plans nobody is told, and that asks for no less than a gap."""
        options = replace(self.options, gap=max(gap, self.options.gap), on_progress=None, log_file=None)
        return Watch(options, self.started, self.interrupted)

    def solution(self, *, proven: bool = False) -> Solution:
        """The best plan so far with its bound; `proven` where no plan is cheaper, whatever the bound."""
        if self.values is None or self.incumbent is None:
            return Solution(Reason.NO_SOLUTION_FOUND, None, self.bound, None, self.seconds)
        bound = None if self.bound is None else min(self.bound, self.incumbent)
        reason = Reason.OPTIMAL if proven or self.gap <= self.options.gap else Reason.FEASIBLE
        return Solution(reason, self.incumbent, bound, self.values, self.seconds)

    def log(self) -> None:
        """Adds what was told to the log, below what the solver wrote there."""
        if self.options.log_file is not None:
            lines = [f"{p.seconds:9.2f} s  {p.phase:9}  best {p.incumbent}  bound {p.bound}\n" for p in self.told]
            with self.options.log_file.open("a", encoding="utf-8") as file:
                file.writelines(lines)

    def each(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The results in the order of the items. After Ctrl-C the work is expected to be brief: `over` says so."""

        def interrupted() -> None:
            self.interrupted = True

        return aside([partial(work, item) for item in items], THREADS, interrupted)
