"""The data of the corpus: sets and generators of scikit-learn, in natural units and standardized."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from sklearn import datasets

VALIDATION_SHARE = 0.2


class Rows(NamedTuple):
    """One set with a split, on which a fault acts.

    `X` of shape (n, features) and `y` of shape (n,) are what the network gets; without a fault they are standardized.
    `in_units` and `target_in_units` are the same in their own units. For classes, `y` is their numbers in both.
    """

    X: NDArray
    y: NDArray
    in_units: NDArray
    target_in_units: NDArray
    training: NDArray[np.bool_]
    """(n,), the training rows"""
    validation: NDArray[np.bool_]
    classes: bool
    random: Generator
    """generator for faults that draw"""


def _skewed(seed: int) -> tuple[NDArray, NDArray]:
    """Return 8 log-normal columns, as incomes are, and a target in thousands that depends on their logarithms."""
    random = default_rng(seed)
    logs = random.normal(size=(1000, 8))
    y = logs[:, 0] * logs[:, 1] + np.sin(2 * logs[:, 2]) + logs[:, 3] + 0.3 * random.normal(size=1000)
    return np.exp(0.7 * logs), 1000 * (5 + y)


def _counts(seed: int) -> tuple[NDArray, NDArray]:
    random = default_rng(seed)
    X = random.normal(size=(600, 6))
    return X, random.poisson(np.exp(1.0 + 0.5 * X[:, 0] - 0.5 * np.tanh(X[:, 1] * X[:, 2]))).astype(float)


SETS: dict[str, tuple[Callable[[int], tuple[NDArray, NDArray]], bool]] = {
    "digits": (lambda seed: datasets.load_digits(return_X_y=True), True),
    "breast_cancer": (lambda seed: datasets.load_breast_cancer(return_X_y=True), True),
    "wine": (lambda seed: datasets.load_wine(return_X_y=True), True),
    "iris": (lambda seed: datasets.load_iris(return_X_y=True), True),
    "moons": (lambda seed: datasets.make_moons(500, noise=0.2, random_state=seed), True),
    "clusters": (
        lambda seed: datasets.make_classification(
            600, 16, n_informative=8, n_classes=4, n_clusters_per_class=1, class_sep=1.5, random_state=seed
        ),
        True,
    ),
    "two_classes": (
        lambda seed: datasets.make_classification(2000, 12, n_informative=6, class_sep=1.0, random_state=seed),
        True,
    ),
    "diabetes": (lambda seed: datasets.load_diabetes(return_X_y=True), False),
    "friedman1": (lambda seed: datasets.make_friedman1(350, 10, noise=1.0, random_state=seed), False),
    "friedman2": (lambda seed: datasets.make_friedman2(400, noise=20.0, random_state=seed), False),
    "friedman3": (lambda seed: datasets.make_friedman3(400, noise=0.1, random_state=seed), False),
    "skewed": (_skewed, False),
    "counts": (_counts, False),
}
"""name -> (function from a seed to X and y in natural units, whether y is classes)."""


def standardized(values: NDArray) -> NDArray:
    """Return values minus their mean, divided by their standard deviation, column by column; constant columns become 0."""
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


@lru_cache(maxsize=256)
def load(name: str, seed: int) -> Rows:
    """Return a set, standardized, with a random fifth of its rows for validation.

    Targets of counts are not scaled, because their losses need counts.

    >>> rows = load("wine", 0)
    >>> rows.X.shape, int(rows.training.sum()), int(rows.validation.sum())
    ((178, 13), 142, 36)
    """
    make, classes = SETS[name]
    in_units, target_in_units = make(seed)
    random = default_rng(seed)
    validation = np.zeros(len(target_in_units), dtype=bool)
    validation[random.permutation(len(target_in_units))[: round(VALIDATION_SHARE * len(target_in_units))]] = True
    y = target_in_units if classes or name == "counts" else standardized(target_in_units)
    X = standardized(in_units)
    return Rows(X, y, in_units, target_in_units, ~validation, validation, classes, default_rng(seed + 1000))
