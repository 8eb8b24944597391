"""Files as spreadsheets, sensors and databases write them: read right, and what was guessed is told."""

import gzip
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.tables import files
from search.tables.reading import Asked, UnreadableError, unique
from search.tables.text.dialects import guess_dialect
from search.tables.text.encodings import guess_encoding
from search.tables.text.survey import CHUNK

RENTS = pd.DataFrame({"size": [52.5, 80.0, 70.25], "rent": [1210.5, 1900.0, 950.0], "town": ["Köln", "Weiß", "Ulm"]})
GERMAN = "size;rent;town\n52,5;1210,5;Köln\n80,0;1900,0;Weiß\n70,25;950,0;Ulm\n"
PLAIN = "size,rent,town\n52.5,1210.5,Köln\n80.0,1900.0,Weiß\n70.25,950.0,Ulm\n"


def read(tmp_path, content, name="t.csv", **asked):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return files.read(path, Asked(**asked))


TEXTS = {
    "plain": (PLAIN, []),
    "semicolons and decimal commas": (GERMAN, ["read with separator semicolon, decimal comma"]),
    "German Excel": (GERMAN.encode("cp1252"), ["read with separator semicolon, decimal comma, encoding cp1252"]),
    "byte order mark": (PLAIN.encode("utf-8-sig"), ["read with encoding utf-8-sig"]),
    "Unicode text of Excel": (
        PLAIN.replace(",", "\t").encode("utf-16"),
        ["read with separator tab, encoding utf-16"],
    ),
    "UTF-32": (PLAIN.encode("utf-32"), ["read with encoding utf-32"]),
    "UTF-32, the other order": (b"\0\0\xfe\xff" + PLAIN.encode("utf-32-be"), ["read with encoding utf-32"]),
    "UTF-16 without a mark": (PLAIN.encode("utf-16-le"), ["read with encoding utf-16-le"]),
    "tabs": (PLAIN.replace(",", "\t"), ["read with separator tab"]),
    "bars": (PLAIN.replace(",", "|"), ["read with separator bar"]),
    "blanks": (
        "size  rent town\n 52.5 1210.5  Köln\n80.0 1900.0 Weiß\n70.25   950.0 Ulm\n",
        ["read with separator blanks"],
    ),
    "quoted decimal commas": (
        'size,rent,town\n"52,5","1210,5",Köln\n"80,0","1900,0",Weiß\n"70,25","950,0",Ulm\n',
        ["read with decimal comma"],
    ),
    "Windows line ends": (PLAIN.replace("\n", "\r\n"), []),
    "old Mac line ends": (PLAIN.replace("\n", "\r"), []),
    "blank lines": (PLAIN.replace("\n", "\n\n"), []),
    "a title": ("Rents of 2024\n\n" + PLAIN, ["the header is in line 3; the lines above it left out"]),
    "titles of a spreadsheet": (
        "Rents of 2024;;\nSource: survey;;\n;;\n" + GERMAN,
        [
            "read with separator semicolon, decimal comma",
            "the header is in line 4; the lines above it left out",
        ],
    ),
    "names and values above": (
        "Station;Bonn;x\nOwner;me;y\n\n" + GERMAN,
        [
            "read with separator semicolon, decimal comma",
            "the header is in line 4; the lines above it left out",
        ],
    ),
    "comments": ("# by a sensor, in May\n# v2\n" + PLAIN, ["the header is in line 3; the lines above it left out"]),
    "a header in a comment": ("# by a sensor\n# " + PLAIN, ["the header is in line 2; the lines above it left out"]),
    "units": (
        PLAIN.replace("town\n", "town\nm²,EUR,\n"),
        ["the row below the header holds units and is left out: m², EUR"],
    ),
    "separators at the ends of rows": (PLAIN.replace("\n5", "\n5").replace("Köln", "Köln,").replace("Ulm", "Ulm,"), []),
    "separators at the ends of all lines": (PLAIN.replace("\n", ",\n"), []),
    "an index that pandas wrote": (
        RENTS.to_csv(),
        ["the first column has no name and counts the rows: left out"],
    ),
    "row names of R": (
        '"size","rent","town"\n"1",52.5,1210.5,"Köln"\n"2",80,1900,"Weiß"\n"3",70.25,950,"Ulm"\n',
        ["the first cell of each row, which has no name in the header, left out"],
    ),
    "the header again": (
        PLAIN.replace("80.0", "size,rent,town\n80.0"),
        ["1 row that repeated the header left out"],
    ),
    "rows without a value": (PLAIN + ",,\n,,\n", ["2 rows without a value left out"]),
}


@pytest.mark.parametrize(("content", "notes"), TEXTS.values(), ids=TEXTS)
def test_a_text_is_read_as_it_is_meant(tmp_path, content, notes):
    table = read(tmp_path, content)
    pd.testing.assert_frame_equal(table.frame, RENTS, check_dtype=False)
    assert [str(dtype) for dtype in table.frame.dtypes[:2]] == ["float64", "float64"]
    assert table.notes == notes
    assert table.doubled == set()


CHINESE = "房价,面积\n12.5,住宅\n13.5,别墅\n14,住宅\n"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "utf-16"])
def test_chinese_texts(tmp_path, encoding):
    table = read(tmp_path, CHINESE.encode(encoding), "房.csv")
    assert list(table.frame) == ["房价", "面积"]
    assert table.frame["面积"].tolist() == ["住宅", "别墅", "住宅"]


WESTERN = st.text("abcdefghijklmnop äöüßéèçñ", min_size=12, max_size=60).filter(lambda text: not text.isascii())


@given(st.lists(WESTERN, min_size=1, max_size=5))
def test_western_words_are_not_taken_for_chinese(words):
    text = ",".join(f"Straße {word} von" for word in words)
    data = text.encode("cp1252")
    assert guess_encoding(data, [data]) == "cp1252"


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=40))
def test_chinese_characters_are_not_taken_for_western_ones(text):
    data = f"名称,{text},价格".encode("gb18030")
    codes = [character.encode("gb18030") for character in text]
    if sum(0xA1 <= code[0] <= 0xD7 and code[1] >= 0xA1 and len(code) == 2 for code in codes) * 2 >= len(text):
        assert guess_encoding(data, [data]) == "gb18030"


def test_a_character_cut_between_two_pieces_is_no_other_encoding():
    data = "ä".encode() * 10
    assert guess_encoding(data, [data[:5], data[5:]]) == "utf-8"
    assert guess_encoding(b"\xc3", [b"\xc3", b"abc"]) == "cp1252"
    assert guess_encoding(data, [data[:5]]) == "utf-8"  # of a file that was cut off


DAMAGED = {
    "too many cells": (PLAIN.replace("1900.0", "1,900.0"), "line 3 has 4 cells, the header 3: '80.0,1,900.0,Weiß'"),
    "a separator in quotes": ('a,b\n"1,2"\n3,4\n', "line 2 has 1 cell, the header 2: '1,2'"),
    "far too many": (PLAIN.replace("1900.0", "1,9,0,0"), "line 3 has 6 cells, the header 3"),
    "too few cells": (PLAIN.replace(",Weiß", ""), "line 3 has 2 cells, the header 3: '80.0,1900.0'"),
    "cut off in the first cell": (PLAIN + "Bonn", "line 5 has 1 cell, the header 3: 'Bonn'"),
    "cut off later": (PLAIN + "90.5,23", "line 5 has 2 cells, the header 3: '90.5,23'"),
    "a quote that does not end": (PLAIN.replace("Weiß", '"Weiß'), "line 3 has a quote that does not end"),
    "a quote that does not end, early": (PLAIN.replace("80.0", '"80.0'), "line 3 has a quote that does not end"),
    "a cell without an end": (
        PLAIN.replace("80.0", '"80.0') + "1,2,x\n" * 40_000,
        "line 3 has a quote that does not end",
    ),
    "a line too much above": ("t\n" + PLAIN.replace(",Weiß", ""), "line 4 has 2 cells"),
    "zero bytes": (PLAIN.replace("Weiß", "We\0"), "line 3 has a zero byte: the file is damaged"),
    "nothing": ("", "it is empty"),
    "blanks": ("\n \n", "it is empty"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(range(32)) * 9, "it is no text; files of other kinds end in .xlsx"),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_with_its_line(tmp_path, content, message):
    with pytest.raises(UnreadableError) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(message)


def test_a_row_is_never_filled_in_silence_but_may_be_of_missing_values(tmp_path):
    table = read(tmp_path, "a,b,c\n1,2,\n3,4,\n5,6,7\n")
    assert table.frame["c"].isna().tolist() == [True, True, False]


def test_names_that_occur_twice(tmp_path):
    table = read(tmp_path, "a,y,y,\n1,2,3,4\n5,6,7,8\n")
    assert list(table.frame) == ["a", "y", "y.1", "column 4"]
    assert table.doubled == {"y"}
    assert table.notes == ["2 columns are called 'y': all but the first got a number"]


def test_a_line_break_in_a_name_and_in_a_cell(tmp_path):
    table = read(tmp_path, 'a,"price\n(USD)"\n1,"x\ny"\n2,z\n')
    assert table.frame.to_dict("list") == {"a": [1, 2], "price\n(USD)": ["x\ny", "z"]}


GUESSES = {
    "a quoted thousand is no fraction": (['a,"b"', '1,"1,234"', '2,"2,500"'], (",", ".")),
    "a fraction among thousands is": (['a,"b"', '1,"1.234,5"', '2,"2,500"'], (",", ",")),
    "texts with commas": (["a;b", "x, y;1", "z;2", "u, v;3"], (";", ".")),
    "one semicolon in a text": (["a,b", "x;y,1", "z,2"], (",", ".")),
    "dots between thousands": (["a;b", "1.210;2,5", "1.300;3,5"], (";", ",")),
    "points with semicolons": (["a;b", "1.2;2", "1.3;3"], (";", ".")),
}


@pytest.mark.parametrize(("lines", "expected"), GUESSES.values(), ids=GUESSES)
def test_separator_and_decimal_mark(lines, expected):
    dialect = guess_dialect(lines)
    assert (dialect.separator, dialect.decimal) == expected


NO_UNITS = {
    "a missing mark": ["a,b", "?,Bonn", "1,Ulm", "2,Jena"],
    "a word": ["a,b", "unknown,Bonn", "1,Ulm", "2,Jena"],
    "numbers": ["a,b", "3,4", "1,2", "2,3"],
    "texts alone": ["a,b", "m,kg", "x,y", "z,w"],
    "two rows": ["a,b", "m,kg", "1,2"],
}


@pytest.mark.parametrize("lines", NO_UNITS.values(), ids=NO_UNITS)
def test_a_row_of_data_is_not_taken_for_units(lines):
    assert guess_dialect(lines).top.units == ()


def test_what_is_asked_is_not_guessed(tmp_path):
    table = read(tmp_path, "a;b\n1,5;?\n2,5;x\n", separator=";", decimal=",", encoding="utf-8", na_values=["?"])
    assert table.notes == []
    assert table.frame["b"].isna().tolist() == [True, False]
    kept = read(tmp_path, "a,b\n1,None\n2,NA\n", na_values=["?"])
    assert kept.frame["b"].tolist() == ["None", "NA"]
    with pytest.raises(UnreadableError, match="it is not text in ascii"):
        read(tmp_path, PLAIN, encoding="ascii")
    with pytest.raises(UnreadableError, match="it is not text in utf-9"):
        read(tmp_path, PLAIN, encoding="utf-9")
    with pytest.raises(UnreadableError, match=r"sheet = 'x' is not for CSV files; allowed are separator, decimal, .*"):
        read(tmp_path, PLAIN, sheet="x")


def test_compressed_and_columnar_files_hold_the_same(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(GERMAN.encode()))
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("t.csv", PLAIN)
    RENTS.to_parquet(tmp_path / "t.PQ", index=False)
    RENTS.to_feather(tmp_path / "t.feather")
    RENTS.to_excel(tmp_path / "t.xlsx", index=False)
    for name in ("t.csv.gz", "t.zip", "t.PQ", "t.feather", "t.xlsx"):
        pd.testing.assert_frame_equal(files.read(tmp_path / name).frame, RENTS, check_dtype=False)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", PLAIN)
        archive.writestr("b.csv", PLAIN)
    with pytest.raises(UnreadableError, match="it holds 2 files"):
        files.read(tmp_path / "two.zip")


def test_sheets_of_a_workbook(tmp_path):
    path = tmp_path / "book.xlsx"
    titled = pd.DataFrame([["Rents", None, None], [None] * 3, list(RENTS), *RENTS.to_numpy().tolist()])
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        pd.DataFrame().to_excel(book, sheet_name="empty")
        titled.to_excel(book, sheet_name="2024", index=False, header=False)
        RENTS.iloc[:1].to_excel(book, sheet_name="2025", index=False)
    table = files.read(path)
    pd.testing.assert_frame_equal(table.frame, RENTS, check_dtype=False)
    assert table.notes == [
        "read from sheet '2024'; there are also 'empty', '2025'",
        "the header is in row 3; the rows above it left out",
    ]
    assert len(files.read(path, Asked(sheet="2025")).frame) == len(files.read(path, Asked(sheet=2)).frame) == 1
    with pytest.raises(UnreadableError, match="sheet = '2026' is not one of its sheets, 'empty', '2024', '2025'"):
        files.read(path, Asked(sheet="2026"))
    with pytest.raises(UnreadableError, match="sheet = 'empty' is empty"):
        files.read(path, Asked(sheet="empty"))


def test_a_column_that_turns_to_texts_late_is_texts_from_the_beginning(tmp_path):
    """pandas reads long files in pieces, each with types of its own."""
    rows = [f"{n},{n}" for n in range(200_000)] + ["none,1"] * 60_000
    table = read(tmp_path, "a,b\n" + "\n".join(rows) + "\n", na_values=[])
    assert set(map(type, table.frame["a"])) == {str}
    assert table.frame["b"].dtype == np.int64


NAMES = st.lists(st.text("abcdxyz_", min_size=1, max_size=6), min_size=2, max_size=5, unique=True)


@settings(max_examples=60)
@given(st.data(), st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]))
def test_what_pandas_writes_is_read_back(tmp_path_factory, data, separator, encoding):
    names, rows = data.draw(NAMES), data.draw(st.integers(3, 8))
    decimal = data.draw(st.sampled_from([".", ","] if separator != "," else ["."]))
    finite = st.floats(-1e6, 1e6).map(lambda value: round(value, 3) + 0.0625)
    frame = pd.DataFrame({name: data.draw(st.lists(finite, min_size=rows, max_size=rows)) for name in names})
    path = tmp_path_factory.mktemp("files") / "t.csv"
    frame.to_csv(path, sep=separator, decimal=decimal, encoding=encoding, index=False)
    np.testing.assert_array_equal(files.read(path).frame.to_numpy(), frame.to_numpy())


def test_blanks_before_cells_that_come_late_are_no_part_of_them(tmp_path):
    rows = ["x,1"] * (CHUNK // 4) + [' "x, y", 2', " x, 3"]
    table = read(tmp_path, "a,b\n" + "\n".join(rows) + "\n")
    assert table.frame["a"].tolist()[-2:] == ["x, y", "x"]
    assert table.frame["b"].dtype == np.int64


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize(
    ("row", "line"),
    [
        ("4,5", 503),
        ("4", 503),
        (",", None),
        ("4,,", None),
        (",,", None),
        ('4,"",', None),
        ("", None),
        ("4,5,6,7\n8,9", 503),
    ],
)
def test_short_rows_are_found_behind_many_others_with_missing_values(tmp_path, row, line, end):
    """The look at all separators together must not miss a row that one at each line finds."""
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "1,2,\n" * 501 + row + "\n7,8,9" + end)
    if line is None:
        assert files.read(path).frame["c"].iloc[-1] == 9
        return
    with pytest.raises(UnreadableError, match=f"line {line} has"):
        files.read(path)


@pytest.mark.parametrize(
    ("amounts", "decimal"),
    [
        (["106,4 m²", "62,4 m²"], ","),
        (["1.220,26 €", "590 €"], ","),
        (["106.4 m²", "62.4 m²"], "."),
        (["1.220 €", "590 €"], "."),
        (["Kew, 3", "Ulm, 4"], "."),
        (["1,234", "5,678"], ","),
    ],
)
def test_fractions_with_units_tell_the_decimal_mark(amounts, decimal):
    """Bug: a German table whose fractions all have units was taken for one with points."""
    lines = ["size;rooms", *(f"{amount};{i}" for i, amount in enumerate(amounts))]
    assert guess_dialect(lines).decimal == decimal


def test_plain_fractions_tell_more_than_those_with_units():
    lines = ["size;share", *(f"{i},4 m²;0.{i}" for i in range(1, 5))]
    assert guess_dialect(lines).decimal == "."


def test_names_that_repeat_are_made_different_in_one_pass():
    names, doubled = unique(["c"] * 30_000 + ["d", "c.1", ""])
    assert names[:3] == ["c", "c.1", "c.2"]
    assert names[29_999:] == ["c.29999", "d", "c.1.1", "column 30003"]
    assert doubled == {"c", "c.1"}
    assert len(set(names)) == len(names)


def test_of_many_names_that_repeat_a_few_are_told(tmp_path):
    names = [f"n{i}" for i in range(12) for _ in range(2)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",".join(names), *[",".join(map(str, range(24)))] * 3]) + "\n", encoding="utf-8")
    notes = files.read(path).notes
    assert notes[0] == "2 columns are called 'n0': all but the first got a number"
    assert notes[8:] == ["4 more names are those of several columns"]


@pytest.mark.parametrize("rows", ["{long},2,3\n1,2\n", '1,2,3\n1,{long},"3"\n1,2\n'])
def test_a_long_cell_is_not_taken_for_a_quote_only(tmp_path, rows):
    text = "a,b,c\n1,2,3\n" + rows.format(long="x" * 200_000)
    with pytest.raises(
        UnreadableError, match=r"has a quote that does not end, or a cell of more than 131,072 characters$"
    ):
        read(tmp_path, text)
