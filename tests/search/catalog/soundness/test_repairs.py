"""What `bpsearch verify --repair` writes is what a study has written."""

import shutil
from pathlib import Path

import pytest

from search.loop import journal
from tests.search.catalog.soundness import plants
from tests.search.catalog.soundness.looks import found


def rows(run: str) -> dict[str, set[tuple]]:
    """Return all that a run has, without its identifier and its place."""
    with plants.database() as db:
        columns = {"params": "key, value", "tags": "key, value", "metrics": "key, value, step, timestamp"}
        found = {
            table: set(db.execute(f"SELECT {names} FROM {table} WHERE run_uuid = ?", [run]))
            for table, names in columns.items()
        }
        found["runs"] = set(db.execute("SELECT name, status, end_time FROM runs WHERE run_uuid = ?", [run]))
    return found


def points(metrics: set[tuple]) -> set[tuple]:
    """Return name and step of each metric, and the value but of losses: the journal has six digits of those."""
    return {(name, step, None if name.endswith("_loss") else value) for name, value, step, _ in metrics}


def test_a_trial_is_written_as_it_was(verify):
    with plants.database() as db:
        before = {trial: rows(plants.child(db, trial)) for trial in (0, 1)}
        best = db.execute("SELECT count(*) FROM metrics WHERE key = 'best_score'").fetchone()
        db.execute(
            "UPDATE runs SET lifecycle_stage = 'deleted' WHERE run_uuid IN (SELECT run_uuid FROM tags WHERE key = 'trial')"
        )
        db.execute("DELETE FROM metrics WHERE key LIKE 'best%'")
    assert verify("--repair").code == 0
    with plants.database() as db:
        query = "SELECT value, run_uuid FROM tags JOIN runs USING (run_uuid) WHERE key = 'trial' AND lifecycle_stage = 'active'"
        after = {int(trial): rows(run) for trial, run in db.execute(query)}
        assert db.execute("SELECT count(*) FROM metrics WHERE key = 'best_score'").fetchone() == best
    for trial, known in before.items():
        for table in ("params", "tags"):
            assert after[trial][table] == known[table]
        assert points(after[trial]["metrics"]) == points(known["metrics"])
        assert {row[:2] for row in after[trial]["runs"]} == {row[:2] for row in known["runs"]}


@pytest.mark.parametrize(("plant", "status"), [(plants.parent_running, "FINISHED"), (plants.parent_finished, "KILLED")])
def test_a_parent_run_gets_the_status_of_its_study(verify, plant, status):
    plant()
    assert verify("--repair").code == 0
    with plants.database() as db:
        query = "SELECT status, end_time / 1000.0 FROM runs WHERE run_uuid = ?"
        found, ended = db.execute(query, [plants.parent(db)]).fetchone()
    assert found == status
    assert ended == pytest.approx(journal.read(plants.JOURNAL).when, abs=0.01)


def test_the_latest_version_takes_the_place_of_a_champion_that_is_gone(verify):
    plants.alias_astray()
    with plants.database() as db:
        plants.version_copied(db, 2, result="another")
        plants.version_copied(db, 3, result="a third", source="file:///gone", storage_location="file:///gone")
    assert verify("--repair").code == 0
    with plants.database() as db:
        assert db.execute("SELECT alias, version FROM registered_model_aliases").fetchall() == [("champion", 2)]


def test_the_run_that_agrees_with_the_journal_stays(verify):
    with plants.database() as db:
        old = plants.child(db, 0)
        plants.copied(db, old, plants.ONE)
        db.execute("UPDATE latest_metrics SET value = 1.5 WHERE key = 'score' AND run_uuid = ?", [old])
    assert verify("--repair").code == 0
    with plants.database() as db:
        query = "SELECT lifecycle_stage FROM runs WHERE run_uuid = ?"
        assert [db.execute(query, [run]).fetchone() for run in (old, plants.ONE)] == [("deleted",), ("active",)]


def test_files_are_written_again(verify):
    with plants.database() as db:
        run, diverged = plants.parent(db), plants.child(db, 1)
    folders = [plants.ARTIFACTS / run / "artifacts", plants.ARTIFACTS / diverged / "artifacts"]
    before = [{path.relative_to(folder) for path in folder.rglob("*")} for folder in folders]
    told = (folders[1] / "diagnosis.json").read_text()
    plants.files_missing()
    assert verify("--repair").code == 0
    after = [{path.relative_to(folder) for path in folder.rglob("*")} for folder in folders]
    assert after[1] == before[1]
    lost = {path.as_posix() for path in before[0] - after[0]}
    assert lost == {"diagnosis.json", "tables/out_of_fold.csv"}
    assert (folders[1] / "diagnosis.json").read_text() == told
    assert (folders[0] / "study.toml").read_text() == plants.STUDY


def test_points_of_the_best_score_are_written_once(verify):
    query = "SELECT count(*) FROM metrics WHERE key = 'best_score'"
    with plants.database() as db:
        before = db.execute(query).fetchone()
    plants.trial_missing()
    assert verify("--repair").code == 0
    with plants.database() as db:
        assert db.execute(query).fetchone() == before


def test_trials_whose_parent_run_is_in_the_trash_go_there_too(verify):
    with plants.database() as db:
        plants.set_run(db, plants.parent(db), "lifecycle_stage", "deleted")
    states = {("study_unrecorded", "left"), ("version_without_run", "left"), ("trial_orphaned", "repaired")}
    assert found(verify("--repair", "--json")) == states
    assert found(verify("--json")) == states - {("trial_orphaned", "repaired")}


def test_models_are_those_of_the_registry(verify, empty_database, monkeypatch):
    shutil.copy(empty_database, "registry.db")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{Path.cwd()}/registry.db")
    assert found(verify("--json")) == {("version_missing", "left")}


def test_a_study_has_one_parent_run_though_several_are_running(verify):
    plants.parent_running()
    plants.parent_doubled()
    result = verify("--repair", "--json")
    kinds = [each["kind"] for each in result.document["differences"]]
    assert (result.code, sorted(kinds)) == (0, ["parent_doubled", "parent_running"])


def test_a_score_that_is_no_number_differs(verify):
    with plants.database() as db:
        db.execute("UPDATE latest_metrics SET is_nan = 1 WHERE key = 'score' AND run_uuid = ?", [plants.child(db, 0)])
    assert "small: trial_differs: trial 0: verdict or score are not those of the journal\n" in verify().out


def test_differences_that_are_repaired_as_a_part_of_others_are_told(verify):
    """The trial that is missing is written with the one whose run was cut off, once that is dropped."""
    plants.trial_cut()
    plants.trial_missing()
    result = verify("--repair", "--json").document["differences"]
    assert [(each["kind"], each["trials"], each["state"]) for each in result] == [
        ("trial_cut", [0], "repaired"),
        ("trial_missing", [1], "repaired"),
    ]
