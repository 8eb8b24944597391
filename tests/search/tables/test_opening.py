"""What may be opened as data, what packed files unpack to, and what tables claim: refused in one line, before it is made."""

import bz2
import gzip
import io
import json
import lzma
import os
import socket
import sqlite3
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from search.errors import StudyError
from search.study import data
from search.tables import files, messages, opening, size, sources
from search.tables.reading import Asked, UnreadableError
from search.tables.text import delimited, survey

ROWS = "".join(f"{i},{i * 0.5},{i % 3}\n" for i in range(200))
TEXT = f"a,b,y\n{ROWS}".encode()
SMALL = 16_000_000
"""Bytes of memory that a machine of these tests has."""


def zipped(*contents: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents:
            archive.writestr(name, content)
    return file.getvalue()


def tarred(content: bytes, mode: str = "w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        row = tarfile.TarInfo("t.csv")
        row.size = len(content)
        archive.addfile(row, io.BytesIO(content))
    return file.getvalue()


def encrypted(content: bytes) -> bytes:
    """Say of a zip archive that it has a password, in both places."""
    packed = bytearray(zipped(("t.csv", content)))
    packed[6] |= 1
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


PACK = {
    "csv": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda content: zipped(("t.csv", content)),
}


@pytest.mark.parametrize("named", [*PACK, "tar", "zst", "csv.7z"])
@pytest.mark.parametrize("packed", PACK)
def test_packers_are_known_by_their_bytes(tmp_path, packed, named):
    path = tmp_path / f"t.{named}"
    path.write_bytes(PACK[packed](TEXT))
    assert files.read(path).frame.to_csv(index=False).encode() == TEXT


def test_members_of_gzip_are_one_text(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(TEXT[:700]) + gzip.compress(TEXT[700:]))
    assert len(files.read(tmp_path / "t.csv.gz").frame) == 200


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zip"])
def test_packed_files_that_were_cut_off_or_changed(tmp_path, packed):
    """At any place: what is read is the whole table, or the error says what is wrong."""
    whole, path = PACK[packed](TEXT), tmp_path / "t.csv"
    random = np.random.default_rng(0)
    for _ in range(60):
        changed = bytearray(whole)
        if random.integers(2):
            changed = changed[: random.integers(1, len(whole))]
        for place in random.integers(0, len(changed), random.integers(0, 4)):
            changed[place] = random.integers(256)
        path.write_bytes(changed)
        reason = ""
        try:
            files.read(path)
        except UnreadableError as error:
            reason = str(error)
        assert "\n" not in reason


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz"])
def test_a_packed_file_without_its_end_is_told(tmp_path, packed):
    path = tmp_path / f"t.csv.{packed}"
    path.write_bytes(PACK[packed](TEXT)[:-20])
    with pytest.raises(UnreadableError, match=r"^it is a damaged (gzip|bz2|xz) file, or one that was cut off: "):
        files.read(path)


REFUSED = {
    "tar": (tarred(TEXT), "it is a tar archive; unpack it and name one of its files"),
    "tar.gz": (tarred(TEXT, "w:gz"), "it is a tar archive"),
    "tar in zip": (zipped(("t.tar", tarred(TEXT))), "it is a tar archive"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(90), "it is compressed with zstd; gzip, bz2, xz and zip are read"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(90), "it is compressed with lz4"),
    "old LZMA": (lzma.compress(TEXT, lzma.FORMAT_ALONE), "it is compressed with LZMA, in an old form"),
    "twice": (gzip.compress(gzip.compress(TEXT)), "it is packed twice; unpack it once"),
    "zip in zip": (zipped(("t.zip", zipped(("t.csv", TEXT)))), "it is packed twice"),
    "a password": (encrypted(TEXT), "it is a zip archive with a password; unpack it and name the unpacked file"),
    "two files": (zipped(("a.csv", TEXT), ("b.csv", TEXT)), "it holds 2 files ('a.csv', 'b.csv'); it must hold one"),
    "no file": (zipped(), "it is a zip archive without files"),
    "a folder": (zipped(("a/", b"")), "it holds 0 files; it must hold one"),
    "Parquet in gzip": (gzip.compress(b"PAR1" + bytes(90)), "it is a packed Parquet file; unpack it"),
    "half a zip archive": (zipped(("t.csv", TEXT))[:500], "it is a damaged zip file, or one that was cut off"),
    "nothing": (b"", "it is empty"),
    "nothing, packed": (gzip.compress(b""), "it is empty"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_unpacked_is_refused_with_advice(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableError) as error:
        files.read(path)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def fifo(path):
    os.mkfifo(path)


def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.getcwd()
        os.chdir(path.parent)  # the name of a socket may have 108 bytes
        server.bind(path.name)
        os.chdir(folder)


KINDS = {
    "pipe": (fifo, "it is a pipe; save its rows in a file"),
    "folder": (os.mkdir, "it is a folder; name a file in it"),
    "socket": (listening, "it is a socket"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "terminal or nothing": (lambda path: path.symlink_to("/dev/null"), "it is a device"),
    "file of the system": (lambda path: path.symlink_to("/proc/self/environ"), "it is empty"),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none of these")
@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx", "json", "feather", "csv.gz"])
@pytest.mark.parametrize(("make", "message"), KINDS.values(), ids=KINDS)
def test_only_regular_files_are_opened(tmp_path, make, message, ending):
    path = tmp_path / f"t.{ending}"
    make(path)
    with pytest.raises(UnreadableError, match=message):
        files.read(path)
    with pytest.raises(UnreadableError, match=message):
        files.pieces(path, Asked(), 10, {})


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_every_command_refuses_a_pipe(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.csv")
    (tmp_path / "t.toml").write_text('name = "t"\n[data]\nsource = "pipe.csv"\ntarget = "y"\ntask = "regression"\n')
    for arguments in (["init", "pipe.csv", "--target", "y"], ["tune", "t.toml"]):
        done = command(*arguments)
        assert done.code == 2
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert "it is a pipe; save its rows in a file" in done.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_database_is_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "t.db")
    with pytest.raises(UnreadableError, match="it is a pipe"):
        sources.read("sqlite:///t.db?table=t", tmp_path)


def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    os.mkfifo(path)
    monkeypatch.setattr(opening, "check", lambda path: 1)
    with pytest.raises(UnreadableError, match="it is a pipe"):
        opening.raw(path)


def test_links_to_regular_files_are_followed(tmp_path):
    (tmp_path / "t.csv").write_bytes(TEXT)
    (tmp_path / "link.csv").symlink_to(tmp_path / "t.csv")
    assert len(files.read(tmp_path / "link.csv").frame) == 200


def test_what_the_system_refuses_is_told_without_its_number(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(StudyError, match=r"^a: .* cannot be read: Too many levels of symbolic links$"):
        data.read_table("a", "a", folder=tmp_path)


@pytest.fixture
def small(monkeypatch):
    """Let this machine have little memory."""
    monkeypatch.setattr(size, "memory", lambda: SMALL)


def bomb(content: bytes, times: int, packed: str) -> bytes:
    """Pack the same bytes many times; some packers may be given one stream behind another, which takes less time."""
    return PACK[packed](content) * times if packed in ("bz2", "xz") else PACK[packed](content * times)


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zip"])
def test_a_file_that_unpacks_to_more_than_the_memory_is_refused(tmp_path, small, packed):
    path = tmp_path / "t.csv"
    path.write_bytes(bomb(b"0,0,0,0\n" * 10_000, SMALL // 79_000, packed))
    assert path.stat().st_size < SMALL / 100
    with pytest.raises(
        UnreadableError, match=r"has [\d.]+ (kB|bytes) and unpacks to 16.\d MB or more, and 16.0 MB can be read"
    ):
        files.read(path)


@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zip"])
def test_a_bomb_is_refused_also_where_memory_does_not_grow(tmp_path, monkeypatch, packed):
    monkeypatch.setattr(opening, "ANYWAY", SMALL)
    path = tmp_path / "t.csv"
    path.write_bytes(bomb(b"0,0,0,0\n" * 10_000, SMALL // 79_000, packed))
    with pytest.raises(UnreadableError, match="over 200 times as much; unpack it and name the unpacked file"):
        list(files.pieces(path, Asked(), 1000, {}).frames)


@pytest.mark.parametrize("cells", [b",,,,,,,,,\n", b"1,2,3,4,5,6,7,8,9,1\n", b"1;2;3;4;5;6;7;8;9;1\n"])
def test_the_cells_of_a_text_are_counted(tmp_path, small, cells):
    """A cell may be one byte in the text, and eight in the table."""
    path, rows = tmp_path / "t.csv", SMALL // 3 // 80 + 1
    separator = ";" if b";" in cells else ","
    path.write_bytes(separator.join("abcdefghij").encode() + b"\n" + cells * rows)
    with pytest.raises(
        UnreadableError, match=r"it has [\d,]+ rows and 10 columns, 5.\d MB as a table; reading takes up to"
    ):
        files.read(path)


def test_a_line_without_an_end_is_no_row(tmp_path, monkeypatch):
    monkeypatch.setattr(survey, "LONGEST", 3_000_000)
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,2\n" + b"3," * 2_000_000)
    for read in (files.read, lambda path: files.pieces(path, Asked(), 10, {})):
        with pytest.raises(UnreadableError, match="line 3 has more than 3,000,000 bytes: it is no table of rows"):
            read(path)


def test_pieces_of_a_wide_table_have_fewer_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(size, "CELLS_AT_ONCE", 60)
    (tmp_path / "t.csv").write_bytes(TEXT)
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.parquet"):
        found = [len(frame) for frame in files.pieces(tmp_path / name, Asked(), 50_000, {}).frames]
        assert found == [20] * 10


def runs(path):
    """Write a Parquet file of a million equal numbers in each of ten columns, in few bytes."""
    column = pa.array(np.zeros(1_000_000))
    parquet.write_table(pa.table({f"x{i}": column for i in range(10)}), path)


def texts(path):
    """Write a Parquet file in which one long text stands in every row, but once in the file."""
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000, dtype="int32")), ["x" * 5_000])
    parquet.write_table(pa.table({"a": column.cast("string"), "y": range(10_000)}), path)


def lists(path):
    column = pa.array([[0.0] * 1000] * 1_000)
    parquet.write_table(pa.table({"a": column, "y": range(1_000)}), path)


def packed_feather(path):
    table = pa.table({f"x{i}": np.zeros(1_000_000) for i in range(10)})
    feather.write_feather(table, str(path), compression="zstd")


def one_text(path):
    feather.write_feather(pa.table({"a": ["x" * 10_000_000], "y": [1]}), str(path), compression="zstd")


def dictionary(path):
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10_000, dtype="int32")), ["x" * 5_000])
    feather.write_feather(pa.table({"a": column, "y": range(10_000)}), str(path), compression="lz4")


def nulls(path):
    """Write an Arrow file whose column has no values, and so no buffers."""
    feather.write_feather(pa.table({"a": pa.nulls(100_000_000)}), str(path), compression="uncompressed")


def names(path):
    """Write objects that have no name in common: as a table they have rows times rows cells."""
    path.write_text("\n".join(json.dumps({f"x{i}": 1}) for i in range(1000)))


def objects(path):
    path.write_text("[" + "{}," * 700_000 + "{}]")


def sheet(rows: str, dimension: str = "") -> bytes:
    """Return a workbook with a sheet of these rows."""
    import openpyxl

    plain = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.save(plain)
    made = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b"</sheetData>", f"{rows}</sheetData>".encode())
                content = content.replace(b'ref="A1:B1"', f'ref="{dimension}"'.encode()) if dimension else content
            new.writestr(name, content)
    return made.getvalue()


def far_cell(path):
    path.write_bytes(sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))


def far_cell_elsewhere(path):
    """The sheet is no file that ends in .xml."""
    made = io.BytesIO()
    far = io.BytesIO(sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'))
    with zipfile.ZipFile(far) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name).replace(b"sheet1.xml", b"sheet1.png")
            new.writestr(name.replace("sheet1.xml", "sheet1.png"), content)
    path.write_bytes(made.getvalue())


def much_xml(path):
    path.write_bytes(sheet(" " * SMALL))


def view(path):
    with sqlite3.connect(path) as database:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i AS y FROM n"
        database.execute(f"CREATE VIEW t AS {endless}")


def blobs(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t AS SELECT hex(zeroblob(3000000)) AS a, 1 AS y")


CLAIMS = {
    "runs of numbers": (runs, "t.parquet", "it has 1,000,000 rows and 10 columns, 80.0 MB as a table; reading takes up to 2"),
    "one text in each row": (texts, "t.parquet", "it has 10,000 rows and 2 columns, 50."),
    "lists": (lists, "t.parquet", "it has 1,000 rows and 2 columns, 8"),
    "packed buffers": (packed_feather, "t.feather", "80.0 MB as a table"),
    "one packed text": (one_text, "t.feather", "10.0 MB as a table"),
    "a dictionary": (dictionary, "t.feather", "it has 10,000 rows and 2 columns, 50."),
    "nothing at all": (nulls, "t.feather", "rows and 1 columns, ") ,
    "names": (names, "t.json", "it has 1,000 rows and 1,000 columns, 40.0 MB as a table"),
    "objects": (objects, "t.json", "it has more than 640.0 kB; as JSON it would take 25 times as much"),
    "a far cell": (far_cell, "t.xlsx", "it has 1,048,576 rows and 16,384 columns"),
    "a far cell in a part of another name": (far_cell_elsewhere, "t.xlsx", "it has 1,048,576 rows and 16,384 columns"),
    "much XML": (much_xml, "t.xlsx", "can be read here; take a sample of its rows"),
    "an endless view": (view, "t.db", "rows and 2 columns, "),
    "large values": (blobs, "t.db", "it has 1 rows and 2 columns, 6.0 MB as a table"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "name", "message"), CLAIMS.values(), ids=CLAIMS)
def test_what_a_file_claims_is_counted_before_it_is_made(tmp_path, small, make, name, message):
    path = tmp_path / name
    make(path)
    source = f"sqlite:///{path}?table=t" if name.endswith(".db") else str(path)
    with pytest.raises(UnreadableError) as error:
        sources.read(source, tmp_path)
    assert message in str(error.value)
    assert "memory" in str(error.value) or "can be read here" in str(error.value)


def test_a_piece_of_long_texts_has_few_rows(tmp_path):
    texts(tmp_path / "t.parquet")
    first = next(files.pieces(tmp_path / "t.parquet", Asked(), 50_000, {}).frames)
    assert len(first) * 5_000 <= size.CELLS_AT_ONCE * size.CELL


def test_a_sheet_may_claim_any_dimension(tmp_path):
    """What it claims is not what it has: the rows decide."""
    path = tmp_path / "t.xlsx"
    path.write_bytes(
        sheet(
            '<row r="2"><c r="A2"><v>1</v></c></row><row r="3"><c r="A3"><v>2</v></c><c r="B3"><v>3</v></c></row>',
            "A1:XFD1048576",
        )
    )
    assert files.read(path).frame["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    "rows", ['<row r="x"/>', '<row r="0"/>', '<row r="9999999"/>', '<row r="1e400"/>', '<row><c r="?"/></row>']
)
def test_places_that_are_none(tmp_path, rows):
    path = tmp_path / "t.xlsx"
    path.write_bytes(sheet(rows))
    with pytest.raises(UnreadableError, match=r"^it is damaged: '.*' is no"):
        files.read(path)


def test_laughing_xml_is_refused(tmp_path):
    laughs = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(12))
    path, whole = tmp_path / "t.xlsx", sheet("")
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l12;</x>'.encode()
            new.writestr(name, content)
    with pytest.raises(UnreadableError, match="amplification"):
        files.read(path)


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"a": ' + "[" * 100_000, '{"a": 1}\n' + '{"a":' * 100_000])
def test_deep_json_is_refused(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UnreadableError, match="its values are nested too deep"):
        files.read(tmp_path / "t.json")


def test_json_may_have_long_whole_numbers(tmp_path):
    (tmp_path / "t.json").write_text(f'[{{"a": {"1" * 5000}, "y": {2**63}}}, {{"a": 2, "y": -3}}]')
    frame = files.read(tmp_path / "t.json").frame
    assert frame.to_dict("list") == {"a": [np.inf, 2], "y": [float(2**63), -3]}


def test_the_count_of_an_arrow_file_is_what_it_unpacks_to(tmp_path):
    table = pa.table({"a": np.arange(1000.0), "t": ["text"] * 1000})
    for packed in ("uncompressed", "zstd", "lz4"):
        feather.write_feather(table, str(tmp_path / "t.feather"), compression=packed)
        with (tmp_path / "t.feather").open("rb") as file:
            assert messages.unpacked(file) == pytest.approx(table.nbytes, rel=0.02)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such limit")
def test_what_no_count_foresees_ends_with_an_error(small, tmp_path, monkeypatch):
    def read(path, asked):
        return np.empty(
            2**31, dtype=np.uint8
        )  # more than this process has kept of what it freed; no page of it is touched

    monkeypatch.setattr(files, "read", read)
    with pytest.raises(MemoryError):
        sources.read("t.csv", tmp_path)
    read("t.csv", None)  # the limit is taken back


@pytest.mark.parametrize(
    "write", [lambda table, path: parquet.write_table(table, path), lambda t, p: feather.write_feather(t, str(p))]
)
def test_texts_of_arrow_that_are_none(tmp_path, write):
    """Arrow passes on the bytes of a text unseen: the error came from whoever looked at one, without a word on the file."""
    path = tmp_path / "t.file"
    offsets, content = pa.array([0, 1, 3], pa.int32()).buffers()[1], pa.py_buffer(b"a\xff\xfe")
    write(pa.table({"a": pa.StringArray.from_buffers(2, offsets, content), "y": [1, 2]}), path)
    for read in (files.read, lambda path: list(files.pieces(path, Asked(), 10, {}).frames)):
        with pytest.raises(UnreadableError, match=r"it is a damaged (Parquet|Feather) file: .*Invalid UTF8"):
            read(path)


@pytest.mark.parametrize("row", ["1,2,,x", "1,2,,,,x"])
def test_cells_far_behind_the_last_column_are_not_lost(tmp_path, row):
    """Of a first row, pandas left out all cells but one after the last column, and warned."""
    for rows in ([row, "3,4", "5,6"], ["3,4", row, "5,6"]):
        (tmp_path / "t.csv").write_text("\n".join(["a,b", *rows]))
        for read in (files.read, lambda path: list(files.pieces(path, Asked(), 10, {}).frames)):
            with pytest.raises(UnreadableError, match=rf"has {row.count(',') + 1} cells, the header 2"):
                read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("a,b\n1,2,,,\n3,4\n5,6\n")
    assert files.read(tmp_path / "t.csv").frame.shape == (3, 2)
    assert len(next(files.pieces(tmp_path / "t.csv", Asked(), 10, {}).frames)) == 3


def test_a_name_longer_than_a_cell_may_be(tmp_path):
    (tmp_path / "t.csv").write_text(f"a,{'b' * 200_000}\n" + "1,2\n" * 9)
    with pytest.raises(UnreadableError, match="its header is none: field larger than field limit"):
        files.read(tmp_path / "t.csv")


@pytest.mark.parametrize(("columns", "copies"), [(size.WIDE, size.COPIES), (size.WIDE + 1, size.COPIES_OF_WIDE)])
def test_columns_count_beside_their_cells(monkeypatch, columns, copies):
    """A text of 200,000 columns and 250 rows took eleven times its table."""
    asked = copies * 50 * columns * 8 + columns * size.COLUMN
    monkeypatch.setattr(size, "memory", lambda: asked)
    size.check_table(50, columns)
    monkeypatch.setattr(size, "memory", lambda: asked - 1)
    with pytest.raises(UnreadableError, match=rf"reading takes up to {copies} times that, and 3\.5 kB a column; this"):
        size.check_table(50, columns)


def test_a_wide_text_is_read_at_once(tmp_path, monkeypatch):
    names = [f"x{i}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *[",".join(["1.5"] * 40)] * 30]))
    given = []
    read = pd.read_csv
    monkeypatch.setattr(
        delimited.pd, "read_csv", lambda *a, **k: given.append(k.get("low_memory", True)) or read(*a, **k)
    )
    for wide, expected in ((40, True), (39, False)):
        monkeypatch.setattr(size, "WIDE", wide)
        assert files.read(tmp_path / "t.csv").frame.shape == (30, 40)
        assert given.pop() is expected
