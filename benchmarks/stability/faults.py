"""Faults of the data and of the initial weights: functions that spoil healthy rows or weights.

Faults of scale act on all rows, because new rows come in the same units. Faults of single rows act only on the training rows;
the score is that on clean rows. No fault scales a target of classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.stability.sets import Rows

Spoil = Callable[[Rows], Rows]
Prepare = Callable[[Any], None]


def scaled_input(factor: float | NDArray, offset: float = 0.0) -> Spoil:
    return lambda rows: rows._replace(X=rows.X * factor + offset)


def scaled_target(factor: float, offset: float = 0.0) -> Spoil:
    return lambda rows: rows._replace(y=rows.y * factor + offset)


def columns_of_many_scales(rows: Rows) -> Rows:
    return rows._replace(X=rows.X * np.logspace(0, 4, rows.X.shape[1]))


def natural_input(rows: Rows) -> Rows:
    return rows._replace(X=rows.in_units)


def natural(rows: Rows) -> Rows:
    return rows._replace(X=rows.in_units, y=rows.target_in_units)


def both(*spoils: Spoil) -> Spoil:
    def apply(rows: Rows) -> Rows:
        for spoil in spoils:
            rows = spoil(rows)
        return rows

    return apply


def heavy_tails(rows: Rows) -> Rows:
    """Multiply 3 columns by the absolute values of Cauchy numbers."""
    X = rows.X.copy()
    X[:, :3] *= np.abs(rows.random.standard_cauchy((len(X), 3)))
    return rows._replace(X=X)


def far_row(factor: float) -> Spoil:
    """Multiply one training row by a factor."""

    def apply(rows: Rows) -> Rows:
        X = rows.X.copy()
        X[np.flatnonzero(rows.training)[rows.random.integers(100)]] *= factor
        return rows._replace(X=X)

    return apply


def far_targets(share: float, distance: float) -> Spoil:
    """Move a share of the training targets, at least two, up by `distance` standard deviations."""

    def apply(rows: Rows) -> Rows:
        y, training = rows.y.copy(), np.flatnonzero(rows.training)
        y[rows.random.choice(training, max(round(share * len(training)), 2), replace=False)] += distance * y.std()
        return rows._replace(y=y)

    return apply


def cauchy_noise(scale: float) -> Spoil:
    def apply(rows: Rows) -> Rows:
        noise = np.where(rows.training, scale * rows.random.standard_cauchy(len(rows.y)), 0.0)
        return rows._replace(y=rows.y + noise)

    return apply


def noisy_labels(share: float) -> Spoil:
    """Give a share of the training rows a random class."""

    def apply(rows: Rows) -> Rows:
        wrong = rows.training & (rows.random.random(len(rows.y)) < share)
        return rows._replace(y=np.where(wrong, rows.random.permutation(rows.y), rows.y))

    return apply


def shuffled_target(rows: Rows) -> Rows:
    return rows._replace(y=rows.random.permutation(rows.y))


def rare_classes(share: float, keep: int = 1) -> Spoil:
    """Keep only a share of each class but the first `keep`, in the training and validation rows."""

    def apply(rows: Rows) -> Rows:
        sides = rows.training.copy(), rows.validation.copy()
        for side in sides:
            for label in np.unique(rows.y)[keep:]:
                of_class = np.flatnonzero(side & (rows.y == label))
                side[of_class[max(round(share * len(of_class)), 2) :]] = False
        return rows._replace(training=sides[0], validation=sides[1])

    return apply


def few_rows(count: int) -> Spoil:
    def apply(rows: Rows) -> Rows:
        training = rows.training.copy()
        training[np.flatnonzero(training)[count:]] = False
        return rows._replace(training=training)

    return apply


def sorted_rows(rows: Rows) -> Rows:
    order = np.argsort(rows.y, kind="stable")
    names = ("X", "y", "in_units", "target_in_units", "training", "validation")
    return rows._replace(**{name: getattr(rows, name)[order] for name in names})


def copied_and_constant_columns(rows: Rows) -> Rows:
    return rows._replace(X=np.hstack([rows.X, rows.X[:, :3], np.full((len(rows.X), 2), 3.0)]))


def constant_weights(value: float) -> Prepare:
    def prepare(network: Any) -> None:
        for weights in (*network.coefs_, *network.intercepts_):
            weights[...] = value

    return prepare


def equal_units(network: Any) -> None:
    """Give every unit of a layer the weights of its first unit."""
    for weights, biases in zip(network.coefs_, network.intercepts_, strict=True):
        weights[...] = weights[:, :1]
        biases[...] = biases[0]


def hidden_biases(value: float) -> Prepare:
    def prepare(network: Any) -> None:
        for biases in network.intercepts_[:-1]:
            biases[...] = value

    return prepare
