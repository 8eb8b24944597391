"""Studies that were run by `bpsearch tune` are there for the service, too; errors name what is there."""

import os
import threading
from pathlib import Path

import pytest

from search.errors import NoStudyError, StudyError

ANSWERS = {
    "result": lambda desk: desk.result("homes")["name"],
    "trials": lambda desk: [trial["verdict"] for trial in desk.trials("homes")["trials"]],
    "page": lambda desk: desk.trials("homes", 1, 2)["next"],
    "trial": lambda desk: desk.trial("homes", 1)["findings"][0]["code"],
    "findings": lambda desk: desk.findings("homes")["diverged"],
    "report": lambda desk: "<title>" in desk.report("homes"),
    "compare": lambda desk: desk.compare(["homes", "homes/1"])["names"],
    "folder": lambda desk: [each["name"] for each in desk.folder()],
    "predict": lambda desk: [list(piece.columns) for piece in desk.predict("homes", Path("homes.csv"))],
    "queue": lambda desk: (desk.list(), desk.has("homes")),
}
EXPECTED = {
    "result": "homes",
    "trials": ["ok", "diverged", "ok", "diverged"],
    "page": 3,
    "trial": "exploding_step",
    "findings": [1, 3],
    "report": True,
    "compare": ["homes", "homes/1"],
    "folder": ["homes"],
    "predict": [["predicted_price"]],
    "queue": ([], False),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_study_that_was_never_queued(desk, what):
    assert ANSWERS[what](desk) == EXPECTED[what]


QUESTIONS = {
    "result": lambda desk, name: desk.result(name),
    "trials": lambda desk, name: desk.trials(name),
    "trial": lambda desk, name: desk.trial(name, 0),
    "findings": lambda desk, name: desk.findings(name),
    "report": lambda desk, name: desk.report(name),
}


@pytest.mark.parametrize("what", QUESTIONS)
@pytest.mark.parametrize("name", ["home", "../homes", "studies/homes", "", "homes/1", "*"])
def test_a_study_that_is_not_there(desk, what, name):
    with pytest.raises(NoStudyError, match=r"; allowed are homes$"):
        QUESTIONS[what](desk, name)


def test_a_report_is_not_read_from_elsewhere(desk, homes):
    """A name is no path, also if there is a report where it leads."""
    (homes / "studies" / "homes.report.html").rename(homes / "away.report.html")
    with pytest.raises(NoStudyError):
        desk.report("../away")


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_queued_study_without_trials(desk, homes, what):
    desk.submit_file(homes / "homes.toml")
    (homes / "studies" / "homes.journal").unlink()
    if what in ("trials", "findings"):
        assert not any(QUESTIONS[what](desk, "homes").values())
    elif what == "trial":
        with pytest.raises(StudyError, match=r"^trial 0: 'homes' has no journal in this folder$"):
            desk.trial("homes", 0)
    else:
        with pytest.raises(StudyError, match=r"^study 'homes' has no trials yet$"):
            QUESTIONS[what](desk, "homes")


def test_a_journal_that_cannot_be_read(desk, homes):
    (homes / "studies" / "homes.journal").write_text("x\n")
    with pytest.raises(StudyError, match=r"homes\.journal"):
        desk.trials("homes")


def test_a_journal_is_read_again_when_it_has_changed(desk, homes):
    journal = homes / "studies" / "homes.journal"
    first = desk.entry("homes")
    assert desk.entry("homes") is first
    os.utime(journal, (0, 0))
    assert desk.entry("homes") is not first


@pytest.mark.parametrize(("most", "kept"), [(3, 1), (4, 1), (8, 2), (11, 2), (100, 4)])
def test_journals_that_are_kept_have_few_trials(desk, homes, monkeypatch, most, kept):
    """Thirty-two were kept, of any size."""
    monkeypatch.setattr("search.service.desk.MOST_KEPT", most)
    journal = homes / "studies" / "homes.journal"
    for name in "abcd":
        (homes / "studies" / f"{name}.journal").write_bytes(journal.read_bytes())
    threads = [threading.Thread(target=desk.entry, args=(name,)) for name in "abcd" * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk._read) == kept
    desk.entry("a")
    assert desk.entry("a") is desk._read["a"][1]
    assert len(desk._read) == kept


def test_a_long_journal_keeps_nobody_waiting_who_reads_another(desk, homes, monkeypatch):
    (homes / "studies" / "a.journal").write_bytes((homes / "studies" / "homes.journal").read_bytes())
    begun, go_on, read = threading.Event(), threading.Event(), desk._stored

    def slow(name, path):
        if name == "a":
            begun.set()
            assert go_on.wait(60)
        return read(name, path)

    monkeypatch.setattr(desk, "_stored", slow)
    thread = threading.Thread(target=desk.entry, args=("a",))
    thread.start()
    assert begun.wait(60)
    assert len(desk.entry("homes").stored.outcomes) == 4
    go_on.set()
    thread.join()
