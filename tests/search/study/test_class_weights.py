"""Class weights of a study file: texts as keys, classes of any type in the data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search import StudyError, cli
from search.study import data, study_file
from search.study.assembly import build_problem
from search.study.class_weights import of_classes
from search.trials.evaluation import evaluate
from search.trials.fold_fits import begin
from search.trials.problem import Trial
from search.trials.refitting import networks, refit

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STUDY = """\
name = "weighted"
[data]
source = "rows.csv"
target = "y"
task = "classification"
[model]
max_iter = 6
hidden_layer_sizes = [6]
class_weight = { WEIGHTS }
[space]
alpha = [0.1]
[search]
method = "grid"
n_seeds = 1
n_members = 1
[cv]
n_splits = 3
"""
RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(RANDOM.normal(size=(60, 2)), columns=["a", "b"])
CODES = np.where(ROWS.a + RANDOM.normal(size=60) > 0.4, 1, 0)


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(weights, classes=(0, 1), *changes):
        ROWS.assign(y=np.array(classes)[CODES]).to_csv("rows.csv", index=False)
        text = STUDY.replace("WEIGHTS", weights)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("weighted.toml").write_text(text)
        return study_file.load("weighted.toml")

    return write


def problem_of(study):
    return build_problem(study, data.load(study))


CLASSES = {
    "numbers": ((0, 1), "0 = 1.0, 1 = 5.0"),
    "texts": (("no", "yes"), "no = 1.0, yes = 5.0"),
    "texts in another case": (("No", "Yes"), "no = 1.0, yes = 5.0"),
    "truth values": ((False, True), "false = 1.0, true = 5.0"),
    "fractions that are whole": ((0.0, 1.0), "0 = 1.0, 1 = 5.0"),
    "whole weights": ((0, 1), "0 = 1, 1 = 5"),
    "one class only": ((0, 1), "1 = 5.0"),
}


@pytest.mark.parametrize(("classes", "weights"), CLASSES.values(), ids=CLASSES)
def test_keys_are_matched_to_classes_bug(write, classes, weights):
    """ "The classes, [0, 1], are not in class_weight": each trial was an error."""
    problem = problem_of(write(weights, classes))
    for (_, fit), (train, _) in zip(begin(problem, Trial(0, {}))[1], problem.folds.splits, strict=True):
        np.testing.assert_allclose(fit.rows.weights(), np.where(CODES[train] == 1, 5.0, 1.0))
    outcome = evaluate(problem, Trial(0, {}))
    assert outcome.verdict == "ok"
    (network,) = networks(refit(problem, outcome))
    assert list(network.class_weight.values()) == [1.0, 5.0]
    assert list(network.class_weight) == network.classes_.tolist()


def test_weights_may_be_searched_and_set(write, capsys):
    no_weights = ("class_weight = { 0 = 1.0 }\n", "")
    searched = ("alpha = [0.1]", 'class_weight = ["balanced", { 0 = 1.0, 1 = 5.0 }]')
    study = write("0 = 1.0", (0, 1), no_weights, searched)
    problem = problem_of(study)
    points = list(study.space.grid_points())
    outcomes = [evaluate(problem, Trial(0, params)) for params in points]
    assert [o.verdict for o in outcomes] == ["ok", "ok"]
    assert outcomes[1].params == {"class_weight": {"0": 1.0, "1": 5.0}}
    assert (
        outcomes[1].losses["training"]
        == evaluate(problem_of(write("0 = 1.0, 1 = 5.0")), Trial(0, {})).losses["training"]
    )
    with pytest.raises(StudyError, match=r"\[space\] class_weight has '7', which is no class"):
        problem_of(write("0 = 1.0", (0, 1), no_weights, (searched[0], searched[1].replace("1 = 5.0", "7 = 5.0"))))
    assert capsys.readouterr().out == ""


NO_CLASS = "which is no class of the target; the classes are"
MISTAKES = {
    "no class": ("no = 1.0, ys = 5.0", ("no", "yes"), f"[model] class_weight has 'ys', {NO_CLASS} 'no', 'yes'"),
    "no number": ("0 = 1.0, 2 = 5.0", (0, 1), f"[model] class_weight has '2', {NO_CLASS} 0, 1"),
    "the same class": ('"1" = 1.0, true = 5.0', (False, True), "has '1' and 'true', which are the same class"),
    "below 0": ("0 = -1.0", (0, 1), "[model] class_weight: 0 = -1.0; allowed are numbers from 0"),
    "a text": ('0 = "much"', (0, 1), "[model] class_weight: 0 = 'much'; allowed are numbers from 0"),
    "infinity": ("0 = inf", (0, 1), "[model] class_weight: 0 = inf; allowed are numbers from 0"),
    "true": ("0 = true", (0, 1), "[model] class_weight: 0 = True; allowed are numbers from 0"),
}


@pytest.mark.parametrize(("weights", "classes", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_before_the_first_trial(write, capsys, weights, classes, told):
    write(weights, classes)
    for verb in ("tune", "cv", "diagnose"):
        assert cli.main([verb, "weighted.toml"]) == 2
        error = capsys.readouterr().err
        assert told in error
        assert error.count("\n") == 1


def test_a_weight_of_0_is_allowed(write):
    assert evaluate(problem_of(write("0 = 0.0, 1 = 1.0")), Trial(0, {})).verdict in ("ok", "diverged")


def test_rows_of_an_outer_fold_may_lack_a_weighted_class(write):
    study = write("0 = 1.0, 1 = 5.0, 2 = 3.0")
    frame = pd.read_csv("rows.csv")
    frame.loc[:3, "y"] = 2
    frame.to_csv("rows.csv", index=False)
    dataset = data.load(study)
    assert evaluate(build_problem(study, dataset), Trial(0, {})).verdict == "ok"
    part = dataset.take(np.flatnonzero(dataset.y != 2))
    assert evaluate(build_problem(study, part, "outer fold 1"), Trial(0, {})).verdict == "ok"
    with pytest.raises(StudyError, match="'2', which is no class"):
        build_problem(study, part)


@pytest.mark.parametrize("value", ["balanced", None])
def test_other_weights_stay_as_they_are(value):
    assert of_classes([0, 1], value) == value


def test_cv_of_a_configuration_that_cannot_be_evaluated_ends_with_1_bug(write, monkeypatch, capsys):
    def broken(*_):
        raise ValueError("no rows")

    monkeypatch.setattr("search.trials.side_by_side._scores", broken)
    write("0 = 1.0")
    assert cli.main(["cv", "weighted.toml"]) == 1
    assert "error: ValueError: no rows" in capsys.readouterr().out
