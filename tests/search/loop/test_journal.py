"""The journal of finished trials gives back what was put in, whatever happened to the process or the file."""

import dataclasses
import math
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import optuna
import pytest

from search import StudyError
from search.loop.journal import StudyStore
from search.space import spaces
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES, Feedback, Penalizer

SPACE = spaces.build({"layers": [[8], [8, 4]], "rate": (1e-4, 1.0, "log"), "batch": (1, 64), "kind": ["relu", "tanh"]})
PARAMS = {"layers": [8, 4], "rate": 0.0123456789, "batch": 7, "kind": "tanh"}
IDENTITY = {"[data]": {"target": "y", "rows": "1234"}, "[space]": SPACE.describe(), "[cv]": {"n_splits": 5}}

OUTCOMES = {
    "ok": {"scores": (-0.1, -1e-12)},
    "stopped": {"verdict": "stopped"},
    "diverged": {"verdict": "diverged"},
    "diverged to infinity": {"verdict": "diverged", "ratio": math.inf},
    "diverged to NaN": {
        "verdict": "diverged",
        "ratio": math.nan,
        "losses": {"training": [math.nan], "validation": [math.inf]},
    },
    "diverged, not diagnosed": {"verdict": "diverged", "code": None},
    "diverged at once": {"verdict": "diverged", "survived": 0.0, "losses": {"training": [], "validation": []}},
    "several metrics": {
        "metrics": {"r2": [0.5, 0.25], "neg_max_error": [-1.0, math.nan]},
        "train_metrics": {"r2": [0.75, 0.5]},
        "fit_seconds": [0.125, 0.25],
        "score_seconds": [0.5, 0.0],
    },
    "a checkpoint without a score": {"curve": {4: -math.inf, 6: -0.375}},
    "stopped without a score": {"verdict": "stopped", "scores": (), "curve": {4: -math.inf}},
    "stopped on a sample": {
        "verdict": "stopped",
        "scores": (),
        "sample": {"fraction": 0.1, "score": -0.5, "seconds": 0.25, "cutoff": -0.25},
    },
    "a sample without a score": {"sample": {"fraction": 0.1, "score": -math.inf, "seconds": 0.25}},
    "error": {"verdict": "error", "reason": 'ValueError: "ü" \\ {'},
}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "studies" / "x.journal"


def opened(path: Path, identity: dict = IDENTITY, space: spaces.Space = SPACE) -> StudyStore:
    return StudyStore(path, "x", identity, space)


def fill(path: Path, make_outcome, n: int = 3) -> bytes:
    """Record trials 0 to n - 1; return the journal."""
    store = opened(path)
    for number in range(n):
        store.record(make_outcome(number, params=PARAMS), Feedback(-0.5))
    store.close()
    return path.read_bytes()


def test_every_outcome_comes_back_as_it_was(path, make_outcome):
    outcomes = {n: make_outcome(n, params=PARAMS, **fields) for n, fields in enumerate(OUTCOMES.values())}
    store = opened(path)
    for outcome in outcomes.values():
        store.record(outcome, Feedback(-0.75, 1.0))
    assert list(store.outcomes.values()) == list(outcomes.values())
    store.close()
    again = opened(path)
    again.close()
    for number, outcome in outcomes.items():
        np.testing.assert_equal(dataclasses.asdict(again.outcomes[number]), dataclasses.asdict(outcome))
        assert again.feedback[number] == Feedback(-0.75, 1.0)


def test_scores_that_are_not_finite_are_null_in_the_file(path, make_outcome):
    """Infinity and NaN are no JSON; older journals have them."""
    outcome = make_outcome(0, params=PARAMS, curve={4: -math.inf, 6: 0.5}, metrics={"r2": [math.nan, 0.5]})
    store = opened(path)
    store.record(outcome, Feedback(-0.75))
    store.record_again(outcome)
    store.close()
    content = path.read_text()
    assert "Infinity" not in content
    assert "NaN" not in content
    path.write_text(content.replace('\\"4\\": null', '\\"4\\": NaN').replace('"4": null', '"4": NaN'))
    again = opened(path)
    again.close()
    for read in (again.outcomes[0], again.again[0][0]):
        np.testing.assert_equal(dataclasses.asdict(read), dataclasses.asdict(outcome))


def test_a_journal_from_before_trials_were_diagnosed_is_gone_on_with(path, make_outcome):
    store = opened(path)
    store.record(make_outcome(0, "diverged", params=PARAMS, code=None), Feedback(-0.75, 1.0))
    store.close()
    old = path.read_text().replace(r", \"findings\": []", "")
    assert "findings" not in old
    path.write_text(old)
    again = opened(path)
    assert again.outcomes[0] == make_outcome(0, "diverged", params=PARAMS, code=None)
    again.record(make_outcome(1, "diverged", params=PARAMS), Feedback(-0.75, 1.0))
    again.close()
    third = opened(path)
    third.close()
    assert [o.divergence.code for o in third.outcomes.values()] == ["", "exploding_step"]


NEWER = {
    "trial": (r"{\"verdict\": ", r"{\"mood\": 1, \"color\": 2, \"verdict\": ", "color, mood"),
    "divergence": (r"\"survived\": ", r"\"mood\": 1, \"survived\": ", "mood"),
}


@pytest.mark.parametrize(("old", "new", "unknown"), NEWER.values(), ids=NEWER)
def test_a_journal_of_a_newer_version_is_named_bug(path, make_outcome, old, new, unknown):
    """It ended in `unexpected error: TypeError: Outcome.__init__() got an unexpected keyword argument`."""
    store = opened(path)
    store.record(make_outcome(0, "diverged", params=PARAMS), Feedback(-0.5))
    store.close()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    before = path.read_bytes()
    with pytest.raises(StudyError) as error:
        opened(path)
    assert str(error.value).startswith(f"{path}: trial 0 has ")
    assert f" has {unknown}; allowed are the fields that this version of bpsearch knows. " in str(error.value)
    assert path.read_bytes() == before
    path.write_text(text)
    opened(path).close()


@pytest.mark.parametrize("name", OUTCOMES)
def test_no_outcome_is_a_failed_trial_for_optuna(path, make_outcome, name):
    store = opened(path)
    outcome = make_outcome(0, params=PARAMS, **OUTCOMES[name])
    store.record(outcome, Penalizer(DEFAULT_PENALTY, -1.0).feedback(outcome))
    store.close()
    again = opened(path)
    again.close()
    (told,) = again.feedback.values()
    assert told.state == ("pruned" if name.startswith("stopped") else "complete")
    assert math.isfinite(told.value)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_feedback_comes_back_as_it_was(path, make_outcome, penalty):
    penalizer = Penalizer(penalty, -1.0)
    outcomes = [make_outcome(n, params=PARAMS, **fields) for n, fields in enumerate(OUTCOMES.values())]
    feedback = {outcome.number: penalizer.feedback(outcome) for outcome in outcomes}
    store = opened(path)
    for outcome in outcomes:
        store.record(outcome, feedback[outcome.number])
    np.testing.assert_equal(store.feedback, feedback)
    store.close()
    again = opened(path)
    again.close()
    np.testing.assert_equal(again.feedback, feedback)


def test_notes_are_kept(path):
    store = opened(path)
    store.note("finished", {"trials": 3, "name": None})
    identifier = store.notes["id"]
    store.close()
    again = opened(path)
    assert (again.notes["finished"], again.notes["id"]) == ({"trials": 3, "name": None}, identifier)
    again.close()


@pytest.mark.parametrize("cut", [1, 2, 40, 400])
def test_a_line_cut_short_by_a_kill_is_dropped(path, make_outcome, cut):
    whole = fill(path, make_outcome)
    path.write_bytes(whole[:-cut])
    store = opened(path)
    assert sorted(store.outcomes) == [0, 1]
    store.record(make_outcome(2, params=PARAMS), Feedback(-0.5))
    store.close()
    again = opened(path)
    assert sorted(again.outcomes) == [0, 1, 2]
    again.close()


def test_a_kill_at_any_byte_of_the_first_lines_leaves_a_study_to_begin_with(path, make_outcome):
    whole = fill(path, make_outcome, 1)
    first_trial = whole.index(b'"op_code":4')
    for length in range(0, first_trial, 37):
        path.write_bytes(whole[:length])
        store = opened(path)
        assert (store.outcomes, "identity" in store.notes) == ({}, True)
        store.close()


def test_opening_changes_nothing(path, make_outcome):
    before = fill(path, make_outcome)
    opened(path).close()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a journal\n", b'{"op_code":99}\n', b'{"op_code":0}\n', b"\xff\xfe\n", b"[]\n"]
)
def test_a_damaged_journal_is_named(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"x\.journal is damaged"):
        opened(path)
    assert path.read_bytes() == content


def test_two_stores_at_once_are_refused(path, make_outcome):
    before = fill(path, make_outcome)
    first = opened(path)
    with pytest.raises(StudyError, match=r"x\.journal is in use by another run"):
        opened(path)
    first.close()
    opened(path).close()
    assert path.read_bytes() == before


HOLD = """
import sys, time
from pathlib import Path
from search.loop.journal import held
lock = held(Path(sys.argv[1]))
lock.__enter__()
print("held", flush=True)
time.sleep(60)
"""


def test_a_kill_frees_the_journal(path, make_outcome):
    before = fill(path, make_outcome)
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StudyError, match=r"x\.journal is in use by another run"):
            opened(path)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    opened(path).close()
    assert path.read_bytes() == before


def test_another_thread_may_close_the_journal(path):
    store = opened(path)
    thread = threading.Thread(target=store.close)
    thread.start()
    thread.join()
    opened(path).close()


WITHOUT_FCNTL = """
import sys, warnings
sys.modules["fcntl"] = None
warnings.filterwarnings("ignore", "only soft file lock is available")  # on Windows filelock has another one
from pathlib import Path
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from bpmodel import BPRegressor
from search import BPSearchCV, StudyError
from search.loop.file_journal import locked
warnings.simplefilter("ignore", ConvergenceWarning)
held = locked(Path(sys.argv[1]))
try:
    locked(Path(sys.argv[1]))
except StudyError as error:
    print(error)
held.release()
locked(Path(sys.argv[1])).release()
X = np.random.default_rng(0).normal(size=(30, 2))
search = BPSearchCV(BPRegressor(max_iter=2), {"alpha": [0.1, 1.0]}, method="grid", cv=2).fit(X, X.sum(axis=1))
print(len(search.cv_results_["params"]))
"""


def test_windows_has_no_fcntl_bug(path):
    """It was imported with the module, so not even `BPSearchCV`, which has no journal, could be."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_FCNTL, path], capture_output=True, text=True)
    in_use = f"{path} is in use by another run of this study; wait for it, or choose a new name"
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, [in_use, "2"], "")


CHANGES = {
    "space": (
        {"[space]": {**IDENTITY["[space]"], "batch": {"low": 1, "high": 32}}},
        r"\[space\] \(batch: high: there 64, here 32\)",
    ),
    "further parameter": (
        {"[space]": {**IDENTITY["[space]"], "alpha": [1]}},
        r"\[space\] \(alpha: there null, here \[1\]\)",
    ),
    "data": ({"[data]": {"target": "y", "rows": "5678"}}, r"\[data\] \(rows: there \"1234\", here \"5678\"\)"),
    "folds": ({"[cv]": {"n_splits": 3}}, r"\[cv\] \(n_splits: there 5, here 3\)"),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES.keys())
def test_another_identity_is_refused_and_the_difference_named(path, make_outcome, change, told):
    before = fill(path, make_outcome)
    if "[space]" in change and "batch" in told:
        change["[space]"]["batch"] = {**IDENTITY["[space]"]["batch"], "high": 32}
    with pytest.raises(StudyError, match=rf"name = 'x' is already used in .*x\.journal with another {told}"):
        opened(path, IDENTITY | change)
    assert path.read_bytes() == before
    opened(path).close()


def test_the_same_rows_on_another_path_are_the_same_study(path, make_outcome):
    """Journals that have the path of the data in their identity are gone on with."""
    before = IDENTITY | {"[data]": {"source": "a.csv", **IDENTITY["[data]"]}}
    opened(path, before).close()
    opened(path).close()


@pytest.mark.parametrize("in_the_way", ["studies", "studies/x.journal", "studies/x.journal.lock"])
def test_what_cannot_be_written_is_named(tmp_path, path, in_the_way):
    if in_the_way == "studies":
        (tmp_path / in_the_way).write_text("a file where a folder should be")
    else:
        (tmp_path / in_the_way).mkdir(parents=True)
    with pytest.raises(StudyError, match=r"x\.journal cannot be written"):
        opened(path)


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch, make_outcome):
    monkeypatch.chdir(tmp_path)
    store = StudyStore(None, "x", {}, SPACE)
    store.record(make_outcome(0, params=PARAMS), Feedback(-0.5))
    store.close()
    assert list(store.outcomes) == [0]
    assert list(tmp_path.iterdir()) == []


def test_optuna_keeps_its_log_level(path):
    level = optuna.logging.get_verbosity()
    opened(path).close()
    assert optuna.logging.get_verbosity() == level
