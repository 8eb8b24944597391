"""A served pipeline takes every table that its pipeline takes, in every form in which rows come, and predicts as it does."""

import datetime
import io
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.sparse import csr_array
from sklearn.compose import TransformedTargetRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from bpmodel.preprocessing import TablePreprocessor
from search.tracking.models import inputs
from search.tracking.models.served_pipeline import NAMES_IN_AN_ERROR, ServedPipeline

ROWS = 60
NUMBERS = np.arange(ROWS, dtype=float)
YES, WORDS = NUMBERS % 3 == 0, np.array(["Ulm", "Bonn", "Jena"])[np.arange(ROWS) % 3]
START = pd.Timestamp("2024-02-28")


def with_gaps(values) -> pd.Series:
    return pd.Series(values).where(np.arange(ROWS) % 7 > 0)


KINDS = {
    "a number": NUMBERS,
    "whole numbers": np.arange(ROWS),
    "nullable whole numbers": pd.array([None, *range(1, ROWS)], dtype="Int64"),
    "a number with gaps": with_gaps(NUMBERS),
    "decimals": [Decimal(f"{i}.5") for i in range(ROWS)],
    "texts of numbers": [f"{i},50 €" for i in range(ROWS)],
    "texts of numbers with marks": [f"{i}.5" if i % 5 else "?" for i in range(ROWS)],
    "truth": YES,
    "truth with gaps": with_gaps(YES.astype(object)),
    "truth in words": np.where(YES, "ja", "nein"),
    "texts": WORDS,
    "texts with gaps": with_gaps(WORDS),
    "pandas category": pd.Categorical(WORDS),
    "category of numbers": pd.Categorical(np.arange(ROWS) % 3),
    "arrow texts": pd.array(WORDS, dtype=pd.ArrowDtype(pa.string())),
    "arrow dictionary": pd.arrays.ArrowExtensionArray(pa.array(WORDS).dictionary_encode()),
    "dates": START + pd.to_timedelta(np.arange(ROWS) * 9, "D"),
    "dates with a zone": (START + pd.to_timedelta(np.arange(ROWS) * 9, "D")).tz_localize("Europe/Berlin"),
    "texts of dates": [f"{1 + i % 28:02}.{1 + i % 12:02}.2024" for i in range(ROWS)],
    "python dates": [datetime.date(2024, 1 + i % 12, 1 + i % 28) for i in range(ROWS)],
    "periods": pd.period_range("2020-01", periods=ROWS, freq="M"),
    "compact dates": [20240100 + 1 + i % 28 for i in range(ROWS)],
    "durations": pd.to_timedelta(NUMBERS * 77, "s"),
    "times of day": [datetime.time(i % 24, i % 60) for i in range(ROWS)],
    "texts of durations": [f"{i % 5}:{i % 60:02}:00" for i in range(ROWS)],
    "codes": [f"{i % 5:05}" for i in range(ROWS)],
}
"""Columns of one kind each, ROWS values."""


def fitted(table: pd.DataFrame, last=None) -> ServedPipeline:
    """Return a served pipeline that tells the rows of the table apart."""
    pipeline = make_pipeline(TablePreprocessor(), last or LinearRegression())
    pipeline.fit(table, NUMBERS if last is None else (NUMBERS % 4 > 1).astype(int))
    return ServedPipeline(pipeline, json.loads(json.dumps(inputs.columns(pipeline, table, own=True))))


@pytest.fixture(scope="module")
def everything() -> ServedPipeline:
    return fitted(pd.DataFrame(KINDS))


@pytest.fixture(scope="module")
def alone() -> dict[str, ServedPipeline]:
    """A model of each kind of column, beside a number."""
    return {name: fitted(pd.DataFrame({"x": values, "n": NUMBERS % 5})) for name, values in KINDS.items()}


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(KINDS)


def test_a_registered_model_refused_its_own_training_rows_bug(everything, table):
    np.testing.assert_array_equal(everything.predict(table), everything.pipeline.predict(table))


@pytest.mark.parametrize("name", KINDS)
def test_no_kind_of_column_is_refused_when_a_batch_lacks_all_its_values(alone, table, name):
    rows = pd.DataFrame({"x": np.full(3, np.nan), "n": [0.0, 1.0, 2.0]})
    np.testing.assert_array_equal(alone[name].predict(rows), alone[name].pipeline.predict(rows))
    for absent in (None, pd.NA, float("nan")):
        rows = pd.DataFrame({"x": pd.Series([absent] * 3, dtype=object), "n": [0.0, 1.0, 2.0]})
        assert np.isfinite(alone[name].predict(rows)).all()


OTHERS = {
    "ints": [0, 1, 1],
    "fractions": [0.5, 1.5, 2.5],
    "truth": [True, False, True],
    "texts": ["a", "b", "c"],
    "category": pd.Categorical(["a", "b", "a"]),
    "dates": pd.to_datetime(["2024-02-29", "2024-03-01", None]),
    "dates with a zone": pd.to_datetime(["2024-02-29", "2024-03-01", None]).tz_localize("Asia/Tokyo"),
    "durations": pd.to_timedelta([1, 2, 3], "h"),
    "decimals": [Decimal("1.5"), None, Decimal(2)],
    "arrow": pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string())),
    "arrow numbers": pd.array([1, None, 2], dtype=pd.ArrowDtype(pa.int32())),
    "times": [datetime.time(1), datetime.time(2), None],
    "mixed": ["a", 1, None],
}


@pytest.mark.parametrize("name", KINDS)
def test_a_value_of_the_wrong_type_is_read_or_counts_as_missing(alone, name):
    for values in OTHERS.values():
        rows = pd.DataFrame({"x": values, "n": [0.0, 1.0, 2.0]})
        if name == "codes":
            assert np.isfinite(alone[name].predict(rows)).all()
        else:
            np.testing.assert_array_equal(alone[name].predict(rows), alone[name].pipeline.predict(rows))


@pytest.mark.parametrize("name", KINDS)
def test_a_made_up_example_is_read_as_its_kind_and_is_no_value_of_the_data(alone, table, name):
    rows = table[[name]].set_axis(["x"], axis=1).assign(n=NUMBERS)
    made = json.loads(json.dumps(inputs.example(alone[name].pipeline, rows).to_dict("list")))
    assert np.isfinite(alone[name].predict(made)).all()
    (column,) = (each for each in inputs.columns(alone[name].pipeline, rows) if each["name"] == "x")
    assert column["example"] in made["x"]
    if column["kind"] not in ("category", "truth", "text"):
        assert None not in made["x"]
        there = set(zip(rows.x.astype(str), rows.n.astype(float), strict=True))
        assert not there & set(zip(map(str, made["x"]), map(float, made["n"]), strict=True))


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_a_column_means_the_value_that_it_is_an_example_of(alone, table, name):
    """The example is the first value that is there, in a type of JSON."""
    model = alone[name]
    example = json.loads(
        json.dumps(inputs.own_example(table[[name]].set_axis(["x"], axis=1).assign(n=1.0)).to_dict("list"))
    )
    first = table[name].notna().to_numpy().nonzero()[0][: len(example["x"])]
    assert model.predict(example) == pytest.approx(
        model.pipeline.predict(pd.DataFrame({"x": table[name].iloc[first].to_numpy(), "n": 1.0}))
    )
    assert json.dumps(model.columns[0]["example"]) in json.dumps(example["x"]) or name == "texts of numbers with marks"


# ----------------------------------------------------------------------------------------------------------- forms of rows

SMALL = pd.DataFrame(
    {"rooms": [1, 2, 3, 4], "area": [30.5, np.nan, 80.0, 120.0], "town": ["Ulm", "Bonn", "Ulm", "Jena"]}
)
PRICES = [1.0, 2.0, 4.0, 8.0]


@pytest.fixture(scope="module")
def small() -> ServedPipeline:
    pipeline = make_pipeline(TablePreprocessor(), LinearRegression()).fit(SMALL, PRICES)
    return ServedPipeline(pipeline, inputs.columns(pipeline, SMALL))


LISTS = SMALL.astype(object).where(SMALL.notna(), None)
FORMS = {
    "a frame": SMALL,
    "columns in another order": SMALL[["town", "rooms", "area"]],
    "additional columns": SMALL.assign(price=1, note="x"),
    "the first column as the index": SMALL.set_index("rooms"),
    "a frame without names": pd.DataFrame(SMALL.to_numpy()),
    "a dict of lists": SMALL.to_dict("list"),
    "a dict of arrays": {name: values.to_numpy() for name, values in SMALL.items()},
    "a dict of arrays of objects": {name: np.array(values.tolist(), dtype=object) for name, values in LISTS.items()},
    "a dict of tensors": {name: values.to_numpy().reshape(-1, 1) for name, values in SMALL.items()},
    "a list of dicts": LISTS.to_dict("records"),
    "a list of dicts without what is missing": [values.dropna().to_dict() for _, values in SMALL.iterrows()],
    "a list of lists": LISTS.to_numpy().tolist(),
    "a list of tuples": list(SMALL.itertuples(index=False, name=None)),
    "an array of objects": LISTS.to_numpy(),
    "an array of texts": np.array(
        [["1", "30.5", "Ulm"], ["2", "", "Bonn"], ["3", "80", "Ulm"], ["4", "120.0", "Jena"]]
    ),
    "records of an array": SMALL.to_records(index=False),
    "an Arrow table": pa.Table.from_pandas(SMALL),
    "an Arrow batch": pa.RecordBatch.from_pandas(SMALL),
    "Arrow types": SMALL.convert_dtypes(dtype_backend="pyarrow"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_rows_gives_the_same_predictions(small, form):
    assert small.predict(FORMS[form]) == pytest.approx(small.pipeline.predict(SMALL), abs=1e-12)


ONE = {
    "a dict of values": {"town": "Bonn", "rooms": 2, "area": 50.0},
    "a dict of arrays without dimensions": {"town": np.array("Bonn"), "rooms": np.array(2), "area": np.array(50.0)},
    "a series": pd.Series({"rooms": 2, "area": 50.0, "town": "Bonn"}),
    "a list of values": [2, 50.0, "Bonn"],
    "a dict in a list": [{"town": "Bonn", "rooms": 2, "area": 50.0}],
}


@pytest.mark.parametrize("form", ONE)
def test_one_row_may_stand_alone(small, form):
    expected = small.pipeline.predict(pd.DataFrame({"rooms": [2], "area": [50.0], "town": ["Bonn"]}))
    assert small.predict(ONE[form]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "rows", [pd.Series([1.0, 5.0]), pd.Series([1.0, 5.0], name="a"), [1.0, 5.0], [[1.0], [5.0]], np.array([1.0, 5.0])]
)
def test_values_of_the_only_column(rows):
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    model = LinearRegression().fit(table, [2.0, 4.0, 6.0])
    assert ServedPipeline(model, inputs.columns(model, table)).predict(rows) == pytest.approx([2.0, 10.0])
    assert ServedPipeline(model, inputs.columns(model, table)).predict(5.0) == pytest.approx([10.0])


def test_an_optional_column_that_is_left_out_counts_as_missing_bug(small):
    """Whether a column was optional depended on the first five rows, and the model refused rows without it all the same."""
    assert [column["required"] for column in small.columns] == [True, False, True]
    expected = small.pipeline.predict(SMALL.assign(area=np.nan))
    assert small.predict(SMALL[["rooms", "town"]]) == pytest.approx(expected, abs=1e-12)


def test_an_unused_column_is_optional():
    table = pd.DataFrame({"name": [f"Mr. {i}" for i in range(ROWS)], "n": NUMBERS})
    model = fitted(table)
    assert [(column["kind"], column["required"]) for column in model.columns] == [("text", False), ("number", True)]
    assert model.predict({"n": [3.0]}) == pytest.approx([3.0])


STAY = "a value may be missing, but the column must be there"
REFUSED = {
    "no column of the model": (
        pd.DataFrame({"a": [1]}),
        "the rows have no column of the model, which has the columns rooms, area, town",
    ),
    "a required column is absent": (SMALL[["area", "town"]], f"the rows lack the column rooms; {STAY}"),
    "required columns are absent": (SMALL[["area"]], f"the rows lack the columns rooms, town; {STAY}"),
    "names that repeat": (
        SMALL[["rooms", "area", "town", "town"]],
        "the rows have several columns of the same name: town",
    ),
    "too few values": ([[1, 2]], "a row has 2 values; the model has the columns rooms, area, town"),
    "too many values": (np.ones((2, 4)), "a row has 4 values; the model has the columns rooms, area, town"),
    "too few values alone": ([1, 2], "a row has 2 values; the model has the columns rooms, area, town"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_are_no_rows_of_the_model_are_refused_in_one_line(small, case):
    rows, told = REFUSED[case]
    with pytest.raises(ValueError, match=r".") as error:
        small.predict(rows)
    assert str(error.value) == told


def test_extra_columns_may_have_equal_names(small):
    rows = pd.concat(
        [SMALL, SMALL[["rooms"]].set_axis(["x"], axis=1), SMALL[["rooms"]].set_axis(["x"], axis=1)], axis=1
    )
    assert small.predict(rows.drop(columns="area")).shape == (4,)


@pytest.mark.parametrize("more", [0, 1])
def test_long_lists_of_columns_are_cut(more):
    table = pd.DataFrame(np.eye(NAMES_IN_AN_ERROR + more), columns=[f"c{i}" for i in range(NAMES_IN_AN_ERROR + more)])
    model = LinearRegression().fit(table, np.arange(len(table)))
    with pytest.raises(ValueError, match="no column") as error:
        ServedPipeline(model, inputs.columns(model, table)).predict({"x": [1]})
    assert str(error.value).endswith("c9 and 1 more" if more else "c9")


# ------------------------------------------------------------------------------------------------------------ what CSV loses


def through_csv(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as MLflow's server reads it."""
    return pd.read_csv(io.StringIO(table.to_csv(index=False)))


LOST = {
    "codes with leading zeros": (["01", "02", "10"], "int"),
    "codes of several lengths": (["007", "42", "0815"], "int"),
    "codes with a gap": (["01", "02", np.nan], "float"),
    "versions": (["1.0", "1.10", "2.0"], "float"),
    "truth in capitals": (["TRUE", "FALSE", "TRUE"], "bool"),
    "whole numbers": (["1", "2", "3"], "int"),
    "not available": (["NA", "EU", "US"], "str"),
    "nothing": (["None", "some", "all"], "str"),
}


@pytest.mark.parametrize("case", LOST)
@pytest.mark.parametrize("prepared", [True, False], ids=["prepared", "of scikit-learn"])
def test_levels_that_reading_a_csv_file_changes_are_restored(case, prepared):
    values, dtype = LOST[case]
    table = pd.DataFrame({"x": pd.Series(values * 20, dtype=object), "n": NUMBERS % 5})
    first = TablePreprocessor(categorical_columns=["x"]) if prepared else OneHotEncoder(handle_unknown="ignore")
    pipeline = make_pipeline(first, LinearRegression()).fit(table, np.tile([1.0, 20.0, 300.0], 20))
    read = through_csv(table)
    assert str(read.x.dtype).startswith(dtype)
    model = ServedPipeline(pipeline, inputs.columns(pipeline, table))
    assert model.predict(read) == pytest.approx(pipeline.predict(table), abs=1e-9)


def test_a_missing_value_is_no_level_where_values_were_missing_before():
    table = pd.DataFrame({"x": pd.Series(["NA", "EU", None] * 20, dtype=object), "n": NUMBERS % 5})
    model = fitted(table)
    rows = pd.DataFrame({"x": [None], "n": [1.0]})
    assert model.predict(rows) == pytest.approx(model.pipeline.predict(rows))


GAPS = {
    "texts": pd.Series(["x", "y", None] * 20),
    "objects with None": pd.Series(["x", "y", None] * 20, dtype=object),
    "objects with NaN": pd.Series(["x", "y", np.nan] * 20, dtype=object),
    "pandas category": pd.Categorical(["x", "y", None] * 20),
    "truth with None": pd.Series([True, False, None] * 20, dtype=object),
    "truth with NaN": pd.Series([True, False, np.nan] * 20, dtype=object),
    "numbers": pd.Series([1.0, 2.0, np.nan] * 20),
    "numbers with None": pd.Series([1, 2, None] * 20, dtype=object),
}


@pytest.mark.parametrize("case", GAPS)
def test_a_missing_value_is_missing_as_it_was_in_fit_bug(case):
    """An encoder of scikit-learn tells None from NaN: where rows came as JSON, CSV or Arrow, a gap was no level, silently."""
    table = pd.DataFrame({"x": GAPS[case], "n": NUMBERS % 5})
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
    pipeline.fit(table, np.tile([1.0, 20.0, 300.0], 20))
    model = ServedPipeline(pipeline, json.loads(json.dumps(inputs.columns(pipeline, table, own=True))))
    records = json.loads(table.to_json(orient="records"))
    forms = [table, through_csv(table), records, records[2], table.convert_dtypes(), table.iloc[[2, 5]].astype(object)]
    for rows in (*forms, pa.Table.from_pandas(table), [[None, n] for n in (2, 0, 3, 1)], through_csv(table.iloc[[2]])):
        found = model.predict(rows)
        assert found == pytest.approx(np.tile([1.0, 20.0, 300.0], 20) if len(found) == 60 else [300.0] * len(found))
    assert not {"null", "texts"} & set().union(*inputs.summary(model.columns))


def test_a_missing_value_is_neither_of_two_levels_that_look_like_one():
    table = pd.DataFrame({"x": ["NA", "None", "EU"] * 20, "n": NUMBERS % 5})
    assert fitted(table).rows(pd.DataFrame({"x": [None, "NA"], "n": [1.0, 1.0]})).x.isna().tolist() == [True, False]


@pytest.mark.parametrize(("levels", "read"), [(["1.0", "1.00", "b"], "1"), (["1.0", "2.00", "b"], "1.0")])
def test_a_number_that_two_levels_stand_for_is_neither(levels, read):
    table = pd.DataFrame({"x": levels * 20, "n": NUMBERS % 5})
    pipeline = make_pipeline(TablePreprocessor(categorical_columns=["x"]), LinearRegression()).fit(table, NUMBERS)
    model = ServedPipeline(pipeline, inputs.columns(pipeline, table))
    assert model.rows(pd.DataFrame({"x": [1], "n": [0.0]})).x.tolist() == [read]


def test_two_levels_of_the_same_number_are_not_mixed_up():
    table = pd.DataFrame({"x": ["1", "01", "3"] * 20, "n": NUMBERS % 5})
    pipeline = make_pipeline(TablePreprocessor(categorical_columns=["x"]), LinearRegression())
    model = ServedPipeline(pipeline.fit(table, np.tile([1.0, 20.0, 300.0], 20)), inputs.columns(pipeline, table))
    frame = model.rows(pd.DataFrame({"x": [1, 3, 4], "n": [0.0, 0.0, 0.0]}))
    assert frame.x.tolist() == ["1", "3", "4"]


# ------------------------------------------------------------------------------------------------------------------- arrays

X = np.array([[5.1, 3.5], [7.1, 3.4], [6.3, 2.3], [4.4, 2.9], [6.6, 3.1], [5.0, 2.2]])
ARRAYS = {
    "ints": (X * 10).astype(int),
    "float32": X.astype(np.float32),
    "lists": X.tolist(),
    "a frame": pd.DataFrame(X, columns=["a", "b"]),
    "a nullable frame": pd.DataFrame(X, columns=["a", "b"]).convert_dtypes(),
    "an Arrow table": pa.table({"a": X[:, 0], "b": X[:, 1]}),
    "a dict": {"a": X[:, 0], "b": X[:, 1]},
    "a list of dicts": [{"a": a, "b": b} for a, b in X.tolist()],
    "sparse": csr_array(X),
    "objects": X.astype(object),
    "texts": X.astype(str),
}


@pytest.mark.parametrize("given", ARRAYS)
@pytest.mark.parametrize("dtype", [int, np.float32, np.float64])
def test_a_champion_of_an_array_truncated_fractions_or_refused_other_types_bug(dtype, given):
    """MLflow took the type of the training array as a demand on all rows, and made whole numbers of fractions over HTTP."""
    model = DecisionTreeClassifier(random_state=0).fit(
        (X * 10).astype(dtype) / (1 if dtype is int else 10), [0, 1, 1, 0, 1, 2]
    )
    served = ServedPipeline(model, inputs.columns(model, X.astype(dtype)))
    rows = ARRAYS[given]
    expected = model.predict(np.asarray(rows) if given == "ints" else X.astype(np.float32) if given == "float32" else X)
    assert served.predict(rows).tolist() == expected.tolist()


def test_one_row_of_an_array_may_stand_alone():
    model = LinearRegression().fit(X, X[:, 0])
    for row in (X[0], X[0].tolist(), pd.Series(X[0]), {"a": 5.1, "b": 3.5}):
        assert ServedPipeline(model, []).predict(row) == pytest.approx([5.1])
    assert ServedPipeline(LinearRegression().fit(X[:, :1], X[:, 0]), []).predict([1.0, 2.0]) == pytest.approx(
        [1.0, 2.0]
    )


def test_texts_in_an_array_go_to_the_pipeline_as_they_are():
    table = np.array([["a", 1.0], ["b", 2.0], ["a", 3.0]], dtype=object)
    model = make_pipeline(TablePreprocessor(), LinearRegression()).fit(table, [1.0, 5.0, 3.0])
    served = ServedPipeline(model, inputs.columns(model, table))
    assert served.predict(table.tolist()) == pytest.approx(model.predict(table))
    assert served.predict(pd.DataFrame(table)) == pytest.approx(model.predict(table))


# ------------------------------------------------------------------------------------------------------------ probabilities


def test_class_probabilities(table):
    model = fitted(table[["a number", "texts"]], LogisticRegression())
    found = model.predict(table.head(3), {"probabilities": True})
    assert found.columns.tolist() == ["0", "1"]
    np.testing.assert_array_equal(found, model.pipeline.predict_proba(table[["a number", "texts"]].head(3)))
    for params in (None, {}, {"probabilities": False}):
        assert model.predict(table.head(3), params).tolist() == model.pipeline.predict(table.head(3)).tolist()


def test_class_probabilities_of_several_outputs():
    y = np.array([["a", "x"], ["b", "y"], ["a", "y"], ["b", "x"], ["a", "x"], ["b", "y"]])
    model = MultiOutputClassifier(LogisticRegression()).fit(X, y)
    found = ServedPipeline(model, []).predict(X, {"probabilities": True})
    assert found.columns.tolist() == ["0: a", "0: b", "1: x", "1: y"]
    np.testing.assert_array_equal(found[["1: x", "1: y"]], model.predict_proba(X)[1])


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"probabilities": True}, "params: probabilities = true, but this model has none; allowed is false"),
        ({"probabilities": "yes"}, "params: probabilities = 'yes'; allowed are true and false"),
        ({"probability": True}, "params has 'probability'; allowed is probabilities"),
    ],
)
def test_parameters_that_a_model_does_not_have_are_named(small, params, told):
    with pytest.raises(ValueError, match=r".") as error:
        small.predict(SMALL, params)
    assert str(error.value) == told


def test_the_pipeline_itself_can_be_had(small):
    assert small.get_raw_model() is small.pipeline


def test_the_preprocessor_is_found_in_every_nesting():
    inner = make_pipeline(TablePreprocessor(), LinearRegression())
    for model in (make_pipeline(inner), TransformedTargetRegressor(inner)):
        known = inputs.columns(
            model.fit(pd.DataFrame({"p": ["1,50 €", "2,25 €"] * 9}), np.arange(18.0)),
            pd.DataFrame({"p": ["1,50 €", "2,25 €"] * 9}),
        )
        assert known[0]["format"]["unit"] == "€"


@pytest.mark.parametrize("container", [list, np.array, pd.Series])
def test_texts_of_a_vectorizer_bug(container):
    """A Series could not be described, so that its model was not registered; a list of texts became one row."""
    words = ["good stuff", "bad thing", "2024"] * 20
    texts = container(words)
    pipeline = make_pipeline(TfidfVectorizer(), LinearRegression()).fit(texts, np.tile([1.0, 20.0, 300.0], 20))
    known = inputs.columns(pipeline, texts)
    model = ServedPipeline(pipeline, known)
    assert (known, inputs.own_example(texts).tolist()) == ([], words[:5])
    records = [{"text": word} for word in words]
    column = pd.DataFrame({"text": words})
    for rows in (
        texts,
        words,
        np.array(words, dtype=object),
        pd.Series(words),
        column,
        records,
        pa.table({"text": words}),
    ):
        assert model.predict(rows) == pytest.approx(np.tile([1.0, 20.0, 300.0], 20))
    assert model.predict(["bad thing"]) == pytest.approx([20.0])
    assert model.predict("2024") == pytest.approx([300.0])
    assert model.rows([["a", "b"], ["c", "d"]]).shape == (
        2,
        2,
    )  # of an estimator that does not tell its number of columns


def test_kinds_of_columns_that_no_preprocessor_reads():
    """Other pipelines see texts, so dates and numbers in texts are categories to them."""
    table = pd.DataFrame({"n": [1.0, 2.0], "t": ["x", "y"], "d": ["2024-01-31", "2024-02-29"], "m": ["1 m", "2 m"]})
    known = inputs.columns(LinearRegression(), table)
    assert [column["kind"] for column in known] == ["number", "category", "category", "category"]
    assert not any("format" in column for column in known)


def test_sparse_rows_of_a_table_have_the_order_of_its_columns():
    table = pd.DataFrame({"a": [0.0, 2.0, 0.0], "b": [1.0, 0.0, 0.0]})
    model = LinearRegression().fit(table, [1.0, 2.0, 3.0])
    served = ServedPipeline(model, inputs.columns(model, table))
    assert served.predict(csr_array(table.to_numpy())).tolist() == model.predict(table).tolist()
