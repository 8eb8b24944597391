"""A new version is the champion if it is better on the same folds, else the challenger; MLflow ranks models by their metrics."""

import dataclasses
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from search import tracking
from search.errors import StudyError
from search.tracking import Header, MLflowTracker, RegisteredModel, Report, library, listing, writing
from search.tracking.contents import datasets
from search.tracking.contents.entrants import DATA, FOLDS, SCORE, Entrant
from search.tracking.models import cards, champions, inputs, registration, registry

X, Y = np.arange(6.0).reshape(-1, 1), np.arange(6.0)
MODEL = LinearRegression().fit(X, Y)
ENTRANT = Entrant(-53.7, "neg_rmse", "rows", "folds", "RMSE", "53.7", 4, {"alpha": 0.5})
DOCS = (Path(__file__).parents[3] / "docs" / "models.md").read_text(encoding="utf-8")
DATA_ENTRY = datasets.of_rows(X, Y, "homes.csv")


@pytest.fixture(scope="session")
def files(mlflow, tmp_path_factory) -> Path:
    """The files of the model."""
    path, logged = tmp_path_factory.mktemp("files") / "model", SimpleNamespace(artifact_location="", model_id="m-1")
    with library.quiet():
        registration.write(path, MODEL, X, inputs.columns(MODEL, X, own=False), {}, "1" * 32, logged)
    return path


@pytest.fixture(autouse=True)
def written(files, monkeypatch) -> None:
    """Write the files of a model by copying those: making them anew takes longer than all requests."""
    monkeypatch.setattr(registration, "write", lambda path, *_, **__: shutil.copytree(files, path))


@pytest.fixture
def client(folder, mlflow):
    return mlflow.MlflowClient(tracking.default_uri())


def study(entrant: Entrant | None, name: str = "one", data=DATA_ENTRY, **metrics: float) -> RegisteredModel:
    """Track a study of this result; each is registered once."""
    header = Header("x", name, {}, result=lambda: name, data=data, entrant=lambda: entrant)
    tracker = MLflowTracker(tracking.default_uri())
    with writing(tracker, header):
        made = tracker.register(MODEL, X, -0.5)
        tracker.finish(Report({}, {"score": -1.0, "trials_ok": 2.0}, "what it found", "**Worth it.**", metrics))
    return made


def aliases(client) -> dict[str, int]:
    return {alias: int(number) for alias, number in client.get_registered_model("x").aliases.items()}


BESIDE = "cannot be compared with version 1, the champion: it "
OTHERS = {
    "better": ({"score": -53.6, "value": "53.6"}, "better than version 1 on the same folds: RMSE 53.6 against 53.7"),
    "equal": ({}, "not better than version 1 on the same folds: RMSE 53.7 against 53.7"),
    "worse": ({"score": -54, "value": "54"}, "not better than version 1 on the same folds: RMSE 54 against 53.7"),
    "other data": ({"score": -1.0, "data": "others"}, f"{BESIDE}was scored on other data"),
    "other folds": ({"score": -1.0, "folds": "others"}, f"{BESIDE}was scored on other folds"),
    "another metric": ({"score": 1.0, "scoring": "r2"}, f"{BESIDE}was scored by another metric (RMSE)"),
    "unknown": ({"folds": ""}, f"{BESIDE}is not known on which folds the new one was scored"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_second_version(client, kind):
    change, reason = OTHERS[kind]
    alias = "champion" if kind == "better" else "challenger"
    assert study(ENTRANT) == RegisteredModel("x", 1, "champion")
    assert aliases(client) == {"champion": 1}
    made = study(dataclasses.replace(ENTRANT, **change), "two")
    assert made == RegisteredModel("x", 2, alias, reason)
    assert made.uri == ("models:/x@champion" if alias == "champion" else "models:/x/2")
    assert aliases(client) == ({"champion": 2} if alias == "champion" else {"champion": 1, "challenger": 2})
    assert reason in client.get_model_version("x", "2").description


def test_a_champion_that_does_not_say_its_folds_stays(client):
    """Older releases wrote no such tags, so their champions stay until somebody promotes another version."""
    study(ENTRANT)
    for tag in (SCORE, FOLDS, DATA):
        client.delete_model_version_tag("x", "1", tag)
    made = study(ENTRANT, "two")
    assert (made.alias, made.reason) == (
        "challenger",
        "cannot be compared with version 1, the champion: it does not say on which folds it was scored",
    )


def gone_version(client):
    client.delete_model_version("x", "1")


def gone_files(client):
    shutil.rmtree(client.get_model_version("x", "1").source.removeprefix("file://"))


def gone_run(client):
    client.delete_run(client.get_model_version("x", "1").run_id)


def gone_alias(client):
    client.delete_registered_model_alias("x", "champion")


@pytest.mark.parametrize("remove", [gone_version, gone_files, gone_run, gone_alias])
def test_where_the_champion_is_gone_the_next_one_is_it(client, remove):
    study(ENTRANT)
    remove(client)
    made = study(dataclasses.replace(ENTRANT, score=-99.0), "two")
    assert (made.alias, aliases(client)["champion"]) == ("champion", made.version)
    if remove in (gone_files, gone_run):
        assert made.reason == "version 1, the champion until now, is gone"


def test_what_is_registered_again_stands_as_before(client):
    study(ENTRANT)
    worse = dataclasses.replace(ENTRANT, score=-60.0, value="60")
    for _ in range(2):
        assert study(ENTRANT).alias == "champion"
        assert study(worse, "two").alias == "challenger"
        assert aliases(client) == {"champion": 1, "challenger": 2}


@pytest.mark.parametrize("step", ["create_model_version", "set_registered_model_alias", "log_batch"])
def test_an_interrupted_registration_ends_as_if_it_had_not_been(client, mlflow, monkeypatch, step):
    study(ENTRANT, rmse=53.7)
    known = getattr(mlflow.MlflowClient, step)

    def cut(self, *arguments, **more):
        known(self, *arguments, **more)
        raise RuntimeError("cut")

    better = dataclasses.replace(ENTRANT, score=-50.0, value="50")
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, step, cut)
        with pytest.raises(tracking.TrackingError):
            study(better, "two", rmse=50.0)
    study(better, "two", rmse=50.0)
    assert aliases(client) == {"champion": 2}
    assert len(client.search_model_versions("name = 'x'")) == 2
    ranked = client.search_logged_models([client.get_experiment_by_name("x").experiment_id])
    assert sorted(len(model.metrics) for model in ranked) == [1, 1]


# -------------------------------------------------------------------------------------------------- what MLflow shows of it


def test_mlflow_ranks_models_by_their_metrics_on_the_data(client):
    for name, error in (("one", 53.7), ("two", 60.0), ("three", 51.5)):
        entrant = dataclasses.replace(ENTRANT, score=-error, value=f"{error}")
        study(entrant, name, root_mean_squared_error=error, score=-error, not_finite=float("nan"))
        study(entrant, name, root_mean_squared_error=error, score=-error)
    experiment = client.get_experiment_by_name("x").experiment_id
    on = {"dataset_name": DATA_ENTRY.name, "dataset_digest": DATA_ENTRY.digest}
    order = [{"field_name": "metrics.root_mean_squared_error", "ascending": True, **on}]
    ranked = client.search_logged_models([experiment], order_by=order)
    assert [{m.key: m.value for m in model.metrics} for model in ranked] == [
        {"root_mean_squared_error": error, "score": -error} for error in (51.5, 53.7, 60.0)
    ]
    assert {(m.dataset_name, m.dataset_digest) for model in ranked for m in model.metrics} == {tuple(on.values())}
    assert all(model.params == {"alpha": "0.5"} for model in ranked)
    found = client.search_logged_models([experiment], "metrics.root_mean_squared_error < 52", datasets=[on])
    assert [model.model_id for model in found] == [ranked[0].model_id]
    run = client.get_run(ranked[0].source_run_id)
    assert run.data.metrics == {"root_mean_squared_error": 51.5, "score": -51.5, "trials_ok": 2.0}
    assert len(client.get_metric_history(run.info.run_id, "root_mean_squared_error")) == 1, (
        "written twice, it is one point"
    )
    assert run.inputs.dataset_inputs[0].dataset.digest == DATA_ENTRY.digest


def test_people_read_what_a_model_is(client):
    study(ENTRANT)
    model, version = client.get_registered_model("x"), client.get_model_version("x", "1")
    assert model.description == cards.of_all("x")
    assert version.description == cards.of_version("x", 1, "**Worth it.**", "", DATA_ENTRY, "")
    assert "Trained on `homes.csv`: 6 rows, digest" in version.description
    assert "model = bpsearch.load_model('x', 1)" in version.description
    told = {"study": "x", "metric": "RMSE", "score": "53.7", "trial": "4", SCORE: "-53.7", DATA: "rows", FOLDS: "folds"}
    assert told.items() <= version.tags.items()
    client.update_registered_model("x", description="mine")
    study(ENTRANT, "two")
    assert client.get_registered_model("x").description == "mine"


# ------------------------------------------------------------------------------------------------------------------ promotion


def test_a_person_decides(client, command):
    study(ENTRANT)
    study(dataclasses.replace(ENTRANT, score=-60.0), "two")
    study(dataclasses.replace(ENTRANT, score=-70.0), "three")
    uri = tracking.default_uri()
    assert [registry.find(uri, "x").number, registry.find(uri, "x", "challenger").number] == [1, 3]
    done = command("promote", "x")
    assert (done.code, done.out) == (0, "models:/x/3 is the champion now; until now it was models:/x/1\n")
    assert aliases(client) == {"champion": 3}
    assert command("promote", "models:/x/2", "--json").document == {"model": "x", "version": 2, "before": 3}
    assert command("promote", "x", "--version", "2").out == "models:/x/2 is the champion already\n"
    kept = listing.kept(uri)["x"]
    assert (kept.champion.number, kept.challenger) == (2, None)
    assert champions.alias_of(uri, "x", 2) == "champion"
    assert champions.alias_of(uri, "x", 1) == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("x",), "model 'x' has no challenger; say --version N, allowed are 1"),
        (("x", "--version", "9"), "has no version 9; allowed are 1, champion"),
        (("y",), "there is no registered model 'y'"),
    ],
)
def test_what_cannot_be_promoted(client, command, arguments, told):
    study(ENTRANT)
    done = command("promote", *arguments)
    assert done.code == 2
    assert told in done.err


def test_what_the_list_shows(client, command):
    study(ENTRANT)
    study(ENTRANT, "two")
    (found,) = command("list", "--json").document["studies"]
    assert (found["champion"], found["challenger"]) == (1, 2)
    shown = command("show", "x", "--json").document
    assert [version["aliases"] for version in shown["versions"]] == [["champion"], ["challenger"]]
    assert "version 1, challenger 2" in command("list").out


def test_a_store_that_cannot_be_asked_for_files_keeps_its_champion(client, monkeypatch):
    study(ENTRANT)

    def unreachable(*_):
        raise OSError("no such bucket")

    with monkeypatch.context() as patch:
        patch.setattr(champions, "has_files", unreachable)
        assert study(ENTRANT, "two").alias == "challenger"


def test_what_the_documents_promise(client, command):
    study(ENTRANT, root_mean_squared_error=53.7)
    (snippet,) = [block for block in re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL) if "search_logged" in block]
    exec(snippet.replace("sqlite:///mlruns/mlflow.db", tracking.default_uri()), found := {})
    assert {metric.key: metric.value for metric in found["model"].metrics} == {"root_mean_squared_error": 53.7}
    table = DOCS.split("<!-- json: promote -->")[1].split("<!-- end -->")[0]
    told = command("promote", "x", "--version", "1", "--json").document
    assert set(re.findall(r"`([a-z_]+)`", table)) == set(told)


def test_promoting_asks_the_store(folder, mlflow):
    with pytest.raises(StudyError, match="there is no registered model"):
        champions.promote(tracking.default_uri(), "nothing")
    assert json.loads(DATA_ENTRY.profile)["features_shape"] == [6, 1]
