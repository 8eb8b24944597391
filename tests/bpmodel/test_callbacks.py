"""scikit-learn's callbacks see every epoch, through pipelines and searches, and may end a fit."""

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EPOCHS = 4


class Recorder:
    """Writes down every hook, and a score of the network that each epoch leaves behind; stops after some epochs."""

    def __init__(self, epochs: float = np.inf) -> None:
        self.epochs, self.calls, self.scores = epochs, [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.calls.append(f"end {context.task_name}")
        self.scores.append(fitted_estimator.score(X, y))
        return len(self.scores) >= self.epochs


class TaskRecorder:
    """Writes down every hook, and which estimator is there at the end of a fit."""

    def __init__(self) -> None:
        self.calls = []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        known = fitted_estimator is not None and context.task_name == "fit"
        self.calls.append(f"end {context.task_name}{f' {type(fitted_estimator).__name__}' if known else ''}")


class Propagated(TaskRecorder):
    """A callback that meta-estimators hand on."""

    max_propagation_depth = None


def model(problem, **changes):
    return problem.ours(**{"max_iter": EPOCHS, "hidden_layer_sizes": (5,), "random_state": 0, **changes})


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_every_epoch_is_a_task(problems, task):
    X, y, *_ = problem = problems[task]
    recorder = Recorder()
    fitted = model(problem).set_callbacks(recorder).fit(X, y)
    epoch = ["begin epoch", "end epoch"]
    assert recorder.calls == ["setup", "begin fit", *epoch * EPOCHS, "end fit", "teardown"]
    alone = [model(problem, max_iter=n).fit(X, y).score(X, y) for n in range(1, EPOCHS + 1)]
    assert recorder.scores == [*alone, fitted.score(X, y)]
    assert not hasattr(fitted, "_callback_fit_ctx")


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_a_callback_ends_the_fit(problems, task):
    X, y, *_ = problem = problems[task]
    fitted = model(problem, max_iter=50).set_callbacks(Recorder(epochs=3)).fit(X, y)
    assert fitted.n_iter_ == 3
    assert fitted.verdict_.status == "ok"
    np.testing.assert_array_equal(fitted.predict(X), model(problem, max_iter=3).fit(X, y).predict(X))


def test_hooks_are_matched_when_a_fit_diverges(problems):
    X, y, *_ = problems["regression"]
    recorder = Recorder()
    network = BPRegressor(solver="sgd", learning_rate_init=1e3, on_divergence="raise").set_callbacks(recorder)
    with pytest.raises(ArithmeticError):
        network.fit(X, y)
    assert recorder.calls[0] == "setup"
    assert recorder.calls[-1] == "teardown"
    assert recorder.calls.count("begin epoch") == recorder.calls.count("end epoch")


def test_scores_of_every_epoch_through_pipeline_and_search(problems):
    X, y, *_ = problems["multiclass"]
    monitor = ScoringMonitor(scoring="accuracy")
    network = BPClassifier(max_iter=EPOCHS, random_state=0).set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), network), {"bpclassifier__alpha": [0.1, 1.0]}, cv=3, refit=False
    )
    search.fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 2 * 3 * EPOCHS
    assert all(0 <= row["accuracy"] <= 1 for row in rows)


def test_progress_bar(problems, capsys):
    X, y, *_ = problems["regression"]
    make_pipeline(StandardScaler(), BPRegressor(max_iter=EPOCHS)).set_callbacks(ProgressBar()).fit(X, y)
    assert "BPRegressor" in capsys.readouterr().out


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_members_of_an_ensemble_are_tasks(problems, n_jobs):
    """There was no `set_callbacks`."""
    X, y, *_ = problem = problems["regression"]
    recorder, monitor = TaskRecorder(), Propagated()
    ensemble = BPEnsembleRegressor(model(problem), n_members=3, n_jobs=n_jobs, random_state=0)
    ensemble.set_callbacks(recorder, monitor).fit(X, y, np.ones(len(X)))
    assert sorted(recorder.calls) == sorted(
        ["setup", "begin fit", *["begin member", "end member"] * 3, "end fit BPEnsembleRegressor", "teardown"]
    )
    assert monitor.calls.count("begin epoch") == monitor.calls.count("end epoch") == 3 * EPOCHS
    assert monitor.calls.count("setup") == monitor.calls.count("teardown") == 1
    for member in (ensemble, *ensemble.estimators_):
        assert not {"_callback_fit_ctx", "_parent_callback_ctx"} & set(vars(member))
    assert not hasattr(ensemble.estimators_[0], "_skl_callbacks")


def test_callbacks_of_the_network_follow_each_member(problems):
    X, y, *_ = problem = problems["regression"]
    recorder = TaskRecorder()
    BPEnsembleRegressor(model(problem).set_callbacks(recorder), n_members=2, random_state=0).fit(X, y)
    assert recorder.calls.count("begin epoch") == 2 * EPOCHS


def test_hooks_of_an_ensemble_are_matched_when_a_member_fails(problems):
    X, y, *_ = problems["regression"]
    recorder = TaskRecorder()
    wild = BPRegressor(solver="sgd", learning_rate_init=1e3, on_divergence="raise")
    with pytest.raises(ArithmeticError):
        BPEnsembleRegressor(wild, n_members=2, random_state=0).set_callbacks(recorder).fit(X, y)
    assert recorder.calls.count("begin member") == recorder.calls.count("end member")
    assert recorder.calls[-1] == "teardown"
