"""One search from problem to model: who is told what in which order, and when all of it is done already."""

import dataclasses
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import get_scorer

from bpmodel import BPRegressor
from search import BPSearchCV, StudyError, experiment
from search.experiment import Job
from search.loop import workers
from search.loop.journal import StudyStore
from search.loop.runner import Plan
from search.results.result import Nested
from search.results.tracking_report import tracking_report
from search.space import spaces
from search.tracking import Tracker, TrackingError
from search.tracking.protocol import Nowhere, writing
from search.trials.baselines import Baseline
from search.trials.callbacks import NoTasks
from search.trials.penalties import Feedback

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SPACE = spaces.build({"learning_rate_init": [0.01, 0.02]})


class Remembered(Tracker):
    """Remembers what it is told; raises at one of its methods."""

    def __init__(self, breaks: str = ""):
        self.calls, self._breaks = [], breaks

    def _call(self, name, *told):
        self.calls.append((name, *told))
        if name == self._breaks:
            raise TrackingError(f"{name} is broken")

    def check(self):
        self._call("check")

    def begin(self, header):
        self._call("begin", header.experiment, header.params)

    def record(self, outcome, value):
        self._call("record", outcome.number)

    def register(self, model, X, score):
        self._call("register", type(model).__name__, len(X), score)

    def finish(self, report):
        self._call("finish", report)

    def end(self, status):
        self._call("end", status)

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.calls]


@pytest.fixture
def job(make_problem) -> Job:
    plan = Plan("grid", 2, n_jobs=1, prune=False, portfolio=False)
    return Job("mine", make_problem(max_iter=4), SPACE, plan, [Baseline("dummy predictor", -60.0, 1.0)], "3 folds")


@pytest.fixture
def store() -> StudyStore:
    return StudyStore(None, "mine", {}, SPACE)


def test_the_order_of_things(job, store):
    tracker, seen = Remembered(), []
    result = experiment.run(job, store, tracker=tracker, params={"a": 1}, on_outcome=lambda o: seen.append(o.number))
    assert tracker.names == ["begin", "record", "record", "register", "finish", "end"]
    comparable = {"seed": 0, "scoring": "score", "cv": "3 folds", "folds": 3}
    assert tracker.calls[0] == (
        "begin",
        "mine",
        comparable | {"folds_fingerprint": job.problem.folds.fingerprint, "a": 1},
    )
    assert tracker.calls[3] == ("register", "Pipeline", 90, result.best.score)
    assert tracker.calls[-1] == ("end", "FINISHED")
    assert seen == [0, 1]
    assert (result.problem, result.n_networks, type(result.estimator).__name__) == ("", 1, "Pipeline")
    report = tracker.calls[4][1]
    counts = {"trials_ok": 2, "trials_stopped": 0, "trials_diverged": 0, "trials_error": 0}
    expected = {"score": result.best.score, "score_std": result.best.std, "epochs": result.best.epoch}
    outcomes = result.outcomes.values()
    spent = {"trials": 2, "total_seconds": sum(o.seconds for o in outcomes), "total_epochs": 8}
    assert report.metrics == spent | counts | expected | {"dummy_predictor_score": -60.0}
    assert report.params == {"best.learning_rate_init": result.best.params["learning_rate_init"]}
    assert report.summary.startswith("**mine**: 2 trials by grid search, 3 folds, score.")


def test_scores_of_the_report_as_people_say_them(job, store, make_outcome):
    rmse = "neg_root_mean_squared_error"
    dummy = Baseline("dummy predictor", -60.0, 1.0, means={rmse: -60.0, "r2": -0.1})
    known = dataclasses.replace(job, scoring=rmse, baselines=[dummy])
    best = make_outcome(scores=(-0.5, -0.25), metrics={rmse: [-0.5, -0.25], "r2": [0.5, 0.75]})
    diverged = make_outcome(1, "diverged")
    found = experiment.found(known, {0: best, 1: diverged}, best, Nested([-0.5, -1.0]))
    report = tracking_report(found)
    plain = {"root_mean_squared_error": 0.375, "r2": 0.625, "dummy_predictor_root_mean_squared_error": 60.0}
    plain |= {"dummy_predictor_r2": -0.1, "nested_root_mean_squared_error": 0.75, "trials": 2, "total_epochs": 6 + 2}
    assert plain.items() <= report.metrics.items()
    assert (report.metrics["score"], report.metrics["nested_score"]) == (-0.375, -0.75)
    assert report.texts["divergences.md"].startswith("# Diverged trials\n\n1 of 2 trials diverged.")


def test_trials_of_earlier_runs_are_recorded_again(job, store):
    experiment.run(job, store)
    tracker = Remembered()
    experiment.run(job, store, tracker=tracker)
    assert [call[1] for call in tracker.calls if call[0] == "record"] == [0, 1]


def test_nothing_is_delivered_where_nothing_is_wanted(job, store):
    tracker = Remembered()
    result = experiment.run(job, store, tracker=tracker, deliver=lambda job, best: None)
    assert (result.estimator, result.model, result.n_networks) == (None, None, 0)
    assert tracker.names[-2:] == ["finish", "end"]
    assert "register" not in tracker.names


@pytest.mark.parametrize(
    ("register", "dummy", "registered"),
    [("always", 0.0, True), ("if_better", 0.0, False), ("if_better", -1e6, True)],
)
def test_a_model_is_registered_always_or_if_it_is_better(job, store, register, dummy, registered):
    """A network with errors above 0 is worse than a dummy predictor without errors."""
    tracker = Remembered()
    plan = dataclasses.replace(job.plan, register=register)
    yardsticks = [Baseline("dummy predictor", dummy, 0.0, (dummy, dummy - 1e-3, dummy))]
    result = experiment.run(dataclasses.replace(job, plan=plan, baselines=yardsticks), store, tracker=tracker)
    assert ("register" in tracker.names) is registered
    assert result.unregistered == ("" if registered else "the dummy predictor scores better")
    assert (result.problem, result.estimator is None, result.n_networks) == ("", False, 1)
    report = next(call[1] for call in tracker.calls if call[0] == "finish")
    assert report.verdict.startswith(f"**Trial {result.best.number} is ")
    told = 'Model: not registered (register = "if_better"): the dummy predictor scores better.'
    assert (told in report.summary) is not registered


def test_the_winner_is_diagnosed_with_what_was_tried(job, store, monkeypatch):
    asked = []
    monkeypatch.setattr("search.trials.diagnoses.diagnosis", lambda network, tried: asked.append(tried))
    experiment.run(job, store)
    assert asked == [{"learning_rate_init"}]


def test_a_search_in_python_registers_what_is_better_only(rows):
    X, y = rows()
    tracker = Remembered()
    noise = np.random.default_rng(0).normal(size=len(y))
    search(tracking=tracker, register="if_better").fit(X, noise)
    assert "register" not in tracker.names


def test_columns_that_give_the_target_away_are_told(job, store):
    tracker = Remembered()
    result = experiment.run(dataclasses.replace(job, suspects=(("copy",),)), store, tracker=tracker)
    assert result.suspects == (("copy",),)
    report = next(call[1] for call in tracker.calls if call[0] == "finish")
    assert report.verdict.startswith("**Column 'copy' alone predicts the target. Is it known before?**")


def test_without_a_healthy_trial_there_is_no_model(job, store, make_outcome, monkeypatch):
    monkeypatch.setattr(
        workers, "evaluate", lambda problem, trial, _: make_outcome(trial.number, "error", params=trial.params)
    )
    result = experiment.run(job, store, deliver=lambda *_: pytest.fail("there is nothing to deliver"))
    assert (result.best, result.problem) == (None, "no trial finished healthy")


@pytest.mark.parametrize("breaks", ["begin", "record", "register", "finish", "end"])
def test_errors_are_raised_or_told(job, breaks):
    tracker = Remembered(breaks)
    with pytest.raises(TrackingError, match=f"{breaks} is broken"):
        experiment.run(job, StudyStore(None, "mine", {}, SPACE), tracker=tracker)
    if breaks not in ("begin", "end"):
        assert tracker.calls[-1] == ("end", "FAILED")
    store = StudyStore(None, "mine", {}, SPACE)
    result = experiment.run(job, store, tracker=Remembered(breaks), forgiven=(TrackingError,))
    assert result.problem == f"{breaks} is broken"
    assert (result.best is not None) is (breaks in ("register", "finish", "end"))


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, "KILLED"), (ValueError, "FAILED")])
def test_the_status_at_the_end(error, status):
    for breaks in ("", "end"):
        tracker = Remembered(breaks)

        def body(tracker=tracker):
            with writing(tracker, None):
                raise error

        tracker.begin = lambda header: None
        with pytest.raises(error):
            body()
        assert tracker.calls == [("end", status)]


def test_a_tracker_does_nothing_by_default():
    nowhere = Nowhere()
    assert isinstance(nowhere, Tracker)
    told = [nowhere.check(), nowhere.begin(None), nowhere.record(None, 0.0), nowhere.register(None, None, 0.0)]
    assert [*told, nowhere.finish(None), nowhere.end("FINISHED")] == [None] * 6
    assert nowhere.holds(None) is True


@pytest.mark.parametrize(("baselines", "least"), [([Baseline("dummy predictor", 1e6, 0.0)], 1e6), ([], -np.inf)])
def test_penalties_are_measured_by_the_first_baseline(job, store, baselines, least):
    result = experiment.run(dataclasses.replace(job, baselines=baselines), store)
    told = {number: feedback.value for number, feedback in store.feedback.items()}
    assert told == {number: max(outcome.score, least) for number, outcome in result.outcomes.items()}


class Counted(NoTasks):
    @contextmanager
    def search(self, most):
        self.most = most
        yield


def test_callbacks_are_told_how_many_folds_there_are(job, store):
    tasks = Counted()
    experiment.run(dataclasses.replace(job, problem=dataclasses.replace(job.problem, tasks=tasks)), store)
    assert tasks.most == 2 * 3


@pytest.mark.parametrize(("sizes", "shown"), [((30, 20), [30, 20]), ((20, 30), None), ((20, 20), None)])
def test_the_report_has_a_front_where_there_are_smaller_networks(job, make_outcome, sizes, shown):
    made = [
        make_outcome(n, scores=(-n, -n), n_weights=w, params={"learning_rate_init": 0.01}) for n, w in enumerate(sizes)
    ]
    outcomes = {o.number: o for o in made}
    tables = tracking_report(experiment.found(job, outcomes, outcomes[0])).tables
    assert [row["n_weights"] for row in tables.get("front", [])] == (shown or [])
    assert tables["divergences"] == []
    assert [row["trial"] for row in tables["comparison"]] == [1]


# --------------------------------------------------------------------------------------------------- complete already


def completed(job: Job, store: StudyStore, **changes) -> dict:
    return experiment.completed(store, "note", Plan(**dataclasses.asdict(job.plan) | changes))


@pytest.mark.parametrize(
    ("changes", "complete"),
    [
        ({}, True),
        ({"n_seeds": 1}, True),
        ({"n_seeds": 3}, False),
        ({"n_members": 2}, False),
        ({"register": "if_better"}, False),
        ({"n_trials": 1}, True),
        ({"n_trials": 3}, False),
        ({"n_trials": 3, "target_score": -1e9}, True),
    ],
)
def test_a_search_is_complete_as_it_was_planned(job, store, make_outcome, changes, complete):
    job = dataclasses.replace(job, plan=Plan(**dataclasses.asdict(job.plan) | {"n_seeds": 2}))
    for number in range(2):
        store.record(make_outcome(number, params={"learning_rate_init": 0.01}), Feedback(-0.5))
    assert completed(job, store) == {}
    experiment.note_completed(store, "note", job.plan, {"score": 3.0})
    expected = {"trials": 2, "n_seeds": 2, "n_members": 1, "register": "always", "score": 3.0}
    assert completed(job, store, **changes) == (expected if complete else {})
    store.record(make_outcome(2, params={"learning_rate_init": 0.01}), Feedback(-0.5))
    assert completed(job, store, **changes) == {}, "trials were added since"


@pytest.mark.parametrize(("members", "complete"), [(1, True), (2, False)])
def test_notes_from_before_networks_were_averaged_are_of_one_network(job, store, make_outcome, members, complete):
    for number in range(2):
        store.record(make_outcome(number, params={"learning_rate_init": 0.01}), Feedback(-0.5))
    store.note("note", {"trials": 2, "n_seeds": 1, "score": 3.0})
    assert bool(completed(job, store, n_members=members)) is complete


# --------------------------------------------------------------------------------------------------------- BPSearchCV


def search(**more) -> BPSearchCV:
    network = BPRegressor(hidden_layer_sizes=(4,), scale_input="standard", scale_target=True, max_iter=6)
    return BPSearchCV(network, {"alpha": [0.1, 1.0]}, **{"method": "grid", "cv": 2, "random_state": 0} | more)


def test_a_tracker_of_the_users(rows):
    X, y = rows()
    tracker = Remembered()
    fitted = search(tracking=tracker, study_name="mine", scoring=["r2", "neg_max_error"], refit="r2").fit(X, y)
    assert tracker.names == ["check", "begin", "record", "record", "register", "finish", "end"]
    params = tracker.calls[1][2]
    assert (params["method"], params["n_trials"], params["prune"]) == ("grid", 2, False)
    assert params["space.alpha"] == ["0.1", "1.0"]
    report = tracker.calls[-2][1]
    assert report.metrics["score"] == report.metrics["score.r2"] == fitted.best_score_
    assert {"dummy_predictor_score", "linear_model_score", "gradient_boosting_score"} <= report.metrics.keys()
    assert report.metrics["epochs"] == fitted.best_n_epochs_
    fitted.set_params(refit=False, scoring=None).fit(X, y)
    assert tracker.names[7:] == ["check", "begin", "record", "record", "finish", "end"]


@pytest.mark.parametrize(
    ("scoring", "label"),
    [
        ("neg_max_error", "max error\n(lower is better)"),
        (get_scorer("neg_max_error"), "score\n(higher is better)"),
        (None, "score\n(higher is better)"),
    ],
    ids=["by name", "a scorer", "the estimator's own"],
)
def test_plots_name_the_metric_of_a_search_if_it_is_known(rows, scoring, label, all_figures):
    tracker = Remembered()
    search(tracking=tracker, scoring=scoring).fit(*rows())
    figures = tracker.calls[-2][1].figures
    assert figures["history"].axes[0].get_ylabel() == label
    assert figures["learning_curves"].axes[0].get_ylabel() == "loss (squared error), mean over the folds"


def test_a_tracker_that_cannot_be_written_is_told_before_the_first_trial(rows):
    class Full(Remembered):
        def check(self):
            raise StudyError("the disk is full")

    tracker = Full()
    with pytest.raises(StudyError, match="the disk is full"):
        search(tracking=tracker).fit(*rows())
    assert tracker.calls == []


def test_a_tracker_is_told_of_a_search_that_fails(rows):
    tracker = Remembered()
    with pytest.raises(ValueError, match="none of 2 configurations could be evaluated"):
        search(tracking=tracker, scoring=lambda estimator, X, y: "no number").fit(*rows())
    assert tracker.calls[-1] == ("end", "FAILED")


class Lost:
    """A penalty that counts."""

    def __init__(self):
        self.seen = []

    def feedback(self, outcome, standard):
        self.seen.append(outcome.number)
        return Feedback(standard.worst - len(self.seen), 1.0)


def test_a_penalty_of_the_users_decides_what_the_sampler_is_told(rows):
    class Told(Remembered):
        def record(self, outcome, value):
            self.calls.append(("record", outcome.verdict, value))

    penalty, tracker = Lost(), Told()
    one = search(penalty=penalty, tracking=tracker).set_params(estimator__solver="sgd", estimator__batch_size=8)
    one.set_params(space={"learning_rate_init": [0.01, 900.0, 901.0]}, refit=True)
    for _ in range(2):
        tracker.calls.clear()
        one.fit(*rows())
        healthy, *diverged = (call[1:] for call in tracker.calls if call[0] == "record")
        assert healthy[0] == "ok"
        np.testing.assert_allclose([value - healthy[1] for _, value in diverged], [-1.0, -2.0])
    assert penalty.seen == [], "each search has a copy"


@pytest.mark.parametrize(("objective", "verdict"), [("r2", "ok"), ("breaks", "error")])
def test_only_the_metric_that_decides_must_be_computed(rows, objective, verdict):
    """The metric that fails is the first, or the second: it is `refit` that says which one decides."""

    def breaks(estimator, X, y):
        raise ZeroDivisionError("why")

    X, y = rows()
    for names in (("breaks", "r2"), ("r2", "breaks")):
        scoring = {name: {"r2": "r2", "breaks": breaks}[name] for name in names}
        one = search(scoring=scoring, refit=objective, error_score=-7.0)
        if verdict == "error":
            with pytest.raises(ValueError, match="ZeroDivisionError: why") as error:
                one.fit(X, y)
            assert "the score is set to" not in str(error.value)
            continue
        with pytest.warns(UserWarning, match=r"the score is set to -7\.0\. breaks: ZeroDivisionError: why"):
            one.fit(X, y)
        assert one.cv_results_["verdict"].tolist() == ["ok", "ok"]
        assert one.cv_results_["mean_test_breaks"].tolist() == [-7.0, -7.0]


def test_a_model_is_another_one_if_its_trial_or_what_it_averages_is_another_bug(make_outcome):
    """A study that went on, and found nothing better, registered the same model again, as a challenger of itself."""
    one, plan = SimpleNamespace(notes={"id": "one"}), SimpleNamespace(n_members=5)
    best = make_outcome(3, scores=(-0.5, -0.25))
    name = experiment._made_of(one, plan, best)
    assert name == experiment._made_of(one, plan, replace(best, seconds=9.0, curve={}))
    others = [
        experiment._made_of(SimpleNamespace(notes={"id": "other"}), plan, best),
        experiment._made_of(one, SimpleNamespace(n_members=1), best),
        experiment._made_of(one, plan, replace(best, number=4)),
        experiment._made_of(one, plan, replace(best, epoch=best.epoch + 1)),
        experiment._made_of(one, plan, replace(best, fold_scores=[-0.5, -0.2])),
        experiment._made_of(one, plan, replace(best, seed_scores=[-0.5, -0.25])),
    ]
    assert len({name, *others}) == 7
