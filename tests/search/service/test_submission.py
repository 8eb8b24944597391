"""What is submitted is checked, copied and counted before it is queued."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.commands.service import submit
from search.errors import StudyError
from search.service import queued as queues
from search.service import submission
from search.service.data_copies import Copies, safe_name
from search.service.place import Place
from search.study import study_file
from search.toml import reading


def test_a_file_travels_with_a_copy_of_its_data(write):
    made = submission.of_file(write(), Place())
    copy = Copies(Place().data).find(made.data)
    assert copy.path.read_bytes() == Path("table.csv").read_bytes()
    assert (made.name, copy.path.name) == ("small", "table.csv")
    assert made.about == {
        "source": "../table.csv",
        "scoring": "neg_root_mean_squared_error",
        "method": "random",
        "n_trials": 4,
        "timeout": None,
    }
    Path("table.csv").unlink()
    study = study_file.parse(made.text, Place().study("small"))
    assert submission.checked(study) == made.fingerprint


def test_the_study_file_stays_as_it_was_but_for_its_source(write):
    path = write()
    path.write_text("# mine\n" + path.read_text().replace('"../table.csv"', "'../table.csv'  # all rows"))
    made = submission.of_file(path, Place())
    source = reading.loads(made.text)["data"]["source"]
    assert made.text == path.read_text().replace("'../table.csv'", f'"{source}"')
    assert (Place().folder / source).exists()


def test_equal_content_is_kept_once(write):
    first = submission.of_file(write(), Place())
    Path("other name.csv").write_bytes(Path("table.csv").read_bytes())
    second = submission.of_file(write("second", "../other name.csv"), Place())
    assert first.data == second.data
    assert len([*Place().data.iterdir()]) == 1


def test_the_same_bytes_under_another_ending_are_other_data(folder):
    """Whoever came first said how they are read, for all others."""
    copies = Copies(Place().made().data)
    first, second, third = (copies.add(name, [b"a,b\n1,2\n"]) for name in ("x.json", "y.csv", "z.csv"))
    assert first.digest != second.digest == third.digest
    assert (copies.find(first.address).path.name, copies.find(third.address).path.name) == ("x.json", "y.csv")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (("n_trials = 4", "n_trials = 9"), True),
        (("max_iter = 5", "max_iter = 6"), False),
        (("alpha = [1e-4", "alpha = [1e-5"), False),
        (("n_splits = 3", "n_splits = 4"), False),
        (('method = "random"', 'method = "bayesian"'), False),
    ],
)
def test_a_fingerprint_says_whether_trials_are_comparable(write, change, same):
    path = write()
    before = submission.of_file(path, Place()).fingerprint
    path.write_text(path.read_text().replace(*change))
    assert (submission.of_file(path, Place()).fingerprint == before) == same


def test_other_rows_are_another_study(write):
    before = submission.of_file(write(), Place()).fingerprint
    Path("table.csv").write_text(Path("table.csv").read_text() + "1,2,3\n")
    assert submission.of_file(write(), Place()).fingerprint != before


def test_built_in_data_and_databases_are_not_copied(write, folder):
    path = write(source="sklearn:diabetes")
    path.write_text(path.read_text().replace('target = "y"\n', ""))
    assert submission.of_file(path, Place()).data == ""
    import pandas as pd
    import sqlalchemy

    engine = sqlalchemy.create_engine("sqlite:///rows.db")
    pd.read_csv("table.csv").to_sql("rows", engine, index=False)
    engine.dispose()
    made = submission.of_file(write("based", "sqlite:///../rows.db?table=rows"), Place())
    assert made.data == ""
    assert reading.loads(made.text)["data"]["source"] == "sqlite:///../../rows.db?table=rows"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("../table.csv", "../tabel.csv"), "source = '../tabel.csv': there is no file"),
        (("../table.csv", ".."), "it is a folder|is a folder"),
        (('"y"', '"z"'), "target = 'z' is not a column"),
        (("max_iter = 5", "max_iter = 10000000000000"), "max_iter"),
        (("n_splits = 3", "n_splits = 50"), "n_splits"),
    ],
)
def test_a_mistake_is_told_before_anything_is_queued(write, change, told):
    path = write()
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(StudyError, match=told):
        submission.of_file(path, Place())


def test_the_source_may_stand_in_an_inline_table(write):
    path = write()
    head, _, rest = path.read_text().partition("[data]\n")
    inline = 'data = { target = "y", source = "../table.csv", task = "regression" }\n'
    path.write_text(head + inline + rest.partition('task = "regression"\n')[2])
    made = submission.of_file(path, Place())
    assert made.data
    assert "../table.csv" not in made.text


def test_a_source_of_several_lines_is_refused_by_name(write):
    path = write()
    path.write_text(path.read_text().replace('"../table.csv"', '"""\n../table.csv"""'))
    with pytest.raises(StudyError, match=r"\[data\] source must stand on one line"):
        submission.of_file(path, Place())


LINE = st.sampled_from(
    [
        'source = "../table.csv"',
        "source='../table.csv' # a",
        '# source = "x"',
        "[data]",
        'target = "source = 1"',
        "[model]",
    ]
)


@given(st.lists(LINE, max_size=6), st.text(max_size=10))
def test_only_the_source_of_the_rows_is_replaced(lines, source):
    text = "\n".join(lines)
    try:
        before = reading.loads(text)
        before["data"]["source"]
    except (reading.TOMLError, KeyError, TypeError):
        return
    after = submission.with_source(text, source)
    before["data"]["source"] = source
    assert reading.loads(after) == before


@given(st.text())
def test_the_name_of_a_copy_is_no_part_of_a_path(name):
    safe = safe_name(name)
    assert safe == Path(safe).name
    assert not safe.startswith(".")
    assert safe.isascii()
    assert 0 < len(safe) < 100


def test_a_copy_is_whole_or_not_there(folder):
    copies = Copies(Place().made().data)

    def pieces():
        yield b"a,b\n"
        raise OSError(28, "No space left on device")

    with pytest.raises(StudyError, match="disk full"):
        copies.add("a.csv", pieces())
    assert [*Place().data.iterdir()] == []


@pytest.mark.parametrize("content", [b"a,b\n", b"", b"a,b\n1,3\n"])
def test_a_damaged_copy_is_told_and_replaced(folder, content):
    copies, whole = Copies(Place().made().data), b"a,b\n1,2\n"
    made = copies.add("a.csv", [whole])
    copies.check(made.address)
    made.path.write_bytes(content)
    with pytest.raises(StudyError, match=r"^the copy of its data is damaged: .*a\.csv has another content; submit"):
        copies.check(made.address)
    again = copies.add("b.csv", [whole[:3], whole[3:]])
    assert (again, made.path.read_bytes()) == (made, whole)
    copies.check(made.address)
    assert [path.name for path in Place().data.rglob("*") if path.is_file()] == ["a.csv"]
    made.path.unlink()
    with pytest.raises(StudyError, match=r"^the copy of its data is gone; submit the study again, with its table$"):
        copies.check(made.address)


def test_only_this_user_reads_copies(write):
    submission.of_file(write(), Place())
    (folder,) = Place().data.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "address", ["data:", "data:../x", f"data:{'0' * 64}", f"data:{'G' * 64}", "x", f"data:{'0' * 63}/"]
)
def test_an_address_of_nothing(folder, address):
    assert Copies(Place().made().data).find(address) is None


def test_the_command_line_knows_the_range_of_priorities():
    assert (submit.LOWEST, submit.HIGHEST) == (queues.LOWEST, queues.HIGHEST)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"priority": 101}, "priority = 101; allowed are whole numbers from -100 to 100"),
        ({"priority": -101}, "priority = -101"),
        ({"priority": True}, "priority = True"),
        ({"n_trials": 0}, "n_trials = 0; allowed are whole numbers from 1 to 1,000,000"),
        ({"n_trials": 1_000_001}, "n_trials = 1000001"),
        ({"n_trials": 2.5}, r"n_trials = 2\.5"),
        ({"timeout": 0}, "timeout = 0; allowed"),
        ({"timeout": float("nan")}, "timeout = nan; allowed"),
    ],
)
def test_a_budget_is_checked(queue, asked, told):
    with pytest.raises(StudyError, match=told):
        queue.submit("a", "text", "f", **asked)
    queue.submit("a", "text", "f", priority=100, n_trials=1_000_000, timeout=0.5)
    with pytest.raises(StudyError, match=told):
        queue.act("a", "submit", **asked)
    assert queue.submit("a", "text", "f", priority=-100, n_trials=1).priority == -100


def test_a_place_that_cannot_be_made_is_told_in_one_line(folder):
    Path("studies/service").write_text("mine")
    with pytest.raises(StudyError, match="studies/service"):
        Place().made()
    assert Path("studies/service").read_text() == "mine"
