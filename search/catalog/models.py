"""One version of a registered model: what it is worth, what it was trained on, and how it is used."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search.catalog.words import moment
from search.formatting import metric, number
from search.tracking.models.registry import Facts, Run, Version

BEST = "best."
"""Beginning of the parent run's tags with the hyperparameters of the model."""


def shown(facts: Facts, run: Run, versions: list[Version]) -> RenderableType:
    """Return the report on a version of a model: its score, hyperparameters and data, the other versions, and its use."""
    version = facts.version
    aliases = f"  ({', '.join(version.aliases)})" if version.aliases else ""
    parts: list[RenderableType] = [Text(f"{version.uri}{aliases}", "bold")]
    if (score := _score(facts)) is not None:
        name, sign = metric(_scoring(facts))
        std = _std(facts)
        spread = "" if std is None else f" ± {number(std, score)}"
        parts.append(Text(f"{name}: {number(sign * score)}{spread}, on the folds that selected it", "bold"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for label, cell in _rows(facts, run, versions).items():
        table.add_row(label, cell)
    usage = [f"python: import bpsearch; model = bpsearch.load_model({version.name!r}, {version.number})"]
    further = ["bpsearch", "predict", version.name, "new.csv", "-o", "predictions.csv"]
    usage.append(f"next:   {shlex.join([*further, '--version', str(version.number)])}")
    return Group(*parts, table, Text(), *map(Text, usage))


def _rows(facts: Facts, run: Run, versions: list[Version]) -> dict[str, str]:
    study, rows = facts.study, {"registered": moment(facts.version.created)}
    for key in ("task", "target", "data", "rows"):
        if study.get(key) is not None:
            rows[key] = str(study[key])
    rows |= {name: text for name, text in _params(facts, run).items() if name not in rows}
    others = [f"{v.number}{f' ({chr(44).join(v.aliases)})' if v.aliases else ''}" for v in versions]
    return rows | {"versions": ", ".join(others)}


def _params(facts: Facts, run: Run) -> dict[str, str]:
    """Return the hyperparameters of a version; empty if its run has gone on since, and has those of a later one."""
    known = run.tags if _is_latest(facts) else {}
    return {name.removeprefix(BEST): text for name, text in known.items() if name.startswith(BEST)}


def _is_latest(facts: Facts) -> bool:
    """Return whether the run of a version still tells of it."""
    return facts.score is None or facts.score == facts.metrics.get("score")


def _std(facts: Facts) -> float | None:
    return facts.metrics.get("score_std") if _is_latest(facts) else None


def _scoring(facts: Facts) -> str:
    known = facts.study.get("scoring")
    return str(known[0]) if isinstance(known, list) and known else "score"


def _score(facts: Facts) -> float | None:
    return facts.metrics.get("score") if facts.score is None else facts.score


def document(facts: Facts, run: Run, version: Mapping[str, Any], versions: list[Version]) -> dict[str, Any]:
    """Return a version of a model as plain data, for `--json`."""
    name, sign = metric(_scoring(facts))
    score = _score(facts)
    known = {key: facts.study.get(key) for key in ("task", "target", "data", "rows")}
    return {
        "name": facts.version.name,
        **version,
        **known,
        "scoring": None if name == "score" else _scoring(facts),
        "metric": name,
        "score": None if score is None else sign * score,
        "std": _std(facts),
        "params": _params(facts, run),
        "versions": [each.number for each in versions],
    }
