"""What `bpsearch verify --repair` leaves as it is: the only copies, what others may be at work on, what is not ours."""

import os
import shutil
from pathlib import Path

import pytest

from search.catalog.soundness.kinds import KINDS
from search.errors import InUseError, StudyError
from search.loop import journal
from search.report import files as report_files
from search.tracking.inventory import places
from tests.search.catalog.soundness import plants
from tests.search.catalog.soundness.looks import content, found


def sql(query: str, *values: object) -> None:
    with plants.database() as db:
        db.execute(query, values)


def spare_with_the_version() -> None:
    plants.parent_doubled()
    sql("UPDATE model_versions SET run_id = ?", plants.ONE)


def spare_with_the_only_run() -> None:
    plants.parent_doubled()
    with plants.database() as db:
        tags = {"mlflow.parentRunId": plants.ONE, "trial": "9", "bpsearch.outcome": "another"}
        plants.copied(db, plants.child(db, 0), plants.OTHER, **tags)


def orphan_of_another_study() -> None:
    plants.trial_orphaned()
    sql("UPDATE tags SET value = 'another' WHERE key = 'bpsearch.outcome' AND run_uuid = ?", plants.ONE)


def orphan_of_an_older_version() -> None:
    plants.trial_orphaned()
    sql("DELETE FROM tags WHERE key = 'bpsearch.outcome' AND run_uuid = ?", plants.ONE)


def cut_by_another_copy() -> None:
    plants.trial_cut()
    plants.trial_unknown()
    plants.parent_running()


def missing_beside_another_copy() -> None:
    plants.trial_missing()
    plants.trial_unknown()


def another_evaluation() -> None:
    with plants.database() as db:
        query = "UPDATE tags SET value = 'another' WHERE key = 'bpsearch.outcome' AND run_uuid = ?"
        db.execute(query, [plants.child(db, 0)])


def of_an_older_version() -> None:
    sql("DELETE FROM tags WHERE key = 'bpsearch.outcome'")
    plants.trial_differs()


def pending_with_a_version() -> None:
    sql("UPDATE logged_models SET status = 1")


def doubled_with_versions() -> None:
    plants.model_doubled()
    with plants.database() as db:
        (place,) = db.execute("SELECT artifact_location FROM logged_models WHERE model_id = 'm-1'").fetchone()
        plants.version_copied(db, 2, source=place, storage_location=place, result="another")
    shutil.copytree(next(plants.ARTIFACTS.glob("models/m-*")), plants.ARTIFACTS / "models/m-1")


def doubled_with_aliases() -> None:
    plants.version_doubled()
    query = "INSERT INTO registered_model_aliases (name, alias, version, workspace) VALUES ('small', 'challenger', 2, 'default')"
    sql(query)


def champion_without_files() -> None:
    shutil.rmtree(plants.ARTIFACTS / "models")


def damaged_with_more() -> None:
    plants.journal_damaged()
    champion_without_files()
    plants.trial_orphaned()


def folder_with_a_model() -> None:
    plants.folder_astray()
    (plants.ARTIFACTS / plants.ONE / "artifacts" / "model.skops").touch()


def another_file_is_the_report() -> None:
    plants.REPORT.write_text("mine")


def whole_line_was_cut_off() -> None:
    Path("studies/small.journal.cut").write_text('{"op_code":4,"worker_id":"x"}\n')


def notes_where_a_line_was_cut_off() -> None:
    Path("studies/small.journal.cut").write_text("my notes")


def without_its_journal() -> None:
    plants.JOURNAL.unlink()
    with plants.database() as db:
        shutil.rmtree(plants.ARTIFACTS / plants.parent(db))


def journal_of_an_older_version() -> None:
    lines = plants.JOURNAL.read_bytes().splitlines(keepends=True)
    plants.JOURNAL.write_bytes(b"".join(line for line in lines if b'"user_attr":{"about"' not in line))
    plants.trial_missing()


LEFT = {
    spare_with_the_version: {"parent_doubled": "version 1 of the model is of one that would go"},
    spare_with_the_only_run: {"parent_doubled": "one has the only run of trial 9"},
    orphan_of_another_study: {"trial_orphaned": "no journal here has the same"},
    orphan_of_an_older_version: {"trial_orphaned": "no journal here has the same"},
    cut_by_another_copy: dict.fromkeys(
        ["trial_cut", "trial_unknown", "parent_running"], "another copy of this project"
    ),
    missing_beside_another_copy: dict.fromkeys(["trial_missing", "trial_unknown"], "another copy of this project"),
    another_evaluation: {"trial_differs": "another copy of this project"},
    of_an_older_version: {"trial_differs": "the run is of an older version"},
    pending_with_a_version: {"model_pending": "a version of the model was made of it"},
    doubled_with_versions: {"model_doubled": "each of them has a version"},
    doubled_with_aliases: {"version_doubled": "both have an alias"},
    champion_without_files: {"version_without_files": "it is the champion"},
    damaged_with_more: {"journal_damaged": "the file stays as it is"},
    folder_with_a_model: {"folder_astray": "it has more than a kill leaves"},
    another_file_is_the_report: {"report_missing": "studies/small.report.html is no report"},
    whole_line_was_cut_off: {"journal_cut": "studies/small.journal.cut has a whole line"},
    notes_where_a_line_was_cut_off: {"journal_cut": "studies/small.journal.cut has a whole line"},
    without_its_journal: {"files_missing": "no journal of this version"},
    journal_of_an_older_version: {"trial_missing": "the journal is of another version"},
}
"""What is told and left as it is, though others of its kind are repaired, and why."""


@pytest.mark.parametrize("plant", LEFT, ids=lambda plant: plant.__name__)
def test_what_cannot_be_repaired_safely_is_left(verify, plant):
    plant()
    before = content()
    result = verify("--repair", "--json")
    told = {each["kind"]: each["reason"] or "" for each in result.document["differences"]}
    assert (result.code, sorted(told)) == (1, sorted(LEFT[plant]))
    assert all(reason in told[kind] for kind, reason in LEFT[plant].items())
    assert found(result) == {(kind, "left") for kind in told}
    assert content() == before


def test_a_whole_line_that_only_lacks_its_end_is_kept_beside(verify):
    last = plants.JOURNAL.read_bytes().splitlines()[-1]
    with plants.JOURNAL.open("ab") as file:
        file.write(last)
    result = verify("--repair")
    told = "a line was cut off (left: studies/small.journal.cut has a whole line)"
    assert (result.code, result.out.splitlines()[0]) == (1, f"small: journal_cut: studies/small.journal: {told}")
    assert Path("studies/small.journal.cut").read_bytes() == last + b"\n"


def test_each_refusal_of_the_table_has_a_case():
    refused = {kind for kind, row in KINDS.items() if row.unless}
    assert refused == {kind for told in LEFT.values() for kind in told if KINDS[kind].repair}


def nothing_there() -> None:
    pass


def draft_of_just_now() -> None:
    Path("studies/.0123456789abcdef.new").touch()


def other_files() -> None:
    for name in ("studies/.x.new", "studies/0123456789abcdef.new", "mlruns/mine.new", "studies/notes.txt"):
        Path(name).touch()
        os.utime(name, (plants.OLD, plants.OLD))


def study_elsewhere_that_may_run() -> None:
    """Others may be at work on a study that has no journal here."""
    with plants.database() as db:
        plants.copied(db, plants.parent(db), plants.ONE, **{"bpsearch.study": "another"})
        plants.copied(db, plants.child(db, 0), plants.OTHER, **{"mlflow.parentRunId": plants.ONE})
        plants.set_run(db, plants.ONE, "status", "RUNNING")
        plants.set_run(db, plants.OTHER, "status", "RUNNING")
        plants.model_copied(db, "m-1", 1, "another")
        db.execute("UPDATE logged_models SET source_run_id = ? WHERE model_id = 'm-1'", [plants.ONE])
        plants.copied(
            db, plants.ONE, "4" * 32
        )  # that of a request which was sent again, to be dropped by whoever runs it
    folder = plants.ARTIFACTS / ("3" * 32) / "artifacts"
    folder.mkdir(parents=True)
    (folder / "study.toml").touch()


def study_elsewhere_that_was_killed() -> None:
    with plants.database() as db:
        plants.copied(db, plants.parent(db), plants.ONE, **{"bpsearch.study": "another"})
        plants.copied(db, plants.child(db, 0), plants.OTHER, **{"mlflow.parentRunId": plants.ONE})
        plants.set_run(db, plants.ONE, "status", "KILLED")
        plants.set_run(db, plants.OTHER, "status", "RUNNING")


def model_of_somebody_else() -> None:
    sql("DELETE FROM model_version_tags WHERE key = 'bpsearch.result'")
    sql("DELETE FROM logged_model_tags WHERE tag_key = 'bpsearch.result'")
    sql("UPDATE logged_models SET status = 1")
    shutil.rmtree(plants.ARTIFACTS / "models")


def run_of_somebody_else() -> None:
    with plants.database() as db:
        plants.copied(db, plants.child(db, 0), plants.OTHER, trial="my own")


def complete_in_another_store() -> None:
    plants.JOURNAL.write_text(plants.JOURNAL.read_text().replace('"uri":"sqlite:', '"uri":"http:'))
    sql("UPDATE runs SET lifecycle_stage = 'deleted'")
    sql("DELETE FROM model_versions")
    sql("DELETE FROM registered_model_aliases")


@pytest.mark.parametrize(
    "plant",
    [
        nothing_there,
        draft_of_just_now,
        other_files,
        study_elsewhere_that_may_run,
        study_elsewhere_that_was_killed,
        model_of_somebody_else,
        run_of_somebody_else,
        complete_in_another_store,
    ],
    ids=lambda plant: plant.__name__,
)
def test_what_is_no_difference_is_left_alone(verify, plant):
    plant()
    before = content()
    assert verify("--repair", "--json").document["differences"] == []
    assert content() == before


def test_a_study_that_runs_is_left_alone(verify):
    plants.trial_missing()
    plants.journal_cut()
    with journal.held(plants.JOURNAL):
        before = content()
        for arguments in ((), ("--repair",)):
            result = verify(*arguments)
            assert (result.code, result.out) == (
                0,
                "small: is running: left alone\n0 studies with 0 trials: nothing differs\n",
            )
        assert verify("--json").document["running"] == ["small"]
        assert content() == before
    assert verify().code == 1


def test_the_lock_of_a_study_that_has_no_journal_yet_is_no_leftover(verify):
    with journal.held(Path("studies/other.journal")):
        assert verify("--repair").out == "1 study with 2 trials: nothing differs\n"
        assert Path("studies/other.journal.lock").exists()


def test_the_lock_of_a_study_that_begins_meanwhile_is_no_leftover(verify, monkeypatch):
    plants.left_behind()
    monkeypatch.setattr(journal, "running", lambda path: True)
    told = [each["study"] for each in verify("--json").document["differences"]]
    assert told == [None] * 3


def test_a_folder_that_somebody_fills_meanwhile_stays(verify):
    folder_with_a_model()
    places.remove(plants.ARTIFACTS / plants.ONE)
    assert (plants.ARTIFACTS / plants.ONE / "artifacts" / "model.skops").exists()


def test_a_study_that_begins_meanwhile_is_left_alone(verify, monkeypatch):
    plants.trial_missing()

    def in_use(path):
        raise InUseError(f"{path} is in use")

    monkeypatch.setattr(journal, "held", in_use)
    result = verify("--repair")
    assert (result.code, result.out.splitlines()[0]) == (0, "small: is running: left alone")


def test_a_repair_that_fails_is_told(verify, monkeypatch):
    plants.report_missing()
    plants.left_behind()

    def fail(*_, **__):
        raise StudyError("disk full")

    monkeypatch.setattr(report_files, "write", fail)
    result = verify("--repair")
    assert result.code == 1
    assert "small: report_missing: there is no report studies/small.report.html (left: disk full)\n" in result.out
    assert "1 study with 2 trials: 5 differences: 4 repaired, 1 left\n" in result.out


def test_names_choose_the_studies(verify):
    shutil.copy(plants.JOURNAL, "studies/other.journal")
    Path("studies/other.journal").write_text(plants.JOURNAL.read_text().replace('"small"', '"other"'))
    plants.left_behind()
    kinds = {"study_unrecorded", "report_missing", "version_missing", "outer_open"}
    assert {each["kind"] for each in verify("other", "--json").document["differences"]} <= kinds
    named = verify("small.toml", "--json").document
    assert (named["studies"], [each["kind"] for each in named["differences"]]) == (["small"], ["left_behind"])
    assert verify("--json").document["studies"] == ["other", "small"]
    wrong = verify("smal")
    assert (wrong.code, wrong.out) == (2, "")
    assert "there is no study 'smal' (did you mean small?); allowed are other, small" in wrong.err


def test_scripts_get_a_line_for_what_is_left(verify):
    assert verify("--quiet").out == ""
    plants.outer_open()
    plants.report_missing()
    told = verify("--quiet", "--repair").out
    assert told.splitlines() == [
        "small: outer_open: the study is complete, but studies/small.outer-2.journal is gone "
        "(left: the score of this outer fold is in the journal of the study)"
    ]
