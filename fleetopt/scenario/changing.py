"""How GPUs may change what they do between the slots of a day, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Mode: TypeAlias = Literal["static", "roles", "free"]


@dataclass(frozen=True, slots=True)
class Changes:
    """What may change from one slot to the next, what that takes, and how much of it there may be.

    `static`: nothing; `roles`: each workload keeps its GPUs on every pool, and may run other replicas on them; `free`:
    anything. A replica that changes its role on the weights it has serves nothing for `role_flip_s`, one that is loaded
    for `model_load_s` and, with `load_bytes_per_s` into each GPU, as long as weights take. At most `per_change_gpus`
    GPUs start something between two slots, and `per_day_gpus` in a day (None: any number). `source` says who measured.
    """

    mode: Mode = "free"
    role_flip_s: float = 0.0
    model_load_s: float = 0.0
    load_bytes_per_s: float | None = None
    per_change_gpus: int | None = None
    per_day_gpus: int | None = None
    source: str = ""

    def load_s(self, weight_bytes: float, gpus: int) -> float:
        """Seconds to load weights into the GPUs of a replica, each of which takes its part.

        >>> Changes(model_load_s=20.0, load_bytes_per_s=5e9).load_s(140e9, 4)
        27.0
        """
        reading = 0.0 if self.load_bytes_per_s is None else weight_bytes / (gpus * self.load_bytes_per_s)
        return self.model_load_s + reading

    @property
    def counts(self) -> bool:
        """Whether it matters what is started: it takes time, or there may be only so much of it."""
        takes_time = self.role_flip_s > 0 or self.model_load_s > 0 or self.load_bytes_per_s is not None
        limited = self.per_change_gpus is not None or self.per_day_gpus is not None
        return self.mode != "static" and (takes_time or limited)

    @property
    def restricts(self) -> bool:
        """Whether any plan of free slots is none of these; without it the changes are only told."""
        return self.mode != "free" or self.counts
