"""Colors of all plots: the palette of Okabe & Ito (2008), which color-blind readers can distinguish."""

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
"""For curves whose color has no meaning, in drawing order."""

STATUS_COLORS: Mapping[str, str] = MappingProxyType({"ok": GREEN, "diverged": RED, "stalled": ORANGE})
"""One color for each row of `network.verdicts.STATUSES`."""
