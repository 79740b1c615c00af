"""One GPU type for everything: the cheapest such plan over all GPU types of the supply.

Any way to serve counts, bundles and node patterns too.
"""

from __future__ import annotations

from fleetopt.study.plainer import single_type
from fleetopt.study.styles.style import Style

ONE_TYPE = Style("one-gpu-type", "one GPU type", "what Melange, arXiv 2404.14527, is compared with", single_type)
