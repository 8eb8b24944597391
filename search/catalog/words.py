"""Studies in tables: a line for each, and side by side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from search.catalog.comparison import Comparison
from search.catalog.entries import Entry
from search.formatting import metric, number
from search.results.report import TITLE
from search.results.widths import Column, Whole, ranked
from search.tracking.listing import Kept

TIME = "%Y-%m-%d %H:%M"
VERDICTS = ("ok", "diverged", "stopped")
MOST_PARAMS = 40
"""Characters of a hyperparameter's value in a comparison."""


def moment(seconds: float) -> str:
    """Return a time as people write it, in the time zone of this machine; empty for 0."""
    return time.strftime(TIME, time.localtime(seconds)) if seconds else ""


COLUMNS: dict[str, Column] = {
    "task": Column(7, lambda entry: entry.task or ""),
    "trials": Column(2, lambda entry: str(sum(entry.counts.values())), "right"),
    "ok/diverged/stopped": Column(
        5, lambda entry: "/".join(str(entry.counts[verdict]) for verdict in VERDICTS), "right"
    ),
    "best": Column(1, lambda entry: _best(entry), "right"),
    "metric": Column(3, lambda entry: metric(entry.scoring or "")[0]),
    "last trial": Column(6, lambda entry: _state(entry)),
    "model": Column(4, lambda entry: _model(entry.kept)),
}
"""The columns of the list beside the names; those of a low rank are there in narrow terminals, too."""


def listed(found: Sequence[Entry]) -> RenderableType:
    """Return a table of studies with as many columns as fit."""
    return ranked(((entry.name, entry) for entry in found), COLUMNS)


def _model(kept: Kept) -> str:
    champion, challenger = kept.champion, kept.challenger
    told = f"version {champion.number}" if champion else ""
    return f"{told}, challenger {challenger.number}" if challenger else told


def _best(entry: Entry) -> str:
    return "" if entry.score is None else number(metric(entry.scoring or "")[1] * entry.score)


def _state(entry: Entry) -> str:
    return "running" if entry.running else "cannot be read" if entry.problem else moment(entry.when)


def kept(entry: Entry) -> RenderableType:
    """Return what is known of a study whose journal is not there, or too old for its report."""
    parts: list[RenderableType] = []
    name, sign = metric(entry.scoring or "score")
    if entry.score is not None:
        spread = "" if entry.std is None else f" ± {number(entry.std, entry.score)}"
        parts.append(Text(f"best {name}: {number(sign * entry.score)}{spread}", style="bold"))
    parts += [Text(f"  {param} {number(value)}") for param, value in entry.params.items()]
    counts = ", ".join(f"{count} {verdict}" for verdict, count in entry.counts.items() if count)
    if counts:
        parts.append(Text(f"trials: {counts}"))
    return Group(*parts)


def facts(entry: Entry) -> list[str]:
    """Return the lines above and below a report: what was searched, where it is kept, and how its model is used."""
    lines = []
    if entry.data:
        target = f", target {entry.about['target']}" if entry.about.get("target") else ""
        lines.append(f"data:     {entry.data}{target}")
    if entry.about.get("path"):
        lines.append(f"study:    {entry.about['path']}")
    if entry.problem:
        lines.append(f"journal:  {entry.problem}")
    elif entry.files:
        lines.append(f"journal:  {', '.join(map(str, entry.files))}")
    if entry.page:
        lines.append(f"report:   {entry.page}")
    for version in entry.kept.versions:
        aliases = f"  ({', '.join(version.aliases)})" if version.aliases else ""
        lines.append(f"model:    {version.uri}  {moment(version.created)}{aliases}")
    return lines


def compared(found: Comparison) -> RenderableType:
    """Return studies side by side, and what the paired test says."""
    table = Table(box=None, padding=(0, 1), **TITLE)
    table.add_column(no_wrap=True)
    for name in found.names:
        table.add_column(name, justify="right", no_wrap=True)
    for label, cells in found.rows.items():
        table.add_row(label, *(_cell(cell) for cell in cells), style="bold" if label == found.metric else "")
    parts: list[RenderableType] = [Whole(table)]
    if found.params:
        parts += [Text(), Text("Best hyperparameters that differ", style="bold")]
        params = Table(box=None, padding=(0, 1), show_header=False)
        params.add_column(no_wrap=True)
        for _ in found.names:
            params.add_column(justify="right", no_wrap=True)
        for name, cells in found.params.items():
            params.add_row(name, *(_cell(cell)[:MOST_PARAMS] for cell in cells))
        parts.append(Whole(params))
    return Group(*parts, Text(), *(Text(f"  {line}", style="bold") for line in found.sentences))


def _cell(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else number(value)
