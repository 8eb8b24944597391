"""Transformers of scikit-learn before a network are exported as they are; what cannot be is refused by name."""

from typing import Any

import imblearn.pipeline
import numpy as np
import pandas as pd
import pytest
from imblearn.under_sampling import RandomUnderSampler
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from bpmodel import BPClassifier, BPRegressor
from bpmodel.export import to_onnx
from bpmodel.export.activations import ACTIVATIONS, LINKS, NORMALIZATIONS
from bpmodel.export.agreement import TOLERANCE, disagreement, run
from bpmodel.export.refusal import NotExportable
from bpmodel.functions import activations, losses, normalization
from bpmodel.preprocessing import NormalScores, PiecewiseLinearEncoder, SmoothClipScaler, TablePreprocessor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::bpmodel.DivergenceWarning"
)


def network() -> BPRegressor:
    return BPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0)


@pytest.fixture(scope="module", name="X")
def some_rows() -> np.ndarray:
    rows = np.random.default_rng(0).normal([3.0, -20.0, 50.0], [1.0, 5.0, 10.0], (60, 3))
    return rows.astype(np.float32).astype(np.float64)


@pytest.fixture(scope="module")
def table(X) -> pd.DataFrame:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(X, columns=["a", "b c", "d"])
    return frame.assign(
        town=random.choice(["Ulm", "Bonn", "Jena"], 60, p=[0.6, 0.3, 0.1]),
        street=random.choice(["High", "Low", None], 60),
        floor=random.choice([1, 2, 3, 4], 60, p=[0.5, 0.3, 0.1, 0.1]),
        level=random.choice([0.1, 2.7, np.nan], 60),
        flag=random.random(60) < 0.5,
    )


def agree(model: Any, rows: Any) -> None:
    for dtype in ("float32", "float64"):
        assert disagreement(to_onnx(model, dtype=dtype), model, rows) <= TOLERANCE


SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    RobustScaler(),
    RobustScaler(with_centering=False),
    RobustScaler(with_scaling=False),
    MinMaxScaler((-1, 1)),
    MinMaxScaler(clip=True),
    MaxAbsScaler(),
    SmoothClipScaler(),
    NormalScores(),
    PiecewiseLinearEncoder(5),
    FunctionTransformer(),
    FunctionTransformer(np.abs),
    FunctionTransformer(np.square),
    make_pipeline(FunctionTransformer(np.abs), FunctionTransformer(np.log1p)),
    make_pipeline(FunctionTransformer(np.abs), FunctionTransformer(np.log)),
    make_pipeline(FunctionTransformer(np.abs), FunctionTransformer(np.sqrt)),
    make_pipeline(MinMaxScaler(), FunctionTransformer(np.exp)),
    make_pipeline(MinMaxScaler(), FunctionTransformer(np.expm1)),
    "passthrough",
]


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_scaler(scaler, X):
    """Beyond the rows of the fit, too."""
    model = make_pipeline(scaler, StandardScaler(), network()).fit(X, X[:, 0])
    agree(model, np.vstack([X, 8 * X[:9], -X[:9]]))


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
@pytest.mark.parametrize("scaler", [StandardScaler(), NormalScores(), PiecewiseLinearEncoder(4)], ids=str)
def test_imputed_numbers(strategy, scaler, X):
    gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    agree(make_pipeline(SimpleImputer(strategy=strategy), scaler, network()).fit(gaps, X[:, 0]), gaps)


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("keep_empty_features", [False, True])
def test_a_column_without_values(keep_empty_features, X):
    gaps = np.where(np.arange(3) == 1, np.nan, X)
    model = make_pipeline(SimpleImputer(keep_empty_features=keep_empty_features), network()).fit(gaps, X[:, 0])
    agree(model, gaps)
    agree(model, np.where(np.arange(3) == 1, 5.0, X))


@pytest.mark.parametrize("scaler", [NormalScores(), PiecewiseLinearEncoder(4), SmoothClipScaler()], ids=str)
def test_a_constant_column(scaler, X):
    constant = np.where(np.arange(3) == 1, 7.0, X)
    model = make_pipeline(scaler, network()).fit(constant, X[:, 0])
    agree(model, np.vstack([constant, X[:9]]))


def test_imputed_twice(X, table):
    """Nothing is missing for the second."""
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), SimpleImputer(strategy="constant", fill_value="High"), OneHotEncoder()
    )
    agree(make_pipeline(words, network()).fit(table[["street"]], table["a"]), table[["street"]])
    gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    agree(make_pipeline(SimpleImputer(), SimpleImputer(strategy="median"), network()).fit(gaps, X[:, 0]), gaps)


ENCODERS = [
    OneHotEncoder(),
    OneHotEncoder(drop="first"),
    OneHotEncoder(drop="if_binary"),
    OneHotEncoder(handle_unknown="ignore"),
    OneHotEncoder(max_categories=2, handle_unknown="infrequent_if_exist"),
    OneHotEncoder(max_categories=2, handle_unknown="warn"),
    OneHotEncoder(min_frequency=12, drop="first", handle_unknown="ignore"),
    OneHotEncoder(min_frequency=12, drop="first", handle_unknown="infrequent_if_exist"),
    OrdinalEncoder(encoded_missing_value=-2),
    OrdinalEncoder(encoded_missing_value=-2, handle_unknown="use_encoded_value", unknown_value=-1),
    OrdinalEncoder(encoded_missing_value=-2, handle_unknown="use_encoded_value", unknown_value=-1, max_categories=2),
]


@pytest.mark.filterwarnings("ignore:Found unknown categories")
@pytest.mark.parametrize("encoder", ENCODERS, ids=str)
def test_encoder_of_texts_numbers_and_truth_values(encoder, table):
    """With gaps and, where they are allowed, levels that the fit has not seen."""
    columns = ["town", "street", "floor", "level", "flag"]
    model = make_pipeline(ColumnTransformer([("e", encoder, columns)]), network()).fit(table, table["a"])
    rows = table.copy()
    if encoder.handle_unknown != "error":
        rows.loc[:9, ["town", "street"]] = "new"
        rows.loc[5:15, ["floor", "level"]] = 9
    assert disagreement(to_onnx(model, dtype="float64"), model, rows) <= TOLERANCE


def test_a_graph_cannot_refuse_a_new_level(table):
    """Where the encoders raise an error, it is no level or NaN."""
    linear = BPRegressor(hidden_layer_sizes=(), max_iter=3, random_state=0)
    new = {"town": np.array([["new"]], dtype=object)}
    ordinal = make_pipeline(OrdinalEncoder(), linear).fit(table[["town"]], table["a"])
    assert np.isnan(run(to_onnx(ordinal), new)["predict"]).all()
    onehot = make_pipeline(OneHotEncoder(), linear).fit(table[["town"]], table["a"])
    np.testing.assert_allclose(run(to_onnx(onehot), new)["predict"], onehot[-1].intercepts_[0], rtol=1e-6)


def test_encoder_first(table):
    model = make_pipeline(OneHotEncoder(), network()).fit(table[["town", "street"]], table["a"])
    agree(model, table[["town", "street"]])
    array = table[["town", "street"]].to_numpy(dtype=object)
    agree(make_pipeline(OneHotEncoder(), network()).fit(array, table["a"]), array)


def test_column_transformer(table):
    """Columns by name, position, slice, mask and type, one of them twice, and remainders."""
    made = ColumnTransformer(
        [
            ("names", make_pipeline(SimpleImputer(), StandardScaler()), ["level", "a"]),
            ("position", MinMaxScaler(), [1, -6]),
            ("range", RobustScaler(), slice("a", "d")),
            ("slice", "passthrough", slice(0, 2)),
            ("mask", MaxAbsScaler(), np.arange(8) == 5),
            ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["street"]),
            (
                "constant",
                make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), OrdinalEncoder()),
                ["street"],
            ),
            ("type", OneHotEncoder(), make_column_selector(dtype_include="bool")),
            ("gone", "drop", ["town"]),
            ("nothing", StandardScaler(), []),
        ]
    )
    model = make_pipeline(made, StandardScaler(), network()).fit(table, table["a"])
    exported = to_onnx(model)
    assert [i.name for i in exported.graph.input] == [name for name in table.columns if name != "town"]
    assert disagreement(exported, model, table) <= TOLERANCE
    rest = ColumnTransformer([("e", OneHotEncoder(), ["town", "street"])], remainder=StandardScaler())
    agree(make_pipeline(rest, network()).fit(table.drop(columns="level"), table["a"]), table.drop(columns="level"))
    nested = ColumnTransformer([("again", MinMaxScaler(), [2, 0])], remainder="passthrough")
    agree(
        make_pipeline(rest, nested, network()).fit(table.drop(columns="level"), table["a"]), table.drop(columns="level")
    )


def test_columns_of_an_array(X):
    made = ColumnTransformer([("s", StandardScaler(), [2]), ("m", MinMaxScaler(), slice(0, 2))])
    agree(make_pipeline(made, network()).fit(X, X[:, 0]), X)
    agree(make_pipeline(StandardScaler(), made, network()).fit(X, X[:, 0]), X)


def test_steps_that_return_tables(table):
    """They remember the names of their columns."""
    frame = table[["a", "b c", "level"]]
    model = make_pipeline(SimpleImputer(), StandardScaler(), network()).set_output(transform="pandas")
    agree(model.fit(frame, table["a"]), frame)


def test_steps_that_resample_are_left_out(X):
    y = (X[:, 0] > 3.5).astype(int)
    sampler = RandomUnderSampler(random_state=0)
    model = imblearn.pipeline.make_pipeline(
        StandardScaler(), sampler, BPClassifier((4,), max_iter=3, random_state=0)
    ).fit(X, y)
    agree(model, X)


TARGETS = [
    {"transformer": StandardScaler()},
    {"transformer": StandardScaler(with_mean=False)},
    {"transformer": MinMaxScaler((-1, 1))},
    {"func": np.log, "inverse_func": np.exp},
    {"func": np.log1p, "inverse_func": np.expm1},
    {},
]


@pytest.mark.parametrize("how", TARGETS, ids=str)
def test_transformed_target(how, X):
    inner = make_pipeline(StandardScaler(), network())
    model = TransformedTargetRegressor(inner, check_inverse=False, **how).fit(X, X[:, 0] + 9)
    agree(make_pipeline(MinMaxScaler(), model).fit(X, X[:, 0] + 9), X)


@pytest.mark.parametrize(
    "weights", [{"numbers": 3.0}, {"rest": 0.5, "other": 9.0}, {"towns": 2.0, "numbers": 0.0}], ids=str
)
def test_weights_of_a_column_transformer(weights, table, X):
    """The graph left them out: its predictions were those of another model."""
    parts = [
        (
            "numbers",
            make_pipeline(SimpleImputer(strategy="constant", fill_value=9.0), StandardScaler()),
            ["a", "level"],
        ),
        ("rest", "passthrough", ["d"]),
        ("towns", OneHotEncoder(), ["town"]),
    ]
    agree(make_pipeline(ColumnTransformer(parts, transformer_weights=weights), network()).fit(table, X[:, 0]), table)


def test_tables_have_each_row():
    """A new activation, output function or normalization needs an operator."""
    built_in = [row.name for row in activations.ACTIVATIONS.values() if row.value.__module__ == activations.__name__]
    assert list(ACTIVATIONS) == built_in
    assert set(LINKS) == {row.output for row in losses.LOSSES.values()}
    assert list(NORMALIZATIONS) == list(normalization.NORMALIZATIONS)


def fitted_around(step: Any, X: Any) -> Any:
    return make_pipeline(step, network()).fit(X, np.asarray(X)[:, 0])


REFUSED = [
    (lambda X, t: fitted_around(PCA(), X), "step 'pca': PCA cannot be exported; can be: ColumnTransformer, "),
    (
        lambda X, t: fitted_around(SimpleImputer(missing_values=-1), X),
        "step 'simpleimputer': SimpleImputer has missing_values=-1; only nan can be exported",
    ),
    (
        lambda X, t: fitted_around(SimpleImputer(add_indicator=True), X),
        "SimpleImputer has add_indicator=True; only False can be exported",
    ),
    (
        lambda X, t: fitted_around(FunctionTransformer(np.sin), X),
        r"FunctionTransformer has func=<ufunc 'sin'>; only None, np.exp, .*, np.absolute can be exported",
    ),
    (
        lambda X, t: fitted_around(FunctionTransformer(np.square, kw_args={"dtype": np.float64}), X),
        "FunctionTransformer has kw_args=.*; only None can be exported",
    ),
    (
        lambda X, t: make_pipeline(StandardScaler(), LinearRegression()).fit(X, X[:, 0]),
        "step 'linearregression': LinearRegression cannot be exported; can be: BPRegressor, .*, and a Pipeline",
    ),
    (
        lambda X, t: TransformedTargetRegressor(LinearRegression()).fit(X, X[:, 0]),
        "regressor: LinearRegression cannot be exported; can be: BPRegressor, ",
    ),
    (
        lambda X, t: TransformedTargetRegressor(network(), transformer=RobustScaler()).fit(X, X[:, 0]),
        "transformer: RobustScaler cannot be exported; can be: TargetTransformer, ",
    ),
    (
        lambda X, t: TransformedTargetRegressor(network(), func=np.cbrt, inverse_func=np.sin, check_inverse=False).fit(
            X, X[:, 0]
        ),
        "inverse_func=<ufunc 'sin'>; only None, ",
    ),
    (
        lambda X, t: TransformedTargetRegressor(
            network(), transformer=FunctionTransformer(inverse_func=np.abs, inv_kw_args={"dtype": np.float64})
        ).fit(X, X[:, 0]),
        "FunctionTransformer has inv_kw_args=.*; only None can be exported",
    ),
    (
        lambda X, t: make_pipeline(RobustScaler(), network()).fit(X * 1e200, X[:, 0]),
        "step 'robustscaler': the model has the number .*e.20[0-9], which float32 does not hold; dtype='float64' holds it",
    ),
    (
        lambda X, t: network().set_params(scale_input="minmax").fit(X * 1e-200, X[:, 0]),
        "the model has the scale .*e-200, which is 0 in float32; dtype='float64' holds it",
    ),
    (
        lambda X, t: network().set_params(scale_target=True).fit(X, X[:, 0] * 1e200),
        "the model has the number .*e.200, which float32 does not hold",
    ),
    (
        lambda X, t: network().set_params(scale_target=True).fit(X, X[:, 0] * 1e-200),
        "the model has the scale .*e-200, which is 0 in float32",
    ),
    (
        lambda X, t: TransformedTargetRegressor(network(), transformer=MinMaxScaler()).fit(X, X[:, 0] * 1e200),
        "the model has the scale .*e-20[0-9], which is 0 in float32",
    ),
    (
        lambda X, t: TransformedTargetRegressor(network(), transformer=StandardScaler()).fit(X, X[:, 0] * 1e-100),
        "the model has the scale .*e-10[0-9], which is 0 in float32",
    ),
    (
        lambda X, t: BPClassifier((4,), max_iter=3).fit(X, np.where(X[:, 0] > 3, 2.0**24 + 1, 0.0)),
        "the class 16777217.0 would become 16777216.0; can be exported: floats of double precision, with dtype='float64'",
    ),
    (
        lambda X, t: BPClassifier((4,), max_iter=3).fit(X, np.where(X[:, 0] > 3, 2**63, 0).astype(np.uint64)),
        "the class 9223372036854775808 would become -9223372036854775808; can be exported: int64",
    ),
    (
        lambda X, t: network().fit(t[["a", "d"]].rename(columns={"a": ""}), X[:, 0]),
        "a column has the empty text as its name, which an input cannot have; rename it and fit again",
    ),
    (
        lambda X, t: make_pipeline(StandardScaler(), TablePreprocessor(), network()).fit(X, X[:, 0]),
        "step 'tablepreprocessor': TablePreprocessor is not the first step; only columns of the table can be its input",
    ),
    (
        lambda X, t: network().fit(t[["a", "d"]].rename(columns={"a": "predict"}), X[:, 0]),
        "column 'predict' has the name of an output; rename it and fit again",
    ),
]


@pytest.mark.parametrize(("build", "message"), REFUSED, ids=[str(message) for _, message in REFUSED])
def test_refused(build, message, X, table):
    model = build(X, table)
    with pytest.raises(NotExportable, match=message) as caught:
        to_onnx(model)
    assert "\n" not in str(caught.value)


def test_what_single_precision_does_not_hold_is_exported_in_double_precision(X):
    """Targets, inputs and classes that an error sends there; the numbers next to them stay in single precision."""
    huge = network().set_params(scale_target=True, scale_input="standard").fit(X * 1e200, X[:, 0] * 1e200)
    assert disagreement(to_onnx(huge, dtype="float64"), huge, X * 1e200) <= TOLERANCE
    classes = BPClassifier((4,), max_iter=3).fit(X, np.where(X[:, 0] > 3, 2.0**24 + 1, 0.0))
    assert set(run(to_onnx(classes, dtype="float64"), {"X": X})["predict"]) <= {0.0, 2.0**24 + 1}
    agree(BPClassifier((4,), max_iter=3).fit(X, np.where(X[:, 0] > 3, 2.0**24, 0.0)), X)
    agree(network().set_params(scale_target=True).fit(X, X[:, 0] * 1e35), X)


def test_dates_are_refused_by_name(table):
    dated = table[["a"]].assign(sold=pd.date_range("2024-01-01", periods=len(table)))
    model = make_pipeline(TablePreprocessor(), network()).fit(dated, table["a"])
    wanted = (
        "step 'tablepreprocessor': column 'sold' is of kind 'date'; can be exported: number, truth, duration, category"
    )
    with pytest.raises(NotExportable, match=wanted):
        to_onnx(model)


def test_a_column_that_is_read_as_number_and_as_text(table):
    words = table[["a"]].assign(mark=np.resize(["1", "2"], len(table)))
    made = ColumnTransformer([("n", MinMaxScaler(), ["mark"]), ("t", OneHotEncoder(), ["mark"])])
    model = make_pipeline(made, network()).fit(words, table["a"])
    with pytest.raises(
        NotExportable, match="column 'mark' is read as a number and as text; an input can be one of them"
    ):
        to_onnx(model)


def test_levels_that_are_dates(table):
    dated = table[["a"]].assign(
        day=np.resize(np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[ns]"), len(table))
    )
    model = make_pipeline(ColumnTransformer([("t", OrdinalEncoder(), ["day"])]), network()).fit(dated, table["a"])
    with pytest.raises(
        NotExportable, match="the levels of 'day' are neither texts nor numbers; only these can be exported"
    ):
        to_onnx(model)


def test_texts_that_a_scaler_reads(table):
    words = table[["a"]].assign(mark=np.resize(["1", "2", None], len(table)))
    filled = make_pipeline(SimpleImputer(strategy="most_frequent"), StandardScaler())
    model = make_pipeline(ColumnTransformer([("n", filled, ["mark"])]), network()).fit(words, table["a"])
    with pytest.raises(NotExportable, match="column 'mark' holds texts, but a step reads it as a number"):
        to_onnx(model)


def test_a_registered_activation_is_refused_by_name(X, monkeypatch):
    """Only the process that registered it knows what it is."""
    model = BPRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, X[:, 0])
    model._activations = ["mine"]
    with pytest.raises(
        NotExportable, match="activation='mine' cannot be exported; can be: identity, logistic, tanh, relu, "
    ):
        to_onnx(model)
