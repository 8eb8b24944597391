"""`bpsearch export`, from a registered model to a file."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest

from search import cli
from search.tracking.models import registration as models
from search.tracking.models import registry
from search.tracking.writers.client import connect
from search.trials.pipeline import default_pipeline

DOCS = (Path(__file__).parents[2] / "docs/studies.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    random = np.random.default_rng(5)
    area = random.uniform(30, 200, 60).round(1)
    towns = random.choice(["Ulm", "Bonn", "Jena"], 60)
    return pd.DataFrame({"area": area, "town": towns, "dear": np.where(area > 100, "yes, dear", "no")})


@pytest.fixture(scope="module")
def store(tmp_path_factory, empty_database, homes):
    """The URI of a store with one model; the current folder is its folder while tests run."""
    folder = tmp_path_factory.mktemp("exporting")
    uri = f"sqlite:///{shutil.copy(empty_database, folder / 'mlflow.db')}"
    homes.to_csv(folder / "homes.csv", index=False)
    model = default_pipeline("classification", {"hidden_layer_sizes": [4], "max_iter": 3, "random_state": 0})
    X = homes[["area", "town"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        client = connect(uri)
        run = client.create_run(client.create_experiment("dear", (folder / "artifacts").as_uri())).info.run_id
        client.log_metric(run, "score", -0.123456789)
        models.register(uri, "dear", run, model.fit(X, homes["dear"]), X, -0.123456789)
        yield uri


def test_files_of_each_format(store, capsys, homes):
    """What is printed after the blank line is Python that works."""
    homes.to_csv("new.csv", index=False)
    model, known = registry.load(store, "dear")
    for name in ("skops", "joblib", "onnx"):
        capsys.readouterr()
        assert cli.main(["export", "dear", "--to", name, "-o", f"m.{name}"]) == 0
        told, code = capsys.readouterr().out.split("\n\n")
        assert f"model:   {known.version.uri}\n" in told
        assert f"written: m.{name} ({Path(f'm.{name}').stat().st_size:,} bytes), " in told
        assert "checked: loaded back; it predicts the 5 rows of the model's example as the model does, to " in told
        found: dict = {}
        exec(code, found)
        predicted = found["predict"] if name == "onnx" else found["model"].predict(homes)
        assert predicted.tolist() == model.predict(homes).tolist()
    facts = {entry.key: entry.value for entry in onnx.load("m.onnx").metadata_props}
    assert (facts["model"], facts["version"]) == ("dear", "1")
    assert json.loads(facts["classes"]) == ["no", "yes, dear"]
    assert float(facts["score"]) == pytest.approx(known.metrics["score"], rel=1e-5)


def test_json_and_quiet(store, capsys):
    assert cli.main(["export", "dear", "--to", "onnx", "-o", "a.onnx", "--dtype", "float64", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["model"], made["version"], made["format"], made["written"]) == ("dear", 1, "onnx", "a.onnx")
    assert (made["bytes"], made["rows_checked"]) == (Path("a.onnx").stat().st_size, 5)
    assert 0 <= made["difference"] <= 1e-5
    table = DOCS.split("<!-- json: export -->")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[1:]
    assert sorted(made) == sorted(key for row in rows for key in re.findall(r"`([a-z_]+)`", row))
    assert any("float64" in line for line in made["usage"])
    assert cli.main(["--quiet", "export", "dear", "--version", "champion", "--to", "joblib", "-o", "a.joblib"]) == 0
    assert capsys.readouterr().out == "a.joblib\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["daer", "--to", "joblib", "-o", "x"], "there is no registered model 'daer' (did you mean dear?)"),
        (["dear", "--version", "7", "--to", "joblib", "-o", "x"], "model 'dear' has no version 7"),
        (["dear", "--to", "joblib", "-o", "none/x"], "--output none/x: there is no folder none"),
        (["dear", "--to", "joblib", "-o", "homes.csv"], "--output homes.csv already exists; choose another file"),
    ],
)
def test_mistakes(arguments, told, store, capsys):
    assert cli.main(["export", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {told}")
    assert error.count("\n") == 1
    assert not Path("x").exists()


def test_a_model_without_an_example(store, monkeypatch, capsys):
    """It is exported, and the command says that it was not checked."""
    from mlflow.models import Model

    def gone(*_: object) -> None:
        raise FileNotFoundError("no example")

    monkeypatch.setattr(Model, "load_input_example", gone)
    assert registry.example(store, registry.find(store, "dear")) is None
    assert cli.main(["export", "dear", "--to", "joblib", "-o", "b.joblib"]) == 0
    assert "checked: no, the model has no example rows\n" in capsys.readouterr().out
