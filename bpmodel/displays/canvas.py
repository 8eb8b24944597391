"""Axes and legends for the displays.

As in scikit-learn's displays, Matplotlib is imported only when something is drawn, so it does not slow down a fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def axes_for(ax: Any, *, columns: int = 1, size: tuple[float, float] = (7.5, 4.2)) -> list[Any]:
    """Return the axes to draw on: the given ones, or new ones side by side; ValueError if the number is wrong."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, new = plt.subplots(1, columns, figsize=size, layout="constrained", squeeze=False)
        axes = list(new.flat)
    else:
        axes = [ax] if hasattr(ax, "plot") else list(ax)
    if len(axes) != columns:
        raise ValueError(f"ax must be {columns} axes; got {len(axes)}")
    for each in axes:
        each.spines[["top", "right"]].set_visible(False)
        each.grid(alpha=0.2)
    return axes


FARTHEST, NEAREST = 1e200, 1e-200
"""Sizes at which what is drawn stops: Matplotlib's logarithmic axes compute numbers far beyond the ones that they show."""


def drawable(values: Any) -> NDArray[np.float64]:
    """Return values as they are drawn: NaN where they are not finite, and of sizes from `NEAREST` to `FARTHEST`, or 0.

    >>> drawable([-1e308, 0, 1e-308, 2, np.inf]).tolist()
    [-1e+200, 0.0, 1e-200, 2.0, nan]
    """
    values = np.asarray(values, dtype=np.float64)
    sizes = np.clip(np.abs(values), NEAREST, FARTHEST)
    return np.where(np.isfinite(values), np.where(values == 0, 0.0, np.copysign(sizes, values)), np.nan)


def legend_beside(ax: Any, **options: Any) -> None:
    """Put the legend to the right of the axes, where it covers no data."""
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, **options)


def logarithmic(axis: Any) -> None:
    """Label a logarithmic axis of several decades only at the powers of ten."""
    from matplotlib.ticker import NullFormatter

    axis.set_minor_formatter(NullFormatter())
