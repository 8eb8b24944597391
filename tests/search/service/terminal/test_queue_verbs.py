"""The verbs of the queue, without a service."""

import json
from pathlib import Path

import pytest

from search.service.place import Place
from search.service.queue import Queue
from search.service.terminal import following, opening, words
from search.service.terminal.opening import NOBODY


@pytest.fixture
def submitted(write, command):
    """A study that was submitted."""
    assert command("submit", str(write())).code == 0
    return "small"


def test_submit_says_what_was_queued(write, command):
    said = command("submit", str(write()))
    assert said.code == 0
    first, note, following_line = said.out.splitlines()
    assert first.startswith("queued: small (fingerprint ")
    assert note == f"note:   {NOBODY}"
    assert following_line == "next:   bpsearch status small"
    again = command("submit", str(write("other")), "--priority", "-1")
    assert "1 of a higher priority or age before it" in again.out


def test_submit_as_json_is_the_status(write, command):
    said = command("submit", str(write()), "--json", "--trials", "7", "--priority", "3")
    assert (said.document["name"], said.document["state"], said.document["n_trials"]) == ("small", "queued", 7)
    assert said.document["priority"] == 3
    assert command("status", "small", "--json").document == said.document
    assert command("submit", str(write()), "--quiet").out == "small\n"


@pytest.mark.parametrize("priority", ["101", "-101", "x", "1.5", "9" * 5000, "--5"])
def test_a_priority_out_of_range_is_told(write, command, priority):
    said = command("submit", str(write()), f"--priority={priority}")
    assert said.code == 2
    assert "allowed are whole numbers from -100 to 100" in said.err
    assert not Place().exists


def test_status_lists_the_queue(submitted, write, command):
    command("submit", str(write("urgent")), "--priority", "5")
    said = command("status")
    lines = said.out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["urgent", "queued"], ["small", "queued"]]
    assert lines[-1] == f"note: {NOBODY}"
    document = command("status", "--json").document
    assert [each["name"] for each in document["studies"]] == ["urgent", "small"]
    assert document["running"] is False
    assert command("status", "--quiet").out == "urgent queued\nsmall queued\n"


def test_status_of_one_study(submitted, command):
    with_counts = Queue(Place())
    row = with_counts.act("small", "start")
    with_counts.beat(
        "small", row.fence, {"trials": {"ok": 3, "diverged": 1}, "n_trials": 4, "best": -0.5, "best_trial": 2}
    )
    with_counts.act("small", "fail", reason="the disk is full")
    with_counts.close()
    said = command("status", "small").out
    for line in (
        "small: failed (ended with an error, which its reason tells)",
        "reason:    the disk is full",
        "trials:    4/4 (3 ok, 1 diverged)",
        "best:      0.5 (root mean squared error, trial 2)",
        "allowed:   submit, resume, cancel",
        "next:      bpsearch logs small",
    ):
        assert line in said.splitlines()


def test_pause_resume_cancel(submitted, command):
    assert command("pause", "small").out == "small: paused\n"
    assert command("resume", "small").out == "small: queued\n"
    assert command("cancel", "small", "--json").document["studies"][0]["state"] == "cancelled"
    refused = command("pause", "small")
    assert refused.code == 2
    assert refused.err == "error: study 'small' is cancelled: it cannot be paused; allowed is submit\n"


def test_several_studies_at_once(write, command):
    for name in ("a", "b", "c"):
        command("submit", str(write(name)))
    command("cancel", "b")
    refused = command("pause", "a", "b", "c")
    assert refused.code == 2
    assert refused.out == "a: paused\n"
    assert "study 'b' is cancelled" in refused.err
    assert command("pause", "c", "--quiet").out == "c paused\n"


@pytest.mark.parametrize("verb", ["status", "logs", "pause", "resume", "cancel"])
def test_without_a_queue_nothing_is_made(folder, command, verb):
    said = command(verb, *["small"][: verb != "status"])
    assert said.code == 2
    assert said.err == "error: there is no queue in studies/service; bpsearch submit begins one\n"
    assert not Place().folder.exists()


def test_logs(submitted, command):
    assert command("logs", "small").out == ""
    Place().log("small").write_bytes(b"one\ntwo \xff\n\x1b[2Jthree")
    assert command("logs", "small").out.splitlines() == ["one", "two \ufffd", "\\u001b[2Jthree"]


def test_logs_are_followed_to_the_end(submitted):
    desk = opening.desk()
    log, naps = Place().log("small"), []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 1:
            log.write_bytes(b"first\nsec")
        elif len(naps) == 2:
            log.write_bytes(b"first\nsecond\nthi")
        else:
            log.write_bytes(b"first\nsecond\nthird")
            desk.act("small", "cancel")

    assert list(following.log(desk, "small", sleep)) == ["first", "second", "third"]
    assert len(naps) == 3


def test_states_are_followed_to_the_end(submitted):
    desk, naps = opening.desk(), []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 2:
            desk.queue.act("small", "start")
        if len(naps) == 4:
            desk.queue.act("small", "finish")

    assert [study["state"] for study in following.states(desk, "small", sleep)] == ["queued", "running", "done"]


@pytest.mark.parametrize(("end", "code"), [("finish", 0), ("fail", 1)])
def test_submit_waits(submitted, write, command, monkeypatch, end, code):
    def sleep(seconds):
        queue = Queue(Place())
        if queue.get("small").state == "queued":
            queue.act("small", "start")
        else:
            queue.act("small", end)
        queue.close()

    monkeypatch.setattr(following.states, "__defaults__", (sleep,))
    said = command("submit", str(write()), "--wait", "--json")
    assert said.code == code
    assert said.document["state"] == {"finish": "done", "fail": "failed"}[end]


def test_delete_leaves_alone_what_has_not_ended(submitted, command):
    command("tune", "studies/small.toml", "--quiet")
    refused = command("delete", "small", "--yes")
    assert refused.code == 2
    assert refused.err == "error: study 'small' is queued in the queue; end it first: bpsearch cancel small\n"
    assert Path("studies/small.journal").exists()
    command("cancel", "small")
    Place().log("small").write_text("said")
    assert command("delete", "small", "--yes").code == 0
    assert json.loads(command("status", "--json").out)["studies"] == []
    assert not Place().log("small").exists()


def test_the_words_of_a_study_fit_narrow_terminals(submitted, capsys):
    found = opening.desk().list()
    from rich.console import Console

    Console(width=40).print(words.listed(found))
    (_, row) = capsys.readouterr().out.splitlines()
    assert row.split()[:2] == ["small", "queued"]


def test_a_study_without_trials_is_deleted_from_the_queue_alone(command, write):
    assert command("submit", str(write())).code == 0
    assert "is queued in the queue; end it first" in command("delete", "small", "--yes").err
    assert command("cancel", "small").code == 0
    result = command("delete", "small", "--yes")
    assert (result.code, result.out) == (0, "deleted: its place in the queue: it has no trials\n")
    assert "the queue is empty" in command("status").out
    assert "there is no study 'small'" in command("delete", "small", "--yes").err
