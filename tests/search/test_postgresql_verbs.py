"""The verbs work on studies in a database as on files; passwords are told nowhere."""

import json
from pathlib import Path

import optuna
import pytest

from search.loop import journal
from tests.search.postgresql import PASSWORD

pytestmark = pytest.mark.slow  # a server is started


@pytest.fixture
def project(tmp_path, monkeypatch, small_project, store):
    """A project whose studies, trials and runs are in one database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "bpsearch.toml").write_text(f'store = "{store.replace("+psycopg2", "")}"\n')
    small_project(tmp_path)
    return tmp_path


@pytest.fixture
def run(command):
    """Run a command that succeeds; return its document."""

    def run(*arguments: str) -> dict:
        done = command(*arguments, "--json")
        assert done.code == 0, done.out + done.err
        assert PASSWORD not in done.out + done.err
        return done.document

    return run


def test_a_study_from_its_first_trial_to_its_deletion(project, run, command, store, postgresql):
    told = run("tune", "small.toml")
    name = told["name"]
    assert not list((project / "studies").glob("*.journal*"))
    assert [each["name"] for each in run("list")["studies"]] == [name]
    assert run("show", name)["journals"] == [f"study '{name}' in {store.replace('me:' + PASSWORD, '***')}"]
    assert run("show", name, "--trial", "0")["trial"] == 0
    (project / "studies" / f"{name}.report.html").unlink()
    run("report", name)
    assert run("verify")["sound"]
    assert run("tune", "small.toml")["unchanged"]
    assert len(optuna.load_study(study_name=name, storage=store).trials) == sum(told["trials"].values())
    tables = postgresql.execute(
        "SELECT schemaname, tablename FROM pg_tables WHERE tablename = 'alembic_version'", store
    )
    assert sorted(schema for schema, _ in tables) == ["mlflow", "public"]
    assert run("delete", name, "--yes")["deleted"][0].startswith(f"study '{name}' in postgresql")
    assert run("list")["studies"] == []
    assert PASSWORD not in "".join(p.read_text(errors="replace") for p in project.rglob("*.html"))


def test_a_study_goes_on_where_it_was(project, run):
    name = run("tune", "small.toml", "--trials", "1")["name"]
    first = journal.read(journal.address_of(name)).ended
    run("tune", "small.toml", "--trials", "3")
    assert journal.read(journal.address_of(name)).ended.items() > first.items()


def test_outer_folds_are_studies_of_their_own(project, run, small_project):
    small_project(project, ("n_splits = 2", "n_splits = 2\nouter = 2"))
    name = run("tune", "small.toml")["name"]
    found = [str(each) for each in journal.addresses()]
    assert [text.split("'")[1] for text in found] == [name, f"{name}.outer-1", f"{name}.outer-2"]
    assert len(run("list")["studies"]) == 1
    assert run("verify")["sound"]
    assert len(run("delete", name, "--yes")["deleted"]) >= 3
    assert journal.addresses() == []


def test_a_study_that_runs_is_left_alone(project, run, command):
    name = run("tune", "small.toml", "--trials", "1")["name"]
    with journal.held(journal.address_of(name)):
        assert run("list")["studies"][0]["running"]
        assert run("verify")["running"] == [name]
        assert "is running; stop it first" in command("delete", name, "--yes").err
        assert "is in use by another run" in command("tune", "small.toml", "--trials", "3").err


def test_a_rehearsal_makes_no_schema_for_runs(project, run, postgresql, store):
    run("tune", "small.toml", "--dry-run")
    assert postgresql.execute("SELECT 1 FROM information_schema.schemata WHERE schema_name = 'mlflow'", store) == []


def test_a_server_that_is_not_there_is_told_in_one_line(project, command, monkeypatch, free_port):
    from search.loop.database import server

    monkeypatch.setattr(server, "PATIENCE", 0.5)
    monkeypatch.setenv("BPSEARCH_STORE", f"postgresql://me:{PASSWORD}@127.0.0.1:{free_port()}/db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlruns/mlflow.db")
    done = command("tune", "small.toml")
    assert done.code == 2 or done.code == 1
    assert len(done.err.strip().splitlines()) == 1
    assert "could not be used for 0.5 s" in done.err
    assert PASSWORD not in done.err


def test_a_wrong_password_is_told_at_once(project, command, monkeypatch, store):
    monkeypatch.setenv("BPSEARCH_STORE", store.replace(PASSWORD, "wrong-s3cret"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mlruns/mlflow.db")
    done = command("tune", "small.toml")
    assert "password authentication failed" in done.err
    assert "wrong-s3cret" not in done.err


def test_json_is_what_optuna_has(project, run, store):
    name = run("tune", "small.toml", "--trials", "1")["name"]
    (trial,) = optuna.load_study(study_name=name, storage=store).trials
    assert json.loads(trial.user_attrs["outcome"])["verdict"] == "ok"


def test_a_report_that_another_machine_has_is_none_that_is_missing(project, run, store):
    name = run("tune", "small.toml", "--trials", "1")["name"]
    report = Path(f"studies/{name}.report.html")
    assert report.exists()
    report.unlink()
    assert run("verify")["differences"] == []
