"""Writing a study through MLflow's client, which supports all of MLflow's stores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from search.tracking import library, stores, workspaces
from search.tracking.contents.best import BEST, Point
from search.tracking.contents.datasets import DataEntry
from search.tracking.contents.runs import (
    OUTCOME,
    PAGE,
    PARENT,
    STUDY_FILE,
    TAG_LENGTH,
    TRAINING,
    Header,
    Opened,
    Report,
    Run,
    Tied,
    content,
    experiment_tags,
    is_whole,
    strangers,
    written_params,
)
from search.tracking.local import moving
from search.tracking.local.scratch import scratch
from search.tracking.writers import creation, several

AT_A_TIME = 8
"""Runs that are written to a server at the same time: MLflow's client keeps ten connections. An SQLite database takes one
writer at a time."""


def connect(uri: str) -> Any:
    """Return an MLflow client for a store."""
    library.load()
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


@library.quiet()
def open_study(uri: str, header: Header) -> Opened:
    """Find or create the parent run of a study, and set its status to running."""
    client = connect(uri)
    path = stores.database(uri)
    own = None if workspaces.enabled() else path  # with workspaces, MLflow takes no place for files but its own
    root = None if own is None else moving.artifact_root(own, header.experiment)
    experiment = creation.experiment(client, header.experiment, root, experiment_tags(root is not None))
    experiment_id = experiment.experiment_id
    parent = creation.parent(client, experiment_id, header)
    run_id = parent.info.run_id
    if parent.info.status != "RUNNING":
        client.update_run(run_id, status="RUNNING")
    if header.data is not None:
        creation.data_input(client, parent, header.data)
    _describe(client, uri, parent, header)
    recorded = set(creation.whole_children(client, experiment_id, run_id))
    steps = {point.step for point in client.get_metric_history(run_id, BEST)}
    return Opened(experiment_id, experiment.artifact_location, run_id, recorded, steps)


@library.quiet()
def holds(uri: str, experiment: str, study_id: str) -> bool:
    """Return whether a store has a study, which may have been deleted since it was written."""
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    return found is not None and bool(creation.parents(client, found.experiment_id, study_id))


@library.quiet()
def others(uri: str, experiment: str, study_id: str, own: Mapping[int, str]) -> list[int]:
    """Return the trials that a store has of another copy of a study, see `runs.strangers`."""
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return []
    known = [
        run
        for parent in creation.parents(client, found.experiment_id, study_id)
        for run in creation.children(client, found.experiment_id, parent.info.run_id)
        if run.info.status != "RUNNING"  # not whole: the next start drops it
    ]
    return strangers(((run.data.tags.get("trial"), run.data.tags.get(OUTCOME)) for run in known), own)


@library.quiet()
def keeps(uri: str, name: str, version: int) -> bool:
    """Return whether a store has a version of a model, and its files."""
    from mlflow.exceptions import MlflowException

    client = connect(uri)
    try:
        found = client.get_model_version(name, str(version))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return has_files(uri, client.get_model_version_download_uri(name, found.version))


def has_files(uri: str, source: str) -> bool:
    """Return whether the files of a model are where they should be."""
    from mlflow import artifacts

    found = artifacts.list_artifacts(artifact_uri=source, tracking_uri=uri)
    return is_whole(PurePosixPath(file.path).name for file in found)


@library.quiet()
def write(
    uri: str,
    opened: Opened,
    runs: Iterable[Run],
    written: Callable[[int], object] = lambda trial: None,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Write child runs, several at a time where a server takes them.

    Parameters
    ----------
    uri : str
    opened : Opened
    runs : iterable of Run
    written : callable
        Called with the number of each trial whose run is whole, from several threads.
    stopped : callable
        Returns whether no further run is begun.
    """
    client = connect(uri)

    def put_down(run: Run) -> None:
        write_one(client, uri, opened, run)
        written(run.trial)

    several.each(put_down, runs, AT_A_TIME if stores.database(uri) is None else 1, stopped)


def write_one(client: Any, uri: str, opened: Opened, run: Run) -> None:
    """Write a child run; its end comes last, so that one that a kill has cut off is known by its status."""
    from mlflow.entities import Metric, Param

    tags = run.tags | {PARENT: opened.parent}
    made = client.create_run(opened.experiment_id, start_time=run.started, run_name=run.name, tags=tags)
    run_id = made.info.run_id
    # files first: to know where they go, MLflow asks for the run, with all that is in it
    put(client, uri, run_id, {name: text_writer(content(name, what)) for name, what in run.files.items()})
    client.log_batch(
        run_id,
        metrics=[Metric(name, value, run.ended, step) for name, value, step in run.metrics],
        params=[Param(name, value) for name, value in run.params.items()],
    )
    client.set_terminated(run_id, run.status, run.ended)


@library.quiet()
def progress(uri: str, opened: Opened, points: Sequence[Point]) -> None:
    """Write points of the parent run's curves."""
    from mlflow.entities import Metric

    metrics = [Metric(point.name, point.value, point.time, point.step) for point in points]
    connect(uri).log_batch(opened.parent, metrics=metrics)


@library.quiet()
def finish(uri: str, parent: str, report: Report, tied: Tied | None = None, data: DataEntry | None = None) -> None:
    """Write metrics, tags, description, figures and tables of the parent run.

    Metrics of the model are those of the run, too, tied to the model and the data; written again, they are the same points.
    """
    from mlflow.entities import Metric, RunTag

    client, now = connect(uri), int(time.time() * 1000)
    own = {} if tied is None else {name: v for name, v in report.model.items() if np.isfinite(v)}
    if tied is not None and own:
        made = [Metric(name, float(v), tied.timestamp, 0, **tied.to(data)) for name, v in own.items()]
        client.log_batch(parent, metrics=made)
    values = [(name, v, 0) for name, v in report.metrics.items() if name not in own]
    values += [(name, v, step) for name, vs in report.steps.items() for step, v in enumerate(vs) if v is not None]
    client.log_batch(
        parent,
        metrics=[Metric(name, float(v), now, step) for name, v, step in values if np.isfinite(v)],
        tags=[RunTag("mlflow.note.content", _description(client, parent, report)[:TAG_LENGTH])]
        + [RunTag(name, str(v)[:TAG_LENGTH]) for name, v in report.params.items()],
    )
    put(client, uri, parent, dict(report_files(report)))


def report_files(report: Report) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Yield the files of a report, each with the function that writes it."""
    for name, figure in report.figures.items():
        yield f"plots/{name}.png", _picture(figure)
    for name, page in report.pages.items():
        yield f"plots/{name}.html", text_writer(page)
    for name, write in report.sheets.items():
        yield f"tables/{name}.csv", write
    for name, table in report.tables.items():
        yield f"{name}.json", text_writer(content(f"{name}.json", table))
    for name, text in report.texts.items():
        yield name, text_writer(text)


def _description(client: Any, parent: str, report: Report) -> str:
    """Return the summary with a link to the page, behind the first paragraph: MLflow shows only the first lines."""
    if PAGE not in report.texts:
        return report.summary
    first, gap, rest = report.summary.partition("\n\n")
    experiment = client.get_run(parent).info.experiment_id
    link = f"[Report: the answer on one page](#/experiments/{experiment}/runs/{parent}/artifacts/{PAGE}{TRAINING})"
    return f"{first}\n\n{link}{gap}{rest}"


@library.quiet()
def end(uri: str, opened: Opened, status: str) -> None:
    """End the parent run with a status; what was begun in it and will not be ended goes to the trash."""
    client = connect(uri)
    creation.drop_unfinished(client, opened.experiment_id, opened.parent)
    client.set_terminated(opened.parent, status)


def put(client: Any, uri: str, run_id: str, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write files of a run: each by a function that gets a path.

    MLflow's own functions for this leave a folder in the temporary one if they are killed.
    """
    if not files:
        return
    with scratch(stores.database(uri)) as folder:
        for name, write in files.items():
            path = folder / PurePosixPath(name).name
            write(path)
            client.log_artifact(run_id, str(path), str(PurePosixPath(name).parent).strip(".") or None)


def _describe(client: Any, uri: str, parent: Any, header: Header) -> None:
    """Write the parameters and the study file of a parent run, unless an earlier start has; the parameters come last."""
    from mlflow.entities import Param

    if parent.data.params or not (header.params or header.source):
        return
    if header.source is not None:
        put(client, uri, parent.info.run_id, {STUDY_FILE: text_writer(header.source)})
    params = [Param(name, value) for name, value in written_params(header.params).items()]
    for i in reversed(range(0, len(params), creation.FIRST_PARAMS)):
        client.log_batch(parent.info.run_id, params=params[i : i + creation.FIRST_PARAMS])


def text_writer(text: str) -> Callable[[Path], object]:
    return lambda path: path.write_text(text, encoding="utf-8")


def _picture(figure: Any) -> Callable[[Path], object]:
    """Return what writes a figure: one that was drawn for the page is not drawn again."""
    drawn = getattr(figure, "png", None)
    return figure.savefig if drawn is None else lambda path: path.write_bytes(drawn())
