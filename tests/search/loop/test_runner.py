"""The study loop: the same results whatever runs beside, nothing lost, nothing done twice."""

import dataclasses
import warnings
from contextlib import closing

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPRegressor
from search import BPSearchCV, StudyError
from search.loop import runner, workers
from search.loop.journal import StudyStore
from search.loop.runner import plan
from search.samplers.methods import METHODS
from search.space import spaces
from search.space.dimensions import Choice, label
from search.study import assembly, data, study_file
from search.trials import pruning
from search.trials.outcomes import order, winner
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES

SPACE = spaces.build(
    {
        "learning_rate_init": [1e-3, 0.02, 500.0],
        "activation": ["relu", "tanh"],
        "solver": ["sgd"],
        "alpha": (1e-3, 1.0, "log"),
    }
)
GRID = spaces.Space({name: SPACE[name] for name in ("learning_rate_init", "activation", "solver")})
DUMMY = -60.0


def table(outcomes) -> dict:
    """Return what must be the same in every run."""
    return {n: (o.params, o.verdict, o.fold_scores, o.epoch, o.curve, o.reason) for n, o in outcomes.items()}


def search(
    problem,
    space,
    method,
    n_trials=10,
    n_jobs=1,
    path=None,
    prune=None,
    n_seeds=1,
    on_outcome=None,
    penalty=DEFAULT_PENALTY,
    **stop,
):
    store = StudyStore(path, "x", {}, space)
    options = {"prune": prune, "n_seeds": n_seeds, "penalty": penalty, "portfolio": False}
    how = plan(problem, space, method=method, n_trials=n_trials, n_jobs=n_jobs, **options, **stop)
    try:
        return runner.run(problem, space, how, store, DUMMY, on_outcome or (lambda outcome, value: None))
    finally:
        store.close()


@pytest.mark.parametrize(("method", "space"), [("grid", GRID), ("random", SPACE)])
def test_results_are_the_same_for_any_number_of_jobs(make_problem, method, space):
    one, two, many = (table(search(make_problem(), space, method, n_jobs=n)) for n in (1, 2, 5))
    assert one == two == many
    assert {row[1] for row in one.values()} == {"ok", "diverged"}


@pytest.mark.parametrize("method", [name for name in METHODS if name != "grid"])
def test_one_job_is_deterministic(make_problem, method):
    first, again = (table(search(make_problem(), SPACE, method, 14)) for _ in range(2))
    assert first == again
    assert table(search(make_problem(seed=1), SPACE, method, 14)) != first


def test_grid_is_searched_whole_and_in_order(make_problem):
    outcomes = search(make_problem(), GRID, "grid", n_trials=1, n_jobs=2)
    assert [o.params for o in outcomes.values()] == list(GRID.grid_points())


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_trials_are_run_again(make_problem, tmp_path, method):
    path, seen = tmp_path / "x.journal", []

    def interrupt(outcome, value):
        seen.append(outcome.number)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(make_problem(), GRID, method, 6, n_jobs=2, path=path, on_outcome=interrupt)
    store = StudyStore(path, "x", {}, GRID)
    kept = store.outcomes
    store.close()
    assert sorted(kept) == sorted(seen)
    more = []
    outcomes = search(make_problem(), GRID, method, 6, path=path, on_outcome=lambda o, _: more.append(o.number))
    assert sorted(outcomes) == list(range(6))
    assert sorted(more) == sorted(set(range(6)) - set(kept))
    assert table({n: outcomes[n] for n in kept}) == table(kept)
    if not METHODS[method].learns:
        assert table(outcomes) == table(search(make_problem(), GRID, method, 6))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "grid"])
def test_a_study_that_goes_on_does_not_repeat_itself(make_problem, tmp_path, method):
    search(make_problem(), SPACE, method, 6, path=tmp_path / "x.journal")
    outcomes = search(make_problem(), SPACE, method, 12, path=tmp_path / "x.journal")
    assert len({label(o.params) for o in outcomes.values()}) == 12


def test_complete_study_runs_nothing(make_problem, tmp_path):
    path = tmp_path / "x.journal"
    search(make_problem(), SPACE, "random", 4, path=path)
    before = path.read_bytes()
    outcomes = search(make_problem(), SPACE, "random", 3, path=path, on_outcome=lambda *_: pytest.fail("ran a trial"))
    assert (len(outcomes), path.read_bytes()) == (4, before)


@pytest.mark.parametrize("method", METHODS)
def test_no_trial_fails_in_the_journal(make_problem, tmp_path, method):
    path = tmp_path / "x.journal"
    outcomes = search(make_problem(), spaces.Space({**GRID, "alpha": Choice((0.1,))}), method, 12, path=path)
    verdicts = {n: o.verdict for n, o in outcomes.items()}
    assert {"ok", "diverged"} <= set(verdicts.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.load_study(study_name="x", storage=JournalStorage(JournalFileBackend(str(path))))
    assert len(study.trials) == len(verdicts)
    for trial in study.trials:
        diverged = verdicts[trial.user_attrs["number"]] == "diverged"
        assert trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        assert trial.value is None or np.isfinite(trial.value)
        assert all((c > 0) is diverged for c in trial.constraints.values())
        assert len(trial.constraints) == 1


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("method", ["random", "bayesian", "gp", "cma-es"])
def test_every_penalty_in_a_study_that_is_gone_on_with(make_problem, tmp_path, method, penalty):
    """A diverged trial uses up a trial and never wins, whatever the sampler was told; what it was told is kept."""
    path, told = tmp_path / "x.journal", {}

    def run(n_trials: int):
        record = lambda outcome, value: told.update({outcome.number: value})  # noqa: E731
        return search(make_problem(), SPACE, method, n_trials, path=path, penalty=penalty, on_outcome=record)

    first = run(7)
    outcomes = run(14)
    assert table({n: outcomes[n] for n in first}) == table(first)
    assert list(outcomes) == list(told) == list(range(14))
    assert {"ok", "diverged"} <= {o.verdict for o in outcomes.values()}
    assert winner(outcomes).verdict == "ok"
    failed = [n for n, o in outcomes.items() if o.verdict == "diverged" and penalty == "fail"]
    assert [n for n, value in told.items() if np.isnan(value)] == failed
    with closing(StudyStore(path, "x", {}, SPACE)) as store:
        assert [n for n, feedback in store.feedback.items() if feedback.state == "failed"] == failed
        np.testing.assert_equal({n: feedback.value for n, feedback in store.feedback.items()}, told)


def test_timeout_starts_no_further_trial(make_problem):
    outcomes = search(make_problem(), SPACE, "random", 10_000, timeout=0.5)
    assert 0 < len(outcomes) < 10_000
    assert list(outcomes) == list(range(len(outcomes)))


def test_timeout_shorter_than_a_trial_leaves_one_trial_bug(make_problem):
    """Without any trial there was nothing to report on: plots and `cv_results_` failed on empty tables."""
    assert list(search(make_problem(), SPACE, "random", 10, timeout=1e-9)) == [0]


def test_a_study_that_is_gone_on_with_starts_no_trial_when_time_is_up(make_problem, tmp_path):
    """Only the first trial of a study has no limit of time, not that of every run."""
    path = tmp_path / "x.journal"
    search(make_problem(), SPACE, "random", 2, path=path)
    assert list(search(make_problem(), SPACE, "random", 10, path=path, timeout=1e-9)) == [0, 1]


STUDY = """\
name = "x"
data = { source = "sklearn:diabetes", task = "regression" }
"""


def opened(folder, text: str) -> None:
    """Open the journal of a study file, and close it."""
    (folder / "x.toml").write_text(STUDY + text)
    study = study_file.load(folder / "x.toml")
    dataset = data.load(study)
    identity = assembly.identity(study, dataset, assembly.build_problem(study, dataset))
    StudyStore(folder / "x.journal", "x", identity, study.space).close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("alpha = [1, 2]\nmomentum = [0.5, 0.9, 0.99]", "momentum = [0.5, 0.9, 0.99]\nalpha = [1, 2]"),
        ("alpha = {low=1, high=9, points=3}", "alpha = {low=1, high=9, points=5}"),
    ],
    ids=["order", "points"],
)
def test_changed_grid_is_another_space_bug(tmp_path, before, after):
    """A grid numbers its points: with another order or density, finished trials stood for points they are not."""
    study = "search = { method = 'grid' }\n[space]\n"
    opened(tmp_path, study + before)
    opened(tmp_path, study + before)
    with pytest.raises(StudyError, match=r"another \[space\]"):
        opened(tmp_path, study + after)


def test_another_penalty_is_another_study(tmp_path):
    opened(tmp_path, "search = { penalty = 'graded' }")
    opened(tmp_path, "search = { penalty = 'graded' }")
    with pytest.raises(StudyError, match=r'another \[search\] \(penalty: there "graded", here "fail"\)'):
        opened(tmp_path, "search = { penalty = 'fail' }")


def test_bad_trials_are_stopped_early_when_asked(make_problem):
    space = spaces.build({"learning_rate_init": (1e-5, 0.1, "log")})
    pruned = search(make_problem(max_iter=60), space, "random", 40, prune=True)
    free = search(make_problem(max_iter=60), space, "random", 40)
    assert {o.verdict for o in free.values()} == {"ok"}
    stopped = [o for o in pruned.values() if o.verdict == "stopped"]
    assert len(stopped) >= 5
    assert all(o.last_checkpoint < 60 for o in stopped)
    assert winner(pruned).score >= np.quantile([o.score for o in free.values()], 0.9)


def test_cutoff_is_the_median_of_those_that_got_there(make_outcome):
    rungs = pruning.rungs(100)
    outcomes = [make_outcome(n, curve={4: -100.0, rungs[0]: -float(n)}) for n in range(9)]
    assert pruning.Cutoffs(100, outcomes).limits() == {rungs[0]: -4.0}
    assert pruning.Cutoffs(100, outcomes[:7]).limits() == {}
    assert pruning.Cutoffs(100, [dataclasses.replace(o, verdict="diverged") for o in outcomes]).limits() == {}


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4), min_size=8, max_size=40))
def test_cutoffs_are_the_same_as_from_all_curves_at_once(make_outcome, curves):
    rungs = pruning.rungs(100)
    known = pruning.Cutoffs(100)
    for number, scores in enumerate(curves):
        known.add(make_outcome(number, curve=dict(zip(rungs, scores, strict=False))))
    for place, rung in enumerate(rungs):
        best = [max(scores[: place + 1]) for scores in curves if len(scores) > place]
        expected = np.quantile(best, 0.5) if len(best) >= pruning.ENOUGH_TRIALS else None
        assert known.limits().get(rung) == pytest.approx(expected)


def test_a_target_ends_the_search(make_problem):
    scores = [o.score for o in search(make_problem(), SPACE, "random", 10).values()]
    target = np.nanmax(scores)
    assert len(search(make_problem(), SPACE, "random", 10, target_score=target)) == np.nanargmax(scores) + 1
    assert len(search(make_problem(), SPACE, "random", 10, target_score=target + 1e-9)) == 10


def test_a_search_that_stands_still_ends(make_problem):
    space = spaces.build({"learning_rate_init": [1e-3], "alpha": [0.0, 500.0]})
    outcomes = search(make_problem(), space, "random", 50, n_trials_no_change=4)
    best = winner(outcomes).number
    assert len(outcomes) == best + 5 < 50


@pytest.mark.parametrize(
    ("timeout", "n_trials", "further"),
    [
        (200, 15, [1, 1, 2, 2]),  # 60 s are kept, in which six evaluations end
        (100, 7, [1, 1, 1, 1]),  # a third is kept
        (50, 4, [1, 1]),
    ],
)
def test_the_best_are_evaluated_again_within_the_time(make_problem, monkeypatch, timeout, n_trials, further):
    """By a clock on which every evaluation takes ten seconds."""
    clock, evaluate = [0.0], workers.evaluate

    def slowly(*arguments):
        clock[0] += 10
        return dataclasses.replace(evaluate(*arguments), seconds=10.0)

    monkeypatch.setattr(workers, "evaluate", slowly)
    monkeypatch.setattr(runner.time, "monotonic", lambda: clock[0])
    outcomes = search(make_problem(), spaces.build({"alpha": (0.0, 1.0)}), "random", 50, timeout=timeout, n_seeds=3)
    assert len(outcomes) == n_trials
    assert sorted(len(o.seed_scores) - 1 for o in outcomes.values() if o.seed_scores) == further
    assert clock[0] <= timeout + 10
    assert len(winner(outcomes).seed_scores) == max(further) + 1


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_the_winner_is_the_best_over_several_seeds(make_problem, n_jobs):
    """With three seeds four trials have a second evaluation, and the better two of these a third."""
    once = search(make_problem(), SPACE, "random", 10)
    seeds = search(make_problem(), SPACE, "random", 10, n_jobs=n_jobs, n_seeds=3)
    assert {n: o.params for n, o in once.items()} == {n: o.params for n, o in seeds.items()}
    ranked = sorted((o for o in once.values() if o.verdict == "ok"), key=order)
    evaluated = {n: len(o.seed_scores) for n, o in seeds.items() if o.seed_scores}
    assert set(evaluated) == {o.number for o in ranked[:4]}
    assert sorted(evaluated.values()) == [2, 2, 3, 3]
    for number in evaluated:
        assert seeds[number].seed_scores[0] == once[number].score
        assert len(set(seeds[number].seed_scores)) == evaluated[number]
        assert seeds[number].score == pytest.approx(np.mean(seeds[number].seed_scores))
    finalists = [seeds[n] for n, count in evaluated.items() if count == 3]
    assert winner(seeds).score == max(o.score for o in finalists)
    assert table(seeds) == table(search(make_problem(), SPACE, "random", 10, n_seeds=3))


def test_a_further_evaluation_that_has_finished_outlives_an_interruption(make_problem, tmp_path, monkeypatch):
    path, evaluate, runs = tmp_path / "x.journal", workers.evaluate, []
    whole = search(make_problem(), SPACE, "random", 6, n_seeds=3)

    def interrupted(*arguments):
        runs.append(arguments[1].number)
        if len(runs) == 9:  # six trials, two further evaluations, and one that is cut off
            raise KeyboardInterrupt
        return evaluate(*arguments)

    monkeypatch.setattr(workers, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        search(make_problem(), SPACE, "random", 6, path=path, n_seeds=3)
    store = StudyStore(path, "x", {}, SPACE)
    assert list(store.again) == runs[6:8]
    store.close()
    assert table(search(make_problem(), SPACE, "random", 6, path=path, n_seeds=3)) == table(whole)
    assert len(runs) == 6 + sum(len(o.seed_scores) - 1 for o in whole.values() if o.seed_scores) + 1


def test_further_evaluations_are_kept(make_problem, tmp_path, monkeypatch):
    path = tmp_path / "x.journal"
    first = search(make_problem(), SPACE, "random", 6, path=path, n_seeds=3)
    monkeypatch.setattr(workers, "evaluate", lambda *_: pytest.fail("evaluated again"))
    assert table(search(make_problem(), SPACE, "random", 6, path=path, n_seeds=3)) == table(first)
    store = StudyStore(path, "x", {}, SPACE)
    assert table(store.settled) == table(first)
    assert {n for n, o in store.settled.items() if o.seed_scores} == set(store.again)
    store.close()


FEW, MANY = 30, 120
PRELOADS = {
    "many rows": (BPRegressor(max_iter=3), MANY, ["float32"]),
    "few rows": (BPRegressor(max_iter=3), FEW, ["float64"]),
    "precision": (make_pipeline(StandardScaler(), BPRegressor(max_iter=3, dtype="float64")), MANY, ["float64"]),
    "another loop": (BPRegressor(max_iter=3, solver="lbfgs"), MANY, []),
    "no network": (Ridge(), MANY, []),
}


@pytest.mark.parametrize(("estimator", "n", "expected"), PRELOADS.values(), ids=PRELOADS)
def test_machine_code_is_loaded_while_the_first_trials_prepare_their_rows(rows, monkeypatch, estimator, n, expected):
    loaded = []
    monkeypatch.setattr(runner, "preload", loaded.append)
    space = {next(name for name in estimator.get_params() if name.endswith("alpha")): [0.1, 1.0]}
    search = BPSearchCV(estimator, space, method="grid", cv=3, n_jobs=2)
    for already in (True, False):
        monkeypatch.setattr(runner, "preloaded", lambda already=already: already)
        search.fit(*rows(n=n))
        assert loaded == ([] if already else expected)


@pytest.mark.parametrize("wrong", [{"dtype": "float16"}, {"dtype": "?"}, {"solver": "adams"}, {"solver": ["adam"]}])
def test_what_is_wrong_with_a_network_its_trials_tell(rows, monkeypatch, wrong):
    monkeypatch.setattr(runner, "preloaded", lambda: False)
    search = BPSearchCV(BPRegressor(max_iter=3, **wrong), {"alpha": [0.1, 1.0]}, method="grid", cv=3)
    with pytest.raises(
        ValueError, match=f"none of 2 configurations could be evaluated; .*{next(iter(wrong))}|data type"
    ):
        search.fit(*rows())


@pytest.mark.parametrize(
    ("network", "method", "asked", "prune"),
    [
        (True, "bayesian", None, True),
        (True, "random", None, False),
        (True, "random", True, True),
        (True, "bayesian", False, False),
        (False, "bayesian", None, False),
        (False, "bayesian", True, False),
    ],
)
def test_only_networks_are_stopped_early_by_default_if_the_method_learns(make_problem, network, method, asked, prune):
    problem = make_problem() if network else dataclasses.replace(make_problem(), estimator=Ridge(), prefix="")
    assert plan(problem, spaces.build({"alpha": (0.1, 1.0)}), method=method, prune=asked).prune is prune
