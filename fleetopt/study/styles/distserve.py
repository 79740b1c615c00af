"""DistServe's two placements (Zhong et al., OSDI'24), where the supply states fabrics.

    low affinity    Algorithm 2   a KV cache never leaves its node: only node patterns, prefill beside decode
    high affinity   Algorithm 1   prefill and decode are placed apart, and every cache takes the link between nodes

Both are disaggregated, with each model on GPUs of its own. 'disaggregated only' may mix the two.
"""

from __future__ import annotations

from collections.abc import Callable

from fleetopt.scenario.domain import Scenario
from fleetopt.scenario.supply_domain import Fabric
from fleetopt.study.restrict import without_links, without_patterns
from fleetopt.study.styles.roles import APART, APART_PROFILES, in_roles
from fleetopt.study.styles.style import Said, restriction


def low_affinity(scenario: Scenario) -> Scenario | str:
    """With nothing but node patterns."""
    lacking = _lacking(scenario, lambda one: one.inside_bytes_per_s, "inside")
    return lacking or in_roles(without_links(scenario), APART)


def high_affinity(scenario: Scenario) -> Scenario | str:
    """With prefill and decode placed apart."""
    lacking = _lacking(scenario, lambda one: one.between_bytes_per_s, "between")
    return lacking or in_roles(without_patterns(scenario), APART)


def _lacking(scenario: Scenario, speed: Callable[[Fabric], float | None], hop: str) -> str:
    """Why there is nothing to hand over on; empty where some site has something."""
    fabrics = scenario.supply.fabrics
    if not fabrics:
        return "the supply states no fabrics"
    return "" if any(speed(one) for one in fabrics) else f"no fabric has a speed {hop} nodes"


LOW = restriction(
    Said(
        "distserve-low",
        "DistServe low affinity",
        "DistServe, OSDI'24, Algorithm 2",
        "prefill beside decode in each node",
        APART_PROFILES,
    ),
    low_affinity,
)
HIGH = restriction(
    Said(
        "distserve-high",
        "DistServe high affinity",
        "DistServe, OSDI'24, Algorithm 1",
        "prefill and decode placed apart, caches sent between nodes",
        APART_PROFILES,
    ),
    high_affinity,
)
