"""The comparison of penalties: its made-up spaces have the stated properties, and its tables cover all studies."""

import numpy as np
import pytest

from benchmarks.penalties import __main__ as command
from benchmarks.penalties import report, trials
from benchmarks.penalties.landscapes import BEST, DUMMY, EPOCHS, LANDSCAPES, SPACE, Landscape, strain
from benchmarks.penalties.report import Study
from benchmarks.penalties.trials import START, Trace
from search.samplers.methods import METHODS

each_landscape = pytest.mark.parametrize("landscape", LANDSCAPES, ids=str)
N_TRIALS = START + 2


@each_landscape
def test_the_share_of_random_points_diverges(landscape):
    points = [SPACE.random_point(7, number) for number in range(1000)]
    diverged = [landscape.outcome(n, params, 0).verdict == "diverged" for n, params in enumerate(points)]
    assert np.mean(diverged) == pytest.approx(landscape.share, abs=0.04)


@each_landscape
def test_outcomes_fit_the_landscape(landscape):
    for number in range(200):
        params = SPACE.random_point(3, number)
        outcome = landscape.outcome(number, params, 0)
        assert outcome == landscape.outcome(number, params, 0)
        assert DUMMY <= landscape.score(params) <= BEST
        if outcome.divergence is None:
            assert outcome.score == pytest.approx(landscape.score(params), abs=0.1)
        else:
            assert max(outcome.curve, default=0) <= outcome.divergence.epoch <= EPOCHS
            assert outcome.divergence.ratio > 10


def test_who_strains_more_breaks_earlier():
    landscape = Landscape(0.5, "near")
    points = sorted((SPACE.random_point(3, number) for number in range(200)), key=strain)
    broken = [d for params in points if (d := landscape.outcome(0, params, 0).divergence)]
    assert len(broken) > 50
    assert [d.epoch for d in broken] == sorted((d.epoch for d in broken), reverse=True)
    assert [d.ratio for d in broken] == sorted(d.ratio for d in broken)


def test_regret_is_that_of_the_trial_that_is_held():
    trace = Trace(0.0, 0.0, [DUMMY, -0.6, BEST])
    np.testing.assert_allclose(trace.regret, [1.0, 0.5, 0.0])


def test_difference_to_the_default_is_taken_in_pairs():
    held = {"graded_constraint": ([-1.0], [-0.6]), "fail": ([-0.9], [-0.4])}
    traces = {
        Study("gp", penalty, seed): Trace(0.0, 0.0, scores)
        for penalty, found in held.items()
        for seed, scores in enumerate(found)
    }
    mean, error = report.against_default(traces, "gp", "fail", lambda trace: trace.held[-1])
    assert (mean, error) == pytest.approx((0.15, 0.05))


@pytest.fixture
def small(monkeypatch):
    """Compare two penalties with one method that learns, over few trials."""
    monkeypatch.setattr(command, "PENALTIES", ["graded_constraint", "fail"])
    monkeypatch.setattr(command, "METHODS", {name: METHODS[name] for name in ("random", "bayesian")})
    monkeypatch.setattr(report, "EARLY", 5)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("search", "places", "table"),
    [
        (command.on_landscape, LANDSCAPES, report.made_up),
        pytest.param(
            command.on_networks,
            [None],
            lambda traces: report.networks(traces, command.STUDY),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["made up", "networks"],
)
def test_a_table_has_a_row_for_each_method_and_penalty(search, places, table):
    traces = command.compare(lambda study: search(study, N_TRIALS), places, seeds=2, jobs=1)
    made = table(traces)
    assert [row[:2] for row in made.rows] == [["bayesian", p] for p in ("graded_constraint", "fail")]
    assert {len(row) for row in made.rows} == {len(made.head)}
    assert "2 seeds" in str(made)


def test_the_first_trials_do_not_depend_on_the_penalty():
    one, other = (trials.made_up(LANDSCAPES[1], "bayesian", p, 0, N_TRIALS) for p in ("graded", "constant"))
    assert one.held[:START] == other.held[:START]
