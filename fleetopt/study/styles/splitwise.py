"""Splitwise's designs (Patel et al., ISCA'24, section 4.4): which machines read prompts, and which write tokens.

    design   prompt   token
    AA       A100     A100
    HH       H100     H100
    HA       H100     A100
    HHcap    H100     H100 capped at half of its GPUs' power

A design is only which GPU type a candidate may serve which phase on. How many machines each pool gets, and how a
replica is split, is for the planner; where both pools have the same GPU type and replicas are smaller than a machine,
they may share one; caches take the link between machines even then, so that there are no node patterns, and no bundles.
A power-capped GPU is a GPU type with a profile, a power and a price of its own.
"""

from __future__ import annotations

from functools import partial

from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Scenario
from fleetopt.study.restrict import gpu_types, with_gpu_types, with_ways, without_bundles, without_patterns
from fleetopt.study.styles.style import Said, Style, restriction

A100, H100, CAPPED = "A100-80G", "H100", "H100-capped"


def pools(prompt: str, token: str, scenario: Scenario) -> Scenario | str:
    """With prefill on one GPU type and decode on another, and nothing else."""
    on = {"prefill": prompt, "decode": token}
    lacking = sorted(set(on.values()) - set(gpu_types(scenario)))
    if lacking:
        return f"no {' and no '.join(lacking)} is on offer"

    def wanted(one: Candidate) -> bool:
        return on.get(one.role) == one.config.gpu_type

    plain = without_bundles(without_patterns(scenario))
    return with_ways(with_gpu_types(plain, on.values()), wanted)


def _style(letters: str, prompt: str, token: str) -> Style:
    profile = f"profile of prefill on {prompt} and of decode on {token}"
    note = f"prompts on {prompt}, tokens on {token}"
    name, title = f"splitwise-{letters.lower()}", f"Splitwise-{letters}"
    return restriction(Said(name, title, "Splitwise, ISCA'24", note, profile), partial(pools, prompt, token))


DESIGNS = (
    _style("AA", A100, A100),
    _style("HH", H100, H100),
    _style("HA", H100, A100),
    _style("HHcap", H100, CAPPED),
)
