"""What MLflow is told of the data: what `mlflow.data` would have said, in both ways of writing, and no cell of it."""

import datetime
import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LinearRegression

from search import BPSearchCV, tracking
from search.study import data, facts, study_file
from search.tracking import stores
from search.tracking.contents import datasets
from search.tuning import tune

Y = np.array([1.5, 2.5])
COLUMNS = {
    "floats": [1.0, None],
    "whole": [1, 2],
    "texts": ["x", None],
    "truths": [True, False],
    "times": pd.to_datetime(["2020-01-01", None]),
    "dates": pd.Series([datetime.date(2020, 1, 1)] * 2),
    "small": np.array([1, 2], dtype="int8"),
    "single": np.array([1, 2], dtype="float32"),
    "categories": pd.Categorical(["u", "v"]),
    "with gaps": pd.array([1, None], dtype="Int64"),
    "objects": pd.Series(["a", "b"], dtype=object),
    "bytes": pd.Series([b"a", b"b"]),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of MLflow, about its own sources and whole numbers
def test_a_table_is_told_of_as_mlflow_does(mlflow):
    import mlflow.data

    table = pd.DataFrame(COLUMNS)
    own = datasets.of_table("a.csv", "12ab", datasets.local("a.csv"), table, Y, "price")
    known = mlflow.data.from_pandas(table.assign(price=Y), source="a.csv", name="a.csv", digest="12ab").to_dict()
    assert json.loads(own.schema) == json.loads(known["schema"])
    assert json.loads(own.profile) == json.loads(known["profile"])
    assert (own.name, own.digest, own.source_type, own.source) == ("a.csv", "12ab", "local", known["source"])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("X", [np.eye(2), np.eye(2, dtype="int8"), np.array(["a", "bb"])], ids=str)
def test_an_array_is_told_of_as_mlflow_does(mlflow, X):
    import mlflow.data

    own = datasets.of_arrays("x", "12ab", datasets.other("here"), X, Y)
    known = mlflow.data.from_numpy(X, targets=Y).to_dict()
    assert own.schema == known["schema"]
    profile = json.loads(known["profile"])
    assert json.loads(own.profile) == {name: value for name, value in profile.items() if not name.endswith("nbytes")}
    assert json.loads(own.source)["tags"] == {"mlflow.source.name": "here"}


OTHERS = {
    "sparse": csr_array(np.eye(2)),
    "texts": ["a", "b"],
    "ragged": [[1], [1, 2]],
    "dictionaries": [{"a": 1}, {"a": 2}],
    "numbers for names": pd.DataFrame(np.eye(2)),
    "durations": pd.DataFrame({"a": pd.to_timedelta([1, 2])}),
    "lists": pd.DataFrame({"a": [[1], [2]]}),
    "twice the same name": pd.DataFrame(np.eye(2), columns=["a", "a"]),
    "no target": np.eye(2),
}


@pytest.mark.parametrize("name", OTHERS)
def test_rows_of_any_kind_have_an_entry(name):
    X, y = OTHERS[name], None if name == "no target" else Y
    entry = datasets.of_rows(X, y)
    assert entry == datasets.of_rows(X, y)
    assert json.loads(entry.schema)
    if y is not None:
        assert entry.digest != datasets.of_rows(X, y[::-1]).digest


def test_wide_tables_are_cut_and_counted():
    n = datasets.LISTED_COLUMNS
    entry = datasets.of_table("x", "1", datasets.other("x"), pd.DataFrame(np.zeros((2, n + 5))), Y, "price")
    listed = json.loads(entry.schema)["mlflow_colspec"]
    assert (len(listed), listed[-1]["name"], listed[-2]["name"]) == (n, "price", str(n - 2))
    assert json.loads(entry.profile)["num_columns"] == n + 6
    wide = pd.DataFrame([range(30)] * 2, columns=[f"{i}{'ü' * 20_000}" for i in range(30)])
    entry = datasets.of_table("x", "1", datasets.other("x"), wide, Y, "price")
    assert len(entry.schema) < 1_048_575
    assert json.loads(entry.schema)["mlflow_colspec"][-1]["name"] == "price"


def entries(mlflow, name: str) -> list:
    """Return the data that are inputs of the parent runs of an experiment."""
    client = mlflow.MlflowClient(tracking.default_uri())
    found = client.search_runs([client.get_experiment_by_name(name).experiment_id], "tags.`bpsearch.kind` = 'study'")
    return [each for run in found for each in run.inputs.dataset_inputs]


def test_the_data_of_a_study_are_an_input_of_its_run(folder, mlflow, small_project):
    study = study_file.load(small_project(folder) / "small.toml")
    tune(study)
    tune(study.with_search(n_trials=3))
    (found,) = entries(mlflow, "small")
    assert (found.dataset.name, found.dataset.source_type) == ("homes.csv", "local")
    assert [tag.value for tag in found.tags] == ["training"]
    columns = json.loads(found.dataset.schema)["mlflow_colspec"]
    assert [column["name"] for column in columns] == ["area", "rooms", "price"]
    client = mlflow.MlflowClient(tracking.default_uri())
    (run,) = client.search_runs(
        [client.get_experiment_by_name("small").experiment_id], "tags.`bpsearch.kind` = 'study'"
    )
    assert found.dataset.digest == run.data.params["data_fingerprint"]
    assert json.loads(found.dataset.profile)["num_rows"] == 40


SOURCES = {
    "of scikit-learn": ('source = "sklearn:diabetes"', "code", "sklearn:diabetes"),
    "a database": (
        'source = "sqlite:///homes.db?table=sales"\ntarget = "price"',
        "code",
        "sqlite:///homes.db?table=sales",
    ),
    "a Parquet file": ('source = "homes.parquet"\ntarget = "price"', "local", "homes.parquet"),
    "a series": ('source = "homes.csv"\ntarget = "price"\nlags = 3', "local", "homes.csv"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources_of_all_kinds(folder, mlflow, small_project, kind):
    told, source_type, where = SOURCES[kind]
    small_project(folder, ('source = "homes.csv"\ntarget = "price"', told))
    table = pd.read_csv("homes.csv")
    table.to_parquet("homes.parquet")
    with closing(sqlite3.connect("homes.db")) as db:
        table.to_sql("sales", db)
    tune(study_file.load(folder / "small.toml"))
    (found,) = entries(mlflow, "small")
    assert found.dataset.source_type == source_type
    assert where in found.dataset.source
    assert mlflow.data.get_source(found) is not None


def test_passwords_are_in_no_entry(folder, small_project):
    study = study_file.load(small_project(folder) / "small.toml")
    dataset = data.load(study)
    secret = replace(
        study, data=study.data.model_copy(update={"source": "mysql://me:s3cret@host/db?table=a&key=s3cret"})
    )
    assert "s3cret" not in str(facts.entry(secret, dataset))
    assert "host/db?table=a" in facts.entry(secret, dataset).source


@pytest.mark.parametrize("named", [True, False])
def test_a_search_as_an_estimator_tells_of_its_rows(folder, mlflow, rows, named):
    X, y = rows()
    X = pd.DataFrame(X, columns=list("abcd")) if named else X
    search = BPSearchCV(
        LinearRegression(),
        {"fit_intercept": [True, False]},
        method="grid",
        cv=3,
        tracking=stores.default_uri(),
        study_name="x",
    )
    search.fit(X, y)
    (found,) = entries(mlflow, "x")
    assert ("mlflow_colspec" if named else "mlflow_tensorspec") in found.dataset.schema
    assert found.dataset.name == "data"
