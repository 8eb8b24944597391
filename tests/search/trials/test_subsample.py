"""The first rung on a sample of the rows: which trials stop there, when it is used, and what is told of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal, spearmanr

from search.trials import evaluation, subsample
from search.trials.evaluation import evaluate
from search.trials.outcomes import Divergence, Outcome, winner
from search.trials.problem import Sample, Trial
from search.trials.subsample import (
    FIRST_WAVE,
    LEAST_CORRELATION,
    Rung,
    agreement,
    expected,
    kept,
    stops,
    wave,
)


def outcome_of(number, on_sample, on_all, verdict="ok", fraction=0.1, **more):
    sample = {"fraction": fraction, "score": on_sample, "seconds": 0.1}
    scores = [on_all] if verdict in ("ok", "stopped") else []
    return Outcome(number, {}, verdict, "", scores, 9, {9: on_all}, {}, 1.0, sample=sample, **more)


def cut(number, on_sample, cutoff=0.5):
    sample = {"fraction": 0.1, "score": on_sample, "seconds": 0.1, "cutoff": cutoff}
    return Outcome(number, {}, "stopped", "", [], 0, {}, {}, 0.1, sample=sample)


def rung_of(outcomes, **more):
    rung = Rung(0.1, **{"in_waves": False} | more)
    for outcome in outcomes:
        rung.add(outcome)
    return rung


def ranked(places, **more):
    """Return trials whose places on all rows are these."""
    return [outcome_of(number, float(number), float(place), **more) for number, place in enumerate(places)]


def swapped(squares: int) -> list[int]:
    """Return ten places whose squared distances to those in order have this sum: ranks correlate by 1 - sum / 165."""
    random = np.random.default_rng(0)
    while True:
        places = random.permutation(10)
        if int(((places - np.arange(10)) ** 2).sum()) == squares:
            return places.tolist()


@pytest.mark.parametrize(("squares", "used"), [(64, True), (68, False)])
def test_it_is_used_from_a_rank_correlation_of_three_fifths(squares, used):
    trials = ranked(swapped(squares))
    correlation = spearmanr([o.sample["score"] for o in trials], [o.score for o in trials])[0]
    assert correlation == pytest.approx(1 - squares / 165)
    assert bool(correlation >= LEAST_CORRELATION) is used
    found = agreement(dict(enumerate(trials)))
    assert (found.used, found.both, found.correlation) == (used, 10, pytest.approx(correlation))
    sample = rung_of(trials).at(11)
    assert (sample is not None) is used
    if used:
        assert sample.cutoff == pytest.approx(np.quantile(np.arange(10.0), 1 - kept(correlation)))


@pytest.mark.parametrize("lacking", [1, 0])
def test_all_of_the_first_trials_continue(lacking):
    trials = ranked(range(10 - lacking))
    sample = rung_of(trials).at(99)
    assert sample.fraction == 0.1
    assert (sample.cutoff == -math.inf) is bool(lacking)
    assert math.isnan(agreement(dict(enumerate(trials))).correlation) is bool(lacking)


@pytest.mark.parametrize("correlation", [0.6, 0.7, 0.8])
def test_the_share_that_continues_has_the_risk_that_it_says(correlation):
    """Of jointly normal scores: a configuration in the middle of the best tenth is stopped with a probability of a tenth."""
    r, z = 2 * math.sin(math.pi / 6 * correlation), 1.6448536
    draws = multivariate_normal(mean=r * z, cov=1 - r**2).rvs(40_000, random_state=0)
    limit = multivariate_normal().rvs(400_000, random_state=1)
    assert (draws < np.quantile(limit, 1 - kept(correlation))).mean() == pytest.approx(0.1, abs=0.01)


def test_the_share_has_bounds():
    assert (kept(1.0), kept(1.0000000000000002), kept(0.59), kept(-1.0)) == (0.25, 0.25, 0.5, 0.5)


def test_what_counts():
    """A score that is missing on the sample is the worst; what diverges on all rows, another fraction and no sample are none."""
    trials = ranked(range(10))
    others = [
        outcome_of(10, 99.0, -9.0, "diverged"),
        outcome_of(11, 99.0, -9.0, fraction=0.2),
        replace(outcome_of(12, 99.0, -9.0), sample={}),
        cut(13, -5.0),
    ]
    rung = rung_of([*trials, *others])
    assert rung.at(15).cutoff == np.quantile([*range(10), 99.0, -5.0], 0.75)
    without = rung_of([*trials, outcome_of(10, -math.inf, -9.0)]).at(11)
    assert without.cutoff == np.quantile(np.arange(10.0), 0.75)
    lost = rung_of([*trials, outcome_of(10, -math.inf, 100.0)]).at(11)
    assert lost is None  # the best on all rows has no score on the sample: 1 - 6 * 110 / (11 * 120) = 0.5


def test_later_stopped_trials_rank_above_earlier_ones_and_below_finished_ones():
    early = Outcome(
        0, {}, "stopped", "", [3.0], 4, {4: 3.0}, {}, 1.0, sample={"fraction": 0.1, "score": 0.0, "seconds": 1}
    )
    late = replace(early, curve={4: 1.0, 9: 2.0}, fold_scores=[2.0])
    done = replace(early, verdict="ok", fold_scores=[1.0])
    assert subsample._pair(early).on_all < subsample._pair(late).on_all < subsample._pair(done).on_all


def test_what_continues_because_of_its_score_is_not_compared():
    """On a table of incomes, the correlation was 0.54 with it, and 0.95 over all configurations."""
    trials = ranked(range(10))
    passed = [outcome_of(n, 20.0 + n, -float(n)) for n in range(10, 30)]
    assert rung_of([*trials, *passed]).at(31) is None
    for outcome in passed:
        outcome.sample["cutoff"] = 5.0
    assert rung_of([*trials, *passed]).at(31).cutoff == np.quantile([*range(10), *range(30, 50)], 0.75)
    assert agreement(dict(enumerate([*trials, *passed]))).correlation == pytest.approx(1.0)


@pytest.mark.parametrize("in_waves", [True, False])
def test_every_sixth_trial_continues_unless_the_sample_is_not_used(in_waves):
    rung = rung_of(ranked(range(12)), in_waves=in_waves)
    assert [n for n in range(12, 24) if rung.at(n).cutoff == -math.inf] == [12, 18]
    assert rung_of(ranked(range(12)[::-1]), in_waves=in_waves).at(12) is None


def test_equal_scores_are_no_agreement():
    assert rung_of([outcome_of(n, 0.5, float(n)) for n in range(10)]).at(11) is None


def test_waves_know_the_trials_before_them_in_any_order():
    trials = [outcome_of(n, float(n), float(n)) for n in range(FIRST_WAVE)]
    later = [outcome_of(n, 0.0, 1000.0 - n) for n in range(FIRST_WAVE, 2 * FIRST_WAVE)]
    rung = Rung(0.1, in_waves=True)
    for outcome in [*later[:5], *trials[::-1][:-1]]:
        rung.add(outcome)
        assert (rung.ready(FIRST_WAVE - 1), rung.ready(FIRST_WAVE)) == (True, False)
    rung.add(trials[0])
    assert (rung.ready(2 * FIRST_WAVE - 1), rung.ready(2 * FIRST_WAVE)) == (True, False)
    assert rung.at(3).cutoff == -math.inf
    assert rung.at(FIRST_WAVE + 1).cutoff == np.quantile(np.arange(12.0), 0.75)
    for outcome in later[5:]:
        rung.add(outcome)
    assert rung.at(FIRST_WAVE + 1).cutoff == np.quantile(np.arange(12.0), 0.75)
    assert rung.at(2 * FIRST_WAVE + 1) is None
    assert [wave(n) for n in (95, 96, 191, 192)] == [48, 96, 96, 192]


@pytest.mark.parametrize(
    ("verdict", "score", "cutoff", "ends"),
    [
        ("ok", 0.5, 0.5, False),
        ("ok", math.nextafter(0.5, 0), 0.5, True),
        ("ok", 0.5, -math.inf, False),
        ("diverged", 0.0, 0.5, True),
        ("diverged", 0.0, -math.inf, False),
        ("error", 0.0, 0.5, False),
    ],
)
def test_what_ends_on_the_sample(verdict, score, cutoff, ends):
    assert stops(replace(outcome_of(0, 0.0, score, verdict)), Sample(0.1, cutoff)) is ends


@pytest.fixture
def trained(make_problem, monkeypatch):
    """A problem, and what is trained instead of networks: parts of the rows, and cut-offs."""
    seen = []

    def train(problem, trial, cancelled):
        seen.append((problem.whole is not None, dict(trial.cutoffs)))
        found = trial.params["on_sample" if problem.whole else "on_all"]
        if isinstance(found, Outcome):
            return found
        return Outcome(
            trial.number, dict(trial.params), "ok", "done", [found, found], 9, {9: found}, {"training": [1.0]}, 0.0
        )

    monkeypatch.setattr(evaluation, "_evaluate", train)
    return make_problem(), seen


def test_a_trial_that_is_not_stopped_has_the_scores_of_all_rows(trained):
    problem, seen = trained
    params = {"on_sample": 0.5, "on_all": 0.25}
    outcome = evaluate(problem, Trial(3, params, {4: 0.0}, Sample(0.25, 0.5)))
    assert seen == [(True, {}), (False, {4: 0.0})]
    assert (outcome.verdict, outcome.fold_scores, outcome.curve) == ("ok", [0.25, 0.25], {9: 0.25})
    assert (outcome.sample["fraction"], outcome.sample["score"], outcome.on_sample_only) == (0.25, 0.5, False)
    assert outcome.sample["cutoff"] == 0.5
    assert 0 <= outcome.sample["seconds"] <= outcome.seconds
    assert evaluate(problem, Trial(3, params)).sample == {}


def test_a_trial_that_is_stopped_has_no_scores(trained):
    problem, seen = trained
    outcome = evaluate(problem, Trial(3, {"on_sample": 0.5}, sample=Sample(0.25, 0.75)))
    assert seen == [(True, {})]
    assert (outcome.verdict, outcome.on_sample_only, outcome.sample["cutoff"]) == ("stopped", True, 0.75)
    assert outcome.reason == "on 0.25 of the training rows: score 0.5 is below the cut-off 0.75"
    empty = outcome.fold_scores, outcome.curve, outcome.losses, outcome.metrics, outcome.train_metrics, outcome.courses
    assert not any(empty)
    assert winner({3: outcome}) is None


@pytest.mark.parametrize(("cutoff", "verdict"), [(0.5, "diverged"), (-math.inf, "ok")])
def test_divergence_on_the_sample_ends_a_trial_unless_rankings_are_compared(trained, cutoff, verdict):
    problem, _ = trained
    broken = Outcome(
        3, {}, "diverged", "fold 1 of 3: it broke", [], 0, {}, {}, 0.0, Divergence(0, 1, 1, "it broke", 9.0, 0.0)
    )
    outcome = evaluate(problem, Trial(3, {"on_sample": broken, "on_all": 1.0}, sample=Sample(0.25, cutoff)))
    assert (outcome.verdict, outcome.sample["score"]) == (verdict, -math.inf)
    assert (outcome.reason == "on 0.25 of the training rows, fold 1 of 3: it broke") is (verdict == "diverged")


def test_what_cannot_be_trained_on_the_sample_is_tried_on_all_rows(trained):
    problem, _ = trained
    wrong = Outcome(3, {}, "error", "no", [], 0, {}, {}, 0.0)
    outcome = evaluate(problem, Trial(3, {"on_sample": wrong, "on_all": 1.0}, sample=Sample(0.25, 0.5)))
    assert (outcome.score, outcome.on_sample_only, "cutoff" in outcome.sample) == (1.0, False, False)


def test_a_network_on_a_sample_changes_nothing_on_all_rows(make_problem):
    problem = make_problem()
    alone = evaluate(problem, Trial(2, {"alpha": 0.1}))
    both = evaluate(problem, Trial(2, {"alpha": 0.1}, sample=Sample(0.25, -math.inf)))
    assert both.fold_scores == alone.fold_scores
    assert both.curve == alone.curve
    assert math.isfinite(both.sample["score"])


def test_a_sampler_is_told_the_score_of_the_same_rank_on_all_rows():
    both = [(0.1, 5.0), (0.3, 7.0), (0.2, 6.0)]
    assert [expected(s, both) for s in (0.0, 0.1, 0.25, 0.3, 9.0)] == [5.0, 5.0, 6.5, 7.0, 7.0]
    assert math.isnan(expected(0.1, []))


def test_sentences():
    tried = dict(enumerate(ranked(range(10))))
    assert agreement({0: replace(tried[0], sample={})}) is None
    share, over = "0.1 of the training rows first: ", " trials that went on whatever their score"
    few = agreement({0: tried[0]}).sentence
    assert few == f"{share}1 trial that went on whatever their score, too few to compare the rankings"
    used = agreement(tried | {10: cut(10, 0.0)}).sentence
    assert used == f"{share}1 trial ended there; rank correlation 1.00 over 10{over}"
    other = agreement(dict(enumerate(ranked(range(10)[::-1])))).sentence
    told = f"no longer used, because it ranks otherwise (rank correlation -1.00 over 10{over}; needed is 0.6)"
    assert other == share + told
    assert agreement(tried).document()["used"] is True
    assert agreement({0: tried[0]}).document()["correlation"] is None
