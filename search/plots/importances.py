"""How much each hyperparameter matters, learned from the trials of a search.

A random forest learns the score from the hyperparameters. The importance of one is how much worse the forest predicts
once its values are shuffled among the trials that have it (permutation importance, Breiman, 2001, Random forests), as a
share of the sum over all hyperparameters. It is measured on the trials that each tree has not seen, so that a forest that
has learned noise finds none. Other than fANOVA (Hutter et al., 2014), it needs no model of what was not tried, and a
hyperparameter that exists in few trials counts for these only.

Diverged trials have no score; they count as slightly worse than the worst score of the figures. Other bad scores count as no
worse than that. Trials that could not be trained do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from search.plots.coordinates import Coordinate

FEWEST_TRIALS, PER_PARAMETER = 10, 2
"""The fewest trials that tell anything, in total and for each hyperparameter."""

MOST_TRIALS = 400
"""Trials that the forest learns from; of more, a random part."""

TREES, SHUFFLES = 40, 2

ABSENT = -0.5
"""The place of a hyperparameter that a trial does not have: beside all others, from 0 to 1."""

KNOWN = 0.1
"""The least share of the variance that a forest must predict, or it knows nothing."""


@dataclass(frozen=True)
class Importances:
    """The importance of each hyperparameter.

    Attributes
    ----------
    shares : dict of str to float
        They sum to 1, the largest first; empty if nothing is known.
    explained : float
        Share of the variance of the scores that the forest predicts in trials that it has not seen.
    n_trials : int
    doubt : str
        Why nothing is known; empty otherwise.
    """

    shares: Mapping[str, float]
    explained: float = 0.0
    n_trials: int = 0
    doubt: str = ""


def importances(found: Mapping[str, Coordinate], values: Mapping[int, float]) -> Importances:
    """Return the importance of each hyperparameter.

    Parameters
    ----------
    found : dict of str to Coordinate
    values : dict of int to float
        The value of each trial that counts, in any unit.
    """
    numbers = list(values)
    needed = max(FEWEST_TRIALS, PER_PARAMETER * len(found))
    if len(found) < 2:
        return Importances({}, n_trials=len(numbers), doubt="fewer than two hyperparameters vary")
    if len(numbers) < needed:
        return Importances({}, n_trials=len(numbers), doubt=f"{len(numbers)} trials are too few: {needed} are needed")
    random = np.random.default_rng(0)
    if len(numbers) > MOST_TRIALS:
        numbers = sorted(random.permutation(numbers)[:MOST_TRIALS].tolist())
    X = np.array([[one.places.get(n, ABSENT) for one in found.values()] for n in numbers])
    y = np.array([values[n] for n in numbers])
    if np.ptp(y) == 0:
        return Importances({}, n_trials=len(numbers), doubt="all trials are equally good")
    drops, explained = _drops(X, y, random)
    total = drops.sum()
    if explained < KNOWN or total <= 0:
        told = f"chance explains the scores of the {len(numbers)} trials as well"
        return Importances({}, explained, len(numbers), told)
    ordered = sorted(zip(found, drops / total, strict=True), key=lambda pair: -pair[1])
    return Importances({name: float(share) for name, share in ordered}, explained, len(numbers))


def _drops(X: NDArray, y: NDArray, random: np.random.Generator) -> tuple[NDArray[np.float64], float]:
    """Return the loss of each column, once shuffled, and the share of the variance that is explained out of bag."""
    forest = RandomForestRegressor(TREES, max_features=0.6, random_state=0, n_jobs=1).fit(X, y)
    unseen = _unseen(forest, len(y))
    seen_by = unseen.sum(axis=0)
    known = seen_by > 0
    plain = _mean([tree.predict(X) for tree in forest.estimators_], unseen, seen_by)
    around = float(np.mean((y[known] - y[known].mean()) ** 2)) or 1.0
    error = float(np.mean((plain - y)[known] ** 2))
    drops = np.zeros(X.shape[1])
    for column in range(X.shape[1]):
        has = np.flatnonzero(X[:, column] != ABSENT)
        copies = []
        for _ in range(SHUFFLES):
            shuffled = X.copy()
            shuffled[has, column] = X[random.permutation(has), column]
            copies.append(shuffled)
        given = np.concatenate(copies).astype(np.float32)
        predicted = [tree.tree_.predict(given).ravel() for tree in forest.estimators_]
        for part in range(SHUFFLES):
            rows = slice(part * len(y), (part + 1) * len(y))
            found = _mean([one[rows] for one in predicted], unseen, seen_by)
            drops[column] += (float(np.mean((found - y)[known] ** 2)) - error) / SHUFFLES
    return np.maximum(drops, 0.0), 1 - error / around


def _unseen(forest: RandomForestRegressor, n: int) -> NDArray[np.bool_]:
    """Return which rows each tree has not seen, of shape (trees, rows)."""
    found = np.ones((len(forest.estimators_), n), dtype=bool)
    for tree, rows in enumerate(forest.estimators_samples_):
        found[tree, rows] = False
    return found


def _mean(predicted: Sequence[NDArray], unseen: NDArray[np.bool_], seen_by: NDArray) -> NDArray[np.float64]:
    """Return the mean over the trees that have not seen a row."""
    return np.einsum("tn,tn->n", np.array(predicted), unseen) / np.maximum(seen_by, 1)
