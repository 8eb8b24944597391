"""Searches whose trials begin on a sample of the rows: the same everywhere, never the best by the sample, and told of."""

import json
import math
import random
import time
from contextlib import closing
from dataclasses import replace

import joblib
import numpy as np
import pytest
from sklearn.linear_model import Ridge

from bpmodel import BPRegressor
from search import BPSearchCV
from search.loop import demand, records, runner, workers
from search.loop.journal import StudyStore, read
from search.loop.runner import plan
from search.results import documents, report
from search.samplers.optuna_terms import on_the_way
from search.space import spaces
from search.trials import evaluation, penalties
from search.trials.outcomes import Outcome, winner
from search.trials.prepared import sample
from search.trials.subsample import EVERY, FIRST_WAVE, agreement

SPACE = spaces.build({"alpha": (1e-3, 1e3, "log"), "momentum": (0.1, 0.9)})
GRID = spaces.build({"alpha": [1e-2, 0.1, 1.0, 10.0], "momentum": np.linspace(0.1, 0.9, 8).tolist()})
DUMMY = -60.0
WAYS = {
    "random": {"method": "random"},
    "grid": {"method": "grid"},
    "quasi-random": {"method": "quasi-random"},
    "deterministic": {"method": "bayesian", "deterministic": True},
    "deterministic, with cut-offs": {"method": "bayesian", "deterministic": True, "prune": True},
}


@pytest.fixture(autouse=True)
def few_rows(monkeypatch):
    monkeypatch.setattr(sample, "LEAST_ROWS", 10)


def scores(params) -> tuple[float, float]:
    """Return a score on all rows, and a lower one on the sample that ranks nearly alike."""
    on_all = -abs(math.log10(params["alpha"])) - params["momentum"]
    return on_all, 2 * on_all - 5 + 0.3 * math.sin(1e4 * params["momentum"])


def otherwise(params) -> tuple[float, float]:
    on_all, _ = scores(params)
    return on_all, -on_all


@pytest.fixture
def trained(monkeypatch):
    """Trials take no time, or unequal times; most of those with a low momentum diverge."""
    draw = random.Random(0)

    def given(rule=scores, slow=False):
        def train(problem, trial, cancelled):
            if slow:
                time.sleep(draw.choice([0, 0, 0.002, 0.01]))
            on_all, on_sample = rule(trial.params)
            score = on_sample if problem.whole else on_all
            curve = {4: score - 1, 9: score}
            return Outcome(trial.number, dict(trial.params), "ok", "", [score, score], 9, curve, {}, 0.0)

        monkeypatch.setattr(evaluation, "_evaluate", train)

    return given


def search(problem, n_trials=40, n_jobs=1, *, path=None, cut=None, space=SPACE, **more):
    """Run a search; return its outcomes, and a row of each that must be the same in every run."""

    def stop(outcome, value):
        if cut is not None and len(store.outcomes) == cut:
            raise KeyboardInterrupt

    given = {"portfolio": False, "subsample": 0.25} | more
    with closing(StudyStore(path, "x", {}, space)) as store:
        how = plan(problem, space, n_trials=n_trials, n_jobs=n_jobs, **given)
        runner.run(problem, space, how, store, DUMMY, stop)
        outcomes = store.outcomes
        return outcomes, [_row(outcome, store.feedback[number]) for number, outcome in sorted(outcomes.items())]


def _row(outcome, feedback):
    of_sample = {name: value for name, value in outcome.sample.items() if name != "seconds"}
    return outcome.number, outcome.params, outcome.verdict, outcome.reason, outcome.fold_scores, of_sample, feedback


def _decisions(rows, way):
    """Return rows without what a sampler that does not learn was told: that depends on the order in which trials end."""
    return rows if way.startswith("deterministic") else [row[:-1] for row in rows]


@pytest.mark.parametrize("way", WAYS)
def test_decisions_are_the_same_for_any_number_of_jobs(make_problem, trained, way):
    problem, more = make_problem(), WAYS[way]
    space = GRID if way == "grid" else SPACE
    trained()
    outcomes, one = search(problem, space=space, **more)
    trained(slow=True)
    assert _decisions(search(problem, n_jobs=4, space=space, **more)[1], way) == _decisions(one, way)
    assert any(o.on_sample_only for o in outcomes.values())


@pytest.mark.parametrize("way", ["random", "deterministic"])
@pytest.mark.parametrize("cut", [3, FIRST_WAVE, FIRST_WAVE + 5, 30])
def test_a_search_that_was_cut_off_goes_on_as_if_it_was_not(make_problem, trained, tmp_path, way, cut):
    problem, path, more = make_problem(), tmp_path / "x.journal", WAYS[way]
    trained()
    expected = search(problem, **more)[1]
    trained(slow=True)
    with pytest.raises(KeyboardInterrupt):
        search(problem, n_jobs=3, path=path, cut=cut, **more)
    trained()
    assert _decisions(search(problem, path=path, **more)[1], way) == _decisions(expected, way)
    again = read(path, SPACE)
    assert _decisions([_row(o, again.feedback[n]) for n, o in again.outcomes.items()], way) == _decisions(expected, way)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["random", "deterministic"])
def test_decisions_are_the_same_in_processes(make_problem, way):
    expected = search(make_problem(max_iter=8), 30, **WAYS[way])[1]
    with joblib.parallel_config("loky", n_jobs=2):
        found = search(make_problem(max_iter=8), 30, None, **WAYS[way])[1]
    assert _decisions(found, way) == _decisions(expected, way)


def test_the_first_trials_are_trained_on_all_rows_and_then_the_better_ones(make_problem, trained):
    trained()
    outcomes, _ = search(make_problem(), 96, method="random")
    assert not any(o.on_sample_only for n, o in outcomes.items() if n < FIRST_WAVE)
    assert all("score" in o.sample for o in outcomes.values())
    for wave in (12, 24, 48):
        cutoffs = {o.sample["cutoff"] for n, o in outcomes.items() if wave <= n < 2 * wave and "cutoff" in o.sample}
        (cutoff,) = cutoffs
        for outcome in (o for n, o in outcomes.items() if wave <= n < 2 * wave):
            assert outcome.on_sample_only is (outcome.number % EVERY != 0 and outcome.sample["score"] < cutoff)
    shared = agreement(outcomes)
    assert (shared.used, shared.stopped) == (True, sum(o.verdict == "stopped" for o in outcomes.values()))
    assert 0.5 < shared.stopped / (96 - FIRST_WAVE) < 0.9
    best = max(o.score for o in outcomes.values() if o.healthy)
    assert winner(outcomes).score == best >= np.quantile([scores(o.params)[0] for o in outcomes.values()], 0.95)


@pytest.mark.parametrize("way", WAYS)
def test_a_sample_that_ranks_otherwise_is_no_longer_used(make_problem, trained, way):
    trained(otherwise)
    outcomes, _ = search(make_problem(), 40, space=GRID if way == "grid" else SPACE, **WAYS[way])
    assert not any(o.on_sample_only for o in outcomes.values())
    late = [number for number, outcome in outcomes.items() if outcome.sample]
    assert max(late) < 2 * FIRST_WAVE
    shared = agreement(outcomes)
    assert not shared.used
    assert "no longer used, because it ranks otherwise" in shared.sentence


def test_the_best_is_never_one_of_the_sample_though_its_score_there_is_higher(make_problem, trained):
    """Scores on the sample are above all others here."""
    trained(lambda params: (scores(params)[0], scores(params)[0] + 1000))
    outcomes, rows = search(make_problem(), 60, method="random")
    ended = [o for o in outcomes.values() if o.on_sample_only]
    assert ended
    assert not winner(outcomes).on_sample_only
    assert winner(outcomes).score < 0
    assert all(math.isnan(o.score) and not o.curve for o in ended)
    best = max(o.score for o in outcomes.values() if o.healthy)
    for row in rows:
        assert row[-1].value <= best


@pytest.mark.parametrize("penalty", ["graded_constraint", "worst"])
def test_the_sampler_is_told_of_a_stopped_trial_what_it_stands_for(make_problem, trained, penalty):
    trained()
    outcomes, rows = search(make_problem(), 40, method="random", penalty=penalty)
    told = {row[0]: row[-1] for row in rows}
    penalizer = penalties.Penalizer(penalty, DUMMY)
    assert {n: penalizer.feedback(o) for n, o in outcomes.items()} == told
    for number, outcome in outcomes.items():
        assert told[number].state == ("pruned" if outcome.on_sample_only else "complete")
        if outcome.on_sample_only:
            assert told[number].value == pytest.approx(scores(outcome.params)[0], abs=1.5)
            assert on_the_way(outcome, told[number]) == {0: told[number].value}


def test_a_stopped_trial_without_others_gets_the_score_of_the_dummy_predictor(make_outcome):
    ended = {"fraction": 0.1, "score": -1.0, "seconds": 0.0, "cutoff": 0.0}
    outcome = make_outcome(0, "stopped", (), sample=ended)
    assert penalties.Penalizer("worst", -2.0).feedback(outcome) == penalties.Feedback(-2.0, state="pruned")
    high = penalties.Penalizer("worst", -2.0, [make_outcome(1, scores=(-3.0,), sample=ended | {"score": -1.0})])
    assert high.feedback(outcome) == penalties.Feedback(-2.0, state="pruned")


@pytest.mark.parametrize("score", [-1.5, -math.inf])
@pytest.mark.parametrize("ended", [{}, {"cutoff": -1.0}])
def test_records_hold_what_is_known_of_the_sample(make_outcome, score, ended):
    outcome = make_outcome(3, sample={"fraction": 0.1, "score": score, "seconds": 0.5, **ended})
    text = json.dumps(outcome.as_json(), allow_nan=False)
    assert records.from_record(json.loads(text), 3, {}, None) == outcome
    before = {name: value for name, value in json.loads(text).items() if name != "sample"}
    assert records.from_record(before, 3, {}, None).sample == {}


@pytest.mark.parametrize(
    "damaged",
    [
        [],
        None,
        {"score": 1.0},
        {"fraction": "a", "score": 1.0, "seconds": 1},
        {"fraction": 0.1, "score": 1, "seconds": 1, "x": 1},
    ],
)
def test_a_record_with_another_sample_is_damaged(make_outcome, damaged):
    record = json.loads(make_outcome(3).encoded) | {"sample": damaged}
    with pytest.raises(ValueError, match="sample is of another kind"):
        records.from_record(record, 3, {}, None)


@pytest.mark.parametrize(
    ("given", "ordered", "in_waves"),
    [
        ({"method": "random"}, False, True),
        ({"method": "grid"}, False, True),
        ({"method": "random", "subsample": 1}, False, False),
        ({"method": "bayesian"}, False, False),
        ({"method": "bayesian", "deterministic": True}, True, False),
        ({"method": "random", "deterministic": True, "prune": True}, True, False),
        ({"method": "random", "deterministic": True}, False, True),
    ],
)
def test_who_waits_for_others(make_problem, given, ordered, in_waves):
    space = spaces.build({"alpha": [0.1, 1.0]}) if given["method"] == "grid" else SPACE
    how = plan(make_problem(), space, **{"subsample": 0.25, "n_jobs": 20} | given)
    assert (how.ordered, how.in_waves) == (ordered, in_waves)
    assert how.workers._batch_size == (1 if ordered or in_waves else "auto")


def test_too_few_rows_switch_it_off(make_problem, monkeypatch, rows):
    monkeypatch.setattr(sample, "LEAST_ROWS", 16)
    problem = make_problem()
    assert (plan(problem, SPACE, subsample=0.25).subsample, plan(problem, SPACE, subsample=0.3).subsample) == (1, 0.3)
    found = BPSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, method="grid", cv=3, subsample=0.25)
    with pytest.warns(
        UserWarning, match=r"subsample = 0\.25 has no effect: that is 15 of the 60 training rows of a fold"
    ):
        found.fit(*rows())
    assert "subsample_score" not in found.cv_results_


def test_what_a_search_asks_for_includes_the_sample(make_problem):
    problem = make_problem()
    without, having = (demand.count(problem, SPACE, plan(problem, SPACE, subsample=share)) for share in (1, 0.25))
    assert having.folds_bytes - without.folds_bytes == (3 * 15 + 90) * 4 * 4
    alone = replace(problem, estimator=problem.estimator[-1], prefix="")
    assert (
        len({demand.count(alone, SPACE, plan(alone, SPACE, subsample=share)).folds_bytes for share in (1, 0.25)}) == 1
    )


@pytest.mark.parametrize("estimator", [Ridge(), BPRegressor(hidden_layer_sizes=(4,), max_iter=4, scale_target=True)])
def test_bpsearchcv_says_so(rows, estimator):
    X, y = rows(n=200)
    made = BPSearchCV(
        estimator, {"alpha": (1e-3, 1e6, "log")}, method="random", n_trials=24, cv=2, subsample=0.5, random_state=0
    )
    found = made.fit(X, y)
    table, shared = found.cv_results_, agreement(found.result_.outcomes)
    ended = table["verdict"] == "stopped"
    assert ended.sum() == shared.stopped > 0
    assert np.isnan(table["mean_test_score"][ended]).all()
    assert np.isfinite(table["subsample_score"]).all()
    assert table["rank_test_score"][ended].min() > table["rank_test_score"][~ended].max()
    assert not ended[found.best_index_]
    assert all(reason.startswith("on 0.5 of the training rows: score ") for reason in table["reason"][ended])
    assert f"Subsample: {shared.sentence}." in report.summary(found.result_)
    assert documents.study(found.result_)["subsample"] == shared.document()
    if isinstance(estimator, Ridge):  # refitted on all rows
        np.testing.assert_allclose(found.best_estimator_.coef_, Ridge(**found.best_params_).fit(X, y).coef_)


def test_without_it_nothing_is_told(rows):
    found = BPSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, method="grid", cv=2).fit(*rows())
    assert documents.study(found.result_)["subsample"] is None
    assert "Subsample" not in report.summary(found.result_)


def test_workers_are_given_the_cutoff_with_the_trial(make_problem, trained, monkeypatch):
    trained()
    seen, evaluate = [], workers.evaluate

    def noting(problem, trial, cancelled):
        seen.append(trial)
        return evaluate(problem, trial, cancelled)

    monkeypatch.setattr(workers, "evaluate", noting)
    search(make_problem(), 14, method="random")
    assert {trial.sample.cutoff for trial in seen[:FIRST_WAVE]} == {-math.inf}
    assert [math.isfinite(trial.sample.cutoff) for trial in seen[FIRST_WAVE:]] == [False, True]
    assert {trial.sample.fraction for trial in seen} == {0.25}
