"""Colors of everything that is drawn: those of Okabe & Ito (2008), which color-blind readers can tell apart."""

from collections.abc import Mapping
from types import MappingProxyType

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#666666",
)

COLORS = (BLUE, RED, "black", SKY, ORANGE, GREEN, PURPLE)
"""For curves without a meaning of their own, in the order they are drawn."""

STATUS_COLORS: Mapping[str, str] = MappingProxyType({"ok": GREEN, "diverged": RED, "stalled": ORANGE})
"""Of every row of `network.monitor.STATUSES`."""
