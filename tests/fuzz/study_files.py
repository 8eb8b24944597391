"""Study files: a study is refused in one line, or it runs.

A study of `studies/` or one of `BASES`, which use all keys, is changed in a few places: other types, other sizes, keys of
elsewhere, hostile texts, and bytes. One that is accepted is run with a small budget, unless it asks for much work.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
import tomllib
import warnings
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

NAME = "study_files"
GOAL = 20_000
SHORT = 40

BASES = (
    """
name = "all_of_regression"
[data]
source = "data.csv"
task = "regression"
target = "y"
time = "day"
separator = ","
decimal = "."
thousands = "'"
day_first = true
encoding = "utf-8"
na_values = ["-", "NA"]
header = true
drop = ["group"]
missing_target = "drop"
[preprocessing]
n_bins = 8
categorical = "onehot"
categorical_columns = ["town"]
max_categories = 12
missing_indicator = true
target_transform = "log"
[model]
max_iter = 3
solver = "sgd"
[space]
hidden_layer_sizes = { layers = { low = 1, high = 3 }, width = [4, 8] }
activation = ["relu", "tanh"]
learning_rate_init = { low = 1e-4, high = 1.0, log = true, points = 3 }
batch_size = { low = 4, high = 16, integer = true }
momentum = { values = [0.5, 0.9], when = { nesterovs_momentum = true } }
nesterovs_momentum = [true, false]
numeric = ["standard", "piecewise"]
[search]
method = "gp"
n_trials = 2
timeout = 600.0
target_score = -0.001
n_trials_no_change = 5
n_seeds = 2
n_members = 2
register = "if_better"
seed = 3
n_jobs = 1
deterministic = true
prune = true
penalty = "worst"
portfolio = true
initial_points = [{ activation = "tanh" }]
[cv]
kind = "time_series"
n_splits = 3
gap = 1
outer = 2
scoring = ["r2", "neg_mean_absolute_error"]
""",
    """
name = "classes"
space = "default"
[data]
source = "data.csv"
task = "classification"
target = "kind"
positive = "a"
drop = ["day"]
[model]
max_iter = 3
class_weight = "balanced"
[search]
method = "quasi-random"
n_trials = 2
[cv]
kind = "stratified_group"
group = "group"
n_splits = 2
repeats = 2
shuffle = true
scoring = "neg_log_loss"
""",
    """
name = "forecast"
[data]
source = "data.csv"
task = "regression"
target = "y"
time = "day"
lags = [1, 2, 7]
horizon = 2
exogenous = ["x"]
drop = ["town", "kind", "part"]
[model]
hidden_layer_sizes = [8, 4]
activation = ["relu", "tanh"]
max_iter = 3
[[space]]
solver = ["adam"]
alpha = [0.1, 1.0]
[[space]]
solver = ["lbfgs"]
[search]
method = "cma-es"
[cv]
gap = 3
""",
    """
name = "parts"
[data]
source = "data.csv"
task = "regression"
target = "y"
[model]
max_iter = 3
[space]
alpha = [0.1, 1.0]
dropout = { low = 0.0, high = 0.5 }
[search]
method = "grid"
[cv]
split = "part"
""",
)

NUMBERS = (0, 1, -1, 2, 3, 7, 1000, 10**6, 10**9, 2**31, 2**53, 2**63 - 1, -(2**63), 2**63, 10**30, 10**400, 10**4999)
NUMBERS += (0.0, -0.0, 0.5, 1e-300, 1e300, 5e-324, float("inf"), float("-inf"), float("nan"))  # type: ignore[assignment]
TEXTS = (
    "",
    " ",
    "y",
    "x",
    "day",
    "../../x",
    "a\nb",
    "\x1b]52;c;x\x07",
    "\u202eabc",
    "$x$",
    "${HOME}",
    "{0}",
    "%s",
    "'",
    '"',
)
TEXTS += (
    "\U0001f600",
    "ü" * 300,
    "x" * 5000,
    "sklearn:iris",
    "sqlite:///x.db?table=t",
    "/dev/zero",
    ".",
    "a.b",
    "--set",
    "nan",
)
TEXTS += (
    "relu",
    "adam",
    "lm",
    "grid",
    "auto",
    "none",
    "r2",
    "accuracy",
    "group",
    "predefined",
    "CON",
    "Default",
    "[16]",
    "balanced",
)
OTHERS: tuple[Any, ...] = (
    True,
    False,
    [],
    {},
    [[]],
    [1, "a"],
    [None],
    {"low": 1},
    {"low": 2, "high": 1},
    {"layers": 3},
)
OTHERS += (
    {"values": []},
    {"when": {}},
    [[16], [16, 8]],
    {"low": 1, "high": 3, "points": 10**6},
    [True, 1, 1.0],
    [["relu"]],
)
OTHERS += ({"low": -1e308, "high": 1e308}, {"low": 1e-320, "high": 1.0, "log": True}, {"layers": [0], "width": [1]})
BYTES = (
    b"\0",
    b"\r",
    b"\n",
    b"\xff",
    b'"',
    b"[",
    b"]",
    b"=",
    b"\\",
    b"#",
    b"\xef\xbb\xbf",
    b"'''",
    b"\x7f",
    b"{",
    b".",
    b"9" * 5000,
)
"""What is put in the place of values and bytes."""

DTYPES = ("float64", "float32")
KINDS_OF_BUGS = (
    "KeyError",
    "IndexError",
    "AttributeError",
    "OverflowError",
    "ZeroDivisionError",
    "MemoryError",
    "RecursionError",
)
MOST_WORK = {"folds": 30, "features": 500, "parameters": 20_000, "axes": 60, "outer": 5}
"""A study that asks for more of something is not run."""
MOST_EPOCHS, BUDGET = 20, 2


def prepare() -> None:
    """Run each study as it is, so that what is compiled is there."""
    from search.study import study_file

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Path(folder, "data.csv").write_text(_table(), encoding="utf-8")
        studies = [study_file.parse(base, Path(folder, "study.toml")) for base in BASES]
        for study in [replace(each, model={**each.model, "dtype": dtype}) for each in studies for dtype in DTYPES]:
            fault = _run(study, draw=False)
            if fault:
                raise RuntimeError(fault)


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Load a study file that was changed; run it if it is accepted."""
    from search.errors import StudyError
    from search.study import study_file

    random = np.random.default_rng([seed, number])
    (folder / "data.csv").write_text(_table(), encoding="utf-8")
    path = folder / "study.toml"
    path.write_bytes(_changed(random))
    printed = io.StringIO()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
            warnings.simplefilter("ignore")
            return _run(study_file.load(path), draw=number % 20 == 0)
    except StudyError as error:
        lines = len(str(error).splitlines())
        return None if lines == 1 and len(str(error)) < 20_000 else f"an error of {lines} lines: {str(error)[:300]!r}"


def _run(study: Any, *, draw: bool) -> str | None:
    """Run a study with a small budget, without its baselines and MLflow; return what went wrong in its trials."""
    from rich.console import Console

    from bpmodel import DivergenceError
    from search import experiment
    from search.loop.journal import StudyStore
    from search.plots import gallery
    from search.plots.subject import Subject
    from search.results import report
    from search.study import assembly, data, nested_cv

    dataset = data.load(study)
    problem = assembly.build_problem(study, dataset)
    parts = nested_cv.parts(study, dataset)
    plan, asked = assembly.planned(study, dataset, problem, len(parts))
    if any(getattr(asked, name) > most for name, most in MOST_WORK.items()) or _epochs(study) > MOST_EPOCHS:
        return None
    small = {"n_trials": BUDGET, "n_seeds": 1, "n_members": 1, "n_jobs": 1}
    plan = replace(plan, **small, initial_points=list(plan.initial_points)[:BUDGET])
    dummy = assembly.check_prepared(study, problem)
    job = assembly.job_of(study, problem, plan, [dummy])
    result = experiment.run(job, StudyStore(None, study.name, {}, study.space), forgiven=(DivergenceError,))
    Console(file=io.StringIO()).print(report.final(result))
    json.dumps(assembly.identity(study, dataset, problem))
    if draw:
        for figure in gallery.figures(Subject(result.outcomes, study.space, [dummy], study.scoring)).values():
            figure.savefig(io.BytesIO(), dpi=20)
    wrong = (o.reason for o in result.outcomes.values() if o.verdict == "error")
    return next(
        (f"a trial ended in {reason!r}" for reason in wrong if any(bug in reason for bug in KINDS_OF_BUGS)), None
    )


def _epochs(study: Any) -> float:
    given = [study.model.get("max_iter", 200)]
    return max(
        given + [value for one in study.space.members if "max_iter" in one for value in one["max_iter"].extremes()]
    )


@cache
def _table() -> str:
    random = np.random.default_rng(0)
    rows = ["day,x,z,town,kind,group,part,y"]
    for i in range(60):
        x, z = random.normal(size=2)
        town, kind = random.choice(["Ulm", "Bonn", "Jena", ""]), random.choice(["a", "b"])
        rows.append(
            f"2024-01-{1 + i % 28:02d}T{i // 28:02d}:00,{x:.4f},{z:.4f},{town},{kind},{i % 7},{i % 3},{2 * x - z:.4f}"
        )
    return "\n".join(rows) + "\n"


@cache
def _bases() -> tuple[str, ...]:
    folder = Path(__file__).parents[2] / "studies"
    return (*BASES, *(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.toml"))))


def _changed(random: np.random.Generator) -> bytes:
    """Return the bytes of a study that is changed in up to four places."""
    text = _bases()[random.integers(len(_bases()))]
    content = tomllib.loads(text)
    if "max_iter" in content.get("model", {}):
        content["model"]["max_iter"] = 3
    for _ in range(random.integers(4)):
        _change(content, random)
    raw = _written(content).encode(errors="surrogatepass")
    if random.random() < 0.3:
        for _ in range(1 + random.integers(3)):
            at = int(random.integers(len(raw) + 1))
            cut = at + int(random.integers(8)) if random.random() < 0.5 else at
            raw = raw[:at] + _any(BYTES, random) + raw[cut:]
    if random.random() < 0.05:  # a line twice: a key twice
        lines = raw.split(b"\n")
        lines.insert(int(random.integers(len(lines))), lines[int(random.integers(len(lines)))])
        raw = b"\n".join(lines)
    return raw


def _any(values: Any, random: np.random.Generator) -> Any:
    return copy.deepcopy(values[int(random.integers(len(values)))])


def _value(random: np.random.Generator) -> Any:
    if random.random() < 0.02:
        value: Any = 1
        for _ in range(int(random.integers(1, 300))):
            value = [value]
        return value
    return _any(_any((NUMBERS, TEXTS, OTHERS), random), random)


def _change(content: dict[str, Any], random: np.random.Generator) -> None:
    """Change one place of a study."""
    places = list(_places(content))
    inside, key = places[int(random.integers(len(places)))]
    kind = random.random()
    if kind < 0.5:
        inside[key] = _value(random)
    elif kind < 0.6:
        del inside[key]
    elif kind < 0.7:
        other, there = places[int(random.integers(len(places)))]
        inside[key] = copy.deepcopy(other[there])
    elif kind < 0.8:
        inside[key] = [inside[key]] if random.random() < 0.5 else {"values": inside[key]}
    elif kind < 0.9 and isinstance(inside, dict):
        inside[_any(TEXTS, random)] = _value(random)
    else:
        _add_known(content, random)


def _add_known(content: dict[str, Any], random: np.random.Generator) -> None:
    """Set a key that studies have, in the table where it belongs, to anything."""
    from search.study.keys import places

    table, _, key = _any(sorted(places().values()), random)[1:].partition("] ")
    table = "space" if table in ("model", "preprocessing") and random.random() < 0.5 else table
    inside = content.setdefault(table, {})
    if isinstance(inside, dict):
        inside[key] = [_value(random)] if table == "space" else _value(random)


def _places(value: Any) -> Any:
    """Yield each container and key inside a value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def _written(content: dict[str, Any]) -> str:
    """Return a study as TOML, its tables as inline tables or under headers."""
    plain = {key: value for key, value in content.items() if not isinstance(value, dict)}
    lines = [f"{_quoted(key)} = {_inline(value)}" for key, value in plain.items()]
    for key, table in content.items():
        if isinstance(table, dict):
            lines += [f"[{_quoted(key)}]", *(f"{_quoted(name)} = {_inline(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return hex(value) if value > 10**4000 else str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(str(key))} = {_inline(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return str(value) if isinstance(value, float) else _quoted(str(value))
