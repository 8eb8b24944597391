"""What is written to MLflow: the only file that imports it.

A study is a parent run, a trial is a child run, written in one batch when the trial has finished. One background thread does
all the writing, in order: importing MLflow takes seconds and a write tens of milliseconds, and training needs neither. What a
kill keeps from being written is written by the next run, from the finished trials of the study's own store.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import tempfile
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from search.errors import StudyError
from search.outcomes import Outcome

SQLITE = "sqlite:///"
DEFAULT_URI = f"{SQLITE}mlruns/mlflow.db"
ARTIFACTS = Path("mlruns") / "artifacts"
ANSWER_SECONDS = 5.0
CURVE_POINTS = 250
EXAMPLE_ROWS = 5
DIAGNOSIS = "diagnosis.json"
RUN_STATUS = {"ok": "FINISHED", "diverged": "FINISHED", "stopped": "KILLED", "error": "FAILED"}
REQUIREMENTS = ("mlflow", "numba", "numpy", "pandas", "scikit-learn", "scipy", "skops", "threadpoolctl")


class TrackingError(RuntimeError):
    """MLflow could not be written to; nothing of the study itself is lost."""


@dataclass(frozen=True)
class Report:
    """What the parent run holds at the end of a study; `figures` maps file names to Matplotlib figures."""

    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    summary: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RegisteredModel:
    """A model in the registry."""

    name: str
    version: int

    @property
    def uri(self) -> str:
        return f"models:/{self.name}@champion"


def default_uri() -> str:
    """Return the tracking URI: ``MLFLOW_TRACKING_URI`` if set, or the database under the current directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def check(uri: str) -> None:
    """Make sure that a tracking store can be written to, without importing MLflow.

    Raises
    ------
    StudyError
        If the database or its folder cannot be written, or the server does not answer.
    """
    if uri.startswith(SQLITE):
        path = Path(uri.removeprefix(SQLITE))
        try:
            _check_database(path)
        except (OSError, sqlite3.Error) as error:
            raise StudyError(
                f"MLflow store {path} cannot be written: {error}; allowed is a folder you may write to"
            ) from None
    elif uri.startswith(("http://", "https://")):
        try:
            urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
        except (OSError, ValueError, HTTPException) as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            reason = str(getattr(error, "reason", error)).strip()
            raise StudyError(
                f"MLFLOW_TRACKING_URI = {uri!r}: the MLflow server does not answer ({reason}); start it, or unset the variable"
            ) from None
    elif "://" not in uri or uri.startswith(("file:", "sqlite:")):
        raise StudyError(
            f"MLFLOW_TRACKING_URI = {uri!r} is not a store of MLflow's; allowed are sqlite:///…, postgresql://… and http://…"
        )


def _check_database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():  # and it is not made here: the study may yet turn out to be wrong
        tempfile.TemporaryFile(dir=path.parent).close()
        return
    with closing(sqlite3.connect(path, timeout=ANSWER_SECONDS)) as database:
        database.execute("BEGIN IMMEDIATE")


def holds(uri: str, experiment: str, study_id: str) -> bool:
    """Say whether a tracking store has a study: it may have been deleted since the study was written there."""
    if uri.startswith(SQLITE) and not _has_tables(Path(uri.removeprefix(SQLITE))):
        return False
    with _quiet():
        from mlflow.tracking import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        return found is not None and bool(client.search_runs([found.experiment_id], _study_query(study_id)))


class Tracker:
    """Writes one study to MLflow, in the background.

    Parameters
    ----------
    uri : str
        MLflow tracking URI; `check` it first.
    experiment : str
        Name of the experiment, and of the registered model.
    study_id : str
        Tells this study from earlier ones of the same name.
    params : dict
        Parameters of the parent run.
    source : str, optional
        The study file, kept as an artifact.
    """

    def __init__(
        self, uri: str, experiment: str, study_id: str, params: Mapping[str, Any], source: str | None = None
    ) -> None:
        self.uri, self.experiment = uri, experiment
        self._study_id, self._params, self._source = study_id, dict(params), source
        self._jobs: queue.Queue[Callable[[], None] | None] = queue.Queue()
        self._error: BaseException | None = None
        self._model: RegisteredModel | None = None
        self._recorded: set[int] = set()
        self._thread = threading.Thread(target=self._work, name="mlflow-writer", daemon=True)
        self._thread.start()
        self._jobs.put(self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End the parent run, however the body ended."""
        if kind is None:
            self.close()
        else:
            self.abandon("KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    def record(self, outcome: Outcome, value: float) -> None:
        """Write a child run, unless the study has one for this trial already."""
        written = time.time()
        self._jobs.put(lambda: self._record(outcome, value, written))

    def finish(self, report: Report) -> None:
        """Write parameters, metrics, summary, figures and tables of the parent run."""
        self._jobs.put(lambda: self._finish(report))

    def register(self, model: Any, X: Any, score: float) -> RegisteredModel:
        """Log a fitted pipeline, register it and give it the alias ``champion``; wait until that is done.

        Parameters
        ----------
        model : estimator
            The whole pipeline: raw input in, predictions in original units out.
        X : DataFrame or array-like
            Raw input; its first rows become the model's example.
        """
        self._jobs.put(lambda: self._register(model, X, score))
        self.flush()
        assert self._model is not None
        return self._model

    def flush(self) -> None:
        """Wait until everything is written.

        Raises
        ------
        TrackingError
            If something could not be.
        """
        self._jobs.join()
        if self._error is not None:
            reason = f"{type(self._error).__name__}: {self._error}".splitlines()[0]
            raise TrackingError(f"MLflow at {self.uri} could not be written: {reason}") from self._error

    def close(self, status: str = "FINISHED") -> None:
        """End the parent run and the writer."""
        self._jobs.put(lambda: self._client.set_terminated(self._parent, status))
        try:
            self.flush()
        finally:
            self._jobs.put(None)
            self._thread.join()

    def abandon(self, status: str = "FAILED") -> None:
        """End the parent run and the writer after something else went wrong: that is what is told, not this."""
        with suppress(TrackingError):
            self.close(status)

    # ------------------------------------------------------------------------------------------ in the background

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if self._error is None:
                    with _quiet():
                        job()
            except Exception as error:  # kept for `flush`; later jobs would fail the same way
                self._error = error
            finally:
                self._jobs.task_done()
        self._jobs.task_done()

    def _open(self) -> None:
        mlflow = _mlflow()
        from mlflow.tracking import MlflowClient

        if self.uri.startswith(SQLITE):
            _create_database(Path(self.uri.removeprefix(SQLITE)))
        self._client = MlflowClient(tracking_uri=self.uri)
        found = self._client.get_experiment_by_name(self.experiment)
        if found is not None and found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        location = None
        if self.uri == DEFAULT_URI:
            location = (ARTIFACTS / self.experiment).resolve().as_uri()
        # the tag makes the UI open on training runs
        kind = {"mlflow.experimentKind": "custom_model_development"}
        self._experiment_id = (
            found.experiment_id
            if found
            else self._client.create_experiment(self.experiment, artifact_location=location, tags=kind)
        )
        parents = self._search(_study_query(self._study_id))
        if parents:
            self._parent = parents[0].info.run_id
            self._client.update_run(self._parent, status="RUNNING")
        else:
            tags = {"bpsearch.study": self._study_id, "bpsearch.kind": "study", "mlflow.source.name": "bpsearch"}
            run = self._client.create_run(self._experiment_id, run_name=self.experiment, tags=tags)
            self._parent = run.info.run_id
            params = [mlflow.entities.Param(k, str(v)[:6000]) for k, v in self._params.items()]
            self._client.log_batch(self._parent, params=params)
            if self._source is not None:
                self._client.log_text(self._parent, self._source, "study.toml")
        for child in self._search(f"tags.`mlflow.parentRunId` = '{self._parent}'"):
            if child.info.status == "RUNNING":  # cut off while it was written: write it again
                self._client.delete_run(child.info.run_id)
            else:
                self._recorded.add(int(child.data.tags["trial"]))

    def _search(self, query: str) -> list[Any]:
        runs: list[Any] = []
        token: str | None = None
        while True:
            page = self._client.search_runs([self._experiment_id], query, page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs

    def _record(self, outcome: Outcome, value: float, written: float) -> None:
        from mlflow.entities import Metric, Param, RunTag

        if outcome.number in self._recorded:
            return
        end = int(written * 1000)
        start = end - int(outcome.seconds * 1000)
        numbers: list[tuple[str, float, int]] = [("seconds", outcome.seconds, 0), ("told_value", value, 0)]
        if outcome.fold_scores:
            numbers += [("score", outcome.score, 0), ("score_std", outcome.std, 0), ("epochs", outcome.epoch, 0)]
            numbers += [("fold_score", score, fold) for fold, score in enumerate(outcome.fold_scores)]
        if outcome.divergence is not None:
            numbers += [
                ("diverged_epoch", outcome.divergence.epoch, 0),
                ("diverged_step", outcome.divergence.step, 0),
                ("diverged_loss_ratio", outcome.divergence.ratio, 0),
            ]
        tags = {"verdict": outcome.verdict, "reason": outcome.reason[:5000]}
        if outcome.divergence is not None and outcome.divergence.findings:
            tags["finding"] = outcome.divergence.code
        numbers += [("score_curve", score, epoch) for epoch, score in outcome.curve.items()]
        for name, losses in outcome.losses.items():
            for epoch in np.unique(np.linspace(0, len(losses) - 1, min(CURVE_POINTS, len(losses))).astype(int)):
                numbers.append((f"{name}_loss", losses[epoch], int(epoch) + 1))
        run = self._client.create_run(
            self._experiment_id,
            start_time=start,
            run_name=f"trial {outcome.number}",
            tags={"mlflow.parentRunId": self._parent, "mlflow.source.name": "bpsearch", "trial": str(outcome.number)},
        )
        self._client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, float(v), end, step) for name, v, step in numbers if np.isfinite(v)],
            params=[Param(name, str(v)[:6000]) for name, v in outcome.params.items()],
            tags=[RunTag(name, text) for name, text in tags.items()],
        )
        if outcome.divergence is not None and outcome.divergence.findings:
            found = {"summary": outcome.reason, "findings": outcome.divergence.findings}
            self._client.log_dict(run.info.run_id, found, DIAGNOSIS)
        self._client.set_terminated(run.info.run_id, RUN_STATUS[outcome.verdict], end)
        self._recorded.add(outcome.number)

    def _finish(self, report: Report) -> None:
        from mlflow.entities import Metric, RunTag

        now = int(time.time() * 1000)
        self._client.log_batch(
            self._parent,
            metrics=[Metric(name, float(v), now, 0) for name, v in report.metrics.items() if np.isfinite(v)],
            tags=[RunTag("mlflow.note.content", report.summary[:5000])]
            + [RunTag(name, str(v)[:5000]) for name, v in report.params.items()],
        )
        for name, figure in report.figures.items():
            self._client.log_figure(self._parent, figure, f"plots/{name}.png")
        for name, table in report.tables.items():
            self._client.log_dict(self._parent, table, f"{name}.json")

    def _register(self, model: Any, X: Any, score: float) -> None:
        import skops.io

        import bpmodel

        mlflow = _mlflow()
        example = (X if isinstance(X, pd.DataFrame) else np.asarray(X))[:EXAMPLE_ROWS]
        trusted = skops.io.get_untrusted_types(data=skops.io.dumps(model))
        with _fluent(self.uri), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with mlflow.start_run(run_id=self._parent):
                info = mlflow.sklearn.log_model(
                    model,
                    name="model",
                    signature=_signature(example, model.predict(example)),
                    input_example=example,
                    serialization_format="skops",
                    skops_trusted_types=trusted,
                    pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
                    code_paths=[str(Path(bpmodel.__file__).parent)],
                    metadata={"score": score},
                )
            names = {m.name for m in self._client.search_registered_models(f"name = '{self.experiment}'")}
            if self.experiment not in names:
                self._client.create_registered_model(self.experiment)
            made = self._client.create_model_version(
                self.experiment, info.model_uri, run_id=self._parent, model_id=info.model_id
            )
            self._client.set_registered_model_alias(self.experiment, "champion", made.version)
        self._model = RegisteredModel(self.experiment, int(made.version))


def _create_database(path: Path) -> None:
    """Create MLflow's tables in a file of another name first: a kill in between would leave a database that nothing can open."""
    if _has_tables(path):
        return
    from mlflow.tracking import MlflowClient

    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        MlflowClient(tracking_uri=f"sqlite:///{new}").search_experiments()
        if not _has_tables(path):
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _has_tables(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _study_query(study_id: str) -> str:
    return f"tags.`bpsearch.study` = '{study_id}' AND tags.`bpsearch.kind` = 'study'"


def _signature(example: Any, predictions: Any) -> Any:
    """Return the signature of a model; a table's columns of numbers take any number.

    The type that MLflow infers would refuse the same column with a missing value (then whole numbers come as fractions), or
    without a fraction (then fractions come as whole numbers).
    """
    from mlflow.models import infer_signature
    from mlflow.types.schema import AnyType, ColSpec, Schema

    signature = infer_signature(example, predictions)
    if isinstance(example, pd.DataFrame):
        numbers = set(example.select_dtypes("number").columns)
        signature.inputs = Schema(
            [ColSpec(AnyType(), column.name) if column.name in numbers else column for column in signature.inputs]
        )
    return signature


@contextmanager
def _fluent(uri: str) -> Any:
    """Point MLflow's functions without a client at a store, and back: the environment variable goes with them."""
    mlflow, name = _mlflow(), "MLFLOW_TRACKING_URI"
    variable, before = os.environ.get(name), mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(None if before == variable else before)
        os.environ.pop(name, None)
        if variable is not None:
            os.environ[name] = variable


@cache
def _mlflow() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow
        import mlflow.sklearn
    return mlflow


@contextmanager
def _quiet() -> Any:
    """Keep MLflow's progress notes off the terminal."""
    _mlflow()  # which sets its own log level when it is imported
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
