"""Service classes in words: who goes short first where not all can be served."""

from __future__ import annotations

from fleetopt.plan.domain import Plan


def order_sentences(plan: Plan) -> list[str]:
    """The order in which classes go short, the lowest first, in one sentence; none where there are no classes."""
    classes: dict[int, list[str]] = {}
    for name, priority in dict.fromkeys((w.workload, w.priority) for w in plan.workloads):
        if priority is not None:
            classes.setdefault(priority, []).append(name)
    if not classes:
        return []
    named = [f"{', '.join(classes[one])} (class {one})" for one in sorted(classes, reverse=True)]
    return [f"Where not all can be served, who goes short first: {', then '.join(named)}"]
