"""Comparisons gathered into one check, which remembers the worst of them."""

from __future__ import annotations

import math

from fleetopt.plan.domain import Check

RELATIVE = 1e-6
"""Relative tolerance of promises: a thousand times what two orders of summation differ by."""

ABSOLUTE = 1e-9
"""Below this, a rate or a time is zero."""


def allowance(*figures: float) -> float:
    """How far two computations of a figure of this size may differ."""
    return RELATIVE * max(abs(figure) for figure in figures) + ABSOLUTE


class Tally:
    """Collects the comparisons of one check. `unit` is that of every slack given to it."""

    def __init__(self, name: str, unit: str, *, nothing: str) -> None:
        self.name = name
        self.unit = unit
        self._nothing = nothing
        self._broken: list[str] = []
        self._worst: tuple[float, str] | None = None
        self._worst_broken: tuple[float, str] | None = None

    def fail(self, detail: str) -> None:
        """A breach that has no size, such as a name that nobody knows."""
        self._broken.append(detail)

    def hold(self, slack: float, allowed: float, detail: str) -> None:
        """A comparison: broken when `slack` is below minus `allowed`, or is not a number."""
        if not slack >= -allowed:
            self._broken.append(detail)
            if math.isfinite(slack) and (self._worst_broken is None or slack < self._worst_broken[0]):
                self._worst_broken = (slack, detail)
        elif self._worst is None or slack < self._worst[0]:
            self._worst = (slack, detail)

    def same(self, stated: float, computed: float, allowed: float, what: str) -> None:
        """Two computations of one figure, which may differ by `allowed`; the slack is what is left of that."""
        self.hold(allowed - abs(stated - computed), 0.0, f"{what} is {stated:.9g}, computed {computed:.9g}")

    def check(self) -> Check:
        if not self._broken:
            worst, detail = self._worst or (None, self._nothing)
            # A slack inside the tolerance is none; a negative one would read as broken.
            return self._made(passed=True, worst=None if worst is None else max(worst, 0.0), detail=detail)
        worst, detail = self._worst_broken or (None, self._broken[0])
        more = len(self._broken) - 1
        return self._made(passed=False, worst=worst, detail=detail + (f"; and {more} more" if more else ""))

    def _made(self, *, passed: bool, worst: float | None, detail: str) -> Check:
        # JSON has no infinity: a limit that is nowhere near has no worst slack worth stating.
        finite = worst if worst is not None and math.isfinite(worst) else None
        return Check(name=self.name, passed=passed, worst=finite, unit=self.unit, detail=detail)
