"""The task that a target's values ask for."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bpmodel.preprocessing import values
from search.errors import StudyError
from search.profiling import limits
from search.profiling.naming import shown
from search.tables.reading import number


def guess(y: pd.Series, kind: str, where: str) -> tuple[str, str]:
    """Return the likely task and the reason, from the values of a target; errors start with `where`.

    Parameters
    ----------
    y : Series of shape (n,)
        The target; numbers, dates and truth values have their types.
    kind : str
        Its kind: number, truth, date, duration, category or text.

    Raises
    ------
    StudyError
        If nothing can be learned: no value, one value, dates, infinite numbers, or texts that nearly all differ.

    Examples
    --------
    >>> guess(pd.Series([True, False]), "truth", "target")
    ('classification', 'the target is true or false')
    >>> guess(pd.Series([0.5, 1.2, 7.1]), "number", "target")
    ('regression', 'the target is numeric with 3 different values')
    """
    y = y.dropna()
    if y.empty:
        raise StudyError(f"{where} has no values")
    if kind == "date":
        raise StudyError(
            f"{where} has dates, such as {shown(y.iloc[0])}; a target needs numbers or classes: add a column with the days from "
            "a fixed date, and leave this one out"
        )
    if kind == "number":
        y = pd.to_numeric(y).astype(float)  # whole numbers of 19 digits may be different only before
    distinct = values.as_texts(y).nunique() if kind in ("category", "text") else y.nunique()
    if distinct == 1:
        raise StudyError(f"{where} is {shown(y.iloc[0])} in every row; there is nothing to learn")
    if kind == "number":
        if (large := y.abs() > values.LARGEST).any():
            raise StudyError(
                f"{where} has {shown(float(y[large].iloc[0]))} in {number(int(large.sum()), 'row')}; allowed are numbers up to "
                f"{values.LARGEST:g}: correct these cells, or leave the rows out"
            )
        return of_numbers(y)
    if kind == "duration":
        return "regression", f"the target is a duration, in seconds, with {distinct} different values"
    if kind == "truth":
        return "classification", "the target is true or false"
    if distinct > limits.MOST_LEVELS * len(y):
        raise StudyError(_no_class(y, distinct, where))
    what = "a category" if isinstance(y.dtype, pd.CategoricalDtype) else "text"
    return "classification", f"the target is {what} with {distinct} different values"


def _no_class(y: pd.Series, distinct: int, where: str) -> str:
    """Say why texts are no classes, and which of them cannot be read as a number."""
    texts = values.as_texts(y)
    unread = pd.Series(np.isnan(values.numbers(texts, {})), index=y.index)
    told = f"{where} has {distinct} different texts in {len(y)} rows: too many for classes"
    if unread.sum() <= len(y) / 2:
        return (
            f"{told}, and {int(unread.sum())} of them cannot be read as numbers, first {shown(texts[unread].iloc[0])}; "
            "correct these cells, or add their text to [data] na_values"
        )
    return f"{told}, and {shown(texts[unread].iloc[0])} cannot be read as a number; choose another target"


def of_numbers(y: pd.Series) -> tuple[str, str]:
    """Return the likely task and the reason, for a target of numbers.

    Two whole numbers are classes. So are up to `MAX_CLASSES` ones with ten rows each, unless they look like amounts: they are far
    apart (0, 5, 10), or there are more than `FEW_CLASSES` of them and their frequencies rise to one peak and fall, as those of
    counts and ratings do; labels in an order that means nothing have such frequencies in one case of 20 (6 classes) or fewer.

    >>> of_numbers(pd.Series([0, 1] * 20))
    ('classification', 'the target has only 2 different whole numbers')
    >>> of_numbers(pd.Series([0, 5, 10] * 20))[1]
    'the target has whole numbers that are far apart, such as 0 and 5'
    """
    y = pd.to_numeric(y.dropna()).astype(float)
    counts = y.value_counts().sort_index()
    values, distinct = counts.index.to_numpy(), len(counts)
    numeric = "regression", f"the target is numeric with {distinct} different values"
    if (values % 1 != 0).any():
        return numeric
    classes = "classification", f"the target has only {distinct} different whole numbers"
    if distinct == 2:
        return classes
    if distinct > limits.MAX_CLASSES or distinct >= len(y) / 10:
        return numeric
    if np.diff(values).mean() >= limits.WIDE_STEP:
        return "regression", (
            f"the target has whole numbers that are far apart, such as {shown(values[0])} and {shown(values[1])}"
        )
    if distinct > limits.FEW_CLASSES and _amounts(counts.to_numpy()):
        low, high = shown(values[0]), shown(values[-1])
        return "regression", (
            f"the target has whole numbers from {low} to {high}, and the outer ones are rare: amounts, not labels"
        )
    return classes


def _amounts(counts: np.ndarray) -> bool:
    """Return whether the frequencies of whole numbers, in their order, are those of counts or ratings."""
    if counts.max() <= limits.EVEN * counts.min():
        return False
    peak = int(counts.argmax())
    one_peak = bool((np.diff(counts[: peak + 1]) >= 0).all() and (np.diff(counts[peak:]) <= 0).all())
    return one_peak or len(counts) > limits.MAX_CLASSES / 2
