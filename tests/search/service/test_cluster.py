"""Trials that run on a cluster: the same outcomes as in threads, in batches, whatever dies."""

import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker
from distributed.security import Security

from search import tuning
from search.service import cluster, evaluation, submission
from search.service.cluster import BATCH_SECONDS, KILLS, Access, ClusterWorkers
from search.service.evaluation import Batch
from search.service.place import Place
from search.signals.interruption import Cancelled
from search.study import study_file
from search.study.assembly import build_problem
from search.study.data import load
from search.trials.outcomes import ERROR
from search.trials.problem import Trial


@pytest.fixture(scope="module")
def client():
    """A cluster in threads of this process."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as made,
        Client(made, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def made(write):
    """A study as submitted."""
    return submission.of_file(write(n_trials=8), Place())


@pytest.fixture
def study(made):
    return study_file.parse(made.text, Place().study(made.name))


def trials(result):
    return {
        number: (outcome.params, outcome.verdict, outcome.fold_scores, outcome.epoch)
        for number, outcome in result.outcomes.items()
    }


@pytest.mark.usefixtures("folder")
def test_a_study_has_the_same_trials_as_in_threads(client, made, study, tmp_path):
    Place().study(made.name).write_text(made.text)
    workers = ClusterWorkers(client, str(tmp_path), made.name, made.text, study.search.n_trials)
    assert workers.n_jobs == 2
    there = tuning.tune(study, tracking_uri="sqlite:///there.db", workers=workers)
    Path("studies/small.journal").unlink()
    here = tuning.tune(study, tracking_uri="sqlite:///here.db")
    assert trials(there) == trials(here)
    assert len(trials(here)) == 8


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_deterministic_study_has_the_same_trials_as_in_threads(client, write, tmp_path):
    path = write(n_trials=20)
    path.write_text(path.read_text().replace("n_trials = 20", "n_trials = 20\ndeterministic = true"))
    made = submission.of_file(path, Place())
    study = study_file.parse(made.text, Place().study(made.name))
    Place().study(made.name).write_text(made.text)
    workers = ClusterWorkers(client, str(tmp_path), made.name, made.text, study.search.n_trials)
    there = tuning.tune(study, tracking_uri="sqlite:///there.db", workers=workers)
    Path("studies/small.journal").unlink()
    assert trials(there) == trials(tuning.tune(study, tracking_uri="sqlite:///here.db"))
    assert study.search.deterministic


def batch(made, *numbers, folds=None, root="."):
    study = study_file.parse(made.text, Place().study(made.name))
    problem = build_problem(study, load(study))
    trials = tuple((5, Trial(number, {"alpha": 1e-4, "learning_rate_init": 0.01})) for number in numbers)
    return Batch(root, made.name, made.text, folds or problem.folds.fingerprint, trials, "event")


class Never:
    def __init__(self, name):
        pass

    def __call__(self):
        return False


def test_a_worker_loads_a_study_once(made, monkeypatch):
    loads = []
    monkeypatch.setattr(evaluation, "_CalledOff", Never)
    monkeypatch.setattr(evaluation.data, "load", lambda study: loads.append(study) or load(study))
    evaluation._problems.forget("nothing")
    first, second = (evaluation.evaluate(batch(made, *numbers)) for numbers in ((0, 1), (1,)))
    assert [outcome.number for outcome in first] == [0, 1]
    assert first[1].fold_scores == second[0].fold_scores != first[0].fold_scores
    assert len(loads) == 1


def test_a_worker_that_finds_other_rows_says_so(made, monkeypatch):
    monkeypatch.setattr(evaluation, "_CalledOff", Never)
    with pytest.raises(
        ValueError, match="'small': a worker finds other folds than its coordinator; its data have changed"
    ):
        evaluation.evaluate(batch(made, 0, folds="0"))


def test_a_batch_that_is_called_off_ends(made, monkeypatch):
    class Always(Never):
        def __call__(self):
            return True

    monkeypatch.setattr(evaluation, "_CalledOff", Always)
    with pytest.raises(Cancelled):
        evaluation.evaluate(batch(made, 0))


def test_whether_it_is_called_off_is_asked_now_and_then(client, monkeypatch):
    asked = []

    class Event:
        def __init__(self, name):
            pass

        def is_set(self):
            asked.append(clock[0])
            return clock[0] > 2

    clock = [0.0]
    monkeypatch.setattr("distributed.Event", Event)
    monkeypatch.setattr(evaluation.time, "monotonic", lambda: clock[0])
    called_off, said = evaluation._CalledOff("x"), []
    for quarter in range(16):
        clock[0] = quarter / 4
        said.append(called_off())
    assert asked == [0.75, 1.5, 2.25]
    assert said == [False] * 9 + [True] * 7


class FakeClient:
    """Runs batches at once, in this thread; `dies` says for which trials the workers die."""

    def __init__(self, n_workers=2, seconds=0.05, dies=()):
        self.n_workers, self.seconds, self.dies, self.sent, self.cancelled = n_workers, seconds, set(dies), [], []
        self.status = "running"

    def scheduler_info(self, n_workers=-1):
        return {"workers": dict.fromkeys(range(self.n_workers))}

    def submit(self, function, batch, *, pure, priority):
        assert function is evaluation.evaluate
        assert not pure
        numbers = [trial.number for _, trial in batch.trials]
        self.sent.append((numbers, priority))
        return FakeFuture(self, numbers)

    def cancel(self, futures, force):
        self.cancelled += [future.numbers for future in futures]


class FakeFuture:
    def __init__(self, client, numbers):
        self.client, self.numbers = client, numbers

    def add_done_callback(self, call):
        call(self)

    def result(self):
        if self.client.dies & set(self.numbers):
            raise KilledWorker("task", None, 4)
        return [SimpleNamespace(number=number, seconds=self.client.seconds) for number in self.numbers]


@pytest.fixture
def jobs(monkeypatch):
    """Jobs of one problem, by their numbers."""
    events = []

    class Event:
        def __init__(self, name, client=None):
            events.append(self)
            self.was_set = False

        def set(self):
            self.was_set = True

    monkeypatch.setattr(cluster, "Event", Event)
    problem = SimpleNamespace(seed=0, folds=SimpleNamespace(fingerprint="f"))
    made = [cluster.Job(problem, Trial(number, {})) for number in range(200)]
    return SimpleNamespace(made=made, events=events)


def never():
    return False


def test_batches_grow_to_a_quarter_of_a_second(jobs):
    client = FakeClient(seconds=0.05)
    workers = ClusterWorkers(client, ".", "a", "text", 10_000, priority=3)
    assert sorted(o.number for o in workers.outcomes(jobs.made, never)) == list(range(200))
    sizes = [len(numbers) for numbers, _ in client.sent]
    assert sizes[0] == 1
    assert max(sizes) in (4, 5)  # 0.25 s of trials of 0.05 s
    assert {priority for _, priority in client.sent} == {3}
    assert sorted(number for numbers, _ in client.sent for number in numbers) == list(range(200))


def test_a_batch_ends_where_no_further_job_is_known_before_an_outcome(jobs):
    """A job is known when the one eight before it has ended."""
    client, ended = FakeClient(n_workers=4, seconds=1e-4), set()

    def known():
        for job in jobs.made:
            while job.trial.number - 8 not in (*range(-8, 0), *ended):
                yield None
            yield job

    for outcome in ClusterWorkers(client, ".", "a", "text", 10_000).outcomes(known(), never):
        ended.add(outcome.number)
    assert ended == set(range(200))
    assert max(len(numbers) for numbers, _ in client.sent) <= 8


@pytest.mark.parametrize(("n_trials", "most"), [(50, 1), (320, 10), (200, 6)])
def test_a_batch_is_a_small_part_of_a_study(jobs, n_trials, most):
    client = FakeClient(seconds=1e-4)
    list(ClusterWorkers(client, ".", "a", "text", n_trials).outcomes(jobs.made, never))
    assert max(len(numbers) for numbers, _ in client.sent) == most


@pytest.mark.parametrize(("seconds", "deep"), [(BATCH_SECONDS * 2, 1), (BATCH_SECONDS / 10, 2)])
def test_short_trials_wait_at_the_workers_and_long_ones_do_not(jobs, seconds, deep):
    client = FakeClient(seconds=seconds)
    outcomes = ClusterWorkers(client, ".", "a", "text", 50).outcomes(jobs.made, never)
    received = [next(outcomes) for _ in range(20)]
    assert len(client.sent) - len(received) == client.n_workers * deep - 1
    outcomes.close()


def test_a_trial_that_kills_its_workers_is_an_error_of_its_own(jobs):
    client = FakeClient(dies=[7])
    found = {o.number: o for o in ClusterWorkers(client, ".", "a", "text", 10_000).outcomes(jobs.made[:30], never)}
    assert sorted(found) == list(range(30))
    assert found[7].verdict == ERROR
    assert found[7].reason == f"it killed {KILLS} worker processes, for example because memory did not hold it"
    assert ([7], 0) in client.sent


def test_jobs_of_other_folds_travel_apart(jobs):
    client = FakeClient(seconds=1e-4)
    other = SimpleNamespace(seed=1, folds=SimpleNamespace(fingerprint="g"))
    mixed = [cluster.Job(other, job.trial) if job.trial.number % 2 else job for job in jobs.made]
    found = list(ClusterWorkers(client, ".", "a", "text", 10_000).outcomes(mixed, never))
    assert sorted(o.number for o in found) == list(range(200))
    assert all(len({number % 2 for number in numbers}) == 1 for numbers, _ in client.sent)


def test_the_scheduler_is_not_asked_how_many_workers_there_are_all_the_time():
    client, now = FakeClient(n_workers=2), [1000.0]
    workers = ClusterWorkers(client, ".", "a", "text", 50, clock=lambda: now[0])
    assert workers.n_jobs == 2
    client.n_workers = 3
    now[0] += 1.9
    assert workers.n_jobs == 2
    now[0] += 0.1
    assert workers.n_jobs == 3
    client.n_workers, client.status = 4, "connecting"
    now[0] += 10
    assert workers.n_jobs == 3


def test_what_is_interrupted_is_called_off(jobs):
    client = FakeClient(seconds=BATCH_SECONDS)
    outcomes = ClusterWorkers(client, ".", "a", "text", 50).outcomes(jobs.made, never)
    next(outcomes)
    outcomes.close()
    assert client.cancelled
    assert jobs.events[0].was_set


def test_nobody_waits_for_a_scheduler_that_is_gone(jobs):
    client = FakeClient(seconds=BATCH_SECONDS)
    outcomes = ClusterWorkers(client, ".", "a", "text", 50).outcomes(jobs.made, never)
    next(outcomes)
    client.status = "connecting"
    outcomes.close()
    assert not client.cancelled
    assert not jobs.events[0].was_set


def test_nothing_is_returned_after_a_cancellation(jobs):
    client = FakeClient()
    answers = iter([False, False, True])
    found = list(ClusterWorkers(client, ".", "a", "text", 50).outcomes(jobs.made, lambda: next(answers)))
    assert len(found) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of connections that are refused
def test_nobody_without_the_keys_gets_in():
    with cluster.cluster(1) as (made, access):
        with Client(access.address, security=access.security, set_as_default=False) as client:
            assert client.submit(sum, [1, 2]).result(timeout=60) == 3
        assert access.address.startswith("tls://127.0.0.1:")
        assert Access.read(access.written()) == access
        with pytest.raises(OSError, match="in <TCP"):
            Client(access.address.replace("tls", "tcp"), timeout=5, set_as_default=False)
        with pytest.raises(OSError, match="TLS certificate does not match"):
            Client(access.address, security=Security.temporary(), timeout=5, set_as_default=False)
        port = made.scheduler.http_server.port
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/info/main/workers.html", timeout=10)
