"""The one table of preprocessing options: name, default, domain, meaning.

These rows define the transformers' constructors, validation and documentation, and the checks and documentation of study files.
"""

from __future__ import annotations

from bpmodel.compiler.tables import Column
from bpmodel.domains import NONE, TEXT, TRUTH, Kind, ListOf, Names, whole
from bpmodel.option import Option
from bpmodel.preprocessing.encodings import CATEGORICAL, NUMERIC
from bpmodel.preprocessing.piecewise import BINS

COLUMNS = (
    Option(
        "numeric",
        "standard",
        Names(NUMERIC),
        "How numbers are encoded, after missing values are replaced by the median.",
        choices=Column(NUMERIC, "meaning"),
    ),
    Option(
        "n_bins",
        16,
        BINS,
        "Maximum number of bins per column with numeric 'piecewise'.",
    ),
    Option(
        "categorical",
        "onehot",
        Names(CATEGORICAL),
        "How categories are encoded; a missing value is its own level.",
        choices=Column(CATEGORICAL, "meaning"),
    ),
    Option(
        "categorical_columns",
        None,
        ListOf("a list of column names", TEXT) | NONE,
        "Columns to treat as categories although they look like numbers or dates, such as codes.",
    ),
    Option(
        "max_categories",
        32,
        whole(2, 100_000),
        "Maximum number of levels per category; the rarest levels share one.",
    ),
    Option(
        "missing_indicator",
        True,
        TRUTH,
        "Whether to add an indicator column for each number, boolean or date with missing values: 1 where the value is missing.",
    ),
)

WRITTEN = Option(
    "column_formats",
    None,
    Kind(
        "a dict of dicts or None",
        "dict[str, dict[str, Any]] | None",
        lambda value: value is None or isinstance(value, dict),
    ),
    "What columns are, if that is known from more rows than those of the fit: by name, the items of "
    "`bpmodel.preprocessing.columns.Found` as a dict with 'kind' and the format.",
)

TARGETS = {
    "none": "the target itself",
    "log": "sign(y) log(1 + |y| / s), where s is a tenth of the median of |y| without zeros; for targets that span several "
    "orders of magnitude. Predictions and scores are in the target's own units",
}

TARGET = (
    Option(
        "target_transform",
        "none",
        Names(TARGETS),
        "What the network learns in a regression.",
        choices=TARGETS,
    ),
)

PREPROCESSING = (*COLUMNS, *TARGET)
