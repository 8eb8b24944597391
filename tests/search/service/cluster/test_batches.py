"""Trials that run on a cluster: the same outcomes as in threads, in batches, whatever dies."""

from collections import OrderedDict
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace

import pytest
from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from search import tuning
from search.errors import AwayError
from search.loop.workers import Job
from search.service import submission
from search.service.cluster import batches, deadlines, evaluation, standing
from search.service.cluster.access import KILLS
from search.service.cluster.batches import BATCH_SECONDS, DEEP_SECONDS, MOST_DEATHS, ClusterWorkers, Study
from search.service.cluster.evaluation import Batch, NotReadyError
from search.service.cluster.of_study import workers_of
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


def run(client, made, study):
    """Tune a study on a cluster."""
    Place().study(made.name).write_text(made.text)
    with workers_of(client, Path.cwd(), study, made.text, made.data) as workers:
        return tuning.tune(study, tracking_uri="sqlite:///there.db", workers=workers)


@pytest.mark.usefixtures("folder")
def test_a_study_has_the_same_trials_as_in_threads(client, made, study):
    there = run(client, made, study)
    Path("studies/small.journal").unlink()
    here = tuning.tune(study, tracking_uri="sqlite:///here.db")
    assert trials(there) == trials(here)
    assert len(trials(here)) == 8


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_deterministic_study_has_the_same_trials_as_in_threads(client, write):
    path = write(n_trials=20)
    path.write_text(path.read_text().replace("n_trials = 20", "n_trials = 20\ndeterministic = true"))
    made = submission.of_file(path, Place())
    study = study_file.parse(made.text, Place().study(made.name))
    there = run(client, made, study)
    Path("studies/small.journal").unlink()
    assert trials(there) == trials(tuning.tune(study, tracking_uri="sqlite:///here.db"))
    assert study.search.deterministic


def batch(made, *numbers, folds=None, root=".", **options):
    study = study_file.parse(made.text, Place().study(made.name))
    problem = build_problem(study, load(study))
    trials = tuple((5, Trial(number, {"alpha": 1e-4, "learning_rate_init": 0.01})) for number in numbers)
    return Batch(root, made.name, made.text, folds or problem.folds.fingerprint, trials, "event", **options)


@pytest.fixture
def worker(monkeypatch, tmp_path_factory):
    """A worker in this process; `told` are the topics and numbers of batches that have begun."""
    told = []
    worker = SimpleNamespace(
        log_event=lambda *event: told.append(event), told=told, local_directory=str(tmp_path_factory.mktemp("worker"))
    )
    for module in (evaluation, standing):
        monkeypatch.setattr(module, "get_worker", lambda: worker)
    monkeypatch.delenv(standing.FOLDER, raising=False)
    return worker


@pytest.mark.usefixtures("worker")
def test_a_worker_loads_a_study_once(made, monkeypatch):
    loads = []
    monkeypatch.setattr(evaluation.data, "load", lambda study: loads.append(study) or load(study))
    evaluation._problems.forget("nothing")
    first, second = (evaluation.evaluate(batch(made, *numbers)) for numbers in ((0, 1), (1,)))
    assert [outcome.number for outcome in first] == [0, 1]
    assert first[1].fold_scores == second[0].fold_scores != first[0].fold_scores
    assert len(loads) == 1


@pytest.mark.usefixtures("worker")
def test_a_worker_that_finds_other_rows_says_so(made, monkeypatch):
    with pytest.raises(
        ValueError, match="'small': a worker finds other folds than its coordinator; its data have changed"
    ):
        evaluation.evaluate(batch(made, 0, folds="0"))


@pytest.mark.usefixtures("worker")
def test_a_batch_that_is_called_off_ends(made, monkeypatch):
    monkeypatch.setattr(evaluation, "_off", OrderedDict())
    evaluation.call_off("another")
    assert len(evaluation.evaluate(batch(made, 0))) == 1
    evaluation.call_off("event")
    with pytest.raises(Cancelled):
        evaluation.evaluate(batch(made, 0))


def test_a_worker_remembers_the_latest_events(monkeypatch):
    monkeypatch.setattr(evaluation, "_off", OrderedDict())
    for number in range(evaluation.MOST_CALLED_OFF + 1):
        evaluation.call_off(str(number))
    assert list(evaluation._off) == [str(number) for number in range(1, evaluation.MOST_CALLED_OFF + 1)]


def test_a_batch_says_that_it_begins_and_a_suspect_one_waits_until_that_is_known(made, worker, monkeypatch):
    waits = []
    monkeypatch.setattr(evaluation.time, "sleep", waits.append)
    evaluation.evaluate(batch(made, 0, number=3))
    assert (worker.told, waits) == ([("event", 3)], [])
    evaluation.evaluate(batch(made, 0, number=4, suspect=True))
    assert (worker.told[1:], waits) == ([("event", 4)], [evaluation.TELL_SECONDS])


def test_a_worker_with_other_versions_or_without_the_data_passes_a_batch_on(made, worker):
    own = standing.versions()
    with pytest.raises(NotReadyError):
        evaluation.evaluate(batch(made, 0, versions=own | {"numpy": "1"}))
    assert evaluation.evaluate(batch(made, 0, versions=own))
    evaluation._problems.forget("nothing")
    with pytest.raises(NotReadyError):
        evaluation.evaluate(batch(made, 0, root="/nowhere", data=made.data, place="another"))


def test_each_trial_has_its_time(made, worker, monkeypatch):
    limits = []

    @contextmanager
    def within(seconds):
        limits.append(seconds)
        yield

    monkeypatch.setattr(deadlines, "within", within)
    evaluation.evaluate(batch(made, 0, 1, limit=7.0))
    assert limits == [7.0, 7.0]


class FakeClient:
    """Runs batches at once, in this thread.

    `dies` says for which trials the workers die, and `silent` that nobody is told that they have begun; trials of `behind` wait
    behind these. `foreign` are batches for which the first worker is not ready. There are `n_workers` members.
    """

    def __init__(self, n_workers=2, seconds=0.05, dies=(), behind=(), silent=False, foreign=0):
        self.n_workers, self.seconds, self.dies, self.behind, self.silent = n_workers, seconds, dies, behind, silent
        self.foreign, self.sent, self.cancelled, self.options, self.called_off = foreign, [], [], [], []
        self.status, self.hang = "running", lambda: None

    def subscribe_topic(self, topic, handler):
        self.topic, self.tell = topic, handler

    def unsubscribe_topic(self, topic):
        assert topic == self.topic
        del self.tell

    def run(self, function, event, on_error):
        assert (function, on_error) == (evaluation.call_off, "ignore")
        self.called_off.append(event)

    def submit(self, function, batch, *, pure, priority, **options):
        assert function is evaluation.evaluate
        assert not pure
        self.sent.append(([trial.number for _, trial in batch.trials], priority))
        self.options.append(options)
        self.batch = batch
        return FakeFuture(self, batch)

    def cancel(self, futures, force):
        self.cancelled += [future.batch for future in futures]


class FakeFuture:
    def __init__(self, client, batch):
        self.client, self.batch, self.calls = client, batch, []

    def add_done_callback(self, call):
        call(self)

    def cancel(self):
        self.client.cancelled.append(self.batch)

    def result(self):
        numbers = {trial.number for _, trial in self.batch.trials}
        if numbers & set(self.client.behind):
            self.client.behind = []  # once
            raise KilledWorker("task", None, 0)
        if not self.client.silent:
            self.client.tell((0.0, self.batch.number))
        if numbers & set(self.client.dies):
            self.client.hang()
            raise KilledWorker("task", None, 0)
        if self.client.foreign:
            self.client.foreign -= 1
            raise NotReadyError
        return [SimpleNamespace(number=number, seconds=self.client.seconds) for number in sorted(numbers)]


class FakeMembers:
    """Members that are all able, but for the memory of some."""

    versions = {"numpy": "1"}  # noqa: RUF012

    def __init__(self, client, rooms=None):
        self.client, self.rooms, self.changes = client, rooms, 0

    @property
    def n_threads(self):
        return self.client.n_workers

    @property
    def room(self):
        return (min(self.rooms.values()), max(self.rooms.values())) if self.rooms else (1.0, 1.0)

    @property
    def addresses(self):
        return list(self.rooms or range(self.client.n_workers))

    def able(self, needed, *, narrow):
        found = [a for a in self.addresses if not self.rooms or self.rooms[a] >= needed]
        return None if len(found) == len(self.addresses) and not narrow else found


class FakeLanding:
    """Batches that end at once, and need not be fetched."""

    def __init__(self, client):
        self.landed = SimpleQueue()

    def expect(self, batch):
        batch.add_done_callback(self.landed.put)

    def get(self, timeout):
        batch = self.landed.get(timeout=timeout)
        return batch, batch


def workers_with(client, n_trials, rooms=None, **options):
    members = FakeMembers(client, rooms)
    return ClusterWorkers(client, Study(".", "a", "text"), members, n_trials, landing=FakeLanding, **options)


@pytest.fixture
def jobs(monkeypatch):
    """Jobs of one problem, by their numbers."""
    monkeypatch.setattr(batches, "SOON_SECONDS", 0.001)
    problem = SimpleNamespace(seed=0, folds=SimpleNamespace(fingerprint="f"))
    made = [Job(problem, Trial(number, {})) for number in range(200)]
    return SimpleNamespace(made=made)


def never():
    return False


def test_batches_grow_to_a_quarter_of_a_second(jobs):
    client = FakeClient(seconds=0.05)
    workers = workers_with(client, 10_000, priority=3)
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

    for outcome in workers_with(client, 10_000).outcomes(known(), never):
        ended.add(outcome.number)
    assert ended == set(range(200))
    assert max(len(numbers) for numbers, _ in client.sent) <= 8


@pytest.mark.parametrize(
    ("n_trials", "learns", "most"), [(50, True, 1), (320, True, 10), (200, True, 6), (50, False, 6), (320, False, 40)]
)
def test_a_batch_is_a_small_part_of_a_study(jobs, n_trials, learns, most):
    client = FakeClient(seconds=1e-4)
    list(workers_with(client, n_trials, learns=learns).outcomes(jobs.made, never))
    assert max(len(numbers) for numbers, _ in client.sent) == most


@pytest.mark.parametrize(("n_workers", "size"), [(25, 6), (27, 6), (29, 7), (50, 12), (200, 50), (400, 100)])
def test_batches_of_many_workers_are_longer(jobs, n_workers, size):
    """So that no more of them are sent per second than coordinator and scheduler can."""
    client = FakeClient(n_workers=n_workers, seconds=0.04)
    workers = workers_with(client, 1e9, learns=False)
    workers._seconds = 0.04
    assert workers.size == size


@pytest.mark.parametrize(("seconds", "deep"), [(DEEP_SECONDS * 2, 1), (DEEP_SECONDS / 2, 2), (BATCH_SECONDS / 10, 2)])
def test_short_trials_wait_at_the_workers_and_long_ones_do_not(jobs, seconds, deep):
    client = FakeClient(seconds=seconds)
    outcomes = workers_with(client, 50).outcomes(jobs.made, never)
    received = [next(outcomes) for _ in range(20)]
    assert len(client.sent) - len(received) == client.n_workers * deep - 1
    outcomes.close()


def test_a_trial_that_kills_its_workers_is_an_error_of_its_own(jobs):
    client = FakeClient(dies=[7])
    found = {o.number: o for o in workers_with(client, 10_000).outcomes(jobs.made[:30], never)}
    assert sorted(found) == list(range(30))
    assert found[7].verdict == ERROR
    assert found[7].reason == f"it killed {KILLS} worker processes, for example because memory did not hold it"
    assert client.sent.count(([7], 0)) == KILLS


def test_a_trial_that_waits_behind_one_that_kills_its_worker_has_killed_none(jobs):
    """Each time it waits behind another one, Dask says of both that they have killed the worker."""
    client = FakeClient(behind=[3])
    workers = workers_with(client, 10)
    for _ in range(KILLS + 1):
        client.behind = [3]
        found = list(workers.outcomes(jobs.made[:4], never))
        assert [o.number for o in found if not hasattr(o, "verdict")] == [0, 1, 2, 3]
    run = batches._Run(client, Study(".", "a", ""), FakeMembers(client), 0, evaluation.evaluate, FakeLanding(client))
    for _ in range(KILLS + 1):
        client.behind = [3]
        run.send([jobs.made[3]], 0.0)
        assert run.receive(1) == []
    assert [o.number for o in run.receive(1)] == [3]


def test_a_trial_whose_workers_die_unheard_is_given_up_in_the_end(jobs):
    client = FakeClient(dies=[7], silent=True)
    found = {o.number: o for o in workers_with(client, 10_000).outcomes(jobs.made[:30], never)}
    assert sorted(found) == list(range(30))
    assert found[7].reason.startswith(f"it killed {MOST_DEATHS} worker processes")


def test_what_was_running_when_a_worker_died_runs_alone_and_tells_first(jobs):
    client = FakeClient(dies=[7], seconds=1e-3)
    suspects = []
    submit = client.submit
    client.submit = lambda function, batch, **options: (suspects.append(batch), submit(function, batch, **options))[1]
    list(workers_with(client, 10_000).outcomes(jobs.made[:60], never))
    first = next(batch for batch in suspects if 7 in [trial.number for _, trial in batch.trials])
    again = [trial.number for _, trial in first.trials]
    assert [[trial.number for _, trial in batch.trials] for batch in suspects if batch.suspect][: len(again)] == [
        [n] for n in again
    ]
    assert not first.suspect


def test_a_trial_that_hangs_is_told_as_such(jobs, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(batches.time, "monotonic", lambda: now[0])
    client = FakeClient(dies=[5], seconds=2.0)
    limit = 2.0 * batches.HUNG_FACTOR + batches.HUNG_SECONDS
    client.hang = lambda: now.__setitem__(0, now[0] + limit * part)
    part = 0.999
    found = {o.number: o for o in workers_with(client, 50).outcomes(jobs.made[:6], never)}
    assert found[5].reason.startswith("it killed 3 worker processes")
    part = 1.0
    found = {o.number: o for o in workers_with(client, 50).outcomes(jobs.made[:6], never)}
    assert found[5].reason == (
        "it hung: on 3 workers it did not end within 160 s (20 times the longest trial so far, and 120 s)"
    )
    assert client.batch.limit == limit


def test_nothing_hangs_as_long_as_no_trial_has_ended(jobs):
    client = FakeClient(n_workers=1, seconds=0.5)
    outcomes = workers_with(client, 50).outcomes(jobs.made, never)
    next(outcomes)
    assert client.batch.limit == 0.0
    next(outcomes)
    assert client.batch.limit == 0.5 * batches.HUNG_FACTOR + batches.HUNG_SECONDS
    outcomes.close()


def test_a_trial_goes_only_where_memory_holds_it(jobs):
    client, rooms = FakeClient(n_workers=2), {"small": 100.0, "large": 200.0}
    needed = {0: 100.0, 1: 100.1, 2: 200.0, 3: 200.1}
    workers = workers_with(client, 10, rooms, footprint=lambda job, enough: needed[job.trial.number])
    found = {o.number: o for o in workers.outcomes(jobs.made[:4], never)}
    assert client.sent == [([0], 0), ([1], 0), ([2], 0)]
    assert client.options == [{}, {"workers": ["large"]}, {"workers": ["large"]}]
    assert found[3].verdict == ERROR
    assert found[3].reason == "it takes about 200 bytes of memory; the workers have up to 200 bytes"


def test_what_waits_for_workers_that_are_gone_goes_to_others(jobs):
    client = FakeClient(n_workers=2)
    members = FakeMembers(client, {"a": 1.0, "b": 9.0})
    run = batches._Run(client, Study(".", "a", ""), members, 0, evaluation.evaluate, FakeLanding(client))
    run.send([jobs.made[0]], 0.0, needed=5.0)
    assert client.options == [{"workers": ["b"]}]
    run.receive(1)
    run.send([jobs.made[1]], 0.0, needed=5.0)
    members.rooms, members.changes = {"a": 1.0, "c": 9.0}, 1
    run.receive(1)
    assert client.options[-1] == {"workers": ["c"]}
    assert [trial.number for _, trial in client.cancelled[0].trials] == [1]


def test_a_worker_that_is_not_ready_passes_a_batch_on(jobs):
    client = FakeClient(foreign=1)
    assert [o.number for o in workers_with(client, 10).outcomes(jobs.made[:1], never)] == [0]
    assert client.options == [{}, {"workers": [0, 1]}]


def test_without_workers_a_study_waits(jobs):
    client = FakeClient(n_workers=0)
    outcomes = workers_with(client, 10).outcomes(jobs.made[:2], lambda: client.asked() or False)
    left = iter(range(5))

    def asked():
        client.n_workers = 0 if next(left, None) is not None else 1

    client.asked = asked
    assert [o.number for o in outcomes] == [0, 1]


def test_batches_that_a_scheduler_has_taken_with_it_end_a_run(jobs):
    client = FakeClient()
    client.hang = lambda: (_ for _ in ()).throw(CancelledError("scheduler-\nconnection-lost"))
    client.dies = [0]
    with pytest.raises(AwayError, match=r"the scheduler is gone$"):
        list(workers_with(client, 50).outcomes(jobs.made, never))


def test_a_scheduler_that_goes_ends_a_run(jobs):
    client = FakeClient(seconds=BATCH_SECONDS)
    outcomes = workers_with(client, 50).outcomes(jobs.made, never)
    next(outcomes)
    client.status = "connecting"
    with pytest.raises(AwayError, match="the scheduler is gone"):
        list(outcomes)


def test_jobs_of_other_folds_travel_apart(jobs):
    client = FakeClient(seconds=1e-4)
    other = SimpleNamespace(seed=1, folds=SimpleNamespace(fingerprint="g"))
    mixed = [Job(other, job.trial) if job.trial.number % 2 else job for job in jobs.made]
    found = list(workers_with(client, 10_000).outcomes(mixed, never))
    assert sorted(o.number for o in found) == list(range(200))
    assert all(len({number % 2 for number in numbers}) == 1 for numbers, _ in client.sent)


def test_what_is_interrupted_is_called_off(jobs):
    client = FakeClient(seconds=BATCH_SECONDS)
    outcomes = workers_with(client, 50).outcomes(jobs.made, never)
    next(outcomes)
    outcomes.close()
    assert client.cancelled
    assert client.called_off == [client.topic]


def test_nobody_waits_for_a_scheduler_that_is_gone(jobs):
    client = FakeClient(seconds=BATCH_SECONDS)
    outcomes = workers_with(client, 50).outcomes(jobs.made, never)
    next(outcomes)
    client.status = "connecting"
    outcomes.close()
    assert not client.cancelled
    assert client.called_off == []


def test_nothing_is_returned_after_a_cancellation(jobs):
    client = FakeClient()
    answers = iter([False, False, False, False, True])
    found = list(workers_with(client, 50).outcomes(jobs.made, lambda: next(answers)))
    assert len(found) == 2


def test_jobs_that_cannot_be_compared_may_be_too_large(jobs):
    """Problems hold arrays: of two that are not the same one, nobody can say whether they are equal."""

    class Problem(SimpleNamespace):
        def __eq__(self, other):
            raise ValueError("the truth value of an array is ambiguous")

        __hash__ = None

    problems = [Problem(seed=seed, folds=jobs.made[0].problem.folds) for seed in range(3)]
    mixed = [Job(problem, Trial(number, {})) for number, problem in enumerate(problems)]
    workers = workers_with(
        FakeClient(seconds=1e-6),
        10_000,
        {"a": 1.0},
        footprint=lambda job, enough: float(job.trial.number),
        learns=False,
    )
    workers._seconds = 1e-3
    found = {o.number: o for o in workers.outcomes(mixed, never)}
    assert sorted(found) == [0, 1, 2]
    assert found[2].verdict == ERROR


def test_a_run_does_not_begin_without_a_scheduler(jobs):
    client = FakeClient()
    client.status = "closed"
    with pytest.raises(AwayError, match="the scheduler is gone"):
        list(workers_with(client, 10).outcomes(jobs.made[:1], never))
