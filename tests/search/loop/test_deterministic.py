"""`deterministic`: the same trials for any number of jobs, and for a study that was interrupted anywhere."""

import random
import threading
import time
from contextlib import closing

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from search import BPSearchCV, StudyError, options
from search.loop import runner, workers
from search.loop.journal import StudyStore
from search.loop.ordering import LAG
from search.loop.runner import plan
from search.samplers.methods import METHODS
from search.space import spaces

SPACE = spaces.build(
    {"learning_rate_init": (1e-3, 500.0, "log"), "activation": ["relu", "tanh"], "alpha": (1e-3, 1.0, "log")}
)
DUMMY = -60.0
LEARN = [name for name, method in METHODS.items() if method.learns]


def search(problem, n_trials, n_jobs, *, path=None, on_outcome=lambda outcome, value: None, **more):
    """Run a search in order; return its trials with what the sampler was told of them."""
    given = {"method": "bayesian", "deterministic": True, "portfolio": False} | more
    with closing(StudyStore(path, "x", {}, SPACE)) as store:
        how = plan(problem, SPACE, n_trials=n_trials, n_jobs=n_jobs, **given)
        outcomes = runner.run(problem, SPACE, how, store, DUMMY, on_outcome)
        assert bool(runner.ended(how, store)) is (len(outcomes) == n_trials or bool(how.stop.enough(_last(store))))
        return [
            (n, o.params, o.verdict, o.fold_scores, o.curve, store.feedback[n]) for n, o in sorted(outcomes.items())
        ]


def _last(store):
    return runner.Incumbent.after(runner.decisive(store.outcomes))


@pytest.fixture
def unequal(monkeypatch) -> None:
    """Trials take unequal times, so that several of them end in another order than they began."""
    evaluate, draw = workers.evaluate, random.Random(0)

    def slower(problem, trial, cancelled):
        time.sleep(draw.choice([0, 0, 0, 0.005, 0.05]))
        return evaluate(problem, trial, cancelled)

    monkeypatch.setattr(workers, "evaluate", slower)


@pytest.mark.parametrize(("method", "n_trials"), [("bayesian", 24), ("cma-es", 24)])
def test_trials_are_the_same_for_any_number_of_jobs(make_problem, unequal, method, n_trials):
    """With cut-offs and with a penalty that depends on earlier trials."""
    more = {"method": method, "penalty": "worst", "prune": True}
    ended = []
    several = search(make_problem(), n_trials, 3, on_outcome=lambda o, _: ended.append(o.number), **more)
    assert several == search(make_problem(), n_trials, 1, **more)
    assert ended != sorted(ended)
    assert {"ok", "diverged"} <= {row[2] for row in several}


@pytest.mark.slow
@pytest.mark.parametrize("method", LEARN)
def test_trials_are_the_same_for_one_two_and_many_jobs(make_problem, unequal, method):
    one, two, many = (search(make_problem(), 30, n_jobs, method=method) for n_jobs in (1, 2, 20))
    assert one == two == many
    assert {"ok", "diverged"} <= {row[2] for row in one}


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_trials_are_the_same_in_processes(make_problem, backend):
    expected = search(make_problem(), 20, 1)
    with joblib.parallel_config(backend, n_jobs=3):
        assert search(make_problem(), 20, None) == expected


def test_without_it_nothing_waits(make_problem):
    how = plan(make_problem(), SPACE, n_jobs=20)
    assert (how.ordered, how.workers.n_jobs) == (False, 20)


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ({}, True),
        ({"method": "random"}, False),
        ({"method": "random", "prune": True}, True),
        ({"method": "random", "target_score": -1.0}, True),
        ({"method": "random", "n_trials_no_change": 3}, True),
        ({"method": "random", "timeout": 3.0}, False),
    ],
)
def test_it_only_matters_where_something_depends_on_the_order(make_problem, given, ordered):
    how = plan(make_problem(), SPACE, n_jobs=20, deterministic=True, **given)
    assert (how.ordered, how.workers.n_jobs) == (ordered, LAG + 1 if ordered else 20)


def test_workers_go_on_while_one_trial_takes_long(make_problem, make_outcome, monkeypatch):
    """Up to the first trial that is proposed from it."""
    begun, ended = [], threading.Event()

    def evaluate(problem, trial, cancelled):
        begun.append(trial.number)
        if trial.number == 0:
            assert ended.wait(60)
        if trial.number == LAG:
            ended.set()
        return make_outcome(trial.number, params=trial.params)

    monkeypatch.setattr(workers, "evaluate", evaluate)
    assert len(search(make_problem(), LAG + 3, 2)) == LAG + 3
    assert sorted(begun[: LAG + 1]) == list(range(LAG + 1))


def test_a_worker_waits_for_the_trial_that_its_next_one_is_proposed_from(make_problem, make_outcome, monkeypatch):
    events, paused = [], threading.Event()
    monkeypatch.setattr(workers, "pause", paused.set)

    def evaluate(problem, trial, cancelled):
        events.append(("begun", trial.number))
        if trial.number == 0:
            assert paused.wait(60)
        events.append(("ended", trial.number))
        return make_outcome(trial.number, params=trial.params)

    monkeypatch.setattr(workers, "evaluate", evaluate)
    search(make_problem(), LAG + 3, 2)
    assert events.index(("ended", LAG)) < events.index(("ended", 0)) < events.index(("begun", LAG + 1))


def test_a_failure_ends_workers_that_wait(make_problem, make_outcome, monkeypatch):
    paused = threading.Event()
    monkeypatch.setattr(workers, "pause", paused.set)

    def evaluate(problem, trial, cancelled):
        if trial.number == 0:
            assert paused.wait(60)
            raise RuntimeError("broken")
        return make_outcome(trial.number, params=trial.params)

    monkeypatch.setattr(workers, "evaluate", evaluate)
    with pytest.raises(RuntimeError, match="broken"):
        search(make_problem(), LAG + 3, 3)


def test_a_search_that_is_cancelled_waits_for_nothing(make_problem):
    problem, how = make_problem(), plan(make_problem(), SPACE, deterministic=True)
    with closing(StudyStore(None, "x", {}, SPACE)) as store:
        study = runner._Run(problem, SPACE, how, store, DUMMY, how.workers)
        jobs = study.trials()
        assert [next(jobs) is None for _ in range(LAG + 3)] == [False] * (LAG + 1) + [True] * 2
        study.cancellation.request()
        assert list(jobs) == []


@pytest.mark.parametrize(("deterministic", "batch_size"), [(True, 1), (False, "auto")])
def test_pauses_are_not_batched(make_problem, monkeypatch, deterministic, batch_size):
    """Processes get short jobs many at a time, and a trial behind a row of pauses would wait for them."""
    asked, parallel = [], workers.Parallel
    monkeypatch.setattr(workers, "Parallel", lambda **given: asked.append(given["batch_size"]) or parallel(**given))
    search(make_problem(), 2, 2, deterministic=deterministic)
    assert asked == [batch_size]


@pytest.mark.parametrize(
    "method", ["bayesian", *(pytest.param(name, marks=pytest.mark.slow) for name in LEARN if name != "bayesian")]
)
def test_a_study_that_is_interrupted_goes_on_to_the_same_trials(make_problem, unequal, tmp_path, method):
    path, n_trials, cuts = tmp_path / "x.journal", 20, [(4, 3), (6, 2), (3, 4)]
    expected = search(make_problem(), n_trials, 1, method=method)
    for ends, n_jobs in cuts:
        left = iter(range(ends))

        def interrupt(outcome, value, left=left):
            if next(left, None) is None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            search(make_problem(), n_trials, n_jobs, method=method, path=path, on_outcome=interrupt)
    assert search(make_problem(), n_trials, 2, method=method, path=path) == expected


def test_a_study_that_is_killed_goes_on_to_the_same_trials(make_problem, unequal, tmp_path):
    """A killed run leaves the trials that had ended: any of them, in any order."""
    whole, path = tmp_path / "whole.journal", tmp_path / "x.journal"
    expected = search(make_problem(), 16, 3, path=whole)
    lines = whole.read_text().splitlines(keepends=True)
    trials = [line for line in lines if '"outcome"' in line]
    for kept in (slice(0, None, 2), slice(None, 5), slice(9, 3, -1)):
        path.write_text("".join(line for line in lines if line not in trials or line in trials[kept]))
        assert search(make_problem(), 16, 2, path=path) == expected
        path.unlink()


def test_more_trials_follow_those_of_a_smaller_study(make_problem, tmp_path):
    path = tmp_path / "x.journal"
    expected = search(make_problem(), 18, 1)
    assert search(make_problem(), 9, 2, path=path) == expected[:9]
    assert search(make_problem(), 18, 2, path=path) == expected


def test_a_study_that_began_without_it_is_refused(make_problem, tmp_path):
    path = tmp_path / "x.journal"
    search(make_problem(), 14, 1, path=path, deterministic=False)
    assert len(search(make_problem(), 14, 1, path=path)) == 14  # it is complete
    with pytest.raises(StudyError, match="deterministic = true, but trial 10 of the journal"):
        search(make_problem(), 15, 1, path=path)
    assert len(search(make_problem(), 15, 1, path=path, deterministic=False)) == 15


def test_a_target_ends_the_search_at_the_same_trial(make_problem, unequal, tmp_path):
    """The trials after it that do not depend on it are run whatever has ended."""
    scores = [np.mean(row[3]) if row[2] == "ok" else -np.inf for row in search(make_problem(), 12, 1)]
    target, place = max(scores[:4]), int(np.argmax(scores[:4]))
    path = tmp_path / "x.journal"
    expected = search(make_problem(), 40, 1, target_score=target)
    assert len(expected) == place + 1 + LAG
    assert search(make_problem(), 40, 3, target_score=target, path=path) == expected
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-2]))
    assert search(make_problem(), 40, 2, target_score=target, path=path) == expected
    before = path.read_bytes()
    assert search(make_problem(), 40, 2, target_score=target, path=path) == expected
    assert path.read_bytes() == before


def test_a_search_that_stands_still_ends_at_the_same_trial(make_problem, unequal):
    """Even if one of the trials that follow is better, and with a method that does not learn."""
    for method in ("random", "bayesian"):
        one, several = (search(make_problem(), 60, n, method=method, n_trials_no_change=4) for n in (1, 3))
        assert one == several
        assert len(one) < 60


def test_a_time_limit_ends_the_search_after_any_of_the_same_trials(make_problem, unequal):
    some = search(make_problem(), 10_000, 2, timeout=0.4)
    assert some == search(make_problem(), len(some), 1)


def test_reevaluations_are_the_same(make_problem, unequal):
    def told(n_jobs):
        problem, made = make_problem(), {}
        with closing(StudyStore(None, "x", {}, SPACE)) as store:
            how = plan(problem, SPACE, n_trials=12, n_jobs=n_jobs, deterministic=True, n_seeds=3, prune=False)
            made = runner.run(problem, SPACE, how, store, DUMMY)
        return sorted((n, o.seed_scores, o.score, o.epoch) for n, o in made.items() if o.seed_scores)

    one, several = told(1), told(3)
    assert one == several
    assert len(one) == 4


def test_an_estimator_that_is_no_network_and_a_sampler_of_its_own(rows):
    """As `BPSearchCV` has them."""
    X, y = rows()

    class Own:
        def __init__(self):
            self.told = 0.0

        def ask(self, number):
            return {"alpha": 1.0 + abs(self.told) + number}

        def tell(self, outcome, feedback):
            self.told = self.told / 2 + feedback.value

    found = [
        BPSearchCV(Ridge(), {"alpha": (0.1, 1e9)}, method=Own(), n_trials=20, n_jobs=n, deterministic=True, cv=3).fit(
            X, y
        )
        for n in (1, 3)
    ]
    first, second = ([params["alpha"] for params in search.cv_results_["params"]] for search in found)
    assert first == second
    assert len(set(first)) == 20


def test_the_option_says_how_many_trials_follow_and_run_at_a_time():
    (row,) = (o for o in options.OPTIONS if o.name == "deterministic")
    assert f"the first n - {LAG}." in row.meaning
    assert f"no more than {LAG + 1} trials" in row.meaning
    assert f"{LAG} trials follow" in row.meaning
