"""The values of a table as a pipeline expects them, each read alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from bpmodel.preprocessing import TablePreprocessor, values
from search.prediction import columns
from search.prediction.columns import Columns, Reader, expected, notes, with_decimal
from search.tables import sources
from search.tables.reading import Likely, Pieces, UnreadableError
from search.tables.typed import typed

ROWS = 40
TURNED = "column 'x': the {} comes first in its dates; in the training it was the {}"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A table with columns of every kind, as texts."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "plain": random.normal(size=ROWS).round(3).astype(str),
            "price": [f"${1000 + 37 * i:,}" for i in range(ROWS)],
            "sold": [f"{i % 28 + 1:02d}.{i % 12 + 1:02d}.2021" for i in range(ROWS)],
            "lasted": [f"{i}:30" for i in range(ROWS)],
            "garage": random.choice(["yes", "no"], ROWS),
            "zone": random.choice(["1", "2", "3"], ROWS),
            "town": random.choice(["Ulm", "Bonn", "Jena"], ROWS),
            "remark": [f"this is remark number {i} of them" for i in range(ROWS)],
        }
    )
    frame.loc[[3, 17], ["plain", "sold", "town"]] = ""
    frame.loc[5, "price"] = "?"
    return frame


@pytest.fixture(scope="module")
def pipeline(table, tmp_path_factory):
    """A pipeline that was fitted as a study fits it, from a file."""
    path = tmp_path_factory.mktemp("fit") / "a.csv"
    table.to_csv(path, index=False)
    read = typed(sources.read(str(path)).frame, kept=["zone"])
    first = TablePreprocessor(column_formats=read.formats, categorical_columns=["zone"])
    return make_pipeline(first, Ridge()).fit(read.frame, np.arange(ROWS)), read.frame


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_rows_from_pieces_are_those_of_the_training(table, pipeline, tmp_path, rows):
    model, frame = pipeline
    table.to_csv(tmp_path / "a.csv", index=False)
    found = sources.pieces(str(tmp_path / "a.csv"), rows=rows)
    wanted = expected(model)
    reader = Reader(wanted, found)
    read = [reader.read(piece) for piece in found.frames]
    assert wanted.unused == ("remark",)
    np.testing.assert_allclose(
        np.vstack([model[0].transform(each) for each in read]), model[0].transform(frame), rtol=1e-6
    )
    assert notes(wanted, reader.noticed) == []
    assert reader.noticed.rows == ROWS


@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_what_is_noticed_does_not_depend_on_the_pieces(table, pipeline, tmp_path, rows):
    model, _ = pipeline
    odd = table.astype(object)
    odd.loc[0, ["plain", "price", "sold", "lasted", "garage", "town"]] = [
        "many",
        "cheap",
        "soon",
        "long",
        "maybe",
        "Rome",
    ]
    odd.loc[9, "town"] = "Rome"
    odd.loc[1, ["plain", "town"]] = ["?", "NA"]
    odd.drop(columns="zone").to_csv(tmp_path / "a.csv", index=False)
    wanted = expected(model)
    found = sources.pieces(str(tmp_path / "a.csv"), rows=rows, likely=Likely(names=frozenset(wanted.kinds)))
    reader = Reader(wanted, found)
    read = pd.concat([reader.read(piece) for piece in found.frames])
    assert read.iloc[0][["plain", "price", "sold", "lasted", "garage", "zone"]].isna().all()
    assert read["town"].iloc[:2].tolist() == ["Rome", "missing"]
    assert notes(wanted, reader.noticed, ["Zone", *found.names]) == [
        "there is no column 'zone': all its values count as missing (did you mean Zone?)",
        "column 'plain': 1 value is not a number and counts as missing: 'many'",
        "column 'price': 1 value is not a number and counts as missing: 'cheap'",
        "column 'sold': 1 value is not a date and counts as missing: 'soon'",
        "column 'lasted': 1 value is not a duration and counts as missing: 'long'",
        "column 'garage': 1 value is not a truth value and counts as missing: 'maybe'",
        "column 'town': 2 values are no levels that the model knows: 'Rome'",
    ]


def table_of(decimal: str = ".", *, written: bool = True, **cells: list) -> tuple[pd.DataFrame, Pieces]:
    frame = pd.DataFrame(cells)
    return frame, Pieces(list(frame), iter([frame]), [], set(), decimal, written, frozenset(["", "NA"]))


@pytest.mark.parametrize(
    ("decimal", "text", "value"),
    [
        (".", "1.5", 1.5),
        (",", "1,5", 1.5),
        (",", "1.500,5", 1500.5),
        (",", "1.500", 1500.0),
        (".", "1,500", 1500.0),
        (".", "$2,000", np.nan),
        (",", "-3", -3.0),
        (",", "1e3", 1000.0),
        (",", "inf", np.nan),
        (".", "inf", np.nan),
        (",", "1,5,5", np.nan),
        (",", "NA", np.nan),
    ],
)
def test_numbers_are_read_with_the_decimal_mark_of_their_file(decimal, text, value):
    frame, pieces = table_of(decimal, a=[text, "1"])
    read = Reader(Columns({"a": "number"}, {}, {}), pieces).read(frame)
    np.testing.assert_array_equal(read["a"], [value, 1.0])


def test_a_format_keeps_its_marks_in_a_file_with_the_same_decimal_mark():
    own = {"decimal": ",", "thousands": ".", "unit": "€"}
    assert with_decimal(own, ",") is own
    assert with_decimal(own, ".") == {"decimal": ".", "thousands": None, "unit": "€"}


@pytest.mark.parametrize(
    ("given", "known", "label"),
    [
        ("2.0", {"2"}, "2"),
        ("2.50", {"2.5"}, "2.5"),
        ("02", {"2"}, "2"),
        ("02", {"02", "2"}, "02"),
        ("TRUE", {"True", "False"}, "True"),
        (" Ulm ", {"Ulm"}, "Ulm"),
        ("3.0", {"2"}, "3.0"),
        ("Rome", {"Ulm"}, "Rome"),
        ("", {"Ulm"}, "missing"),
    ],
)
def test_levels_are_those_that_pandas_would_have_read(given, known, label):
    frame, pieces = table_of(a=[given])
    reader = Reader(Columns({"a": "category"}, {}, {"a": frozenset(known)}), pieces)
    assert reader.read(frame)["a"].tolist() == [label]
    assert bool(reader.noticed.unknown) == (label not in known and label != "missing")


def test_values_with_types_stay_what_they_are():
    frame, pieces = table_of(
        written=False, a=[1.0, None], b=pd.Categorical(["x", None]), c=pd.to_datetime(["2024-01-02", None])
    )
    kinds = {"a": "category", "b": "category", "c": "date"}
    reader = Reader(Columns(kinds, {}, {"a": frozenset(["1"]), "b": frozenset(["x"])}), pieces)
    read = reader.read(frame)
    assert read["a"].tolist() == ["1", "missing"]
    assert read["b"].tolist() == ["x", "missing"]
    assert read["c"].isna().tolist() == [False, True]
    assert notes(Columns(kinds, {}, {}), reader.noticed) == []


def test_a_table_without_any_column_of_the_model_is_an_error():
    _, pieces = table_of(Area=["1"])
    with pytest.raises(
        UnreadableError, match=r"none of the columns of the model, 'area', 'town' \(did you mean Area\?\)"
    ):
        Reader(Columns({"area": "number", "town": "category"}, {}, {}), pieces)


def test_pipelines_that_begin_otherwise_say_nothing_of_their_columns():
    assert expected(Ridge()) is None
    assert expected(TablePreprocessor().fit(np.ones((3, 2)))) is None


def test_many_values_are_counted_and_few_are_shown():
    wanted = Columns({"a": "number"}, {}, {})
    frame, pieces = table_of(a=["x", "y", "z", "w", "x"])
    reader = Reader(wanted, pieces)
    reader.read(frame)
    (told,) = notes(wanted, reader.noticed)
    assert told == "column 'a': 5 values are not numbers and count as missing: 'x', 'y', 'z' and 1 other"
    assert columns.EXAMPLES == 3


def _read(column: Columns, cells: list[str], **facts: object) -> tuple[list, list[str]]:
    """Return the values of the column "x" of a table, and what is said of them."""
    frame = pd.DataFrame({"x": cells})
    reader = Reader(column, Pieces(["x"], iter([frame]), [], set(), **facts))
    found = reader.read(frame)["x"].tolist()
    return found, notes(column, reader.noticed)


@pytest.mark.parametrize("own", [".", ","])
@pytest.mark.parametrize("of_file", [".", ","])
@pytest.mark.parametrize("written", [True, False])
def test_numbers_are_read_in_the_dialect_of_their_column(own, of_file, written):
    """Bug: in a file that did not tell its decimal mark, numbers with units counted as missing, as in the study's own table."""
    column = Columns({"x": "number"}, {"x": {"decimal": own, "thousands": None, "unit": "€"}}, {})
    for cells in (["1.708,30 €", "98,5 €"], ["1,708.30 €", "98.5 €"]):
        assert _read(column, cells, written=written, decimal=of_file) == ([1708.3, 98.5], [])


def test_where_both_marks_read_as_much_the_file_decides():
    column = Columns({"x": "number"}, {"x": {"decimal": ",", "thousands": None, "unit": "€"}}, {})
    assert _read(column, ["1.708 €"], written=True, decimal=".")[0] == [1.708]
    assert _read(column, ["1.708 €"], written=True, decimal=",")[0] == [1708.0]


def test_a_column_is_written_as_its_first_piece_is():
    column = Columns({"x": "number"}, {}, {})
    first, second = pd.DataFrame({"x": ["1.708,30"]}), pd.DataFrame({"x": ["1.708"]})
    reader = Reader(column, Pieces(["x"], iter([first, second]), [], set(), written=True))
    assert [reader.read(each)["x"].tolist() for each in (first, second)] == [[1708.3], [1708.0]]


@pytest.mark.parametrize(
    ("day_first", "cells", "days", "said"),
    [
        (None, ["03.02.2024", "26.02.2024 12:00"], ["2024-02-03", "2024-02-26 12:00"], []),
        (None, ["03/02/2024", "26/02/2024"], ["2024-02-03", "2024-02-26"], []),
        (None, ["03/02/2024", "02/26/2024"], ["2024-03-02", "2024-02-26"], []),
        (True, ["03/02/2024", "12/12/2024"], ["2024-02-03", "2024-12-12"], []),
        (True, ["03/02/2024", "02/26/2024"], ["2024-03-02", "2024-02-26"], [TURNED.format("month", "day")]),
        (False, ["03/02/2024", "26/02/2024"], ["2024-02-03", "2024-02-26"], [TURNED.format("day", "month")]),
        (True, ["2024-02-03", "2024-02-26"], ["2024-02-03", "2024-02-26"], []),
    ],
)
def test_day_and_month_are_told_apart_by_the_table_itself(day_first, cells, days, said):
    """Bug: a model of dates from Parquet read 03.02.2024 as the 2nd of March."""
    column = Columns({"x": "date"}, {"x": {"day_first": day_first}}, {})
    found, told = _read(column, cells, written=True)
    assert found == [pd.Timestamp(day) for day in days]
    assert told == said


def test_each_date_tells_its_order_where_the_fit_knows_none():
    read = values.days(pd.Series(["02.01.1970", "1/25/1970", "25/1/1970", "3/3/1970", "2/1/1970"]), {"day_first": None})
    np.testing.assert_array_equal(read, [1, 24, 24, 61, np.nan])


def test_dates_that_nothing_tells_apart_count_as_missing():
    found, told = _read(Columns({"x": "date"}, {}, {}), ["03/02/2024", "05/07/2024"], written=True)
    assert pd.isna(found).all()
    assert told == ["column 'x': 2 values are not dates and count as missing: '03/02/2024', '05/07/2024'"]


@pytest.mark.parametrize(
    ("kind", "said"), [("category", "are no levels that the model knows"), ("number", "are not numbers")]
)
def test_new_texts_in_every_row_took_ever_more_memory_bug(kind, said, monkeypatch):
    monkeypatch.setattr(columns, "MOST_TEXTS", 10)
    model = Columns({"id": kind}, {}, {"id": frozenset()})
    reader = Reader(model, Pieces(["id"], iter(()), [], set(), written=True))
    for piece in range(4):
        reader.read(pd.DataFrame({"id": ["often", *(f"row {piece}-{i}" for i in range(5))]}))
    (counted,) = (reader.noticed.unknown if kind == "category" else reader.noticed.unread).values()
    assert (len(counted), counted.total(), counted["often"]) == (11, 24, 4)
    (told,) = notes(model, reader.noticed)
    assert said in told
    assert told.endswith("'often', 'row 0-0', 'row 0-1' and more than 7 others")
