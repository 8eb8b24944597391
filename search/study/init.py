"""`bpsearch init`: generate a first study file for a table."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from bpmodel.preprocessing.texts.marks import Hints
from search.errors import StudyError
from search.files import trouble, writing
from search.loop.journal import STUDIES
from search.profiling import overview, task
from search.profiling.evidence import Evidence
from search.profiling.finding import Finding
from search.profiling.findings import as_comments, dropped, findings
from search.profiling.naming import comment, quoted, toml
from search.profiling.overview import Column
from search.profiling.writing import lines, values
from search.samplers.methods import METHODS
from search.space import spaces
from search.study import assembly, data, study_file, suggestions
from search.study.study_file import Study
from search.tables import sources
from search.tables.reading import Asked
from search.tables.typed import Typed
from search.toml import reading
from search.tracking.naming import names

TEMPLATE = """\
# {name}: predict {target_text} from the other {columns} columns of {source_name}.
name = {name_text}

[data]
source = {source_text}    # relative to this file
target = {target_text}
task = "{task}"    {reason}
{data}
[preprocessing]    # {kinds}; see docs/studies.md
{preprocessing}
[model]    # hyperparameters that stay fixed; scikit-learn's MLP has the same names
{model}
[space]    # hyperparameters that are searched: a list of choices, or a range
{space}
[search]
method = {method}    # or {other_methods}
n_trials = 50
seed = 0

[cv]    # scoring: any scorer of scikit-learn
{cv}"""

LONGEST_NAME = 60
"""Characters of a name that is made of a file's: file systems allow 255 bytes, a character may have four, and endings follow."""


EPOCHS: dict[str, object] = {"max_iter": 200}

ORDER = frozenset({"time", "kind", "group"})
"""Keys that say which rows a fold trains on."""


@dataclass(frozen=True)
class Profile:
    """What was found in a table.

    Attributes
    ----------
    columns : list of Column
    findings : list of Finding
    notes : list of str
        What was guessed when the file was read.
    task, reason : str
    """

    columns: list[Column]
    findings: list[Finding]
    notes: list[str]
    task: str
    reason: str


def write_study(
    source: str | Path, target: str, output: Path | None = None, encoding: str | None = None
) -> tuple[Path, Profile]:
    """Write a commented study file for a table; return its path and what was found in the table.

    The file is called after the table, or as `output` says. If another table has that name, a number is added. Whatever the
    findings, the study can be run: its rows are loaded and split once.

    Raises
    ------
    StudyError
        If the file or the column does not exist, the target cannot be learned, or there is a study of this file and target.
    """
    source = str(source)
    table = data.read_table(source, sources.shown(source), Asked(encoding=encoding, target=target))
    X, y = data.split_target(table, target, f"--target {target!r}")
    hints = Hints(table.decimal)
    known = data.typed_columns(X, sources.shown(source), hints)
    y, target_kind, notes = _target(y, data.typed_columns(y.to_frame(), f"--target {target!r}", hints))
    guessed, reason = task.guess(y, target_kind, f"--target {target!r}")
    output = output or _free(source, target)
    if os.path.lexists(output):
        raise StudyError(f"{output} already exists; choose another file with --output")
    evidence = Evidence.of(known.frame, {name: found.kind for name, found in known.found.items()}, y, guessed)
    said: dict[str, object] = {} if encoding is None else {"encoding": encoding}
    found = _write(
        output, findings(evidence), lambda found: _text(output, source, target, evidence, reason, found, said)
    )
    notes = [*table.notes, *known.notes, *notes]
    if table.marks:
        notes.append(f"target {target!r}{data.why_missing(table.marks)}")
    if sources.holds_password(source):
        notes.append(f"the password stands in {output}: keep that file to yourself")
    return output, Profile(overview.columns(evidence, found), found, notes, guessed, reason)


def _target(y: pd.Series, known: Typed) -> tuple[pd.Series, str, list[str]]:
    """Return the target, its kind and what there is to say: amounts as numbers, labels of classes as they are."""
    ((name, found),) = known.found.items()
    labels = found.kind in ("category", "text", "truth")
    return (y, found.kind, []) if labels else (known.frame[name], found.kind, known.notes)


def study_name(stem: str) -> str:
    """Return the name of a study for that of a table: its letters and digits, of any script, and ``-`` between them.

    >>> [study_name(name) for name in ("my homes (2)", "房价", "m²", "$", "default")]
    ['my-homes-2', '房价', 'm', 'study', 'default-study']
    """
    kept = [c if c in "_-" or unicodedata.category(c)[0] in "LM" or c.isdecimal() else " " for c in stem]
    name = "-".join("".join(kept).split()).strip("-_")[:LONGEST_NAME]
    return next((each for each in (name, f"{name}-study") if not names.problem(each)), "study")


def _free(source: str, target: str) -> Path:
    """Return the path of a new study, with a number if another table has a study of the same name."""
    name, number = study_name(sources.stem(source)), 1
    while True:
        path = STUDIES / (f"{name}.toml" if number == 1 else f"{name}-{number}.toml")
        if not os.path.lexists(path) or _is_of(path, source, target):
            return path
        number += 1


def _is_of(path: Path, source: str, target: str) -> bool:
    """Return whether a study file predicts this target from this file; of one that cannot be read, we cannot know."""
    try:
        keys = reading.loads(reading.text(path))["data"]
        return keys["target"] == target and sources.same(keys["source"], path.parent, source)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _text(
    output: Path, source: str, target: str, e: Evidence, reason: str, found: Sequence[Finding], said: dict[str, object]
) -> str:
    """Return the text of a study file; what it says is what is meant.

    Raises
    ------
    StudyError
        If a name cannot be written in TOML.
    """
    kept, name = e.without(dropped(found)), study_name(output.name.split(".")[0])
    kinds = suggestions.columns_by_kind({column: e.kinds[column] for column in kept.X})
    methods = [quoted(method) for method in METHODS]
    data = {"source": sources.moved(source, Path(), output.parent), "target": target, "task": e.task}
    scores: dict[str, object] = {"n_splits": e.n_splits, "scoring": study_file.DEFAULT_SCORING[e.task]}
    text = TEMPLATE.format(
        name=name,
        name_text=toml(name),
        target_text=toml(target),
        columns=e.X.shape[1],
        source_name=quoted(sources.name(source)),
        source_text=toml(data["source"]),
        task=e.task,
        reason=comment(f"guessed: {reason}"),
        data=lines(found, "data", said),
        kinds=suggestions.heading(kinds),
        preprocessing=suggestions.fixed_lines(kept.X, kinds) + lines(found, "preprocessing"),
        model=lines(found, "model", EPOCHS),
        space=spaces.DEFAULT + suggestions.searched_lines(kinds),
        method=methods[0],
        other_methods=", ".join(methods[1:]),
        cv=lines(found, "cv", scores),
    )
    fixed = {key: value for key, (value, _) in suggestions.fixed(kept.X, kinds).items()}
    meant = {
        "name": name,
        "data": data | values(found, "data", said),
        "preprocessing": values(found, "preprocessing", fixed),
        "model": values(found, "model", EPOCHS),
        "space": reading.loads(spaces.DEFAULT) | suggestions.searched(kinds),
        "search": {"method": next(iter(METHODS)), "n_trials": 50, "seed": 0},
        "cv": values(found, "cv", scores),
    }
    check_meaning(text, meant, output)
    return text


def check_meaning(text: str, meant: Mapping[str, object], output: Path) -> None:
    """Check that a text in TOML says what is meant, whatever the names in it.

    Raises
    ------
    StudyError
        If it does not, or is not valid.
    """
    try:
        said = reading.loads(text)
    except reading.TOMLError as error:
        raise StudyError(f"{output} was not written: it is not valid TOML: {error}") from None
    if said != meant:
        wrong = next(key for key in [*said, *meant] if said.get(key) != meant.get(key))
        raise StudyError(
            f"{output} was not written: its [{wrong}] would not say what is meant; allowed are other names"
        )


def _write(output: Path, found: list[Finding], text: Callable[[list[Finding]], str]) -> list[Finding]:
    """Write a study file under a temporary name and rename it once it can be run; return the findings that it was written for.

    Nothing invalid is left behind. Keys for the folds that do not fit the rows become comments.
    """
    try:
        writing.made(output.parent)
    except OSError as error:
        raise StudyError(trouble.told(error, output, writing.NOTHING)) from None
    with writing.replacing(output, force=False) as draft:
        for keys in (frozenset(), ORDER):
            proposed = as_comments(found, keys)
            draft.write_text(text(proposed), encoding="utf-8")
            problem = _problem(replace(study_file.load(draft), path=output))
            if not problem:
                return proposed
        raise StudyError(problem)


def _problem(study: Study) -> str:
    """Return why the folds of a study cannot be trained or scored; empty if they can."""
    try:
        dataset = data.load(study)
        made = assembly.split(study, study.scheme, dataset, str(study.path))
    except StudyError as error:
        return str(error)
    if study.data.task == "classification":
        for train, validation in made.splits:
            if any(len(pd.unique(dataset.y[rows])) < 2 for rows in (train, validation)):
                return f"{study.path}: there are too few rows of each class: a fold has only one"
    return ""
