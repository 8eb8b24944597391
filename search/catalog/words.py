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
from search.results.report import TITLE, metric, number, whole

TIME = "%Y-%m-%d %H:%M"
MOST_PARAMS = 40
"""Characters of a hyperparameter's value in a comparison."""


def moment(seconds: float) -> str:
    """Return a time as people write it, in the time zone of this machine; empty for 0."""
    return time.strftime(TIME, time.localtime(seconds)) if seconds else ""


def listed(found: Sequence[Entry]) -> RenderableType:
    """Return a table of studies."""
    table = Table(box=None, padding=(0, 1))
    columns = {"name": "left", "task": "left", "trials": "right", "ok/diverged/stopped": "right", "best": "right"}
    for name, justify in {**columns, "metric": "left", "last trial": "left", "model": "left"}.items():
        table.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for entry in found:
        counts = entry.counts
        champion = entry.kept.champion
        name, sign = metric(entry.scoring or "")
        state = "running" if entry.running else "cannot be read" if entry.problem else moment(entry.when)
        table.add_row(
            entry.name,
            entry.task or "",
            str(sum(counts.values())),
            "/".join(str(counts[verdict]) for verdict in ("ok", "diverged", "stopped")),
            "" if entry.score is None else number(sign * entry.score),
            name,
            state,
            "" if champion is None else f"version {champion.number}",
        )
    return whole(table)


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
    parts: list[RenderableType] = [whole(table)]
    if found.params:
        parts += [Text(), Text("Best hyperparameters that differ", style="bold")]
        params = Table(box=None, padding=(0, 1), show_header=False)
        params.add_column(no_wrap=True)
        for _ in found.names:
            params.add_column(justify="right", no_wrap=True)
        for name, cells in found.params.items():
            params.add_row(name, *(_cell(cell)[:MOST_PARAMS] for cell in cells))
        parts.append(whole(params))
    return Group(*parts, Text(), *(Text(f"  {line}", style="bold") for line in found.sentences))


def _cell(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else number(value)
