"""The rows that findings are drawn from, as numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bpmodel.preprocessing import values
from search.profiling import limits

DAY = 86_400.0
"""Seconds in a day."""


def _number(column: pd.Series) -> NDArray[np.float64]:
    return values.numbers(column, {})


def _codes(column: pd.Series) -> NDArray[np.float64]:
    """Number the levels in alphabetical order, so that the order of the rows says nothing."""
    codes, _ = pd.factorize(values.as_texts(column), sort=True)
    return np.where(codes < 0, np.nan, codes)


AS_NUMBERS: Mapping[str, Callable[[pd.Series], NDArray[np.float64]]] = {
    "number": _number,
    "truth": lambda column: values.truth_values(column, {}),
    "date": values.days,
    "duration": lambda column: values.seconds(column, {}),
    "category": _codes,
    "text": _codes,
}
"""How a typed column becomes numbers: dates as days since 1970, durations as seconds, texts as codes; gaps as NaN."""


def _counts(numbers: pd.DataFrame) -> tuple[dict[Any, int], dict[Any, int]]:
    """Return the number of different values of each column, and that of missing ones."""
    distinct = {name: int(column.nunique()) for name, column in numbers.items()}
    return distinct, {name: int(count) for name, count in numbers.isna().sum().items()}


@dataclass(frozen=True)
class Evidence:
    """A table, and the same as numbers.

    Attributes
    ----------
    X : DataFrame of shape (n, columns)
        The rows with a target; its columns have the types that their kinds ask for.
    kinds : mapping from str to str
        The kind of each column, a key of `AS_NUMBERS`.
    y : Series of shape (n,)
    task : str
    numbers : DataFrame of shape (n, columns)
        X as floats.
    distinct, gaps : mapping from str to int
        The number of different values of each column, without missing ones, and the number of missing ones.
    every : DataFrame
        All rows as floats, those without a target included: they are steps of a series, too.
    n_splits : int
        Folds that a study has by default.
    unlabeled : int
        Rows without a target, which are not in X.
    """

    X: pd.DataFrame
    kinds: Mapping[str, str]
    y: pd.Series
    task: str
    numbers: pd.DataFrame
    distinct: Mapping[str, int]
    gaps: Mapping[str, int]
    every: pd.DataFrame
    n_splits: int = 5
    unlabeled: int = 0

    @classmethod
    def of(cls, X: pd.DataFrame, kinds: Mapping[str, str], y: pd.Series, task: str) -> Evidence:
        """Collect the evidence of a typed table; rows without a target are left out."""
        known = y.notna().to_numpy() if task == "classification" else ~np.isnan(_number(y))
        every = pd.DataFrame({name: AS_NUMBERS[kinds[name]](X[name]) for name in X.columns}, index=range(len(X)))
        X, y, numbers = (values[known].reset_index(drop=True) for values in (X, y, every))
        return cls(X, kinds, y, task, numbers, *_counts(numbers), every, unlabeled=int((~known).sum()))

    def take(self, rows: NDArray[np.intp]) -> Evidence:
        """Return the evidence of these rows only."""
        X, y, numbers = (values.iloc[rows].reset_index(drop=True) for values in (self.X, self.y, self.numbers))
        return Evidence(X, self.kinds, y, self.task, numbers, *_counts(numbers), numbers, self.n_splits, self.unlabeled)

    def without(self, names: Collection[str]) -> Evidence:
        """Return the evidence without these columns."""
        kept = [name for name in self.X.columns if name not in names]
        return replace(self, X=self.X[kept], numbers=self.numbers[kept])

    def named(self, *kinds: str) -> list[str]:
        """Return the columns of these kinds."""
        return [name for name in self.X.columns if self.kinds[name] in kinds]

    @cached_property
    def target(self) -> NDArray[np.float64]:
        """The target as numbers, shape (n,): classes as codes."""
        return _number(self.y) if self.task == "regression" else _codes(self.y)

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """Indices of up to `SAMPLE` rows, in their order; the same ones every time."""
        n = len(self.y)
        if n <= limits.SAMPLE:
            return np.arange(n)
        return np.sort(np.random.default_rng(0).permutation(n)[: limits.SAMPLE])

    def whole(self, name: str) -> bool:
        """Return whether a column has whole numbers only, and some."""
        values = self.numbers[name].dropna()
        return self.kinds[name] == "number" and len(values) > 0 and bool((values % 1 == 0).all())
