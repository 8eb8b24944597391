"""Writing a study through MLflow's client, which supports all of MLflow's stores."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from search.tracking import library, stores
from search.tracking.naming import filters
from search.tracking.runs import (
    EXPERIMENT_TAGS,
    PARENT,
    STUDY_FILE,
    TAG_LENGTH,
    Header,
    Opened,
    Report,
    Run,
    written_params,
)


def connect(uri: str) -> Any:
    """Return an MLflow client for a store."""
    library.load()
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=uri)


@library.quiet()
def open_study(uri: str, header: Header) -> Opened:
    """Find or create the parent run of a study, and set its status to running."""
    client = connect(uri)
    experiment = _experiment(client, uri, header.experiment)
    experiment_id = experiment.experiment_id
    parents = tagged(client, experiment_id, _of_study(header.study_id))
    if parents:
        parent = parents[0].info.run_id
        client.update_run(parent, status="RUNNING")
    else:
        parent = _begin(client, experiment_id, header)
    recorded = set()
    for run in tagged(client, experiment_id, {PARENT: parent}):
        if run.info.status == "RUNNING":  # a kill interrupted its writing: write it again
            client.delete_run(run.info.run_id)
        else:
            recorded.add(int(run.data.tags["trial"]))
    return Opened(experiment_id, experiment.artifact_location, parent, recorded)


@library.quiet()
def holds(uri: str, experiment: str, study_id: str) -> bool:
    """Return whether a store has a study, which may have been deleted since it was written."""
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    return found is not None and bool(tagged(client, found.experiment_id, _of_study(study_id)))


@library.quiet()
def write(uri: str, opened: Opened, runs: Iterable[Run]) -> None:
    """Write child runs."""
    from mlflow.entities import Metric, Param

    client = connect(uri)
    for run in runs:
        tags = run.tags | {PARENT: opened.parent}
        made = client.create_run(opened.experiment_id, start_time=run.started, run_name=run.name, tags=tags)
        run_id = made.info.run_id
        client.log_batch(
            run_id,
            metrics=[Metric(name, value, run.ended, step) for name, value, step in run.metrics],
            params=[Param(name, value) for name, value in run.params.items()],
        )
        for name, content in run.files.items():
            client.log_dict(run_id, content, name)
        client.set_terminated(run_id, run.status, run.ended)


@library.quiet()
def finish(uri: str, parent: str, report: Report) -> None:
    """Write metrics, tags, description, figures and tables of the parent run."""
    from mlflow.entities import Metric, RunTag

    client, now = connect(uri), int(time.time() * 1000)
    values = [(name, v, 0) for name, v in report.metrics.items()]
    values += [(name, v, step) for name, vs in report.steps.items() for step, v in enumerate(vs) if v is not None]
    client.log_batch(
        parent,
        metrics=[Metric(name, float(v), now, step) for name, v, step in values if np.isfinite(v)],
        tags=[RunTag("mlflow.note.content", report.summary[:TAG_LENGTH])]
        + [RunTag(name, str(v)[:TAG_LENGTH]) for name, v in report.params.items()],
    )
    for name, figure in report.figures.items():
        client.log_figure(parent, figure, f"plots/{name}.png")
    for name, table in report.tables.items():
        client.log_dict(parent, table, f"{name}.json")


@library.quiet()
def end(uri: str, parent: str, status: str) -> None:
    """End the parent run with a status."""
    connect(uri).set_terminated(parent, status)


def _experiment(client: Any, uri: str, name: str) -> Any:
    found = client.get_experiment_by_name(name)
    if found is None:
        path = stores.database(uri)
        root = None if path is None else stores.artifact_root(path, name)  # None: the store's own default
        return client.get_experiment(client.create_experiment(name, artifact_location=root, tags=EXPERIMENT_TAGS))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return found


def _begin(client: Any, experiment_id: str, header: Header) -> str:
    from mlflow.entities import Param

    run_id = str(client.create_run(experiment_id, run_name=header.experiment, tags=header.tags).info.run_id)
    client.log_batch(run_id, params=[Param(name, value) for name, value in written_params(header.params).items()])
    if header.source is not None:
        client.log_text(run_id, header.source, STUDY_FILE)
    return run_id


def _of_study(study_id: str) -> dict[str, str]:
    """Return the tags of the parent run of a study."""
    return {"bpsearch.study": study_id, "bpsearch.kind": "study"}


def tagged(client: Any, experiment_id: str, tags: Mapping[str, str]) -> list[Any]:
    """Return the runs of an experiment that have these tags."""
    query = filters.both(*(filters.equal(filters.tag(name), text) for name, text in tags.items()))
    runs: list[Any] = []
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], query, page_token=token)
        runs += [run for run in page if all(run.data.tags.get(name) == text for name, text in tags.items())]
        token = page.token
        if not token:
            return runs
