"""Solving again and again with something changed: within a budget of solves and seconds, capacities derived once.

What a question is asked for is said before it is solved, so that a person who waits knows what for. Studies ask about
cost: what else a scenario would have little of is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TypeAlias

from fleetopt.capacity.domain import CapacityTable
from fleetopt.capacity.table import Derivation
from fleetopt.errors import Infeasible, InputError, NoPlanWithinLimit
from fleetopt.optimizer.case import build_case
from fleetopt.optimizer.feature import Feature
from fleetopt.optimizer.goals import Goal, Reached, least
from fleetopt.optimizer.solve import SolveOptions
from fleetopt.plan.domain import Plan
from fleetopt.scenario.domain import Scenario
from fleetopt.study.once import optimize
from fleetopt.study.restrict import by_cost

ANY_PLAN = 1e9
"""A gap at which the first plan found is good enough."""


Tell: TypeAlias = Callable[[str, int], None]
"""Told what is about to be solved for, and the number of the solve."""


def untold(_what: str, _number: int) -> None:
    """For those who do not want to be told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan; or none, which is `impossible` where that is proven, and otherwise only not known within the budget.

    `why` says what stands against it, where anything but the limits together is known to; `unprofiled` is whether that
    is a profile that nobody has made. `bound_usd` is what no plan costs less than.
    """

    plan: Plan | None
    impossible: bool = False
    why: str = ""
    unprofiled: bool = False
    bound_usd: float | None = None

    @property
    def usd(self) -> float | None:
        return None if self.plan is None else self.plan.objective_usd


@dataclass(frozen=True, slots=True)
class Effort:
    """How one solve is gone about.

    Args:
        any_plan: whether the first plan found is good enough.
        part: of the seconds that are left that it may take.
        extra: features beside those that every problem has.
        diagnose: whether to find out why, where there is no plan.
        start: a plan to begin from.
    """

    any_plan: bool = False
    part: float = 1.0
    extra: Sequence[Feature] = ()
    diagnose: bool = False
    start: Plan | None = None


USUAL = Effort()


@dataclass(slots=True)
class Resolver:
    """Solves scenarios that are variants of one another.

    Args:
        options: gap and time limit of each solve.
        most: how many solves at most; None for no limit.
        seconds: to spend on all of them; None for no limit.
        tell: told of every solve before it starts.

    `stopped` is set by whoever wants no more solves. `unanswered` counts questions for which solves or time did not
    suffice.
    """

    options: SolveOptions = field(default_factory=SolveOptions)
    most: int | None = None
    seconds: float | None = None
    tell: Tell = untold
    stopped: bool = False
    solves: int = 0
    unanswered: int = 0
    _start: float = field(default_factory=monotonic)
    _derivation: Derivation = field(default_factory=Derivation)

    def no_finer_than(self, plan: Plan) -> None:
        """Asks no question to a smaller gap than the plan is known to: the difference would not be known better."""
        if plan.gap is not None and plan.gap > self.options.gap:
            self.options = replace(self.options, gap=plan.gap)

    @property
    def spent(self) -> bool:
        """Whether there is nothing left of the budget."""
        return self.stopped or (self.most is not None and self.solves >= self.most) or self._left_s() <= 0

    def solve(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Answer:
        """The best plan of a scenario, or any plan where only whether there is one is asked; `what` is what for."""
        answer = Answer(None) if self.spent else self._answer(scenario, what, effort)
        self.unanswered += answer.plan is None and not answer.impossible
        return answer

    def best(self, scenario: Scenario, what: str, effort: Effort = USUAL) -> Plan:
        """The best plan of a scenario, as `solve` finds it; where there is none, the error says so.

        Raises:
            InputError: a workload has no profile on the GPU types of the supply.
            Infeasible: there is no plan; it says why where that is to be diagnosed.
            NoPlanWithinLimit: none was found in time.
        """
        self.solves += 1
        self.tell(what, self.solves)
        options = replace(
            self.options,
            gap=ANY_PLAN if effort.any_plan else self.options.gap,
            time_limit_s=min(self.options.time_limit_s, effort.part * self._left_s()),
            diagnose=effort.diagnose,
            start=effort.start,
            log_file=None,
            on_progress=None,
        )
        return optimize(by_cost(scenario), options, capacities=self.capacities(scenario), extra=effort.extra)

    def _answer(self, scenario: Scenario, what: str, effort: Effort) -> Answer:
        try:
            plan = self.best(scenario, what, effort)
        except Infeasible as error:
            return Answer(None, impossible=True, why=error.reasons[0] if error.reasons else "")
        except InputError as error:  # a supply without a GPU type that a model has a profile for is an input error
            return Answer(None, impossible=True, why=error.issues[0].what, unprofiled=True)
        except NoPlanWithinLimit as error:
            return Answer(None, bound_usd=error.bound_usd)
        return Answer(plan, bound_usd=plan.bound_usd)

    def least(self, scenario: Scenario, goal: Goal, cap_usd: float, what: str) -> Reached | None:
        """The least of a goal at no more than so many dollars, None where the budget does not suffice."""
        if self.spent:
            return None
        self.solves += 1
        self.tell(what, self.solves)
        options = replace(self.options, time_limit_s=min(self.options.time_limit_s, self._left_s()))
        return least(build_case(scenario, self.capacities(scenario)), goal, cap_usd, options)

    def capacities(self, scenario: Scenario) -> CapacityTable:
        """The capacity table, each workload's part derived once for as long as what it depends on stays what it is."""
        return self._derivation.table(scenario)

    def _left_s(self) -> float:
        return float("inf") if self.seconds is None else self.seconds - (monotonic() - self._start)
