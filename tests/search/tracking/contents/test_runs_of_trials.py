"""Runs of trials say at a glance what they are: names, scores as people say them, tags to filter by, a diagnosis in words."""

import math

import pytest

from search.tracking.contents.best import BestSoFar
from search.tracking.contents.names import OWN
from search.tracking.contents.runs import Header
from search.tracking.contents.trials import child

RMSE = Header("prices", "one", {}, scoring="neg_root_mean_squared_error", method="bayesian")


def values(run, name: str) -> dict[int, float]:
    return {step: value for found, value, step in run.metrics if found == name}


@pytest.mark.parametrize(
    ("verdict", "name"),
    [
        ("ok", "trial 7 · RMSE 53.7"),
        ("stopped", "trial 7 · stopped early · RMSE 53.7"),
        ("diverged", "trial 7 · diverged"),
        ("error", "trial 7 · error"),
    ],
)
def test_the_name_of_a_run(make_outcome, verdict, name):
    assert child(make_outcome(7, verdict, scores=(-53.0, -54.4)), -1.0, 1.7e9, RMSE).name == name


def test_the_name_of_a_metric_of_the_users_is_shortened_and_visible(make_outcome):
    header = Header("x", "one", {}, scoring="m\x1b[2J" + "y" * 500)
    name = child(make_outcome(7), -1.0, 1.7e9, header).name
    assert name.startswith("trial 7 · m\\u001b[2Jyy")
    assert (len(name) < 100, "\x1b" in name) == (True, False)


def test_scores_as_the_scorer_and_as_people_say_them(make_outcome):
    run = child(make_outcome(scores=(-0.5, -0.25)), -1.0, 1.7e9, RMSE)
    assert (values(run, "score"), values(run, "root_mean_squared_error")) == ({0: -0.375}, {0: 0.375})
    assert values(run, "fold_score") == {0: -0.5, 1: -0.25}
    assert values(run, "fold_root_mean_squared_error") == {0: 0.5, 1: 0.25}
    assert values(run, "score_curve") == {4: -0.5, 6: -0.375}
    assert values(run, "root_mean_squared_error_curve") == {4: 0.5, 6: 0.375}


def test_a_diverged_trial_has_no_score_as_people_say_it(make_outcome):
    run = child(make_outcome(0, "diverged"), -1.0, 1.7e9, RMSE)
    assert not [name for name, *_ in run.metrics if "root_mean" in name]


def test_several_metrics(make_outcome):
    folds = {"neg_root_mean_squared_error": [-0.5, -0.25], "r2": [0.5, 0.75]}
    run = child(make_outcome(scores=(-0.5, -0.25), metrics=folds), -1.0, 1.7e9, RMSE)
    assert values(run, "score.neg_root_mean_squared_error") == {0: -0.375}
    assert (values(run, "root_mean_squared_error"), values(run, "r2")) == ({0: 0.375}, {0: 0.625})


@pytest.mark.parametrize(
    "name", [*sorted(OWN - {"score"}), "fold_score", "neg_seconds", "a\nb", "ü/€", "", "x" * 300, "score.r2"]
)
def test_metrics_of_the_users_replace_none_of_ours(make_outcome, name):
    outcome = make_outcome(metrics={name: [7.0, 7.0], "r2": [0.5, 0.5]}, courses={"gradient_norm": {1: 2.0}})
    run = child(outcome, -1.0, 1.7e9, Header("x", "one", {}, scoring=name))
    written = [(found, step) for found, _, step in run.metrics]
    assert len(set(written)) == len(written), "MLflow has one value for a name and a step"
    assert (values(run, "seconds"), values(run, "score"), values(run, "gradient_norm")) == (
        {0: 0.125},
        {0: -0.375},
        {1: 2.0},
    )
    assert values(run, "score.r2") == {0: 0.5}


def test_tags_to_filter_by(make_outcome):
    tags = child(make_outcome(3, "diverged"), -1.0, 1.7e9, RMSE).tags
    own = {"study": "prices", "method": "bayesian", "verdict": "diverged", "finding": "exploding_step", "trial": "3"}
    assert own.items() <= tags.items()
    assert "method" not in child(make_outcome(), -1.0, 1.7e9, Header("x", "one", {})).tags


def test_a_diagnosis_in_words(make_outcome):
    text = child(make_outcome(3, "diverged", params={"alpha": 0.1}), -1.0, 1.7e9, RMSE).files["diagnosis.txt"]
    assert text.splitlines()[:4] == ["trial 3 diverged", "  alpha = 0.1", "", "why it is diverged"]
    assert "exploding_step at epoch 1 (ratio nan, rate 1)\n  Ü." in text


def test_a_finding_of_an_old_journal(make_outcome):
    outcome = make_outcome(3, "diverged")
    outcome.divergence.findings[:] = [{"code": "exploding_step", "cause": "c", "remedy": "r", "change": None}]
    assert "exploding_step before the first step" in child(outcome, -1.0, 1.7e9, RMSE).files["diagnosis.txt"]


def test_courses_are_metrics_by_epoch(make_outcome):
    courses = {"gradient_norm": {1: 3.0, 5: math.inf, 9: 2.0}, "learning_rate": {1: 0.01, 9: 0.001}}
    run = child(make_outcome(courses=courses), -1.0, 1.7e9, RMSE)
    assert values(run, "gradient_norm") == {1: 3.0, 9: 2.0}
    assert values(run, "learning_rate") == {1: 0.01, 9: 0.001}


def curve(best: BestSoFar) -> dict[int, float]:
    return {point.step: point.value for point in best.points if point.name == "best_score"}


def test_the_best_score_so_far_waits_for_trials_that_began_earlier(make_outcome):
    best = BestSoFar("neg_root_mean_squared_error")
    best.see(make_outcome(1, scores=(-3.0,)), 1.0)
    assert curve(best) == {}
    best.see(make_outcome(0, "diverged"), 2.0)
    assert curve(best) == {1: -3.0}
    for number, score in ((4, -9.0), (3, -1.0), (2, -2.0)):
        best.see(make_outcome(number, scores=(score,)), 3.0)
    assert curve(best) == {1: -3.0, 2: -2.0, 3: -1.0, 4: -1.0}
    plain = [p.value for p in best.points if p.name == "best_root_mean_squared_error"]
    assert plain == [3.0, 2.0, 1.0, 1.0]


def test_only_healthy_trials_are_the_best(make_outcome):
    best = BestSoFar("accuracy")
    for number, (verdict, score) in enumerate([("stopped", 9.0), ("ok", 1.0), ("stopped", 8.0), ("ok", math.nan)]):
        best.see(make_outcome(number, verdict, scores=(score,)), 1.0)
    assert curve(best) == {1: 1.0, 2: 1.0, 3: 1.0}


def test_a_trial_that_is_seen_again_changes_nothing(make_outcome):
    best = BestSoFar("accuracy")
    for _ in range(2):
        best.see(make_outcome(0, scores=(1.0,)), 1.0)
        best.see(make_outcome(2, scores=(1.0,)), 1.0)
    assert curve(best) == {0: 1.0}


def test_a_trial_without_a_score_has_a_description(make_outcome):
    """Lists of tags are cut after some words; a description is whole, and what users have named is only text in it."""
    run = child(make_outcome(3, "diverged", reason="the loss of <b>*x*</b> exploded"), -1.0, 1.7e9, RMSE)
    first, _, *findings = run.tags["mlflow.note.content"].split("\n")
    assert first == "**diverged**: the loss of &lt;b&gt;\\*x\\*&lt;/b&gt; exploded"
    assert [
        line.startswith("- **exploding\\_step**: ") or line.startswith("- **exploding_step**: ") for line in findings
    ] == [True]
    failed = child(make_outcome(3, "error", reason="no memory"), -1.0, 1.7e9, RMSE)
    assert failed.tags["mlflow.note.content"] == "**error**: no memory"
    for verdict in ("ok", "stopped"):
        assert "mlflow.note.content" not in child(make_outcome(3, verdict), -1.0, 1.7e9, RMSE).tags
