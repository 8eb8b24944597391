"""The activation functions and their derivatives, as the training loop computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bpmodel.colors import COLORS
from bpmodel.displays.canvas import axes_for, legend_beside
from bpmodel.functions.activations import ACTIVATIONS
from bpmodel.names import hints

USUAL = ("logistic", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu")
POINTS = 601
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


class ActivationDisplay:
    """Activation functions in one panel, their derivatives in another.

    In the backward pass the error is multiplied by the derivative of each unit. For tanh it is at most 1 (at 0), for the logistic
    function at most 1/4, and both approach 0 on either side. A saturated unit therefore learns nothing, and gradients vanish
    in a deep stack of logistic units. For relu and similar functions the derivative is 1 on the positive half of the axis.

    Parameters
    ----------
    x : ndarray of shape (n_points,)
    values, derivatives : dict of str to ndarray of shape (n_points,)
        Keys are the names of the activations.

    Attributes
    ----------
    lines_ : dict of str to list of two matplotlib Line2D
        Function and derivative.
    axes_ : list of two matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from bpmodel import ActivationDisplay
    >>> display = ActivationDisplay.from_names(["tanh", "logistic"], ax=Figure().subplots(1, 2))
    >>> {name: float(slopes.max()) for name, slopes in display.derivatives.items()}
    {'tanh': 1.0, 'logistic': 0.25}
    """

    def __init__(self, *, x: NDArray[np.float64], values: dict[str, NDArray], derivatives: dict[str, NDArray]) -> None:
        self.x = x
        self.values = values
        self.derivatives = derivatives

    @classmethod
    def from_names(
        cls, names: Sequence[str] | None = None, low: float = -6, high: float = 6, *, ax: Any = None
    ) -> Self:
        """Compute and draw some activations.

        Parameters
        ----------
        names : sequence of str, optional
            Rows of `bpmodel.functions.activations.ACTIVATIONS`; by default `USUAL`.
        low, high : float
            The interval.
        ax : sequence of two matplotlib Axes, optional
            By default a new figure is made.

        Raises
        ------
        ValueError
            If a name is unknown, or the interval is empty.
        """
        names = list(USUAL if names is None else names)
        for name in names:
            if name not in ACTIVATIONS:
                meant = hints.of_value("activation", name, ACTIVATIONS)
                raise ValueError(f"names={names}: {name!r} is unknown{meant}; allowed are {', '.join(ACTIVATIONS)}")
        if not low < high:
            raise ValueError(f"low must be below high; got low={low!r}, high={high!r}")
        x = np.linspace(low, high, POINTS)
        values = {name: np.array([ACTIVATIONS[name].value(z) for z in x]) for name in names}
        return cls(x=x, values=values, derivatives={name: _slopes(name, x, values[name]) for name in names}).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw onto two axes, or a new figure of two panels."""
        panels = axes_for(ax, columns=2, size=(10, 4.2))
        self.lines_: dict[str, list[Any]] = {name: [] for name in self.values}
        for panel, curves, title in zip(panels, (self.values, self.derivatives), ("a(z)", "da / dz"), strict=True):
            for i, (name, curve) in enumerate(curves.items()):
                style = {"color": COLORS[i % len(COLORS)], "lw": 1.7, "ls": DASHES[i % len(DASHES)]}
                self.lines_[name] += panel.plot(self.x, curve, label=name, **style)
            panel.set(xlabel="z", title=title)
        legend_beside(panels[1])
        self.axes_, self.figure_ = panels, panels[0].figure
        return self


def _slopes(name: str, x: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the derivative at each point, computed as in the backward pass: from the output if that is enough."""
    row = ACTIVATIONS[name]
    return np.array([row.slope(a, a if row.from_output else z) for a, z in zip(values, x, strict=True)])
