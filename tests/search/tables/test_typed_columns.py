"""The columns of a file arrive under the types that their values have, and what was read how is told."""

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from bpmodel.preprocessing import TablePreprocessor, values
from bpmodel.preprocessing.texts.marks import Hints
from search.errors import StudyError
from search.study import data, init, study_file
from search.tables.reading import UnreadableError
from search.tables.typed import NAMED, typed


@pytest.fixture
def load(tmp_path):
    """Load a study of a CSV text, or of a table as Parquet."""

    def load(table, target="y", task="regression", more=""):
        source = "t.csv" if isinstance(table, str) else "t.parquet"
        if isinstance(table, str):
            (tmp_path / source).write_text(table)
        else:
            table.to_parquet(tmp_path / source)
        file = tmp_path / "t.toml"
        file.write_text(f"name = 't'\n[data]\nsource = '{source}'\ntask = '{task}'\ntarget = '{target}'\n{more}\n")
        return data.load(study_file.load(file))

    return load


def csv(*columns, names="abcdefg", separator=","):
    rows = zip(*columns, strict=True)
    return "\n".join(separator.join(map(str, row)) for row in [[*names[: len(columns) - 1], "y"], *rows]) + "\n"


# ------------------------------------------------------------------------------------------------------------------- columns


def test_a_column_with_two_marks_stays_a_column_of_numbers_f3(load):
    a = [str(i / 4) for i in range(120)]
    expected = np.arange(120) / 4
    for i in (3, 50):
        a[i], expected[i] = "?", np.nan
    found = load(csv(a, range(120)))
    np.testing.assert_array_equal(found.X["a"], expected)
    assert found.notes == ("column 'a': 2 values are not numbers and count as missing: '?' in row 4, '?' in row 51",)


def test_money_dates_and_words_are_told(load):
    found = load(
        csv(["$1,200.50"] * 20, ["29/03/2024", "01/04/2024"] * 10, ["ja", "nein"] * 10, range(20), separator=";")
    )
    assert found.X.iloc[1].tolist() == [1200.5, pd.Timestamp("2024-04-01"), False]
    assert found.notes == (
        "read with separator semicolon",
        "numbers are read from texts: 'a' ('$1,200.50' is 1200.5)",
        "dates are read from texts: 'b' ('29/03/2024' is 2024-03-29)",
        "truth values are read from texts: 'c' ('ja' is true)",
    )
    assert found.formats["b"] == {"kind": "date", "day_first": True}
    (note,) = load(csv(["2h 5m", "1h"] * 10, range(20))).notes
    assert note == "durations are read from texts: 'a' ('2h 5m' is 7500 s)"


def test_the_decimal_comma_of_a_file_decides_what_a_point_is(load):
    """``1.210`` in a German file is 1210."""
    found = load(csv(["52,5", "60,25"] * 10, ["1.210", "2.300"] * 10, range(20), separator=";"))
    assert found.X["a"].tolist()[:2] == [52.5, 60.25]
    assert found.X["b"].tolist()[:2] == [1210, 2300]


def test_the_model_reads_plain_decimal_commas_later(load):
    """A column of plain ``52,5`` was read by pandas, and nothing remembered the comma: the model took such texts for missing."""
    found = load(csv(["52,5", "60,25"] * 10, range(20), range(20), separator=";"))
    assert found.formats["a"] == {"kind": "number", "decimal": ",", "thousands": None, "unit": ""}
    fitted = TablePreprocessor(column_formats=found.formats).fit(found.X)
    raw = pd.DataFrame({"a": ["52,5", "60,25", "60.25", "1.060,25"], "b": ["3", "4", "4", "4"]})
    plain = pd.DataFrame({"a": [52.5, 60.25, 60.25, 1060.25], "b": [3, 4, 4, 4]})
    np.testing.assert_array_equal(fitted.transform(raw), fitted.transform(plain))
    assert load(csv(["52.5", "60.25"] * 10, range(20))).formats == {}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["1.530", "439", "16.692", "7.512"], [1530, 439, 16692, 7512]),
        (["1.534", "439", "16.692", "7.512"], [1.534, 439, 16.692, 7.512]),  # no zero at the end
        (["1.530", "2.439", "16.692", "7.512"], [1.53, 2.439, 16.692, 7.512]),  # three decimals in every cell
        (["1.530", "1439", "16.692", "7.512"], [1.53, 1439, 16.692, 7.512]),
        (["1.530", "439", "16.69", "7.512"], [1.53, 439, 16.69, 7.512]),
    ],
)
def test_points_between_thousands_without_any_comma(load, column, expected):
    """Populations of towns in a German table were read as fractions."""
    assert load(csv(column * 6, range(24), range(24), separator=";")).X["a"].tolist()[:4] == expected


@pytest.mark.parametrize(
    "rows", [["910,20 €;8,2 m²"], ["11 439 €;10,3 %", "9 102,5 €;8,0 %"], ["85;2569,-"], ["1,0;0,00 €"]]
)
def test_decimal_commas_do_not_win_over_semicolons(load, rows):
    found = load("\n".join(["a;y", *rows * 12]) + "\n")
    assert list(found.X) == ["a"]
    assert found.X["a"].iloc[0] == float(rows[0].split(";")[0].replace(" €", "").replace(" ", "").replace(",", "."))


def test_a_total_with_minus_signs_behind(load):
    rows = [f"A;{i},00;{2 * i},00-" for i in range(30)]
    found = load("\n".join(["Typ;Menge;y", *rows, f"Summe;{sum(range(30))},00;{2 * sum(range(30))},00-"]) + "\n")
    assert len(found.y) == 30
    assert found.y[3] == -6


def test_thousands_may_be_said(load):
    text = csv(["1.210", "2.300"] * 10, range(20), separator=";")
    assert load(text).X["a"].tolist()[:2] == [1.21, 2.3]
    assert load(text, more="thousands = '.'").X["a"].tolist()[:2] == [1210, 2300]
    with pytest.raises(StudyError, match=r"\[data\] thousands = '\.' is also decimal; allowed are two different marks"):
        load(text, more="thousands = '.'\ndecimal = '.'")


@pytest.mark.parametrize(("more", "month"), [("", None), ("day_first = true", 4), ("day_first = false", 3)])
def test_day_and_month_may_be_said(load, more, month):
    found = load(csv(["03/04/2024", "05/03/2024", "04/06/2024"] * 4, range(12)), more=more)
    told = "column 'a' may hold dates, but '03/04/2024' does not tell day and month apart: set [data] day_first to true or false"
    assert (told in found.notes) == (month is None)
    first = found.X["a"].iloc[0]
    assert first == "03/04/2024" if month is None else first.month == month


def test_nearly_unique_text_is_told(load):
    found = load(csv([f"customer {i}" for i in range(30)], range(30), range(30)))
    assert found.notes == ("nearly all texts are different, so the network does not see them: 'a'",)
    assert found.formats["a"] == {"kind": "text"}


def test_codes_stay_as_they_are(load):
    found = load(csv(["$1", "$2"] * 10, range(20)), more="[preprocessing]\ncategorical_columns = ['a']")
    assert found.X["a"].tolist()[:2] == ["$1", "$2"]
    assert found.notes == ()


DAYS = ["2024-01-01", "2024-07-01", None, "2024-02-29"] * 5


def test_types_of_parquet_f7(load):
    """Durations and decimals once ended a study after all its trials, and lists with an error of Python (F18)."""
    table = pd.DataFrame(
        {
            "duration": pd.to_timedelta([1.5, 2, None, 4] * 5, unit="h"),
            "decimal": [Decimal("1.50"), Decimal("2"), None, Decimal("-3.25")] * 5,
            "zone": pd.to_datetime([f"{day} 00:00" if day else None for day in DAYS]).tz_localize("Asia/Tokyo"),
            "time": [datetime.time(6, 30), datetime.time(7), None, datetime.time(8)] * 5,
            "flag": pd.array([True, None, False, True] * 5, dtype="boolean"),
            "y": np.arange(20.0),
        }
    )
    found = load(table)
    assert found.X["duration"].tolist()[:2] == [5400, 7200]
    assert found.X["decimal"].tolist()[:2] == [1.5, 2]
    assert found.X[["duration", "decimal", "time"]].dtypes.tolist() == [np.dtype(float)] * 3
    assert found.X["zone"].tolist()[:2] == [pd.Timestamp("2023-12-31 15:00"), pd.Timestamp("2024-06-30 15:00")]
    assert found.X["time"].tolist()[:2] == [23400, 25200]
    assert found.X["flag"].tolist()[:4] == [True, None, False, True]
    assert found.notes == ()
    with pytest.raises(StudyError, match="column 'v' has a ndarray in a cell; a cell must hold one value"):
        load(table.assign(v=[[1.0, 2.0]] * 20))


def test_many_notes_are_cut():
    frame = pd.DataFrame({f"c{i}": [*map(str, np.arange(0.5, 20)), "?"] for i in range(NAMED + 3)})
    notes = typed(frame).notes
    assert len(notes) == NAMED + 1
    assert notes[-1] == "3 more columns have such values"
    money = pd.DataFrame({f"c{i}": ["$1", "$2"] for i in range(NAMED + 3)})
    assert typed(money).notes[0].endswith("'c7' ('$1' is 1) and 3 more")


def test_only_three_unreadable_values_are_shown():
    frame = pd.DataFrame({"a": [*map(str, np.arange(0.5, 50)), "x1", "x2", "x3", "x4"]})
    (note,) = typed(frame).notes
    assert note == (
        "column 'a': 4 values are not numbers and count as missing: 'x1' in row 51, 'x2' in row 52, 'x3' in row 53 and 1 more"
    )


def test_plain_tables_are_untouched():
    frame = pd.DataFrame(
        {"a": [1, 2], "b": [0.5, np.nan], "c": [True, False], "d": ["x", None], "e": pd.Categorical(["u", "v"])}
    )
    table = typed(frame, Hints())
    pd.testing.assert_frame_equal(table.frame, frame)
    assert table.notes == []
    with pytest.raises(UnreadableError, match="Complex data not supported: column 'z'"):
        typed(pd.DataFrame({"z": [1j]}))


# -------------------------------------------------------------------------------------------------------------- target, time


def test_a_target_of_money_is_a_number_s3(load):
    found = load(csv(range(20), [f'"${200 + i},500"' for i in range(20)]))
    assert found.y.tolist() == [200_500 + 1000 * i for i in range(20)]
    assert found.notes == ("numbers are read from texts: 'y' ('$200,500' is 200500)",)


def test_marks_in_a_target_are_missing_f3(load):
    y = [str(i + 0.5) for i in range(120)]
    y[7] = "?"
    found = load(csv(range(120), y))
    assert len(found.y) == 119
    assert found.notes == (
        "column 'y': 1 value is not a number and counts as missing: '?' in row 8",
        "1 row without a target left out",
    )


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["Yes", "No"], ["Yes", "No"]),
        (["$1", "$2"], ["$1", "$2"]),
        (["2024-01-01", "2024-01-02"], ["2024-01-01", "2024-01-02"]),
    ],
)
def test_labels_of_classes_stay_as_they_are(load, labels, expected):
    found = load(csv(range(20), labels * 10), task="classification")
    assert found.y.tolist()[:2] == expected


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "bool[pyarrow]", "category", "string"])
def test_nullable_labels_are_labels(load, dtype):
    y = pd.Series([1, 0, None, 1] * 5).astype("Int64")
    y = y.astype("boolean").astype(dtype) if dtype.startswith("bool") else y.astype(dtype)
    found = load(pd.DataFrame({"x": np.arange(20), "y": y}), task="classification")
    assert found.notes == ("5 rows without a target left out",)
    assert len(found.y) == 15
    assert set(map(str, found.y)) in ({"0", "1"}, {"True", "False"})
    assert found.y.dtype != object or isinstance(found.y[0], str)


def test_times_over_a_clock_change_f12(load):
    times = pd.date_range("2024-03-29 12:00", periods=100, freq="h", tz="Europe/Berlin")
    found = load(csv([t.isoformat() for t in times][::-1], range(100)), more="time = 'a'")
    assert found.X["a"].tolist() == times.tz_convert("UTC").tz_localize(None).tolist()
    assert found.y.tolist() == [*range(100)][::-1]


def test_what_is_no_time_is_shown(load):
    with pytest.raises(
        StudyError, match=r"time = 'a' has values that are neither numbers nor dates .*, such as 'soon'"
    ):
        load(csv(["2024-01-01", "soon"] * 10, range(20)), more="time = 'a'")
    with pytest.raises(StudyError, match=r"time = 'a' is missing in 1 of 120 rows"):
        load(csv([f"2024-01-01 {i % 24:02}:00" for i in range(119)] + ["?"], range(120)), more="time = 'a'")


@pytest.mark.parametrize("end", ["__________", "+----+-------+", "----------"])
def test_lines_drawn_below_a_table_are_left_out(load, end):
    found = load(csv(range(30), range(30), range(30), separator=";") + end + "\n")
    assert len(found.y) == 30


@pytest.mark.parametrize("value", [10**400, -(10**400), Decimal("1e400"), Fraction(10**400)])
@pytest.mark.parametrize("other", ["1", 1, 1.5, Decimal(2)])
def test_numbers_beyond_the_largest_float_count_as_missing_among_others(value, other):
    column = pd.Series([other] * 30 + [value], dtype=object)
    found = typed(column.to_frame("a")).frame["a"]
    assert pd.isna(found.iloc[30]) or str(found.iloc[30]) == str(value)  # of a category, it is a level
    assert np.isnan(values.numbers(column, {})[30])
    assert values.numbers(column, {})[0] == float(other)


def test_bytes_that_are_no_text_are_categories(tmp_path):
    path = tmp_path / "t.parquet"
    cells = [[b"\xff", b"\xfe\x00", None][i % 3] for i in range(60)]
    pd.DataFrame({"a": cells, "b": pd.Categorical(cells), "c": range(60), "y": [i % 7 for i in range(60)]}).to_parquet(
        path
    )
    written, _ = init.write_study(str(path), "y", tmp_path / "s.toml")
    assert 'source = "t.parquet"' in written.read_text(encoding="utf-8")
