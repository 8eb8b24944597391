"""Suggestions for a study's preprocessing, derived from the columns of its table."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pandas as pd

from bpmodel.preprocessing.options import PREPROCESSING
from search.profiling.naming import comment, pair, quoted

PLURALS = {
    "number": "numbers",
    "truth": "booleans",
    "date": "dates",
    "duration": "durations",
    "category": "categories",
    "text": "texts",
}
MOST_CODES = 12
"""Integers with at most this many different values, and more than two, may be codes."""

SEARCHED = ["standard", "piecewise"]
"""The two ways to prepare numbers that are best on most data sets, and very different: see docs/benchmarks.md."""

MOST_NUMBERS = 100
"""Maximum number of numeric columns: as piecewise features, each of them has `n_bins` inputs."""


def columns_by_kind(kinds: Mapping[str, str]) -> dict[str, list[str]]:
    """Group columns by kind, in the order of `PLURALS`; kinds without columns are left out.

    >>> columns_by_kind({"town": "category", "area": "number", "rooms": "number"})
    {'number': ['area', 'rooms'], 'category': ['town']}
    """
    return {k: names for k in PLURALS if (names := [name for name, own in kinds.items() if own == k])}


def heading(kinds: dict[str, list[str]]) -> str:
    """Return the number of columns of each kind.

    >>> heading({"number": ["area", "rooms"], "date": ["sold"]})
    'numbers: 2, dates: 1'
    """
    return ", ".join(f"{PLURALS[kind]}: {len(names)}" for kind, names in kinds.items())


def searched(kinds: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the keys of [space] that search the preprocessing, if there is something to search."""
    return {"numeric": SEARCHED} if _searchable(kinds) else {}


def searched_lines(kinds: dict[str, list[str]]) -> str:
    """Return the lines of these keys."""
    why = comment(f"how numbers are encoded; also {_others(SEARCHED)}")
    return "".join(f"{pair(key, value)}    {why}\n" for key, value in searched(kinds).items())


def fixed(X: pd.DataFrame, kinds: dict[str, list[str]]) -> dict[str, tuple[object, str]]:
    """Return the options that matter for columns X: their defaults, each with a comment."""
    gaps = [name for k in kinds if k not in ("category", "text") for name in kinds[k] if X[name].isna().any()]
    comments = {
        "numeric": "number" in kinds and not _searchable(kinds) and f"also {_others(['standard'])}",
        "categorical": "category" in kinds and 'also "ordinal"',
        "missing_indicator": gaps and f"indicator columns for the missing values of {', '.join(map(quoted, gaps))}",
    }
    defaults = {o.name: o.default for o in PREPROCESSING}
    return {name: (defaults[name], why) for name, why in comments.items() if why}


def fixed_lines(X: pd.DataFrame, kinds: dict[str, list[str]]) -> str:
    """Return the lines of these options, and a comment on numbers that may be codes."""
    lines = [f"{pair(name, value)}    {comment(why)}\n" for name, (value, why) in fixed(X, kinds).items()]
    if codes := [name for name in kinds.get("number", []) if _may_be_codes(X[name])]:
        lines.append(f"# {pair('categorical_columns', codes)}    # if these are codes, not amounts\n")
    return "".join(lines)


def _searchable(kinds: dict[str, list[str]]) -> bool:
    return 0 < len(kinds.get("number", [])) <= MOST_NUMBERS


def _others(names: list[str]) -> str:
    (numeric,) = (o for o in PREPROCESSING if o.name == "numeric")
    return ", ".join(json.dumps(name) for name in numeric.choices if name not in names)


def _may_be_codes(column: pd.Series) -> bool:
    return bool((column.dropna() % 1 == 0).all()) and 2 < column.nunique() <= MOST_CODES
