"""Studies of every kind, ended in every way, are clean: `bpsearch verify` finds no difference in them."""

from pathlib import Path

import pytest

from search import tuning
from tests.search.catalog.soundness import plants

pytestmark = pytest.mark.slow  # many studies

PLAIN = plants.STUDY.replace(", outer = 2", "")
GRID = 'method = "grid", n_members = 1'
NETWORKS = "learning_rate_init = [0.01, 900.0]"
STUDIES = {
    "nested": plants.STUDY,
    "seeds": PLAIN.replace(GRID, 'method = "grid", n_members = 1, n_seeds = 2'),
    "networks": PLAIN.replace(GRID, 'method = "grid", n_members = 3'),
    "unregistered": PLAIN.replace(GRID, f'{GRID}, register = "if_better"').replace("max_iter = 8", "max_iter = 1"),
    "unhealthy": PLAIN.replace(NETWORKS, "learning_rate_init = [900.0, 800.0]"),
    "errors": PLAIN.replace(NETWORKS, "learning_rate_init = [0.01, 0.02]").replace(GRID, f"{GRID}, n_jobs = 2"),
    "metrics": PLAIN.replace("n_splits = 2", 'n_splits = 2, scoring = ["r2", "neg_max_error"]'),
    "a.name-of_its.own": PLAIN,
    "learns": PLAIN.replace(GRID, "n_trials = 4, n_members = 1").replace(
        NETWORKS, "learning_rate_init = { low = 0.001, high = 900.0, log = true }"
    ),
}
NOT_DONE = {"unhealthy"}


def write(name: str) -> str:
    plants.project(Path())
    Path(f"{name}.toml").write_text(STUDIES[name].replace('"small"', f'"{name}"'))
    return f"{name}.toml"


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_clean_once_it_is_done(folder, command, name):
    done = command("tune", write(name))
    assert done.code == (name in NOT_DONE)
    assert ("models:/" in done.out) == (name not in ("unhealthy", "unregistered"))
    for _ in range(2):
        result = command("verify")
        assert (result.code, result.err) == (0, "")
        assert result.out.endswith("nothing differs\n")
        assert command("tune", f"{name}.toml").code == done.code  # it is complete


def test_a_study_is_clean_when_it_is_interrupted_and_when_it_goes_on(folder, command, monkeypatch):
    file, known = write("learns"), tuning.Progress

    def interrupted(outcomes, *arguments, **more):
        if len(outcomes) == 2:
            raise KeyboardInterrupt
        return known(outcomes, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "Progress", interrupted)
        assert command("tune", file).code == 130
    assert command("verify").out == "1 study with 2 trials: nothing differs\n"
    assert command("tune", file).code == 0
    assert command("verify").out == "1 study with 4 trials: nothing differs\n"


@pytest.mark.parametrize(
    ("place", "error", "code"),
    [
        ("search.tracking.models.champions.place", RuntimeError, 1),  # in the thread that writes
        ("search.tuning._note", KeyboardInterrupt, 130),
        ("search.study.reports.write", KeyboardInterrupt, 130),
    ],
)
def test_a_study_that_was_cut_off_at_its_end_is_clean_when_it_goes_on(folder, command, monkeypatch, place, error, code):
    def fail(*_, **__):
        raise error

    file = write("metrics")
    with monkeypatch.context() as patch:
        patch.setattr(place, fail)
        assert command("tune", file).code == code
    assert command("tune", file).code == 0
    assert command("verify").out == "1 study with 2 trials: nothing differs\n"


def test_a_search_that_has_no_journal_is_clean(folder, command, mlflow):
    import bpsearch
    from search.tracking import MLflowTracker, stores

    X = [[i % 7, i * i % 11] for i in range(40)]
    space = {"learning_rate_init": [0.01, 0.02]}
    search = bpsearch.BPSearchCV(
        bpsearch.BPRegressor(max_iter=4),
        space,
        method="grid",
        cv=2,
        tracking=MLflowTracker(stores.default_uri()),
        study_name="mine",
    )
    search.fit(X, [a + b for a, b in X])
    result = command("verify", "mine")
    assert (result.code, result.out) == (0, "1 study with 0 trials: nothing differs\n")
