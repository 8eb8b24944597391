"""Trials that end fast are stored on the disk together; a kill loses none, and no tracker knows more than the disk."""

import errno
import os
from contextlib import closing, nullcontext
from types import SimpleNamespace

import pytest

from search import experiment
from search.errors import StudyError
from search.loop import journal, lines
from search.loop.journal import StudyStore
from search.loop.lines import STORE_SECONDS
from search.space import spaces
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

SPACE = spaces.build({"alpha": (1e-4, 1.0, "log")})


@pytest.fixture
def now(monkeypatch):
    """The time, which a test sets."""
    now = [100.0]
    monkeypatch.setattr(lines.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        lines.Lines.__init__, "__kwdefaults__", {**lines.Lines.__init__.__kwdefaults__, "clock": lambda: now[0]}
    )
    return now


@pytest.fixture
def stored(monkeypatch):
    """The sizes of files at each wait for the disk."""
    sizes, fsync = [], os.fsync
    monkeypatch.setattr(lines.os, "fsync", lambda handle: sizes.append(os.fstat(handle).st_size) or fsync(handle))
    return sizes


def outcome(number):
    return Outcome(number, {"alpha": 0.1}, "ok", "", [0.5], 1, {}, {}, 0.1)


def opened(tmp_path):
    return closing(StudyStore(tmp_path / "a.journal", "a", {}, SPACE))


def test_trials_within_a_moment_wait_for_the_disk_together(tmp_path, now, stored):
    with opened(tmp_path) as store:
        for number, at in enumerate((0.0, 0.049, 0.0499, 0.05, 0.06, 0.099, 0.101)):
            now[0] = 200.0 + at
            before = len(stored)
            store.record(outcome(number), Feedback(0.5, -1.0))
            assert store.is_stored is (len(stored) > before) is (at in (0.0, 0.05, 0.101)), at
        assert pytest.approx(0.05) == STORE_SECONDS
        path = tmp_path / "a.journal"
        assert stored[-1] == path.stat().st_size


def test_a_kill_loses_nothing_that_is_not_stored_yet(tmp_path, now, stored):
    with opened(tmp_path) as store:
        for number in range(3):
            store.record(outcome(number), Feedback(0.5, -1.0))
        assert not store.is_stored
        assert list(journal.read(tmp_path / "a.journal", SPACE).outcomes) == [0, 1, 2]
        before = len(stored)
        store.store()
        assert store.is_stored
        store.store()
        assert len(stored) == before + 1


@pytest.mark.parametrize("end", [lambda store: store.note("x", 1), lambda store: store.close()])
def test_notes_and_the_end_store_what_waits(tmp_path, now, stored, end):
    with opened(tmp_path) as store:
        for number in range(3):
            store.record(outcome(number), Feedback(0.5, -1.0))
        end(store)
        assert stored[-1] == (tmp_path / "a.journal").stat().st_size


def test_what_cannot_be_stored_is_taken_back(tmp_path, now, monkeypatch):
    with opened(tmp_path) as store:
        store.record(outcome(0), Feedback(0.5, -1.0))
        store.store()
        size = (tmp_path / "a.journal").stat().st_size
        store.record(outcome(1), Feedback(0.5, -1.0))

        def fail(handle):
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(lines.os, "fsync", fail)
        with pytest.raises(StudyError, match=r"disk error: .*a\.journal"):
            store.store()
        assert (tmp_path / "a.journal").stat().st_size == size
    assert list(journal.read(tmp_path / "a.journal", SPACE).outcomes) == [0]


class FakeStore:
    """A store that is stored after every third trial, and at its end."""

    outcomes, feedback = {}, {}

    def __init__(self, full=False):
        self.n, self.full = 0, full

    @property
    def is_stored(self):
        return self.n % 3 == 0

    def store(self):
        if self.full:
            raise StudyError("disk full")
        self.n = 0


@pytest.mark.parametrize(
    ("full", "error"), [(False, None), (True, None), (False, KeyboardInterrupt), (True, KeyboardInterrupt)]
)
def test_a_tracker_never_knows_more_than_the_disk(monkeypatch, full, error):
    store, tracked, shown = FakeStore(full), [], []

    def run(problem, space, plan, store, dummy, tell, workers):
        for number in range(5):
            store.n += 1
            tell(number, 0.5)
            assert tracked == list(range(number + 1 - (number + 1) % 3))
            assert shown == list(range(number + 1))
        if error:
            raise error
        return {}

    monkeypatch.setattr(experiment.runner, "run", run)
    problem = SimpleNamespace(tasks=SimpleNamespace(search=lambda n: nullcontext()), folds=[1])
    job = SimpleNamespace(problem=problem, space=None, plan=SimpleNamespace(n_trials=5), baselines=[])
    tracker = SimpleNamespace(record=lambda outcome, value: tracked.append(outcome))
    with pytest.raises(error) if error else nullcontext():
        experiment._trials(job, store, tracker, shown.append, None)
    assert tracked == ([0, 1, 2] if full else [0, 1, 2, 3, 4])
