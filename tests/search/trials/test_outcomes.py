"""Outcomes are put in order, and several evaluations of a configuration into one."""

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from docs import tables
from search.plots import gallery
from search.plots.subject import Subject
from search.results import report
from search.results.cv_results import ranks
from search.space import spaces
from search.terminal.status import COUNTED
from search.tracking import RUN_STATUS, Header
from search.tracking.contents.trials import child
from search.trials.baselines import Baseline
from search.trials.outcomes import VERDICTS, Outcome, front, order, pool, winner

pytestmark = pytest.mark.usefixtures("all_figures")

SPACE = spaces.build({"alpha": (0.1, 10.0, "log")})


def test_verdicts_are_ranked_from_healthy_to_failed():
    assert list(VERDICTS) == ["ok", "stopped", "diverged", "error"]
    assert [verdict.rank for verdict in VERDICTS.values()] == [0, 1, 2, 3]
    assert RUN_STATUS == {"ok": "FINISHED", "stopped": "FINISHED", "diverged": "FAILED", "error": "FAILED"}
    assert COUNTED == ["stopped", "diverged"]


@pytest.mark.parametrize("name", VERDICTS)
def test_every_consumer_knows_the_verdict(make_outcome, name):
    """Ranking, columns of results, plots, MLflow and docs, from one row."""
    row, outcome = VERDICTS[name], make_outcome(0, name, params={"alpha": 1.0})
    others = [make_outcome(n, other) for n, other in enumerate(VERDICTS, start=1)]
    worse = [o for o in others if VERDICTS[o.verdict].rank > row.rank]
    assert all(order(outcome) < order(other) for other in worse)
    assert ranks([name, *(o.verdict for o in others)], [0] * 5, np.zeros(5))[0] == 1 + row.rank
    run = child(outcome, -0.5, 0.0, Header("x", "one", {}))
    assert (run.status, run.tags["verdict"]) == (row.run_status, name)
    figure = gallery.figures(Subject({0: outcome}, SPACE, [Baseline("dummy predictor", -1.0, 0.0)]))["parameters"]
    (legend,) = figure.legends or [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert legend.get_texts()[0].get_text() == row.label
    assert f"| `{name}` | {row.meaning[0].upper()}{row.meaning[1:]}. | `{row.run_status}` |" in tables.verdicts()


def test_the_winner_is_healthy_and_the_earliest_of_equals(make_outcome):
    outcomes = [
        make_outcome(0, "diverged"),
        make_outcome(1, "stopped", scores=(9.0,)),
        make_outcome(2, scores=(1.0,)),
        make_outcome(3, scores=(2.0,)),
        make_outcome(4, scores=(2.0,)),
        make_outcome(5, "error"),
    ]
    assert winner({o.number: o for o in outcomes}).number == 3
    assert winner({0: outcomes[0]}) is None
    assert [o.number for o in sorted(outcomes, key=order)] == [3, 4, 2, 1, 0, 5]


def test_what_was_evaluated_more_often_comes_first(make_outcome):
    lucky, steady = make_outcome(0, scores=(3.0,)), make_outcome(1, scores=(2.5,))
    steady = pool(steady, [make_outcome(1, scores=(2.1,))])
    assert winner({0: lucky, 1: steady}).number == 1


def test_scores_are_pooled_fold_by_fold_and_the_epoch_is_that_of_the_mean_curve(make_outcome):
    first = make_outcome(7, scores=(1.0, 3.0), curve={4: 1.0, 6: 2.0, 9: 1.9})
    second = make_outcome(7, scores=(2.0, 4.0), curve={4: 3.0, 6: 1.0})
    both = pool(first, [second])
    assert both.fold_scores == [1.5, 3.5]
    assert both.curve == {4: 2.0, 6: 1.5}
    assert both.epoch == 4
    assert both.seed_scores == [2.0, 3.0]
    assert pool(first, []) is first


def test_of_equally_good_epochs_the_first_is_taken(make_outcome):
    first, second = make_outcome(7, curve={4: 1.0, 6: 2.0, 9: 1.0}), make_outcome(7, curve={4: 1.0, 6: 1.0, 9: 2.0})
    assert pool(first, [second]).epoch == 6


def test_learning_curves_are_those_of_the_five_best(make_outcome):
    params = {"alpha": 1.0}
    outcomes = {n: make_outcome(n, scores=(float(-n),), params=params) for n in range(7)}
    figure = gallery.figures(Subject(outcomes, SPACE))["learning_curves"]
    assert [text.get_text()[2:] for text in figure.axes[0].texts] == [f"trial {n}" for n in range(5)]


@pytest.mark.parametrize("verdict", ["diverged", "error"])
def test_a_configuration_that_fails_with_one_seed_is_not_healthy(make_outcome, verdict):
    both = pool(make_outcome(7, scores=(1.0,)), [make_outcome(7, scores=(2.0,)), make_outcome(7, verdict)])
    assert both.verdict == verdict
    assert both.reason.startswith("in the evaluation with seed 3: ")
    assert both.seed_scores == []


VERDICT_SCORE_SIZE_SEEDS = st.tuples(
    st.sampled_from(["ok", "stopped", "diverged"]), st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)
)


@given(drawn=st.lists(VERDICT_SCORE_SIZE_SEEDS), shuffle=st.randoms())
def test_the_front_is_what_no_other_beats_in_score_and_size_bug(make_outcome, drawn, shuffle):
    """It depended on how often trials were evaluated. A size of 0 is one that was not counted."""
    outcomes = {
        n: make_outcome(n, v, scores=(float(s),), n_weights=w, seed_scores=[float(s)] * seeds)
        for n, (v, s, w, seeds) in enumerate(drawn)
    }
    healthy = [o for o in outcomes.values() if o.verdict == "ok" and o.n_weights]
    beaten = {
        o.number
        for o in healthy
        for other in healthy
        if other.score >= o.score
        and other.n_weights <= o.n_weights
        and (other.score, -other.n_weights, -other.number) > (o.score, -o.n_weights, -o.number)
    }
    found = front(outcomes)
    assert {o.number for o in found} == {o.number for o in healthy} - beaten
    assert len({(o.score, o.n_weights) for o in found}) == len(found)
    assert [o.score for o in found] == sorted((o.score for o in found), reverse=True)
    mixed = list(outcomes.items())
    shuffle.shuffle(mixed)
    assert front(dict(mixed)) == found


def test_of_equal_scores_the_smallest_network_wins_bug(make_outcome):
    """The earliest did: five trials of accuracy 1 with 17,793 to 3,489 weights, and the largest was registered."""
    sizes = {0: 17_793, 1: 3_489, 2: 9_000, 3: 3_489}
    outcomes = {n: make_outcome(n, scores=(1.0,), n_weights=w) for n, w in sizes.items()}
    assert winner(outcomes).number == 1
    assert [o.number for o in sorted(outcomes.values(), key=order)] == [1, 3, 2, 0]
    assert [o.number for o in front(outcomes)] == [1]
    better = make_outcome(4, scores=(1.0 + 1e-9,), n_weights=99_999)
    assert winner(outcomes | {4: better}).number == 4
    unknown = make_outcome(5, scores=(1.0,))
    assert winner(outcomes | {5: unknown}).number == 1


def test_means_of_the_same_scores_in_another_order_are_equal(make_outcome):
    """0.1 + 0.2 + 0.3 is more than 0.3 + 0.2 + 0.1."""
    outcomes = [
        make_outcome(0, scores=(0.1, 0.2, 0.3), n_weights=20),
        make_outcome(1, scores=(0.3, 0.2, 0.1), n_weights=10),
    ]
    assert outcomes[0].score > outcomes[1].score
    assert winner({o.number: o for o in outcomes}).number == 1
    assert [o.number for o in front({o.number: o for o in outcomes})] == [1]
    assert ranks(["ok", "ok"], [0, 0], np.array([o.score for o in outcomes])).tolist() == [1, 1]


def test_smaller_networks_are_told_and_drawn(make_outcome):
    sizes = {0: (-3.0, 50), 1: (-1.0, 4000), 2: (-2.0, 300), 3: (-2.5, 600), 4: (-1.5, 1000)}
    outcomes = {
        n: make_outcome(n, scores=(score,), params={"alpha": 1.0}, n_weights=w) for n, (score, w) in sizes.items()
    }
    assert [o.number for o in front(outcomes)] == [1, 4, 2, 0]
    told = Console(file=io.StringIO(), width=120)
    told.print(report.smaller(outcomes, "neg_mean_absolute_error"))
    lines = [line.split() for line in told.file.getvalue().splitlines()]
    assert lines[1] == ["trial", "1", "trial", "4", "trial", "2", "trial", "0"]
    assert lines[2] == ["mean", "absolute", "error", "1", "1.5", "2", "3"]
    assert lines[3] == ["weights", "4,000", "1,000", "300", "50"]
    drawn = gallery.figures(Subject(outcomes, SPACE))["size"]
    assert drawn.axes[0].lines[0].get_xdata().tolist() == [50, 300, 1000, 4000]
    assert [text.get_text() for text in drawn.axes[0].texts] == ["0", "2", "4", "1"]


def test_one_network_that_is_best_and_smallest_is_no_choice(make_outcome):
    params = {"alpha": 1.0}
    outcomes = {n: make_outcome(n, scores=(float(-n),), params=params, n_weights=10 * (n + 1)) for n in range(3)}
    assert report.smaller(outcomes, "r2") is None
    assert "size" not in gallery.figures(Subject(outcomes, SPACE))


def test_an_outcome_that_is_encoded_travels_as_text(make_outcome):
    """Large fields are not sent twice; who asks for them decodes them, rounded as the journal has them."""
    outcome = make_outcome(losses={"training": [1 / 3, float("inf")]}, courses={"gradient_norm": {1: 2.5, 9: 0.125}})
    assert pickle.loads(pickle.dumps(outcome)) == outcome
    text = outcome.encoded
    came = pickle.loads(pickle.dumps(outcome))
    assert not {"losses", "courses"} & set(vars(came))
    assert "losses" in vars(outcome)
    assert came.courses == outcome.courses
    assert came.losses == {"training": [0.333333, float("inf")]}
    assert came.encoded == text
    assert replace(came, number=5).losses == came.losses
    assert replace(came, number=5, losses={}).encoded != text


def test_an_outcome_has_no_other_fields(make_outcome):
    for name in ("lossez", "losses_"):
        with pytest.raises(AttributeError, match=name):
            getattr(make_outcome(), name)
    bare = object.__new__(Outcome)
    with pytest.raises(AttributeError, match="losses"):
        _ = bare.losses
