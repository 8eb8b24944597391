"""The losses and events of a fit, on one scale with the dummy predictor's loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from bpmodel.base import BPEstimator
from bpmodel.colors import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, STATUS_COLORS
from bpmodel.displays.canvas import axes_for, drawable, legend_beside, logarithmic
from bpmodel.network import watch
from bpmodel.network.verdicts import Verdict

MARKERS = {"rewind": "<", "restart": "D", "restructure": "s"}
"""Markers of the repair actions"""


class HealthDisplay:
    """Losses of a fit against the dummy predictor's and the divergence limit, with its events.

    Parameters
    ----------
    loss : ndarray of shape (n_epochs,)
        Training loss of each epoch.
    validation_loss : ndarray of shape (n_epochs,)
        NaN where there is none.
    baseline : float
        Loss of the dummy predictor.
    limit : float
        Loss above which the fit counts as diverged (`network.watch.limit`): `EXPLOSION_FACTOR` times the dummy predictor's loss,
        or a multiple of the first loss if that is larger.
    verdict : bpmodel.Verdict
    best_epoch : int or None
        Epoch of the lowest training loss, or with early stopping of the best validation score; None if there is none.
    spikes : ndarray of shape (n_epochs,)
        Number of spikes in each epoch: steps with an unusually high loss and gradient norm.
    repairs : sequence of bpmodel.Repair
        Repairs of the fit; each has `action`, `kept` and the `losses` of the discarded epochs.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The lines by their names in the legend.
    ax_, figure_ : matplotlib Axes and Figure

    Examples
    --------
    >>> import warnings
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_digits
    >>> from bpmodel import BPClassifier, HealthDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> network = BPClassifier(solver="sgd", learning_rate_init=100, random_state=0)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     network.fit(X / 16, y)
    BPClassifier(learning_rate_init=100, random_state=0, solver='sgd')
    >>> display = HealthDisplay.from_estimator(network, ax=Figure().subplots())
    >>> display.verdict.epoch, display.best_epoch
    (1, None)
    """

    def __init__(
        self,
        *,
        loss: NDArray[np.float64],
        validation_loss: NDArray[np.float64],
        baseline: float,
        limit: float,
        verdict: Verdict,
        best_epoch: int | None,
        spikes: NDArray[np.float64],
        repairs: Sequence[Any] = (),
    ) -> None:
        self.loss = loss
        self.validation_loss = validation_loss
        self.baseline = baseline
        self.limit = limit
        self.verdict = verdict
        self.best_epoch = best_epoch
        self.spikes = spikes
        self.repairs = repairs

    @classmethod
    def from_estimator(cls, fitted: BPEstimator, *, ax: Any = None) -> Self:
        """Draw the last fit.

        Parameters
        ----------
        fitted : fitted BPRegressor or BPClassifier
        ax : matplotlib Axes, optional
            By default a new figure is made.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(fitted)
        history, baseline, first_loss = fitted.history_, fitted.baseline_loss_, fitted.initial_loss_
        noisy = fitted.dropout > 0 or fitted.input_noise > 0 or fitted.normalization != "none"
        return cls(
            loss=history["loss"],
            validation_loss=history["validation_loss"],
            baseline=baseline,
            limit=watch.limit(baseline, first_loss, noisy),
            verdict=fitted.verdict_,
            best_epoch=_best_epoch(fitted),
            spikes=history["spikes"],
            repairs=[repair for repair in fitted.repairs_ if repair.action != "skip"],
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw onto the axes, or a new figure. Values that are not finite are marked at the upper edge."""
        (ax,) = axes_for(ax)
        self.lines_: dict[str, Any] = {}
        known = self._numbers()
        ax.set_yscale("log" if (known > 0).all() else "symlog")
        logarithmic(ax.yaxis)
        top = max(known, default=1.0)
        top = 2 * top if top > 0 else 1.0

        def draw(name: str, x: Any, y: Any, **style: Any) -> None:
            label = "_" + name if name in self.lines_ else name
            (self.lines_[name],) = ax.plot(x, drawable(y), label=label, **style)

        def mark(name: str, x: Any, y: Any, **style: Any) -> None:
            y = np.where(np.isfinite(y), y, top)
            draw(name, x, y, ls="none", mec="white", mew=0.8, clip_on=False, zorder=4, **style)

        epochs = np.arange(1, len(self.loss) + 1)
        dot = {"marker": "o", "ms": 4} if len(epochs) == 1 else {}
        for repair in self.repairs:
            draw("discarded epochs", *_given_up(repair), color=GREY, lw=1.2, ls="--", **dot)
        draw("training loss", epochs, self.loss, color=BLUE, lw=1.8, **dot)
        if np.isfinite(self.validation_loss).any():
            draw("validation loss", epochs, self.validation_loss, color=ORANGE, lw=1.8, **dot)
        draw("dummy predictor", [0, 1], [self.baseline] * 2, color="black", lw=1, ls=":", transform=_across(ax))
        draw("divergence limit", [0, 1], [self.limit] * 2, color=RED, lw=1, ls=":", transform=_across(ax))

        for repair in self.repairs:
            x, y = _given_up(repair)
            mark(f"repair: {repair.action}", x[-1:], y[-1:], marker=MARKERS[repair.action], color=PURPLE, ms=8)
        if (spiky := self.spikes > 0).any():
            steps = int(self.spikes.sum())
            mark(f"spikes ({steps} steps)", epochs[spiky], self.loss[spiky], marker="^", color=ORANGE, ms=7)
        if self.best_epoch is not None:
            best = self.best_epoch
            mark(f"best epoch ({best})", [best], self.loss[best - 1], marker="*", color=GREEN, ms=12)
        lost = ~np.isfinite(self.loss) & (epochs != self.verdict.epoch)
        if lost.any():
            mark("loss not finite", epochs[lost], self.loss[lost], marker="x", color=RED, ms=6)
        if self.verdict.epoch is not None:
            step = "" if self.verdict.step is None else f", step {self.verdict.step}"
            name = f"{self.verdict.status} at epoch {self.verdict.epoch}{step}"
            color = STATUS_COLORS[self.verdict.status]
            mark(name, [self.verdict.epoch], [self._last_loss()], marker="X", color=color, ms=10)

        ax.set(xlabel="epoch", ylabel="loss", ylim=(None, 1.3 * top))
        ax.xaxis.get_major_locator().set_params(integer=True)
        legend_beside(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _last_loss(self) -> float:
        """Return the loss in the evidence of a failure verdict; inf if it has none."""
        return float(self.verdict.evidence.get("loss", np.inf))

    def _numbers(self) -> NDArray[np.float64]:
        """Return all finite numbers that are drawn."""
        curves = [self.loss, self.validation_loss, *(_given_up(repair)[1] for repair in self.repairs)]
        values = np.concatenate([*curves, [self.baseline, self.limit, self._last_loss()]])
        return drawable(values[np.isfinite(values)])


def _given_up(repair: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the epochs and losses that a repair discarded; if there are none, the epoch of the repair and NaN."""
    losses = np.asarray(repair.losses, dtype=np.float64)
    if len(losses) == 0:
        return np.array([float(repair.epoch)]), np.array([np.nan])
    return repair.kept + np.arange(1.0, len(losses) + 1), losses


def _across(ax: Any) -> Any:
    """Return the transform for lines that span the axes from left to right."""
    return ax.get_yaxis_transform()


def _best_epoch(fitted: BPEstimator) -> int | None:
    """Return the epoch with the best weights by the fit's own criterion, excluding the epoch in which it diverged."""
    history, count = fitted.history_, fitted.n_iter_ - fitted.diverged_
    mark = history["validation_score"] if fitted.early_stopping else -history["loss"]
    mark = mark[:count]
    return int(np.nanargmax(mark)) + 1 if np.isfinite(mark).any() else None
