"""The queue in tables and lines, for people."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType

from search.formatting import number
from search.results.widths import Column, ranked
from search.service.states import STATES

Document = Mapping[str, Any]


VERDICTS = ("ok", "diverged", "stopped")

COLUMNS: dict[str, Column] = {
    "state": Column(1, lambda study: study["state"]),
    "trials": Column(2, lambda study: done(study), "right"),
    "ok/diverged/stopped": Column(6, lambda study: "/".join(str(study["trials"][each]) for each in VERDICTS), "right"),
    "best": Column(3, lambda study: "" if study["best"] is None else number(study["best"]), "right"),
    "metric": Column(5, lambda study: study["metric"]),
    "priority": Column(4, lambda study: str(study["priority"]), "right"),
    "owner": Column(8, lambda study: study["owner"] or ""),
    "submitted": Column(7, lambda study: moment(study["submitted"])),
}
"""The columns of the list beside the names; those of a low rank are there in narrow terminals, too."""


def listed(found: Sequence[Document]) -> RenderableType:
    """Return a table of studies with as many columns as fit."""
    return ranked(((study["name"], study) for study in found), COLUMNS)


def lines(study: Document) -> Iterator[str]:
    """Return what there is to say of one study, a line each."""
    yield f"{study['name']}: {study['state']} ({STATES[study['state']]})"
    if study["reason"]:
        yield f"reason:    {study['reason']}"
    stage = f", {study['stage']}" if study["stage"] not in (None, "trials") else ""
    counted = ", ".join(f"{count} {verdict}" for verdict, count in study["trials"].items() if count)
    yield f"trials:    {done(study)}{stage}" + (f" ({counted})" if counted else "")
    if study["best"] is not None:
        yield f"best:      {number(study['best'])} ({study['metric']}, trial {study['best_trial']})"
    yield f"priority:  {study['priority']}"
    yield f"data:      {study['data']}"
    yield f"submitted: {moment(study['submitted'])}" + (f" by {study['owner']}" if study["owner"] else "")
    if study["begun"]:
        yield f"begun:     {moment(study['begun'])}"
    if study["ended"]:
        yield f"ended:     {moment(study['ended'])}"
    yield f"allowed:   {', '.join(study['allowed'])}"


def done(study: Document) -> str:
    """Return how many trials have finished, and of how many.

    >>> done({"trials": {"ok": 3, "diverged": 1}, "n_trials": 50}), done({"trials": {"ok": 3}, "n_trials": None})
    ('4/50', '3')
    """
    finished = sum(study["trials"].values())
    return f"{finished}/{study['n_trials']}" if study["n_trials"] else str(finished)


def moment(text: str | None) -> str:
    """Return a time as people write it, in the time zone of this machine; empty for None."""
    if text is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(datetime.fromisoformat(text).timestamp()))
