"""The transformers take columns as they come, now and later, and give what their formulas say."""

import pickle

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import config_context
from sklearn.base import clone
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing import (
    NormalScores,
    PiecewiseLinearEncoder,
    RangeScaler,
    SmoothClipScaler,
    TablePreprocessor,
    TargetTransformer,
)
from bpmodel.preprocessing.columns import kind
from bpmodel.preprocessing.dates import DateEncoder
from bpmodel.preprocessing.encodings import CATEGORICAL, NUMERIC
from bpmodel.preprocessing.options import PREPROCESSING, TARGETS
from bpmodel.preprocessing.values import days

WAYS = [{"numeric": name} for name in NUMERIC] + [{"categorical": name} for name in CATEGORICAL]
MIXED = [{}, {"numeric": "piecewise", "categorical": "ordinal"}, {"numeric": "quantile", "missing_indicator": False}]
OWN = [
    *(TargetTransformer(target_transform=name) for name in TARGETS),
    NormalScores(),
    PiecewiseLinearEncoder(),
    RangeScaler(),
    SmoothClipScaler(),
    DateEncoder(),
]
COLUMN = np.random.default_rng(0).lognormal(0, 2, (400, 1))


def checks():
    for estimator in [*OWN, *(TablePreprocessor(**way) for way in MIXED)]:
        for instance, check in estimator_checks_generator(estimator):
            name = getattr(check, "func", check).__name__
            if name != "check_array_api_input":  # which skips itself
                yield pytest.param(instance, check, id=f"{estimator}-{name}")


@pytest.mark.parametrize(("estimator", "check"), list(checks()))
def test_scikit_learn_contract(estimator, check):
    check(clone(estimator))


def test_names_of_options_are_those_of_no_hyperparameter():
    assert not {o.name for o in PREPROCESSING} & {o.name for o in (*REGRESSOR_OPTIONS, *CLASSIFIER_OPTIONS)}


# ------------------------------------------------------------------------------------------------------ columns as they come

DATES = pd.to_datetime(["2024-01-31 06:00", "2024-02-29 18:00", None, "2025-12-31 06:00"])
COLUMNS = {
    "float": ([0.5, np.nan, 2.0, 1e30], "number"),
    "int": ([1, 2, 3, 4], "number"),
    "constant": ([7, 7, 7, 7], "number"),
    "empty": ([np.nan] * 4, "number"),
    "infinite": ([1.0, np.inf, -np.inf, 2.0], "number"),
    "nullable int": (pd.array([1, None, 3, 4], dtype="Int64"), "number"),
    "nullable float": (pd.array([1.5, None, 3.0, 4.0], dtype="Float32"), "number"),
    "number as object": (np.array([1, None, 2.5, 3], dtype=object), "number"),
    "bool": ([True, False, True, True], "truth"),
    "nullable bool": (pd.array([True, None, False, True], dtype="boolean"), "truth"),
    "bool as object": (np.array([True, None, False, True], dtype=object), "truth"),
    "text": (["a", None, "b", "a"], "category"),
    "text as object": (np.array(["a", None, "b", np.nan], dtype=object), "category"),
    "empty text": (pd.array([None] * 4, dtype="str"), "category"),
    "digits as text": (["01", "02", "10", "01"], "category"),
    "years as text": (["2021", "2022", "2021", "2023"], "number"),
    "months as text": (["2024-01", "2024-02", None, "2025-12"], "date"),
    "nearly months": (["2024-01", "2024-13", None, "2025-12"], "category"),
    "nearly dates": (["2024-01-31", "2024-02-30", "2024-03-01", "2024-03-02"], "category"),
    "mixed": (np.array([1, "b", None, 2.5], dtype=object), "category"),
    "nothing": (np.array([None] * 4, dtype=object), "category"),
    "category": (pd.Categorical(["x", None, "y", "x"]), "category"),
    "category of numbers": (pd.Categorical([3, 1, None, 3]), "category"),
    "date": (DATES, "date"),
    "date with zone": (DATES.tz_localize("Asia/Tokyo"), "date"),
    "date as text": (["2024-01-31", None, "2025-12-31T06:00", "2024-02-29 18:00:00+02:00"], "date"),
    "date as object": (np.array([d.date() if pd.notna(d) else None for d in DATES], dtype=object), "date"),
}
TABLE = pd.DataFrame({name: values for name, (values, _) in COLUMNS.items()})


@pytest.mark.parametrize("name", COLUMNS)
def test_kind(name):
    assert kind(TABLE[name]) == COLUMNS[name][1]


@pytest.mark.parametrize("way", MIXED, ids=str)
@pytest.mark.parametrize("name", COLUMNS)
def test_any_column_becomes_finite_numbers(name, way):
    frame = TABLE[[name]]
    preprocessor = TablePreprocessor(**way)
    Z = preprocessor.fit_transform(frame)
    assert Z.dtype == np.float32
    assert Z.flags.c_contiguous
    assert np.isfinite(Z).all()
    names = preprocessor.get_feature_names_out()
    assert Z.shape == (4, len(names))
    assert all(text.startswith(name) for text in names)
    np.testing.assert_array_equal(preprocessor.transform(frame), Z)
    np.testing.assert_array_equal(preprocessor.transform(frame.iloc[[2]]), Z[[2]])


LATER = {
    "missing": None,
    "text": "never seen",
    "number": 12.5,
    "number as text": "12.5",
    "truth": True,
    "date": pd.Timestamp("2031-01-01"),
    "infinite": -np.inf,
}


@pytest.mark.parametrize("way", MIXED, ids=str)
@pytest.mark.parametrize("name", COLUMNS)
def test_any_value_may_come_later(name, way):
    preprocessor = TablePreprocessor(**way).fit(TABLE[[name]])
    for told, value in LATER.items():
        Z = preprocessor.transform(pd.DataFrame({name: np.array([value], dtype=object)}))
        assert Z.shape == (1, len(preprocessor.get_feature_names_out())), told
        assert np.isfinite(Z).all(), told


SAME = {
    "another order of columns": lambda frame: frame[frame.columns[::-1]],
    "one more column": lambda frame: frame.assign(more=1),
    "objects": lambda frame: frame.astype(object),
    "texts in other types": lambda frame: frame.astype({"text": "category", "date": "str", "int": "Int16"}),
    "numbers as texts": lambda frame: frame.astype({"int": "str", "float": "str"}),
    "whole numbers as fractions": lambda frame: frame.astype({"int": float}),
}


@pytest.mark.parametrize("change", SAME)
def test_the_same_values_in_another_shape(change):
    frame = TABLE[["text", "float", "int", "bool", "date", "category of numbers"]]
    preprocessor = TablePreprocessor().fit(frame)
    np.testing.assert_array_equal(preprocessor.transform(SAME[change](frame)), preprocessor.transform(frame))


def test_what_is_no_table_is_told():
    preprocessor = TablePreprocessor().fit(TABLE[["int", "text"]])
    with pytest.raises(ValueError, match="X lacks columns that were present in fit: text"):
        preprocessor.transform(TABLE[["int"]])
    with pytest.raises(ValueError, match=r"Found a table with 0 feature\(s\)"):
        preprocessor.fit(TABLE[[]])
    with pytest.raises(ValueError, match="X has duplicate column names: int"):
        preprocessor.fit(TABLE[["int", "text", "int"]])


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_copies_transform_the_same(way):
    fitted = TablePreprocessor(**way).fit(TABLE)
    stored = skops.io.dumps(fitted)
    loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
    for copy in (pickle.loads(pickle.dumps(fitted)), loaded, clone(fitted).fit(TABLE)):
        np.testing.assert_array_equal(copy.transform(TABLE), fitted.transform(TABLE))


def test_output_as_a_table():
    preprocessor = TablePreprocessor().set_output(transform="pandas")
    frame = preprocessor.fit_transform(TABLE)
    assert list(frame.columns) == list(preprocessor.get_feature_names_out())


# ----------------------------------------------------------------------------------------------------------- numbers and gaps


@pytest.mark.parametrize("numeric", ["standard", "quantile", "piecewise"])
def test_a_setting_for_all_of_scikit_learn_changes_the_container_alone(numeric):
    """With ``transform_output="pandas"`` the parts once handed tables to each other, and their names did not fit."""
    frame = pd.DataFrame(
        {"a": [1.0, 2.0, None, 4.0], "d": ["2024-02-29", "2024-03-01", None, "2024-04-01"], "c": list("xyxy")}
    )
    plain = TablePreprocessor(numeric=numeric).fit(frame)
    with config_context(transform_output="pandas"):
        table = TablePreprocessor(numeric=numeric).fit(frame)
        for prepared in (table.transform(frame), TablePreprocessor(numeric=numeric).fit_transform(frame)):
            assert list(prepared.columns) == list(plain.get_feature_names_out())
            np.testing.assert_array_equal(prepared, plain.transform(frame))


@pytest.mark.parametrize("indicator", [True, False])
def test_numbers_are_filled_with_the_median_and_scaled(indicator):
    frame = pd.DataFrame({"area": [50.0, np.nan, 100.0, 90.0]})
    filled = np.array([50, 90, 100, 90])
    expected = ((filled - filled.mean()) / filled.std())[:, None]
    if indicator:
        expected = np.hstack([expected, [[0], [1], [0], [0]]])
    Z = TablePreprocessor(missing_indicator=indicator).fit_transform(frame)
    np.testing.assert_allclose(Z, expected, rtol=1e-6)


def test_gaps_of_all_kinds_have_their_own_columns():
    preprocessor = TablePreprocessor().fit(TABLE[["bool", "text", "nullable bool", "date", "int", "float"]])
    gaps = [name for name in preprocessor.get_feature_names_out() if name.endswith("_missing")]
    assert gaps == ["text_missing", "nullable bool_missing", "date_missing", "float_missing"]


def test_truth_values_become_0_and_1_and_the_more_frequent_fills():
    np.testing.assert_array_equal(
        TablePreprocessor().fit_transform(TABLE[["nullable bool"]]), [[1, 0], [1, 1], [0, 0], [1, 0]]
    )


def test_normal_scores_are_those_of_a_quantile_transformer_away_from_the_ends():
    column = np.random.default_rng(0).lognormal(0, 2, (6000, 1))
    scores = NormalScores().fit_transform(column)
    expected = QuantileTransformer(n_quantiles=6000, output_distribution="normal").fit_transform(column)
    inside = np.abs(expected) < 2
    np.testing.assert_allclose(scores[inside], expected[inside], atol=0.02)
    assert np.abs(scores).max() < 4


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_normal_scores_share_ranks(values):
    X = np.array(values, dtype=float)[:, None]
    ranks = (X > X.T).mean(axis=1) + (X == X.T).mean(axis=1) / 2
    scores = NormalScores().fit_transform(X)
    if len(set(values)) <= 10:
        np.testing.assert_allclose(scores[:, 0], norm.ppf(ranks), atol=1e-12)
    order = np.argsort(X[:, 0])
    assert (np.diff(scores[order, 0]) >= 0).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.integers(1, 8), st.floats(-2e6, 2e6))
def test_piecewise_code_counts_the_way_through_the_bins(values, n_bins, x):
    encoder = PiecewiseLinearEncoder(n_bins).fit(np.array(values)[:, None])
    code = (encoder.transform([[x]]) + encoder.mean_)[0]
    edges = encoder.bin_edges_[0]
    for share, low, high in zip(code, edges[:-1], edges[1:], strict=False):
        assert share == pytest.approx(0 if x <= low else 1 if x >= high else (x - low) / (high - low), abs=1e-6)
    assert np.allclose(encoder.transform(np.array(values)[:, None]).mean(axis=0), 0, atol=1e-9)


def test_an_outlier_stays_near_but_where_the_way_says_so():
    X = np.append(COLUMN, [[1e9]], axis=0)
    for name in ("robust", "quantile", "piecewise"):
        Z = TablePreprocessor(numeric=name).fit_transform(X)
        assert np.abs(Z).max() <= 3.1
        assert Z[:-1, 0].std() > 0.1


# -------------------------------------------------------------------------------------------------------- categories and dates


def test_a_missing_category_is_a_level_of_its_own():
    Z = TablePreprocessor().fit_transform(pd.DataFrame({"town": ["Ulm", None, "Bonn", "Ulm"]}))
    np.testing.assert_array_equal(Z, [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_numbers_that_are_codes():
    frame = pd.DataFrame({"season": [1, 2, 4, 1], "size": [1.0, 2.0, np.nan, 1.0]})
    preprocessor = TablePreprocessor(categorical_columns=["season", "size"]).fit(frame)
    names = ["season_1", "season_2", "season_4", "size_1", "size_2", "size_missing"]
    assert list(preprocessor.get_feature_names_out()) == names
    later = frame.astype({"season": float, "size": "str"}).replace({"size": {"1.0": "1"}})
    np.testing.assert_array_equal(preprocessor.transform(later.iloc[[0]]), [[1, 0, 0, 1, 0, 0]])
    with pytest.raises(ValueError, match="categorical_columns names month; the columns are season, size"):
        TablePreprocessor(categorical_columns=["month", "size"]).fit(frame)


@pytest.mark.parametrize(("way", "width"), [("onehot", 32), ("ordinal", 1)])
def test_rare_categories_share_a_level(way, width):
    names = [f"town {i:03}" for i in range(100)]
    preprocessor = TablePreprocessor(categorical=way)
    Z = preprocessor.fit_transform(pd.DataFrame({"town": names + names[:20]}))
    assert Z.shape == (120, width)
    rare = Z[50]
    assert sum(np.array_equal(row, rare) for row in Z) > 60
    if way == "onehot":
        np.testing.assert_array_equal(preprocessor.transform(pd.DataFrame({"town": ["new"]}))[0], rare)


def test_ordinal_levels_are_scaled():
    Z = TablePreprocessor(categorical="ordinal").fit_transform(pd.DataFrame({"size": ["a", "b", "c", "a"]}))
    codes = np.array([0, 1, 2, 0])
    np.testing.assert_allclose(Z[:, 0], (codes - codes.mean()) / codes.std(), rtol=1e-6)


@pytest.mark.parametrize("moment", ["1749-01-01", "1969-12-31 23:59", "1970-01-01", "2024-02-29 18:30", "2262-01-01"])
def test_parts_of_a_date(moment):
    date = pd.Timestamp(moment)
    first = pd.Timestamp("1700-03-07 12:00")
    encoder = DateEncoder().fit(days(pd.Series([first, date]))[:, None])
    parts = {"month": (date.month - 1) / 12, "weekday": date.weekday() / 7, "hour": date.hour / 24}
    expected = {"at_days": (date - first).total_seconds() / 86400}
    for name, share in parts.items():
        expected |= {f"at_{name}_sin": np.sin(2 * np.pi * share), f"at_{name}_cos": np.cos(2 * np.pi * share)}
    found = encoder.transform(days(pd.Series([date]))[:, None])[0]
    for name, value in zip(encoder.get_feature_names_out(["at"]), found, strict=True):
        assert value == pytest.approx(expected[name], abs=1e-9), name


def test_full_hours_are_hours_bug():
    """A third of them came out as the hour before: days and their fractions are rounded."""
    hours = pd.Series(pd.date_range("2026-11-25", periods=24 * 7, freq="h"))
    encoded = DateEncoder().fit_transform(days(hours)[:, None])
    np.testing.assert_allclose(encoded[:, -2], np.sin(2 * np.pi * hours.dt.hour / 24), atol=1e-9)


def test_dates_have_no_columns_for_what_does_not_vary():
    frame = pd.DataFrame({"at": pd.date_range("2024-03-04", periods=6, freq="7D")})
    names = TablePreprocessor().fit(frame).get_feature_names_out()
    assert list(names) == ["at_days", "at_month_sin", "at_month_cos"]


# -------------------------------------------------------------------------------------------------------------------- targets

TARGET_VALUES = {
    "skewed": np.random.default_rng(0).lognormal(0, 3, (50, 1)),
    "both signs and 0": np.array([[-1000.0], [-1.0], [0.0], [1.0], [1000.0]]),
    "two outputs": np.random.default_rng(0).lognormal(0, 2, (50, 2)) * [1, 1e6],
    "zeros": np.zeros((4, 1)),
    "tiny": np.array([[1e-300], [2e-300]]),
}


@pytest.mark.parametrize("transform", TARGETS)
@pytest.mark.parametrize("name", TARGET_VALUES)
def test_targets_come_back(name, transform):
    y = TARGET_VALUES[name]
    transformer = TargetTransformer(target_transform=transform)
    z = transformer.fit_transform(y)
    np.testing.assert_allclose(transformer.inverse_transform(z), y, rtol=1e-12)
    assert (np.argsort(z, axis=0, kind="stable") == np.argsort(y, axis=0, kind="stable")).all()
    np.testing.assert_allclose(transformer.fit_transform(-y), -z)


def test_log_target_does_not_depend_on_the_unit_and_takes_the_skew():
    y = TARGET_VALUES["skewed"]
    transformer = TargetTransformer(target_transform="log")
    z = transformer.fit_transform(y)
    np.testing.assert_allclose(transformer.fit_transform(1000 * y), z)
    assert z.max() / np.median(z) < 6 < 100 < y.max() / np.median(y)


@pytest.mark.parametrize("far", [1e3, 1e300, np.inf])
def test_predictions_of_a_log_target_stay_finite(far):
    transformer = TargetTransformer(target_transform="log").fit(TARGET_VALUES["both signs and 0"])
    np.testing.assert_allclose(transformer.inverse_transform([[far], [-far]]), [[1e4], [-1e4]])


@pytest.mark.parametrize("kind", ["float64", "str", pd.ArrowDtype(pa.string())])
def test_a_single_column_is_refused_in_words_bug(kind):
    """A Series also exports an Arrow stream, of which pandas said that its schema describes a non-struct type."""
    column = pd.Series(["1", "2", "3"]).astype(kind)
    with pytest.raises(ValueError, match=r"Expected a 2-dimensional container but got .*Series"):
        TablePreprocessor().fit(column)
    with pytest.raises(ValueError, match=r"Expected a 2-dimensional container but got .*Series"):
        TablePreprocessor().fit(column.to_frame("x")).transform(column)


@pytest.mark.parametrize("numeric", NUMERIC)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_without_gaps_are_prepared_as_beside_some_with_gaps(numeric, dtype):
    """No copy is made of them to fill gaps: the user's table, of which they may be a view, stays as it is."""
    X = np.random.default_rng(0).normal(3, 2, (200, 3)).astype(dtype)
    X[:, 2] = 7
    table, before = pd.DataFrame(X, columns=list("abc")), X.copy()
    gap = table.iloc[:1] * np.nan
    preprocessor = TablePreprocessor(numeric=numeric).fit(table)
    alone = preprocessor.transform(table)
    np.testing.assert_array_equal(alone, preprocessor.transform(pd.concat([table, gap]))[:-1])
    np.testing.assert_array_equal(alone, TablePreprocessor(numeric=numeric).fit_transform(table))
    np.testing.assert_array_equal(table.to_numpy(), before)
    np.testing.assert_array_equal(X, before)
