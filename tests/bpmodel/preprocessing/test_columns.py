"""What a column is follows from all its values, however they are written."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpmodel.preprocessing import TablePreprocessor
from bpmodel.preprocessing.columns import FEW, describe, kind
from bpmodel.preprocessing.texts import dates, durations, numerals
from bpmodel.preprocessing.texts.durations import UNITS
from bpmodel.preprocessing.texts.marks import MISSING_MARKS, Hints, clean
from bpmodel.preprocessing.texts.numerals import CURRENCIES, MULTIPLES
from bpmodel.preprocessing.values import KINDS, WRITTEN, days, seconds, typed

NAN = np.nan


def values(column, hints=None):
    """Return the kind of a column of texts, and its values as numbers, or as texts."""
    series = pd.Series(column)
    found = describe(series, hints or Hints())
    read = KINDS[found.kind].read(series, found.format)
    return found.kind, read.tolist()


# --------------------------------------------------------------------------------------------------------- numbers as texts

NUMBERS = {
    "dollars": (["$2,345.00", "$950.50", "$1,000"], [2345.0, 950.5, 1000.0]),
    "dollars, negative": (["($2,345)", "-$950", "$-12"], [-2345, -950, -12]),
    "euros": (["1.210,50 €", "95 €", "1.000.000 €"], [1210.5, 95, 1e6]),
    "euros, before": (["EUR 1.210,5", "EUR 95,25"], [1210.5, 95.25]),
    "pounds and pence": (["£1,234.56", "£0.99"], [1234.56, 0.99]),
    "yuan": (["¥1,200", "￥950"], [1200, 950]),
    "rupees, Indian groups": (["₹12,34,567", "₹95,000"], [1234567, 95000]),
    "Swiss": (["1\u2019234.50", "12'000"], [1234.5, 12000]),
    "blanks between thousands": (["1 234 567", "1\u202f234,5", "12\xa0000,25"], [1234567, 1234.5, 12000.25]),
    "percent": (["12.5%", "3 %", "0%"], [12.5, 3, 0]),
    "unit": (["1,440 sqft", "950 sqft", "2,000"], [1440, 950, 2000]),
    "unit with a digit": (["52 m2", "80 m²", "101.5 m2"], [52, 80, 101.5]),
    "unit, one and several": (["1 year", "2 years", "15 years"], [1, 2, 15]),
    "unit, two spellings": (["34.5 Sq. Ft", "12 sqft", "9 sq ft."], [34.5, 12, 9]),
    "rate": (["12 km/h", "3.5 km/h"], [12, 3.5]),
    "multiples": (["19M", "201k", "1.5K", "2.25B"], [19e6, 201e3, 1.5e3, 2.25e9]),
    "Chinese multiples": (["120万", "1.2亿", "85.5万元"], [1.2e6, 1.2e8, 855000]),
    "bounds": (["<0.5", "12", "~3", "7.5"], [0.5, 12, 3, 7.5]),
    "at least": (["0", "1", "2", "3+"], [0, 1, 2, 3]),
    "exponents": (["1e5", "2.5E-3", "+4"], [1e5, 2.5e-3, 4]),
    "wide characters": (["１２３", "４．５"], [123, 4.5]),  # noqa: RUF001
    "minus": (["−5", "–2.5", "3-"], [-5, -2.5, -3]),  # noqa: RUF001
    "point first": ([".5", "-.25", "1."], [0.5, -0.25, 1]),
    "no cents (Swiss)": (["2567.-", "CHF 2'150.\u2013", "99.50"], [2567, 2150, 99.5]),
    "no cents (older)": (["Fr. 2550.--", "Fr. 99.50"], [2550, 99.5]),
    "no cents (Danish)": (["2569,-", "85,50"], [2569, 85.5]),
    "minus behind (SAP)": (["1.234,00-", "20,5"], [-1234, 20.5]),
    "flags of statistics": (["250 p", "229 b", "63", "64.5", "70", "12 e"], [250, 229, 63, 64.5, 70, 12]),
    "credit and debit": (["1,147.50 Cr", "891.00 Dr"], [1147.5, -891]),
    "credit alone": (["8200.00 Cr", "12.50 Cr"], [8200, 12.5]),
    "crores": (["1.2 Cr", "45 Lakh"], [1.2e7, 45e5]),
    "crores of rupees": (["₹1.2 Cr", "₹3 Cr"], [1.2e7, 3e7]),
    "point as programs write it": (["52,5", "60.25"], [52.5, 60.25]),
    "blanks": (["  5", "6  ", "\t7\n"], [5, 6, 7]),
    "years": (["1998", "2004"], [1998, 2004]),
    "thousands": (["1,234", "12,345"], [1234, 12345]),
    "fractions of three digits": (["0,123", "1,234"], [0.123, 1.234]),
    "missing": (["1", "?", "2.5", "N/A", "-", ""], [1, NAN, 2.5, NAN, NAN, NAN]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_written_as_text(name):
    texts, expected = NUMBERS[name]
    found, read = values(texts)
    assert found == "number"
    np.testing.assert_allclose(read, expected, rtol=1e-12)


FACTORS = {
    1e3: "thousand tsd 千",
    1e4: "万 萬 万元",
    1e5: "lakh lac lakhs lacs",
    1e6: "million millions mio mn mln 百万",
    1e7: "crore crores",
    1e8: "亿 億 亿元",
    1e9: "billion billions bn mrd",
}


def test_words_that_multiply():
    words = {word: factor for factor, words in FACTORS.items() for word in words.split()}
    assert words == MULTIPLES
    for word, factor in words.items():
        assert numerals.read([f"2.5 {word}", f"3{word}+"], WRITTEN["number"].default).tolist() == [
            2.5 * factor,
            3 * factor,
        ]
    plain = WRITTEN["number"].default
    np.testing.assert_array_equal(
        numerals.read(["1.5M", "2k", "2K", "1B", "2 M", "2m"], plain), [1.5e6, 2e3, 2e3, 1e9, NAN, NAN]
    )


@pytest.mark.parametrize("word", sorted(CURRENCIES))
def test_currencies(word):
    assert values([f"{word}1,200", f"{word} 950"]) == ("number", [1200, 950])


@pytest.mark.parametrize("mark", sorted(MISSING_MARKS - {""}))
def test_marks_for_missing_values(mark):
    assert values([*(f"{i}" for i in range(5)), mark.upper()]) == (
        "number",
        pytest.approx([*range(5), NAN], nan_ok=True),
    )


@pytest.mark.parametrize(
    ("hints", "expected"),
    [(Hints(), [1.234, 5.678]), (Hints(decimal=","), [1234, 5678]), (Hints(thousands="."), [1234, 5678])],
)
def test_a_point_before_three_digits_is_what_the_hint_says(hints, expected):
    found, read = values(["1.234 kg", "5.678 kg"], hints)
    assert found == "number"
    assert read == expected


def test_a_hint_does_not_outweigh_the_values():
    assert values(["12.5 kg", "0.25 kg"], Hints(decimal=","))[1] == [12.5, 0.25]


@pytest.mark.parametrize(
    "texts",
    [
        ["01067", "80331"],  # postal codes
        ["007", "1"],
        ["4 Bedroom", "2 BHK"],
        ["$5", "€5"],
        ["192.168.0.1", "10.0.0.1"],
        ["1.2.3", "1.2.4"],
        ["A1", "A2"],
        ["1133 - 1384", "1200 - 1300"],
        ["12,34", "1,2,3"],
        ["3/4", "1/2"],
        ["5 kg", "7 lb"],
        ["5 p", "7 b", "3"],  # most have a letter
        ["5 p", "7 q", "3", "4"],
        ["+", "%"],
        ["1_00", "2_0"],
        ["yes", "maybe"],
        ["<=50K", ">50K"],  # the classes of a census
        ["<0.5", "0.5", "> 1"],
    ],
    ids=str,
)
def test_texts_that_are_no_numbers(texts):
    assert kind(pd.Series(texts)) == "category"


def test_numbers_with_a_mark_f3():
    """Two ``?`` in a column of 120 numbers once made it a category, and the error of a linear model was 2.3 in place of 0."""
    column = pd.Series(np.random.default_rng(0).normal(size=120).round(3), dtype=object)
    column[[3, 50]] = "?"
    for shape in (column, column.astype("str")):
        found = describe(shape)
        assert found.kind == "number"
        assert found.unread.tolist() == [3, 50]


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (["a1"] * 10, "number"),  # 10 of 100
        (["a1"] * 11, "category"),
        (["x"] * 50, "number"),  # half, in up to three words
        (["x"] * 51, "category"),
        (["x", "y", "z"] * 10, "number"),
        (["x", "y", "z", "w"] * 10, "category"),
    ],
)
def test_how_many_values_may_be_unreadable(bad, expected):
    good = [f"{i}.5" for i in range(100 - len(bad))]
    assert kind(pd.Series([*good, *bad])) == expected


def test_rows_count_and_not_different_values():
    numbers = [f"{i}.5" for i in range(20)] * 100
    assert kind(pd.Series([*numbers, *(f"typo {i}" for i in range(200))])) == "number"  # 200 of 2200 rows
    assert kind(pd.Series([*numbers, *(f"typo {i}" for i in range(250))])) == "category"


def test_few_whole_numbers_beside_a_word_are_codes():
    codes = [str(i) for i in range(FEW)] * 20
    assert kind(pd.Series([*codes, "X"])) == "category"
    assert kind(pd.Series([*codes, str(FEW), "X"])) == "number"
    assert kind(pd.Series([*codes, "0.5", "X"])) == "number"
    assert kind(pd.Series([*codes, "?"])) == "number"


def test_excel_cells_of_several_types():
    column = pd.Series([1, 2.5, "3", None, "n/a", Decimal("4.25"), "$5"], dtype=object)
    found, read = values(column)
    assert found == "number"
    np.testing.assert_array_equal(read, [1, 2.5, 3, NAN, NAN, 4.25, 5])


# ------------------------------------------------------------------------------------------------------------ dates as texts


def day(text):
    return pd.Timestamp(text).to_datetime64().astype("datetime64[us]").astype(np.int64) / 86_400e6


DATES = {
    "day first": (["29/03/2024", "01/04/2024"], ["2024-03-29", "2024-04-01"]),
    "month first": (["03/29/2024", "04/01/2024"], ["2024-03-29", "2024-04-01"]),
    "points": (["01.04.2024", "02.05.2024"], ["2024-04-01", "2024-05-02"]),
    "two digits": (["31-12-99", "01-02-03"], ["1999-12-31", "2003-02-01"]),
    "first of months": (["01/02/2024", "01/03/2024", "01/12/2023"], ["2024-02-01", "2024-03-01", "2023-12-01"]),
    "first of months, month first": (
        ["02/01/2024", "03/01/2024", "12/01/2023"],
        ["2024-02-01", "2024-03-01", "2023-12-01"],
    ),
    "year first beside day first": (["29/03/2024", "2024/04/01"], ["2024-03-29", "2024-04-01"]),
    "in order": (["11/02/2024", "12/02/2024", "01/03/2024"], ["2024-02-11", "2024-02-12", "2024-03-01"]),
    "year first": (["2024/3/29", "2024/4/1"], ["2024-03-29", "2024-04-01"]),
    "Chinese": (["2023年06月17日", "2023年7月1日"], ["2023-06-17", "2023-07-01"]),
    "Chinese months": (["2023年06月", "2023年7月"], ["2023-06-01", "2023-07-01"]),
    "names": (
        ["29 Mar 2024", "1-Apr-2024", "Apr 2, 2024", "May 2024"],
        ["2024-03-29", "2024-04-01", "2024-04-02", "2024-05-01"],
    ),
    "weekdays": (["Fri, 29 Mar 2024", "Monday, April 1, 2024"], ["2024-03-29", "2024-04-01"]),
    "German": (["29. März 2024", "1. Okt. 2024"], ["2024-03-29", "2024-10-01"]),
    "SAS": (["29MAR2024", "01APR2024"], ["2024-03-29", "2024-04-01"]),
    "compact": (["20240329", "20240401"], ["2024-03-29", "2024-04-01"]),
    "Excel months": (["Jan-15", "Feb-15", "Dec-14"], ["2015-01-01", "2015-02-01", "2014-12-01"]),
    "quarters": (["2024-Q1", "2024Q4"], ["2024-01-01", "2024-10-01"]),
    "months of statistics": (["2005M01", "2005M12"], ["2005-01-01", "2005-12-01"]),
    "American times": (
        ["7/1/24 1:10 PM", "7/2/24 1:20 PM", "7/3/24 2:00 AM"],
        ["2024-07-01 13:10", "2024-07-02 13:20", "2024-07-03 02:00"],
    ),
    "PostgreSQL": (
        ["2024-06-01 00:28:52+00", "2024-06-01 02:30:00.5+02"],
        ["2024-06-01 00:28:52", "2024-06-01 00:30:00.5"],
    ),
    "days with points": (["18.05.20", "07.12.15"], ["2020-05-18", "2015-12-07"]),
    "compact hours": (["2024030101", "2024030223"], ["2024-03-01 01:00", "2024-03-02 23:00"]),
    "with times": (["29/03/2024 13:45", "01/04/2024 1:05:30"], ["2024-03-29 13:45", "2024-04-01 01:05:30"]),
    "afternoon": (["3/29/2024 1:45 PM", "4/1/2024 12:00 am"], ["2024-03-29 13:45", "2024-04-01"]),
    "clock change (F12)": (
        ["2024-03-31T01:00:00+01:00", "2024-03-31T03:00:00+02:00"],
        ["2024-03-31 00:00", "2024-03-31 01:00"],
    ),
    "zones, not ISO": (["29/03/2024 01:00 +0100", "29/03/2024 01:00 Z"], ["2024-03-29 00:00", "2024-03-29 01:00"]),
    "ISO, some with times": (
        ["2024-03-29", "2024-04-01 12:00", "2024-05"],
        ["2024-03-29", "2024-04-01 12:00", "2024-05-01"],
    ),
    "missing": (["2024-03-29", "?", "2024-04-01"], ["2024-03-29", None, "2024-04-01"]),
}


@pytest.mark.parametrize("name", DATES)
def test_dates_written_as_text(name):
    texts, expected = DATES[name]
    found, read = values(texts)
    assert found == "date"
    np.testing.assert_allclose(read, [NAN if text is None else day(text) for text in expected], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_the_order_of_day_and_month_may_be_said(day_first, month):
    texts = ["03/04/2024", "05/03/2024", "04/06/2024"]
    assert kind(pd.Series(texts)) == "category"
    found, read = values(texts, Hints(day_first=day_first))
    assert found == "date"
    assert pd.Timestamp(read[0], unit="D").month == month


def test_a_hint_does_not_make_a_thirteenth_month():
    assert values(["29/03/2024", "01/04/2024"], Hints(day_first=False))[1] == [day("2024-03-29"), day("2024-04-01")]


@pytest.mark.parametrize(
    "texts", [["2024-02-30", "2024-02-29"], ["31/04/2024", "29/03/2024"], ["25:00", "26:61"], ["1/2", "3/4"]], ids=str
)
def test_days_that_no_calendar_has(texts):
    assert kind(pd.Series(texts)) == "category"


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024, 9999, 1])
def test_the_calendar_is_that_of_python(year):
    for month in range(14):
        for number in range(33):
            try:
                expected = (datetime.date(year, month, number) - datetime.date(1970, 1, 1)).days
            except ValueError:
                expected = NAN
            np.testing.assert_array_equal(dates.read([f"{year:04}/{month}/{number}"], {}), [expected])
            np.testing.assert_array_equal(dates.read([f"{number}/{month}/{year:04}"], {"day_first": True}), [expected])
            np.testing.assert_array_equal(dates.read([f"{month}/{number}/{year:04}"], {"day_first": False}), [expected])


@pytest.mark.parametrize(
    ("clock", "seconds"),
    [
        ("00:00", 0),
        ("23:59:60", 86400),
        ("24:00", 86400),
        ("24:01", NAN),
        ("24:00:01", NAN),
        ("25:00", NAN),
        ("12:60", NAN),
        ("12:00:61", NAN),
        ("12:00:00.5", 43200.5),
        ("12:30 AM", 1800),
        ("12:30 PM", 45000),
        ("11:59 pm", 86340),
        ("13:00 PM", NAN),
        ("0:30 AM", NAN),
        ("01:00 +02:30", -5400),
        ("01:00 -0230", 12600),
        ("01:00+00", 3600),
        ("9:00:00 AM GMT+1", 28800),
        ("09:00 UTC-10", 68400),
        ("09:00 UTC", 32400),
        ("09:00 GMT+5:30", 12600),
        ("01:00:00 -03", 14400),
        ("10点30分", 37800),
    ],
)
def test_times_of_day(clock, seconds):
    read = dates.read([f"2 Jan 1970 {clock}"], {})
    np.testing.assert_allclose(read * 86400, [86400 + seconds], rtol=1e-12)


def test_years_of_two_digits():
    assert dates.read(["1/1/68", "1/1/69"], {"day_first": True}).tolist() == [day("2068-01-01"), day("1969-01-01")]


def test_twelve_may_be_a_month():
    texts = ["12/04/2024", "05/12/2024", "07/06/2024"]
    assert kind(pd.Series(texts)) == "category"
    assert values([*texts, "13/01/2024"])[1][0] == day("2024-04-12")
    assert values([*texts, "01/13/2024"])[1][0] == day("2024-12-04")


def test_whole_numbers_that_are_dates():
    column = pd.Series([20240229, 20240301, 20231231])
    assert values(column) == ("date", [day("2024-02-29"), day("2024-03-01"), day("2023-12-31")])
    assert kind(pd.Series([20240229, 20240230])) == "number"
    months = [year * 100 + month for year in (2023, 2024) for month in range(1, 13)]
    assert values(pd.Series(months[: FEW + 1]))[1][FEW] == day("2024-01-01")
    assert kind(pd.Series(months[:FEW])) == "date"
    assert kind(pd.Series(months[: FEW - 1])) == "number"
    assert kind(pd.Series([*months, 202413])) == "number"
    assert kind(pd.Series([*months, 20240101])) == "number"
    assert kind(pd.Series([20240229, 20240229])) == "number"
    assert kind(pd.Series([20240229.5, 20240301])) == "number"


@given(st.lists(st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2099, 12, 31)), min_size=1, max_size=20))
def test_a_date_is_the_same_however_it_is_written(moments):
    moments = [moment.replace(microsecond=0) for moment in moments]
    expected = [moment.timestamp() for moment in (m.replace(tzinfo=datetime.UTC) for m in moments)]
    for pattern in (
        "%Y-%m-%dT%H:%M:%S",
        "%d.%m.%Y %H:%M:%S",
        "%Y年%m月%d日 %H:%M:%S",
        "%d %B %Y %I:%M:%S %p",
        "%Y%m%d%H%M%S",
    ):
        found, read = values([moment.strftime(pattern) for moment in moments])
        assert found == "date", pattern
        np.testing.assert_allclose(np.array(read) * 86400, expected, rtol=0, atol=1e-3, err_msg=pattern)


# -------------------------------------------------------------------------------------- truth values, durations and the rest


@pytest.mark.parametrize(
    ("yes", "no"),
    [("yes", "no"), ("Y", "N"), ("ja", "nein"), ("是", "否"), ("t", "f"), ("TRUE", "FALSE"), ("oui", "non")],
)
def test_words_for_true_and_false(yes, no):
    assert values([yes, no, None, yes, "?"]) == ("truth", pytest.approx([1, 0, NAN, 1, NAN], nan_ok=True))
    assert kind(pd.Series([yes, no, "perhaps"])) == "category"
    assert kind(pd.Series([yes, yes])) == "category"


DURATIONS = {
    "clock": (["1:30:00", "0:45:30"], [5400, 2730]),
    "hours and minutes": (["2h 50m", "19h", "45m"], [10200, 68400, 2700]),
    "minutes beside hours": (["55:05", "1:04:12"], [3305, 3852]),
    "minutes from 24 on": (["23:59", "24:10"], [1439, 1450]),
    "hours and minutes alone": (["4:38", "23:59"], [16680, 86340]),
    "days beside hours": (["2 days 1:00", "0:30:00"], [176400, 1800]),
    "clock with points": (["18.00.00", "07.30.15"], [64800, 27015]),
    "different units": (["19h", "45m"], [68400, 2700]),
    "days": (["1 days 02:00:00", "0 days 00:00:30"], [93600, 30]),
    "ISO": (["PT1H30M", "P1DT12H"], [5400, 129600]),
    "words": (["1 hour 20 minutes", "50 minutes"], [4800, 3000]),
}


@pytest.mark.parametrize("name", DURATIONS)
def test_durations_written_as_text(name):
    texts, expected = DURATIONS[name]
    assert values(texts) == ("duration", expected)


@pytest.mark.parametrize("word", UNITS)
def test_units_of_time(word):
    scale = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}
    others = {"t": "d", "天": "d", "日": "d", "小": "h", "时": "h", "分": "m", "秒": "s"}
    letter = "h" if word.startswith("std") or word.startswith("stund") else word[0]
    assert durations.read([f"1.5 {word}"], {})[0] == 1.5 * scale[others.get(letter, letter)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P2W", 1209600),
        ("P", NAN),
        ("PT", NAN),
        ("-1:30", -5400),
        ("1:60", NAN),
        ("1:59:60", NAN),
        ("1:59:59", 7199),
        ("2d 1:00", 176400),
        ("1h 5", NAN),
        ("h", NAN),
        ("5 parsecs", NAN),
        ("1h, 5 min.", 3900),
    ],
)
def test_one_duration(text, expected):
    np.testing.assert_array_equal(durations.read([text], {}), [expected])


def test_one_unit_of_time_is_a_number():
    assert values(["90 min", "120 min"]) == ("number", [90, 120])


def test_text_that_is_nearly_unique():
    names = [f"customer {i:x}" for i in range(18)]
    assert kind(pd.Series([*names, names[0], names[1]])) == "category"  # 18 of 20 are different
    assert kind(pd.Series([*names, "one more", names[1]])) == "text"  # 19 of 20
    assert kind(pd.Series([*names, "one more"])) == "category"  # too few rows
    reviews = [f"this customer {i} said so" for i in range(11)]
    assert kind(pd.Series([*reviews, *reviews[:9]])) == "text"
    assert kind(pd.Series([*reviews[:10], *reviews[:10]])) == "category"
    short = [f"customer {i} said so" for i in range(11)]
    assert kind(pd.Series([*short, *short[:9]])) == "category"


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, np.array([1.0]), (1,)], ids=lambda v: type(v).__name__)
def test_lists_are_refused_by_name_f18(value):
    column = pd.Series([None, value, value], name="v", dtype=object)
    with pytest.raises(ValueError, match=r"column 'v' has a \w+ in a cell"):
        kind(column)
    with pytest.raises(ValueError, match="column 'v' has a"):
        TablePreprocessor().fit(pd.DataFrame({"x": [1, 2, 3], "v": column}))


# --------------------------------------------------------------------------------------- the same values in any kind of table

DAY = datetime.date(2024, 2, 29)
SAME = {
    "number": (pa.array([1.5, None, 3.0]), [1.5, None, 3.0]),
    "whole number": (pa.array([1, None, 3], pa.int64()), [1, None, 3]),
    "decimal": (pa.array([Decimal("1.50"), None, Decimal("3.00")]), [1.5, None, 3.0]),
    "truth": (pa.array([True, None, False]), [True, None, False]),
    "date": (pa.array([DAY, None, DAY + datetime.timedelta(40)]), ["2024-02-29", None, "2024-04-09"]),
    "moment": (
        pa.array([datetime.datetime(2024, 2, 29, 6), None, datetime.datetime(2025, 1, 1)], pa.timestamp("us")),
        pd.to_datetime(["2024-02-29 06:00", None, "2025-01-01 00:00"]),
    ),
    "moment with zone": (
        pa.array([datetime.datetime(2024, 2, 29, 6), None, datetime.datetime(2025, 1, 1)], pa.timestamp("us", "UTC")),
        pd.to_datetime(["2024-02-29 07:00", None, "2025-01-01 01:00"]).tz_localize("Europe/Berlin"),
    ),
    "duration": (pa.array([datetime.timedelta(hours=1), None, datetime.timedelta(days=1)]), pd.to_timedelta(["1h", None, "1D"])),
    "time": (pa.array([datetime.time(6, 30), None, datetime.time(7)]), ["06:30:00", None, "07:00:00"]),
    "text": (pa.array(["a", None, "b"]), ["a", None, "b"]),
    "bytes": (pa.array([b"a", None, b"b"]), ["a", None, "b"]),
    "dictionary": (pa.array(["3", None, "1"]).dictionary_encode(), pd.Categorical(["3", None, "1"])),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_arrow_and_pandas_columns_mean_the_same(name):
    """F27 and S12: a date beside another column of a Polars or Arrow table once ended in an error of NumPy."""
    array, plain = SAME[name]
    frame = pd.DataFrame({"c": plain, "x": [1.0, 2.0, 4.0]})
    table = pa.table({"c": array, "x": [1.0, 2.0, 4.0]})
    backed = table.to_pandas(types_mapper=pd.ArrowDtype)
    expected = TablePreprocessor().fit(frame)
    for other in (table, backed, backed[["x", "c"]]):
        fitted = TablePreprocessor().fit(other)
        assert fitted.kinds_ == expected.kinds_ or list(getattr(other, "columns", [])) == ["x", "c"]
        for rows in (frame, table, backed):
            np.testing.assert_allclose(expected.transform(rows), expected.transform(frame))
            ordered = fitted.transform(rows)[
                :, [list(fitted.get_feature_names_out()).index(n) for n in expected.get_feature_names_out()]
            ]
            np.testing.assert_allclose(ordered, expected.transform(frame))


def test_columns_of_a_table_that_is_not_of_pandas_may_come_in_any_order_f27():
    table = pa.table({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
    fitted = TablePreprocessor().fit(table)
    np.testing.assert_array_equal(fitted.transform(table.select(["b", "a"])), fitted.transform(table))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "string", "str", object])
def test_nullable_types_mean_the_same(dtype):
    plain = pd.DataFrame({"c": [1.0, 0.0, None, 3.0]})
    other = plain.astype("Int64").astype(dtype)
    fitted = TablePreprocessor().fit(plain)
    np.testing.assert_array_equal(fitted.transform(other), fitted.transform(plain))
    np.testing.assert_array_equal(TablePreprocessor().fit(other).transform(plain), fitted.transform(plain))


@pytest.mark.parametrize("dtype", ["boolean", "string", "bool[pyarrow]", "Int64", "category"])
def test_nullable_truth_values_mean_the_same(dtype):
    plain = pd.DataFrame({"c": np.array([True, False, None, True], dtype=object)})
    other = plain.astype("boolean").astype(dtype)
    fitted = TablePreprocessor().fit(plain)
    np.testing.assert_array_equal(fitted.transform(other), fitted.transform(plain))


def test_periods_and_times_of_day():
    months = pd.Series(pd.period_range("2024-01", periods=3, freq="M"))
    np.testing.assert_array_equal(days(months), [day("2024-01-01"), day("2024-02-01"), day("2024-03-01")])
    assert kind(months) == kind(months.astype(object)) == "date"
    np.testing.assert_array_equal(days(months.astype(object)), days(months))
    clock = pd.Series([datetime.time(6, 30), None, datetime.time(7, 0, 0, 500)], dtype=object)
    assert kind(clock) == "duration"
    np.testing.assert_allclose(seconds(clock, {}), [23400, NAN, 25200.0005])


# ---------------------------------------------------------------------------------------------- in fit and later, and typed

RAW = pd.DataFrame(
    {
        "price": ["$1,200", "$950", "?", "$2,000"],
        "sold": ["29/03/2024", None, "01/04/2024", "02/04/2024"],
        "garden": ["ja", "nein", "ja", None],
        "flight": ["2h 50m", "1h", "30m", "2h"],
        "town": ["Ulm", "Bonn", "Ulm", None],
    }
)


def test_texts_are_read_in_the_same_way_later():
    fitted = TablePreprocessor().fit(RAW)
    assert fitted.kinds_ == {
        k: [n] for k, n in zip(("number", "date", "truth", "duration", "category"), RAW, strict=True)
    }
    alone = RAW.iloc[[2]]  # 01/04/2024 alone could be in January
    np.testing.assert_array_equal(fitted.transform(alone), fitted.transform(RAW)[[2]])
    already = pd.DataFrame(
        {
            "price": [1200, 950, None, 2000.0],
            "sold": pd.to_datetime(["2024-03-29", None, "2024-04-01", "2024-04-02"]),
            "garden": np.array([True, False, True, None], dtype=object),
            "flight": pd.to_timedelta(["170min", "60min", "30min", "120min"]),
            "town": RAW["town"],
        }
    )
    np.testing.assert_array_equal(fitted.transform(already), fitted.transform(RAW))


def test_what_is_known_of_columns_need_not_be_found():
    found = {name: describe(RAW[name]) for name in RAW}
    formats = {name: {"kind": f.kind, **f.format} for name, f in found.items()}
    table = RAW.assign(**{name: typed(RAW[name], f.kind, f.format) for name, f in found.items()})
    known = TablePreprocessor(column_formats=formats).fit(table)
    plain = TablePreprocessor().fit(RAW)
    np.testing.assert_array_equal(known.transform(table), plain.transform(RAW))
    np.testing.assert_array_equal(known.transform(RAW), plain.transform(RAW))
    with pytest.raises(ValueError, match="'column_formats' parameter of TablePreprocessor must be a dict"):
        TablePreprocessor(column_formats=["a"]).fit(RAW)


def test_numbers_may_stand_for_truth_values_later():
    fitted = TablePreprocessor().fit(RAW[["garden"]])
    for later in ([1, 0], [1.0, 0.0], ["True", "false"], [True, False], ["JA", " nein "]):
        rows = pd.DataFrame({"garden": np.array(later, dtype=object)})
        np.testing.assert_array_equal(fitted.transform(rows)[:, 0], [1, 0])


def test_nearly_unique_texts_are_left_out():
    table = pd.DataFrame({"id": [f"customer {i}" for i in range(30)], "x": np.arange(30.0)})
    fitted = TablePreprocessor().fit(table)
    assert fitted.get_feature_names_out().tolist() == ["x"]
    assert fitted.transform(table).shape == (30, 1)
    with pytest.raises(ValueError, match="no column is left: id are texts that are nearly all different"):
        TablePreprocessor().fit(table[["id"]])
    kept = TablePreprocessor(categorical_columns=["id"]).fit(table)
    assert len(kept.get_feature_names_out()) == 31


TEXTS = st.lists(
    st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["1", "2.5", "?", "yes", "no", "2024-01-01", "$5"])),
    min_size=1,
)


@given(TEXTS)
def test_any_texts_are_something(texts):
    column = pd.Series(texts, dtype=object)
    found = describe(column)
    again = typed(column, found.kind, found.format)
    assert len(again) == len(column)
    if found.kind in WRITTEN:
        read = KINDS[found.kind].read(column, found.format)
        np.testing.assert_allclose(KINDS[found.kind].read(again, found.format), read)
        assert set(found.unread) == {i for i in range(len(column)) if np.isnan(read[i]) and texts[i] is not None}


def test_infinite_numbers_are_missing():
    column = pd.Series(["1.5", "1e999", *map(str, range(20))])
    assert describe(column).unread.tolist() == [1]
    assert np.isnan(values(column)[1][1])
    mixed = pd.Series([np.inf, "2.5", 3.0], dtype=object)
    np.testing.assert_array_equal(typed(mixed, "number", describe(mixed).format), [NAN, 2.5, 3.0])


def test_the_way_of_writing_shows_among_some_of_many_texts():
    """A thousand texts, spread over all, say how they are written; all of them are asked only where these do not tell."""
    rows = pd.Series([f"${i:,}.25" for i in range(5000)])
    assert values(rows)[1][4321] == 4321.25
    early = [f"0{d}/0{m}/{y}" for y in range(1900, 2000) for d in range(1, 10) for m in range(1, 10) if d != m]
    late = pd.Series(["05/04/1850", "03/06/1850", *early, "30/09/2000"])
    assert len(late) > 6000
    assert describe(late).format == {"day_first": True}


def test_clean_texts():
    assert clean("\u3000１２　") == "12"  # noqa: RUF001
    assert clean("ﬁ") == "fi"
