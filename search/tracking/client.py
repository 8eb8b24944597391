"""A study written through MLflow's client, which any of its stores understands."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from search.tracking import library, stores
from search.tracking.runs import TAG_LENGTH, Header, Opened, Report, Run, written_params

ARTIFACTS = Path("mlruns") / "artifacts"


def connect(uri: str) -> Any:
    """Return a client; a database that is not there is made."""
    library.load()
    from mlflow.tracking import MlflowClient

    path = stores.database(uri)
    if path is not None:
        create_database(path)
    return MlflowClient(tracking_uri=uri)


def create_database(path: Path) -> None:
    """Create MLflow's tables in a file of another name first: a kill in between would leave a database that nothing can open."""
    if stores.has_tables(path):
        return
    from mlflow.tracking import MlflowClient

    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        MlflowClient(tracking_uri=f"{stores.SQLITE}{new}").search_experiments()
        if not stores.has_tables(path):
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def open_study(uri: str, header: Header) -> Opened:
    """Find the parent run of a study, or begin it; it is running from now on."""
    client = connect(uri)
    experiment_id = _experiment(client, uri, header.experiment)
    parents = _search(client, experiment_id, _study_query(header.study_id))
    if parents:
        parent = parents[0].info.run_id
        client.update_run(parent, status="RUNNING")
    else:
        parent = _begin(client, experiment_id, header)
    recorded = set()
    for run in _search(client, experiment_id, f"tags.`mlflow.parentRunId` = '{parent}'"):
        if run.info.status == "RUNNING":  # cut off while it was written: write it again
            client.delete_run(run.info.run_id)
        else:
            recorded.add(int(run.data.tags["trial"]))
    return Opened(experiment_id, parent, recorded)


def holds(uri: str, experiment: str, study_id: str) -> bool:
    """Say whether a store has a study: it may have been deleted since the study was written there."""
    client = connect(uri)
    found = client.get_experiment_by_name(experiment)
    return found is not None and bool(client.search_runs([found.experiment_id], _study_query(study_id)))


def write(uri: str, opened: Opened, runs: Iterable[Run]) -> None:
    """Write child runs."""
    from mlflow.entities import Metric, Param

    client = connect(uri)
    for run in runs:
        tags = {"mlflow.parentRunId": opened.parent, **run.tags}
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


def finish(uri: str, parent: str, report: Report) -> None:
    """Write metrics, tags, description, figures and tables of the parent run."""
    from mlflow.entities import Metric, RunTag

    client, now = connect(uri), int(time.time() * 1000)
    client.log_batch(
        parent,
        metrics=[Metric(name, float(v), now, 0) for name, v in report.metrics.items() if np.isfinite(v)],
        tags=[RunTag("mlflow.note.content", report.summary[:TAG_LENGTH])]
        + [RunTag(name, str(v)[:TAG_LENGTH]) for name, v in report.params.items()],
    )
    for name, figure in report.figures.items():
        client.log_figure(parent, figure, f"plots/{name}.png")
    for name, table in report.tables.items():
        client.log_dict(parent, table, f"{name}.json")


def end(uri: str, parent: str, status: str) -> None:
    """Say that the parent run has ended."""
    connect(uri).set_terminated(parent, status)


def _experiment(client: Any, uri: str, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        location = (ARTIFACTS / name).resolve().as_uri() if uri == stores.DEFAULT_URI else None
        # the tag makes the UI open on training runs
        kind = {"mlflow.experimentKind": "custom_model_development"}
        return str(client.create_experiment(name, artifact_location=location, tags=kind))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _begin(client: Any, experiment_id: str, header: Header) -> str:
    from mlflow.entities import Param

    run_id = str(client.create_run(experiment_id, run_name=header.experiment, tags=header.tags).info.run_id)
    client.log_batch(run_id, params=[Param(name, value) for name, value in written_params(header.params).items()])
    if header.source is not None:
        client.log_text(run_id, header.source, "study.toml")
    return run_id


def _study_query(study_id: str) -> str:
    return f"tags.`bpsearch.study` = '{study_id}' AND tags.`bpsearch.kind` = 'study'"


def _search(client: Any, experiment_id: str, query: str) -> list[Any]:
    runs: list[Any] = []
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], query, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs
