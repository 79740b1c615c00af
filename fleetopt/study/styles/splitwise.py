"""Splitwise's designs (Patel et al., ISCA'24, section 4.4): which machines read prompts, and which write tokens.

    design   prompt   token
    AA       A100     A100
    HH       H100     H100
    HA       H100     A100
    HHcap    H100     H100 capped at half of its GPUs' power

A design is only which GPU type a candidate may serve which phase on. How many machines each pool gets, and how a
replica is split, is for the planner; where both pools have the same GPU type and replicas are smaller than a machine,
they may share one. A power-capped GPU is a GPU type with a profile, a power and a price of its own.
"""

from __future__ import annotations

from functools import partial

from fleetopt.catalog.domain import Candidate
from fleetopt.scenario.domain import Scenario
from fleetopt.study.plainer import Fleet
from fleetopt.study.resolve import Resolver
from fleetopt.study.restrict import gpu_types, with_gpu_types, with_ways
from fleetopt.study.styles.style import Style, narrowed

A100, H100, CAPPED = "A100-80G", "H100", "H100-capped"
PAPER = "Splitwise, ISCA'24"


def pools(scenario: Scenario, prompt: str, token: str) -> Scenario:
    """With prefill on one GPU type and decode on another, and nothing else."""
    on = {"prefill": prompt, "decode": token}

    def wanted(one: Candidate) -> bool:
        return on.get(one.role) == one.config.gpu_type

    return with_ways(with_gpu_types(scenario, on.values()), wanted)


def _design(prompt: str, token: str, scenario: Scenario, desk: Resolver) -> Fleet:
    lacking = sorted({prompt, token} - set(gpu_types(scenario)))
    if lacking:
        return Fleet(None, f"does not apply: no {' and no '.join(lacking)} is on offer")
    note = f"prompts on {prompt}, tokens on {token}"
    return narrowed(scenario, pools(scenario, prompt, token), desk, note, note)


def _style(letters: str, prompt: str, token: str) -> Style:
    return Style(f"splitwise-{letters.lower()}", f"Splitwise-{letters}", PAPER, partial(_design, prompt, token))


DESIGNS = (
    _style("AA", A100, A100),
    _style("HH", H100, H100),
    _style("HA", H100, A100),
    _style("HHcap", H100, CAPPED),
)
