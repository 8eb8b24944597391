"""Pictures of studies for tests that look at none: half of the time of a short study goes into them."""

from collections.abc import Callable

from matplotlib.figure import Figure

from search.plots import canvas


def quick(figure: Figure, dpi: float, png: Callable[[Figure, float], bytes] = canvas.png) -> bytes:
    """Draw a picture small, and without looking for room for its texts; in place of `search.plots.canvas.png`."""
    figure.set_layout_engine("none")
    return png(figure, dpi / 10)
