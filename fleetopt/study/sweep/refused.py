"""What is said of an expression that cannot be meant."""

from __future__ import annotations


class Refused(ValueError):
    """What is wrong with an expression, which may quote it, and what to write instead."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what, self.fix = what, fix
