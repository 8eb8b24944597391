"""What a file is follows from its first bytes; what cannot be read is refused by name, with advice."""

import bz2
import gzip
import lzma
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pytest
from pyarrow import feather, parquet

from bpmodel.preprocessing import TablePreprocessor
from search.tables import files, opening, signatures, size
from search.tables.reading import Asked, UnreadableError

RENTS = pd.DataFrame({"size": [52.5, 80.0], "town": ["Ulm", "Bonn"]})
NAMES = {".parquet": "Parquet", ".feather": "Feather", ".xlsx": "Excel", ".json": "JSON", ".csv": "CSV"}


def written(path, ending):
    method = {".xlsx": "to_excel", ".csv": "to_csv"}.get(ending, f"to_{ending[1:]}")
    options = {".json": {"orient": "records"}, ".feather": {}}.get(ending, {"index": False})
    getattr(RENTS, method)(path.with_suffix(ending), **options)
    return path.with_suffix(ending)


@pytest.mark.parametrize("ending", NAMES)
@pytest.mark.parametrize("called", NAMES)
def test_the_first_bytes_decide(tmp_path, ending, called):
    path = written(tmp_path / "t", ending).rename(tmp_path / f"u{called}")
    if (ending, called) == (".csv", ".json"):
        with pytest.raises(UnreadableError, match="line 1 is no JSON: Expecting value"):
            files.read(path)
        return
    table = files.read(path)
    pd.testing.assert_frame_equal(table.frame, RENTS, check_dtype=False)
    assert table.notes == ([] if ending == called else [f"read as {NAMES[ending]}, whatever its name says"])


def test_every_format_has_an_ending_and_a_test():
    assert {files.FORMATS[name].endings[0] for name in files.FORMATS} == set(NAMES)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t"])
def test_compressed_texts_need_no_ending(tmp_path, pack, name):
    (tmp_path / name).write_bytes(pack(b"zip,x\n01067,1\n80331,2\n"))
    assert files.read(tmp_path / name).frame.to_dict("list") == {"zip": ["01067", "80331"], "x": [1, 2]}


def test_an_archive_of_macos_holds_one_file(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("t.csv", "a,b\n1,2\n")
        archive.writestr("__MACOSX/._t.csv", "x")
    assert len(files.read(tmp_path / "t.zip").frame) == 1


@pytest.mark.parametrize("mark", signatures.REFUSED)
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet"])
def test_other_formats_are_refused_with_advice(tmp_path, mark, ending):
    path = tmp_path / f"t{ending}"
    path.write_bytes(mark + bytes(99))
    with pytest.raises(UnreadableError, match="it is ") as error:
        files.read(path)
    assert str(error.value) == signatures.REFUSED[mark]


@pytest.mark.parametrize("member", signatures.MEMBERS)
def test_archives_of_other_programs_are_refused_with_advice(tmp_path, member):
    if signatures.MEMBERS[member] == "Excel":
        return
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr(member, "x")
    with pytest.raises(UnreadableError, match=r"(save|export) it as \.xlsx"):
        files.read(tmp_path / "t.ods")


TEXTS = {
    "a page": ("\n<!DOCTYPE html><html><table>", "it is a web page (HTML); open it in a spreadsheet"),
    "a table of a page": ("<TABLE><tr>", "it is a web page (HTML)"),
    "XML of Excel": ('\ufeff<?xml version="1.0"?><Workbook>', "it is XML; open it in a spreadsheet"),
    "JSON of something else": ('{"data": [{"a": 1}]}', "'data' of row 1 is a list; a column needs single values"),
    "JSON with an object inside": ('[{"a": 1}, {"a": {"b": 2}}]', "'a' of row 2 is an object; a column needs"),
    "JSON cut off": ('{"a": 1}\n{"a": \n', "line 2 is no JSON: Expecting value"),
    "JSON of different things": ('[{"a": 1}, 2]', "it is JSON, but not of rows"),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("name", ["t.csv", "t.xls", "t.json"])
def test_texts_that_are_no_table_are_refused(tmp_path, text, message, name):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableError) as error:
        files.read(tmp_path / name)
    assert str(error.value).startswith(message)


def test_a_text_called_xls_is_read(tmp_path):
    """Many programs call tables with tabs so that Excel opens them."""
    (tmp_path / "t.xls").write_text("a\tb\n1\t2\n3\t4\n")
    assert files.read(tmp_path / "t.xls").frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize("ending", [".xlsx", ".parquet", ".json"])
def test_a_file_that_is_nothing_is_refused_by_its_name(tmp_path, ending):
    (tmp_path / f"t{ending}").write_bytes(bytes(range(32)) * 9)
    with pytest.raises(UnreadableError, match=f"it is no {NAMES[ending]} file"):
        files.read(tmp_path / f"t{ending}")


LEFT_OUT = "the index, {}, left out; with reset_index() it is written as a column"
INDEXES = {
    "numbers of rows": (pd.RangeIndex(3), []),
    "numbers of rows that were picked": (pd.Index([4, 7, 9]), [LEFT_OUT.format("which has no name")]),
    "a name": (pd.Index([4, 7, 9], name="id"), [LEFT_OUT.format("'id'")]),
    "a column again": (pd.Index([4, 7, 9], name="x"), []),
    "two levels": (
        pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["u", "v"]),
        [LEFT_OUT.format("'u', 'v'")],
    ),
}


@pytest.mark.parametrize(("index", "notes"), INDEXES.values(), ids=INDEXES)
def test_an_index_of_parquet_is_left_out_and_told(tmp_path, index, notes):
    frame = pd.DataFrame({"x": [1.5, 2.5, 3.5]})
    frame.set_axis(index).to_parquet(tmp_path / "t.parquet")
    table = files.read(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(table.frame, frame)
    assert table.notes == notes


@pytest.mark.parametrize("name", [None, "day"])
def test_an_index_of_dates_is_a_column_and_stays_one_in_new_rows(tmp_path, name):
    """The index of a series was left out, and with it the order of the rows."""
    frame = pd.DataFrame({"x": [1.5, 2.5, 3.5]}, index=pd.date_range("2024-02-28", periods=3, name=name))
    frame.to_parquet(tmp_path / "t.parquet")
    table = files.read(tmp_path / "t.parquet")
    column = name or "index"
    assert list(table.frame) == [column, "x"]
    assert table.notes == [f"the index, {column!r}, is a column: it holds dates"]
    fitted = TablePreprocessor().fit(table.frame)
    np.testing.assert_array_equal(
        fitted.transform(pd.read_parquet(tmp_path / "t.parquet")), fitted.transform(table.frame)
    )
    with pytest.raises(ValueError, match=f"X lacks columns that were present in fit: {column}"):
        fitted.transform(frame.reset_index(drop=True))


@pytest.mark.parametrize(("values", "kept"), [([4, 7, 9], False), (["a", "b", "c"], True)])
def test_an_index_that_another_program_copied(tmp_path, values, kept):
    pd.DataFrame({"__index_level_0__": values, "x": [1.5, 2.5, 3.5]}).to_parquet(tmp_path / "t.parquet", index=False)
    table = files.read(tmp_path / "t.parquet")
    assert ("__index_level_0__" in table.frame) is kept
    assert table.notes == ([] if kept else ["the index, which has no name, left out"])


ROWS = [
    ["zip", "sold", "price", "town"],
    ["01067", pd.Timestamp("2024-02-29"), 1.5, "Ulm"],
    ["80331", None, "#N/A", "None"],
    ["10115", pd.Timestamp("2024-03-01"), 3, "NA"],
]


def workbook(path, rows, row=1, column=1, sheet=None):
    book = openpyxl.load_workbook(path) if path.exists() else openpyxl.Workbook()
    cells = book.create_sheet(sheet) if sheet else book.active
    for i, values in enumerate(rows):
        for j, value in enumerate(values):
            cells.cell(row + i, column + j, value)
    book.save(path)
    return path


@pytest.mark.parametrize("target", [None, "town"])
def test_a_sheet_whose_table_begins_in_the_middle(tmp_path, target):
    table = files.read(workbook(tmp_path / "t.xlsx", ROWS, row=5, column=3), Asked(target=target))
    frame = table.frame
    assert frame["zip"].tolist() == ["01067", "80331", "10115"]
    assert frame["sold"].dtype.kind == "M"
    assert frame["sold"].isna().tolist() == [False, True, False]
    assert frame["price"].dtype == "float64"
    np.testing.assert_array_equal(frame["price"], [1.5, np.nan, 3])
    assert frame["town"].isna().tolist() == [False, target is None, True]
    assert table.marks == (["NA"] if target else [])
    assert table.notes == ["the header is in row 5; the rows above it left out"]


def test_totals_and_notes_of_a_sheet(tmp_path):
    rows = [*ROWS, ["Total", None, 4.5, None], [], ["Source: the town"]]
    table = files.read(workbook(tmp_path / "t.xlsx", rows))
    assert table.notes == [
        "1 row below the table left out: 'Source: the town'",
        "the last row left out: 'Total' is the sum of the others",
    ]
    assert len(table.frame) == 3


def test_a_merged_title_and_a_header_of_two_rows(tmp_path):
    rows = [
        ["Rents"],
        [],
        ["region", 2023, None, 2024, None],
        [None, "Q1", "Q2", "Q1", "Q2"],
        *[["Ulm", 1, 2, 3, 4], ["Bonn", 2, 3, 4, 5], ["Jena", 3, 4, 5, 7]],
    ]
    path = workbook(tmp_path / "t.xlsx", rows)
    book = openpyxl.load_workbook(path)
    for cells in ("A1:E1", "A3:A4", "B3:C3", "D3:E3"):
        book.active.merge_cells(cells)
    book.save(path)
    table = files.read(path)
    assert table.frame["2024 Q1"].tolist() == [3, 4, 5]
    assert table.notes == [
        "the header is in row 3; the rows above it left out",
        "the header takes two rows: its names are region, 2023 Q1, 2023 Q2, …",
    ]


def test_a_sheet_without_a_header(tmp_path):
    table = files.read(workbook(tmp_path / "t.xlsx", [[5.1, 3, "a"], [4.1, 4, "b"], [4.5, 2, "a"]]))
    assert list(table.frame) == ["column 1", "column 2", "column 3"]
    assert len(table.frame) == 3


def test_hidden_sheets_and_sheets_of_notes_are_passed_over(tmp_path):
    path = workbook(tmp_path / "t.xlsx", [["a", "b"], [1, 2], [3, 4]])
    book = openpyxl.load_workbook(path)
    book.active.sheet_state = "hidden"
    book.create_sheet("read me")["A1"] = "by the town"
    book.save(path)
    workbook(path, [["c", "d"], [5, 6]], sheet="rents")
    table = files.read(path)
    assert table.frame.to_dict("list") == {"c": [5], "d": [6]}
    assert table.notes == ["read from sheet 'rents'; there are also 'Sheet', 'read me'"]
    assert len(files.read(path, Asked(sheet="Sheet")).frame) == 2
    book = openpyxl.load_workbook(path)
    del book["rents"]
    book.save(path)
    assert files.read(path).notes == ["read from sheet 'Sheet'; there are also 'read me'"]


def test_formulas_without_their_values_are_refused(tmp_path):
    rows = [["a", "b"], [1, "=A2*2"], [3, "=A3*2"]]
    with pytest.raises(UnreadableError, match="cell B2 holds a formula without its value; open the file in a spreadsh"):
        files.read(workbook(tmp_path / "t.xlsx", rows))


def test_a_formula_may_have_an_empty_value(tmp_path):
    """Where one formula has its value, the sheet was calculated, and the others are empty."""
    workbook(tmp_path / "t.xlsx", [["a", "b"], [1, "=A2*2"], [3, "=A3*2"]])
    with zipfile.ZipFile(tmp_path / "t.xlsx") as old, zipfile.ZipFile(tmp_path / "u.xlsx", "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                first, second = (b"<f>A2*2</f><v></v>", b"<f>A2*2</f><v>2</v>")
                assert content.replace(b"<v />", b"<v></v>").count(first) == 1
                content = content.replace(b"<v />", b"<v></v>").replace(first, second)
            new.writestr(name, content)
    assert files.read(tmp_path / "u.xlsx").frame["b"].fillna(0).tolist() == [2, 0]


def test_a_file_larger_than_the_memory_is_refused_in_one_line(tmp_path):
    """The file is sparse: it takes no space on the disk."""
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(int(size.memory()) + 1)
    with pytest.raises(
        UnreadableError, match=r"it has [\d,.]+ GB, and this machine [\d,.]+ GB of memory; take a sample"
    ):
        files.read(path)
    with path.open("wb") as file:
        file.truncate(int(size.memory()))
    size.check_size(opening.check(path))


def test_columns_of_parquet_with_one_name_are_told(tmp_path):
    columns = [pyarrow.array([1, 2])] * 3
    parquet.write_table(pyarrow.table(columns, names=["a", "a", "y"]), tmp_path / "t.parquet")
    with pytest.raises(UnreadableError, match=r"^'a' is the name of several columns; give each a name of its own$"):
        files.read(tmp_path / "t.parquet")


NO_PLACE = {
    "a time zone": (
        pyarrow.array([0, 1]).cast(pyarrow.timestamp("us", tz="Mars/Phobos")),
        "there is no time zone 'Mars/Phobos'",
    ),
    "a year": (pyarrow.array([0, 2932897], pyarrow.int32()).cast(pyarrow.date32()), "year 10000 is out of range"),
    "levels": (
        pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 1]), ["a", "a"]),
        "Categorical categories must be unique",
    ),
    "a union": (
        pyarrow.UnionArray.from_sparse(pyarrow.array([0, 0], pyarrow.int8()), [pyarrow.array([1, 2])]),
        "No known equivalent Pandas block",
    ),
}


KEPT = [("feather", name) for name in NO_PLACE] + [("parquet", "a time zone"), ("parquet", "a year")]
"""Parquet has no unions, and keeps no levels."""


@pytest.mark.parametrize(("ending", "name"), KEPT)
def test_values_that_pandas_does_not_know_are_no_damage(tmp_path, ending, name):
    column, reason = NO_PLACE[name]
    path, table = tmp_path / f"t.{ending}", pyarrow.table({"y": [1, 2], "b": column})
    if ending == "feather":
        feather.write_feather(table, str(path))
    else:
        parquet.write_table(table, path)
    kind = re.escape(str(column.type))
    message = rf"^column 'b' is of the type {kind}, and has values that cannot be read: {reason}.*; save them as texts"
    for read in (files.read, lambda path: list(files.pieces(path, Asked(), 10, {}).frames)):
        with pytest.raises(UnreadableError, match=message):
            read(path)
