"""A study in a real PostgreSQL, which is killed in between: it is all there, each trial once, and the password nowhere."""

from collections.abc import Iterator

import pytest

from search.loop import journal
from search.study import study_file
from search.tracking import MLflowTracker, again, waiting
from search.trials.outcomes import VERDICTS
from search.tuning import tune
from tests.search.postgresql import PASSWORD, Database, started

pytestmark = pytest.mark.slow  # a database is made, started, killed and started again

TRIALS = 10
STUDY = f"""\
# Trials of a few epochs, some of which diverge.
name = "houses"
data = {{ source = "sklearn:diabetes", task = "regression" }}
model = {{ max_iter = 4, solver = "sgd" }}
cv = {{ n_splits = 2 }}
search = {{ method = "random", n_trials = {TRIALS}, n_seeds = 1, n_jobs = 1 }}
space = {{ learning_rate_init = {{ low = 0.001, high = 10.0, log = true }} }}
"""


@pytest.fixture
def database(free_port, wait_for) -> Iterator[Database]:
    with started(free_port(), wait_for) as made:
        yield made


@pytest.fixture
def record(database, monkeypatch, wait_for) -> list[str]:
    """Kill the database before the fourth trial is written, and start it again once that is told; return what was told."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(again, "LONGEST_SECONDS", 0.5)
    told: list[str] = []
    monkeypatch.setattr(waiting, "tell", told.append)
    known = MLflowTracker.record

    def record(self, outcome, value) -> None:
        if outcome.number == 3:
            self.flush()
            told.clear()
            database.kill()
        known(self, outcome, value)
        if outcome.number == 6:
            wait_for(lambda: told, 120)
            database.start()

    monkeypatch.setattr(MLflowTracker, "record", record)
    return told


def test_a_database_that_is_killed_in_mid_study_has_all_of_it_once_bug(
    database, record, tmp_path, mlflow, capfd, monkeypatch
):
    """The first lost connection ended the writing, and MLflow wrote 800 lines of tracebacks to the terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database.uri)
    (tmp_path / "houses.toml").write_text(STUDY)
    tune(study_file.load(tmp_path / "houses.toml"))
    assert len(record) == 1
    assert record[0].startswith(
        f"MLflow at postgresql+psycopg2://***@127.0.0.1:{database.port}/postgres does not answer;"
    )

    client = mlflow.MlflowClient(database.uri, database.uri)
    runs = client.search_runs([client.get_experiment_by_name("houses").experiment_id])
    trials = {int(run.data.tags["trial"]): run for run in runs if "trial" in run.data.tags}
    assert (len(runs), sorted(trials)) == (TRIALS + 1, [*range(TRIALS)])
    outcomes = journal.read(tmp_path / "studies" / "houses.journal").outcomes
    status = {number: VERDICTS[outcome.verdict].run_status for number, outcome in outcomes.items()}
    assert {number: run.info.status for number, run in trials.items()} == status
    assert client.get_model_version_by_alias("houses", "champion").version in (1, "1")

    said = capfd.readouterr()
    assert "Traceback" not in said.out + said.err
    assert PASSWORD not in said.out + said.err + "".join(record) + database.dump()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]
