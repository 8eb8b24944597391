"""Registering a model in the study's store, whatever the process tells MLflow; what is kept with it; what if it fails."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io
import yaml
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from bpmodel.preprocessing import TablePreprocessor
from search import StudyError, load_model, tracking
from search.search_cv import BPSearchCV
from search.tracking import Header, MLflowTracker, TrackingError, stores
from search.tracking.models import inputs, registry
from search.tracking.models import registration as models

TABLE = pd.DataFrame(
    {
        "rooms": [1, 2, 3, 4, 5, 6],
        "area": [30.5, np.nan, 80.0, 120.0, 50.0, 75.5],
        "town": ["Ulm", "Bonn", "Ulm", "Jena", "Bonn", "Ulm"],
        "sold": pd.date_range("2024-02-28 12:00", periods=6, freq="11D"),
        "took": pd.to_timedelta([90, 100, 110, 120, 130, 140], "m"),
    }
)
PRICES = np.array([1.0, 2.0, 4.0, 8.0, 3.0, 5.0])


@pytest.fixture(scope="module")
def pipeline():
    return make_pipeline(TablePreprocessor(), LinearRegression()).fit(TABLE, PRICES)


@pytest.fixture
def register(folder, mlflow, pipeline):
    """Track a study that registers one model; return where it is."""

    home = tracking.default_uri()

    def register(X=TABLE, model=pipeline, **more):
        tracker = MLflowTracker(home)
        tracker.begin(Header("x", "one", {}))
        try:
            return tracker.register(model, X, -1.0, **more)
        finally:
            tracker.end("FINISHED")

    return register


@pytest.fixture
def unset(mlflow, monkeypatch):
    """Forget at the end what a test has told MLflow."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    # MLflow has no way to say that there is no experiment any more
    monkeypatch.setattr(mlflow.tracking.fluent, "_active_experiment_id", None, raising=False)
    yield
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.sklearn.autolog(disable=True, silent=True)
    mlflow.set_tracking_uri(None)


def elsewhere(folder: Path) -> str:
    return f"sqlite:///{folder}/elsewhere.db"


def set_experiment(mlflow, uri):
    mlflow.set_tracking_uri(uri)
    return mlflow.set_experiment("mine")


def run_of_that_experiment(mlflow, uri):
    set_experiment(mlflow, uri)
    mlflow.start_run()


STATES = {
    "an experiment": set_experiment,
    "a run of an experiment": run_of_that_experiment,
    "another store": lambda mlflow, uri: mlflow.set_tracking_uri(uri),
    "a run": lambda mlflow, uri: (mlflow.set_tracking_uri(uri), mlflow.start_run()),
    "autologging": lambda mlflow, uri: mlflow.sklearn.autolog(silent=True),
}


def state(mlflow):
    run = mlflow.active_run()
    return (
        mlflow.get_tracking_uri(),
        mlflow.get_registry_uri(),
        run and run.info.run_id,
        {name: value for name, value in os.environ.items() if name.startswith("MLFLOW")},
    )


def written(mlflow, uri):
    """Return the names of what a store holds."""
    client = mlflow.MlflowClient(uri, uri)
    experiments = client.search_experiments()
    ids = [experiment.experiment_id for experiment in experiments]
    held = [len(client.search_runs(ids)), len(client.search_logged_models(ids)), len(client.search_registered_models())]
    return sorted(experiment.name for experiment in experiments), held


@pytest.mark.parametrize("store", ["the same store", pytest.param("another store", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", STATES)
def test_what_the_process_tells_mlflow_kept_models_from_being_registered_bug(
    folder, mlflow, register, pipeline, empty_database, unset, name, store
):
    """`mlflow.set_experiment`, the first line of most notebooks, ended a search after its last trial, without a model."""
    home = tracking.default_uri()
    if store == "another store":
        (folder / "elsewhere.db").write_bytes(empty_database.read_bytes())
    STATES[name](mlflow, elsewhere(folder) if store == "another store" else home)
    before = state(mlflow)
    others = written(mlflow, before[0]) if before[0] != home else None

    register()

    assert state(mlflow) == before
    if others is not None:
        assert written(mlflow, before[0]) == others
    client = mlflow.MlflowClient(home, home)
    experiment = client.get_experiment_by_name("x").experiment_id
    (parent,) = client.search_runs([experiment])
    assert parent.info.status == "FINISHED"
    (logged,) = client.search_logged_models([experiment])
    assert (logged.source_run_id, logged.status) == (parent.info.run_id, "READY")
    assert [output.model_id for output in parent.outputs.model_outputs] == [logged.model_id]
    version = client.get_model_version_by_alias("x", "champion")
    assert (version.run_id, version.source) == (parent.info.run_id, logged.artifact_location)
    assert json.loads(logged.tags["mlflow.modelVersions"]) == [{"name": "x", "version": version.version}]
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(version.source).predict(TABLE), pipeline.predict(TABLE))


@pytest.mark.parametrize(
    "name", ["MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID", "MLFLOW_ACTIVE_MODEL_ID"]
)
def test_the_environment_does_not_say_where_models_go(mlflow, register, monkeypatch, unset, name):
    monkeypatch.setenv(name, "123")
    register()
    assert written(mlflow, tracking.default_uri())[1] == [1, 1, 1]
    assert os.environ[name] == "123"


def test_a_registry_of_its_own_gets_the_model(folder, mlflow, register, pipeline, empty_database, monkeypatch, unset):
    """Where `models:/` addresses are looked up is a setting of the user's; a model elsewhere would not be found."""
    (folder / "elsewhere.db").write_bytes(empty_database.read_bytes())
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", elsewhere(folder))
    register()
    assert [written(mlflow, uri)[1] for uri in (tracking.default_uri(), elsewhere(folder))] == [[1, 1, 0], [0, 0, 1]]
    mlflow.set_tracking_uri(tracking.default_uri())
    assert mlflow.pyfunc.load_model("models:/x@champion").predict(TABLE).tolist() == pipeline.predict(TABLE).tolist()


def test_a_search_as_an_estimator_in_a_process_with_an_experiment(folder, mlflow, rows, unset):
    set_experiment(mlflow, tracking.default_uri())
    X, y = rows("regression")
    search = BPSearchCV(
        LinearRegression(),
        {"fit_intercept": [True, False]},
        method="grid",
        cv=3,
        tracking=tracking.default_uri(),
        study_name="x",
    )
    with mlflow.start_run():
        search.fit(X, y)
    champion = mlflow.sklearn.load_model("models:/x@champion")
    assert isinstance(champion, LinearRegression)
    np.testing.assert_array_equal(champion.predict(X), search.predict(X))
    client = mlflow.MlflowClient()
    runs = client.search_runs([client.get_experiment_by_name("x").experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}


# ----------------------------------------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize(
    ("method", "status"),
    [("create_logged_model", None), ("log_model_artifacts", "FAILED"), ("create_model_version", "READY")],
)
def test_a_model_that_could_not_be_registered_left_its_study_running_for_ever_bug(
    folder, mlflow, register, monkeypatch, method, status
):
    def broken(*_, **__):
        raise OSError(f"{method} is broken\nand a second line")

    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, method, broken)
        with pytest.raises(TrackingError) as error:
            register()
    told = f"MLflow at {tracking.default_uri()} could not be written: OSError: {method} is broken"
    assert str(error.value) == told
    client = mlflow.MlflowClient(tracking.default_uri())
    experiment = client.get_experiment_by_name("x").experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["FINISHED"]
    assert [model.status for model in client.search_logged_models([experiment])] == ([] if status is None else [status])


@pytest.mark.parametrize(("name", "refused"), [("a%20b", True), ("a%b", False), ("50%", False), ("a b", False)])
def test_a_model_in_a_folder_that_mlflow_decodes_could_not_be_loaded_bug(tmp_path, name, refused):
    """MLflow takes the path of a model for an address: it looked for a folder `a b` instead of `a%20b`."""
    uri = f"sqlite:///{tmp_path}/{name}/mlflow.db"
    if not refused:
        return stores.check(uri)
    with pytest.raises(
        StudyError, match="cannot load models from a folder with '%20' in its name; allowed are"
    ) as error:
        stores.check(uri)
    assert "\n" not in str(error.value)


# -------------------------------------------------------------------------------------------------------------- what is kept


@pytest.fixture(scope="module")
def kept(pipeline, tmp_path_factory, empty_database, mlflow):
    """A registered model's folder, and its version."""
    home = tmp_path_factory.mktemp("kept")
    (home / "mlflow.db").write_bytes(empty_database.read_bytes())
    uri = f"sqlite:///{home}/mlflow.db"
    tracker = MLflowTracker(uri)
    metadata = {"target": "price", "metrics": {"r2": 0.5}}
    tracker.begin(Header("x", "one", {"method": "grid"}, metadata=lambda model: metadata))
    tracker.register(pipeline, TABLE, -1.0)
    tracker.end("FINISHED")
    (folder,) = home.glob("artifacts/x/models/*/artifacts")
    return folder, mlflow.MlflowClient(uri)


def test_columns_and_metadata_are_kept_where_people_see_them(mlflow, kept):
    folder, client = kept
    info = mlflow.models.Model.load(str(folder))
    assert (info.metadata["score"], info.metadata["target"], info.metadata["metrics"]) == (-1.0, "price", {"r2": 0.5})
    known = {column["name"]: column for column in info.metadata["columns"]}
    assert list(known) == list(TABLE.columns)
    kinds = ["number", "number", "category", "date", "duration"]
    assert [column["kind"] for column in known.values()] == kinds
    assert [column["required"] for column in known.values()] == [True, False, True, True, True]
    assert known["town"]["levels"] == ["Bonn", "Jena", "Ulm"]
    assert known["took"]["example"] not in TABLE.took.dt.total_seconds().tolist()
    text = client.get_model_version_by_alias("x", "champion").description
    assert text.splitlines()[:3] == [
        *inputs.HEAD.splitlines(),
        f"| rooms | number | {known['rooms']['example']} | yes |",
    ]
    (logged,) = client.search_logged_models([client.get_experiment_by_name("x").experiment_id])
    assert logged.params == {}


def test_the_input_example_is_a_row_without_missing_values(mlflow, kept, pipeline):
    model = mlflow.pyfunc.load_model(str(kept[0]))
    assert model.input_example.notna().all(axis=None)
    assert np.isfinite(model.predict(model.input_example)).all()
    asked = json.loads((kept[0] / "serving_input_example.json").read_text())["dataframe_split"]
    assert list(map(type, asked["data"][0])) == [int, float, str, str, float]


def test_no_row_of_the_data_was_asked_for_and_five_went_with_each_model_bug(kept):
    """Twice: as the input example, and as that of the server; and the first one as the examples of the columns."""
    rows = {tuple(row) for row in TABLE.drop(columns=["town", "sold"]).astype(str).to_numpy().tolist()}
    texts = "".join(file.read_text(errors="replace") for file in kept[0].rglob("*example*.json"))
    assert rows
    assert "30.5" not in texts
    assert "2024-02-28" not in texts
    assert "2024-02-28" not in (kept[0] / "MLmodel").read_text() + (kept[0] / "columns.json").read_text()


def test_rows_of_the_data_are_kept_if_they_are_asked_for(pipeline):
    known = inputs.columns(pipeline, TABLE, own=True)
    assert {column["name"]: column["example"] for column in known}["took"] == 5400.0
    assert inputs.own_example(TABLE).iloc[0].tolist() == [1, 30.5, "Ulm", "2024-02-28T12:00:00", 5400.0]


def test_mlflow_gives_the_pipeline_itself_or_a_model_that_takes_any_rows(mlflow, kept, pipeline):
    folder, _ = kept
    assert repr(mlflow.sklearn.load_model(str(folder))) == repr(pipeline)
    model = mlflow.pyfunc.load_model(str(folder))
    assert repr(model.get_raw_model()) == repr(pipeline)
    assert model.predict(TABLE.assign(sold=TABLE.sold.astype(str))) == pytest.approx(pipeline.predict(TABLE))
    with pytest.raises(ValueError, match="probabilities = true, but this model has none"):
        model.predict(TABLE, params={"probabilities": True})


def test_a_table_without_complete_rows_has_an_example_of_the_first_values():
    table = pd.DataFrame({"a": [np.nan, 2.0], "b": ["x", None], "c": [None, None]})
    assert inputs.own_example(table).to_dict("records") == [{"a": 2.0, "b": "x", "c": None}]


@pytest.mark.parametrize("more", [0, 1])
def test_many_columns_are_cut_in_descriptions(more):
    n = inputs.LISTED_COLUMNS + more
    known = [{"name": f"c{i}", "kind": "number", "example": 1, "required": True} for i in range(n)]
    lines = inputs.markdown(known).splitlines()
    assert lines[-1] == (
        "and 1 more columns, in columns.json of the model" if more else f"| c{n - 1} | number | 1 | yes |"
    )
    known = [{"name": "c" * 900, "kind": "number", "example": 1, "required": True}] * 5
    assert len(inputs.markdown(known)) < models.LONGEST_DESCRIPTION
    assert inputs.markdown(known).endswith("and 1 more columns, in columns.json of the model")
    assert inputs.markdown([]) == ""


@pytest.mark.parametrize("more", [0, 1])
def test_long_lists_of_levels_are_counted(more):
    levels = [f"v{i}" for i in range(inputs.LISTED_LEVELS - 1 + more)] + ["01"]
    table = pd.DataFrame({"a": levels * 3})
    model = make_pipeline(TablePreprocessor(categorical_columns=["a"]), LinearRegression()).fit(
        table, range(len(table))
    )
    (column,) = inputs.columns(model, table)
    assert column["levels"] == (["01"] if more else sorted(levels))
    (shown,) = inputs.summary([column])
    assert shown.get("levels") == (None if more else sorted(levels))
    assert shown.get("n_levels") == (len(levels) if more else None)


# ------------------------------------------------------------------------------- what a store says is not believed


@pytest.fixture(scope="module")
def registered(tmp_path_factory, empty_database, pipeline):
    """Register a model; return the address of the store, the folder of the model, and a copy of it."""
    home = tmp_path_factory.mktemp("store")
    shutil.copy(empty_database, home / "mlflow.db")
    uri = f"sqlite:///{home}/mlflow.db"
    tracker = MLflowTracker(uri)
    tracker.begin(Header("x", "one", {}))
    tracker.register(pipeline, TABLE, -1.0)
    tracker.end("FINISHED")
    model = Path(registry._folder(uri, registry.find(uri, "x")))
    return uri, model, shutil.copytree(model, home / "copy")


@pytest.fixture
def stored(registered, folder, monkeypatch):
    """Return the address of a store, and the folder of a model that a test may change."""
    uri, model, copy = registered
    monkeypatch.setattr(stores, "DEFAULT_URI", uri)
    shutil.rmtree(model)
    shutil.copytree(copy, model)
    return uri, model


def rewrite(folder, **flavor):
    """Change what the file `MLmodel` says of the pipeline, as whoever can write to the store may."""
    file = folder / "MLmodel"
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    content["flavors"]["sklearn"] |= flavor
    file.write_text(yaml.safe_dump(content), encoding="utf-8")


def loaded(stored, **more):
    return registry.load(stored[0], "x", **more)[0]


def test_code_beside_a_model_was_run_and_its_list_of_types_believed_bug(stored, pipeline):
    _, folder = stored
    for name in ("evil_steps", "search", "sklearn", "skops", "numpy"):
        (folder / "code" / f"{name}.py").write_text("import pathlib; pathlib.Path('canary').touch()\n")
    for file in (folder / "code").rglob("__init__.py"):
        file.write_text("import pathlib; pathlib.Path('canary').touch()\n")
    assert loaded(stored).predict(TABLE).tolist() == pipeline.predict(TABLE).tolist()
    skops.io.dump(make_pipeline(FunctionTransformer(os.system), LinearRegression()), folder / "model.skops")
    rewrite(folder, skops_trusted_types=[f"{os.system.__module__}.system"])
    with pytest.raises(StudyError, match=r"^models:/x/1 is not loaded: it holds \w+\.system; "):
        loaded(stored)
    assert not Path("canary").exists()


def test_a_pickle_in_the_store_is_not_loaded(stored):
    _, folder = stored
    (folder / "model.pkl").write_bytes(pickle.dumps(Noticed()))
    for form in ("pickle", "cloudpickle", None):
        rewrite(folder, serialization_format=form, pickled_model="model.pkl")
        with pytest.raises(
            StudyError, match=r"models:/x/1 is stored as .*; allowed are models that are stored as skops"
        ):
            loaded(stored)
    rewrite(folder, serialization_format="skops")
    with pytest.raises(StudyError, match="models:/x/1: is no model in the skops format"):
        loaded(stored)


class Noticed:
    def __reduce__(self):
        return pytest.fail, ("the pickle was loaded",)


@pytest.mark.parametrize("path", ["../../elsewhere.skops", "/etc/passwd", "link", None])
def test_the_file_of_a_model_is_in_its_folder(stored, path):
    _, folder = stored
    (folder / "link").symlink_to("/etc/passwd")
    rewrite(folder, pickled_model=path)
    with pytest.raises(StudyError, match=r"^models:/x/1: its file "):
        loaded(stored)


@pytest.mark.parametrize(
    "content", ["", "[", "1", "flavors: 3", "flavors: {sklearn: 3}", "flavors: {python_function: {}}"]
)
def test_a_damaged_description_of_a_model_is_told_in_one_line(stored, content):
    _, folder = stored
    (folder / "MLmodel").write_text(content)
    with pytest.raises(StudyError, match="models:/x/1") as error:
        loaded(stored)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("metadata", [{"study": 3}, {"study": None}, {}])
def test_facts_that_are_none(stored, metadata):
    uri, folder = stored
    content = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
    (folder / "MLmodel").write_text(yaml.safe_dump(content | {"metadata": metadata}), encoding="utf-8")
    assert registry.load(uri, "x")[1].study == {}


def test_models_load_where_mlflow_loads_no_pickles_bug(stored, pipeline, monkeypatch):
    """MLflow counts skops among them, because it believes the model's own list of types."""
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    assert loaded(stored).predict(TABLE).tolist() == pipeline.predict(TABLE).tolist()
    assert load_model("x", 1).predict(TABLE).tolist() == pipeline.predict(TABLE).tolist()
    assert load_model("models:/x@champion").predict(TABLE).tolist() == pipeline.predict(TABLE).tolist()


def doubled(X):
    return 2 * X


def test_what_the_users_own_study_holds_is_named_by_the_user(register, command):
    own = make_pipeline(FunctionTransformer(doubled), LinearRegression()).fit(TABLE[["rooms"]], PRICES)
    register(X=TABLE[["rooms"]], model=own)
    TABLE[["rooms"]].to_csv("new.csv", index=False)
    name = f"{__name__}.doubled"
    refused = command("predict", "x", "new.csv")
    assert (refused.code, refused.out) == (2, "")
    assert f"--trust {name} " in refused.err
    predicted = command("predict", "x", "new.csv", "--trust", name)
    assert predicted.code == 0
    assert [float(line) for line in predicted.out.split()[1:]] == pytest.approx(own.predict(TABLE[["rooms"]]).tolist())
    exported = command("export", "x", "--to", "skops", "-o", "x.skops", "--trust", name)
    assert f'trusted=["{name}"]' in exported.out
    assert command("predict", "x", "new.csv", "--trust", "doubled").err.startswith("error: --trust 'doubled'; allowed")
