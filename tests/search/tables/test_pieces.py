"""Tables read a piece at a time: the rows of the whole, none left out, texts as they stand there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search.tables import missing, sources
from search.tables.reading import Asked, Likely, UnreadableError

TEXTS = {
    "plain": "a,b\n1,x\n2,\n3,z\n4,x\n5,y\n",
    "semicolons": "a;b\n1,5;x\n2,5;\n3,5;z\n4,0;x\n5,0;y\n",
    "quotes": 'a,b\n1,"x, or y"\n2,"two\nlines"\n3,""\n4,x\n5,y\n',
    "title": "Rents 2024\n\na;b\n1;x\n2;y\n3;z\n4;x\n5;y\n",
    "notes": "a,b\n1,x\n2,y\n3,z\n4,x\n5,y\n\nSource: survey\n",
    "bars": "a | b\n1 | x \n2 | y \n3 | z \n4 | x \n5 | y \n",
    "row names": "a,b\nr1,1,x\nr2,2,y\nr3,3,z\nr4,4,x\nr5,5,y\n",
    "total": "a,b\n1,x\n2,y\n3,z\n4,x\n10,Total\n",
    "no value": "a,b\n1,x\n,\n3,z\n4,x\n,\n",
    "closed": "a,b,\n1,x,\n2,y,\n3,z,\n4,x,\n5,y,\n",
}


NOTHING = Asked()


def pieces(source: str, rows: int, asked: Asked = NOTHING, likely: Likely = Likely(), **defaults):  # noqa: B008
    return sources.pieces(source, Path(), asked, rows, defaults, likely)


@pytest.mark.parametrize("rows", [1, 2, 5, 100])
@pytest.mark.parametrize("name", TEXTS)
def test_pieces_of_a_text_are_its_rows(tmp_path, name, rows):
    path = tmp_path / "a.csv"
    path.write_text(TEXTS[name])
    found = pieces(str(path), rows)
    frames = list(found.frames)
    assert found.names[:2] == ["a", "b"]
    assert found.written
    assert all(len(frame) <= rows for frame in frames)
    whole = pd.concat(frames)
    assert len(whole) == 5, "totals and rows without a value have their place"
    assert whole.iloc[0]["a"] == ("1,5" if name == "semicolons" else "1")
    one = pd.concat(list(pieces(str(path), 100).frames))
    pd.testing.assert_frame_equal(whole, one)


def test_what_is_guessed_of_a_text_is_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(TEXTS["semicolons"], encoding="utf-16")
    found = pieces(str(path), 2)
    assert found.decimal == ","
    assert found.notes == ["read with separator semicolon, decimal comma, encoding utf-16"]
    path.write_text(TEXTS["notes"])
    assert pieces(str(path), 2).notes == ["1 row below the table left out: 'Source: survey'"]


@pytest.mark.parametrize(
    ("cells", "decimal"), [("1.500;12", ","), ("1.5;12", "."), ("1.5000;12", "."), ("1.500,5;12", ",")]
)
def test_a_likely_decimal_mark_decides_where_the_rows_do_not(tmp_path, cells, decimal):
    """In a few rows, ``1.500`` may be 1500 or one and a half: it is what it was in the training."""
    path = tmp_path / "a.csv"
    path.write_text(f"a;b\n{cells}\n")
    assert pieces(str(path), 9, likely=Likely(",")).decimal == decimal
    assert pieces(str(path), 9, Asked(decimal="."), Likely(",")).decimal == "."


@pytest.mark.parametrize(
    ("text", "names", "first"),
    [
        ("area,town\nmany,Ulm\n12,Bonn\n13,Ulm\n", {"area"}, ["many", "Ulm"]),
        ("a title\narea,town\nmany,Ulm\n12,Bonn\n13,Ulm\n", {"area"}, ["many", "Ulm"]),
        ("5,6\n5,6\n4,6\n5,7\n", {"5", "6"}, ["5", "6"]),
        ("x,5\nUlm,6\nBonn,7\n", {"column 1", "column 2"}, ["x", "5"]),
        ("x,5\nUlm,6\nBonn,7\n", {"town"}, ["x", "5"]),
        ("area,size\nlot,few\n12,3\n13,4\n", {"area"}, ["lot", "few"]),
        ("area,size\nm2,kg\n12,3\n13,4\n", {"area"}, ["12", "3"]),
    ],
)
def test_the_header_is_the_row_with_the_columns_of_the_model_bug(tmp_path, text, names, first):
    """A first row of texts, where numbers should be, was taken for the header: one prediction was lacking."""
    (tmp_path / "a.csv").write_text(text)
    found = pieces(str(tmp_path / "a.csv"), 9, likely=Likely(names=frozenset(names)))
    assert next(found.frames).iloc[0].tolist() == first


def test_defaults_hold_where_the_format_has_a_use_for_them_and_nothing_is_asked(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b\nÄ;NA\n", encoding="cp1252")
    found = pieces(str(path), 9, encoding="cp1252", separator=";", sheet="May", na_values=["Ä"])
    assert next(found.frames).values.tolist() == [["Ä", "NA"]]
    assert found.missing == {"", "Ä"}
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "a.parquet")
    assert len(next(pieces(str(tmp_path / "a.parquet"), 9, separator=";").frames)) == 1
    with pytest.raises(UnreadableError, match="separator = ';' is not for Parquet files"):
        pieces(str(tmp_path / "a.parquet"), 9, Asked(separator=";"))


@pytest.mark.parametrize("text", sorted(missing.NA_VALUES - {""}))
def test_texts_that_pandas_takes_for_missing(tmp_path, text):
    (tmp_path / "a.csv").write_text(f"a,b\nx,{text}\ny,z\n")
    assert pd.read_csv(tmp_path / "a.csv")["b"].isna().tolist() == [True, False]


def test_no_other_text_is_missing_for_pandas():
    words = pd.DataFrame({"a": ["na", "-", "?", "none", "Missing", "NONE", ".", "Null"]})
    assert pd.read_csv(pd.io.common.StringIO(words.to_csv(index=False)))["a"].notna().all()
    assert not set(words["a"]) & missing.NA_VALUES


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", "line 3 has 2 cells, the header 3: '4,5'"),
        ("a,b,c\n1,2,3\n4,5,6,7\n6,7,8\n", "line 3 has 4 cells, the header 3: '4,5,6,7'"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 3 has a quote that does not end"),
    ],
)
@pytest.mark.parametrize("rows", [1, 100])
def test_a_row_with_too_few_or_too_many_cells_is_an_error(tmp_path, text, told, rows):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(UnreadableError, match=told):
        list(pieces(str(tmp_path / "a.csv"), rows).frames)


def test_a_byte_that_is_no_text_is_an_error_also_in_a_later_piece(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + b"1,x\n" * 500_000 + b"2,\xff\n")
    with pytest.raises(UnreadableError, match="it is not text in utf-8"):
        list(pieces(str(tmp_path / "a.csv"), 100_000, Asked(encoding="utf-8")).frames)


def test_pieces_of_parquet_have_types_and_dates_of_an_index(tmp_path):
    frame = pd.DataFrame({"a": [1.0, None, 3.0]}, index=pd.date_range("2024-01-01", periods=3))
    frame.to_parquet(tmp_path / "a.parquet")
    found = pieces(str(tmp_path / "a.parquet"), 2)
    assert not found.written
    frames = list(found.frames)
    assert [len(each) for each in frames] == [2, 1]
    assert found.names == ["a", "index"]
    whole = pd.concat(frames)
    np.testing.assert_array_equal(whole["a"], frame["a"])
    assert whole["index"].tolist() == frame.index.tolist()
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(UnreadableError):
        pieces(str(tmp_path / "b.parquet"), 2)


def test_pieces_of_a_database_are_in_the_order_of_its_key(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, sold DATE, b)")
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", [(3, "no date", "x"), (1, "2024-01-01", None), (2, None, 1.5)])
        db.execute("CREATE TABLE none (a)")
    found = pieces(f"sqlite:///{path}?table=t", 2)
    frames = list(found.frames)
    assert [len(frame) for frame in frames] == [2, 1]
    assert pd.concat(frames)["id"].tolist() == [1, 2, 3]
    assert pd.concat(frames)["sold"].dropna().tolist() == ["2024-01-01", "no date"], "as it is stored"
    assert next(pieces(f"sqlite:///{path}?query=SELECT+b+FROM+t+WHERE+id%3D2", 2).frames).values.tolist() == [[1.5]]
    assert [len(frame) for frame in pieces(f"sqlite:///{path}?table=none", 2).frames] == [0]
    with pytest.raises(UnreadableError, match="is not a SELECT"):
        pieces(f"sqlite:///{path}?query=DELETE+FROM+t", 2)


def test_every_row_of_a_sheet_has_its_place_but_those_after_its_end(tmp_path):
    frame = pd.DataFrame({"a": [1, None, 3, 4, 8, None], "b": ["x", None, "z", "x", "Total", None]})
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    found = pieces(str(tmp_path / "a.xlsx"), 2)
    assert [len(each) for each in found.frames] == [2, 2, 1]
    assert len(sources.read(str(tmp_path / "a.xlsx")).frame) == 3
    frame.to_json(tmp_path / "a.json", orient="records")
    assert [len(each) for each in pieces(str(tmp_path / "a.json"), 4).frames] == [4, 2]


def test_a_text_with_types_is_read_as_a_whole(tmp_path):
    (tmp_path / "a.csv").write_text(TEXTS["total"])
    found = sources.pieces(str(tmp_path / "a.csv"), Path(), Asked(), 2, typed=True)
    assert (found.written, [len(frame) for frame in found.frames]) == (False, [2, 2, 1])
