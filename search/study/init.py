"""`bpsearch init`: generate a first study file for a table."""

from __future__ import annotations

import re
from pathlib import Path

from search.errors import StudyError
from search.samplers.methods import METHODS
from search.space import spaces
from search.study import data, study_file, suggestions
from search.study.suggestions import quoted
from search.tables import sources
from search.tables.reading import Asked, number

TEMPLATE = """\
# {name}: predict {target_text} from the other {columns} columns of {source_name}.
name = {name_text}

[data]
source = {source_text}    # relative to this file
target = {target_text}
task = "{task}"    # guessed: {reason}

[preprocessing]    # {kinds}; see docs/studies.md
{preprocessing}
[model]    # hyperparameters that stay fixed; scikit-learn's MLP has the same names
max_iter = 200

[space]    # hyperparameters that are searched: a list of choices, or a range
{space}
[search]
method = {method}    # or {other_methods}
n_trials = 50
seed = 0

[cv]
n_splits = 5
scoring = "{scoring}"    # any scorer of scikit-learn
"""


def write_study(source: str | Path, target: str, output: Path | None = None) -> tuple[Path, list[str]]:
    """Write a commented study file for a table; return its path, and what was guessed, the task last.

    Raises
    ------
    StudyError
        If the file or the column does not exist, or the study file already exists.
    """
    source = str(source)
    table = data.read_table(source, sources.shown(source), Asked(target=target))
    X, y = data.split_target(table, target, f"--target {target!r}")
    if missing := int(y.isna().sum()):
        told = f"{number(missing, 'row')} without a target will be left out ([data] missing_target)"
        table.notes.append(told + data.why_missing(table.marks))
    task, reason = data.guess_task(y)
    name = re.sub(r"[^\w-]+", "-", output.name.split(".")[0] if output else sources.stem(source)).strip("-_") or "study"
    output = output or Path("studies") / f"{name}.toml"
    if output.exists():
        raise StudyError(f"{output} already exists; choose another file with --output")
    if sources.holds_password(source):
        table.notes.append(f"the password stands in {output}: keep that file to yourself")
    kinds, methods = suggestions.columns_by_kind(X), [quoted(method) for method in METHODS]
    text = TEMPLATE.format(
        name=name,
        name_text=quoted(name),
        target_text=quoted(target),
        columns=X.shape[1],
        source_name=quoted(sources.name(source)),
        source_text=quoted(sources.moved(source, output.parent)),
        task=task,
        reason=reason,
        kinds=suggestions.heading(kinds),
        preprocessing=suggestions.fixed(X, y, kinds),
        space=spaces.DEFAULT + suggestions.searched(kinds),
        method=methods[0],
        other_methods=", ".join(methods[1:]),
        scoring=study_file.DEFAULT_SCORING[task],
    )
    _write(output, text)
    return output, [*table.notes, f"{task}: {reason}"]


def _write(output: Path, text: str) -> None:
    """Write a study file under a temporary name and rename it once it loads; an invalid file is not left behind."""
    draft = output.with_name(f"{output.name}.new")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(text, encoding="utf-8")
            study_file.load(draft)
            draft.replace(output)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StudyError(f"{output} cannot be written: {error.strerror}") from None
