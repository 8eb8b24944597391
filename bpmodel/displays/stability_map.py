"""A map of the learning rates at which a network diverges, by depth or width, with the theoretical limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.utils import check_random_state

from bpmodel.base import BPEstimator
from bpmodel.curvature import rate_limit
from bpmodel.displays.canvas import axes_for
from bpmodel.names import hints
from bpmodel.network.watch import EXPLOSION_FACTOR

VARIED = {"depth": "hidden layers", "width": "units in a hidden layer"}


class StabilityMapDisplay:
    """A map of fits: learning rate against depth or width.

    The color of a cell shows the final loss divided by the dummy predictor's; the number in it is how many of its fits diverged.
    The line is the limit that `rate_limit` predicts from the curvature at the initial weights, ``2 (1 + momentum) / lambda``
    with plain momentum. The limit holds for full-batch steps (``batch_size=len(X)``); minibatches are noisier and may diverge
    below it. Tanh networks diverge at two to four times the limit. ReLU networks may survive higher rates, because their first
    steps move them to a flatter region ("catapult"; Lewkowycz et al., 2020), but many of them no longer learn there.

    Parameters
    ----------
    learning_rates : ndarray of shape (n_rates,)
    values : ndarray of shape (n_values,)
        Depths or widths.
    vary : {"depth", "width"}
    diverged : ndarray of shape (n_values, n_rates)
        Share of the fits that diverged.
    log_ratio : ndarray of shape (n_values, n_rates)
        Median over the fits of log10(final loss / dummy predictor's loss); inf for losses that are not finite.
    rate_limits : ndarray of shape (n_values, n_repeats) or None
        The predicted limit for each start; None for solvers and networks for which it is unknown.
    n_repeats : int

    Attributes
    ----------
    mesh_ : matplotlib QuadMesh
    boundary_ : matplotlib Line2D or None
        Median of the predicted limits.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.preprocessing import scale
    >>> from bpmodel import BPClassifier, StabilityMapDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> network = BPClassifier(hidden_layer_sizes=(16,), activation="tanh", solver="sgd", momentum=0, batch_size=150, max_iter=80)
    >>> display = StabilityMapDisplay.from_estimator(
    ...     network, scale(X), y, learning_rates=[0.1, 100], values=[1, 2], random_state=0, ax=Figure().subplots()
    ... )
    >>> display.diverged.tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(
        self,
        *,
        learning_rates: NDArray[np.float64],
        values: NDArray[np.int64],
        vary: str,
        diverged: NDArray[np.float64],
        log_ratio: NDArray[np.float64],
        rate_limits: NDArray[np.float64] | None,
        n_repeats: int,
    ) -> None:
        self.learning_rates = learning_rates
        self.values = values
        self.vary = vary
        self.diverged = diverged
        self.log_ratio = log_ratio
        self.rate_limits = rate_limits
        self.n_repeats = n_repeats

    @classmethod
    def from_estimator(
        cls,
        estimator: BPEstimator,
        X: ArrayLike,
        y: ArrayLike,
        *,
        learning_rates: Sequence[float],
        values: Sequence[int],
        vary: str = "depth",
        n_repeats: int = 3,
        random_state: Any = None,
        ax: Any = None,
    ) -> Self:
        """Fit copies of the estimator over the grid, each from `n_repeats` starts, and draw the map.

        Parameters
        ----------
        estimator : BPRegressor or BPClassifier
            The estimator itself is not changed. The copies have ``on_divergence="stop"``.
        X, y
            As in `fit`.
        learning_rates : sequence of float
            In ascending order.
        values : sequence of int
            Depths or widths.
        vary : {"depth", "width"}
            Meaning of `values`: "depth" is the number of hidden layers, each as wide as the estimator's first one; "width" is the
            number of units in each of its hidden layers.
        n_repeats : int
        random_state : int, RandomState instance or None
            Draws the starts, which are the same for every cell.
        ax : matplotlib Axes, optional
            By default a new figure is made.

        Raises
        ------
        ValueError
            If `vary` is unknown, the grid has no cells, or the learning rates are not ascending; also as in `fit`.
        """
        if vary not in VARIED:
            raise ValueError(
                f"vary={vary!r} is unknown{hints.of_value('vary', vary, VARIED)}; allowed are {', '.join(VARIED)}"
            )
        rates, numbers = np.asarray(learning_rates, dtype=np.float64), np.asarray(values)
        if rates.size == 0 or numbers.size == 0 or n_repeats < 1:
            raise ValueError(
                "learning_rates and values need at least one item each, and n_repeats must be at least 1; "
                f"got {learning_rates!r}, {values!r} and {n_repeats!r}"
            )
        if rates[0] <= 0 or (np.diff(rates) <= 0).any():
            raise ValueError(f"learning_rates must be positive and increasing; got {learning_rates!r}")
        seeds = check_random_state(random_state).randint(2**31 - 1, size=n_repeats)
        networks = [[_variant(estimator, vary, int(value), int(seed)) for seed in seeds] for value in numbers]
        fits = np.array([[[_outcome(n, X, y, rate) for n in row] for rate in rates] for row in networks])
        known = estimator.solver == "sgd" and estimator.normalization == "none"
        limits = np.array([[rate_limit(n, X, y) for n in row] for row in networks]) if known else None
        return cls(
            learning_rates=rates,
            values=numbers,
            vary=vary,
            diverged=fits[..., 0].mean(axis=2),
            log_ratio=np.median(fits[..., 1], axis=2),
            rate_limits=limits,
            n_repeats=n_repeats,
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw onto the axes, or a new figure."""
        (ax,) = axes_for(ax, size=(8, 0.5 * len(self.values) + 2.4))
        ax.grid(visible=False)
        rows, end = np.arange(len(self.values)), float(np.log10(EXPLOSION_FACTOR))
        self.mesh_ = ax.pcolormesh(
            _edges(self.learning_rates),
            np.arange(len(rows) + 1) - 0.5,
            np.clip(self.log_ratio, -end, end),
            cmap="PuOr_r",
            vmin=-end,
            vmax=end,
            edgecolors="white",
            lw=0.8,
        )
        for (row, column), share in np.ndenumerate(self.diverged):
            if share > 0:
                color = "white" if abs(self.log_ratio[row, column]) > 0.5 * end else "black"
                count = str(round(share * self.n_repeats))
                ax.text(self.learning_rates[column], row, count, ha="center", va="center", color=color, fontsize=9)
        ax.plot(
            [], [], ls="none", marker="$n$", color="black", mew=0.2, label=f"fits that diverged, of {self.n_repeats}"
        )
        self.boundary_ = None
        if self.rate_limits is not None:
            limit = np.repeat(np.median(self.rate_limits, axis=1), 2)
            height = np.repeat(rows, 2) + np.tile([-0.5, 0.5], len(rows))
            (self.boundary_,) = ax.plot(limit, height, color="black", lw=2.2, label="predicted limit (r = 1)")
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, ncols=2)
        ax.set_xscale("log")
        ax.set_xlim(*_edges(self.learning_rates)[[0, -1]])
        ax.set_yticks(rows, map(str, self.values))
        ax.set(xlabel="learning rate", ylabel=VARIED[self.vary])
        bar = ax.figure.colorbar(self.mesh_, ax=ax, extend="both")
        bar.set_label("log10(last loss / dummy predictor's)")
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _variant(estimator: BPEstimator, vary: str, value: int, seed: int) -> BPEstimator:
    """Return an unfitted copy with another depth or width."""
    hidden = np.atleast_1d(estimator.hidden_layer_sizes).tolist()
    if not hidden:
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes!r}: no hidden layer whose {vary} could vary"
        )
    if vary == "depth" and not isinstance(estimator.activation, str):
        raise ValueError(f"vary='depth' needs one activation for all layers; got activation={estimator.activation!r}")
    layers = [hidden[0]] * value if vary == "depth" else [value] * len(hidden)
    return clone(estimator).set_params(hidden_layer_sizes=tuple(layers), random_state=seed, on_divergence="stop")


def _outcome(network: BPEstimator, X: ArrayLike, y: ArrayLike, rate: float) -> tuple[float, float]:
    """Return whether a fit with this learning rate diverged, and log10 of its final loss over the dummy predictor's."""
    fitted = clone(network).set_params(learning_rate_init=rate)
    training = fitted.begin_fit(X, y)  # unlike `fit`, it warns of nothing, and Ctrl-C ends the map
    training.advance(fitted.max_iter)
    fitted.end_fit(training)
    baseline = fitted.baseline_loss_
    loss = fitted.verdict_.evidence["loss"] if fitted.diverged_ else fitted.loss_
    ratio = loss / baseline if np.isfinite(loss) else np.inf
    return float(fitted.diverged_), float(np.log10(max(ratio, 1e-300)))


def _edges(centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the edges of cells around centers on a logarithmic scale; a single one is a decade wide."""
    logs = np.log10(centers)
    inner = (logs[1:] + logs[:-1]) / 2
    if len(logs) == 1:
        return 10 ** np.array([logs[0] - 0.5, logs[0] + 0.5])
    return 10 ** np.concatenate([[2 * logs[0] - inner[0]], inner, [2 * logs[-1] - inner[-1]]])
