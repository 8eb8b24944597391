"""The honest estimate: the whole study is run on the training rows of each outer fold, and goes on where it was cut off."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.model_selection import GroupKFold, cross_validate

from bpmodel import BPRegressor, DivergenceError
from search import BPSearchCV, StudyError, cli, tracking, tuning
from search.formatting import number
from search.loop import journal, runner, workers
from search.results.result import Nested
from search.study import data, nested_cv, records, study_file
from search.study.assembly import open_store
from search.trials import refitting
from search.trials.baselines import DUMMY, LINEAR

STUDY = """\
name = "small"
[data]
source = "rows.csv"
target = "y"
task = "{task}"
[model]
max_iter = 6
[space]
learning_rate_init = [0.01, 0.05]
hidden_layer_sizes = [[4]]
[search]
method = "grid"
n_jobs = 1
n_seeds = 1
[cv]
{cv}
outer = 3
"""

CV = {
    "k_fold": "n_splits = 2",
    "repeated": "n_splits = 2\nrepeats = 2",
    "stratified": "n_splits = 2",
    "group": "n_splits = 2\ngroup = 'town'",
    "stratified_group": "n_splits = 2\ngroup = 'town'",
    "leave_one_group_out": "kind = 'leave_one_group_out'\ngroup = 'town'",
    "three groups": "n_splits = 3\ngroup = 'town'",
    "time_series": "kind = 'time_series'\nn_splits = 2\ngap = 1",
}


@pytest.fixture
def make(folder):
    """Write a table and a study of it; return the study."""

    def make(kind: str = "k_fold", frame: pd.DataFrame | None = None, n: int = 72) -> study_file.Study:
        random = np.random.default_rng(3)
        if frame is None:
            frame = pd.DataFrame({"row": np.arange(n), "x": random.normal(size=n), "town": np.arange(n) // 4 % 9})
            frame["y"] = (2 * frame.x + random.normal(size=n)).round(3)
        task = "regression"
        if kind.startswith("stratified"):
            frame["y"], task = frame.y > 0, "classification"
        frame.to_csv("rows.csv", index=False)
        Path("small.toml").write_text(STUDY.format(task=task, cv=CV[kind]))
        return study_file.load("small.toml")

    return make


def plan(part: nested_cv.Part) -> runner.Plan:
    return runner.plan(part.problem, part.study.space, method="grid", n_jobs=1, prune=False)


@pytest.mark.parametrize("kind", CV)
def test_outer_test_rows_are_in_no_fold_of_their_study(make, kind):
    study = make(kind)
    dataset = data.load(study)
    parts = nested_cv.parts(study, dataset)
    assert len(parts) == 3
    for part in parts:
        train, test = set(part.problem.X["row"]), set(part.test.X["row"])
        assert train
        assert test
        assert not train & test
        assert part.problem.X is part.dataset.X
        if "group" in kind:
            assert not set(part.dataset.labels) & set(part.test.labels)
        if kind == "time_series":
            assert min(test) - max(train) == 2
    tested = [row for part in parts for row in part.test.X["row"]]
    assert len(tested) == len(set(tested)) == (54 if kind == "time_series" else 72)


def test_every_outer_fold_has_a_seed_and_a_journal_of_its_own(make):
    study = make()
    parts = nested_cv.parts(study, data.load(study))
    assert [part.study.name for part in parts] == ["small.outer-1", "small.outer-2", "small.outer-3"]
    assert len({study.search.seed, *(part.study.search.seed for part in parts)}) == 4


def test_what_happens_in_the_test_rows_changes_no_trial(make):
    study = make()
    dataset = data.load(study)
    first = nested_cv.parts(study, dataset)[0]
    score = nested_cv.score(first, plan(first))
    with closing(open_store(first.study, first.dataset, first.problem)) as store:
        before = {n: o.fold_scores for n, o in store.outcomes.items()}

    frame = pd.read_csv("rows.csv")
    frame.loc[frame.row.isin(first.test.X["row"]), ["x", "y"]] *= -1000
    study = make(frame=frame)
    spoiled = nested_cv.parts(study, data.load(study))[0]
    Path("studies/small.outer-1.journal").unlink()
    assert nested_cv.score(spoiled, plan(spoiled)) < 100 * score < 0  # errors, negative
    with closing(open_store(spoiled.study, spoiled.dataset, spoiled.problem)) as store:
        assert {n: o.fold_scores for n, o in store.outcomes.items()} == before


def test_an_outer_fold_that_is_scored_is_not_run_again(make, monkeypatch):
    study = make()
    part = nested_cv.parts(study, data.load(study))[0]
    score = nested_cv.score(part, plan(part))
    monkeypatch.setattr(workers, "evaluate", None)
    assert nested_cv.score(part, plan(part)) == score


@pytest.mark.parametrize("reason", ["no healthy trial", "refit diverges"])
def test_an_outer_fold_without_a_network_has_no_score(make, make_outcome, monkeypatch, reason):
    study = make()
    part = nested_cv.parts(study, data.load(study))[0]
    if reason == "no healthy trial":
        monkeypatch.setattr(workers, "evaluate", lambda problem, trial, _: make_outcome(trial.number, "diverged"))
    else:

        def always_diverges(*_):
            raise DivergenceError("three times")

        monkeypatch.setattr(refitting, "refit", always_diverges)
    assert nested_cv.score(part, plan(part)) is None
    assert np.isnan(Nested([1.0, None]).score)
    assert np.isnan(Nested([1.0, None]).std)


@pytest.mark.parametrize(
    ("kind", "towns", "told"),
    [
        ("leave_one_group_out", 2, r"outer folds: \[cv\] n_splits = 3 needs at least 3 groups; column 'town' has 2"),
        ("three groups", 3, r"outer fold 1: \[cv\] n_splits = 3 needs at least 3 groups; column 'town' has 2"),
    ],
)
def test_too_few_groups_are_told_before_anything_is_stored(make, kind, towns, told):
    frame = pd.DataFrame({"x": range(12), "town": np.arange(12) % towns, "y": range(12)})
    with pytest.raises(StudyError, match=rf"^small\.toml: {told}$"):
        tuning.tune(make(kind, frame))
    assert not Path("studies").exists()


def test_cut_off_and_gone_on_with(make, monkeypatch, mlflow):
    whole = tuning.tune(make())
    for path in Path("studies").iterdir():
        path.unlink()
    evaluate, runs = workers.evaluate, []

    def interrupted(problem, trial, cancelled):
        runs.append(trial.number)
        if len(runs) == 6:  # two trials of the study, two of the first outer fold, one of the second
            raise KeyboardInterrupt
        return evaluate(problem, trial, cancelled)

    monkeypatch.setattr(workers, "evaluate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(make())
    again = tuning.tune(make())
    assert runs == [0, 1, 0, 1, 0, 1, 1, 0, 1]
    assert again.nested == whole.nested
    assert not again.unchanged
    assert {n: o.fold_scores for n, o in again.outcomes.items()} == {
        n: o.fold_scores for n, o in whole.outcomes.items()
    }


def test_report_and_mlflow_show_the_honest_estimate_beside_the_other(make, mlflow, capsys):
    make()
    assert cli.main(["tune", "small.toml"]) == 0
    first = capsys.readouterr().out
    result = tuning.tune(study_file.load("small.toml"))
    assert result.unchanged
    assert len(result.nested.scores) == 3
    study = study_file.load("small.toml")
    outer = nested_cv.outer_folds(study, data.load(study), 3).splits
    assert [b.name for b in result.nested.baselines][:2] == [DUMMY, LINEAR]
    y = data.load(study).y
    by_hand = [-np.sqrt(np.mean((y[test] - y[train].mean()) ** 2)) for train, test in outer]
    assert result.nested.baselines[0].fold_scores == pytest.approx(by_hand)
    assert records.result(journal.read(Path("studies/small.journal"))).nested == result.nested
    client = mlflow.MlflowClient(tracking.default_uri())
    found = client.search_runs([client.get_experiment_by_name("small").experiment_id])
    (parent,) = (run for run in found if "trial" not in run.data.tags)
    assert len(found) == 3
    metrics = parent.data.metrics
    assert (metrics["nested_score"], metrics["nested_score_std"]) == (result.nested.score, result.nested.std)
    steps = client.get_metric_history(parent.info.run_id, "outer_score")
    assert [(m.step, m.value) for m in steps] == list(enumerate(result.nested.scores))
    honest = f"{number(-result.nested.score)} ± {number(result.nested.std)}: the whole search, on unseen rows"
    assert honest in parent.data.tags["mlflow.note.content"]
    for text in (first, cli.main(["tune", "small.toml"]) or capsys.readouterr().out):
        assert honest in text
        assert (
            f"{number(-result.best.score)} ± {number(result.best.std)}: trial {result.best.number}, on the folds that"
            in text
        )
        for baseline in result.nested.baselines:
            assert (
                f"{number(-baseline.score)} ± {number(baseline.std)}: {baseline.name}, on the same unseen rows" in text
            )
        assert "outer folds: " + ", ".join(number(-score) for score in result.nested.scores) in text


def test_nested_cross_validation_may_be_asked_for_later(make):
    study = make()
    asked = Path("small.toml").read_text()
    Path("small.toml").write_text(asked.replace("outer = 3", ""))
    first = tuning.tune(study_file.load("small.toml"))
    assert first.nested is None
    second = tuning.tune(study)
    assert (second.unchanged, len(second.nested.scores)) == (False, 3)
    assert {n: o.fold_scores for n, o in second.outcomes.items()} == {
        n: o.fold_scores for n, o in first.outcomes.items()
    }


def test_more_seeds_may_be_asked_for_later_bug(make, monkeypatch):
    """The study and its outer folds were complete: nothing was evaluated again."""
    study = make()
    assert tuning.tune(study).best.seed_scores == []
    refitted = []
    monkeypatch.setattr(
        refitting,
        "refit",
        lambda problem, best, *more, refit=refitting.refit: (
            refitted.append(best.seed_scores) or refit(problem, best, *more)
        ),
    )
    Path("small.toml").write_text(Path("small.toml").read_text().replace("n_seeds = 1", "n_seeds = 2"))
    more = study_file.load("small.toml")
    second = tuning.tune(more)
    assert (second.unchanged, len(second.best.seed_scores)) == (False, 2)
    assert [len(scores) for scores in refitted] == [2, 2, 2, 2], "three outer folds, and the whole study"
    assert tuning.tune(more).unchanged
    assert tuning.tune(study).unchanged


def test_more_networks_may_be_averaged_later(make, monkeypatch):
    """No trial is evaluated again, but the model and the outer folds' scores are of another number of networks."""
    study = make()
    first = tuning.tune(study)
    averaged = replace(study, search=study.search.model_copy(update={"n_members": 2}))
    monkeypatch.setattr(workers, "evaluate", None)
    second = tuning.tune(averaged)
    assert (second.unchanged, second.model.version) == (False, first.model.version + 1)
    assert second.best.fold_scores == first.best.fold_scores
    assert all(two != one for two, one in zip(second.nested.scores, first.nested.scores, strict=True))
    assert tuning.tune(averaged).unchanged


def test_a_search_is_nested_by_groups_as_any_estimator_of_scikit_learn():
    random = np.random.default_rng(0)
    X, y, groups = random.normal(size=(60, 2)), random.normal(size=60), np.arange(60) // 5
    with config_context(enable_metadata_routing=True):
        search = BPSearchCV(
            BPRegressor(hidden_layer_sizes=(4,), max_iter=4), {"alpha": [0.1]}, method="grid", cv=GroupKFold(3)
        )
        found = cross_validate(search, X, y, cv=GroupKFold(4), params={"groups": groups}, return_estimator=True)
    assert len(found["test_score"]) == 4
    assert [inner.n_splits_ for inner in found["estimator"]] == [3] * 4
