"""The one table of preprocessing options: name, default, domain, meaning.

These rows define the transformers' constructors, validation and documentation, and the checks and documentation of study files.
"""

from __future__ import annotations

from numbers import Integral

from bpmodel.compiler.tables import Column
from bpmodel.domains import AT_LEAST_ONE, NONE, TEXT, TRUTH, Interval, ListOf, Names
from bpmodel.option import Option
from bpmodel.preprocessing.encodings import CATEGORICAL, NUMERIC

COLUMNS = (
    Option(
        "numeric",
        "standard",
        Names(NUMERIC),
        "What a number becomes, after the median has taken the place of missing ones.",
        choices=Column(NUMERIC, "meaning"),
    ),
    Option(
        "n_bins",
        16,
        AT_LEAST_ONE,
        "Most bins of a number with numeric 'piecewise'.",
    ),
    Option(
        "categorical",
        "onehot",
        Names(CATEGORICAL),
        "What a category becomes; a missing one is a level of its own.",
        choices=Column(CATEGORICAL, "meaning"),
    ),
    Option(
        "categorical_columns",
        None,
        ListOf("a list of names of columns", TEXT) | NONE,
        "Columns that are categories although they look like numbers or dates, such as codes.",
    ),
    Option(
        "max_categories",
        32,
        Interval(Integral, 2, None, "left"),
        "Most levels of a category; the rarest share one.",
    ),
    Option(
        "missing_indicator",
        True,
        TRUTH,
        "Whether a number, truth value or date with gaps gets one more column, 1 where it is missing.",
    ),
)

TARGETS = {
    "none": "the target itself",
    "log": "sign(y) log(1 + |y| / s), where s is a tenth of the median of |y| without zeros: for targets of several orders of "
    "magnitude. Predictions and scores are in the target's own units",
}

TARGET = (
    Option(
        "target_transform",
        "none",
        Names(TARGETS),
        "What a network learns for regression.",
        choices=TARGETS,
    ),
)

PREPROCESSING = (*COLUMNS, *TARGET)
