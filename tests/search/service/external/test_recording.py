"""Studies that clients train, in MLflow: all trials once, whatever happens to the service or to the store."""

import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from search.catalog.soundness.verification import verify
from search.errors import StudyError
from search.service.external import recorder as recorder_module
from search.service.external import recording
from search.service.external.asking import Asking
from search.service.external.recorder import UNRECORDED
from search.service.external.recording import FINISHED, KILLED, Recording, Trial
from search.service.external.results import Told
from search.service.place import Place
from search.service.queue import Queue
from search.service.states import DONE
from search.study import external
from search.tracking import MLflowTracker, TrackingError, default_uri
from search.trials.outcomes import Outcome

TEXT = """\
name = "trees"
direction = "minimize"
metric = "rmse"
n_trials = {n_trials}
method = "random"
[space]
depth = [2, 4, 8]
rate = {{ low = 1e-3, high = 1.0, log = true }}
"""


@pytest.fixture
def start(folder):
    """Start what serves these studies, as often as a service is started; it ends in order unless it was killed."""
    started = []

    def start(uri=default_uri):
        started.append(Asking(Queue(Place()), uri))
        return started[-1]

    yield start
    for each in started:
        each.close()
        each._queue.close()


@pytest.fixture
def asking(start):
    made = start()
    made.submit(TEXT.format(n_trials=4))
    return made


def train(asking, *results):
    for each in results:
        (trial,) = asking.ask("trees")["trials"]
        asking.tell("trees", trial["number"], each)


def runs():
    """Return the parent runs of the study, and those of its trials by their numbers."""
    client = MlflowClient(default_uri())
    experiment = client.get_experiment_by_name("trees")
    found = [] if experiment is None else client.search_runs([experiment.experiment_id], run_view_type=ViewType.ALL)
    parents = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    trials = sorted((run for run in found if run not in parents), key=lambda run: int(run.data.tags["trial"]))
    return parents, trials


def is_written(asking):
    row = asking._queue.get("trees")
    return not asking._recorder._unfinished and row.counts[UNRECORDED] is False


def differences():
    return [(each.finding.kind, each.state) for each in verify(default_uri()).differences]


class Stores:
    """Trackers that fail as often as they are to, and tell what the last one was given."""

    def __init__(self, failures=(), given=None):
        self.failures, self.tries, self.given = list(failures), [], given or threading.Event()

    def __call__(self):
        self.calls = []
        self.tries.append(self.calls)
        return self

    def _do(self, *call):
        self.calls.append(call)
        if self.failures and self.failures[0] == call[0]:
            self.failures.pop(0)
            raise TrackingError("MLflow is away") if call[0] != "check" else StudyError("MLflow is away")
        self.given.set()

    def check(self):
        self._do("check")

    def begin(self, header):
        self._do("begin")

    def record(self, outcome, value):
        self._do("record", outcome.number)

    def flush(self):
        self._do("flush")

    def finish(self, report):
        self._do("finish", report.metrics["trials"])

    def end(self, status):
        self._do("end", status)


def trial(number):
    return Trial(Outcome(number, {"depth": 2, "rate": 0.1}, "ok", "", [-1.0], 0, {}, {}, 0.1), 1.0)


@pytest.fixture
def make(monkeypatch):
    """Make a recording of one trial, with two more to come."""
    monkeypatch.setattr(recording, "FIRST_PAUSE", 0.0)

    def make(store, status=FINISHED):
        made = Recording(external.parse(TEXT.format(n_trials=3)), "an identifier", [trial(0)], store, threading.Lock())
        made.record(trial(1))
        made.record(trial(2))
        made.end(status)
        return made

    return make


class TestInMLflow:
    def test_a_study_that_is_complete(self, asking, wait_for):
        train(asking, Told(score=3.0, epoch=5), Told("diverged", epoch=2, epochs=10, reason="nan"), Told(score=2.5))
        train(asking, Told("error", reason="no memory"))
        wait_for(lambda: is_written(asking))
        (parent,), trials = runs()
        assert parent.info.status == "FINISHED"
        assert [run.info.status for run in trials] == ["FINISHED", "FAILED", "FINISHED", "FAILED"]
        assert [run.data.tags["verdict"] for run in trials] == ["ok", "diverged", "ok", "error"]
        assert all(run.data.tags["mlflow.parentRunId"] == parent.info.run_id for run in trials)
        assert trials[2].data.metrics["rmse"] == 2.5
        assert parent.data.metrics["rmse"] == 2.5
        assert parent.data.metrics["trials_diverged"] == 1
        assert parent.data.params["data"] == "trained by clients"
        assert parent.data.params["direction"] == "minimize"
        assert parent.data.tags["mlflow.note.content"].startswith("**rmse 2.5** in trial 2 of 4, trained by clients")
        assert parent.data.tags["best.depth"] == trials[2].data.params["depth"]
        assert differences() == []

    def test_one_that_runs_is_running_there_and_its_trials_are_there_soon(self, asking, wait_for):
        train(asking, Told(score=3.0))
        wait_for(lambda: len(runs()[1]) == 1)
        (parent,), _ = runs()
        assert parent.info.status == "RUNNING"
        assert asking._queue.get("trees").counts[UNRECORDED]

    def test_one_that_is_paused_and_resumed_has_one_run(self, asking, wait_for):
        train(asking, Told(score=3.0))
        (lent,) = asking.ask("trees")["trials"]
        asking.settle(asking._queue.act("trees", "pause"))
        wait_for(lambda: is_written(asking))
        (parent,), _ = runs()
        assert parent.info.status == "KILLED"
        assert differences() == []
        asking.tell("trees", lent["number"], Told(score=2.0))  # late
        wait_for(lambda: is_written(asking))
        assert (runs()[0][0].info.status, len(runs()[1])) == ("KILLED", 2)
        asking._queue.act("trees", "resume")
        train(asking, Told(score=4.0), Told(score=5.0))
        wait_for(lambda: is_written(asking))
        (again,), trials = runs()
        assert (again.info.run_id, again.info.status) == (parent.info.run_id, "FINISHED")
        assert [run.data.tags["trial"] for run in trials] == ["0", "1", "2", "3"]
        assert differences() == []

    def test_more_trials_go_to_the_same_run(self, asking, wait_for):
        train(asking, *[Told(score=float(i)) for i in range(4)])
        wait_for(lambda: is_written(asking))
        asking.submit(TEXT.format(n_trials=4), n_trials=5)
        train(asking, Told(score=0.5))
        assert asking._queue.get("trees").state == DONE
        wait_for(lambda: is_written(asking))
        (parent,), trials = runs()
        assert (parent.info.status, parent.data.metrics["trials"], len(trials)) == ("FINISHED", 5, 5)
        assert differences() == []

    def test_a_result_that_is_told_again_changes_nothing(self, asking, wait_for):
        train(asking, *[Told(score=float(i)) for i in range(4)])
        wait_for(lambda: is_written(asking))
        asking.tell("trees", 3, Told(score=3.0))
        wait_for(lambda: is_written(asking))
        (parent,), trials = runs()
        assert (parent.info.status, len(trials)) == ("FINISHED", 4)

    def test_a_trial_that_is_told_after_the_end(self, asking, wait_for):
        asking.ask("trees", 4)
        asking.submit(TEXT.format(n_trials=4), n_trials=3)
        for number in range(4):
            asking.tell("trees", number, Told(score=float(number)))
        assert asking._queue.get("trees").state == DONE
        wait_for(lambda: is_written(asking))
        (parent,), trials = runs()
        assert (parent.info.status, parent.data.metrics["trials"], len(trials)) == ("FINISHED", 4, 4)
        assert differences() == []

    def test_without_an_address_nothing_is_recorded(self, start):
        asking = start(None)
        asking.submit(TEXT.format(n_trials=1))
        train(asking, Told(score=1.0))
        assert runs() == ([], [])
        assert UNRECORDED not in asking._queue.get("trees").counts


class TestAfterAKill:
    @pytest.mark.parametrize(("n", "status"), [(2, "KILLED"), (4, "FINISHED")])
    def test_the_next_service_writes_what_is_missing(self, start, wait_for, free_port, capsys, n, status):
        away = f"http://127.0.0.1:{free_port()}"
        first = start(lambda: away)
        first.submit(TEXT.format(n_trials=4))
        train(first, *[Told(score=float(i)) for i in range(n)])  # although there is no store
        for each in list(first._recorder._unfinished):
            each.leave()
        first.close()
        assert runs() == ([], [])
        assert "study 'trees': " in capsys.readouterr().err
        later = start()
        later.recover()
        wait_for(lambda: is_written(later))
        (parent,), trials = runs()
        assert (parent.info.status, len(trials)) == (status, n)
        assert differences() == []

    def test_what_is_written_is_not_looked_at_again(self, start, asking, wait_for, monkeypatch):
        train(asking, *[Told(score=float(i)) for i in range(4)])
        wait_for(lambda: is_written(asking))
        later = start()
        monkeypatch.setattr(later._recorder, "_run", None)
        later.recover()
        assert not later._recorder._unfinished

    def test_a_journal_that_cannot_be_read_keeps_no_other_study_waiting(self, start, wait_for, free_port, capsys):
        away = f"http://127.0.0.1:{free_port()}"
        first = start(lambda: away)
        for name in ("bad", "trees"):
            first.submit(TEXT.format(n_trials=1).replace("trees", name))
            first.ask(name)
            first.tell(name, 0, Told(score=1.0))
        for each in list(first._recorder._unfinished):
            each.leave()
        first.close()
        Path("studies/bad.journal").write_text("no journal\n" * 3)
        later = start()
        later.recover()
        wait_for(lambda: is_written(later))
        assert len(runs()[1]) == 1
        assert "study 'bad' is not written to MLflow: " in capsys.readouterr().err


WHOLE = [("check",), ("begin",), *[("record", i) for i in range(3)], ("finish", 3), ("end", FINISHED)]


class TestInTurn:
    """With trackers that do as they are told."""

    @pytest.fixture
    def row(self, asking):
        return asking._queue.act("trees", "start")

    @pytest.fixture
    def recorder(self, asking):
        return asking._recorder

    @pytest.fixture
    def begin(self, row, recorder):
        study = external.parse(row.text)

        def begin(store):
            recorder._tracker = store
            recorder.begin(row, study, "an identifier", {}, {})

        return begin

    def is_marked(self, asking):
        return asking._queue.get("trees").counts.get(UNRECORDED)

    def test_a_study_is_marked_from_the_beginning(self, asking, begin):
        assert not self.is_marked(asking)
        begin(Stores())
        assert self.is_marked(asking)

    def test_one_that_waits_for_its_next_try_makes_way(self, recorder, begin, wait_for, monkeypatch):
        monkeypatch.setattr(recording, "FIRST_PAUSE", 1000.0)
        begin(first := Stores(["end"]))
        recorder.end("trees")
        wait_for(lambda: ("end", KILLED) in first.calls)
        begin(second := Stores())
        recorder.end("trees", complete=True)
        wait_for(lambda: not recorder._unfinished)
        assert second.calls[-1] == ("end", FINISHED)
        assert len(first.tries) == 1

    def test_the_mark_stays_while_another_one_is_not_finished(self, asking, recorder, begin, wait_for):
        begin(first := Stores())
        recorder.end("trees")
        begin(Stores())
        wait_for(lambda: ("end", KILLED) in first.calls and len(recorder._unfinished) == 1)
        assert self.is_marked(asking)
        recorder.end("trees")
        wait_for(lambda: not recorder._unfinished)
        wait_for(lambda: not self.is_marked(asking))

    def test_one_that_begins_while_the_last_one_ends_keeps_its_mark(
        self, asking, recorder, begin, wait_for, monkeypatch
    ):
        note, others = asking._queue.note, []

        def slow(name, fence, figures):
            if figures == {UNRECORDED: False} and not others:
                others.append(threading.Thread(target=begin, args=(Stores(),)))
                others[0].start()
                others[0].join(0.3)
            note(name, fence, figures)

        begin(Stores())
        monkeypatch.setattr(asking._queue, "note", slow)
        recorder.end("trees")
        wait_for(lambda: others and "trees" in recorder._current)
        others[0].join()
        assert self.is_marked(asking)

    def test_what_is_recorded_just_now_is_not_recovered(self, asking, recorder, wait_for):
        asking.ask("trees")
        asking.tell("trees", 0, Told(score=1.0))
        recorder._recover([asking._queue.get("trees")])
        assert len(recorder._unfinished) == 1
        assert recorder._current["trees"] in recorder._unfinished

    def test_a_study_that_mlflow_does_not_take_keeps_no_other_one_waiting(self, start, wait_for, monkeypatch, capsys):
        monkeypatch.setattr(recorder_module, "FIRST_PAUSE", 0.05)
        first = start(None)
        rows = []
        for name in ("bad", "trees"):
            first.submit(TEXT.format(n_trials=1).replace("trees", name))
            first.ask(name)
            first.tell(name, 0, Told(score=1.0))
            rows.append(first._queue.get(name))
        later, refused = start(), []

        class Refusing(MLflowTracker):
            def begin(self, header):
                if header.experiment == "bad":
                    refused.append(header)
                    raise StudyError("it is not taken")
                super().begin(header)

        later._recorder._tracker = lambda: Refusing(default_uri())
        for row in rows:
            later._queue.note(row.name, row.fence, {UNRECORDED: True})
        later.recover()
        wait_for(lambda: later._queue.get("trees").counts[UNRECORDED] is False)
        wait_for(lambda: len(refused) > 2)
        assert later._queue.get("bad").counts[UNRECORDED]
        later.close()
        wait_for(lambda: not later._recorder._unfinished)
        assert capsys.readouterr().err.count("it is not taken") == 1

    def test_a_service_that_ends_does_not_wait_for_one_that_pauses(self, asking, begin, recorder, wait_for):
        begin(store := Stores(["begin"] * 9))
        wait_for(lambda: ("begin",) in store.calls)
        began = time.monotonic()
        recorder.close()
        assert time.monotonic() - began < recorder_module.FAREWELL_SECONDS / 2
        assert self.is_marked(asking)


class TestTries:
    def test_all_at_once(self, make):
        store = Stores()
        assert make(store).run()
        assert store.tries == [WHOLE]

    @pytest.mark.parametrize("failing", ["check", "begin", "record", "finish", "end"])
    def test_after_any_failure_all_is_written_again(self, make, failing, capsys):
        store = Stores([failing])
        assert make(store).run()
        assert len(store.tries) == 2
        assert store.tries[1] == WHOLE
        told = "error: study 'trees': MLflow is away; the service goes on, and tries again\n"
        assert capsys.readouterr().err == told

    @pytest.mark.parametrize("failing", ["record", "finish"])
    def test_a_try_that_fails_is_ended(self, make, failing):
        store = Stores([failing])
        make(store).run()
        assert store.tries[0][-1] == ("end", KILLED)

    def test_a_problem_is_told_once(self, make, capsys):
        store = Stores(["check"] * 5)
        assert make(store).run()
        assert (len(store.tries), capsys.readouterr().err.count("error")) == (6, 1)

    def test_pauses_grow_to_the_longest(self, make, monkeypatch):
        monkeypatch.setattr(recording, "FIRST_PAUSE", 1.0)
        monkeypatch.setattr(recording, "LONGEST_PAUSE", 4.0)
        made, pauses = make(Stores(["check"] * 5)), []
        made._hurried = SimpleNamespace(wait=pauses.append)
        assert made.run()
        assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0]

    def test_one_that_is_left_is_not_written(self, make):
        store = Stores()
        made = make(store)
        made.leave()
        assert (made.run(), store.tries) == (False, [])

    @pytest.mark.parametrize("event", ["_left", "_hurried"])
    def test_one_that_is_left_or_hurried_makes_no_further_try(self, make, event):
        store = Stores(["end"] * 3)
        made = make(store, KILLED)
        store.given = getattr(made, event)  # as if that came during the first try
        made._hurried = store.given
        assert (made.run(), len(store.tries)) == (False, 1)

    def test_one_that_is_hurried_at_its_beginning_makes_its_first_try(self, make):
        store = Stores()
        made = make(store)
        made.hurry()
        assert (made.run(), store.tries) == (True, [WHOLE])

    def test_an_error_shows_although_no_trial_comes(self, make, monkeypatch, wait_for):
        monkeypatch.setattr(recording, "FLUSH_SECONDS", 0.01)
        store = Stores(["flush"])
        made = Recording(external.parse(TEXT.format(n_trials=3)), "an identifier", [], store, threading.Lock())
        thread = threading.Thread(target=made.run)
        thread.start()
        made.record(trial(0))
        wait_for(lambda: len(store.tries) == 2)
        made.end(KILLED)
        thread.join()
        assert store.tries == [
            [("check",), ("begin",), ("record", 0), ("flush",), ("end", KILLED)],
            [("check",), ("begin",), ("record", 0), ("end", KILLED)],
        ]


def test_a_trial_that_is_lost_in_mlflow_is_written_again(asking, wait_for):
    train(asking, *[Told(score=float(i)) for i in range(4)])
    wait_for(lambda: is_written(asking))
    MlflowClient(default_uri()).delete_run(runs()[1][2].info.run_id)
    assert [each.finding.kind for each in verify(default_uri()).differences] == ["trial_missing"]
    assert [each.state for each in verify(default_uri(), repair=True).differences] == ["repaired"]
    assert differences() == []
    found = [run for run in runs()[1] if run.info.lifecycle_stage == "active"]
    assert [run.data.metrics["rmse"] for run in found] == [0.0, 1.0, 2.0, 3.0]
    assert found[2].data.params.keys() == found[1].data.params.keys()


def test_a_journal_that_mlflow_knows_nothing_of_is_told_with_what_to_do(start):
    asking = start(None)
    asking.submit(TEXT.format(n_trials=3))
    train(asking, Told(score=1.0))
    asking.close()
    (found,) = verify(default_uri()).differences
    assert (found.finding.kind, found.why) == (
        "study_unrecorded",
        "bpsearch serve writes it when the next trial is asked for",
    )
    later = start()
    later._queue.act("trees", "release")
    later.ask("trees")
    later.close()
    assert differences() == []
