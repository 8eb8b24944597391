"""Colors of all plots, which color-blind readers can tell apart and which stand out from white paper.

They are those of Okabe & Ito (2008), some of them darker: each has a contrast of 3 to white, which WCAG 2.1 asks of
graphics.
"""

from collections.abc import Mapping
from types import MappingProxyType

NAVY, BLUE, SKY, ORANGE, GREEN, RED, PURPLE, VIOLET, GREY = (
    "#00508c",
    "#0072b2",
    "#2f95e0",
    "#c07800",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#9e56d6",
    "#666666",
)

COLORS = (NAVY, RED, "black", SKY, PURPLE, GREEN, ORANGE)
"""For curves whose color has no meaning, in drawing order; the first five differ for every kind of color vision."""

STATUS_COLORS: Mapping[str, str] = MappingProxyType({"ok": GREEN, "diverged": RED, "stalled": VIOLET})
"""One color for each row of `network.verdicts.STATUSES`; they stand out from white and from black, for notebooks."""
