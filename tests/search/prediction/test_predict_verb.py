"""`bpsearch predict` with a model that needs no store: what becomes of the table that is named."""

import json
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from bpmodel.preprocessing import TablePreprocessor
from search.tracking import stores
from search.tracking.models import registry


@pytest.fixture(autouse=True)
def model(tmp_path, monkeypatch):
    rows = pd.DataFrame({"area": [50.0, 60.0, 70.0, 80.0], "town": ["Ulm", "Bonn", "Ulm", "Bonn"]})
    pipeline = make_pipeline(TablePreprocessor(), LinearRegression()).fit(rows, [1.0, 2.0, 3.0, 4.0])
    known = registry.Facts(registry.Version("prices", 1), {"target": "price"})
    monkeypatch.setattr(registry, "load", lambda *_, **__: (pipeline, known))
    monkeypatch.setattr(registry, "named", lambda *_: ("prices", 1))
    monkeypatch.setattr(stores, "answering_uri", lambda: "")
    monkeypatch.chdir(tmp_path)


def test_input_that_is_written_keeps_its_types(command):
    given = pa.table({"area": [50.0, 60.0], "id": pa.array([2**60 + 1, None], pa.int64())})
    parquet.write_table(given, "rows.parquet")
    assert command("predict", "prices", "rows.parquet", "--with-input", "-o", "out.parquet").code == 0
    found = parquet.read_table("out.parquet")
    assert found.schema.field("id").type == pa.int64()
    assert found["id"].null_count == 1


def test_predictions_have_their_own_types(command):
    """Also if the table has a column of their name."""
    parquet.write_table(pa.table({"area": [50.0, 60.0], "predicted_price": ["a", "b"]}), "rows.parquet")
    assert command("predict", "prices", "rows.parquet", "-o", "out.parquet").code == 0
    assert pa.types.is_floating(parquet.read_schema("out.parquet").field("predicted_price").type)


def test_a_table_without_rows_has_predictions_with_a_header(command):
    parquet.write_table(pa.table({"area": pa.array([], pa.float64())}), "rows.parquet")
    done = command("predict", "prices", "rows.parquet")
    assert (done.code, done.out) == (0, "predicted_price\n")


LONG = "x" * 30_000


def zipped(*names: str) -> None:
    with zipfile.ZipFile("rows.csv", "w") as archive:
        for name in names:
            archive.writestr(name, "area\n1\n")


def sheets(*names: str) -> None:
    book = openpyxl.Workbook()
    for name in names:
        book.create_sheet(name)
    for row in (["area", "town"], [50, "Ulm"]):
        book.active.append(row)
    book.save("rows.csv")


HOSTILE = {
    "a cell of a number": lambda: Path("rows.csv").write_text(f"area,town\n50,Ulm\n{LONG},Ulm\n"),
    "cells of a category": lambda: Path("rows.csv").write_text(f"area,town\n50,{LONG}\n60,y{LONG}\n"),
    "columns": lambda: Path("rows.csv").write_text(
        ",".join(f"c{i}" for i in range(3_000)) + "\n" + "1," * 2_999 + "1\n"
    ),
    "a name": lambda: Path("rows.csv").write_text(f"{LONG},b\n1,2\n"),
    "a name in JSON": lambda: Path("rows.csv").write_text(json.dumps([{"area": 1, LONG: {}}])),
    "files of an archive": lambda: zipped(f"a{LONG}", f"b{LONG}"),
    "sheets": lambda: sheets(*(f"{'s' * 25}{i}" for i in range(100))),
}


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_what_is_told_of_a_table_is_short_whatever_it_holds(command, verb, make):
    make()
    done = command(verb, "prices", "rows.csv")
    lines = [*done.err.splitlines(), *done.out.splitlines()]
    assert done.err
    assert max(map(len, lines)) < 2_000


COMPOSED, DECOMPOSED = "Kr\u00fcge", "Kru\u0308ge"


@pytest.fixture
def marked(monkeypatch):
    """Let the model know a column and a level that are written with one character for a letter and its mark."""
    rows = pd.DataFrame({"area": [50.0, 60.0, 70.0, 80.0], COMPOSED: ["Ulm", COMPOSED, "Ulm", COMPOSED]})
    pipeline = make_pipeline(TablePreprocessor(), LinearRegression()).fit(rows, [1.0, 5.0, 1.0, 5.0])
    known = registry.Facts(registry.Version("prices", 1), {"target": "Gr\u00f6\u00dfe"})
    monkeypatch.setattr(registry, "load", lambda *_, **__: (pipeline, known))
    return pd.DataFrame({"area": [50.0, 60.0], COMPOSED: ["Ulm", COMPOSED], "Gr\u00f6\u00dfe": [1.0, 5.0]})


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_names_and_levels_that_look_the_same_are_the_same(command, marked, ending):
    write = {
        "csv": lambda frame: frame.to_csv("rows.csv", index=False),
        "parquet": lambda frame: frame.to_parquet("rows.parquet"),
        "json": lambda frame: frame.to_json("rows.json", orient="records"),
    }[ending]
    write(marked)
    expected = command("predict", "prices", f"rows.{ending}")
    assert "no column" not in expected.err
    other = marked.replace(COMPOSED, DECOMPOSED).set_axis(["area", DECOMPOSED, "Gro\u0308\u00dfe"], axis=1)
    write(other)
    assert command("predict", "prices", f"rows.{ending}") == expected
    assert command("evaluate", "prices", f"rows.{ending}").code == 0


def test_two_columns_that_look_the_same_stay_two(command, marked):
    """Then the one with the model's own name is meant."""
    both = marked.assign(**{DECOMPOSED: "other"})
    both.to_csv("rows.csv", index=False)
    assert "other" not in command("predict", "prices", "rows.csv").err
