"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from search.tables import opening
from search.tables.reading import UnreadableError

START = 4096

FORMATS = {b"PAR1": "Parquet", b"ARROW1": "Feather"}
"""Formats that can be read."""

REFUSED = {
    b"\xd0\xcf\x11\xe0": "it is a workbook of the old Excel format (.xls), or one with a password; save it as .xlsx without one",
    b"SQLite format 3": "it is a SQLite database; name it as sqlite:///file?table=name",
    b"%PDF": "it is a PDF; copy its table to a spreadsheet and save it as .xlsx",
    b"\x89HDF": "it is an HDF5 or MATLAB file; save its table as CSV (in MATLAB, writetable)",
    b"MATLAB 5.0": "it is a MATLAB file; save its table as CSV (writetable)",
    b"$FL2": "it is an SPSS file; save it as CSV",
    b"<stata_dta>": "it is a Stata file; save it as CSV (export delimited)",
    b"RDX": "it is an R file; save its table as CSV (write.csv)",
    b"\x28\xb5\x2f\xfd": "it is compressed with zstd; gzip, bz2, xz and zip are read",
    b"\x04\x22\x4d\x18": "it is compressed with lz4; gzip, bz2, xz and zip are read",
    b"\x5d\0\0": "it is compressed with LZMA, in an old form; gzip, bz2, xz and zip are read",
    b"\x1f\x9d": "it is compressed with compress (.Z); gzip, bz2, xz and zip are read",
    b"LZIP": "it is compressed with lzip; gzip, bz2, xz and zip are read",
    b"\xff\x06\0\0sNaPpY": "it is compressed with Snappy; gzip, bz2, xz and zip are read",
    b"7z\xbc\xaf": "it is a 7z archive; gzip, bz2, xz and zip are read",
    b"Rar!": "it is a RAR archive; gzip, bz2, xz and zip are read",
    b"MSCF": "it is a cabinet archive; gzip, bz2, xz and zip are read",
    b"FEA1": "it is a Feather file of the first version; save it anew, with a version of Arrow from 2020 on",
    b"ORC": "it is an ORC file; save its table as Parquet",
    b"Obj\x01": "it is an Avro file; save its table as Parquet",
    b"\x80\x04\x95": "it is a pickle of Python; save its table as Parquet",
    b"\x80\x05\x95": "it is a pickle of Python; save its table as Parquet",
    b"\x93NUMPY": "it is a NumPy array; save it as CSV (numpy.savetxt)",
}
"""Formats that cannot be read, with advice."""

TAR, TAR_AT = b"ustar", 257
"""What stands in a tar archive behind the name of its first file."""

MEMBERS = {
    "xl/workbook.xml": "Excel",
    "xl/workbook.bin": "it is a workbook of Excel's binary format (.xlsb); save it as .xlsx",
    "content.xml": "it is an OpenDocument spreadsheet (.ods); save it as .xlsx",
    "Index/Document.iwa": "it is a Numbers spreadsheet; export it as .xlsx",
}
"""Files in a zip archive that show what it is: a format, or why it is refused."""

PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<table|<meta)", re.IGNORECASE)
XML = re.compile(rb"\s*<\?xml")
JSON = re.compile(rb"\s*(?:\[\s*)?\{\s*(?:\"|\})")


def format_of(path: Path) -> str | None:
    """Return the format that the first bytes of a file show; None if they show none.

    Raises
    ------
    UnreadableError
        If it is of a format that cannot be read; the message says what to do.
    """
    packer = opening.packer(path)
    if packer == "zip":
        with opening.raw(path) as file:
            names = {member.filename for member in opening.members(file)}
        shown = next((what for name, what in MEMBERS.items() if name in names), None)
        if shown == "Excel":
            return shown
        if shown:
            raise UnreadableError(shown)
    with opening.opened(path) as file:
        start = file.read(START)
    if start.startswith(TAR, TAR_AT):
        raise UnreadableError("it is a tar archive; unpack it and name one of its files")
    _refuse(start, REFUSED)
    if packer:
        twice = "it is packed twice; unpack it once"
        _refuse(start, {**dict.fromkeys(opening.PACKERS, twice), opening.EMPTY_ARCHIVE: twice})
        _refuse(start, {mark: f"it is a packed {name} file; unpack it" for mark, name in FORMATS.items()})
    text = start.removeprefix(b"\xef\xbb\xbf")
    if PAGE.match(text):
        raise UnreadableError("it is a web page (HTML); open it in a spreadsheet and save it as .xlsx")
    if XML.match(text):
        raise UnreadableError("it is XML; open it in a spreadsheet and save it as .xlsx")
    if JSON.match(text):
        return "JSON"
    return next((name for mark, name in FORMATS.items() if start.startswith(mark)), None)


def _refuse(start: bytes, marks: Mapping[bytes, str]) -> None:
    for mark, advice in marks.items():
        if start.startswith(mark):
            raise UnreadableError(advice)
