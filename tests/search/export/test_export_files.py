"""An exported file is written at once or not at all, is loaded back before that, and works as its lines of Python say."""

import stat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from bpmodel import BPClassifier, BPRegressor
from bpmodel.export.agreement import TOLERANCE, difference
from bpmodel.preprocessing import TablePreprocessor
from search.commands import export
from search.errors import StudyError
from search.export import files, formats
from search.export.formats import FORMATS
from search.tracking.models.registry import Facts, Version

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "area": random.uniform(30, 200, 40),
            "wage": np.where(random.random(40) < 0.2, np.nan, 5.5),
            "new": random.random(40) < 0.5,
            "zip": random.integers(10, 14, 40),
            "town": random.choice(["Ulm", "Bonn", None], 40),
        }
    )


@pytest.fixture(scope="module")
def regressor(table) -> Any:
    network = BPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    return make_pipeline(TablePreprocessor(categorical_columns=["zip"]), network).fit(table, table["area"])


@pytest.fixture(scope="module")
def classifier(table) -> Any:
    network = BPClassifier((4,), max_iter=3, random_state=0)
    return make_pipeline(TablePreprocessor(categorical_columns=["zip"]), network).fit(
        table, np.where(table["area"] > 100, "dear", "cheap")
    )


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_the_verb_offers_the_formats():
    """It cannot import them: `bpsearch --help` is there at once."""
    import argparse

    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    assert next(action.choices for action in parser._actions if action.dest == "to") == (*FORMATS, export.TRIALS)


@pytest.mark.parametrize("task", ["regressor", "classifier"])
@pytest.mark.parametrize("name", FORMATS)
def test_lines_of_python_that_use_the_file(name, task, table, request):
    """They are run as they are printed."""
    model, example = request.getfixturevalue(task), table.head(5)
    written = files.write(model, Path(f"m.{name}"), name, example=example)
    assert (written.rows, written.size) == (5, Path(f"m.{name}").stat().st_size)
    assert written.difference == 0 if name != "onnx" else 0 < written.difference <= 1e-5
    assert names() == [f"m.{name}"]
    table.to_csv("new.csv", index=False)
    found: dict = {}
    exec("\n".join(written.usage), found)
    if name == "onnx":
        predicted = found["predict"]
        if task == "classifier":
            np.testing.assert_allclose(found["predict_proba"], model.predict_proba(table), atol=1e-5)
    else:
        predicted = found["model"].predict(table)
    if task == "regressor":
        assert difference(model.predict(table), predicted) <= TOLERANCE
    else:
        assert predicted.tolist() == model.predict(table).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lines_for_an_array(dtype, table):
    X = table[["area", "zip"]].to_numpy(dtype=np.float32).astype(np.float64)
    model = make_pipeline(StandardScaler(), BPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)).fit(
        X, X[:, 0]
    )
    written = files.write(model, Path("m.onnx"), "onnx", example=X[:5], dtype=dtype)
    pd.DataFrame(X).to_csv("new.csv", index=False)
    found: dict = {}
    exec("\n".join(written.usage), found)
    assert difference(model.predict(X), found["predict"]) <= TOLERANCE


def test_types_that_only_the_user_has_are_named_in_the_lines(regressor, table):
    written = files.write(regressor, Path("m.skops"), "skops")
    assert "trusted" not in written.usage[1]
    assert (written.difference, written.rows) == (None, 0)
    own = make_pipeline(FunctionTransformer(halved), LinearRegression()).fit(table[["area"]], table["area"])
    written = files.write(own, Path("own.skops"), "skops", example=table[["area"]])
    assert f'trusted=["{__name__}.halved"]' in written.usage[1]
    found: dict = {}
    exec("\n".join(written.usage), found)
    assert found["model"].predict(table[["area"]]).tolist() == own.predict(table[["area"]]).tolist()


def halved(X):
    return X / 2


def test_the_file_has_no_say_in_what_it_may_hold(regressor, table):
    """The types were read from the file that was to be checked."""
    other = make_pipeline(FunctionTransformer(halved), LinearRegression()).fit(table[["area"]], table["area"])
    FORMATS["skops"].write(other, Path("m"), "float32", {})
    with pytest.raises(TypeError, match="halved"):
        FORMATS["skops"].compare(Path("m"), regressor, None)


@pytest.mark.parametrize("name", FORMATS)
def test_an_existing_file_stays(name, regressor, classifier, table):
    files.write(regressor, Path("m"), name)
    before = Path("m").read_bytes()
    with pytest.raises(StudyError, match="--output m already exists; choose another file, or replace it with --force"):
        files.write(classifier, Path("m"), name)
    assert Path("m").read_bytes() == before
    files.write(classifier, Path("m"), name, force=True)
    assert Path("m").read_bytes() != before


def test_permissions_are_those_of_a_new_file(regressor):
    files.write(regressor, Path("m"), "joblib")
    Path("plain").touch()
    assert stat.S_IMODE(Path("m").stat().st_mode) == stat.S_IMODE(Path("plain").stat().st_mode)


@pytest.mark.parametrize(
    ("path", "told"),
    [("none/m", "--output none/m: there is no folder none"), (".", "--output .: is a folder; name a file")],
)
def test_no_such_folder(path, told, regressor):
    with pytest.raises(StudyError, match=f"^{told}$"):
        files.write(regressor, Path(path), "joblib")


def test_a_folder_that_cannot_be_written(regressor, monkeypatch):
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.writing, "_draft", refuse)
    with pytest.raises(StudyError, match=r"^--output m cannot be written: Permission denied; no file was written$"):
        files.write(regressor, Path("m"), "joblib")


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_nothing(name, regressor, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, name, FORMATS[name]._replace(write=full))
    with pytest.raises(StudyError, match=r"^disk full: m; no file was written$"):
        files.write(regressor, Path("m"), name)
    assert names() == []


def test_a_model_that_cannot_be_exported(table):
    """One line names the step; nothing is written."""
    X = table[["area", "zip"]].to_numpy()
    model = make_pipeline(PCA(), BPRegressor(max_iter=3, random_state=0)).fit(X, X[:, 0])
    with pytest.raises(
        StudyError, match=r"^--to onnx: the model cannot be exported: step 'pca': PCA cannot be exported; "
    ) as e:
        files.write(model, Path("m"), "onnx")
    assert "\n" not in str(e.value)
    assert names() == []


@pytest.mark.parametrize(
    ("name", "difference", "told"),
    [
        ("onnx", 1.1e-5, "by 1.1e-05; nothing was written. --dtype float64 computes as the model does"),
        ("onnx", np.nan, "by nan; nothing was written"),
        ("skops", np.inf, "by inf; nothing was written$"),
    ],
)
def test_other_predictions(name, difference, told, regressor, table, monkeypatch):
    Path("m").write_text("old")
    monkeypatch.setitem(FORMATS, name, FORMATS[name]._replace(compare=lambda *_: difference))
    with pytest.raises(StudyError, match=f"^--to {name}: the predictions of m would differ from the model's {told}"):
        files.write(regressor, Path("m"), name, example=table, force=True)
    assert (names(), Path("m").read_text()) == (["m"], "old")


def test_predictions_within_the_tolerance(regressor, table, monkeypatch):
    monkeypatch.setitem(FORMATS, "onnx", FORMATS["onnx"]._replace(compare=lambda *_: 1e-5))
    assert files.write(regressor, Path("m"), "onnx", example=table).difference == 1e-5


def test_numbers_that_single_precision_loses():
    """Seconds since 1970 have ten digits."""
    table = pd.DataFrame({"second": 1.7e9 + np.arange(40.0)})
    model = make_pipeline(TablePreprocessor(), BPRegressor(hidden_layer_sizes=(4,), max_iter=30, random_state=0)).fit(
        table, np.arange(40.0)
    )
    with pytest.raises(StudyError, match=r"nothing was written\. --dtype float64 computes as the model does"):
        files.write(model, Path("m"), "onnx", example=table)
    assert files.write(model, Path("m"), "onnx", example=table, dtype="float64").difference <= 1e-5


def test_another_model_in_the_file_is_noticed(regressor, classifier, table):
    """The comparison is one of predictions, and for classes of probabilities."""
    for name in ("skops", "joblib"):
        other = make_pipeline(classifier[0], BPClassifier((4,), max_iter=3, random_state=1)).fit(
            table, classifier.predict(table)
        )
        other[-1].classes_ = classifier.classes_
        FORMATS[name].write(other, Path("m"), "float32", {})
        assert FORMATS[name].compare(Path("m"), classifier, table) == np.inf
        FORMATS[name].write(classifier, Path("m"), "float32", {})
        assert FORMATS[name].compare(Path("m"), classifier, table) == 0


def test_missing_libraries(regressor, table, monkeypatch):
    monkeypatch.setattr(formats, "installed", lambda library: library != "onnx")
    with pytest.raises(StudyError, match=r'^--to onnx: the library onnx is missing: pip install "bpsearch\[onnx\]"$'):
        files.write(regressor, Path("m"), "onnx")
    monkeypatch.setattr(formats, "installed", lambda library: library != "onnxruntime")
    written = files.write(regressor, Path("m"), "onnx", example=table)
    assert (written.difference, written.rows) == (None, 0)
    wanted = "no, the library onnxruntime is missing: pip install onnxruntime, and export again"
    assert files.judged(written, "onnx") == wanted


def test_installed():
    assert formats.installed("numpy")
    assert not formats.installed("no_such_library")


def test_facts():
    version = Version("prices", 3, ("champion",), description="Better than the linear model.")
    known = Facts(version, {"target": "price"}, {"score": -1.23456789})
    assert files.facts_of(known) == {
        "model": "prices",
        "version": "3",
        "description": "Better than the linear model.",
        "target": "price",
        "score": "-1.23457",
    }
    assert files.facts_of(Facts(Version("prices", 3))) == {"model": "prices", "version": "3"}


def test_a_bug_of_ours_is_no_mistake_of_the_user(regressor, monkeypatch):
    """It had the exit code and the words of a model that cannot be exported."""

    def fail(*_, **__):
        raise KeyError("a bug")

    monkeypatch.setattr("bpmodel.export.to_onnx", fail)
    with pytest.raises(KeyError, match="a bug"):
        files.write(regressor, Path("m"), "onnx")
    assert names() == []


@pytest.mark.parametrize("name", ["skops", "joblib"])
def test_a_step_that_cannot_be_saved_is_named_by_its_library(name):
    model = make_pipeline(FunctionTransformer(lambda x: x), LinearRegression()).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(StudyError, match=rf"^--to {name}: the model cannot be exported: .*lambda"):
        files.write(model, Path("m"), name)
    assert names() == []
