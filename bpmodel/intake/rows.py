"""Rows and targets, checked by scikit-learn: finite numbers of any size pass without a warning, others are refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import utils
from sklearn.utils import validation


def validated(estimator: Any, X: Any, *arguments: Any, **checks: Any) -> Any:
    """Return what scikit-learn's `validate_data` returns, for numbers of any size.

    Raises
    ------
    ValueError
        As there; also for whole numbers that are too large for double precision.

    Examples
    --------
    >>> from bpmodel import BPRegressor
    >>> validated(BPRegressor(), [[10**400]], dtype=float)
    Traceback (most recent call last):
    ValueError: Input X or y contains a whole number too large for float64: allowed are numbers up to 1.79769e+308
    """
    with _any_size("Input X or y"):
        return validation.validate_data(estimator, X, *arguments, **checks)


def checked(values: Any, *, input_name: str, **checks: Any) -> NDArray:
    """Return what scikit-learn's `check_array` returns, for numbers of any size; errors as in `validated`."""
    with _any_size(input_name):
        return utils.check_array(values, input_name=input_name, **checks)


@contextmanager
def _any_size(name: str) -> Iterator[None]:
    """Silence the sum by which scikit-learn looks for infinity: finite numbers may have none."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except OverflowError:
        raise ValueError(
            f"{name} contains a whole number too large for float64: allowed are numbers up to {np.finfo(np.float64).max:g}"
        ) from None
