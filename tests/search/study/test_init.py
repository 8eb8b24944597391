"""The study file that `bpsearch init` writes has the options of the preprocessing that matter for the table."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import StudyError
from search.study import data, init, study_file
from search.tables import sources
from search.tables.reading import Table
from search.trials.pipeline import PATHS

NUMERIC = {"numeric": ["standard", "piecewise"]}
TABLES = {
    "numbers": (pd.DataFrame({"area": [1.5, 2.5] * 9}), {}, NUMERIC, "numbers: 1"),
    "many numbers": (
        pd.DataFrame({f"x{i}": np.arange(18.0) for i in range(101)}),
        {"numeric": "standard"},
        {},
        "numbers: 101",
    ),
    "gaps": (
        pd.DataFrame({"area": [1.5, np.nan] * 9, "sold": ["2024-02-29", None] * 9}),
        {"missing_indicator": True},
        NUMERIC,
        "numbers: 1, dates: 1",
    ),
    "categories": (pd.DataFrame({"town": ["Ulm", None] * 9}), {"categorical": "onehot"}, {}, "categories: 1"),
    "codes": (pd.DataFrame({"season": [1, 2, 3] * 6}), {}, NUMERIC, "numbers: 1"),
    "booleans": (pd.DataFrame({"garden": [True, False] * 9}), {}, {}, "booleans: 1"),
}


@pytest.mark.parametrize("name", TABLES)
def test_options_that_matter_are_written(tmp_path, name):
    frame, fixed, searched, kinds = TABLES[name]
    frame.assign(price=np.linspace(1, 2, len(frame)) ** 2).to_csv(tmp_path / "x.csv", index=False)
    path, _ = init.write_study(tmp_path / "x.csv", "price", tmp_path / "x.toml")
    study = study_file.load(path)
    assert study.preprocessing == fixed
    assert {n: list(d.values) for n, d in study.space.items() if n in PATHS} == searched
    text = path.read_text()
    assert f"[preprocessing]    # {kinds};" in text
    assert ('# categorical_columns = ["season"]' in text) == (name == "codes")
    assert "target_transform" not in text


@pytest.mark.parametrize(
    ("task", "values"), [("regression", np.exp(np.arange(24.0))), ("classification", ["a", "b"] * 12)]
)
def test_the_logarithm_is_suggested_for_a_skewed_target(tmp_path, task, values):
    pd.DataFrame({"area": np.arange(24.0), "price": values}).to_csv(tmp_path / "x.csv", index=False)
    path, _ = init.write_study(tmp_path / "x.csv", "price", tmp_path / "x.toml")
    assert ("# target_transform" in path.read_text()) == (task == "regression")
    path.write_text(path.read_text().replace("# target_transform", "target_transform"))
    assert ("target_transform" in study_file.load(path).preprocessing) == (task == "regression")


@pytest.mark.parametrize(
    "name", ["b\nc", "a\r", "tab\t", "bell\a", "delete\x7f", 'quote"', "back\\slash", "größe, m²", "# no"]
)
def test_a_column_whose_name_is_no_plain_text_broke_the_file_bug(tmp_path, name):
    """The name stood as it is in a comment, which ends with the line."""
    columns = {f"gaps in {name}": [1.5, None] * 9, f"codes of {name}": [1, 2, 3] * 6}
    frame = pd.DataFrame({**columns, name: np.linspace(1, 2, 18) ** 2})
    frame.to_parquet(tmp_path / "odd\n.parquet")
    path, _ = init.write_study(tmp_path / "odd\n.parquet", name, tmp_path / "x.toml")
    study = study_file.load(path)
    assert (study.name, study.data.target, study.data.source) == ("x", name, "odd\n.parquet")
    text = path.read_text(encoding="utf-8").replace("# categorical_columns", "categorical_columns")
    path.write_text(text, encoding="utf-8")
    assert study_file.load(path).preprocessing["categorical_columns"] == [f"codes of {name}"]


def test_a_file_that_would_be_refused_is_not_left_behind_bug(tmp_path, monkeypatch):
    pd.DataFrame({"area": np.arange(24.0), "price": np.arange(24.0)}).to_csv(tmp_path / "x.csv", index=False)
    monkeypatch.setattr(init, "TEMPLATE", init.TEMPLATE.replace("[cv]", "[cv"))
    with pytest.raises(StudyError, match="is not valid TOML"):
        init.write_study(tmp_path / "x.csv", "price", tmp_path / "x.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_table_of_a_database_becomes_a_study(tmp_path, monkeypatch):
    """The address in the study file is relative to it, as paths are."""
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("houses.db")) as connection:
        frame = pd.DataFrame({"area": np.arange(24.0), "price": np.arange(24.0) ** 2})
        frame.to_sql("sales", connection, index=False)
    path, _ = init.write_study("sqlite:///houses.db?table=sales", "price")
    assert path.as_posix() == "studies/sales.toml"
    study = study_file.load(path)
    assert study.data.source == "sqlite:///../houses.db?table=sales"
    found = data.load(study)
    assert found.X["area"].tolist() == frame["area"].tolist()
    assert found.name == "sqlite:///../houses.db?table=sales"
    frame.to_csv("sales.csv", index=False)
    other, _ = init.write_study("sales.csv", "price", Path("other.toml"))
    assert data.load(study_file.load(other)).fingerprint == found.fingerprint


def test_a_password_is_written_nowhere_but_in_the_address(tmp_path, monkeypatch):
    address = "postgresql://me:s3cret@host/db?table=sales"
    table = Table(pd.DataFrame({"area": np.arange(24.0), "price": np.arange(24.0) ** 2}))
    monkeypatch.setattr(sources, "read", lambda source, folder, asked: table)
    path, profile = init.write_study(address, "price", tmp_path / "x.toml")
    assert profile.notes[0] == f"the password stands in {path}: keep that file to yourself"
    assert path.read_text().count("s3cret") == 1
    study = study_file.load(path)
    assert study.data.source == address
    assert "s3cret" not in repr(data.load(study))
    with pytest.raises(StudyError) as error:
        init.write_study(address, "size")
    assert "s3cret" not in str(error.value)
    table.frame = table.frame.iloc[:0]
    with pytest.raises(StudyError, match=r"source = 'postgresql://\*\*\*@host/db\?table=sales'") as error:
        data.load(study)
    assert "s3cret" not in str(error.value)
    path.write_text(path.read_text().replace(f'"{address}"', f'["{address}"]'))
    with pytest.raises(StudyError, match=r"\*\*\*") as error:
        study_file.load(path)
    assert "s3cret" not in str(error.value)
