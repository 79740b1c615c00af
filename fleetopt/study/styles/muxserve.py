"""MuxServe's shared GPUs (Duan et al., arXiv 2404.02015), where the scenario allows bundles.

    sharing          all models in bundles, as many to a group as the scenario allows, resident or swapped
    nothing shared   a group of GPUs for each model, resident, judged by the same estimator

The difference is what sharing saves; it is not mixed with what an estimator makes of aggregated serving. In both every
replica serves whole requests: replicas that only prefill, or only decode, are left out.
"""

from __future__ import annotations

from dataclasses import replace

from fleetopt.scenario.domain import Scenario
from fleetopt.study.restrict import with_workloads
from fleetopt.study.styles.roles import TOGETHER
from fleetopt.study.styles.style import Said, restriction


def sharing(scenario: Scenario) -> Scenario | str:
    """With whole requests on every replica, alone or in bundles.

    By what workloads may do, not by candidates: a bundle is made of profiles of prefill and of decode.
    """
    if scenario.bundles is None:
        return "the scenario allows no bundles"
    return with_workloads(
        scenario, [replace(w, roles=tuple(role for role in w.roles if role in TOGETHER)) for w in scenario.workloads]
    )


def nothing_shared(scenario: Scenario) -> Scenario | str:
    """With bundles of one model only, always in GPU memory."""
    shared = sharing(scenario)
    if isinstance(shared, str) or shared.bundles is None:
        return shared
    return replace(shared, bundles=replace(shared.bundles, most_models=1, swapping=None))


SHARING = restriction(
    Said("muxserve", "MuxServe sharing", "MuxServe, arXiv 2404.02015", "models share groups of GPUs"), sharing
)
NOTHING_SHARED = restriction(
    Said(
        "unshared",
        "nothing shared",
        "what MuxServe, arXiv 2404.02015, is compared with",
        "groups of GPUs for each model, by the estimator of bundles",
    ),
    nothing_shared,
)
