"""Learning rates on digits: how well Adam and momentum train a network with 100 hidden units at each rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from bpmodel import BPClassifier
from docs.article.block import Block, number, percent
from docs.article.drawing import COLORS, canvas, legend, level
from docs.article.fits import exploded, finite, fit_all, losses

ARTICLE = (0.001, 0.01, 0.1)
SWEEP = tuple(float(rate) for rate in 10.0 ** np.arange(-5, 1.01, 0.5))
EPOCHS = 100
REACHED = 0.1


def measure(repeats: int = 3, rates: Sequence[float] = ARTICLE, sweep: Sequence[float] = SWEEP) -> Block:
    """Return accuracy, epochs and share of diverged fits at the article's three rates; the figure shows a wider range."""
    table = {rate: cross_validate("adam", rate, range(repeats)) for rate in rates}
    rows = []
    for rate, fits in table.items():
        accuracy = np.array([score for _, score in fits])
        reached = [np.argmax(losses(n) < REACHED) + 1 if losses(n).min() < REACHED else np.inf for n, _ in fits]
        rows.append(
            [
                f"{rate:g}",
                f"{accuracy.mean():.3f} ± {accuracy.std():.3f}",
                f"{accuracy.min():.3f}",
                f"{np.median(reached):g}",
                f"{EPOCHS}",
                number(float(np.median([losses(n)[-1] for n, _ in fits]))),
                percent(diverged(n) for n, _ in fits),
            ]
        )
    figure, (scores, share) = canvas(2)
    for solver, color in zip(("adam", "sgd"), COLORS, strict=False):
        groups = [cross_validate(solver, rate, range(1)) for rate in sweep]
        accuracy = np.array([[score for _, score in fits] for fits in groups])
        scores.fill_between(sweep, accuracy.min(axis=1), accuracy.max(axis=1), color=color, alpha=0.15, lw=0)
        scores.plot(sweep, accuracy.mean(axis=1), "o-", color=color, ms=4, lw=1.4, label=solver)
        share.plot(
            sweep,
            [100 * np.mean([diverged(n) for n, _ in fits]) for fits in groups],
            "o-",
            color=color,
            ms=4,
            lw=1.4,
            label=solver,
        )
    level(scores, 0.1, "chance", x=0.3, ha="left")
    scores.set(ylabel="accuracy on held-out rows", ylim=(0, 1.02), title="Accuracy: mean and range of 5 folds")
    share.set(ylabel="fits, percent", ylim=(-4, 104), title="Loss above 10 times the dummy's")
    for axes in (scores, share):
        axes.set(xscale="log", xlabel="learning rate")
    legend(share, loc="upper left")
    return Block(
        ["learning rate", "accuracy", "worst fold", "epochs to a tenth", "epochs", "final loss", "diverged"],
        rows,
        f"Adam, 100 relu units, 10 outputs, batches of 200, all {EPOCHS} epochs even if the loss explodes. 5-fold "
        f"cross-validation, {repeats} times with different folds and starts: mean ± standard deviation of the "
        f"{5 * repeats} fits. Losses are medians, as multiples of the dummy predictor's. The fourth column counts the "
        "epochs until the loss is a tenth of the dummy predictor's.",
        figure,
        "Accuracy and share of diverged fits against the learning rate, Adam and stochastic gradient descent with "
        "momentum",
    )


def cross_validate(solver: str, rate: float, seeds: Sequence[int]) -> list[tuple[BPClassifier, float]]:
    """Fit on five folds for each seed; return the networks and their accuracy on the held-out rows."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    folds, fits = [], []
    for seed in seeds:
        for train, test in StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y):
            network = BPClassifier(
                hidden_layer_sizes=(100,),
                solver=solver,
                learning_rate_init=rate,
                max_iter=EPOCHS,
                n_iter_no_change=np.inf,
                on_divergence="ignore",
                random_state=seed,
            )
            folds.append(test)
            fits.append((network, X[train], y[train]))
    return [(n, n.score(X[test], y[test]) if finite(n) else 0.0) for n, test in zip(fit_all(fits), folds, strict=True)]


def diverged(network: BPClassifier) -> bool:
    """Return whether the loss exploded or was no longer finite."""
    return exploded(network) or not finite(network)
