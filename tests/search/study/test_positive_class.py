"""The positive class of a study, and classes that some folds lack."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss

from search import StudyError, cli, tuning
from search.study import data, metrics, nested_cv, study_file
from search.study.assembly import build_problem, measure_baselines, open_store
from search.trials.evaluation import evaluate
from search.trials.problem import Trial

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STUDY = """\
name = "two"
[data]
source = "rows.csv"
target = "y"
task = "classification"
[model]
max_iter = 12
hidden_layer_sizes = [6]
[space]
alpha = [0.1]
[search]
method = "grid"
n_seeds = 1
n_members = 1
n_jobs = 1
[cv]
n_splits = 3
scoring = "f1"
"""
RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(RANDOM.normal(size=(90, 3)), columns=list("abc"))
CODES = np.where(ROWS.a + RANDOM.normal(size=90) > 0.4, 1, 0)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a table with these classes, and a study file in which texts are replaced."""
    monkeypatch.chdir(tmp_path)

    def write(classes=("no", "yes"), *changes):
        ROWS.assign(y=np.array(classes, dtype=object)[CODES]).to_csv("rows.csv", index=False)
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("two.toml").write_text(text)
        return study_file.load("two.toml")

    return write


def positive(value):
    return ('task = "classification"', f'task = "classification"\npositive = {value}')


def score(study):
    return evaluate(build_problem(study, data.load(study)), Trial(0, {})).score


@pytest.mark.parametrize(
    ("classes", "changes"),
    [
        (("no", "yes"), ()),
        (("no", "yes"), (positive('"yes"'),)),
        (("No", "Yes"), (positive('"yes"'),)),
        (("false", "true"), ()),
        (("false", "true"), (positive("true"),)),
        ((0, 1), (positive("1"),)),
        ((0, 1), (positive('"1"'),)),
        (("否", "是"), ()),
        (("u", "v"), (positive('"v"'),)),
    ],
    ids=str,
)
@pytest.mark.parametrize("scoring", ["f1", "average_precision", "neg_brier_score"])
def test_classes_of_any_name_have_the_score_of_0_and_1_bug(write, classes, changes, scoring):
    """ "pos_label=1 is not a valid label", and no key said which class is the positive one."""
    scored = ('"f1"', f'"{scoring}"')
    expected = score(write((0, 1), scored))
    assert score(write(classes, scored, *changes)) == pytest.approx(expected)


def test_another_positive_class_has_another_score(write):
    study = write(("no", "yes"), positive('"no"'))
    problem = build_problem(study, data.load(study))
    (dummy, *_) = measure_baselines(study, problem)
    folds = [
        f1_score(problem.y[rows], np.full(len(rows), pd.Series(problem.y[train]).mode()[0]), pos_label="no")
        for train, rows in problem.folds.splits
    ]
    assert dummy.score == pytest.approx(np.mean(folds))
    assert score(study) != score(write(("no", "yes"), positive('"yes"')))


MISTAKES = {
    "no class": (('"maybe"',), "[data] positive = 'maybe' is no class of the target; the classes are 'no', 'yes'"),
    "a list": (('["yes"]',), "[data] positive = ['yes']; allowed are texts, numbers, true and false"),
    "a regression": (('"yes"', "regression"), "[data] positive = 'yes' needs task = 'classification'"),
}


@pytest.mark.parametrize(("given", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_line(write, capsys, given, told):
    value, *task = given
    changes = [positive(value)]
    if task:
        changes.append(('task = "classification"', 'task = "regression"'))
    with pytest.raises(StudyError) as error:
        score(write(("no", "yes"), *changes))
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert cli.main(["tune", "two.toml"]) == 2


def test_what_is_guessed_is_told_where_it_matters(write):
    def notes(*arguments):
        study = write(*arguments)
        return metrics.notes(study, data.load(study))

    assert notes() == ("'yes' is taken for the positive class; [data] positive names another",)
    assert notes(("no", "yes"), positive('"no"')) == ()
    assert notes(("no", "yes"), ('"f1"', '"accuracy"')) == ()
    assert notes(("no", "yes"), ('"f1"', '["accuracy", "f1"]')) != ()


def test_tune_tells_it_and_another_class_is_another_study(folder, write, capsys):
    write()
    assert cli.main(["tune", "two.toml"]) == 0
    assert "data: 'yes' is taken for the positive class" in capsys.readouterr().out
    write(("no", "yes"), positive('"no"'))
    assert cli.main(["tune", "two.toml"]) == 2
    assert 'another [data] (positive: there "yes", here "no")' in capsys.readouterr().err
    write(("no", "yes"), positive('"yes"'))
    assert cli.main(["tune", "two.toml"]) == 0


def test_studies_of_0_and_1_go_on(write):
    """Their journals have no positive class."""
    study = write((0, 1))
    dataset = data.load(study)
    assert metrics.identity(study, dataset) == {}
    open_store(study, dataset, build_problem(study, dataset)).close()


THREE = np.where(CODES == 1, "b", "a").astype(object)
THREE[[3, 50]] = "rare"
"""A class of two rows: of three folds, at least one has none to validate."""


def write_three(y):
    ROWS.assign(y=y).to_csv("rows.csv", index=False)


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc_ovr", "top_k_accuracy", "f1_macro", "neg_brier_score"])
def test_a_class_that_is_in_no_validation_row_of_a_fold_bug(write, scoring):
    study = write((0, 1), ('"f1"', f'"{scoring}"'))
    write_three(THREE)
    dataset = data.load(study)
    problem = build_problem(study, dataset)
    assert any(len(set(dataset.y[rows])) == 2 for _, rows in problem.folds.splits)
    outcome = evaluate(problem, Trial(0, {}))
    assert (outcome.verdict, len(outcome.fold_scores)) == ("ok", 3)
    found = measure_baselines(study, problem)
    assert [b.name for b in found] == ["dummy predictor", "linear model", "gradient boosting"]
    if scoring == "neg_log_loss":
        known = sorted(set(THREE))
        folds = [
            -log_loss(dataset.y[rows], [[np.mean(dataset.y[train] == c) for c in known]] * len(rows), labels=known)
            for train, rows in problem.folds.splits
        ]
        assert found[0].score == pytest.approx(np.mean(folds))


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize(("scoring", "needs"), [("neg_log_loss", True), ("accuracy", False), ("f1_macro", False)])
def test_a_class_of_one_row_is_named_where_it_cannot_be_scored(write, scoring, needs):
    y = THREE.copy()
    y[50] = "a"
    study = write((0, 1), ('"f1"', f'"{scoring}"'))
    write_three(y)
    if not needs:
        assert score(study)
        return
    with pytest.raises(
        StudyError, match=r"needs each class among the training rows .* class 'rare' has 1 row\. Leave it out"
    ):
        score(study)


def test_metrics_of_two_classes_are_refused_for_three(write):
    study = write()
    write_three(THREE)
    with pytest.raises(
        StudyError, match=r"'f1' is for two classes; the target has 3\. Allowed are f1_macro, f1_weighted"
    ):
        score(study)
    study = write(("no", "yes"), positive('"no"'), ('"f1"', '"accuracy"'))
    write_three(THREE)
    with pytest.raises(StudyError, match="positive = 'no' is for two classes; the target has 3: 'a', 'b', 'rare'"):
        score(study)


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_outer_test_rows_may_lack_a_class(folder, write):
    study = write((0, 1), ('"f1"', '"neg_log_loss"'), ("n_splits = 3", "n_splits = 2\nouter = 5"))
    y = THREE.copy()
    y[[7, 20]] = "rare"
    write_three(y)
    parts = nested_cv.parts(study, data.load(study))
    assert any("rare" not in part.test.y for part in parts)
    result = tuning.tune(study)
    assert len(result.nested.scores) == 5
    assert all(score < 0 for score in result.nested.scores)
