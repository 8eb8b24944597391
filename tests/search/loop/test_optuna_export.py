"""A study as programs that read Optuna's journals see it: optuna-dashboard showed other numbers, no times, and penalties."""

import time
import warnings
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from search.errors import StudyError
from search.loop import journal, optuna_export
from search.loop.journal import StudyStore
from search.space import spaces
from search.trials.penalties import Feedback

SPACE = spaces.build({"layers": [[8], [8, 4]], "rate": (1e-4, 1.0, "log"), "batch": (1, 64), "kind": ["relu", "tanh"]})
PARAMS = {"layers": [8, 4], "rate": 0.0123456789, "batch": 7, "kind": "tanh"}
RMSE = "neg_root_mean_squared_error"
PENALTY = -1234.5


@pytest.fixture
def source(tmp_path, make_outcome) -> Path:
    """A study whose trials ended in another order, without trial 1, which was interrupted."""
    path = tmp_path / "studies" / "x.journal"
    store = StudyStore(path, "x", {"[cv]": {}}, SPACE)
    for number, verdict, state in ((3, "stopped", "pruned"), (0, "ok", "complete"), (4, "error", "failed")):
        store.record(make_outcome(number, verdict, params=PARAMS, seconds=2.5), Feedback(PENALTY, 0.0, state))
    store.record(make_outcome(2, "diverged", params=PARAMS), Feedback(PENALTY, 1.0, "complete"))
    store.close()
    return path


def loaded(path: Path) -> optuna.Study:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        backend = optuna.storages.journal.JournalFileBackend(str(path))
        return optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend))


@pytest.mark.parametrize(("scoring", "sign"), [(RMSE, -1), ("r2", 1)])
def test_numbers_states_values_and_times_are_those_of_the_report(source, tmp_path, scoring, sign):
    stored, before = journal.read(source, SPACE), source.read_bytes()
    assert optuna_export.write(stored, SPACE, scoring, tmp_path / "o.journal") == 4
    assert source.read_bytes() == before
    study = loaded(tmp_path / "o.journal")
    assert study.study_name == "x"
    assert study.direction.name == ("MINIMIZE" if sign < 0 else "MAXIMIZE")
    states = [TrialState.COMPLETE, TrialState.FAIL, TrialState.FAIL, TrialState.PRUNED, TrialState.FAIL]
    assert [trial.state for trial in study.trials] == states
    assert [t.user_attrs["verdict"] for t in study.trials] == ["ok", "missing", "diverged", "stopped", "error"]
    for number, outcome in stored.outcomes.items():
        trial = study.trials[number]
        assert trial.user_attrs["reason"] == outcome.reason
        assert trial.intermediate_values == {epoch: sign * score for epoch, score in outcome.defined.items()}
        assert (trial.datetime_complete - trial.datetime_start).total_seconds() == pytest.approx(outcome.seconds)
        assert abs(trial.datetime_complete.timestamp() - time.time()) < 3600
        assert trial.params == {"layers": "[8, 4]", "rate": 0.0123456789, "batch": 7, "kind": "tanh"}
    assert study.trials[0].value == sign * stored.outcomes[0].score
    assert study.best_trial.number == 0
    assert "1234.5" not in (tmp_path / "o.journal").read_text()


def test_a_file_that_is_there_stays(source, tmp_path):
    path = tmp_path / "o.journal"
    path.write_text("mine")
    stored = journal.read(source, SPACE)
    with pytest.raises(StudyError, match="--force"):
        optuna_export.write(stored, SPACE, RMSE, path)
    assert path.read_text() == "mine"
    optuna_export.write(stored, SPACE, RMSE, path, force=True)
    assert loaded(path).study_name == "x"


def test_a_study_without_trials_and_conditional_hyperparameters(tmp_path, make_outcome):
    space = spaces.build({"solver": ["adam", "sgd"], "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}}})
    path = tmp_path / "y.journal"
    store = StudyStore(path, "y", {}, space)
    assert optuna_export.write(journal.read(path, space), space, RMSE, tmp_path / "none.journal") == 0
    store.record(make_outcome(0, params={"solver": "adam"}), Feedback(-1.0))
    store.record(make_outcome(1, params={"solver": "sgd", "momentum": 0.75}), Feedback(-1.0))
    store.close()
    optuna_export.write(journal.read(path, space), space, RMSE, tmp_path / "o.journal")
    assert [t.params for t in loaded(tmp_path / "o.journal").trials] == [
        {"solver": "adam"},
        {"solver": "sgd", "momentum": 0.75},
    ]
