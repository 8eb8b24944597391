"""The growth of gradients and weights in each layer during a fit."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from bpmodel.base import BPEstimator
from bpmodel.colors import GREY
from bpmodel.displays.canvas import axes_for, drawable, legend_beside
from bpmodel.names import hints

IN_LEGEND = 12
"""Maximum number of layers in the legend; the colors of the others lie in between."""

MARKED = 40
"""Maximum number of epochs that are marked with dots."""


class Drawn(NamedTuple):
    """How a signal of `probes.Signals` is drawn, with a reference value if there is one."""

    meaning: str
    reference: float | None = None


SIGNALS = {
    "delta_norm": Drawn("norm of d loss / d z"),
    "gradient_norm": Drawn("norm of the weights' gradient"),
    "weight_norm": Drawn("norm of the weights"),
    "step_ratio": Drawn("length of a step / norm of the weights"),
    "chi": Drawn("chi: growth of squared gradients", reference=1.0),
}


def _by_epoch(fitted: BPEstimator, signal: str) -> NDArray[np.float64]:
    """Return a signal before the first epoch and after each epoch, of shape (n_iter_ + 1, layers); empty if not measured.

    The history has no row measurements for an epoch in which the fit diverged; there the values come from the probe.
    """
    probes, history = fitted.probes_, fitted.history_[f"layer_{signal}"]
    if len(probes["epoch"]) == 0:
        return history[:0]
    values = np.vstack([np.full(history.shape[1], np.nan), history])
    missing = np.isnan(values[probes["epoch"]])
    values[probes["epoch"]] = np.where(missing, probes[signal], values[probes["epoch"]])
    return values


class GradientFlowDisplay:
    """A signal of every layer over the epochs of a fit.

    Lines that are decades apart at epoch 0 show a depth problem: gradients vanish or explode on their way from the output layer
    to the first. Lines that rise together later show that steps are too long.

    Parameters
    ----------
    epoch : ndarray of shape (n_iter_ + 1,)
        Epochs before each measurement: 0, 1, 2, …
    values : ndarray of shape (n_iter_ + 1, n_layers)
        The signal; NaN where it is not measured. `chi` has hidden layers only.
    layers : list of str
        Name of each column, from the input to the output.
    signal : str
        A key of `SIGNALS`: "delta_norm", "gradient_norm", "weight_norm", "step_ratio" or "chi".

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        One for each layer.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier, GradientFlowDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = BPClassifier(hidden_layer_sizes=(32, 16), tol=0.01, n_iter_no_change=2, random_state=0).fit(X / 16, y)
    >>> display = GradientFlowDisplay.from_estimator(network, ax=Figure().subplots())
    >>> display.layers
    ['1: 64 to 32', '2: 32 to 16', '3: 16 to 10']
    >>> display.values.shape == (network.n_iter_ + 1, 3)
    True
    """

    def __init__(
        self, *, epoch: NDArray[np.int64], values: NDArray[np.float64], layers: list[str], signal: str
    ) -> None:
        self.epoch = epoch
        self.values = values
        self.layers = layers
        self.signal = signal

    @classmethod
    def from_estimator(cls, fitted: BPEstimator, signal: str = "delta_norm", *, ax: Any = None) -> Self:
        """Draw a signal of the last fit.

        Parameters
        ----------
        fitted : fitted BPRegressor or BPClassifier
        signal : {"delta_norm", "gradient_norm", "weight_norm", "step_ratio", "chi"}
        ax : matplotlib Axes, optional
            By default a new figure is made.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the signal is unknown or was not measured: after `partial_fit`, with a full-batch solver, or without hidden layers.
        """
        if signal not in SIGNALS:
            raise ValueError(
                f"signal={signal!r} is unknown{hints.of_value('signal', signal, SIGNALS)}; allowed are {', '.join(SIGNALS)}"
            )
        check_is_fitted(fitted)
        values = _by_epoch(fitted, signal)
        layers = [f"{i}: {w.shape[0]} to {w.shape[1]}" for i, w in enumerate(fitted.coefs_, start=1)]
        if signal == "chi":
            values, layers = values[:, :-1], layers[:-1]
        if values.size == 0:
            raise ValueError(
                f"signal={signal!r} is not available: it needs a complete fit by an update rule (the last fit used "
                f"solver={fitted.solver!r}), and chi also needs a hidden layer"
            )
        return cls(epoch=np.arange(len(values)), values=values, layers=layers, signal=signal).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw onto the axes, or a new figure; both axes are logarithmic, but epoch 0 is shown."""
        import matplotlib
        from matplotlib.ticker import NullLocator

        (ax,) = axes_for(ax)
        drawn, n = SIGNALS[self.signal], len(self.layers)
        colors = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, n))
        named = set(np.linspace(0, n - 1, min(n, IN_LEGEND)).round().astype(int).tolist())
        finite = drawable(self.values)
        self.lines_ = [
            ax.plot(
                self.epoch,
                finite[:, i],
                marker="o" if len(self.epoch) <= MARKED else None,
                ms=3.5,
                lw=1.5,
                color=colors[i],
                label=name if i in named else f"_{name}",
            )[0]
            for i, name in enumerate(self.layers)
        ]
        if drawn.reference is not None:
            ax.axhline(drawn.reference, color=GREY, lw=1, ls="--", zorder=1)
        if (finite > 0).any():
            ax.set_yscale("log", nonpositive="mask")
        last = max(int(self.epoch[-1]), 1)
        ax.set_xscale("symlog", linthresh=1, linscale=0.5)
        ax.set_xticks(ticks := [0, *(2**k for k in range(last.bit_length()))], map(str, ticks))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set(xlabel="epoch", ylabel=drawn.meaning, xlim=(-0.1, last * 1.1))
        legend_beside(ax, title="layer")
        self.ax_, self.figure_ = ax, ax.figure
        return self
