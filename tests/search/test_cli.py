"""What a user types, sees and finds afterwards: the whole product from the command line."""

import dataclasses
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import get_scorer, get_scorer_names

from search import StudyError, cli, configuration, tracking, tuning
from search.loop import workers
from search.loop.file_journal import locked
from search.loop.journal import StudyStore
from search.plots import gallery
from search.study import assembly, data, study_file
from search.tracking import listing, stores
from search.tracking.ui import server
from search.trials import baselines, refitting
from search.trials.outcomes import winner

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "studies").glob("*.toml"))

STUDY = """\
# Small, and half of it diverges.
name = "small"
[data]
source = "homes.csv"
target = "price"
task = "regression"
[model]
max_iter = 8
solver = "sgd"
[space]
learning_rate_init = [0.01, 900.0]
hidden_layer_sizes = [[4], [8]]
[search]
n_trials = 4
[cv]
n_splits = 3
"""


@pytest.fixture(scope="module")
def homes() -> pd.DataFrame:
    random = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "rooms": random.integers(1, 9, 80),
            "area": random.uniform(30, 200, 80).round(1),
            "town": random.choice(["Ulm", "Bonn", "Jena"], 80),
            "same": "x",
        }
    )
    frame["price"] = (50.0 * frame.rooms + 2 * frame.area + 30 * (frame.town == "Ulm")).round(1)
    frame["gap"] = frame.area.where(frame.area > 50)
    return frame


@pytest.fixture
def bpsearch(command):
    return command


@pytest.fixture
def write(homes):
    """Write the table and a study file in which texts are replaced."""

    def write(*changes: tuple[str, str]) -> None:
        text = STUDY
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        Path("small.toml").write_text(text)
        homes.to_csv("homes.csv", index=False)

    return write


class Stored:
    """What MLflow has of a study."""

    def __init__(self, client, name: str = "small") -> None:
        experiment = client.get_experiment_by_name(name)
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        self.parents = [run for run in found if "trial" not in run.data.tags]
        self.children = [run for run in found if "trial" in run.data.tags]
        self.artifact = lambda run, path: json.loads(Path(client.download_artifacts(run.info.run_id, path)).read_text())
        self.versions = [(v.version, v.run_id) for v in client.search_model_versions(f"name = '{name}'")]

    @property
    def numbers(self) -> list[int]:
        return sorted(int(run.data.tags["trial"]) for run in self.children)

    @property
    def ids(self) -> set[str]:
        return {run.info.run_id for run in self.parents + self.children}

    def assert_complete(self, n_trials: int) -> None:
        (parent,) = self.parents
        assert self.numbers == list(range(n_trials))
        assert {run.data.tags["mlflow.parentRunId"] for run in self.children} == {parent.info.run_id}
        assert "RUNNING" not in {run.info.status for run in self.children}
        assert parent.info.status == "FINISHED"
        assert sum(v for name, v in parent.data.metrics.items() if name.startswith("trials_")) == n_trials


@pytest.fixture
def stored(folder, mlflow):
    return lambda name="small": Stored(mlflow.MlflowClient(stores.DEFAULT_URI), name)


def contents(folder: Path = Path()) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def journal(name: str = "small") -> bytes:
    return Path("studies", f"{name}.journal").read_bytes()


def assert_one_line(result: Any, *told: str) -> None:
    assert result.code == 2
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    for text in told:
        assert text in result.err


# ------------------------------------------------------------------------------------------------------------------- tune


def test_a_model_that_is_not_better_is_not_registered(folder, bpsearch, stored):
    """The target is noise. The exit code says that the study is done, also when it is run again."""
    random = np.random.default_rng(0)
    pd.DataFrame(random.normal(size=(60, 4)), columns=list("abcy")).to_csv("noise.csv", index=False)
    study = (
        "name = 'noise'\n[data]\nsource = 'noise.csv'\ntarget = 'y'\ntask = 'regression'\n[model]\nmax_iter = 5\n"
        "[space]\nalpha = [0.1, 1.0]\n[search]\nmethod = 'grid'\nregister = '{}'\n[cv]\nn_splits = 3\n"
    )
    Path("noise.toml").write_text(study.format("if_better"))
    told = [bpsearch("tune", "noise.toml") for _ in range(2)]
    assert [(t.code, t.err) for t in told] == [(0, "")] * 2
    for t in told:
        assert re.search(r'^model:  not registered \(register = "if_better"\): \w', t.out, re.MULTILINE)
    assert "nothing was changed" in told[1].out
    assert stored("noise").versions == []
    assert 'not registered (register = "if_better")' in stored("noise").parents[0].data.tags["mlflow.note.content"]
    Path("noise.toml").write_text(study.format("always"))
    assert "models:/noise@champion" in bpsearch("tune", "noise.toml").out
    assert len(stored("noise").versions) == 1


def test_tune_tells_what_was_repaired(folder, bpsearch, write, stored):
    write(("[model]\n", '[model]\non_divergence = "repair"\n'))
    told = bpsearch("tune", "small.toml")
    assert (told.code, told.err) == (0, "")
    assert "Diverged" not in told.out
    assert re.search(r"^Repaired: \d of 4 trials$", told.out, re.MULTILINE)
    assert re.search(r"^  trial \d: fold 1: exploding_step: .* with learning_rate_init=", told.out, re.MULTILINE)
    assert "Repaired: " in stored().parents[0].data.tags["mlflow.note.content"]


def test_tune_from_first_to_last(folder, bpsearch, write, stored):
    write()
    first = bpsearch("tune", "small.toml")
    assert (first.code, first.err) == (0, "")
    for text in (
        "small: bayesian search, 3 folds, root mean squared error",
        "Best of 4 trials",
        "std over the folds",
        "dummy predictor",
        "linear model",
        "best network (trial ",
        "models:/small@champion  (version 1, the mean of 5 networks)",
        "next:   bpsearch ui",
    ):
        assert text in first.out
    (line,) = (line for line in first.out.splitlines() if line.startswith("python: "))
    python = [sys.executable, "-c", f"{line.removeprefix('python: ')}\nprint(*type(model).__mro__)"]
    loaded = subprocess.run(
        python, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert "sklearn.base.BaseEstimator" in loaded.stdout
    one = stored()
    one.assert_complete(4)
    diverged = [run.data.tags["trial"] for run in one.children if run.data.tags["verdict"] == "diverged"]
    assert 0 < len(diverged) < 4
    assert f"Diverged: {len(diverged)} of 4 trials ({len(diverged)} exploding_step)" in first.out
    told = stored().parents[0].data.tags["mlflow.note.content"].split("\n\n")
    assert told[0].startswith("**small**: 4 trials by bayesian search")
    assert "linear model" in told[0]
    assert told.pop(1).startswith("[Report: the answer on one page](#/experiments/")
    assert (
        told[1] == "**The scores are nearly perfect. Does a column give the target away?**"
    )  # prices follow from the rooms
    assert re.match(r"\*\*The linear model is better than trial \d+ \(p", told[2])
    assert told[3].startswith(f"Diverged: {len(diverged)} of 4 trials")
    assert f"  {told[2].strip('*')}" in first.out
    for number in diverged:
        assert f"\n  trial {number} (900, " in first.out
    assert one.versions == [(1, one.parents[0].info.run_id)]
    table = one.artifact(one.parents[0], "divergences.json")
    assert [(str(row["trial"]), row["code"]) for row in table] == [(n, "exploding_step") for n in sorted(diverged)]
    assert set(one.artifact(one.parents[0], "diagnosis.json")) == {"summary", "findings"}

    before = contents(folder / "studies")
    again = bpsearch("tune", "small.toml")
    assert (again.code, again.err) == (0, "")
    assert "all 4 trials of this study are done; nothing was changed" in again.out
    assert "to continue: bpsearch tune small.toml --trials 8\n" in again.out
    assert again.out.splitlines()[-2:] == first.out.splitlines()[-2:]
    assert contents(folder / "studies") == before
    assert (stored().ids, stored().versions) == (one.ids, one.versions)

    kept = journal()
    more = bpsearch("tune", "small.toml", "--trials", "6")
    assert (more.code, more.err) == (0, "")
    assert "Best of 6 trials" in more.out
    assert "(version 1, " in more.out, "the winner is the same, and so is its model"
    assert journal().startswith(kept)
    assert journal()[len(kept) :].count(b'"op_code":4') == 2
    six = stored()
    six.assert_complete(6)
    assert six.ids > one.ids
    assert six.versions == one.versions

    fewer = bpsearch("tune", "small.toml")
    assert fewer.code == 0
    assert "all 6 trials of this study are done" in fewer.out


def test_report_of_a_finished_study_had_another_order_bug(folder, bpsearch, write):
    """Trials were listed as they had finished, not by number: with two at a time that changed from run to run."""
    write(("[0.01, 900.0]", "[900.0, 901.0]"))
    first = bpsearch("tune", "small.toml")
    lines = journal().splitlines(keepends=True)
    *_, one, other = (n for n, line in enumerate(lines) if b'"op_code":4' in line)
    lines[one], lines[other] = lines[other], lines[one]
    Path("studies/small.journal").write_bytes(b"".join(lines))
    again = bpsearch("tune", "small.toml")
    report = first.out[first.out.index("Diverged") :]
    assert [line for line in again.out.splitlines() if line.startswith("  trial ")] == [
        line for line in report.splitlines() if line.startswith("  trial ")
    ]


@pytest.mark.parametrize(("method", "n_trials"), [("grid", 4), ("random", 3), ("bayesian", 3)])
def test_a_method_goes_under_its_own_name(folder, bpsearch, write, stored, method, n_trials):
    write(("n_trials = 4", "n_trials = 3"))
    result = bpsearch("tune", "small.toml", "--method", method)
    name = "small" if method == "bayesian" else f"small-{method}"
    assert (result.code, result.err) == (0, "")
    assert f"{name}: {method} search" in result.out
    assert f"models:/{name}@champion" in result.out
    assert [path.name for path in Path("studies").glob("*.journal")] == [f"{name}.journal"]
    stored(name).assert_complete(n_trials)
    again = bpsearch("tune", "small.toml", "--method", method)
    more = f"to continue: bpsearch tune small.toml --method {method} --trials 6\n"
    assert (more in again.out) is (method != "grid")


def test_timeout_and_jobs_override_the_study_file(folder, bpsearch, write, monkeypatch):
    write(("n_trials = 4", "n_trials = 4\ntimeout = 60"))
    asked = []

    def caught(study, show):
        asked.append((study.search.timeout, study.search.n_jobs, study.search.n_trials))
        raise StudyError("caught")

    monkeypatch.setattr(tuning, "tune", caught)
    bpsearch("tune", "small.toml", "--timeout", "1.5", "--jobs", "3")
    bpsearch("tune", "small.toml")
    assert asked == [(1.5, 3, 4), (60, -1, 4)]


REFUSED = {
    "grid": (["--method", "grid", "--trials", "2"], "error: --trials 2: a grid is always searched completely"),
    "no trials": (["--trials", "0"], "argument --trials: trials = '0'; allowed are whole numbers from 1"),
    "negative": (["--trials", "-3"], "argument --trials"),
    "text": (["--trials", "many"], "argument --trials"),
    "no time": (["--timeout", "0"], "argument --timeout: timeout = '0'; allowed are numbers above 0, in seconds"),
    "endless": (["--timeout", "inf"], "argument --timeout: timeout = 'inf'"),
    "no number": (["--timeout", "nan"], "argument --timeout: timeout = 'nan'"),
    "no jobs": (["--jobs", "0"], "argument --jobs: jobs = '0'; allowed are whole numbers from 1"),
    "method": (["--method", "genetic"], "argument --method: invalid choice: 'genetic'"),
}


@pytest.mark.parametrize(("options", "told"), REFUSED.values(), ids=REFUSED.keys())
def test_options_that_are_refused(folder, bpsearch, write, options, told):
    write()
    before = contents()
    result = bpsearch("tune", "small.toml", *options)
    assert result.code == 2
    assert told in result.err
    assert contents() == before


def test_names_of_functions_in_messages_bug(folder, bpsearch):
    """argparse puts the name of the converter into its message."""
    told = "argument --trials: trials = 'many'; allowed are whole numbers from 1 to 1000000\n"
    assert bpsearch("tune", "small.toml", "--trials", "many").err.endswith(told)


def test_a_study_of_which_all_trials_diverge(folder, bpsearch, write, stored):
    write(("[0.01, 900.0]", "[900.0]"))
    for run in ("first", "second"):
        result = bpsearch("tune", "small.toml")
        assert result.code == 1, run
        assert result.err == ""
        assert "Diverged: 4 of 4 trials" in result.out
        assert "note:   no trial finished healthy" in result.out, run
        assert "dummy predictor" in result.out
        assert "model:" not in result.out
        stored().assert_complete(4)
        assert stored().versions == []
    assert stored().parents[0].data.metrics["trials_diverged"] == 4


def test_trials_that_cannot_be_scored_are_told(folder, bpsearch, write, stored, monkeypatch):
    evaluate = workers.evaluate

    def fail(problem, trial, cancelled):
        outcome = evaluate(problem, trial, cancelled)
        changes = {"verdict": "error", "reason": "ValueError: no", "fold_scores": [], "divergence": None}
        return dataclasses.replace(outcome, **changes) if trial.number == 1 else outcome

    monkeypatch.setattr(workers, "evaluate", fail)
    write()
    result = bpsearch("tune", "small.toml")
    assert result.code == 0
    assert "Errors: 1 of 4 trials\n  trial 1: ValueError: no\n" in result.out
    stored().assert_complete(4)
    assert {run.data.tags["trial"]: run.info.status for run in stored().children}["1"] == "FAILED"


# ------------------------------------------------------------------------------------------------- cut off and gone on with

SLOW = [
    ('source = "homes.csv"\ntarget = "price"', 'source = "sklearn:diabetes"'),
    ("max_iter = 8", "max_iter = 100\nbatch_size = 1"),
    ("[0.01, 900.0]", "[0.0001, 0.0003, 0.001, 900.0]"),
    ("n_trials = 4", "n_trials = 12\nn_jobs = 1\nprune = false"),
]
# a shell that starts pytest in the background has it ignore SIGINT, and children inherit that
TUNE = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from search import cli
sys.exit(cli.main(["tune", "small.toml"]))"""


@pytest.fixture
def start():
    """Start `bpsearch tune` as a process of its own."""
    started = []

    def start() -> subprocess.Popen:
        command = [sys.executable, "-c", TUNE]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        with process:
            process.kill()


def finished_trials() -> int:
    with suppress(FileNotFoundError):
        return journal().count(b'"op_code":4')
    return 0


def children() -> int:
    if not Path("mlruns/mlflow.db").exists():
        return 0
    with closing(sqlite3.connect("file:mlruns/mlflow.db?mode=ro", uri=True)) as database:
        return database.execute("SELECT count(*) FROM tags WHERE key = 'trial'").fetchone()[0]


MOMENTS: dict[str, Callable[[], object]] = {
    "the database is made": lambda: list(Path("mlruns").glob("*.new")),
    "two trials are finished": lambda: finished_trials() >= 2,
    "six trials are finished": lambda: finished_trials() >= 6,
    "three are in MLflow": lambda: children() >= 3,
    "the model is written": lambda: list(Path("mlruns/artifacts").rglob("MLmodel")),
}


@pytest.mark.slow
def test_killed_again_and_again_and_then_run_to_the_end(folder, write, start, stored, wait_for):
    write(*SLOW)
    Path("mlruns/mlflow.db").unlink()
    kept, finished = b"", []
    for moment in MOMENTS.values():
        process = start()
        wait_for(lambda: moment() or process.poll() is not None)  # noqa: B023
        assert process.poll() is None, process.communicate()
        process.kill()
        process.communicate()
        left = journal()
        assert left.startswith(kept)
        kept = left[: left.rfind(b"\n") + 1]
        finished.append(finished_trials())
    assert finished == sorted(finished)
    assert (finished[1] >= 2, finished[2] >= 6) == (True, True)

    process = start()
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert "Best of 12 trials" in out
    assert journal().startswith(kept)
    stored().assert_complete(12)
    versions = dict(stored().versions)
    assert f"(version {max(versions)}, " in out
    assert versions[max(versions)] == stored().parents[0].info.run_id


@pytest.mark.slow
def test_interrupted_and_gone_on_with(folder, write, start, stored, wait_for):
    write(*SLOW)
    process = start()
    wait_for(lambda: finished_trials() >= 2 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (130, "")
    assert "interrupted: finished trials are kept; run the same command again to continue" in out
    kept, numbers = journal(), stored().numbers
    assert 2 <= len(numbers) == finished_trials() < 12
    assert [run.info.status for run in stored().parents] == ["KILLED"]
    assert "RUNNING" not in {run.info.status for run in stored().children}
    assert stored().versions == []

    process = start()
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert journal().startswith(kept)
    stored().assert_complete(12)


ENDS = {"Ctrl-C": (KeyboardInterrupt, 130), "bug": (RuntimeError("boom"), 1)}


@pytest.mark.parametrize(("error", "code"), ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize(("module", "function"), [(refitting, "refit"), (gallery, "figures")])
def test_parent_stayed_running_when_the_end_of_a_study_was_cut_off_bug(
    folder, bpsearch, write, stored, monkeypatch, module, function, error, code
):
    """Only what happened during the trials ended the parent run."""

    def fail(*_, **__):
        raise error

    write()
    with monkeypatch.context() as patch:
        patch.setattr(module, function, fail)
        assert bpsearch("tune", "small.toml").code == code
    kept = journal()
    assert [run.info.status for run in stored().parents] in (["KILLED"], ["FAILED"])
    assert bpsearch("tune", "small.toml").code == 0
    assert journal().startswith(kept)
    stored().assert_complete(4)


def test_what_mlflow_missed_is_written_by_the_next_run(folder, bpsearch, write, stored, mlflow, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full\nand more")

    write()
    with monkeypatch.context() as patch:
        patch.setattr(mlflow.MlflowClient, "log_batch", fail)
        result = bpsearch("tune", "small.toml")
    assert (result.code, result.err) == (1, "")
    assert f"note:   MLflow at {tracking.default_uri()} could not be written: OSError: disk full\n" in result.out
    assert "Best of 4 trials" in result.out
    kept = journal()
    result = bpsearch("tune", "small.toml")
    assert result.code == 0
    assert "models:/small@champion" in result.out
    assert journal().startswith(kept)
    stored().assert_complete(4)


def test_another_store_gets_the_whole_study(folder, bpsearch, write, mlflow, monkeypatch, empty_database):
    write()
    assert bpsearch("tune", "small.toml").code == 0
    other = folder / "other.db"
    other.write_bytes(empty_database.read_bytes())
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")
    for _ in range(2):
        assert bpsearch("tune", "small.toml").code == 0
    found = Stored(mlflow.MlflowClient(f"sqlite:///{other}"))
    found.assert_complete(4)
    assert len(found.versions) == 1


# ---------------------------------------------------------------------------------------------------------------- mistakes

MISTAKES = {
    "unknown key": ("n_trials = 4", "n_trails = 4", ["[search] n_trails"]),
    "unknown hyperparameter": ("max_iter = 8", "max_iterr = 8", ["[model] max_iterr"]),
    "wrong type": ("n_trials = 4", 'n_trials = "4"', ["[search] n_trials = '4'"]),
    "out of range": ("max_iter = 8", "max_iter = 0", ["[model] max_iter = 0"]),
    "out of range in the space": ("900.0", "-1.0", ["[space] learning_rate_init = -1.0"]),
    "empty space": (
        "learning_rate_init = [0.01, 900.0]\nhidden_layer_sizes = [[4], [8]]",
        "",
        ["[space] is empty: nothing to search"],
    ),
    "bad TOML": ("[space]", "[space", ["is not valid TOML"]),
    "unknown column": ('"price"', '"prize"', ["[data] target = 'prize' is not a column"]),
    "missing data": ("homes.csv", "homse.csv", ["[data] source = 'homse.csv': there is no file"]),
    "one class": (
        '"price"\ntask = "regression"',
        '"same"\ntask = "classification"',
        ["target 'same' has only one class, 'x'"],
    ),
    "NaN in y": ('"price"', '"gap"\nmissing_target = "error"', ["target 'gap' is missing in ", " of 80 rows"]),
    "text in y": ('"price"', '"town"', ["target 'town' is not numeric"]),
    "fewer rows than folds": ("n_splits = 3", "n_splits = 81", ["[cv] n_splits = 81 needs at least 81 rows"]),
    "scoring is no scorer": ("n_splits = 3", 'scoring = "rmse"', ["[cv] scoring = 'rmse'"]),
    "scoring of classes": ("n_splits = 3", 'scoring = "accuracy"', ["[cv] scoring = 'accuracy' does not fit"]),
    "scoring of probabilities": ("n_splits = 3", 'scoring = "roc_auc"', ["[cv] scoring = 'roc_auc' does not fit"]),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory, empty_database, homes) -> Path:
    """A folder with a finished study."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "mlruns").mkdir()
    shutil.copy(empty_database, folder / "mlruns" / "mlflow.db")
    homes.to_csv(folder / "homes.csv", index=False)
    (folder / "small.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlruns/mlflow.db")
        assert cli.main(["tune", "small.toml"]) == 0
    return folder


@pytest.fixture(params=["nothing", "a finished study"])
def there(request, tmp_path, monkeypatch) -> Path:
    """A current directory without anything, or with a finished study."""
    if request.param == "a finished study":
        shutil.copytree(request.getfixturevalue("finished"), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_the_study_is_told_in_one_line_and_touches_nothing(there, bpsearch, write, old, new, told):
    write((old, new))
    before = contents()
    assert_one_line(bpsearch("tune", "small.toml"), "small.toml: ", *told)
    assert contents() == before


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_scorer_that_does_not_fit_was_unexpected_bug(tmp_path, monkeypatch, write, task):
    """Scorers of probabilities raise AttributeError for a regression, where ValueError was awaited."""
    monkeypatch.chdir(tmp_path)
    target = {"regression": "price", "classification": "town"}[task]
    write(('"price"\ntask = "regression"', f'"{target}"\ntask = "{task}"'), ("n_splits = 3", "n_splits = 2"))
    study = study_file.load("small.toml")
    problem = assembly.build_problem(study, data.load(study))
    refused = {}
    for scoring in get_scorer_names():
        scored = dataclasses.replace(study, cv=study.cv.model_copy(update={"scoring": scoring}))
        try:
            assembly.measure_baselines(scored, dataclasses.replace(problem, scorer=get_scorer(scoring)))
        except StudyError as error:
            refused[scoring] = str(error)
    fit = {"regression": {"r2", "neg_mean_absolute_error"}, "classification": {"accuracy", "roc_auc_ovr"}}
    misfit = {"regression": {"accuracy", "roc_auc", "neg_log_loss"}, "classification": {"r2", "f1"}}
    assert misfit[task] <= refused.keys()
    assert not refused.keys() & fit[task]
    for scoring, message in refused.items():
        assert f"[cv] scoring = {scoring!r} does not fit this {task}: " in message


def test_a_linear_model_that_cannot_be_scored_is_left_out_bug(tmp_path, monkeypatch):
    """The study was refused, although its own networks predict what the scorer takes: counts above 0."""
    monkeypatch.chdir(tmp_path)
    x = np.linspace(-3, 3, 60)
    pd.DataFrame({"x": x, "n": np.round(np.exp(2 * x))}).to_csv("counts.csv", index=False)
    Path("counts.toml").write_text(
        "name = 'counts'\n[data]\nsource = 'counts.csv'\ntarget = 'n'\ntask = 'regression'\n"
        "[model]\nloss = 'poisson'\nmax_iter = 4\n[cv]\nscoring = 'neg_mean_poisson_deviance'\n"
    )
    with pytest.warns(UserWarning, match="a baseline is omitted because it cannot be scored: ValueError: Mean Tweedie"):
        outcome, yardsticks = tuning.cross_validate(study_file.load("counts.toml"), {})
    assert outcome.verdict == "ok"
    assert [b.name for b in yardsticks] == [baselines.DUMMY, baselines.BOOSTING]


def file_for_folder(name: str) -> Callable[..., None]:
    def replace(**_) -> None:
        shutil.rmtree(name, ignore_errors=True)
        Path(name).write_text("a file")

    return replace


def content(name: str, content: bytes) -> Callable[..., object]:
    return lambda **_: Path(name).write_bytes(content)


def store(uri: str) -> Callable[..., None]:
    return lambda monkeypatch, port, **_: monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(port=port))


def other_rows(**_) -> None:
    Path("homes.csv").write_text(Path("homes.csv").read_text() + "3,70.0,Ulm,x,250.0,70.0\n")


def no_study_file(**_) -> None:
    Path("small.toml").unlink()


def other_space(**_) -> None:
    Path("small.toml").write_text(STUDY.replace("0.01", "0.02"))


AROUND = {
    "mlruns is a file": (file_for_folder("mlruns"), ["MLflow store mlruns/mlflow.db cannot be written"]),
    "no database": (content("mlruns/mlflow.db", b"text" * 99), ["mlruns/mlflow.db cannot be written: file is not"]),
    "no server": (store("http://127.0.0.1:{port}"), ["MLFLOW_TRACKING_URI = 'http://127.0.0.1:", "does not answer"]),
    "a folder as store": (store("./mlruns"), ["MLFLOW_TRACKING_URI = './mlruns' is not an MLflow store"]),
    "studies is a file": (file_for_folder("studies"), ["studies/small.journal cannot be written"]),
    "damaged journal": (content("studies/small.journal", b"[]\n"), ["studies/small.journal is damaged"]),
    "no study file": (no_study_file, ["small.toml: no such study file"]),
    "study file of bytes": (content("small.toml", b"\xff\xfe"), ["small.toml: cannot be read"]),
    "other rows": (other_rows, ["small.toml: name = 'small' is already used in studies/small.journal", "[data]"]),
    "other space": (
        other_space,
        ["small.toml: name = 'small' is already used in studies/small.journal with another [space]", "choose a new"],
    ),
}


@pytest.mark.parametrize("there", ["a finished study"], indirect=True)
@pytest.mark.parametrize(("change", "told"), AROUND.values(), ids=AROUND.keys())
def test_what_is_wrong_around_the_study_is_told_in_one_line(there, bpsearch, monkeypatch, free_port, change, told):
    change(monkeypatch=monkeypatch, port=free_port())
    before = contents()
    assert_one_line(bpsearch("tune", "small.toml"), *told)
    assert contents() == before


@pytest.mark.parametrize("there", ["a finished study"], indirect=True)
def test_a_second_run_at_the_same_time_is_refused(there, bpsearch):
    before = contents()
    lock = locked(Path("studies/small.journal"))
    assert_one_line(bpsearch("tune", "small.toml"), "studies/small.journal is in use by another run")
    lock.release()
    assert contents() == before


DEBUG = [("tune", "none.toml", "--debug"), ("--debug", "tune", "none.toml"), ("cv", "none.toml", "--debug")]


@pytest.mark.parametrize("arguments", [*DEBUG, ("init", "none.csv", "--target", "y", "--debug")])
def test_debug_shows_where_a_mistake_was_noticed(folder, arguments):
    with pytest.raises(StudyError, match=r"none\."):
        cli.main(arguments)


@pytest.mark.parametrize("message", ["boom", "boom\nand a second line"])
def test_an_unexpected_error_is_told_in_one_line(folder, bpsearch, write, monkeypatch, message):
    def fail(*_):
        raise RuntimeError(message)

    monkeypatch.setattr(tuning, "tune", fail)
    write()
    result = bpsearch("tune", "small.toml")
    assert result.code == 1
    assert result.err.startswith("unexpected error: RuntimeError: boom")
    assert "--debug" in result.err
    assert result.err.count("\n") == 1
    with pytest.raises(RuntimeError, match="boom"):
        cli.main(["tune", "small.toml", "--debug"])


# ------------------------------------------------------------------------------------------------------------------- init

FEATURES = {
    "numbers": lambda rows: rows[["rooms", "area"]],
    "texts": lambda rows: rows[["town", "same"]],
    "gaps": lambda rows: rows[["gap", "rooms"]].assign(town=rows.town.where(rows.rooms > 2), none=np.nan),
    "truth values, dates": lambda rows: rows[["area"]].assign(
        garden=rows.area > 100, sold=np.where(rows.rooms > 2, "2024-02-29", "2024-03-01")
    ),
    "odd names": lambda rows: rows[["area", "town"]].set_axis(['a "b" = [c]', "größe, m²"], axis=1),
}
TARGETS = {
    "fractions": (lambda rows: rows.price, "regression", "the target is numeric with "),
    "many whole numbers": (lambda rows: rows.price.round().astype(int), "regression", "the target is numeric with "),
    "few whole numbers": (
        lambda rows: rows.rooms % 4,
        "classification",
        "the target has only 4 different whole numbers",
    ),
    "texts": (lambda rows: rows.town, "classification", "the target is text with 3 different values"),
}
CASES = [(features, "fractions") for features in FEATURES]
CASES += [pytest.param("gaps", target, marks=pytest.mark.slow) for target in list(TARGETS)[1:]]


@pytest.mark.parametrize(("features", "target"), CASES)
def test_init_writes_a_study_that_runs(folder, bpsearch, homes, stored, features, target):
    y, task, reason = TARGETS[target]
    FEATURES[features](homes).assign(**{'the "target"': y(homes)}).to_csv("my homes.csv", index=False)
    result = bpsearch("init", "my homes.csv", "--target", 'the "target"')
    path = Path("studies/my-homes.toml")
    assert (result.code, result.err) == (0, "")
    assert f"task:    {task}: {reason}" in result.out
    assert f"written: {path}\n" in result.out
    assert f"next:    bpsearch tune {path}\n" in result.out
    assert path.read_text().startswith("# my-homes: ")
    assert reason in path.read_text()
    study = study_file.load(path)
    assert (study.name, study.data.task, study.data.target) == ("my-homes", task, 'the "target"')

    result = bpsearch("tune", str(path), "--trials", "1") if features == "gaps" else bpsearch("cv", str(path))
    assert (result.code, result.err) == (0, "")
    assert (features == "gaps") is bool(stored("my-homes").parents)

    before = contents()
    again = bpsearch("init", "my homes.csv", "--target", 'the "target"')
    assert_one_line(again, "studies/my-homes.toml already exists; choose another file with --output")
    assert contents() == before


@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet"])
def test_init_of_other_formats_into_another_folder(folder, bpsearch, homes, suffix):
    Path("data").mkdir()
    if suffix == ".parquet":
        homes.to_parquet("data/homes.parquet")
    else:
        homes.to_csv("data/homes.csv.gz", index=False)
    result = bpsearch("init", f"data/homes{suffix}", "--target", "price", "--output", "a/b/new.toml")
    assert (result.code, result.err) == (0, "")
    study = study_file.load("a/b/new.toml")
    assert (study.name, study.data.source) == ("new", f"../../data/homes{suffix}")
    assert bpsearch("cv", "a/b/new.toml").code == 0


def test_a_password_of_a_database_is_stored_nowhere(folder, bpsearch, homes, stored):
    """The study file is logged with the run, and its address with the parameters. SQLite takes no notice of the password."""
    with closing(sqlite3.connect("homes.db")) as database:
        homes.to_sql("homes", database, index=False)
    result = bpsearch("init", "sqlite:///homes.db?table=homes&password=s3cret", "--target", "price")
    assert (result.code, result.err) == (0, "")
    assert "data:    the password stands in studies/homes.toml: keep that file to yourself\n" in result.out
    told = bpsearch("tune", "studies/homes.toml", "--trials", "1")
    assert (told.code, told.err) == (0, "")
    (parent,) = stored("homes").parents
    assert parent.data.params["data"] == "sqlite:///../homes.db?table=homes&password=***"
    assert "s3cret" not in result.out + told.out
    assert [path for path, content in contents().items() if b"s3cret" in content] == [Path("studies/homes.toml")]


INIT_MISTAKES = {
    "unknown target": (
        ["homes.csv", "--target", "prize"],
        "--target 'prize' is not a column (did you mean price?); the columns are rooms, ",
    ),
    "no target": (
        ["homes.csv"],
        "--target is missing: name the column to predict; the columns are rooms, area, town, same, price, gap\n",
    ),
    "no target and no file": (["homse.csv"], "there is no file homse.csv"),
    "no file": (["homse.csv", "--target", "price"], "there is no file homse.csv"),
    "a folder": ([".", "--target", "price"], "cannot be read as a table"),
    "no place": (
        ["homes.csv", "--target", "price", "--output", "homes.csv/x.toml"],
        "homes.csv/x.toml cannot be written",
    ),
}


@pytest.mark.parametrize(("arguments", "told"), INIT_MISTAKES.values(), ids=INIT_MISTAKES.keys())
def test_init_tells_a_mistake_in_one_line_and_writes_nothing(folder, bpsearch, write, arguments, told):
    write()
    before = contents()
    assert_one_line(bpsearch("init", *arguments), told)
    assert contents() == before


# --------------------------------------------------------------------------------------------------------------------- cv


def fold_scores(result: Any) -> list[float]:
    return [float(line.split()[2]) for line in result.out.splitlines() if line.strip().startswith("fold ")]


def test_cv_scores_one_configuration_and_writes_nothing(folder, bpsearch, write):
    write()
    before = contents()
    result = bpsearch("cv", "small.toml")
    assert (result.code, result.err) == (0, "")
    assert "small: learning_rate_init 0.01, hidden_layer_sizes 4" in result.out
    assert "root mean squared error after " in result.out
    assert "dummy predictor" in result.out
    assert len(fold_scores(result)) == 3
    assert fold_scores(bpsearch("cv", "small.toml")) == fold_scores(result)

    changed = bpsearch("cv", "small.toml", "--set", "hidden_layer_sizes=[8]", "solver=adam", "max_iter=4")
    assert changed.code == 0
    assert "hidden_layer_sizes 8, solver adam, max_iter 4" in changed.out
    assert "after 4 epochs" in changed.out
    assert not set(fold_scores(changed)) & set(fold_scores(result))
    assert contents() == before


def test_cv_of_a_configuration_that_diverges(folder, bpsearch, write):
    write()
    result = bpsearch("cv", "small.toml", "--set", "learning_rate_init=900.0")
    assert result.code == 0
    assert "diverged: fold 1 of 3: " in result.out
    assert "dummy predictor" in result.out
    assert fold_scores(result) == []


TOGETHER = {
    "one argument each": ["hidden_layer_sizes=[8, 2]", "solver=adam", "max_iter=4"],
    "all in one, as make gives them": ["hidden_layer_sizes=[8, 2] solver=adam max_iter=4"],
    "a list that the shell tore apart": ["hidden_layer_sizes=[8,", "2]", 'solver="adam"', "max_iter=4"],
}


@pytest.mark.parametrize("settings", TOGETHER.values(), ids=TOGETHER.keys())
def test_a_list_with_a_blank_was_torn_apart_bug(folder, bpsearch, write, settings):
    write()
    result = bpsearch("cv", "small.toml", "--set", *settings)
    assert (result.code, result.err) == (0, "")
    assert "small: learning_rate_init 0.01, hidden_layer_sizes 8-2, solver adam, max_iter 4\n" in result.out


def test_blanks_within_lists_of_lists_and_quotes_separate_nothing():
    whole = ["a=[[1, 2], [3]]", 'b=["x y", "z"]', "c='x y'", "d=1"]
    assert configuration.SETTING.findall(" ".join(whole)) == whole


SETTINGS = {
    "no value": ("alpha", "--set alpha: write hyperparameters as name=value"),
    "unknown name": ("alhpa=1", "--set: [model] alhpa is not a hyperparameter"),
    "out of range": ("alpha=-1", "--set: [model] alpha = -1"),
    "wrong type": ("alpha=[1]", "--set: [model] alpha = [1]"),
    "unknown word": ("solver=newton", "--set: [model] solver = 'newton'"),
}


@pytest.mark.parametrize(("setting", "told"), SETTINGS.values(), ids=SETTINGS.keys())
def test_cv_tells_a_mistake_in_one_line(folder, bpsearch, write, setting, told):
    write()
    before = contents()
    assert_one_line(bpsearch("cv", "small.toml", "--set", "max_iter=4", setting), told)
    assert contents() == before


# --------------------------------------------------------------------------------------------------------------- diagnose


def test_diagnose_groups_the_folds_and_writes_nothing(folder, bpsearch, write):
    write()
    before = contents()
    result = bpsearch("diagnose", "small.toml", "--set", "learning_rate_init=900.0")
    assert (result.code, result.err) == (0, "")
    assert "small, this configuration: learning_rate_init 900, hidden_layer_sizes 4\n" in result.out
    assert "folds 1, 2, 3 of 3; this is fold 1\ndiverged: " in result.out
    assert result.out.count("exploding_step at epoch ") == 1
    assert "Lower the learning rate: learning_rate_init=90." in result.out
    assert contents() == before


def test_diagnose_of_healthy_and_of_unprobed_folds(folder, bpsearch, write):
    write()
    healthy = bpsearch("diagnose", "small.toml", "--set", "max_iter=60", "solver=adam", "learning_rate_init=0.05")
    assert (healthy.code, healthy.err) == (0, "")
    assert "folds 1, 2, 3 of 3; this is fold 1\nhealthy: " in healthy.out
    unprobed = bpsearch("diagnose", "small.toml", "--set", "solver=lbfgs")
    assert "not diagnosed: full-batch solvers record no probes" in unprobed.out


def test_diagnose_a_trial(folder, bpsearch, write):
    write()
    assert bpsearch("tune", "small.toml", "--method", "grid").code == 0
    before = contents()
    result = bpsearch("diagnose", "small.toml", "--method", "grid", "--trial", "3")
    assert (result.code, result.err) == (0, "")
    assert "small-grid, trial 3: learning_rate_init 900, hidden_layer_sizes 8\n" in result.out
    with closing(
        StudyStore(Path("studies/small-grid.journal"), "small-grid", {}, study_file.load("small.toml").space)
    ) as store:
        assert store.outcomes[3].divergence.reason in result.out
    changed = bpsearch("diagnose", "small.toml", "--method", "grid", "--trial", "3", "--set", "learning_rate_init=0.01")
    assert "exploding_step" not in changed.out
    assert_one_line(bpsearch("diagnose", "small.toml", "--method", "grid", "--trial", "4"), "its 4 trials are 0 to 3")
    assert_one_line(bpsearch("diagnose", "small.toml", "--trial", "0"), "small.journal; it has none yet")
    assert contents() == before
    write(("n_splits = 3", "n_splits = 4"))
    assert_one_line(bpsearch("diagnose", "small.toml", "--method", "grid", "--trial", "3"), "another [cv]")


def test_the_best_trial_is_diagnosed_with_what_was_tried_bug(folder, bpsearch, write, monkeypatch):
    """Its diagnosis advised against what the search had found."""
    write()
    assert bpsearch("tune", "small.toml", "--method", "grid").code == 0
    asked = []
    monkeypatch.setattr(
        "search.trials.diagnoses.diagnose", lambda problem, trial, tried: asked.append(set(tried)) or []
    )
    study = study_file.load("small.toml").with_method("grid")
    outcomes = tuning._settled(study, data.load(study))
    best = winner(outcomes).number
    other = next(n for n in outcomes if n != best)
    for more in ((f"{best}",), (f"{other}",), (f"{best}", "--set", "alpha=0.5")):
        assert bpsearch("diagnose", "small.toml", "--method", "grid", "--trial", *more).code == 0
    assert asked == [{"learning_rate_init", "hidden_layer_sizes"}, set(), set()]


DIAGNOSE = {
    "setting": (("--set", "alpha=-1"), "--set: [model] alpha = -1"),
    "not to be trained": (("--set", "solver=lbfgs", "dropout=0.5"), "this configuration cannot be trained: "),
}


@pytest.mark.parametrize(("arguments", "told"), DIAGNOSE.values(), ids=DIAGNOSE.keys())
def test_diagnose_tells_a_mistake_in_one_line(folder, bpsearch, write, arguments, told):
    write()
    assert_one_line(bpsearch("diagnose", "small.toml", *arguments), told)


@pytest.mark.parametrize("trial", ["-1", "1.5", "x"])
def test_diagnose_refuses_what_is_no_number_of_a_trial(folder, bpsearch, trial):
    result = bpsearch("diagnose", "small.toml", f"--trial={trial}")
    assert result.code == 2
    assert f"trial = {trial!r}; allowed are whole numbers from 0" in result.err


# --------------------------------------------------------------------------------------------------------------------- ui


@pytest.fixture
def busy_port():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        yield busy.getsockname()[1]


@pytest.fixture
def started(monkeypatch):
    """Catch the server instead of running it."""
    servers = []
    monkeypatch.setattr(server.Server, "run", lambda self: servers.append(self) or self._listening.close())
    return servers


def test_ui_takes_the_next_free_port(folder, bpsearch, started, busy_port):
    result = bpsearch("ui", "--port", str(busy_port))
    (serving,) = started
    told = re.search(r"MLflow UI: (http://127\.0\.0\.1:(\d+)/bpsearch\?token=\S{43})  \(Ctrl-C stops it\)", result.out)
    assert told[1] == serving.url
    assert int(told[2]) > busy_port


def test_ui_tells_a_script_where_it_is(folder, bpsearch, started):
    result = bpsearch("ui", "--quiet")
    assert result == (0, f"{started[0].url}\n", "")


def test_ui_opens_the_latest_study(folder, bpsearch, started, stored, small_project):
    """A new browser was shown pages for language models, and the studies were five clicks away."""
    small_project(folder)
    assert bpsearch("tune", "small.toml").code == 0
    (parent,) = stored().parents
    told = bpsearch("ui", "--quiet").out.rstrip()
    place = f"#/experiments/{parent.info.experiment_id}/runs/{parent.info.run_id}?workflowType=machine_learning"
    assert told == started[0].url
    assert told.partition("#")[2] == place[1:]


def test_ui_says_who_gets_in_without_a_token(folder, bpsearch, started):
    result = bpsearch("ui", "--no-token")
    assert "token=" not in result.out
    assert "no token: every user of this machine can read, change and delete these studies and models" in result.out
    assert "every user" not in bpsearch("ui").out


@pytest.mark.parametrize("host", ["--host", "--address", "--allowed-hosts"])
def test_ui_serves_no_other_machine(folder, bpsearch, started, host):
    result = bpsearch("ui", host, "0.0.0.0")
    assert (result.code, started) == (2, [])


def test_ui_made_an_empty_store_in_a_folder_without_studies_bug(tmp_path, monkeypatch, bpsearch, started):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(stores, "DEFAULT_URI", "sqlite:///mlruns/mlflow.db")
    assert_one_line(
        bpsearch("ui"), "mlruns/mlflow.db: there are no studies in this folder yet; run one with bpsearch tune"
    )
    assert started == []
    assert contents() == {}


def test_ui_went_to_ports_that_browsers_refuse_bug(folder, bpsearch, started, busy_port, monkeypatch):
    assert_one_line(bpsearch("ui", "--port", "5060"), "--port 5060: browsers refuse this port; allowed are others")
    assert started == []
    monkeypatch.setattr(server, "UNSAFE", {busy_port + 1, busy_port + 2})
    with server.listen(busy_port) as listening:
        assert listening.getsockname()[1] > busy_port + 2


def test_ui_takes_the_port_asked_for_if_it_is_free(free_port):
    port = free_port()
    with server.listen(port) as listening:
        assert listening.getsockname() == ("127.0.0.1", port)


def test_ui_holds_its_port_before_it_tells_it(free_port):
    """Another user could take it in between, and would be sent the token."""
    port = free_port()
    with server.listen(port), server.listen(port) as second:
        assert second.getsockname()[1] > port


@pytest.mark.parametrize("port", ["-1", "65536", "70000"])
def test_ui_took_a_port_that_cannot_be_for_an_unexpected_error_bug(folder, bpsearch, started, port):
    """`bind` raises OverflowError for it, which is no OSError."""
    result = bpsearch("ui", "--port", port)
    assert result.code == 2
    assert "--port" in result.err
    assert port in result.err
    assert started == []


def test_ui_says_where_a_server_is(folder, bpsearch, started, serve, monkeypatch):
    uri = serve(200)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    page = "#/experiments/1/runs/a?workflowType=machine_learning"
    monkeypatch.setattr(listing, "latest", lambda uri: page)
    assert bpsearch("ui") == (0, f"MLflow is served at {uri}/{page}\n", "")
    assert bpsearch("ui", "--quiet").out == f"{uri}/{page}\n"
    assert started == []


def test_ui_of_a_server_that_does_not_answer(folder, bpsearch, started, free_port, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    assert_one_line(bpsearch("ui"), "the MLflow server does not answer")
    assert started == []


# ------------------------------------------------------------------------------------------------------------------- shipped


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_shipped_study_says_why_it_exists_and_loads(path):
    assert path.read_text().startswith("# ")
    assert study_file.load(path).name == path.stem


def test_studies_are_shipped():
    assert {"diabetes", "exploding"} <= {path.stem for path in SHIPPED}
