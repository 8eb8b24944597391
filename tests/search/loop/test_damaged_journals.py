"""A journal is looked at before it is changed: nothing but the beginning of a last line is ever cut off, and that is kept."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import StudyError
from search.loop import journal, lines
from search.loop.journal import StudyStore
from search.space import spaces
from search.study import records
from search.trials.penalties import Feedback

SPACE = spaces.build({"rate": (1e-4, 1.0, "log"), "batch": (1, 64), "kind": ["relu", "tanh"]})
IDENTITY = {"[data]": {"target": "y", "rows": "1234"}, "[space]": SPACE.describe(), "[cv]": {"n_splits": 2}}
ABOUT = {
    "file": "name = 'x'",
    "path": "x.toml",
    "method": "tpe",
    "scheme": "2-fold",
    "scoring": "r2",
    "baselines": [{"name": "dummy predictor", "score": -1.0, "std": 0.5, "fold_scores": [-0.5, -1.5], "means": {}}],
    "ratio": 0.5,
    "suspects": [],
    "loss": "squared_error",
    "notes": [],
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, make_outcome) -> bytes:
    """A journal with trials that ended in different ways, reevaluations and notes."""
    path = tmp_path_factory.mktemp("whole") / "x.journal"
    store = StudyStore(path, "x", IDENTITY, SPACE)
    store.note("about", ABOUT)
    for number, verdict in enumerate(["ok", "diverged", "stopped", "error", "ok"]):
        outcome = make_outcome(number, verdict, params={"rate": 0.1, "batch": 7, "kind": "tanh"})
        store.record(
            outcome, Feedback(-0.5, 1.0 * (verdict == "diverged"), "pruned" if verdict == "stopped" else "complete")
        )
    store.record_again(make_outcome(4))
    store.note("finished", {"trials": 5, "uri": "sqlite:///x", "name": "x", "version": 1, "outer_scores": []})
    store.close()
    return path.read_bytes()


def read(path: Path) -> None:
    """Read a journal as `list` and `show` do."""
    stored = journal.read(path, SPACE, IDENTITY)
    if stored is not None:
        records.result(stored)
        records.scoring(stored)


def refused(act: Callable[[], object]) -> str:
    """Return why something was refused; empty if it was not. Other exceptions than `StudyError` are raised."""
    try:
        act()
    except StudyError as error:
        return str(error)
    return ""


def tried(folder: Path, content: bytes) -> str:
    """Open a journal to read and to write; return why it was refused, after checks of what must hold in any case."""
    path = folder / "x.journal"
    path.write_bytes(content)
    lines.cut_off(path).unlink(missing_ok=True)
    if told := refused(lambda: read(path)):
        assert "\n" not in told
    assert path.read_bytes() == content, "reading changes nothing"
    stores: list[StudyStore] = []
    told = refused(lambda: stores.append(StudyStore(path, "x", IDENTITY, SPACE)))
    if told:
        assert "\n" not in told
        # what is told after the file was found to be whole may have cut off the rest of a line, which is kept
        assert path.read_bytes() == content or kept(path, content)
        return told
    (store,) = stores
    numbers = list(store.outcomes)
    store.settled  # noqa: B018 - pooled here
    store.close()
    after = path.read_bytes()
    assert after.startswith(content[: content.rfind(b"\n") + 1])
    assert path.read_bytes() == content or kept(path, content) or content == b"" or not content.count(b"\n") > 2
    assert numbers == sorted(set(numbers))
    return ""


def kept(path: Path, content: bytes) -> bool:
    rest = content[content.rfind(b"\n") + 1 :]
    beside = lines.cut_off(path)
    return beside.exists() and beside.read_bytes() == rest + b"\n" and path.read_bytes() == content[: -len(rest)]


def test_a_whole_journal_is_taken(tmp_path, whole):
    assert tried(tmp_path, whole) == ""


def spliced(content: bytes, place: float, length: int, new: bytes) -> bytes:
    at = int(place * len(content))
    return content[:at] + new + content[at + length :]


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_changed_bytes_are_told_or_harmless(tmp_path_factory, whole, data):
    content = whole
    for _ in range(data.draw(st.integers(1, 3))):
        place, length = data.draw(st.floats(0, 1)), data.draw(st.sampled_from([0, 1, 1, 5, 500]))
        new = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b"\r", b"\0" * 9, b'"', b"NaN", b"1e999", b"-"])
        )
        content = spliced(content, place, length, new)
    tried(tmp_path_factory.mktemp("changed"), content)


VALUES = st.sampled_from(
    [None, True, -1, 0, 7, 1e300, float("nan"), 10**400, "", "x", "\x1b[2J\n", [], [1], {}, {"a": 1}]
)


def mutated(value, data, depth=0):
    """Change a value somewhere in a nest of lists and objects, and of texts that hold them."""
    inside = data.draw(st.booleans()) or depth < 2
    if isinstance(value, str) and value.startswith("{") and inside:
        return json.dumps(mutated(json.loads(value), data, depth + 1))
    if isinstance(value, dict) and value and inside:
        key = data.draw(st.sampled_from(sorted(value)))
        how = data.draw(st.sampled_from(["change", "change", "change", "drop", "rename"]))
        if how == "change":
            return {**value, key: mutated(value[key], data, depth + 1)}
        rest = {name: each for name, each in value.items() if name != key}
        return rest if how == "drop" else {**rest, f"{key}_": value[key]}
    if isinstance(value, list) and value and inside:
        at = data.draw(st.integers(0, len(value) - 1))
        how = data.draw(st.sampled_from(["change", "drop", "double"]))
        middle = {"change": [mutated(value[at], data, depth + 1)], "drop": [], "double": [value[at]] * 2}[how]
        return [*value[:at], *middle, *value[at + 1 :]]
    return data.draw(VALUES)


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_lines_of_valid_json_that_no_study_has_written_are_told_or_harmless(tmp_path_factory, whole, data):
    """Lines without `number`, `divergence` or `uri` ended in a KeyError."""
    every = whole.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(every) - 1))
    how = data.draw(st.sampled_from(["mutate"] * 6 + ["drop", "double", "swap"]))
    if how == "mutate":
        every[at] = json.dumps(mutated(json.loads(every[at]), data)).encode() + b"\n"
    elif how == "drop":
        del every[at]
    elif how == "double":
        every.insert(at, every[at])
    else:
        other = data.draw(st.integers(0, len(every) - 1))
        every[at], every[other] = every[other], every[at]
    tried(tmp_path_factory.mktemp("mutated"), b"".join(every))


NONE_AT_ALL = {
    "notes": b"my notes",
    "notes with a line end": b"my notes\nand more\n",
    "notes whose last line is cut": b"my notes\nand mo",
    "a number": b"1\n",
    "an object": b'{"a": 1}\n',
    "a list": b"[]\n",
    "bytes of 0": b"\0" * 5000,
    "binary": bytes(range(256)) * 10,
    "one long line": b"x" * 300_000,
    "another program's JSON": b'{"version": 3, "cells": []}',
    "deep": b"[" * 100_000 + b"\n",
    "a break first": b"\n",
}


@pytest.mark.parametrize("content", NONE_AT_ALL.values(), ids=NONE_AT_ALL)
def test_what_is_no_journal_is_refused_and_stays_bug(tmp_path, content):
    """Its last line was cut off before it was looked at: a text of one line was emptied without a word."""
    assert "x.journal is damaged: line 1 (this is no journal" in tried(tmp_path, content)
    assert [path.name for path in tmp_path.iterdir()] == ["x.journal"]


CHANGES = {
    "line ends of old Macs": (lambda every: b"\r".join(every) + b"\r", "line 1 (neither an operation"),
    "no line ends": (lambda every: b" ".join(every), "line 1 (neither an operation"),
    "an unknown operation": (lambda every: b"\n".join([*every, b'{"op_code":99}', b""]), "unknown op_code 99"),
    "the study deleted": (
        lambda every: b"\n".join([*every, b'{"op_code":1,"worker_id":"a","study_id":0}', b""]),
        "unknown op_code 1",
    ),
    "a line damaged in the middle": (
        lambda every: b"\n".join([*every[:6], every[6][:-9], *every[7:], b""]),
        "line 7 (",
    ),
    "a trial twice": (lambda every: b"\n".join([*every, every[6], b""]), "stands in line 7, too"),
    "notes after it": (lambda every: b"\n".join([*every, b"my notes"]), "neither an operation"),
    "bytes of 0 in the middle": (lambda every: b"\n".join([*every[:3], b"\0" * 99, *every[3:], b""]), "line 4 ("),
    "the first line twice": (lambda every: b"\n".join([every[0], *every, b""]), "the first line makes the study"),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_a_damaged_journal_is_told_by_line_and_stays(tmp_path, whole, change, told):
    content = change(whole.splitlines())
    error = tried(tmp_path, content)
    assert told in error
    assert (tmp_path / "x.journal").read_bytes() == content
    assert not lines.cut_off(tmp_path / "x.journal").exists()


@pytest.mark.parametrize("field", ["number", "value", "outcome"])
def test_a_trial_without_what_it_needs_is_told_by_line(tmp_path, whole, field):
    every = [json.loads(line) for line in whole.splitlines()]
    del every[6]["user_attrs"][field]
    error = tried(tmp_path, b"".join(json.dumps(line).encode() + b"\n" for line in every))
    assert "line 7 (" in error
    assert field in error


@pytest.mark.parametrize("name", [None, 7, float("nan"), [], ["x"]])
def test_a_study_whose_name_is_no_text_is_told_by_line(tmp_path, whole, name):
    """Optuna did not find a study called NaN."""
    first, *others = whole.splitlines(keepends=True)
    changed = json.dumps({**json.loads(first), "study_name": name}).encode() + b"\n"
    assert "line 1 (TypeError: study_name must be a text)" in tried(tmp_path, b"".join([changed, *others]))


@pytest.mark.parametrize("field", ["verdict", "divergence", "curve", "losses", "seconds"])
def test_an_outcome_without_a_field_is_told_by_line(tmp_path, whole, field):
    every = [json.loads(line) for line in whole.splitlines()]
    outcome = json.loads(every[6]["user_attrs"]["outcome"])
    del outcome[field]
    every[6]["user_attrs"]["outcome"] = json.dumps(outcome)
    error = tried(tmp_path, b"".join(json.dumps(line).encode() + b"\n" for line in every))
    assert f"line 7 (ValueError: {field} is missing)" in error


def test_line_ends_of_windows_are_taken(tmp_path, whole):
    assert tried(tmp_path, whole.replace(b"\n", b"\r\n")) == ""


def test_bytes_of_0_after_a_power_cut_are_cut_off_and_kept(tmp_path, whole):
    assert tried(tmp_path, whole + b"\0" * 512) == ""
    assert (tmp_path / "x.journal").read_bytes() == whole


def test_what_is_cut_off_a_second_time_is_kept_too(tmp_path, whole):
    path = tmp_path / "x.journal"
    for length in (30, 20):
        path.write_bytes(whole[:-length])
        StudyStore(path, "x", IDENTITY, SPACE).close()
    (first, second) = lines.cut_off(path).read_bytes().splitlines()
    assert (first[: len(second)], len(second) - len(first)) == (second[: len(first)], 10)


def test_the_journal_of_another_study_is_refused(tmp_path, whole):
    path = tmp_path / "y.journal"
    path.write_bytes(whole)
    with pytest.raises(StudyError, match=r"y\.journal holds the study 'x', not 'y'"):
        StudyStore(path, "y", IDENTITY, SPACE)
    assert path.read_bytes() == whole


PLANTED = ["notes", "whole", "empty", "nothing"]


@pytest.mark.parametrize("planted", PLANTED)
def test_a_journal_that_is_a_link_is_refused_and_leads_nowhere(tmp_path, whole, planted):
    """It led to any file, whose last line was cut off."""
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "project" / "x.journal"
    path.parent.mkdir()
    content = {"notes": b"my notes", "whole": whole, "empty": b""}.get(planted)
    if content is not None:
        elsewhere.write_bytes(content)
    path.symlink_to(elsewhere)
    with pytest.raises(StudyError, match=r"x\.journal cannot be written: it is a link to .*elsewhere; name that file"):
        StudyStore(path, "x", IDENTITY, SPACE)
    assert elsewhere.exists() == (content is not None)
    assert content is None or elsewhere.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_a_link_is_taken(tmp_path, whole):
    (tmp_path / "disk").mkdir()
    (tmp_path / "studies").symlink_to(tmp_path / "disk")
    assert tried(tmp_path / "studies", whole) == ""


def test_a_pipe_in_the_place_of_a_journal_is_refused_at_once(tmp_path):
    path = tmp_path / "x.journal"
    os.mkfifo(path)
    for use in (lambda: StudyStore(path, "x", IDENTITY, SPACE), lambda: journal.read(path)):
        with pytest.raises(StudyError, match=r"x\.journal cannot be (read|written): it is no file, but a pipe"):
            use()


def test_a_journal_deleted_meanwhile_is_told_and_not_written_to_nowhere(tmp_path, make_outcome):
    path = tmp_path / "x.journal"
    store = StudyStore(path, "x", IDENTITY, SPACE)
    path.unlink()
    with pytest.raises(StudyError, match="was deleted or replaced while its study was running"):
        store.record(make_outcome(0, params={"rate": 0.1, "batch": 7, "kind": "tanh"}), Feedback(-0.5))
    store.close()
    assert not path.exists()


def test_reading_makes_no_file(tmp_path):
    """`list` made a journal where a link led nowhere."""
    (tmp_path / "x.journal").symlink_to(tmp_path / "nowhere")
    with pytest.raises(StudyError, match=r"x\.journal cannot be read: No such file"):
        journal.read(tmp_path / "x.journal")
    assert not (tmp_path / "nowhere").exists()


def test_a_running_study_can_be_read(tmp_path, make_outcome):
    path = tmp_path / "x.journal"
    store = StudyStore(path, "x", IDENTITY, SPACE)
    store.record(make_outcome(3, params={"rate": 0.1, "batch": 7, "kind": "tanh"}), Feedback(-0.5))
    with path.open("ab") as file:
        file.write(b'{"op_code":4,"wor')  # it is being written
    before = path.read_bytes()
    assert list(journal.read(path, SPACE, IDENTITY).outcomes) == [3]
    assert path.read_bytes() == before
    assert journal.running(path)
    store.close()
    assert not journal.running(path)
