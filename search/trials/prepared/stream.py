"""Folds whose rows are prepared anew for each turn, into a buffer that the folds of a trial share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpmodel.network.machine import give_back
from bpmodel.preprocessing import by_columns
from search.rows import take
from search.trials.nesting import transform_rows

MOST_KEPT = 2**28
"""Bytes of the prepared rows of all folds up to which they are kept, for all trials with the same preprocessing: those of
1,000,000 rows of 13 columns in 5 folds. To prepare a fold anew takes up to 2 epochs of the smallest networks, and a hundredth
of one of large networks; with four epochs and more between two checkpoints that is little, but small studies have time to lose
and no memory to gain."""


@dataclass(frozen=True, eq=False)
class Stream:
    """The rows of a study as the network of one fold sees them, prepared when they are needed.

    Attributes
    ----------
    X
        All rows of the study, as they were given.
    around : estimator
        The steps around the network, fitted on the training rows of the fold.
    dtype : dtype
        Precision of the prepared rows.
    """

    X: Any
    around: Any
    dtype: np.dtype

    def rows(self, numbers: NDArray[np.integer], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return rows with these numbers, prepared, in `out` if it is given."""

        def prepared(part: slice) -> NDArray[Any]:
            return self._prepared(take(self.X, numbers[part]))

        return by_columns.in_pieces(prepared, len(numbers), self.X.shape[1], out)

    def fill(self, out: NDArray[Any]) -> None:
        """Prepare all rows, in their order, into an array."""
        whole = self.X.iloc if hasattr(self.X, "iloc") else self.X
        rows, columns = self.X.shape
        by_columns.in_pieces(lambda part: self._prepared(whole[part]), rows, columns, out)

    def _prepared(self, X: Any) -> NDArray[Any]:
        return np.ascontiguousarray(transform_rows(self.around, X), dtype=self.dtype)


class Buffer:
    """Room for the rows of one fold. The fits of several folds share it: only that of the fold which it holds may train.

    Attributes
    ----------
    rows : ndarray of shape (rows, features)
    """

    def __init__(self, rows: int, features: int, dtype: np.dtype) -> None:
        self.rows = np.empty((rows, features), dtype=dtype)
        self._holds: Stream | None = None

    def load(self, stream: Stream) -> None:
        """Prepare the rows of a fold, unless they are here."""
        if self._holds is not stream:
            self._holds = None  # an error leaves the rows of two folds
            stream.fill(self.rows)
            self._holds = stream
            give_back()

    def lend(self, rows: int) -> NDArray[Any]:
        """Return room for some rows, until a fold is loaded; none is, after this."""
        self._holds = None
        return self.rows[:rows]
