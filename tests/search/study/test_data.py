"""What a study file names becomes a table and a target, or one line says what is wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import StudyError
from search.study import data, init, study_file

FRAME = pd.DataFrame(
    {
        "area": [50.5, 70.0, np.nan, 120.0, 88.0, 42.0],
        "rooms": [2, 3, 3, 5, 4, 1],
        "town": ["Ulm", "Bonn", None, "Ulm", "Jena", "Bonn"],
        "garden": [True, False, False, True, True, False],
        "price": [210.5, 300.0, 310.0, 560.0, 400.0, 150.0],
        "kind": ["flat", "flat", "house", "house", "house", "flat"],
        "half": [0.5, 1.0, 1.5, 2.0, 1.0, 0.5],
        "gap": [1.0, np.nan, 3.0, 4.0, np.nan, 6.0],
        "gap text": ["a", None, "b", "a", "b", "a"],
        "endless": [1.0, np.inf, 3.0, 4.0, 5.0, 6.0],
        "same": ["x"] * 6,
    }
)


@pytest.fixture
def load(tmp_path):
    """Load a study of the table above."""
    FRAME.to_csv(tmp_path / "homes.csv", index=False)

    def load(
        task: str = "regression",
        target: str | None = "price",
        source: str = "homes.csv",
        cv: str = "",
        time: str = "",
        more: str = "",
    ) -> data.Dataset:
        file = tmp_path / "homes.toml"
        line = f"target = {target!r}\n" if target else ""
        line += f"time = {time!r}\n" if time else ""
        line += more + "\n"
        file.write_text(
            f"name = 'homes'\n[space]\nalpha = [0.1]\n[data]\nsource = {source!r}\ntask = {task!r}\n{line}[cv]\n{cv}"
        )
        return data.load(study_file.load(file))

    return load


def test_table_of_mixed_columns(load):
    dataset = load()
    pd.testing.assert_frame_equal(dataset.X, FRAME.drop(columns="price"))
    np.testing.assert_array_equal(dataset.y, FRAME["price"])
    assert (dataset.name, dataset.target) == ("homes.csv", "price")


def test_text_target(load):
    assert load("classification", "kind").y.tolist() == FRAME["kind"].tolist()


def test_compressed_and_parquet_files_hold_the_same(load, tmp_path):
    FRAME.to_csv(tmp_path / "homes.csv.gz", index=False)
    FRAME.to_parquet(tmp_path / "homes.parquet")
    for source in ("homes.csv.gz", "homes.parquet"):
        pd.testing.assert_frame_equal(load(source=source).X, load().X)


@pytest.mark.parametrize(
    "index", [FRAME["half"], FRAME["kind"], FRAME.index + 3], ids=["numbers", "texts", "rows left out"]
)
def test_the_index_of_a_parquet_file_is_not_the_order_of_its_rows_bug(load, tmp_path, index):
    """Rows of a series were counted by it: it took places for times, or ended with a traceback."""
    FRAME.set_axis(index).to_parquet(tmp_path / "homes.parquet")
    pd.testing.assert_frame_equal(load(source="homes.parquet").X, load().X)


ENDLESS = "column 'endless': 1 value is infinite or beyond 1e+150 and counts as missing: inf in row 2"


@pytest.mark.parametrize(("task", "target", "kept"), [("regression", "gap", 4), ("classification", "gap text", 5)])
def test_rows_without_a_target(load, task, target, kept):
    """AutoGluon, H2O and R leave them out and say so; the study once ended there."""
    dataset = load(task, target)
    assert len(dataset.X) == len(dataset.y) == kept
    pd.testing.assert_frame_equal(
        dataset.X, FRAME[FRAME[target].notna()].drop(columns=target).reset_index(drop=True), check_dtype=False
    )
    assert dataset.notes == (ENDLESS, f"{6 - kept} row{'s' if kept == 4 else ''} without a target left out")
    with pytest.raises(StudyError, match=f"target '{target}' is missing in {6 - kept} of 6 rows"):
        load(task, target, more='missing_target = "error"')


def test_columns_that_are_left_out(load):
    assert list(load(more='drop = ["town", "same"]').X) == [c for c in FRAME if c not in ("town", "same", "price")]
    for wrong, told in (
        ('["tawn"]', "'tawn' is not a column \\(did you mean town\\?\\); the columns are area"),
        ('["price"]', "leaves out the target"),
    ):
        with pytest.raises(StudyError, match=told):
            load(more=f"drop = {wrong}")


def test_a_file_of_another_country(load, tmp_path):
    FRAME.to_csv(tmp_path / "häuser.csv", index=False, sep=";", decimal=",", encoding="cp1252")
    dataset = load(source="häuser.csv")
    pd.testing.assert_frame_equal(dataset.X, load().X)
    assert dataset.notes == ("read with separator semicolon, decimal comma", ENDLESS)
    as_said = load(source="häuser.csv", more='separator = ";"\ndecimal = ","\nencoding = "cp1252"')
    assert as_said.notes == (ENDLESS,)
    assert as_said.fingerprint == dataset.fingerprint == load().fingerprint


def test_a_target_whose_name_is_doubled_is_refused(load, tmp_path):
    """The second was once a feature, and the target's own copy."""
    (tmp_path / "twice.csv").write_text("a,y,y\n1,2,2\n3,4,4\n")
    with pytest.raises(StudyError, match="target = 'y' is the name of several columns"):
        load(target="y", source="twice.csv")
    assert list(load(target="a", source="twice.csv").X) == ["y", "y.1"]


@pytest.mark.parametrize("name", data.SKLEARN_SETS)
def test_sets_of_scikit_learn(load, name):
    task = "regression" if name in ("diabetes", "linnerud") else "classification"
    X, y = data.SKLEARN_SETS[name](return_X_y=True)
    dataset = load(task, None, f"sklearn:{name}")
    np.testing.assert_array_equal(dataset.X, X)
    np.testing.assert_array_equal(dataset.y, y)


MISTAKES = {
    "infinite y": (
        "regression",
        "endless",
        "homes.csv",
        "target 'endless' has inf in row 2; allowed are numbers up to 1e+150",
    ),
    "text for a number": (
        "regression",
        "kind",
        "homes.csv",
        "target 'kind' is not numeric: 'flat' in row 1 is no number; [data] task = 'regression'",
    ),
    "one class": ("classification", "same", "homes.csv", "target 'same' has only one class, 'x'"),
    "fractions as classes": ("classification", "half", "homes.csv", "'half' has fractional values, such as 0.5; use"),
    "unknown column": (
        "regression",
        "prize",
        "homes.csv",
        "[data] target = 'prize' is not a column (did you mean price?); the columns are area, ",
    ),
    "no target": ("regression", None, "homes.csv", "[data] target is missing; the columns are area, rooms"),
    "missing file": ("regression", "price", "homse.csv", "[data] source = 'homse.csv': there is no file"),
    "a folder": ("regression", "price", ".", "[data] source = '.'"),
    "empty file": ("regression", "price", "empty.csv", "empty.csv cannot be read as a table"),
    "no rows": ("regression", "a", "header.csv", "has 0 rows and 2 columns"),
    "one column": ("regression", "a", "one.csv", "has 1 rows and 1 columns"),
    "not a table": ("regression", "a", "ragged.csv", "ragged.csv cannot be read as a table"),
    "not text": ("regression", "a", "binary.csv", "binary.csv cannot be read as a table"),
    "not Parquet": ("regression", "a", "false.parquet", "false.parquet cannot be read as a table"),
    "unknown set": (
        "regression",
        None,
        "sklearn:boston",
        "'sklearn:boston' is unknown; allowed are sklearn:breast_cancer",
    ),
    "target of a set": ("regression", "bmi", "sklearn:diabetes", "[data] target = 'bmi'"),
    "several targets": ("classification", None, "sklearn:linnerud", "has 3 columns; [data] task = 'classification'"),
}


@pytest.mark.parametrize(("task", "target", "source", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_one_line_names_file_key_value_and_what_is_allowed(load, tmp_path, task, target, source, told):
    for name, content in {
        "empty.csv": b"",
        "header.csv": b"a,b\n",
        "one.csv": b"a\n1\n",
        "ragged.csv": b"a,b\n1,2\n1,2,3,4\n",
        "binary.csv": b"\xff\xfe\x00\x81,\x00\n",
        "false.parquet": b"PAR1,b\n1,2\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(StudyError) as error:
        load(task, target, source)
    line = str(error.value)
    assert told in line
    assert line.startswith(str(tmp_path / "homes.toml"))
    assert "\n" not in line


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda f: f, True),
        (lambda f: f.assign(area=f.area + 1), False),
        (lambda f: f.assign(price=f.price + 1), False),
        (lambda f: f.assign(town=f.town.fillna("Ulm")), False),
        (lambda f: f.rename(columns={"area": "surface"}), False),
        (lambda f: f.iloc[::-1], False),
        (
            lambda f: (
                f.assign(rooms=f.rooms.astype(float) + 0.0).astype({"rooms": str}).replace({"rooms": "2.0"}, "two")
            ),
            False,
        ),
    ],
)
def test_fingerprint_changes_with_values_names_and_types(load, tmp_path, change, same):
    before = load().fingerprint
    change(FRAME).to_csv(tmp_path / "homes.csv", index=False)
    assert (load().fingerprint == before) is same


def test_path_is_relative_to_the_study_file(load, monkeypatch):
    expected = load().fingerprint
    monkeypatch.chdir(Path("/"))
    assert load().fingerprint == expected


def test_groups_are_no_feature(load):
    dataset = load(cv="kind = 'leave_one_group_out'\ngroup = 'rooms'")
    assert dataset.labels.tolist() == FRAME["rooms"].tolist()
    pd.testing.assert_frame_equal(dataset.X, FRAME.drop(columns=["price", "rooms"]))


@pytest.mark.parametrize(
    ("cv", "told"),
    [
        ("group = 'price'", "[cv] group = 'price' is not a column besides the target; the columns are area, rooms"),
        ("split = 'part'", "[cv] split = 'part' is not a column besides the target; the columns are area, rooms"),
        ("group = 'town'", "[cv] group = 'town' is missing in 1 of 6 rows"),
    ],
)
def test_a_column_of_groups_that_cannot_be(load, cv, told):
    with pytest.raises(StudyError) as error:
        load(cv=cv)
    assert told in str(error.value)


def test_a_column_of_groups_alone_is_nothing_to_learn_from(load, tmp_path):
    FRAME[["rooms", "price"]].to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(StudyError, match=r"group = 'rooms' is the only column besides the target"):
        load(source="two.csv", cv="group = 'rooms'")


@pytest.mark.parametrize(
    "times", [[3, 1, 2, 0, 5, 4], ["2020-04-01", "2020-02-01", "2020-03-01", "2020-01-01", "2021-02-01", "2021-01-01"]]
)
def test_rows_are_sorted_by_time(load, tmp_path, times):
    FRAME.assign(when=times).to_csv(tmp_path / "series.csv", index=False)
    dataset = load(source="series.csv", time="when")
    assert dataset.y.tolist() == FRAME["price"].iloc[[3, 1, 2, 0, 5, 4]].tolist()
    assert dataset.X["when"].is_monotonic_increasing
    assert dataset.X["garden"].tolist() == FRAME["garden"].iloc[[3, 1, 2, 0, 5, 4]].tolist()


@pytest.mark.parametrize(
    ("time", "told"),
    [
        ("when", r"time = 'when' is not a column"),
        ("kind", r"time = 'kind' has values that are neither numbers nor dates \(2026-11-25\), such as 'flat'"),
        ("gap", r"time = 'gap' is missing in 2 of 6 rows"),
    ],
)
def test_a_column_that_is_no_time(load, time, told):
    with pytest.raises(StudyError, match=told):
        load(time=time)


def test_what_made_rows_lose_their_target_is_told_bug(tmp_path):
    """Rows of the class None were left out, and nothing said that its text counts as missing."""
    rows = ["x,y", *["1,None", "2,Apnea", "3,None", "4,Insomnia"] * 6, "5,NA", "6,null", "7,"]
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    path, profile = init.write_study(tmp_path / "t.csv", "y", tmp_path / "t.toml")
    why = ": 'NA' and 'null' count as missing ([data] na_values)"
    assert profile.notes == [f"target 'y'{why}"]
    found = data.load(study_file.load(path))
    assert sorted(set(found.y)) == ["Apnea", "Insomnia", "None"]
    assert found.notes == (f"3 rows without a target left out{why}",)
    path.write_text(path.read_text().replace("task = ", 'missing_target = "error"\ntask = '))
    with pytest.raises(StudyError, match=r"target 'y' is missing in 3 of 27 rows: 'NA' and 'null' count as missing"):
        data.load(study_file.load(path))


def test_whether_there_is_a_header_is_a_key_of_a_study(tmp_path):
    (tmp_path / "t.csv").write_text("1.5,2\n" + "3,4\n5,6\n" * 9)
    text = 'name = "t"\n[data]\nsource = "t.csv"\ntask = "regression"\ntarget = "column 2"\n'
    (tmp_path / "t.toml").write_text(text)
    assert len(data.load(study_file.load(tmp_path / "t.toml")).y) == 19
    (tmp_path / "t.toml").write_text(text.replace("column 2", "2") + "header = true\n")
    assert len(data.load(study_file.load(tmp_path / "t.toml")).y) == 18


def test_a_table_that_does_not_fit_into_the_memory_ends_in_one_line(load, monkeypatch):
    def read(*args):
        raise MemoryError

    monkeypatch.setattr(data.sources, "read", read)
    with pytest.raises(StudyError, match=r"homes.csv does not fit into the memory; take a sample of its rows$"):
        load()
