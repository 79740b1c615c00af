"""The serving styles that are compared, in the order of the table. A style is one file and a place in this list."""

from __future__ import annotations

from fleetopt.study.styles.distserve import HIGH, LOW
from fleetopt.study.styles.dopd import DYNAMIC_RATIO, STATIC_RATIO
from fleetopt.study.styles.muxserve import NOTHING_SHARED, SHARING
from fleetopt.study.styles.one_type import ONE_TYPE
from fleetopt.study.styles.roles import AGGREGATED, DISAGGREGATED
from fleetopt.study.styles.splitwise import DESIGNS
from fleetopt.study.styles.static import STATIC
from fleetopt.study.styles.style import Style

STYLES: tuple[Style, ...] = (
    STATIC,
    AGGREGATED,
    DISAGGREGATED,
    ONE_TYPE,
    *DESIGNS,
    LOW,
    HIGH,
    NOTHING_SHARED,
    SHARING,
    STATIC_RATIO,
    DYNAMIC_RATIO,
)

__all__ = ["STYLES", "Style"]
