"""Write what follows from the tables of options and foreign names: tables in the documents, and the stub files: `make docs`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bpmodel.names import foreign
from bpmodel.names.foreign import Foreign
from bpmodel.option import Option
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING
from docs import stubs
from search.catalog.soundness import kinds
from search.options import ABSENT, STUDY
from search.samplers.methods import METHODS
from search.service.states import STATES, TRANSITIONS, WANTED, allowed_in
from search.terminal.exits import EXITS
from search.tracking.contents import names
from search.trials.outcomes import VERDICTS
from search.trials.penalties import PENALTIES

DOCUMENTS = (
    "networks.md",
    "studies.md",
    "models.md",
    "tracking.md",
    "service.md",
    "from_matlab.md",
    "from_scikit_learn.md",
    "zh/from_matlab.md",
)
FILES = [Path(__file__).parent / name for name in DOCUMENTS]
TABLES = {
    "both": [o for o in CLASSIFIER_OPTIONS if o in REGRESSOR_OPTIONS],
    "BPRegressor": [o for o in REGRESSOR_OPTIONS if o not in CLASSIFIER_OPTIONS],
    "BPClassifier": [o for o in CLASSIFIER_OPTIONS if o not in REGRESSOR_OPTIONS],
    "preprocessing": list(PREPROCESSING),
}


def options(rows: list[Option]) -> str:
    """Return a table of hyperparameters."""
    lines = ["| name | default | allowed | meaning |", "|---|---|---|---|"]
    for o in rows:
        allowed = "see below" if o.choices else o.allowed
        lines.append(f"| `{o.name}` | `{o.default!r}` | {allowed} | {o.meaning} |")
    return "\n".join(lines)


def choices(rows: list[Option]) -> str:
    """Return, for each hyperparameter with named choices, a table of the names."""
    parts = []
    for o in rows:
        if o.choices:
            lines = [f"| `{o.name}` | {o.meaning} |", "|---|---|"]
            lines += [f"| `{name!r}` | {meaning} |" for name, meaning in o.choices.items()]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def keys(rows: list[Option]) -> str:
    """Return a table of the keys of a study file."""
    lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for o in rows:
        choices = [f"`{json.dumps(name)}`: {meaning}" for name, meaning in o.choices.items()]
        meaning = "<br>".join([o.meaning, *choices])
        allowed = "as listed" if o.choices else o.allowed
        lines.append(f"| `{o.name}` | `{json.dumps(o.default)}` | {allowed} | {meaning} |")
    return "\n".join(lines)


def search_options() -> str:
    """Return the table of the keys under [search], with the defaults of `BPSearchCV` beside those of study files."""
    lines = ["| key | default | in `BPSearchCV` | allowed | meaning |", "|---|---|---|---|---|"]
    for o in STUDY:
        there = "-" if o.search_cv is ABSENT else _default(o.search_cv)
        allowed = "as listed" if o.choices else o.domain
        lines.append(f"| `{o.name}` | {_default(o.study)} | {there} | {allowed} | {o.meaning} {o.see}".rstrip() + " |")
    return "\n".join(lines)


def _default(value: Any) -> str:
    return "none" if value in (None, ()) else f"`{json.dumps(value)}`"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def methods() -> str:
    """Return the table of search methods."""
    rows = [f'| `"{name}"` | {_sentence(m.meaning)} | {"yes" if m.learns else "no"} |' for name, m in METHODS.items()]
    return "\n".join(["| `method` | what it does | learns |", "|---|---|---|", *rows])


def penalties() -> str:
    """Return the table of penalties."""
    rows = [f'| `"{name}"` | {_sentence(penalty.meaning)} |' for name, penalty in PENALTIES.items()]
    return "\n".join(["| `penalty` | what the sampler receives |", "|---|---|", *rows])


def verdicts() -> str:
    """Return the table of how trials end."""
    rows = [f"| `{name}` | {_sentence(v.meaning)} | `{v.run_status}` |" for name, v in VERDICTS.items()]
    return "\n".join(["| verdict | meaning | status of the run in MLflow |", "|---|---|---|", *rows])


def held_by_runs(kind: str) -> str:
    """Return the table of the parameters, metrics, tags or artifacts of runs in MLflow."""
    rows = [f"| `{row.name}` | {row.run} | {row.meaning}. |" for row in names.NAMES if row.kind == kind]
    return "\n".join([f"| {kind} | run | what it is |", "|---|---|---|", *rows])


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [f"| {code} | {_sentence(meaning)} |" for code, meaning in EXITS.items()]
    return "\n".join(["| exit code | meaning |", "|---|---|", *rows])


def states() -> str:
    """Return the table of the states of a queued study."""
    rows = [
        f"| `{state}` | {_sentence(meaning)} | {', '.join(f'`{action}`' for action in allowed_in(state))} |"
        for state, meaning in STATES.items()
    ]
    return "\n".join(["| state | the study | what you can do |", "|---|---|---|", *rows])


def transitions() -> str:
    """Return the table of the transitions between states."""
    rows = []
    for row in TRANSITIONS:
        after = "the one that was asked for" if row.after == WANTED else f"`{row.after}`"
        then = f", then `{row.wanted}`" if row.wanted else ""
        rows.append(f"| {row.action} | `{row.before}` | {after}{then} | {row.by} |")
    return "\n".join(["| action | from | to | by |", "|---|---|---|---|", *rows])


def differences() -> str:
    """Return the table of what `bpsearch verify` finds."""
    rows = [f"| `{name}` | {kind.meaning}. | {kinds.repaired(kind)} |" for name, kind in kinds.KINDS.items()]
    return "\n".join(["| kind | what differs | what `--repair` does |", "|---|---|---|", *rows])


HEAD = "| in {tool} | here | remark |"
IN_CHINESE = "| {tool} | 本工具 |"
"""Heads of the tables of foreign names. Remarks are English, so they are left out in Chinese documents."""


def foreign_names(tool: str, rows: Sequence[Foreign], head: str = HEAD) -> str:
    """Return the table of a tool's names, those for the same thing here in one row, with the columns of the head."""
    merged: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.tool == tool:
            here = f"`{row.here}`" if row.option else "-"
            merged.setdefault((here, row.remark), []).append(f"`{row.name}`")
    n_columns = head.count("|") - 1
    cells = [(", ".join(names), *key)[:n_columns] for key, names in merged.items()]
    lines = ["| " + " | ".join(each).rstrip() + " |" for each in cells]
    return "\n".join([head.format(tool=tool), "|" + "---|" * n_columns, *lines])


WHOLE = {
    "search": search_options,
    "methods": methods,
    "penalties": penalties,
    "verdicts": verdicts,
    "exits": exit_codes,
    "states": states,
    "transitions": transitions,
    "differences": differences,
}
WHOLE |= {f"{kind}s of runs": partial(held_by_runs, kind) for kind in names.KINDS}


def written(text: str) -> str:
    """Return a document with the tables between its markers rewritten."""
    for name, rows in TABLES.items():
        for kind, write in (("options", options), ("choices", choices), ("keys", keys)):
            text = _filled(text, f"{kind}: {name}", write(rows))
    for name, write_whole in WHOLE.items():
        text = _filled(text, name, write_whole())
    for tool in (foreign.MATLAB, foreign.KERAS, foreign.TORCH, foreign.SKLEARN):
        for kind, rows in (("values", foreign.VALUES), ("keys", foreign.KEYS)):
            text = _filled(text, f"{kind}: {tool}", foreign_names(tool, rows))
            text = _filled(text, f"{kind}: {tool}, in Chinese", foreign_names(tool, rows, IN_CHINESE))
    return text


def _filled(text: str, name: str, table: str) -> str:
    """Return a document with a table between the markers of that name, if it has them."""
    marker = f"<!-- {name} -->"
    return re.sub(rf"{marker}\n.*?<!-- end -->", lambda _: f"{marker}\n{table}\n<!-- end -->", text, flags=re.DOTALL)


if __name__ == "__main__":
    for file in FILES:
        file.write_text(written(file.read_text(encoding="utf-8")), encoding="utf-8")
    for file, text in stubs.written().items():
        file.write_text(text, encoding="utf-8")
