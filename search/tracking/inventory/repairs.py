"""What is changed in a store so that it agrees with a journal. Runs and logged models go to MLflow's trash, not away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import ModuleType
from typing import NamedTuple, TypeVar

from search.tracking import library, waiting
from search.tracking.contents.best import BEST, BestSoFar
from search.tracking.contents.runs import Header, Opened, Report, content
from search.tracking.contents.trials import child
from search.tracking.writers import client as writer
from search.tracking.writers import creation, sqlite
from search.tracking.writers.client import connect
from search.trials.outcomes import Outcome

T = TypeVar("T")

AT_ONCE = 200
"""Trials that are written together."""


class Finished(NamedTuple):
    """A finished trial: its first evaluation, what the sampler was told, and when it ended, in seconds since 1970."""

    outcome: Outcome
    value: float
    ended: float


@waiting.asked
@library.quiet()
def drop_runs(uri: str, runs: Collection[str]) -> None:
    """End runs and move them to the trash."""
    client = connect(uri)
    for run in runs:
        creation.drop_run(client, run)


@waiting.asked
@library.quiet()
def drop_models(uri: str, models: Collection[str]) -> None:
    """Close logged models and move them to the trash."""
    client = connect(uri)
    for model in models:
        creation.drop_model(client, client.get_logged_model(model))


@waiting.asked
@library.quiet()
def drop_versions(uri: str, name: str, numbers: Collection[int]) -> None:
    """Delete versions of a registered model."""
    client = connect(uri)
    for number in numbers:
        client.delete_model_version(name, str(number))


@waiting.asked
@library.quiet()
def realias(uri: str, name: str, alias: str, number: int | None) -> None:
    """Take an alias from a registered model; another version than it named may have it."""
    client = connect(uri)
    client.delete_registered_model_alias(name, alias)
    if number is not None:
        client.set_registered_model_alias(name, alias, str(number))


@waiting.asked
@library.quiet()
def end(uri: str, run: str, status: str, ended: float) -> None:
    """Give a run a status, as one that ended at this time, in seconds since 1970."""
    connect(uri).set_terminated(run, status, int(ended * 1000) or None)


@waiting.asked
@library.quiet()
def write_trials(
    uri: str, header: Header, opened: Opened, trials: Sequence[Finished], every: Sequence[Finished]
) -> None:
    """Write the runs of trials as a study does, and the points of its parent run that follow from all of its trials."""
    own = _writer(uri, header.experiment)
    for some in _parts(trials):
        own.write(uri, opened, [child(each.outcome, each.value, each.ended, header) for each in some])
    best = BestSoFar(header.scoring)
    for each in every:
        best.see(each.outcome, each.ended)
    steps = {point.step for point in connect(uri).get_metric_history(opened.parent, BEST)}
    points = [point for point in best.points if point.step not in steps]
    for part in _parts(points):
        own.progress(uri, opened, part)


@waiting.asked
@library.quiet()
def put_texts(uri: str, run: str, files: Mapping[str, object]) -> None:
    """Write files of a run: texts, and JSON where a name says so."""
    put = {name: writer.text_writer(content(name, what)) for name, what in files.items()}
    writer.put(connect(uri), uri, run, put)


@waiting.asked
@library.quiet()
def put_report(uri: str, run: str, report: Report) -> None:
    """Write the files of a report; what else the run holds stays as it is."""
    writer.put(connect(uri), uri, run, dict(writer.report_files(report)))


def _parts(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    yield from (rows[i : i + AT_ONCE] for i in range(0, len(rows), AT_ONCE))


def _writer(uri: str, experiment: str) -> ModuleType:
    return sqlite if sqlite.understands(uri, experiment) else writer
