"""Mutated tables: texts of all dialects, packed or not, workbooks, Parquet, Feather and JSON, broken in their cells and bytes.

Each is read; a part of them goes through `init`, and a few through a search of one trial. A fault is any exception but a
`StudyError` of one line, any warning, and anything that `tune` prints besides its one line.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import json
import lzma
import os
import traceback
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from search import cli
from search.errors import StudyError
from search.study import data, init
from search.tables.reading import Asked

NAME, GOAL, SHORT = "tables", 5000, 40

INIT, TUNE = 8, 200
"""One attempt in so many goes on to `init`, and to a search."""

HOSTILE = (
    *("", " ", "NA", "None", "\\N", "?", "-", "inf", "-Infinity", "nan", "1e300", "-1e300", "1e154", "1e-320", "5e-324", "-0"),
    *("1" * 300, "9" * 400, "1" * 5000, "0" * 50, "007", "1,5", "1.234,56", "1_000", "0x1F", "1e", "e5", "+", "--1", "$1,200"),
    *('"', '""', "'", "a\nb", "a\r\nb", "\t", ";", "|", "\x00", "\x1b[31m", "\x7f", "\u202e", "\ufeff", "é", "房", "\ud7ff"),
    *("x" * 200_000, "2024-02-30", "29.02.2023", "99999-01-01", "25:61", "true", "yes", "1+2j", "=A1*2", "<td>", "{}", "[1]"),
)  # fmt: skip
SEPARATORS = (",", ";", "\t", "|", " ", "  ", ", ", "::")
ENCODINGS = ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-32", "gb18030", "cp437")
ENDINGS = (
    ".csv",
    ".tsv",
    ".txt",
    "",
    ".csv.gz",
    ".csv.zip",
    ".csv.bz2",
    ".csv.xz",
    ".csv.zst",
    ".tar",
    ".json",
    ".parquet",
    ".xlsx",
)

Random = np.random.Generator


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Make a table and read it; return what is wrong, or None."""
    random = np.random.default_rng([seed, number])
    path = folder / f"t{random.choice(ENDINGS)}"
    path.write_bytes(made(random))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fault = _fault(lambda: _read(path, random))
        if fault is None and number % INIT == 0:
            fault = _fault(lambda: init.write_study(path, "y", folder / "s.toml"))
    if fault is None and said:
        fault = f"warning: {said[0].category.__name__}: {said[0].message}"
    if fault is None and number % TUNE == 0 and (folder / "s.toml").exists():
        fault = _tuned(folder)
    return fault and " ".join(fault.split())


def made(random: Random) -> bytes:
    """Return the bytes of a table that is broken in some way, or not at all."""
    frame = _frame(random)
    kind = random.choice(list(WRITERS), p=[0.64, 0.09, 0.09, 0.09, 0.09])
    content = WRITERS[kind](frame, random)
    if kind == "text" and random.uniform() < 0.3:
        content = _broken(content, random) if random.uniform() < 0.3 else content
        content = list(PACKERS.values())[random.integers(len(PACKERS))](content)
    return _broken(content, random) if random.uniform() < 0.6 else content


def _frame(random: Random) -> pd.DataFrame:
    rows = int(random.choice([0, 1, 2, 5, 30, 60]))
    frame = pd.DataFrame(
        {
            "a": random.normal(size=rows).round(3),
            "b": random.integers(0, 9, rows),
            "town": random.choice(["Ulm", "Bonn", "Köln"], rows),
            "sold": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            "y": random.normal(size=rows).round(2),
        }
    )
    return frame.iloc[:, random.permutation(5)[: random.integers(1, 6)]] if random.uniform() < 0.1 else frame


def _text(frame: pd.DataFrame, random: Random) -> bytes:
    separator, end = random.choice(SEPARATORS), random.choice(["\n", "\r\n", "\r", "\n\n"])
    cells = [list(frame.columns), *frame.astype(str).to_numpy().tolist()]
    for _ in range(int(random.choice([0, 0, 1, 2, 5, 20]))):
        _change(cells, random)
    if random.uniform() < 0.2:
        cells.insert(int(random.integers(len(cells) + 1)), [str(random.choice(HOSTILE))])
    quoted = random.uniform() < 0.2
    lines = [separator.join(f'"{cell}"' if quoted else cell for cell in row) for row in cells]
    text = end.join(lines) + (end if random.uniform() < 0.8 else "")
    if random.uniform() < 0.2:
        text = text.replace(".", ",")
    return text.encode(random.choice(ENCODINGS) if random.uniform() < 0.3 else "utf-8", errors="replace")


def _change(cells: list[list[str]], random: Random) -> None:
    """Change a cell or a row."""
    row = int(random.integers(len(cells)))
    column = int(random.integers(max(len(cells[row]), 1)))
    what = random.integers(8)
    if what < 4 and cells[row]:
        cells[row][column] = HOSTILE[random.integers(len(HOSTILE))]
    elif what == 4 and cells[row]:
        del cells[row][column]
    elif what == 5:
        cells[row].insert(column, HOSTILE[random.integers(len(HOSTILE))])
    elif what == 6:
        cells.insert(row, list(cells[random.integers(len(cells))]))
    else:  # a whole column
        value = HOSTILE[random.integers(len(HOSTILE))]
        for other in cells[1:]:
            if column < len(other):
                other[column] = value


def _parquet(frame: pd.DataFrame, random: Random) -> bytes:
    file = io.BytesIO()
    packed = random.choice(["snappy", "gzip", "zstd", "none"])
    _typed(frame, random).to_parquet(file, compression=None if packed == "none" else packed)
    return file.getvalue()


def _feather(frame: pd.DataFrame, random: Random) -> bytes:
    file = io.BytesIO()
    _typed(frame, random).to_feather(file, compression=str(random.choice(["lz4", "zstd", "uncompressed"])))
    return file.getvalue()


def _typed(frame: pd.DataFrame, random: Random) -> pd.DataFrame:
    """Return a table with one column of another type."""
    types: list[Callable[[int], object]] = [
        lambda n: pd.date_range("1700-01-01", periods=n),
        lambda n: pd.to_timedelta(np.arange(n), unit="D"),
        lambda n: pd.Categorical(["a"] * n),
        lambda n: [[1.0]] * n,
        lambda n: [b"\xff"] * n,
        lambda n: np.full(n, 1e300),
        lambda n: np.full(n, 2**63, dtype="uint64"),
        lambda n: [None] * n,
    ]
    return frame.assign(**{str(random.choice(["c", "y"])): types[random.integers(len(types))](len(frame))})


def _workbook(frame: pd.DataFrame, random: Random) -> bytes:
    file = io.BytesIO()
    changed = frame.astype(object)
    if frame.size and random.uniform() < 0.5:
        changed.iloc[0, 0] = str(random.choice(["inf", "#N/A", "=A1", "x" * 30_000, "1e300", "007"]))
    changed.to_excel(file, index=False)
    if random.uniform() < 0.6:
        return file.getvalue()
    again = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        chosen = random.integers(len(old.namelist()))
        for place, name in enumerate(old.namelist()):
            content = old.read(name)
            new.writestr(name, _broken(content, random) if place == chosen or name.endswith("sheet1.xml") else content)
    return again.getvalue()


def _json(frame: pd.DataFrame, random: Random) -> bytes:
    records = json.loads(frame.to_json(orient="records"))
    if records and random.uniform() < 0.5:
        values = [1e300, 10**400, -(2**63), None, True, [1], {"a": 1}, "x" * 9999, float("inf"), float("nan")]
        records[random.integers(len(records))][str(random.choice(["a", "y", "z", ""]))] = values[
            random.integers(len(values))
        ]
    lines = random.uniform() < 0.5
    text = "\n".join(map(json.dumps, records)) if lines else json.dumps(records)
    return text.encode(str(random.choice(["utf-8", "utf-8-sig", "utf-16"], p=[0.8, 0.1, 0.1])))


WRITERS = {"text": _text, "parquet": _parquet, "feather": _feather, "workbook": _workbook, "json": _json}


def _zip(content: bytes, names: int = 1) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(names):
            archive.writestr(f"t{number}.csv", content)
    return file.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "old LZMA": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "zip": _zip,
    "zip of two": lambda content: _zip(content, 2),
    "twice": lambda content: gzip.compress(bz2.compress(content)),
    "a bomb": lambda content: gzip.compress(content[:20_000] * 400),
}


def _broken(content: bytes, random: Random) -> bytes:
    """Change, remove, repeat or add some bytes, at the ends more often than elsewhere."""
    changed = bytearray(content)
    for _ in range(int(random.choice([1, 1, 2, 5, 30]))):
        size = len(changed)
        if not size:
            break
        place = int(
            random.choice(
                [random.integers(size), min(random.integers(40), size - 1), max(size - 1 - random.integers(40), 0)]
            )
        )
        what = random.integers(6)
        if what == 0:
            changed[place] = int(random.integers(256))
        elif what == 1:
            changed[place] ^= 1 << int(random.integers(8))
        elif what == 2:
            del changed[place : place + int(random.integers(1, 30))]
        elif what == 3:
            del changed[place:]
        elif what == 4:
            changed[place:place] = changed[place : place + int(random.integers(1, 300))]
        else:
            changed[place:place] = random.bytes(int(random.integers(1, 9)))
    return bytes(changed)


def _read(path: Path, random: Random) -> None:
    asked = Asked(target="y" if random.uniform() < 0.5 else None, every_row=random.uniform() < 0.1)
    if random.uniform() < 0.2:
        asked = asked._replace(encoding=str(random.choice([*ENCODINGS, "no-such", "rot13", "idna"])))
    table = data.read_table(str(path), str(path), asked)
    data.typed_columns(table.frame, str(path), data.Hints(table.decimal))


def _fault(work: Callable[[], object]) -> str | None:
    """Return what is wrong with the way in which some work ends."""
    try:
        work()
    except StudyError as error:
        return f"an error of several lines: {error}" if len(str(error).splitlines()) != 1 else None
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if "site-packages" not in frame.filename][
            -1
        ]
        return f"{type(error).__name__}: {error} ({Path(own.filename).name}:{own.lineno}, {Path(place.filename).name})"
    return None


def _tuned(folder: Path) -> str | None:
    """Search with one trial of two epochs in a folder; return what is wrong."""
    study = folder / "s.toml"
    text = (
        study.read_text(encoding="utf-8")
        .replace("n_trials = 50", "n_trials = 1")
        .replace("max_iter = 200", "max_iter = 2")
    )
    study.write_text(text, encoding="utf-8")
    before, out, err = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(["tune", "s.toml", "--quiet"])
    finally:
        os.chdir(before)
    told = [line for line in err.getvalue().splitlines() if line]
    if code not in (0, 1, 2) or "unexpected error" in err.getvalue() or (code == 2 and len(told) != 1):
        return f"tune ended with {code}: {err.getvalue()[:300]}"
    return None
