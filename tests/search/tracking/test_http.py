"""A model as MLflow serves it: over HTTP, in every format, and by the command that predicts from a file."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from bpmodel.preprocessing import TablePreprocessor
from search.tracking import Header, MLflowTracker
from tests.fuzz.parts import served

pytestmark = pytest.mark.slow  # a server takes ten seconds to start

N = 80
RANDOM = np.random.default_rng(5)
TABLE = pd.DataFrame(
    {
        "rooms": RANDOM.integers(1, 7, N),
        "area": RANDOM.uniform(30, 200, N).round(1),
        "town": RANDOM.choice(["Ulm", "Bonn", "Jena"], N),
        "zip": RANDOM.choice(["01067", "07743", "89073"], N),
        "garden": RANDOM.random(N) < 0.5,
        "sold": pd.Timestamp("2024-02-28") + pd.to_timedelta(RANDOM.integers(0, 900, N), "D"),
        "took": pd.to_timedelta(RANDOM.integers(1, 500, N), "m"),
    }
)
TABLE.loc[[1, 7, 30], "area"] = np.nan
TABLE.loc[[2, 7], "town"] = np.nan
PRICE = (
    50 * TABLE.rooms
    + TABLE.area.fillna(100)
    + 90 * (TABLE.zip == "01067")
    + 60 * TABLE.garden
    + 0.1 * RANDOM.normal(size=N)
)

ROWS = TABLE.tail(20)


def registered(folder, empty_database, pipeline, X):
    """Register a pipeline; return the folder of the model."""
    (folder / "mlflow.db").write_bytes(empty_database.read_bytes())
    tracker = MLflowTracker(f"sqlite:///{folder}/mlflow.db")
    tracker.begin(Header("x", "one", {}))
    tracker.register(pipeline, X, -1.0)
    tracker.end("FINISHED")
    (model,) = folder.glob("artifacts/x/models/*/artifacts")
    return model


@pytest.fixture(scope="module")
def pipeline():
    classes = np.where(PRICE.median() < PRICE, "dear", "cheap")
    return make_pipeline(TablePreprocessor(categorical_columns=["zip"]), LogisticRegression()).fit(TABLE, classes)


@pytest.fixture(scope="module")
def model(tmp_path_factory, empty_database, pipeline):
    return registered(tmp_path_factory.mktemp("model"), empty_database, pipeline, TABLE)


@pytest.fixture(scope="module")
def ask(model):
    """Ask a model that is really served; return the predictions, or the message of an error."""
    with served.model_server(str(model), model.parent) as uri:
        yield partial(served.asked, uri)


def in_json(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows in JSON types, as a client may send them: dates as texts, durations in seconds, nulls."""
    rows = rows.assign(sold=rows.sold.dt.strftime("%Y-%m-%d"), took=rows.took.dt.total_seconds())
    return rows.astype(object).where(rows.notna(), None)


def content(form: str, rows: pd.DataFrame):
    plain = in_json(rows)
    made = {
        "dataframe_records": lambda: plain.to_dict("records"),
        "dataframe_split": lambda: plain.to_dict("split"),
        "inputs": lambda: plain.to_dict("list"),
        "instances": lambda: plain.to_dict("records"),
    }
    return {form: made[form]()}


FORMS = ["dataframe_records", "dataframe_split", "inputs", "instances"]
CHANGES = {
    "as in training": lambda rows: rows,
    "one row": lambda rows: rows.head(1),
    "one row with missing values": lambda rows: TABLE.loc[[7]],
    "all of a column missing": lambda rows: rows.assign(town=None),
    "a new level": lambda rows: rows.assign(town="Rom"),
    "truth as numbers": lambda rows: rows.assign(garden=rows.garden.astype(int)),
    "truth in words": lambda rows: rows.assign(garden=rows.garden.map({True: "true", False: "false"})),
    "columns in another order": lambda rows: rows[rows.columns[::-1]],
    "additional columns": lambda rows: rows.assign(note="x"),
    "an optional column left out": lambda rows: rows.drop(columns="area"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_over_http_predicts_as_its_pipeline_in_every_format(ask, pipeline, change):
    """With a signature in which numbers are numbers, or any type, either CSV or JSON was refused for some of these."""
    rows = CHANGES[change](ROWS)
    expected = pipeline.predict(rows.assign(area=rows.get("area", np.nan))).tolist()
    assert {form: ask(content(form, rows)) for form in FORMS} == dict.fromkeys(FORMS, expected)
    assert ask(rows.to_csv(index=False), "text/csv") == expected


def test_inputs_as_a_list_of_rows(ask, pipeline):
    expected = pipeline.predict(ROWS).tolist()
    assert ask({"inputs": in_json(ROWS).to_numpy().tolist()}) == expected
    assert ask({"inputs": in_json(ROWS).to_dict("records")}) == expected
    unnamed = {"data": in_json(ROWS).to_numpy().tolist()}
    assert ask({"dataframe_split": unnamed}) == expected


def test_class_probabilities_over_http(ask, pipeline):
    found = ask(content("dataframe_records", ROWS) | {"params": {"probabilities": True}})
    assert list(found[0]) == ["cheap", "dear"]
    np.testing.assert_allclose([list(row.values()) for row in found], pipeline.predict_proba(ROWS), rtol=1e-12)
    asked = content("dataframe_records", ROWS) | {"params": {"probabilities": False}}
    assert ask(asked) == pipeline.predict(ROWS).tolist()


def test_what_is_wrong_is_said_over_http(ask):
    """MLflow's server tells the text of its own errors; of others only that something was unexpected, with a stack trace."""
    told = json.loads(ask(content("dataframe_records", ROWS.drop(columns="rooms"))))
    assert told["message"].endswith(
        "Error: the rows lack the column rooms; a value may be missing, but the column must be there"
    )
    assert "stack_trace" not in told
    asked = content("dataframe_records", ROWS) | {"params": {"probabilities": "often"}}
    assert "probabilities" in ask(asked)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_the_command_that_predicts_from_a_file(model, pipeline, tmp_path, kind):
    asked, told = tmp_path / f"rows.{kind}", tmp_path / "predictions.json"
    asked.write_text(ROWS.to_csv(index=False) if kind == "csv" else json.dumps(content("dataframe_split", ROWS)))
    command = [sys.executable, "-m", "mlflow", "models", "predict", "--model-uri", str(model), "--env-manager", "local"]
    command += ["--input-path", str(asked), "--content-type", kind, "--output-path", str(told)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(told.read_text()) == {"predictions": pipeline.predict(ROWS).tolist()}


def test_a_champion_of_whole_numbers_truncated_fractions_over_http_bug(mlflow, tmp_path, empty_database):
    """The type of the training array was a demand on all rows: fractions became whole numbers, without a word."""
    from mlflow.pyfunc.scoring_server import infer_and_parse_data  # late, because importing MLflow warns

    X = np.array([[51, 35], [71, 34], [63, 23], [44, 29], [66, 31], [50, 22]])
    tree = DecisionTreeClassifier(random_state=0).fit(X, [0, 1, 1, 0, 1, 2])
    served = mlflow.pyfunc.load_model(str(registered(tmp_path, empty_database, tree, X)))
    rows = [[57.9, 33.0], [50.5, 25.5], [50.5, 25.4]]
    parsed = infer_and_parse_data({"inputs": rows}, served.metadata.get_input_schema())
    assert served.predict(parsed).tolist() == tree.predict(rows).tolist()
    for given in (np.array(rows, dtype=np.float32), np.array(rows).astype(int), pd.DataFrame(rows), rows):
        assert served.predict(given).tolist() == tree.predict(np.asarray(given)).tolist()
