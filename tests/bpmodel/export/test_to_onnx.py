"""Exported models predict what the originals do: every row of the tables of options, every kind of target and column.

A new row of an option without an operator fails here.
"""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPEnsembleClassifier, BPEnsembleRegressor, BPRegressor
from bpmodel.export import to_onnx
from bpmodel.export.agreement import TOLERANCE, disagreement, inputs, run
from bpmodel.export.model import DTYPES
from bpmodel.functions.losses import CLASSIFICATION
from bpmodel.option import Option
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing import TablePreprocessor, TargetTransformer
from bpmodel.preprocessing.encodings import CATEGORICAL, NUMERIC
from bpmodel.preprocessing.options import COLUMNS, TARGETS

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::bpmodel.DivergenceWarning"
)

SAVED = Path(__file__).parents[1] / "saved"
MAX_ITER = 3

VALUES: dict[str, Any] = {
    "hidden_layer_sizes": [],
    "alpha": 0.1,
    "batch_size": 10,
    "learning_rate_init": 0.01,
    "power_t": 0.4,
    "max_iter": 2,
    "shuffle": False,
    "random_state": 1,
    "tol": 1e-3,
    "verbose": False,
    "warm_start": True,
    "momentum": 0.5,
    "nesterovs_momentum": False,
    "early_stopping": True,
    "validation_fraction": 0.2,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "epsilon": 1e-6,
    "n_iter_no_change": 2,
    "max_fun": 20,
    "init_gain": 0.5,
    "zero_last_layer": True,
    "dropout": 0.2,
    "input_noise": 0.1,
    "l1": 0.01,
    "weight_decay": 0.01,
    "max_norm": 1.0,
    "ema_decay": 0.9,
    "clip_threshold": 2.0,
    "rho": 0.8,
    "decay_rate": 0.4,
    "decay_epochs": 1,
    "warmup_epochs": 1,
    "dtype": "float64",
    "scale_target": True,
    "huber_delta": 0.5,
    "quantile": 0.9,
    "focal_gamma": 1.0,
    "label_smoothing": 0.1,
    "class_weight": "balanced",
}
"""Another value than the default of each option that is no choice between names."""


def cases(options: tuple[Option, ...]) -> list[tuple[str, Any]]:
    """Return each name of each choice, and a value of each other option."""
    return [(o.name, value) for o in options for value in (o.choices or [VALUES[o.name]])]


@pytest.fixture(scope="module", name="X")
def some_rows() -> np.ndarray:
    return np.random.default_rng(0).normal([2003.7, 0.0, 50.0], [5.0, 0.01, 1000.0], (60, 3))


@pytest.fixture(scope="module")
def y(X) -> np.ndarray:
    return np.exp((X - [2003.7, 0.0, 50.0]) / [5.0, 0.01, 1000.0] @ [0.5, 1.0, 0.3])


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Columns of every kind that ONNX can express, with gaps."""
    random, n = np.random.default_rng(1), 90
    return pd.DataFrame(
        {
            "year": random.normal(2003.7, 5.0, n),
            "wage": np.where(random.random(n) < 0.2, np.nan, random.lognormal(0, 3, n)),
            "nothing": np.nan,
            "count": random.integers(0, 4, n),
            "flag": random.random(n) < 0.4,
            "answer": random.choice(["yes", "no", None], n),
            "price": pd.Series(random.integers(1, 3000, n)).map("${:,}".format),
            "time": pd.to_timedelta(random.integers(0, 5000, n), unit="s"),
            "town": random.choice(["Ulm", "Bonn", "Jena", None], n, p=[0.4, 0.3, 0.2, 0.1]),
            "street": [f"{i} {word} Street" for i, word in enumerate(random.choice(["High", "Low"], n))],
            "code": random.choice([*range(8)], n, p=[0.3, 0.2, 0.2, 0.1, 0.05, 0.05, 0.05, 0.05]),
        }
    )


@pytest.fixture(scope="module")
def goal(table) -> np.ndarray:
    return (table["year"] - 2003 + 3 * table["flag"] + (table["town"] == "Ulm")).to_numpy()


@pytest.fixture(scope="module")
def new(table) -> pd.DataFrame:
    """Rows as they come: gaps everywhere, new levels, extreme values. Their numbers exist in single precision, too."""
    rows = table.sample(frac=1, random_state=0).reset_index(drop=True)
    rows["town"] = rows["town"].astype(object)
    rows["flag"] = rows["flag"].astype(object)
    rows.loc[:6, ["year", "flag", "answer", "price", "time", "town"]] = None
    rows.loc[7, ["town", "answer", "price"]] = ["Köln", "perhaps", "much"]
    rows.loc[8, "code"] = 99
    rows["year"] = rows["year"].astype(np.float32).astype(np.float64)
    rows["wage"] = rows["wage"].astype(np.float32).astype(np.float64)
    rows.loc[9:12, "wage"] = [np.inf, -np.inf, 1e30, -1e6]
    return rows


def single(X: np.ndarray, dtype: str) -> np.ndarray:
    """Return rows that exist in a precision."""
    return X.astype(dtype).astype(np.float64)


def check(model: Any, X: Any) -> None:
    """Check a model in both precisions."""
    for dtype in DTYPES:
        rows = single(X, dtype) if isinstance(X, np.ndarray) else X
        assert disagreement(to_onnx(model, dtype=dtype), model, rows) <= TOLERANCE


@pytest.mark.parametrize(("name", "value"), cases(REGRESSOR_OPTIONS))
def test_option_of_a_regressor(name, value, X, y):
    common = {"hidden_layer_sizes": (6, 4), "max_iter": MAX_ITER, "scale_input": "standard", "random_state": 0}
    check(BPRegressor(**{**common, name: value}).fit(X, y), X)


@pytest.mark.parametrize(("name", "value"), cases(CLASSIFIER_OPTIONS))
def test_option_of_a_classifier(name, value, X, y):
    common = {"hidden_layer_sizes": (6, 4), "max_iter": MAX_ITER, "scale_input": "standard", "random_state": 0}
    check(BPClassifier(**{**common, name: value}).fit(X, np.digitize(y, [0.7, 1.5])), X)


@pytest.mark.parametrize("categorical", CATEGORICAL)
@pytest.mark.parametrize("numeric", NUMERIC)
def test_encodings_of_a_table(numeric, categorical, table, goal, new):
    """With rows as they come, for numbers both as the fit has seen them and in single precision."""
    preprocessor = TablePreprocessor(
        numeric=numeric, categorical=categorical, categorical_columns=["code"], max_categories=4
    )
    model = make_pipeline(preprocessor, BPRegressor(hidden_layer_sizes=(6,), max_iter=MAX_ITER, random_state=0))
    model.fit(table, goal)
    assert disagreement(to_onnx(model), model, new) <= TOLERANCE
    assert disagreement(to_onnx(model, dtype="float64"), model, table) <= TOLERANCE


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("numeric", NUMERIC)
def test_numbers_that_single_precision_does_not_hold_are_missing(numeric, dtype, goal):
    """Some are too large as they are, others once they are divided by a scale below 1."""
    fitted = pd.DataFrame({"wage": np.linspace(0.001, 0.002, len(goal)), "year": np.arange(len(goal)) % 9.0})
    model = make_pipeline(TablePreprocessor(numeric=numeric), BPRegressor(max_iter=MAX_ITER, random_state=0))
    model.fit(fitted, goal)
    rows = pd.DataFrame({"wage": [np.nan, 1e30, -3e38, np.inf, 0.0015], "year": [1.0, 2.0, 3.0, 4.0, np.nan]})
    if dtype == "float64":
        rows.loc[1:2, "wage"] = [1e149, -1e151]
    else:
        rows["wage"] = rows["wage"].astype(np.float32).astype(np.float64)
    if numeric in ("standard", "minmax"):
        assert len(set(model.predict(rows.assign(year=1.0))[[0, 2, 3]])) == 1
    assert disagreement(to_onnx(model, dtype=dtype), model, rows) <= TOLERANCE


OTHER = {"n_bins": 2, "categorical_columns": ["count"], "max_categories": 2, "missing_indicator": False}
"""Another value than the default of each option of a table that is no choice between encodings."""


@pytest.mark.parametrize("name", [option.name for option in COLUMNS if not option.choices])
def test_option_of_a_table(name, table, goal, new):
    preprocessor = TablePreprocessor(**{"numeric": "piecewise", name: OTHER[name]})
    model = make_pipeline(preprocessor, BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(table, goal)
    assert disagreement(to_onnx(model), model, new) <= TOLERANCE


@pytest.mark.parametrize("target_transform", TARGETS)
@pytest.mark.parametrize("several", [False, True])
def test_transformed_targets(target_transform, several, X, y):
    """The largest prediction is bounded, which extreme rows reach."""
    transformer = TargetTransformer(target_transform=target_transform)
    network = BPRegressor(scale_input="standard", scale_target=True, max_iter=MAX_ITER, random_state=0)
    model = TransformedTargetRegressor(network, transformer=transformer, check_inverse=False)
    model.fit(X, np.c_[y - 1, 1e6 * y] if several else y - 1)
    check(model, np.vstack([X, 1e4 * X[:5]]))


def test_a_table_inside_of_a_transformed_target(table, goal, new):
    pipeline = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, random_state=0))
    model = TransformedTargetRegressor(pipeline, transformer=StandardScaler()).fit(table, goal)
    assert disagreement(to_onnx(model), model, new) <= TOLERANCE


TARGETS_OF_CLASSES = {
    "truth": lambda y: y > 1,
    "texts": lambda y: np.where(y > 1, "ja", "nein"),
    "objects": lambda y: np.where(y > 1, "ja", "nein").astype(object),
    "whole": lambda y: np.digitize(y, [0.5, 1.0, 2.0]).astype(np.int8) - 1,
    "floats": lambda y: np.digitize(y, [0.5, 2.0]) * 1.0,
    "multilabel": lambda y: np.c_[y > 1, y > 2, y < 0.5].astype(int),
    "one": lambda y: np.zeros(len(y), dtype=int),
}


@pytest.mark.parametrize("loss", CLASSIFICATION)
@pytest.mark.parametrize("kind", TARGETS_OF_CLASSES)
def test_classes(kind, loss, X, y):
    """Labels keep their type."""
    target = TARGETS_OF_CLASSES[kind](y)
    model = BPClassifier((6,), loss=loss, scale_input="standard", max_iter=20, random_state=0).fit(X, target)
    check(model, X)
    found = run(to_onnx(model), {"X": X.astype(np.float32)})
    assert list(found) == ["predict", "predict_proba"]
    assert [type(label) for label in found["predict"].ravel()[:1].tolist()] == [type(target.ravel()[:1].tolist()[0])]
    assert found["predict"].shape == target.shape


def test_members_share_the_rows(table, goal):
    """The columns are put together once, not once for each member."""
    counts = []
    for members in (1, 3):
        ensemble = BPEnsembleRegressor(BPRegressor(max_iter=1, random_state=0), n_members=members, random_state=0)
        exported = to_onnx(make_pipeline(TablePreprocessor(), ensemble).fit(table, goal))
        counts.append(sum(node.op_type == "Concat" for node in exported.graph.node))
    assert counts[0] == counts[1]


def test_the_only_class_is_predicted_whatever_its_probability(X):
    model = BPClassifier((), max_iter=1, scale_input="standard", random_state=0).fit(X, np.full(len(X), 7))
    model.intercepts_[0][:] = 9
    found = run(to_onnx(model), {"X": X.astype(np.float32)})
    assert set(found["predict"]) == set(model.predict(X)) == {7}
    np.testing.assert_array_equal(found["predict_proba"], np.ones((len(X), 1)))


@pytest.mark.parametrize("kind", ["truth", "whole", "multilabel"])
@pytest.mark.parametrize("members", [1, 3])
def test_ensemble_of_classifiers(kind, members, X, y):
    network = BPClassifier((6,), scale_input="standard", max_iter=MAX_ITER)
    model = BPEnsembleClassifier(network, n_members=members, random_state=0).fit(X, TARGETS_OF_CLASSES[kind](y))
    check(model, X)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("members", [1, 3])
def test_ensemble_of_regressors(members, several, X, y):
    network = BPRegressor(hidden_layer_sizes=(6,), scale_input="robust", scale_target=True, max_iter=MAX_ITER)
    model = BPEnsembleRegressor(network, n_members=members, random_state=0).fit(X, np.c_[y, 9 * y] if several else y)
    check(model, X)
    scalers = [
        node for node in to_onnx(make_pipeline(StandardScaler(), model).fit(X, y)).graph.node if node.op_type == "Clip"
    ]
    assert len(scalers) == members  # of `scale_input`: each member has its own


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_normalized_deep_network(normalization, dtype, X, y):
    """With scales, biases and running values that differ from those of the start."""
    model = BPRegressor(
        hidden_layer_sizes=(7, 5, 3),
        activation=["gelu", "selu", "mish"],
        normalization=normalization,
        dtype=dtype,
        scale_input="robust",
        learning_rate_init=0.05,
        max_iter=30,
        random_state=0,
    ).fit(X, y)
    check(model, np.vstack([X, 1e3 * X[:4]]))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", ["regressor", "classifier", "ensemble", "diverged", "repaired"])
def test_models_that_were_saved_long_ago(name):
    model = pickle.loads((SAVED / f"{name}.pkl").read_bytes())
    rows = np.random.default_rng(0).normal(size=(9, model.n_features_in_)).astype(np.float32).astype(np.float64)
    assert disagreement(to_onnx(model), model, rows) <= TOLERANCE


def test_inputs_are_the_columns(table, goal):
    model = make_pipeline(
        TablePreprocessor(categorical_columns=["code"]), BPRegressor(max_iter=MAX_ITER, random_state=0)
    ).fit(table, goal)
    exported = to_onnx(model, name="prices", description="What it costs.", metadata={"study": "prices"})
    tensor = onnx.TensorProto
    kinds = {i.name: i.type.tensor_type.elem_type for i in exported.graph.input}
    texts = ("town", "code")
    assert kinds == {
        name: tensor.STRING if name in texts else tensor.FLOAT for name in table.columns if name != "street"
    }
    for one in exported.graph.input:
        rows, width = one.type.tensor_type.shape.dim
        assert (rows.dim_param, width.dim_value) == ("n", 1)
    assert next(i.doc_string for i in exported.graph.input if i.name == "town") == "a text; the empty text is missing"
    facts = {entry.key: entry.value for entry in exported.metadata_props}
    assert facts["study"] == "prices"
    assert json.loads(facts["ignored"]) == ["street"]
    found = {one["name"]: one["kind"] for one in json.loads(facts["inputs"])}
    assert found["time"] == "duration"
    assert found["flag"] == found["answer"] == "truth"
    assert (exported.graph.name, exported.doc_string, exported.producer_name) == (
        "prices",
        "What it costs.",
        "bpsearch",
    )
    wide = to_onnx(model, dtype="float64")
    assert {i.type.tensor_type.elem_type for i in wide.graph.input} == {tensor.STRING, tensor.DOUBLE}


def test_only_standard_operators_of_one_opset(table, goal):
    model = make_pipeline(TablePreprocessor(), BPClassifier(max_iter=MAX_ITER, random_state=0)).fit(table, goal > 0)
    exported = to_onnx(model)
    assert {(entry.domain, entry.version) for entry in exported.opset_import} == {("", 17), ("ai.onnx.ml", 2)}
    assert {node.domain for node in exported.graph.node} == {"", "ai.onnx.ml"}
    assert {node.op_type for node in exported.graph.node if node.domain} == {"LabelEncoder"}
    assert exported.ir_version == 8
    facts = {entry.key: entry.value for entry in exported.metadata_props}
    assert json.loads(facts["classes"]) == [False, True]


def test_single_precision_has_no_double(table, goal):
    """Graphics processors do not know double precision."""
    model = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, dtype="float64")).fit(table, goal)
    exported = onnx.shape_inference.infer_shapes(to_onnx(model))
    inside = [*exported.graph.value_info, *exported.graph.output]
    kinds = {one.type.tensor_type.elem_type for one in inside} | {one.data_type for one in exported.graph.initializer}
    assert onnx.TensorProto.DOUBLE not in kinds
    assert onnx.TensorProto.FLOAT in kinds


def test_a_mean_far_from_zero_loses_no_digits():
    """Years around 2003.7 with a spread of 0.01: as one number in single precision, the mean is wrong by 6e-5."""
    years = np.random.default_rng(0).normal(2003.7, 0.01, (50, 1)).astype(np.float32).astype(np.float64)
    model = make_pipeline(StandardScaler(), BPRegressor(hidden_layer_sizes=(), max_iter=1, random_state=0)).fit(
        years, years[:, 0]
    )
    assert disagreement(to_onnx(model), model, years) <= TOLERANCE


def test_columns_named_as_operators(X, y):
    names = ["Mul_1", "constant_0", "Sub_0"]
    model = make_pipeline(StandardScaler(), BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(
        pd.DataFrame(X, columns=names), y
    )
    assert disagreement(to_onnx(model), model, pd.DataFrame(single(X, "float32"), columns=names)) <= TOLERANCE


def test_arrays_with_columns_of_several_kinds(table, goal):
    rows = table[["year", "town", "flag"]].to_numpy(dtype=object)
    model = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(rows, goal)
    exported = to_onnx(model, dtype="float64")
    assert [i.name for i in exported.graph.input] == ["x0", "x1", "x2"]
    assert disagreement(exported, model, rows) <= TOLERANCE


def test_tables_without_names_of_columns(X, y):
    """scikit-learn numbers columns whose names are no texts."""
    frame = pd.DataFrame(single(X, "float32"))
    for model in (
        make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, random_state=0)),
        make_pipeline(StandardScaler(), BPRegressor(max_iter=MAX_ITER, random_state=0)),
    ):
        assert disagreement(to_onnx(model.fit(frame, y)), model, frame) <= TOLERANCE


def test_a_column_that_is_named_as_a_matrix(X, y):
    frame = pd.DataFrame(single(X, "float32"), columns=["X", "Y", "Z"])
    model = make_pipeline(StandardScaler(), BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(frame, y)
    assert disagreement(to_onnx(model), model, frame) <= TOLERANCE


class Arrow:
    """A table that is not one of pandas."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame, self.shape = frame, frame.shape

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self.frame.__arrow_c_stream__(requested_schema)


def test_tables_of_others(table, goal):
    model = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(table, goal)
    exported = to_onnx(model)
    rows = inputs(exported, model, Arrow(table[table.columns[::-1]]))
    for name, values in inputs(exported, model, table).items():
        np.testing.assert_array_equal(rows[name], values)


def test_metadata_of_the_user_cannot_hide_the_inputs(X, y):
    exported = to_onnx(BPRegressor(max_iter=1, random_state=0).fit(X, y), metadata={"inputs": "none", "study": "x"})
    facts = {entry.key: entry.value for entry in exported.metadata_props}
    assert (facts["inputs"], facts["study"]) == ('[{"name": "X", "kind": "number"}]', "x")


def test_one_row_and_none(X, y):
    model = BPRegressor(max_iter=MAX_ITER, random_state=0).fit(X, y)
    exported = to_onnx(model)
    for rows in (0, 1):
        assert run(exported, {"X": X[:rows].astype(np.float32)})["predict"].shape == (rows,)


def test_what_counts_as_missing(table, goal):
    """Infinite numbers do, and truth values that are neither 0 nor 1: as `TablePreprocessor` has it."""
    columns = ["wage", "flag"]
    model = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(table[columns], goal)
    given = {"wage": [np.inf, -np.inf, np.nan, 1.0, 1.0, 1.0], "flag": [1.0, 1.0, 1.0, 2.0, 0.5, np.nan]}
    rows = {name: np.array(values, dtype=np.float32)[:, None] for name, values in given.items()}
    found = run(to_onnx(model), rows)["predict"]
    wanted = model.predict(pd.DataFrame({"wage": [None, 1.0], "flag": pd.Series([True, None], dtype=object)}))
    np.testing.assert_allclose(found, wanted.repeat(3), rtol=1e-5)


def test_a_level_that_is_the_empty_text(goal):
    """Then the empty text is that level, and nothing stands for a missing one."""
    plain = pd.DataFrame({"town": np.resize(["Ulm", "Bonn", None], len(goal))})
    empty = plain.fillna("")
    for frame, missing in ((plain, True), (empty, False)):
        model = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=20, random_state=0)).fit(frame, goal)
        found = run(to_onnx(model), {"town": np.array([[""], ["missing"]], dtype=object)})["predict"]
        wanted = model.predict(pd.DataFrame({"town": [None if missing else "", "missing"]}))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_inputs_of_written_numbers(table, goal):
    """Numbers and truth values that a table holds as texts are read."""
    model = make_pipeline(TablePreprocessor(), BPRegressor(max_iter=MAX_ITER, random_state=0)).fit(table, goal)
    rows = inputs(to_onnx(model), model, table.head(3))
    assert rows["price"].dtype == np.float32
    assert rows["price"].ravel().tolist() == [float(p.strip("$").replace(",", "")) for p in table["price"][:3]]
    assert rows["time"].ravel().tolist() == table["time"][:3].dt.total_seconds().tolist()


def test_a_search_is_exported_by_its_best_estimator(X, y):
    class Search:
        best_estimator_ = BPRegressor(max_iter=MAX_ITER, scale_input="standard", random_state=0).fit(X, y)

        def predict(self, X):
            return self.best_estimator_.predict(X)

    assert disagreement(to_onnx(Search()), Search(), single(X, "float32")) <= TOLERANCE


def test_an_unfitted_model():
    with pytest.raises(NotFittedError):
        to_onnx(BPRegressor())


def test_unknown_precision(X, y):
    with pytest.raises(ValueError, match="dtype='float16' is unknown; allowed are float32, float64"):
        to_onnx(BPRegressor(max_iter=1, random_state=0).fit(X, y), dtype="float16")


def test_without_onnx(X, y, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(ImportError, match=r'to_onnx needs the library onnx: pip install "bpsearch\[onnx\]"'):
        to_onnx(BPRegressor(max_iter=1, random_state=0).fit(X, y))


@pytest.mark.parametrize(("factor", "agrees"), [(1 + 0.9e-5, True), (1 + 1.1e-5, False)])
def test_agreement_has_a_limit(factor, agrees, X, y):
    """Just below and just above the tolerance."""
    model = BPRegressor(hidden_layer_sizes=(), dtype="float64", max_iter=MAX_ITER, random_state=0).fit(X, y)
    exported = to_onnx(model, dtype="float64")
    model.coefs_[0][:] *= factor
    model.intercepts_[0][:] *= factor
    assert (disagreement(exported, model, X) <= TOLERANCE) == agrees


def test_agreement_on_classes(X, y):
    """Another class counts, unless the original is undecided."""
    model = BPClassifier((), dtype="float64", max_iter=1, random_state=0).fit(X, y > 1)
    exported = to_onnx(model, dtype="float64")
    model.coefs_[0][:] = 0
    model.intercepts_[0][:] = 0
    undecided = to_onnx(model, dtype="float64")
    model.intercepts_[0][:] = 1e-6
    assert disagreement(undecided, model, X) < TOLERANCE
    assert disagreement(exported, model, X) > TOLERANCE
    model.intercepts_[0][:] = 1e-4
    assert disagreement(undecided, model, X) == 1
