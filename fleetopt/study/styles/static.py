"""Fixed pools: each workload by the ratio formula, rounded up, at its peak (`study.static`)."""

from __future__ import annotations

from fleetopt.study.plainer import static
from fleetopt.study.styles.style import Style

STATIC = Style("static", "static formula with ceilings", "Li et al., arXiv 2603.04716, equations (5)-(7)", static)
