"""A small study, and what must be true of it once it is done, whatever happened on the way."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

from search.loop import journal
from search.tracking import library

TRIALS = 3
FILES = {"study.toml", "plots", "divergences.json"}
"""Some of those of the parent run."""

STUDY = """\
# A study of three trials.
name = "{name}"
data = {{ source = "rows.csv", target = "y", task = "regression" }}
model = {{ max_iter = 3 }}
cv = {{ n_splits = 2 }}
search = {{ method = "grid" }}
[space]
hidden_layer_sizes = [[2], [3], [4]]
"""


def prepare(folder: Path, name: str) -> str:
    """Write a study file and its rows into a folder; return the file's name."""
    lines = [f"{i % 7},{i * i % 11},{i % 7 + 0.5 * (i * i % 11)}" for i in range(40)]
    (folder / "rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    (folder / f"{name}.toml").write_text(STUDY.format(name=name))
    return f"{name}.toml"


@library.quiet()
def faults(uri: str, name: str, folder: Path) -> str | None:
    """Return what is wrong with a study that is done: its journal, its runs, its model; None if nothing is."""
    from mlflow import MlflowClient

    client = MlflowClient(uri, uri)
    stored = journal.read(folder / "studies" / f"{name}.journal")
    if stored is None or sorted(stored.outcomes) != list(range(TRIALS)):
        return f"the journal has the trials {stored and sorted(stored.outcomes)}"
    return of_runs(client, name) or of_model(client, uri, name)


def of_runs(client: Any, name: str) -> str | None:
    """Return what is wrong with the runs of a study."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return "there is no experiment"
    active = client.search_runs([experiment.experiment_id])
    open_ones = [
        r for r in client.search_runs([experiment.experiment_id], run_view_type=3) if r.info.status == "RUNNING"
    ]
    if open_ones:
        return f"still running: {sorted(run.info.run_name for run in open_ones)}"
    parents = [run for run in active if run.data.tags.get("bpsearch.kind") == "study"]
    if len(parents) != 1:
        return f"{len(parents)} parent runs"
    if parents[0].info.status != "FINISHED":
        return f"the parent run is {parents[0].info.status}"
    if not parents[0].data.params or "score" not in parents[0].data.metrics:
        return "the parent run lacks parameters or metrics"
    files = {file.path for file in client.list_artifacts(parents[0].info.run_id)}
    if not files >= FILES:
        return f"the parent run has only the files {sorted(files)}"
    children = [run for run in active if run not in parents]
    if {run.data.tags.get("mlflow.parentRunId") for run in children} != {parents[0].info.run_id}:
        return "a trial has another parent"
    trials = Counter(int(run.data.tags["trial"]) for run in children)
    if trials != Counter(range(TRIALS)):
        return f"runs of trials: {dict(trials)}"
    if not all(run.data.params and "score" in run.data.metrics for run in children):
        return "a trial lacks parameters or metrics"
    return None


def of_model(client: Any, uri: str, name: str) -> str | None:
    """Return what is wrong with the registered model of a study."""
    import mlflow

    experiment = client.get_experiment_by_name(name)
    versions = client.search_model_versions(f"name = '{name}'")
    if len(versions) != 1:
        return f"{len(versions)} versions of the model"
    champion = client.get_model_version_by_alias(name, "champion")
    if champion.version != versions[0].version or client.get_run(champion.run_id).info.lifecycle_stage != "active":
        return "the champion is another version, or of another run"
    models = client.search_logged_models([experiment.experiment_id])
    if [str(model.status) for model in models] != ["READY"]:
        return f"logged models: {[str(model.status) for model in models]}"
    outputs = client.get_run(champion.run_id).outputs
    if [output.model_id for output in outputs.model_outputs] != [models[0].model_id]:
        return "the model is no output of the parent run, or several times"
    if f"{champion.version}" not in models[0].tags.get("mlflow.modelVersions", ""):
        return "the logged model does not name its version"
    if champion.source != models[0].artifact_location:
        return "the version is of another logged model"
    before = mlflow.get_tracking_uri()
    try:
        mlflow.set_tracking_uri(uri)
        pipeline = mlflow.sklearn.load_model(f"models:/{name}@champion")
    finally:
        mlflow.set_tracking_uri(before)
    import pandas as pd

    predicted = pipeline.predict(pd.DataFrame({"a": [1, 2], "b": [3, 4]}))
    return None if all(map(math.isfinite, predicted)) else f"the champion predicts {predicted}"
