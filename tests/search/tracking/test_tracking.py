"""A study in MLflow: what is written where, once, whatever happens to the process, the database or the server."""

import dataclasses
import gc
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from search import StudyError, cli, tracking
from search.loop.runner import old_objects_at_rest
from search.tracking import (
    Header,
    MLflowTracker,
    RegisteredModel,
    Report,
    TrackingError,
    library,
    stores,
    waiting,
    writing,
)
from search.tracking.models import inputs
from search.tracking.models import registration as models
from search.tracking.writers import client as client_writer
from search.tracking.writers import sqlite
from search.trials.courses import CURVE_POINTS
from search.trials.pipeline import default_pipeline
from tests.fuzz.parts import served

PARAMS = {"learning_rate_init": 0.01, "hidden_layer_sizes": [16, 8], "activation": "relu"}
REPORT = Report(
    params={"best.alpha": 0.1},
    metrics={"score": -0.5, "trials_ok": 2, "trials_error": math.nan},
    summary="# the summary",
    figures={"history": Figure(), "parameters": Figure()},
    tables={"divergences": [{"trial": 1, "reason": "why"}]},
)


def holds(uri: str) -> bool:
    return MLflowTracker(uri).holds(Header("x", "one", {}))


@pytest.fixture
def client(folder, mlflow):
    return mlflow.MlflowClient(tracking.default_uri())


@pytest.fixture
def open_tracker(folder, mlflow):
    """Open trackers of the study `x`; end those that a failing test leaves open."""
    opened = []

    def open_tracker(study_id: str = "one", uri: str | None = None, **more) -> MLflowTracker:
        opened.append(MLflowTracker(uri or tracking.default_uri()))
        opened[-1].begin(Header("x", study_id, {"method": "grid", "space": "s" * 7000}, **more))
        return opened[-1]

    yield open_tracker
    for tracker in opened:
        if tracker._thread.is_alive():
            with suppress(TrackingError):
                tracker.end("FAILED")


@pytest.fixture
def through_client(monkeypatch):
    """Write through MLflow's client, as to stores other than SQLite."""
    monkeypatch.setattr(sqlite, "understands", lambda uri, experiment: False)


@pytest.fixture(params=["tables", "client"])
def each_writer(request):
    """Write in both ways."""
    if request.param == "client":
        request.getfixturevalue("through_client")


both_ways = pytest.mark.usefixtures("each_writer")


@pytest.fixture
def write(open_tracker):
    """Write outcomes and close."""

    def write(*outcomes, study_id: str = "one") -> None:
        tracker = open_tracker(study_id)
        for outcome in outcomes:
            tracker.record(outcome, -0.75)
        tracker.end("FINISHED")

    return write


def runs(client, kind: str, deleted: bool = False) -> list:
    """Return the parents or children among all runs, the latest first."""
    view = 2 if deleted else 1  # ViewType
    experiment = client.get_experiment_by_name("x")
    found = client.search_runs([experiment.experiment_id], run_view_type=view) if experiment else []
    return [run for run in found if ("mlflow.parentRunId" in run.data.tags) is (kind == "child")]


def series(client, run, name: str) -> dict[int, float]:
    return {m.step: m.value for m in client.get_metric_history(run.info.run_id, name)}


# ---------------------------------------------------------------------------------------------------------- what a run has


@both_ways
def test_parent_run(client, open_tracker):
    open_tracker(source="# a study").end("FINISHED")
    (parent,) = runs(client, "parent")
    assert parent.info.status == "FINISHED"
    assert parent.info.run_name == "x"
    assert parent.data.params == {"method": "grid", "space": "s" * 6000}
    path = client.download_artifacts(parent.info.run_id, "study.toml")
    assert Path(path).read_text() == "# a study"


@both_ways
@pytest.mark.parametrize("verdict", tracking.RUN_STATUS)
def test_child_run(client, write, make_outcome, verdict):
    outcome = make_outcome(3, verdict, params=PARAMS)
    write(outcome)
    (parent,), (child,) = runs(client, "parent"), runs(client, "child")
    assert parent.info.status == "FINISHED"
    assert child.info.status == tracking.RUN_STATUS[verdict]
    assert child.data.params == {name: str(value) for name, value in PARAMS.items()}
    tags = {"mlflow.parentRunId": parent.info.run_id, "trial": "3", "verdict": verdict, "reason": outcome.reason}
    assert tags.items() <= child.data.tags.items()
    assert child.data.tags.get("finding") == ("exploding_step" if verdict == "diverged" else None)
    kept = [f.path for f in client.list_artifacts(child.info.run_id)]
    assert kept == (["diagnosis.json", "diagnosis.txt"] if verdict == "diverged" else [])
    if verdict == "diverged":
        found = json.loads(Path(client.download_artifacts(child.info.run_id, "diagnosis.json")).read_text())
        assert found == {"summary": outcome.reason, "findings": outcome.divergence.findings}
        told = Path(client.download_artifacts(child.info.run_id, "diagnosis.txt")).read_text(encoding="utf-8")
        assert told.startswith("trial 3 diverged\n")
    assert child.info.end_time - child.info.start_time == 125

    assert series(client, child, "fold_score") == dict(enumerate(outcome.fold_scores))
    assert series(client, child, "score_curve") == outcome.curve
    for name in ("training", "validation"):
        assert series(client, child, f"{name}_loss") == dict(enumerate(outcome.losses[name], start=1))

    single = {"seconds": 0.125, "told_value": -0.75}
    if outcome.fold_scores:
        single |= {"score": outcome.score, "score_std": outcome.std, "epochs": 6.0}
    if outcome.divergence:
        single |= {"diverged_epoch": 3.0, "diverged_step": 17.0, "diverged_loss_ratio": 100.0}
    several = {"fold_score", "score_curve", "training_loss", "validation_loss"}
    assert {name: v for name, v in child.data.metrics.items() if name not in several} == single


@pytest.mark.parametrize("epochs", [1, 2, CURVE_POINTS, CURVE_POINTS + 1, 3000])
def test_long_curves_are_thinned(client, write, make_outcome, epochs):
    losses = {"training": np.linspace(5, 1, epochs).tolist(), "validation": np.linspace(7, 2, epochs).tolist()}
    write(make_outcome(params=PARAMS, losses=losses))
    (child,) = runs(client, "child")
    for name, values in losses.items():
        written = series(client, child, f"{name}_loss")
        assert min(epochs, CURVE_POINTS // 2) <= len(written) <= CURVE_POINTS
        assert {1, epochs} <= set(written)
        assert written == {epoch: values[epoch - 1] for epoch in written}


NOT_FINITE = {
    "loss": {"losses": {"training": [1.0, math.nan, 0.5], "validation": [math.inf, -math.inf, 0.75]}},
    "no loss": {"losses": {"training": [], "validation": []}},
    "ratio": {"verdict": "diverged", "ratio": math.nan},
    "curve": {"curve": {4: math.nan, 6: -0.375}},
    "score": {"scores": (-0.5, math.nan)},
}


@both_ways
@pytest.mark.parametrize("fields", NOT_FINITE.values(), ids=NOT_FINITE.keys())
def test_what_is_not_finite_is_left_out(client, write, make_outcome, fields):
    write(make_outcome(params=PARAMS, **fields))
    (child,) = runs(client, "child")
    assert child.info.status == ("FAILED" if fields.get("verdict") == "diverged" else "FINISHED")
    written = [m.value for name in child.data.metrics for m in client.get_metric_history(child.info.run_id, name)]
    assert np.isfinite(written).all()
    assert {"seconds", "told_value"} <= set(child.data.metrics)
    if "losses" in fields:
        finite = {n: v for n, v in enumerate(fields["losses"]["training"], start=1) if math.isfinite(v)}
        assert series(client, child, "training_loss") == finite


@both_ways
def test_long_texts_are_cut(client, write, make_outcome):
    write(make_outcome(params={"hidden_layer_sizes": [1] * 5000}, reason="r" * 9000))
    (child,) = runs(client, "child")
    assert child.data.tags["reason"] == "r" * 5000
    assert child.data.params["hidden_layer_sizes"] == str([1] * 5000)[:6000]


@both_ways
def test_finish(client, open_tracker):
    tracker = open_tracker()
    tracker.finish(REPORT)
    tracker.end("FINISHED")
    (parent,) = runs(client, "parent")
    assert parent.data.metrics == {"score": -0.5, "trials_ok": 2.0}
    assert parent.data.tags["mlflow.note.content"] == "# the summary"
    assert parent.data.tags["best.alpha"] == "0.1"
    assert {f.path for f in client.list_artifacts(parent.info.run_id, "plots")} == {
        "plots/history.png",
        "plots/parameters.png",
    }
    plot = client.download_artifacts(parent.info.run_id, "plots/history.png")
    assert Path(plot).read_bytes().startswith(b"\x89PNG")
    table = client.download_artifacts(parent.info.run_id, "divergences.json")
    assert json.loads(Path(table).read_text()) == [{"trial": 1, "reason": "why"}]


# ------------------------------------------------------------------------------------------------------------ once, and all


@both_ways
def test_an_outcome_is_written_once(client, open_tracker, write, make_outcome):
    outcomes = [make_outcome(n, params=PARAMS) for n in range(3)]
    write(outcomes[0], outcomes[0], outcomes[1])
    before = {run.info.run_id for run in runs(client, "child")}
    write(*outcomes)
    after = runs(client, "child")
    assert sorted(run.data.tags["trial"] for run in after) == ["0", "1", "2"]
    assert before < {run.info.run_id for run in after}
    assert len(runs(client, "parent")) == 1


@pytest.mark.usefixtures("through_client")
def test_an_outcome_is_written_once_with_more_runs_than_a_page(client, write, make_outcome, monkeypatch):
    write(*(make_outcome(n, params=PARAMS) for n in range(5)))
    search = client.search_runs
    monkeypatch.setattr(type(client), "search_runs", lambda self, *a, **k: search(*a, max_results=2, **k))
    write(*(make_outcome(n, params=PARAMS) for n in range(6)))
    monkeypatch.undo()
    assert sorted(run.data.tags["trial"] for run in runs(client, "child")) == list("012345")


@both_ways
def test_the_best_score_so_far_is_written_once_however_often_a_study_goes_on(client, open_tracker, make_outcome):
    outcomes = [make_outcome(n, scores=(score,)) for n, score in enumerate((-3.0, -5.0, -2.0, -1.0))]
    for last in (2, 3, 4):
        tracker = open_tracker(scoring="neg_mean_absolute_error")
        for outcome in (*outcomes[1:last], outcomes[0]):
            tracker.record(outcome, -0.75)
        tracker.flush()
        (parent,) = runs(client, "parent")
        steps = {n: max(o.score for o in outcomes[: n + 1]) for n in range(last)}
        for name, sign in (("best_score", 1), ("best_mean_absolute_error", -1)):
            written = client.get_metric_history(parent.info.run_id, name)
            assert sorted((m.step, m.value) for m in written) == [(n, sign * score) for n, score in steps.items()]
            assert client.get_run(parent.info.run_id).data.metrics[name] == sign * steps[last - 1]
        tracker.end("KILLED")


@both_ways
def test_the_best_score_that_a_kill_has_left_out_is_written_by_the_next_run(
    client, open_tracker, make_outcome, monkeypatch
):
    def progress(*arguments):
        raise OSError("killed here")

    outcomes = [make_outcome(n, scores=(-3.0 + n,)) for n in range(3)]
    with monkeypatch.context() as patched:
        for writer in ("client", "sqlite"):
            patched.setattr(f"search.tracking.writers.{writer}.progress", progress)
        tracker = open_tracker()
        for outcome in outcomes:
            tracker.record(outcome, -0.75)
        with pytest.raises(TrackingError, match="killed here"):
            tracker.end("KILLED")
    assert len(runs(client, "child")) == 3
    tracker = open_tracker()
    for outcome in outcomes:
        tracker.record(outcome, -0.75)
    tracker.end("FINISHED")
    (parent,) = runs(client, "parent")
    assert series(client, parent, "best_score") == {0: -3.0, 1: -2.0, 2: -1.0}


@both_ways
@pytest.mark.parametrize("left", ["no metrics", "metrics"])
def test_a_child_run_cut_off_by_a_kill_is_written_again(client, write, make_outcome, left):
    write(make_outcome(0, params=PARAMS))
    (parent,), (whole,) = runs(client, "parent"), runs(client, "child")
    tags = {"mlflow.parentRunId": parent.info.run_id, "trial": "1"}
    cut = client.create_run(parent.info.experiment_id, tags=tags)
    if left == "metrics":
        client.log_metric(cut.info.run_id, "score", 99.0)
    client.update_run(parent.info.run_id, status="RUNNING")

    write(make_outcome(0, params=PARAMS), make_outcome(1, params=PARAMS))
    children = {run.data.tags["trial"]: run for run in runs(client, "child")}
    assert set(children) == {"0", "1"}
    assert children["0"].info.run_id == whole.info.run_id
    assert children["1"].info.run_id != cut.info.run_id
    assert children["1"].data.metrics["score"] == -0.375
    assert [run.info.run_id for run in runs(client, "child", deleted=True)] == [cut.info.run_id]
    assert {run.info.status for run in [*children.values(), *runs(client, "parent")]} == {"FINISHED"}


@both_ways
def test_runs_of_others_below_a_parent_ended_the_study_bug(client, write, make_outcome):
    """They have no number of a trial: `KeyError: 'trial'`."""
    write(make_outcome(0))
    (parent,) = runs(client, "parent")
    for tags in ({}, {"trial": "mine"}):
        client.create_run(parent.info.experiment_id, tags={"mlflow.parentRunId": parent.info.run_id} | tags)
    write(make_outcome(0), make_outcome(1))
    found = {run.data.tags.get("trial"): run.info.status for run in runs(client, "child")}
    assert found == {"0": "FINISHED", "1": "FINISHED", None: "RUNNING", "mine": "RUNNING"}


@both_ways
def test_a_child_run_that_nobody_will_end_goes_when_a_search_is_cut_short(client, open_tracker, make_outcome):
    tracker = open_tracker()
    tracker.record(make_outcome(0), -0.5)
    tracker.flush()
    (child,) = runs(client, "child")
    tags = dict(child.data.tags) | {"trial": "1"}
    client.create_run(child.info.experiment_id, tags=tags)
    tracker.end("KILLED")
    assert [run.data.tags["trial"] for run in runs(client, "child")] == ["0"]
    (late,) = runs(client, "child", deleted=True)
    assert (late.data.tags["trial"], late.info.status) == ("1", "KILLED")
    assert runs(client, "parent")[0].info.status == "KILLED"


def test_a_database_that_was_locked_for_a_while_ended_the_study_bug(
    client, folder, open_tracker, make_outcome, monkeypatch
):
    tracker = open_tracker()
    tracker.flush()
    monkeypatch.setattr(sqlite, "LOCK_SECONDS", 0.01)
    known, tries, twice = sqlite.write, [], threading.Event()

    def write(*arguments):
        tries.append(1)
        if len(tries) > 2:
            twice.set()
        known(*arguments)

    monkeypatch.setattr(sqlite, "write", write)
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            tracker.record(make_outcome(number), -0.5)
        assert twice.wait(60)
    tracker.end("FINISHED")
    assert sorted(run.data.tags["trial"] for run in runs(client, "child")) == ["0", "1", "2"]
    assert runs(client, "parent")[0].info.status == "FINISHED"


def test_a_registration_is_tried_again_when_the_database_was_locked(open_tracker, monkeypatch):
    tries = []

    def register(*arguments, **more):
        tries.append(1)
        if len(tries) < 3:
            raise sqlite3.OperationalError("database is locked")
        return RegisteredModel("x", 7)

    monkeypatch.setattr(models, "register", register)
    assert open_tracker().register(None, None, 0.0) == RegisteredModel("x", 7)
    assert len(tries) == 3


@both_ways
def test_another_study_id_makes_another_parent(client, write, make_outcome):
    write(make_outcome(params=PARAMS), study_id="one")
    write(make_outcome(params=PARAMS), study_id="two")
    parents = {run.data.tags["bpsearch.study"]: run.info.run_id for run in runs(client, "parent")}
    assert set(parents) == {"one", "two"}
    assert {run.data.tags["mlflow.parentRunId"] for run in runs(client, "child")} == set(parents.values())


@both_ways
@pytest.mark.parametrize("deleted", ["parent", "experiment"])
def test_what_was_deleted_in_mlflow_is_written_again(client, write, make_outcome, deleted):
    write(make_outcome(params=PARAMS))
    (parent,) = runs(client, "parent")
    experiment = parent.info.experiment_id
    assert holds(tracking.default_uri())
    if deleted == "parent":
        client.delete_run(parent.info.run_id)
        assert not holds(tracking.default_uri())
    else:
        client.delete_experiment(experiment)
    write(make_outcome(params=PARAMS))
    assert holds(tracking.default_uri())
    (parent,) = runs(client, "parent")
    children = {run.data.tags["mlflow.parentRunId"] for run in runs(client, "child")}
    assert parent.info.run_id in children


@both_ways
@pytest.mark.parametrize("status", ["FINISHED", "KILLED", "FAILED"])
def test_the_parent_does_not_stay_running(client, open_tracker, make_outcome, status):
    tracker = open_tracker()
    tracker.record(make_outcome(params=PARAMS), -0.5)
    tracker.end(status)
    assert not tracker._thread.is_alive()
    assert {run.info.status for run in runs(client, "parent")} == {status}
    assert {run.info.status for run in runs(client, "child")} == {"FINISHED"}


@both_ways
def test_a_store_does_not_hold_what_was_never_written(folder, mlflow):
    assert not holds(tracking.default_uri())
    assert not holds("sqlite:///none.db")
    assert not Path("none.db").exists()


def test_a_database_is_made_where_there_is_none(open_tracker, folder):
    open_tracker(uri="sqlite:///fresh.db").end("FINISHED")
    assert holds("sqlite:///fresh.db")
    assert [path.name for path in folder.glob("fresh.db*")] == ["fresh.db"]


# ---------------------------------------------------------------------------------------------------------------- the model


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Whole numbers, fractions with gaps, text, and dates."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "rooms": random.integers(1, 7, 60),
            "area": random.uniform(30, 200, 60).round(1),
            "town": random.choice(["Ulm", "Bonn", "Jena"], 60),
            "sold": pd.date_range("2024-02-28 12:00", periods=60, freq="D"),
        }
    )
    frame.loc[[1, 7, 30], "area"] = np.nan
    return frame


PREPARED = {
    "regression": {"numeric": "piecewise", "target_transform": "log"},
    "classification": {"numeric": "quantile", "categorical": "ordinal"},
}


@pytest.fixture(scope="module")
def fitted(table):
    """Fit a pipeline for a task."""

    def fitted(task: str = "regression"):
        price = 50.0 * table.rooms + 2 * table.area.fillna(100) + 30 * (table.town == "Ulm")
        y = price if task == "regression" else np.where(price > price.median(), "dear", "cheap")
        model = {"hidden_layer_sizes": [8], "max_iter": 20, "n_iter_no_change": 1, "tol": 1e9, "random_state": 0}
        return default_pipeline(task, model, PREPARED[task]).fit(table, np.asarray(y))

    return fitted


LOAD = """\
import json, pathlib, sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
def predict(model, path):
    try:
        return model.predict(pd.read_parquet(path)).tolist()
    except Exception as error:
        return str(error)
models = {uri: mlflow.pyfunc.load_model(uri) for uri in sys.argv[1:]}
paths = list(pathlib.Path().glob("*.parquet"))
print(json.dumps({uri: {path.stem: predict(model, path) for path in paths} for uri, model in models.items()}))
"""

ROWS = {
    "as in training": lambda rows: rows,
    "without a gap": lambda rows: rows.dropna(),
    "a gap in whole numbers": lambda rows: rows.assign(rooms=rows.rooms.where(rows.rooms != 2)),
    "a gap in texts": lambda rows: rows.assign(town=rows.town.where(rows.town != "Ulm")),
    "a new text": lambda rows: rows.assign(town="Rom"),
    "fractions that are whole": lambda rows: rows.assign(area=rows.area.fillna(0).astype(int)),
    "other order of columns": lambda rows: rows[rows.columns[::-1]],
    "one row": lambda rows: rows.head(1),
}


@pytest.mark.slow
def test_model_predicts_the_same_from_raw_rows_in_a_fresh_process(folder, open_tracker, fitted, table):
    pipelines = {"models:/x@champion": fitted("regression"), "models:/x/2": fitted("classification")}
    for study, pipeline in enumerate(pipelines.values(), start=1):
        tracker = open_tracker(f"study {study}", uri=stores.DEFAULT_URI)
        model = tracker.register(pipeline, table, -1.0)
        tracker.end("FINISHED")
        assert (model.name, model.version) == ("x", study)
        assert model.uri == ("models:/x@champion" if study == 1 else "models:/x/2")

    rows = {name: change(table.tail(40)) for name, change in ROWS.items()}
    for name, frame in rows.items():
        frame.to_parquet(f"{name}.parquet")
    environment = os.environ | {"MLFLOW_TRACKING_URI": "sqlite:///mlruns/mlflow.db"}
    command = [sys.executable, "-c", LOAD, *pipelines]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    predicted = json.loads(done.stdout.splitlines()[-1])
    for uri, pipeline in pipelines.items():
        assert predicted[uri] == {name: pipeline.predict(frame).tolist() for name, frame in rows.items()}


def test_registering_again_makes_another_version(client, mlflow, open_tracker, fitted, table):
    for version in (1, 2):
        tracker = open_tracker(f"study {version}")
        assert tracker.register(fitted(), table, -version).version == version
        tracker.end("FINISHED")
    (registered,) = client.search_registered_models()
    assert registered.aliases == {"champion": 1, "challenger": 2}
    parents = {run.data.tags["bpsearch.study"]: run.info.run_id for run in runs(client, "parent")}
    versions = {v.version: v.run_id for v in client.search_model_versions("name = 'x'")}
    assert versions == {1: parents["study 1"], 2: parents["study 2"]}
    assert {run.info.status for run in runs(client, "parent")} == {"FINISHED"}


@pytest.fixture
def point_mlflow(mlflow):
    """Set the tracking URI of this process for as long as a test takes."""
    yield mlflow.set_tracking_uri
    mlflow.set_tracking_uri(None)


def test_model_has_signature_and_example(open_tracker, mlflow, fitted, table, point_mlflow):
    tracker = open_tracker()
    tracker.register(fitted(), table, -1.0)
    tracker.end("FINISHED")
    point_mlflow(tracking.default_uri())
    info = mlflow.models.get_model_info("models:/x@champion")
    assert info.signature.inputs is None
    assert info.signature.outputs is not None
    assert [spec.name for spec in info.signature.params] == ["probabilities"]
    assert info.saved_input_example_info is not None
    assert len(mlflow.pyfunc.load_model("models:/x@champion").input_example) in range(1, inputs.EXAMPLE_ROWS + 1)
    assert info.metadata["score"] == -1.0
    assert [column["name"] for column in info.metadata["columns"]] == list(table.columns)


@pytest.mark.parametrize("verdict", ["**Trial 3 is no better than the dummy predictor.**", ""])
def test_the_model_is_described_by_what_it_is_worth(client, open_tracker, fitted, table, verdict):
    tracker = open_tracker()
    tracker.register(fitted(), table, -1.0)
    tracker.finish(dataclasses.replace(REPORT, verdict=verdict))
    tracker.end("FINISHED")
    text = client.get_model_version_by_alias("x", "champion").description
    assert text.startswith(verdict)
    assert text.endswith("| yes |")
    assert text.count("| town | category |") == 1


@pytest.mark.parametrize("variable", [None, "sqlite:///elsewhere.db"])
def test_registering_changed_where_the_process_writes_next_bug(
    folder, mlflow, open_tracker, fitted, table, monkeypatch, variable
):
    """`mlflow.set_tracking_uri` also sets the environment variable: a second study went to another database."""
    if variable:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    before = mlflow.get_tracking_uri(), tracking.default_uri()
    tracker = open_tracker(uri=stores.DEFAULT_URI)
    tracker.register(fitted(), table, -1.0)
    assert (mlflow.get_tracking_uri(), tracking.default_uri()) == before
    assert mlflow.active_run() is None


# ------------------------------------------------------------------------------------------------------------------ trouble


def broken(name: str):
    def broken(*_, **__):
        raise RuntimeError(f"{name} is broken\nand a second line")

    return broken


@pytest.fixture
def break_client(mlflow, monkeypatch):
    """Let a method of MLflow's client fail from now on."""

    def break_client(method: str) -> None:
        monkeypatch.setattr(mlflow.MlflowClient, method, broken(method))

    return break_client


METHODS = ["get_experiment_by_name", "create_run", "log_batch", "set_terminated"]


@pytest.mark.usefixtures("through_client")
@pytest.mark.parametrize("method", METHODS)
def test_an_error_in_the_background_is_told_in_one_line(open_tracker, make_outcome, break_client, method):
    break_client(method)
    tracker = open_tracker()
    for number in range(3):
        tracker.record(make_outcome(number, params=PARAMS), -0.5)
    tracker.finish(REPORT)
    with pytest.raises(TrackingError) as error:
        tracker.end("FINISHED")
    assert (
        str(error.value) == f"MLflow at {tracking.default_uri()} could not be written: RuntimeError: {method} is broken"
    )
    assert not tracker._thread.is_alive()


@pytest.mark.usefixtures("through_client")
def test_flush_and_register_tell_it_too(open_tracker, make_outcome, break_client):
    break_client("log_batch")
    tracker = open_tracker()
    tracker.record(make_outcome(params=PARAMS), -0.5)
    for wait in (tracker.flush, tracker.flush, lambda: tracker.register(None, None, 0.0)):
        with pytest.raises(TrackingError, match="log_batch is broken"):
            wait()


@pytest.mark.usefixtures("through_client")
@pytest.mark.parametrize("method", METHODS)
def test_an_error_in_the_background_does_not_hide_one_of_the_search(folder, mlflow, make_outcome, break_client, method):
    break_client(method)
    tracker = MLflowTracker(tracking.default_uri())

    def search() -> None:
        with writing(tracker, Header("x", "one", {})):
            tracker.record(make_outcome(params=PARAMS), -0.5)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        search()
    assert not tracker._thread.is_alive()


@pytest.mark.usefixtures("through_client")
def test_nothing_is_written_after_an_error(client, open_tracker, make_outcome, monkeypatch, mlflow):
    tracker = open_tracker()
    tracker.record(make_outcome(0, params=PARAMS), -0.5)
    tracker.flush()
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "log_batch", broken("log_batch"))
        tracker.record(make_outcome(1, params=PARAMS), -0.5)
        with pytest.raises(TrackingError):
            tracker.flush()
    tracker.record(make_outcome(2, params=PARAMS), -0.5)
    with pytest.raises(TrackingError):
        tracker.end("FAILED")
    states = {run.data.tags["trial"]: run.info.status for run in runs(client, "child")}
    assert states == {"0": "FINISHED"}  # what was begun of trial 1 is written again by the next start

    tracker = open_tracker()
    for number in range(3):
        tracker.record(make_outcome(number, params=PARAMS), -0.5)
    tracker.end("FINISHED")
    states = {run.data.tags["trial"]: run.info.status for run in runs(client, "child")}
    assert states == dict.fromkeys("012", "FINISHED")


DAMAGED = {"text": b"not a database" * 100, "only a header": b"SQLite format 3\0" + b"\xff" * 5000}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_database_is_told_in_one_line(folder, open_tracker, make_outcome, content):
    path = folder / "damaged.db"
    path.write_bytes(content)
    tracker = open_tracker(uri=f"sqlite:///{path}")
    tracker.record(make_outcome(params=PARAMS), -0.5)
    with pytest.raises(TrackingError) as error:
        tracker.end("FINISHED")
    assert str(error.value).startswith(f"MLflow at sqlite:///{path} could not be written: ")
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content


@pytest.mark.usefixtures("through_client")
def test_mlflow_that_cannot_be_imported_let_flush_wait_for_ever_bug(open_tracker, monkeypatch, wait_for):
    """The writer ended before its first job, and nobody took the jobs that `flush` waits for."""

    def missing():
        raise ImportError("there is no MLflow")

    monkeypatch.setattr(library, "load", missing)
    tracker = open_tracker()
    wait_for(lambda: not tracker._jobs.unfinished_tasks or not tracker._thread.is_alive(), 10)
    assert not tracker._jobs.unfinished_tasks
    with pytest.raises(TrackingError, match="ImportError: there is no MLflow"):
        tracker.end("FINISHED")


@pytest.mark.parametrize("status", ["FINISHED", "KILLED"])
def test_ctrl_c_at_the_very_end_waited_for_a_store_that_is_gone_bug(open_tracker, monkeypatch, status):
    release, tracker = threading.Event(), open_tracker()
    tracker.flush()
    for writer in (sqlite, client_writer):
        monkeypatch.setattr(writer, "end", lambda *_: release.wait())
    monkeypatch.setattr(waiting, "silence", lambda uri, seconds: "does not answer")
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 60)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.2, signal.pthread_kill, [threading.get_ident(), signal.SIGINT]).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            tracker.end(status)
        assert tracker._given_up
    finally:
        signal.signal(signal.SIGINT, before)
        release.set()
        tracker._thread.join(60)
    assert not tracker._thread.is_alive()


def test_what_is_left_is_written_by_the_next_run_when_a_search_is_cut_short(
    open_tracker, client, monkeypatch, make_outcome
):
    """The run is ended all the same."""
    monkeypatch.setattr("search.tracking.tracker.CLOSING_SECONDS", 0.0)
    monkeypatch.setattr("search.tracking.tracker.CLOSING_LOOK", 0.05)
    writing, go_on, write = threading.Event(), threading.Event(), sqlite.write

    def slow(*arguments):
        writing.set()
        assert go_on.wait(60)
        write(*arguments)

    monkeypatch.setattr(sqlite, "write", slow)
    monkeypatch.setattr("search.tracking.tracker.BATCH_TRIALS", 1)
    tracker = open_tracker()
    for number in range(3):
        tracker.record(make_outcome(number, params=PARAMS), -0.5)
    tracker._hurry.set()
    assert writing.wait(60)
    threading.Timer(0.3, go_on.set).start()
    with suppress(TrackingError):
        tracker.end("KILLED")
    tracker._thread.join(60)
    assert [run.info.status for run in runs(client, "parent")] == ["KILLED"]
    assert [run.data.tags["trial"] for run in runs(client, "child")] == ["0"]
    tracker = open_tracker()
    for number in range(3):
        tracker.record(make_outcome(number, params=PARAMS), -0.5)
    tracker.end("FINISHED")
    assert sorted(run.data.tags["trial"] for run in runs(client, "child")) == ["0", "1", "2"]
    assert len(runs(client, "parent")) == 1


# ------------------------------------------------------------------------------------------------------------- before a run


GOOD = [
    "sqlite:///mlruns/mlflow.db",
    "sqlite:///new/mlflow.db",
    "sqlite:///{folder}/mlruns/mlflow.db",
]


@pytest.mark.parametrize("uri", GOOD)
def test_a_store_that_can_be_written_passes(folder, uri):
    before = Path("mlruns/mlflow.db").read_bytes()
    tracking.check(uri.format(folder=folder))
    assert Path("mlruns/mlflow.db").read_bytes() == before


def test_checking_made_an_empty_database_bug(folder):
    """A study that was refused right after left an empty file behind."""
    tracking.check("sqlite:///new.db")
    assert not Path("new.db").exists()


@pytest.mark.parametrize("status", [200, 204])
def test_a_server_that_answers_passes(serve, status):
    tracking.check(serve(status))
    tracking.check(serve(status) + "/")


BAD = {
    "folder": ("mlruns", "'mlruns' is not an MLflow store; allowed are sqlite:///"),
    "relative folder": ("./mlruns", "'./mlruns' is not an MLflow store"),
    "folder as URI": ("file:///some/mlruns", "'file:///some/mlruns' is not an MLflow store"),
    "file in the way": ("sqlite:///file/mlflow.db", "file/mlflow.db cannot be written"),
    "file further up": ("sqlite:///file/a/mlflow.db", "file/a/mlflow.db cannot be written"),
    "folder in the way": ("sqlite:///mlruns", "mlruns cannot be written: unable to open"),
    "no path": ("sqlite:///", "'' names no file"),
    "two slashes": ("sqlite://x.db", "sqlite://x.db"),
    "no database": ("sqlite:///file", "file cannot be written: file is not a database"),
    "no host": ("http://", "the MLflow server does not answer"),
    "no port": ("http://127.0.0.1:port", "the MLflow server does not answer"),
    "half an address": ("http://[::1", "http://[::1"),
    "closed port": (
        "http://127.0.0.1:{closed}",
        "does not answer ([Errno 111] Connection refused); start it, or name another store",
    ),
    "closed port, https": ("https://127.0.0.1:{closed}", "does not answer"),
    "not there": ("{404}", "does not answer (Not Found)"),
    "broken": ("{500}", "does not answer (Internal Server Error)"),
    "not HTTP": ("{0}", "does not answer"),
}


@pytest.mark.parametrize(("uri", "told"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_written_is_named_in_one_line(folder, serve, free_port, uri, told):
    Path("file").write_text("text" * 100)
    for status in (0, 404, 500):
        if f"{{{status}}}" == uri:
            uri = serve(status)
    uri = uri.replace("{closed}", str(free_port()))
    before = sorted(folder.rglob("*"))
    with old_objects_at_rest():
        with pytest.raises(StudyError) as error:
            tracking.check(uri)
        line = str(error.value)
        del error
        gc.collect()  # of what stays open, a warning here and not in some other test
    assert told in line
    assert "MLFLOW_TRACKING_URI" in line or "MLflow store" in line
    assert "\n" not in line
    assert sorted(folder.rglob("*")) == before


def test_a_database_that_stays_locked_is_named(folder, monkeypatch):
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(waiting, "PATIENCE", 0.0)
    with closing(sqlite3.connect("mlruns/mlflow.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            StudyError, match=r"mlflow\.db is locked by another program: waited 0 s; close the other program"
        ):
            tracking.check("sqlite:///mlruns/mlflow.db")
    tracking.check("sqlite:///mlruns/mlflow.db")


def test_checking_imports_no_mlflow(folder):
    code = """\
import sys
from search import StudyError, tracking
for uri in ("sqlite:///mlruns/mlflow.db", "mlruns", "http://127.0.0.1:1"):
    try:
        tracking.check(uri)
    except StudyError:
        pass
sys.exit("mlflow" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


# ------------------------------------------------------------------------------------------------------------- a real server


@pytest.fixture(scope="module")
def server(tmp_path_factory, empty_database):
    """An MLflow server on the loopback interface."""
    with served.server(tmp_path_factory.mktemp("server"), empty_database) as uri:
        yield uri


STUDY = """\
# A study of two trials.
name = "served"
data = { source = "sklearn:diabetes", task = "regression" }
model = { max_iter = 8 }
search = { method = "grid" }
[space]
hidden_layer_sizes = [[4], [8]]
"""


@pytest.mark.slow
def test_a_study_on_a_real_server(server, folder, mlflow, monkeypatch, point_mlflow, capsys):
    Path("served.toml").write_text(STUDY)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert cli.main(["tune", "served.toml"]) == 0
    client = mlflow.MlflowClient(server)
    champion = client.get_model_version_by_alias("served", "champion")
    experiment = client.get_experiment_by_name("served").experiment_id
    children = {run.data.tags.get("trial"): run for run in client.search_runs([experiment])}
    parent = children.pop(None)
    assert set(children) == {"0", "1"}
    assert {run.info.status for run in [parent, *children.values()]} == {"FINISHED"}
    assert champion.run_id == parent.info.run_id
    assert {f.path for f in client.list_artifacts(parent.info.run_id, "plots")} >= {"plots/history.png"}
    point_mlflow(server)
    assert mlflow.models.get_model_info("models:/served@champion").metadata["columns"][0]["name"] == "age"

    capsys.readouterr()
    assert cli.main(["tune", "served.toml"]) == 0
    assert "all 2 trials of this study are done" in capsys.readouterr().out
    assert client.get_model_version_by_alias("served", "champion").version == champion.version
    assert not list(folder.glob("mlruns/artifacts/*"))


def test_a_new_database_leaves_the_first_trials_alone(make_outcome, tmp_path, monkeypatch):
    happened = []

    def create(path, stopped):
        happened.append("tables")
        raise OSError("none here")

    monkeypatch.setattr("search.tracking.writers.schema.create", create)
    monkeypatch.setattr("search.tracking.tracker.HEAD_START", 60)
    opened = MLflowTracker(f"sqlite:///{tmp_path / 'mlflow.db'}")
    opened.begin(Header("x", "id", {}))
    opened.record(make_outcome(0), 0.0)
    time.sleep(0.2)
    happened.append("the study ends")
    with pytest.raises(TrackingError, match="none here"):
        opened.end("FINISHED")
    assert happened == ["the study ends", "tables"]


def test_a_database_that_is_there_is_opened_at_once(folder, monkeypatch):
    tracker = MLflowTracker(stores.DEFAULT_URI)
    with writing(tracker, Header("x", "first", {})):
        pass
    opened = threading.Event()

    def open_study(*args, open_study=sqlite.open_study):
        opened.set()
        return open_study(*args)

    monkeypatch.setattr("search.tracking.writers.sqlite.open_study", open_study)
    monkeypatch.setattr("search.tracking.tracker.HEAD_START", 60)
    with writing(tracker, Header("x", "second", {})):
        assert opened.wait(30)
