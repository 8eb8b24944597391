"""`bpsearch init`: a first study file for a table."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pandas as pd

from bpmodel.preprocessing.columns import kind
from bpmodel.preprocessing.options import PREPROCESSING
from search import data, spaces, spec
from search.errors import StudyError

TEMPLATE = """\
# {name}: predict {target} from the other {columns} columns of {source}.
name = {name_text}

[data]
source = {source_text}    # relative to this file
target = {target_text}
task = "{task}"    # guessed: {reason}

[preprocessing]    # {kinds}; what becomes of each: docs/studies.md
{preprocessing}
[model]    # hyperparameters that stay fixed; scikit-learn's MLP has the same names
max_iter = 200

[space]    # hyperparameters that are searched: a list of choices, or a range
{space}
[search]
method = "bayesian"    # or "random", "grid"
n_trials = 50
seed = 0

[cv]
n_splits = 5
scoring = "{scoring}"    # any scorer of scikit-learn
"""


KIND_NAMES = {"number": "numbers", "truth": "truth values", "date": "dates", "category": "categories"}
SKEWED = (
    '# target_transform = "log"    # the target is skewed; ["none", "log"] under [space] finds out whether that helps\n'
)
SKEWNESS = 2.0
MOST_CODES = 12
"""Whole numbers with no more different values than this, and more than two, may be codes."""


def write_study(source: Path, target: str, output: Path | None = None) -> tuple[Path, str]:
    """Write a commented study file for a CSV or Parquet file; return its path and how the task was guessed.

    Raises
    ------
    StudyError
        If the file or the column does not exist, or the study file does already.
    """
    frame = data.read_table(source, f"{source}")
    X, y = data.split_target(frame, target, f"--target {target!r}")
    task, reason = data.guess_task(y)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", source.name.split(".")[0]).strip("-_") or "study"
    output = output or Path("studies") / f"{name}.toml"
    if output.exists():
        raise StudyError(f"{output} exists already; name another file with --output")
    kinds = columns_by_kind(X)
    text = TEMPLATE.format(
        name=name,
        name_text=json.dumps(name),
        target=target,
        target_text=json.dumps(target, ensure_ascii=False),
        columns=X.shape[1],
        source=source.name,
        source_text=json.dumps(Path(os.path.relpath(source, output.parent)).as_posix(), ensure_ascii=False),
        task=task,
        reason=reason,
        kinds=", ".join(f"{KIND_NAMES[kind]}: {len(names)}" for kind, names in kinds.items()),
        preprocessing=preprocessing_lines(X, kinds) + (SKEWED if task == "regression" and y.skew() > SKEWNESS else ""),
        space=spaces.DEFAULT,
        scoring=spec.DEFAULT_SCORING[task],
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{output} cannot be written: {error.strerror}") from None
    spec.load(output)
    return output, f"{task}: {reason}"


def columns_by_kind(X: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns of each kind that there is, kinds in the order of `KIND_NAMES`."""
    kinds = {name: kind(X[name]) for name in X.columns}
    return {k: names for k in KIND_NAMES if (names := [name for name, own in kinds.items() if own == k])}


def preprocessing_lines(X: pd.DataFrame, kinds: dict[str, list[str]]) -> str:
    """Return the options of the preprocessing that make a difference for a table, at their defaults, a line for each."""
    others = {o.name: ", ".join(json.dumps(name) for name in o.choices if name != o.default) for o in PREPROCESSING}
    gaps = [name for k in kinds if k != "category" for name in kinds[k] if X[name].isna().any()]
    codes = [name for name in kinds.get("number", []) if _may_be_codes(X[name])]
    names = {"gaps": ", ".join(gaps), "codes": json.dumps(codes, ensure_ascii=False)}
    lines = {
        "numeric": "number" in kinds and f"numbers; or {others['numeric']}; a list under [space] searches them",
        "categorical": "category" in kinds and f"or {others['categorical']}",
        "missing_indicator": gaps and f"a column that says where one is missing: {names['gaps']}",
    }
    defaults = {o.name: json.dumps(o.default) for o in PREPROCESSING}
    text = "".join(f"{name} = {defaults[name]}    # {comment}\n" for name, comment in lines.items() if comment)
    return text + (f"# categorical_columns = {names['codes']}    # if these are codes, not amounts\n" if codes else "")


def _may_be_codes(column: pd.Series) -> bool:
    return bool((column.dropna() % 1 == 0).all()) and 2 < column.nunique() <= MOST_CODES
