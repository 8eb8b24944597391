"""Rows and targets, checked by scikit-learn: finite numbers of any size pass without a warning, others are refused by name.

Checked besides: the structure of sparse rows, masks, and numbers of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn import utils
from sklearn.utils import validation

from bpmodel.names.visible import visible


def validated(estimator: Any, X: Any, *arguments: Any, **checks: Any) -> Any:
    """Return what scikit-learn's `validate_data` returns, for numbers of any size.

    Raises
    ------
    ValueError
        As there, in one line; also for whole numbers that are too large for double precision, masked values, and sparse rows
        whose indices are not inside them.

    Examples
    --------
    >>> from bpmodel import BPRegressor
    >>> validated(BPRegressor(), [[10**400]], dtype=float)
    Traceback (most recent call last):
    ValueError: Input X or y contains a whole number too large for float64: allowed are numbers up to 1.79769e+308
    """
    with _checks("Input X or y", X=X, y=next(iter(arguments), None)):
        return validation.validate_data(estimator, X, *arguments, **checks)


def checked(values: Any, *, input_name: str, **checks: Any) -> NDArray:
    """Return what scikit-learn's `check_array` returns, for numbers of any size; errors as in `validated`."""
    with _checks(input_name, **{input_name: values}):
        return utils.check_array(values, input_name=input_name, **checks)


def row_numbers(rows: Any, n_rows: int, name: str) -> NDArray[np.int32]:
    """Return numbers of rows, in the type that compiled code takes, from numbers or a mask; it looks at no bounds.

    Parameters
    ----------
    rows : array-like of int, or of bool with a value for each row
        Negative numbers count from the end, as in NumPy.
    n_rows : int
        Rows that there are.
    name : str
        What the error calls them.

    Raises
    ------
    ValueError
        If there are none, or some are not the number of a row.

    Examples
    --------
    >>> row_numbers([0, -1], 3, "rows").tolist(), row_numbers([True, False, True], 3, "rows").tolist()
    ([0, 2], [0, 2])
    >>> row_numbers([0, 3], 3, "rows")
    Traceback (most recent call last):
    ValueError: rows: there is no row 3; allowed are the numbers of 3 rows, -3 to 2
    """
    found = np.asarray(rows)
    allowed = f"allowed are the numbers of {n_rows} rows, {-n_rows} to {n_rows - 1}"
    if found.dtype == bool and found.shape == (n_rows,):
        found = np.flatnonzero(found)
    if found.ndim != 1 or (found.dtype.kind not in "iu" and found.size):
        raise ValueError(
            f"{name} is an array of {found.dtype} of shape {found.shape}; {allowed}, or a mask of shape ({n_rows},)"
        )
    if not found.size:
        raise ValueError(f"{name} has no rows; at least one is needed")
    for number in (found.min(), found.max()):
        if not -n_rows <= number < n_rows:
            raise ValueError(f"{name}: there is no row {number}; {allowed}")
    return np.asarray(found if found.min() >= 0 else np.where(found < 0, found + n_rows, found), dtype=np.int32)


def check_structure(values: Any, name: str) -> None:
    """Check that the indices of a matrix are inside it if it is sparse: compiled code, SciPy's too, reads what they point to.

    Raises
    ------
    ValueError
        If they are not.
    """
    if not issparse(values):
        return
    try:
        if values.format == "coo":
            for axis, (numbers, size) in enumerate(zip(values.coords, values.shape, strict=True)):
                if numbers.size and not 0 <= numbers.min() <= numbers.max() < size:
                    raise ValueError(f"axis {axis} index values must be from 0 to {size - 1}")
        else:
            (values if values.format in ("csr", "csc", "bsr") else values.tocsr()).check_format(full_check=True)
    except ValueError as error:
        raise ValueError(f"{name} is a broken {values.format} matrix: {error}") from None


def check_mask(values: Any, name: str) -> None:
    """Raise ValueError if values are masked: NumPy would give what stands behind the mask."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        row = int(np.argwhere(np.ma.getmaskarray(values))[0][0])
        raise ValueError(f"{name} has masked values, the first in row {row}: fill them, or leave such rows out")


@contextmanager
def _checks(name: str, **given: Any) -> Iterator[None]:
    """Check what scikit-learn does not look at; tell its errors in one line, and finite numbers of any size pass it.

    It looks for infinity by a sum, which finite numbers may not have: that is silent here.
    """
    for argument, values in given.items():
        check_mask(values, argument)
        check_structure(values, argument)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except OverflowError:
        raise ValueError(
            f"{name} contains a whole number too large for float64: allowed are numbers up to {np.finfo(np.float64).max:g}"
        ) from None
    except (ValueError, TypeError) as error:
        lines = str(error).splitlines()
        if len(lines) < 2:
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(visible(" ".join(line.strip() for line in lines if line.strip()))) from None
