"""What a search asks for, counted before it begins: it is refused by name where it has no end, or memory does not hold it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from bpmodel.full_batch.solvers import FULL_BATCH
from bpmodel.functions.optimizers import OPTIMIZERS
from bpmodel.names.short import short
from bpmodel.network import sizes
from search.errors import StudyError
from search.loop.runner import Plan
from search.space.spaces import Space
from search.trials.nesting import network_of, prefix
from search.trials.prepared.folds import is_streamed
from search.trials.problem import Problem

MOST_FITS = 100_000_000
"""The most fits of a search: at a millisecond each they take more than a day."""


@dataclass(frozen=True)
class Demand:
    """What a search asks for.

    Attributes
    ----------
    rows, columns, features : int
        Of the table; columns as networks see them, at most.
    folds, trials, again, members, outer : int
        Folds; configurations; evaluations of the best ones with other seeds; networks of the model; outer folds.
    at_once : int
        Trials at the same time.
    axes : int
        Hyperparameters, parts of lists of layers counted one by one.
    parameters : int
        Weights and biases of the largest network; 0 for other estimators.
    largest : list of int
        Its hidden layers.
    table_bytes, folds_bytes, networks_bytes : float
        Memory of the table, of the prepared rows that are kept at once, and of the fits that run at once.
    streamed : bool
        Whether each trial prepares the rows of its folds anew.
    """

    rows: int
    columns: int
    features: int
    folds: int
    trials: int
    again: int
    members: int
    outer: int
    at_once: int
    axes: int
    parameters: int
    largest: list[int]
    folds_bytes: float
    networks_bytes: float
    table_bytes: float = 0.0
    streamed: bool = False

    @property
    def cells(self) -> int:
        """Cells of the table."""
        return self.rows * self.columns

    @property
    def fits(self) -> int:
        """Fits of the whole search; those of trials that end early count as well."""
        return (self.trials + self.again) * self.folds * (1 + self.outer) + self.members * (1 + self.outer)

    @property
    def memory(self) -> float:
        """Bytes that the search takes besides the table."""
        return self.folds_bytes + self.networks_bytes


def count(problem: Problem, space: Space, plan: Plan, *, features: int | None = None, outer: int = 0) -> Demand:
    """Return what a search asks for.

    Parameters
    ----------
    features : int, optional
        The most columns after preprocessing; by default those of X.
    outer : int
        Outer folds, each of which has a search of its own.
    """
    rows, columns = _shape(problem.X)
    features = columns if features is None else features
    folds, network = len(problem.folds), network_of(problem.estimator)
    at_once = max(min(plan.workers.n_jobs, plan.n_trials), 1)
    again = min(2**plan.n_seeds - 2, plan.n_trials * (plan.n_seeds - 1))
    common = (rows, columns, features, folds, plan.n_trials, again, plan.n_members, outer, at_once, len(space.axes))
    if network is None:
        return Demand(*common, 0, [], 0.0, 0.0)

    def values(name: str) -> list[Any]:
        return list(_values(problem, space, name)) or [getattr(network, name)]

    solvers = [name for name in values("solver") if isinstance(name, str)]
    full = any(name in FULL_BATCH for name in solvers)
    slots = max(
        (OPTIMIZERS[name].slots for name in solvers if name in OPTIMIZERS and name not in FULL_BATCH), default=0
    )
    item = 8 if full or "float64" in values("dtype") else 4
    batch = min(rows, max([200, *_numbers(values("batch_size"))]))
    epochs = max([1, *_numbers(values("max_iter"))])
    normalized = any(name != "none" for name in values("normalization"))
    outputs = _outputs(problem)

    def needed(hidden: list[int]) -> sizes.Demand:
        return sizes.demand([features, *hidden, outputs], item, slots, batch, epochs, normalized=normalized)

    layers = [found for given in values("hidden_layer_sizes") if (found := _layers(given)) is not None] or [[]]
    largest = max(layers, key=lambda hidden: needed(hidden).total)
    most = needed(largest)
    streamed = problem.estimator is not network and is_streamed(problem, problem.estimator, features)
    copies = (
        at_once if streamed else 1 if problem.estimator is network else folds
    )  # without preprocessing, folds share rows
    kept = float(copies * rows * features * item)
    if plan.subsample != 1 and problem.estimator is not network:  # those of the sample are kept
        of_sample = sum(plan.subsample * len(train) + len(validation) for train, validation in problem.folds.splits)
        kept += of_sample * features * item
    return Demand(*common, most.parameters, largest, kept, folds * at_once * most.total, _bytes(problem.X), streamed)


def check(found: Demand, where: str = "", *, ends: bool = False) -> None:
    """Check that a search has an end, and that this process can have the memory for it.

    Parameters
    ----------
    where : str
        How errors start.
    ends : bool, default=False
        Whether a time limit ends the search.

    Raises
    ------
    StudyError
        With what asks for most, the count, and what is allowed.
    """
    start = f"{where}: " if where else ""
    if found.fits > MOST_FITS and not ends:
        parts = f"{found.trials:,} trials x {found.folds:,} folds"
        parts += f" x {1 + found.outer} searches" if found.outer else ""
        raise StudyError(f"{start}{parts} are {found.fits:,} fits; allowed are up to {MOST_FITS:,}")
    if not (lacking := sizes.too_large(found.table_bytes + found.memory)):
        return
    if found.table_bytes + found.folds_bytes > found.networks_bytes:
        where = (
            f"for each of {found.at_once:,} trials at a time (n_jobs)"
            if found.streamed
            else f"in each of {found.folds:,} folds"
        )
        raise StudyError(
            f"{start}a table of {found.rows:,} rows, and its {found.features:,} columns after preprocessing {where}, {lacking}: "
            f"take a sample of the rows{', or a smaller n_jobs' if found.streamed and found.at_once > 1 else ''}"
        )
    raise StudyError(
        f"{start}hidden_layer_sizes = {short(found.largest)} has {found.parameters:,} weights and biases; {found.folds:,} "
        f"folds x {found.at_once:,} trials at a time (n_jobs) {lacking}"
    )


def _bytes(X: Any) -> float:
    """Return the memory of a table, where it can be known without a copy; texts count as their places."""
    if hasattr(X, "memory_usage"):
        return float(X.memory_usage(index=False).sum())
    return float(getattr(X, "nbytes", 0))


def _values(problem: Problem, space: Space, name: str) -> Iterator[Any]:
    """Yield the extreme values of a network's parameter in a space; its own value if a space leaves it alone."""
    full = prefix(problem.estimator) + name
    for member in space.members:
        found = [d for key, d in member.items() if problem.paths.get(key, problem.prefix + key) == full]
        yield from (value for d in found for value in d.extremes())
        if not found or any(d.conditions for d in found):
            yield getattr(network_of(problem.estimator), name)


def _numbers(values: list[Any]) -> list[int]:
    return [int(value) for value in values if isinstance(value, int | np.integer) and not isinstance(value, bool)]


def _layers(given: Any) -> list[int] | None:
    """Return sizes of layers as a list; None if they are none: the trials say so."""
    if isinstance(given, str):
        return None
    layers: list[Any] = np.atleast_1d(np.asarray(given, dtype=object)).tolist()
    return layers if all(isinstance(n, int) and n > 0 for n in layers) else None


def _outputs(problem: Problem) -> int:
    if problem.y is None:
        return 1
    y = np.asarray(problem.y)
    if y.ndim > 1:
        return int(y.shape[1])
    if not is_classifier(problem.estimator):
        return 1
    n_classes = len(set(y.tolist()))
    return n_classes if n_classes > 2 else 1


def _shape(X: Any) -> tuple[int, int]:
    shape = getattr(X, "shape", None)
    if shape is None:
        return len(X), len(X[0]) if len(X) and hasattr(X[0], "__len__") and not isinstance(X[0], str) else 1
    return int(shape[0]), int(shape[1]) if len(shape) > 1 else 1
