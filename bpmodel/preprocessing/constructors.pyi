"""Constructors as type checkers see them. `make docs` writes this file from the tables of options."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

class TableConstructor:
    numeric: str
    n_bins: int
    categorical: str
    categorical_columns: Sequence[str] | NDArray[Any] | None
    max_categories: int
    missing_indicator: bool
    column_formats: dict[str, dict[str, Any]] | None
    def __init__(
        self,
        *,
        numeric: str = ...,
        n_bins: int = ...,
        categorical: str = ...,
        categorical_columns: Sequence[str] | NDArray[Any] | None = ...,
        max_categories: int = ...,
        missing_indicator: bool = ...,
        column_formats: dict[str, dict[str, Any]] | None = ...,
    ) -> None: ...

class TargetConstructor:
    target_transform: str
    def __init__(
        self,
        *,
        target_transform: str = ...,
    ) -> None: ...
