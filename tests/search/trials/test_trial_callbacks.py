"""scikit-learn's callbacks hear of a search as of scikit-learn's own: each task by its name, begun once and ended once."""

from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPRegressor
from search import BPSearchCV

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FOLD, REFIT = "candidate-split-evaluation", "refit-with-best-params"


class Recorder:
    """Writes down what the hooks are given."""

    def __init__(self):
        self.calls, self.estimators, self.data = [], set(), []

    def setup(self, estimator, context):
        self.calls.append(("setup", "", 0))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", "", 0))

    def on_fit_task_begin(self, estimator, context, *, X, y, metadata):
        self._note("begin", estimator, context)
        self.data.append((context.task_name, X, y, metadata))

    def on_fit_task_end(self, estimator, context):
        self._note("end", estimator, context)

    def _note(self, hook, estimator, context):
        self.estimators.add(type(estimator).__name__)
        self.calls.append((hook, context.task_name, context.task_id))

    @property
    def counts(self):
        return Counter((hook, name) for hook, name, _ in self.calls)


class PassedOn(Recorder):
    max_propagation_depth = None


def network(**changes):
    return BPRegressor(
        hidden_layer_sizes=(5,), max_iter=8, scale_input="standard", scale_target=True, random_state=0, **changes
    )


KINDS = {
    "ridge": (Ridge(), {"alpha": [0.1, 1.0, 10.0]}),
    "network": (network(), {"alpha": [0.1, 1.0, 10.0]}),
    "network in a pipeline": (make_pipeline(StandardScaler(), network()), {"bpregressor__alpha": [0.1, 1.0, 10.0]}),
}


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(("estimator", "space"), KINDS.values(), ids=KINDS)
def test_tasks_are_those_of_grid_search(rows, estimator, space, jobs, refit):
    ours, theirs = Recorder(), Recorder()
    given = {"cv": 4, "refit": refit}
    BPSearchCV(estimator, space, method="grid", n_jobs=jobs, **given).set_callbacks(ours).fit(*rows())
    GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, **given).set_callbacks(theirs).fit(*rows())
    assert ours.counts == theirs.counts
    assert ours.counts["begin", FOLD] == 12
    assert ours.calls[:3] == [("setup", "", 0), ("begin", "fit", 0), ("begin", "search", 0)]
    assert {task for hook, name, task in ours.calls if name == FOLD} == set(range(12))
    assert ours.calls[-2:] == [("end", "fit", 0), ("teardown", "", 0)]
    assert ours.estimators == {"BPSearchCV"}
    begun = [call[1:] for call in ours.calls if call[0] == "begin"]
    assert sorted(begun) == sorted(call[1:] for call in ours.calls if call[0] == "end")


@pytest.mark.parametrize("name", KINDS)
def test_rows_and_weights_of_each_task(rows, name):
    X, y = rows()
    weight = np.arange(1.0, len(y) + 1)
    recorder = Recorder()
    estimator, space = KINDS[name]
    key = "sample_weight" if name != "network in a pipeline" else "bpregressor__sample_weight"
    fitted = BPSearchCV(estimator, space, method="grid", cv=3).set_callbacks(recorder).fit(X, y, **{key: weight})
    whole = [entry for entry in recorder.data if entry[0] in ("fit", REFIT)]
    assert [len(entry[1]) for entry in whole] == [len(y)] * 2
    folds = [entry for entry in recorder.data if entry[0] == FOLD]
    assert [len(X) for _, X, *_ in folds] == [len(y) for _, _, y, _ in folds] == [60] * 9
    told = {len(entry[3]["sample_weight"]) for entry in folds if entry[3]}
    assert told == (set() if key != "sample_weight" else {60})
    assert fitted.n_splits_ == 3


@pytest.mark.parametrize("refit", [True, False])
def test_callbacks_are_passed_on_to_an_estimator_that_takes_them(rows, refit):
    """Here a whole search is what is tuned: of its fit, which is the fold itself, callbacks hear once."""
    inner = BPSearchCV(network(), {"alpha": [0.1, 1.0]}, method="grid", cv=2)
    ours, theirs = PassedOn(), PassedOn()
    given = {"cv": 3, "refit": refit}
    space = {"n_seeds": [1], "prune": [False]}
    BPSearchCV(inner, space, method="grid", **given).set_callbacks(ours).fit(*rows())
    GridSearchCV(inner, space, **given).set_callbacks(theirs).fit(*rows())
    assert ours.counts == theirs.counts
    assert ours.counts["begin", "search"] == 1 + 3 + refit


def test_a_fold_of_a_configuration_that_diverged_before_is_not_begun(rows):
    recorder = Recorder()
    space = {"learning_rate_init": [900.0, 0.02]}
    search = BPSearchCV(network(solver="sgd"), space, method="grid", cv=3).set_callbacks(recorder)
    assert search.fit(*rows()).cv_results_["verdict"].tolist() == ["diverged", "ok"]
    assert [task for hook, name, task in recorder.calls if (hook, name) == ("begin", FOLD)] == [0, 3, 4, 5]
    assert recorder.counts["begin", FOLD] == recorder.counts["end", FOLD]


def test_evaluations_with_further_seeds_are_no_tasks(rows):
    recorder = Recorder()
    search = BPSearchCV(network(), {"alpha": [0.1, 1.0]}, method="grid", cv=3, n_seeds=3)
    search.set_callbacks(recorder).fit(*rows())
    assert recorder.counts["begin", FOLD] == 6


@pytest.mark.parametrize("estimator", [Ridge(), network()])
def test_hooks_are_matched_when_a_search_fails(rows, estimator):
    recorder = Recorder()
    search = BPSearchCV(estimator, {"alpha": [-1.0]}, method="grid", cv=3, error_score="raise").set_callbacks(recorder)
    with pytest.raises(ValueError, match="alpha"):
        search.fit(*rows())
    assert recorder.counts["begin", FOLD] == recorder.counts["end", FOLD] == 1
    assert recorder.calls[-1] == ("teardown", "", 0)


def test_without_callbacks_a_search_is_the_same(rows):
    search = BPSearchCV(network(), {"alpha": [0.1, 1.0]}, method="grid", cv=3, random_state=0)
    told = clone(search).set_callbacks(Recorder()).fit(*rows())
    assert told.best_score_ == search.fit(*rows()).best_score_
    assert not hasattr(told, "_callback_fit_ctx")


def test_progress_bar(rows, capsys):
    search = BPSearchCV(network(), {"alpha": [0.1, 1.0]}, method="grid", cv=3, n_jobs=2)
    search.set_callbacks(ProgressBar()).fit(*rows())
    assert "BPSearchCV" in capsys.readouterr().out
