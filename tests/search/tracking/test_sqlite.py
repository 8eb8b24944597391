"""What is written straight into MLflow's tables is what its client would have written, whole or not at all."""

import getpass
import json
import math
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.tracking import MLflowTracker, stores, writing
from search.tracking.contents import datasets
from search.tracking.contents.best import BestSoFar
from search.tracking.contents.runs import RUN_STATUS, Header
from search.tracking.contents.trials import child
from search.tracking.writers import client, sqlite
from search.trials.outcomes import Outcome

PARAMS = {"learning_rate_init": 0.01, "hidden_layer_sizes": [16, 8], "activation": "relu"}
RMSE = "neg_root_mean_squared_error"
DATA = datasets.of_table("a.csv", "12ab", datasets.local("a.csv"), pd.DataFrame({"a": [0.5]}), [1], "price")
PARAMS_OF_STUDY = {"method": "grid", "space": "s" * 7000}
HEADER = Header("an experiment", "one", PARAMS_OF_STUDY, "# Ü", scoring=RMSE, method="grid", data=DATA)
TIMES = {"start_time", "end_time", "creation_time", "last_update_time", "deleted_time"}


@pytest.fixture
def outcomes(make_outcome) -> list[Outcome]:
    """Make an outcome of every kind, also one whose best score is not its last, and one of several metrics."""
    kinds = [make_outcome(n, verdict, params=PARAMS) for n, verdict in enumerate(RUN_STATUS)]
    courses = {"gradient_norm": {1: 4.0, 2: 0.5}, "learning_rate": {1: 0.1, 9: 0.01}}
    scored = {"scores": (-0.5, -0.5, -0.25), "metrics": {RMSE: [-0.5, -0.5, -0.25], "r2": [0.5, 0.5, 0.75]}}
    last = make_outcome(9, params=PARAMS, curve={4: -0.25, 9: -0.5}, courses=courses, n_weights=33, **scored)
    return [*kinds, make_outcome(4, params=PARAMS, scores=(-0.25, -0.125)), last]


@pytest.fixture
def copy(folder, empty_database) -> Callable[[str], str]:
    """Make an empty store in a folder of its own; return its URI."""

    def copy(name: str) -> str:
        (folder / name).mkdir()
        (folder / name / "mlflow.db").write_bytes(empty_database.read_bytes())
        return f"sqlite:///{folder / name}/mlflow.db"

    return copy


def rows(uri: str) -> dict[str, list[dict]]:
    """Return all rows of all tables but the times of the parent; runs are called by their names, folders by `root`."""
    path = stores.database(uri)
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        names = dict(db.execute("SELECT run_uuid, name FROM runs").fetchall())
        names |= dict(db.execute("SELECT dataset_uuid, name FROM datasets").fetchall())
        names |= {key: "an input" for (key,) in db.execute("SELECT input_uuid FROM inputs")}
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: [dict(row) for row in db.execute(f'SELECT * FROM "{table}"')] for table in tables}
    del found["alembic_version"], found["experiments"][0]  # MLflow's own "Default"
    text = json.dumps({table: sorted(content, key=str) for table, content in found.items()})
    for key, name in names.items():
        text = text.replace(key, name)
    known = json.loads(text.replace(str(path.parent), "root"))
    for row in [*known["experiments"], *(run for run in known["runs"] if not run["name"].startswith("trial "))]:
        row.update({name: 0 for name in TIMES if row.get(name)})
    return {table: sorted(content, key=str) for table, content in known.items() if content}


def files(uri: str) -> list[object]:
    """Return what the artifacts hold."""
    root = stores.database(uri).parent / "artifacts"
    texts = {path.name: path.read_text(encoding="utf-8") for path in root.rglob("*.*")}
    return sorted((name, str(json.loads(text)) if name.endswith("json") else text) for name, text in texts.items())


def write(writer, uri: str, outcomes: list[Outcome]) -> None:
    opened = writer.open_study(uri, HEADER)
    writer.write(uri, opened, [child(outcome, -0.75, 1.7e9 + outcome.number, HEADER) for outcome in outcomes])
    best = BestSoFar(HEADER.scoring)
    for outcome in outcomes:
        best.see(outcome, 1.7e9 + outcome.number)
        writer.progress(uri, opened, best.points)
        best.points.clear()
    writer.end(uri, opened, "KILLED")


def test_both_ways_leave_the_same_rows_and_files(copy, outcomes, mlflow):
    one, other = copy("one"), copy("other")
    write(sqlite, one, outcomes)
    write(client, other, outcomes)
    assert sqlite.understands(other, HEADER.experiment)
    assert rows(one) == rows(other)
    assert files(one) == files(other)
    assert len(rows(one)["runs"]) == 1 + len(outcomes)
    assert [len(rows(one)[table]) for table in ("datasets", "inputs", "input_tags")] == [1, 1, 1]


def test_a_failed_trial_has_no_told_value(make_outcome):
    assert "told_value" not in [name for name, *_ in child(make_outcome(), math.nan, 1.7e9, HEADER).metrics]


@pytest.mark.parametrize(("first", "second"), [(sqlite, client), (client, sqlite)], ids=["client", "tables"])
def test_one_way_goes_on_with_what_the_other_began(copy, outcomes, mlflow, first, second):
    uri = copy("one")
    write(first, uri, outcomes[:2])
    opened = second.open_study(uri, HEADER)
    assert opened == first.open_study(uri, HEADER)
    assert opened.recorded == {0, 1}
    assert [len(rows(uri)[table]) for table in ("datasets", "inputs", "input_tags")] == [1, 1, 1]
    assert (sqlite.holds(uri, HEADER.experiment, "one"), client.holds(uri, HEADER.experiment, "one")) == (True, True)


def test_mlflow_reads_what_was_written(copy, outcomes, mlflow):
    uri = copy("one")
    write(sqlite, uri, outcomes)
    reader = mlflow.MlflowClient(uri)
    experiment = reader.get_experiment_by_name(HEADER.experiment)
    found = {run.info.run_name: run for run in reader.search_runs([experiment.experiment_id])}
    healthy, stopped, last = "trial 0 · RMSE 0.375", "trial 1 · stopped early · RMSE 0.375", "trial 9 · RMSE 0.417"
    names = [healthy, stopped, "trial 2 · diverged", "trial 3 · error", "trial 4 · RMSE 0.188", last]
    assert set(found) == {HEADER.experiment, *names}
    statuses = [found[name].info.status for name in names]
    assert statuses == ["FINISHED", "FINISHED", "FAILED", "FAILED", "FINISHED", "FINISHED"], (
        "green ticks for what went well"
    )
    diverged = next(o for o in outcomes if o.verdict == "diverged")
    path = reader.download_artifacts(found["trial 2 · diverged"].info.run_id, "diagnosis.json")
    assert json.loads(Path(path).read_text())["summary"] == diverged.reason
    told = reader.download_artifacts(found["trial 2 · diverged"].info.run_id, "diagnosis.txt")
    assert Path(told).read_text(encoding="utf-8").startswith("trial 2 diverged\n")
    parent = found[HEADER.experiment]
    assert (parent.data.metrics["best_score"], parent.data.metrics["best_root_mean_squared_error"]) == (-0.1875, 0.1875)
    assert {run.info.user_id for run in found.values()} == {getpass.getuser()}
    last = found[last].data.metrics
    assert (last["root_mean_squared_error"], last["r2"], last["gradient_norm"]) == (
        pytest.approx(5 / 12),
        pytest.approx(7 / 12),
        0.5,
    )
    assert (last["score_curve"], last["fold_score"], last["training_loss"]) == (-0.5, -0.25, 0.5)


# ------------------------------------------------------------------------------------------------------ whole, or not at all

KILLED = """\
import os, signal, sys
from search.trials.outcomes import Outcome
from search.tracking.writers import sqlite
from search.tracking.contents.runs import Header
from search.tracking.contents.trials import child
uri, calls, insert = sys.argv[1], 0, sqlite._insert_texts
header = Header("an experiment", "one", {})
opened = sqlite.open_study(uri, header)
def insert_or_die(*arguments):
    global calls
    calls += 1
    if calls == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    insert(*arguments)
runs = [child(Outcome(n, {"a": 1}, "ok", "", [0.5], 4, {}, {}, 0.1), 0.5, 1.7e9 + n, header) for n in range(9)]
sqlite.write(uri, opened, runs[:3])
sqlite._insert_texts = insert_or_die
sqlite.write(uri, opened, runs[3:])
"""


def test_a_kill_in_the_middle_of_a_batch_leaves_nothing_of_it(copy, make_outcome, mlflow):
    uri = copy("one")
    killed = subprocess.run([sys.executable, "-c", KILLED, uri], timeout=120)
    assert killed.returncode == -signal.SIGKILL
    opened = sqlite.open_study(uri, HEADER)
    assert opened.recorded == {0, 1, 2}
    with closing(sqlite3.connect(stores.database(uri))) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    tracker = MLflowTracker(uri)
    with writing(tracker, HEADER):
        for number in range(9):
            tracker.record(make_outcome(number, params=PARAMS), -0.5)
    assert sqlite.open_study(uri, HEADER).recorded == set(range(9))
    names = [run["name"].split(" · ")[0] for run in rows(uri)["runs"]]
    assert sorted(names) == sorted(["an experiment", *(f"trial {n}" for n in range(9))])


def test_many_trials_are_written_in_few_batches(folder, make_outcome, monkeypatch, mlflow):
    sizes = []
    write = sqlite.write
    monkeypatch.setattr(sqlite, "write", lambda uri, opened, runs: (sizes.append(len(runs)), write(uri, opened, runs)))
    tracker = MLflowTracker(stores.default_uri())
    with writing(tracker, Header("x", "one", {})):
        for number in range(450):
            tracker.record(make_outcome(number, params=PARAMS), -0.5)
    assert (sum(sizes), max(sizes) <= 200, len(sizes) < 10) == (450, True, True)


UNIMPORTED = """\
import sys
from search.trials.outcomes import Outcome
from search.tracking import Header, MLflowTracker
tracker, study = MLflowTracker(sys.argv[1]), Header("x", "one", {}, "# a study")
tracker.begin(study)
tracker.record(Outcome(0, {"a": 1}, "ok", "", [0.5], 4, {}, {}, 0.1), 0.5)
tracker.flush()
assert tracker.holds(study)
tracker.end("KILLED")
sys.exit("mlflow" in sys.modules)"""


def test_trials_are_written_without_importing_mlflow(copy):
    assert subprocess.run([sys.executable, "-c", UNIMPORTED, copy("one")], timeout=120).returncode == 0


# ------------------------------------------------------------------------------------------------------------ when to keep off

OTHERWISE = {
    "a further column": "ALTER TABLE metrics ADD COLUMN unit TEXT",
    "a column that is gone": "ALTER TABLE runs DROP COLUMN source_version",
    "another revision": "UPDATE alembic_version SET version_num = '0123456789ab'",
    "an upgrade under way": "CREATE TABLE _alembic_tmp_runs (run_uuid TEXT)",
    "no revision": "DROP TABLE alembic_version",
    "no table": "DROP TABLE latest_metrics",
    "a deleted experiment": "UPDATE experiments SET lifecycle_stage = 'deleted' WHERE name = 'an experiment'",
    "artifacts elsewhere": "UPDATE experiments SET artifact_location = 's3://bucket/1' WHERE name = 'an experiment'",
}


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_what_is_not_known_is_left_to_the_client(copy, change):
    uri = copy("one")
    sqlite.open_study(uri, HEADER)
    assert sqlite.understands(uri, HEADER.experiment)
    with closing(sqlite3.connect(stores.database(uri))) as db:
        db.execute(change)
        db.commit()
    assert not sqlite.understands(uri, HEADER.experiment)


UPGRADES = ["an upgrade under way", "another revision", "a further column"]


@pytest.mark.parametrize("upgrade", UPGRADES)
def test_an_upgrade_that_begins_in_mid_study_is_left_alone(copy, outcomes, upgrade):
    """Revision and columns were looked at once, at the beginning of a study."""
    uri = copy("one")
    opened = sqlite.open_study(uri, HEADER)
    with closing(sqlite3.connect(stores.database(uri))) as db:
        db.execute(OTHERWISE[upgrade])
        db.commit()
    with pytest.raises(sqlite.ChangedError, match="being changed by another program; run this again"):
        sqlite.write(uri, opened, [child(outcomes[0], -0.75, 1.7e9, HEADER)])
    with closing(sqlite3.connect(stores.database(uri))) as db:
        assert db.execute("SELECT count(*) FROM runs").fetchone() == (1,)


@pytest.mark.parametrize("uri", ["http://127.0.0.1:1", "postgresql://h/d", "sqlite:///none.db"])
def test_other_stores_are_left_to_the_client(folder, uri):
    assert not sqlite.understands(uri, "x")
    assert not Path("none.db").exists()


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=2, unique=True).map(sorted))
def test_identifiers_are_in_the_order_of_time(times):
    made = [uuid.UUID(sqlite.run_id(time)) for time in times]
    assert made == sorted(made)
    for time, key in zip(times, made, strict=True):
        assert (key.version, key.variant, key.int >> 80) == (7, uuid.RFC_4122, time)
    assert len({sqlite.run_id(times[0]) for _ in range(50)}) == 50
