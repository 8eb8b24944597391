"""Lines of trials that are appended without Optuna are those that Optuna appends."""

import json
from contextlib import closing

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import FrozenTrial

from search.loop import journal
from search.loop.journal import StudyStore
from search.loop.trial_lines import TrialLines
from search.space import spaces
from search.trials.outcomes import Outcome
from search.trials.penalties import Feedback

SPACE = spaces.build(
    {
        "solver": ["adam", "sgd"],
        "momentum": {"low": 0.5, "high": 0.9, "when": {"solver": "sgd"}},
        "alpha": (1e-4, 1.0, "log"),
        "batch_size": (8, 128),
        "activation": ["relu", "tanh"],
    }
)
STATES = st.sampled_from(["complete", "pruned", "failed"])
VALUES = st.floats(-1e6, 1e6) | st.just(-1e300)


def outcome(number):
    params = SPACE.random_point(5, number)
    return Outcome(number, params, "ok", "", [0.5], 9, {4: 0.25, 9: 0.5}, {"training": [1.0]}, 0.1)


def lines_of(path):
    """The lines of a journal without what is of a run: names of threads, times."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    own = ("worker_id", "datetime_start", "datetime_complete")
    return [{key: value for key, value in line.items() if key not in own} for line in found if line["op_code"] == 4]


def written(path, feedbacks):
    with closing(StudyStore(path, "a", {}, SPACE)) as store:
        for number, feedback in enumerate(feedbacks):
            store.record(outcome(number), feedback)
        return [trial.params for trial in store._journal.trials]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(VALUES, STATES), min_size=2, max_size=6))
def test_any_trials_have_the_lines_that_optuna_writes(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("lines")
    feedbacks = [Feedback(value, -1.0, state) for value, state in made]
    directly = written(folder / "a.journal", feedbacks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrialLines, "add", lambda *arguments: pytest.fail("was to be Optuna's"))
        patch.setattr(TrialLines, "_line", lambda self, trial: {})
        by_optuna = written(folder / "b.journal", feedbacks)
    assert lines_of(folder / "a.journal") == lines_of(folder / "b.journal")
    assert directly == by_optuna
    assert len(directly) == len(feedbacks)


@pytest.fixture
def added(monkeypatch):
    """The numbers of the trials that Optuna has appended."""
    numbers, add = [], optuna.Study.add_trial

    def noted(study, trial: FrozenTrial):
        numbers.append(trial.user_attrs["number"])
        add(study, trial)

    monkeypatch.setattr(optuna.Study, "add_trial", noted)
    return numbers


def test_optuna_writes_the_first_trial_of_each_run(tmp_path, added):
    for begin in (0, 3):
        with closing(StudyStore(tmp_path / "a.journal", "a", {}, SPACE)) as store:
            for number in range(begin, begin + 3):
                store.record(outcome(number), Feedback(0.5, -1.0))
    assert added == [0, 3]
    assert sorted(journal.read(tmp_path / "a.journal", SPACE).outcomes) == list(range(6))


def test_where_optuna_writes_other_lines_it_writes_them_all(tmp_path, added, monkeypatch):
    write = optuna.storages.JournalStorage._write_log
    monkeypatch.setattr(
        optuna.storages.JournalStorage, "_write_log", lambda self, code, log: write(self, code, log | {"new": 1})
    )
    with closing(StudyStore(tmp_path / "a.journal", "a", {}, SPACE)) as store:
        for number in range(4):
            store.record(outcome(number), Feedback(0.5, -1.0))
    assert added == [0, 1, 2, 3]
    assert all(line["new"] == 1 for line in lines_of(tmp_path / "a.journal"))
