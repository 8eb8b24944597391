"""The look of the figures of the document; they are drawn without a screen."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLORS = ("#2a6fb0", "#d1495b", "#3c8d5a", "#e09f3e", "#7b5ea7", "#6b6b6b")
GREY = "#777777"


def canvas(panels: int = 1, width: float = 4.0, height: float = 3.3, rows: int = 1) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure of `panels` times `rows` panels; `width` and `height` are those of a panel, in inches."""
    figure = Figure(figsize=(width * panels + 0.4, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, panels, squeeze=False).flat)
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.2)
    return figure, axes


def level(axes: Axes, value: float, text: str, x: float = 0.99, ha: str = "right", va: str = "bottom") -> None:
    """Draw a dashed line at a value, with a label above or below it; `x` is a share of the width."""
    axes.axhline(value, color=GREY, ls="--", lw=1, zorder=1)
    axes.text(x, value, text, color=GREY, fontsize=8, va=va, ha=ha, transform=axes.get_yaxis_transform(), clip_on=True)


def legend(axes: Axes, **options: object) -> None:
    """Add a legend without a frame."""
    axes.legend(**{"frameon": False, "fontsize": 8, **options})
