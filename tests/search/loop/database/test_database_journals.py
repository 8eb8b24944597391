"""A journal in a database gives back what was put in, as one in a file does, and Optuna can open it."""

import dataclasses
import math
import time
from collections.abc import Iterator

import numpy as np
import optuna
import pytest
from sqlalchemy import create_engine

from search.errors import InUseError, StudyError
from search.loop import journal
from search.loop.database import lease, rows, server
from search.loop.database.journal import DatabaseJournal
from search.loop.journal import StudyStore
from search.samplers.optuna_terms import finished
from search.space import spaces
from search.trials.penalties import Feedback
from tests.search.postgresql import PASSWORD

pytestmark = pytest.mark.slow  # a server is started

SPACE = spaces.build({"layers": [[8], [8, 4]], "rate": (1e-4, 1.0, "log"), "batch": (1, 64), "kind": ["relu", "tanh"]})
PARAMS = {"layers": [8, 4], "rate": 0.0123456789, "batch": 7, "kind": "tanh"}
IDENTITY = {"[data]": {"target": "y", "rows": "1234"}, "[space]": SPACE.describe(), "[cv]": {"n_splits": 5}}

OUTCOMES = {
    "ok": ({"scores": (-0.1, -1e-12)}, Feedback(-0.75, 1.0)),
    "pruned": ({"verdict": "stopped", "curve": {4: -math.inf, 6: -0.375}}, Feedback(-0.5, 0.0, "pruned")),
    "failed": ({"verdict": "diverged", "ratio": math.nan}, Feedback(-3.0, 2.0, "failed")),
    "infinite": ({"verdict": "diverged", "ratio": math.inf}, Feedback(-1e300, 2.0)),
    "text": ({"verdict": "error", "reason": 'ValueError: "ü" \\ {'}, Feedback(-0.75)),
}


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    monkeypatch.setattr(lease, "SECONDS", 2.0)
    monkeypatch.setattr(server, "PATIENCE", 5.0)


@pytest.fixture
def place(store) -> DatabaseJournal:
    return DatabaseJournal(store, "x")


@pytest.fixture(params=[True, False], ids=["straight", "by Optuna"])
def way(request, monkeypatch) -> None:
    """Trials are written straight into the tables, or by Optuna, whose tables are of a revision that is not known."""
    if not request.param:
        monkeypatch.setattr(rows, "REVISIONS", ())


def opened(place: DatabaseJournal, identity: dict = IDENTITY) -> StudyStore:
    return StudyStore(place, "x", identity, SPACE)


def trial(make_outcome, number: int = 0):
    outcome = make_outcome(number, params=PARAMS)
    noted = {"number": number, "value": -0.5, "outcome": outcome.encoded}
    return finished(SPACE.leaves(PARAMS), SPACE.axes, outcome, Feedback(-0.5), noted)


def test_every_outcome_comes_back_as_it_was(place, make_outcome, way):
    store, told = opened(place), {}
    for number, (fields, feedback) in enumerate(OUTCOMES.values()):
        outcome = make_outcome(number, params=PARAMS, **fields)
        store.record(outcome, feedback)
        told[number] = outcome, feedback
    store.note("about", {"file": "", "path": ""} | ABOUT)
    store.record_again(make_outcome(0, params=PARAMS))
    store.close()
    stored, again = journal.read(place, SPACE), opened(place)
    again.close()
    for number, (outcome, feedback) in told.items():
        np.testing.assert_equal(dataclasses.asdict(again.outcomes[number]), dataclasses.asdict(outcome))
        np.testing.assert_equal(dataclasses.asdict(stored.first[number]), dataclasses.asdict(outcome))
        assert again.feedback[number] == stored.feedback[number] == feedback
    assert (again.again.keys(), stored.notes) == ({0}, again.notes)
    assert again.when == pytest.approx(stored.when)


ABOUT = {
    **dict.fromkeys(["method", "scheme", "scoring", "loss", "task"], ""),
    **{key: [] for key in ["baselines", "suspects", "notes"]},
    **{"ratio": 1.0, "data": None, "target": None, "rows": 1, "columns": 1, "budget": {}, "versions": {}},
}


def test_optuna_sees_the_same_trial_whoever_wrote_it(place, make_outcome, monkeypatch, in_tokyo):
    """Straight into the tables, the same rows are written as by Optuna's own `add_trial`."""
    store = opened(place)
    for number, (fields, feedback) in enumerate(OUTCOMES.values()):
        store.record(make_outcome(number, params=PARAMS, **fields), feedback)
    store.close()
    monkeypatch.setattr(rows, "REVISIONS", ())
    other = StudyStore(DatabaseJournal(place.uri, "y"), "y", IDENTITY, SPACE)
    for number, (fields, feedback) in enumerate(OUTCOMES.values()):
        other.record(make_outcome(number, params=PARAMS, **fields), feedback)
    other.close()
    found = {}
    for name in "xy":
        study = optuna.load_study(study_name=name, storage=place.uri)
        found[name] = study.get_trials()
    for one, two in zip(found["x"], found["y"], strict=True):
        for each in ("number", "state", "values", "params", "distributions", "user_attrs", "system_attrs"):
            assert getattr(one, each) == getattr(two, each)
        assert one.intermediate_values == two.intermediate_values
        assert abs((one.datetime_complete - two.datetime_complete).total_seconds()) < 600
        assert abs((one.datetime_start - two.datetime_start).total_seconds()) < 600


@pytest.fixture
def in_tokyo(monkeypatch) -> Iterator[None]:
    """Local times are not those of the database."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


TABLES = {
    "trials": "state",
    "trial_params": "param_name, param_value, distribution_json",
    "trial_values": "objective, value, value_type",
    "trial_user_attributes": "key, value_json",
    "trial_system_attributes": "key, value_json",
    "trial_intermediate_values": "step, intermediate_value, intermediate_value_type",
}


@pytest.mark.parametrize("table", TABLES)
def test_the_rows_of_a_table_are_those_that_optuna_writes(place, make_outcome, monkeypatch, postgresql, table):
    for name in "xy":
        store = StudyStore(DatabaseJournal(place.uri, name), name, IDENTITY, SPACE)
        for number, (fields, feedback) in enumerate(OUTCOMES.values()):
            store.record(make_outcome(number, params=PARAMS, **fields), feedback)
        store.close()
        monkeypatch.setattr(rows, "REVISIONS", ())
    found = [
        postgresql.execute(
            f"SELECT t.number, {', '.join(f'r.{each}' for each in TABLES[table].split(', '))} FROM {table} r "
            f"JOIN trials t ON t.trial_id = r.trial_id JOIN studies s ON s.study_id = t.study_id "
            f"WHERE s.study_name = '{name}' ORDER BY 1, 2",
            place.uri,
        )
        for name in "xy"
    ]
    assert found[0] == found[1]
    assert found[0]


def test_infinite_values_are_as_optuna_stores_them(place, make_outcome):
    known = server.server(place.uri)
    study = optuna.create_study(study_name="z", storage=known.reading, direction="maximize")
    for value in (math.inf, -math.inf):
        made = optuna.trial.create_trial(value=value)
        study.add_trial(made)
        with known.engine.begin() as connection:
            rows.add(connection, known.reading.get_study_id_from_name("z"), made)
    assert [each.value for each in study.get_trials()] == [math.inf, math.inf, -math.inf, -math.inf]
    assert [each.number for each in study.get_trials()] == [0, 1, 2, 3]


def test_a_study_that_is_open_is_refused_until_it_is_closed(place):
    first = opened(place)
    assert journal.running(place)
    with pytest.raises(InUseError, match=r"study 'x' in postgresql\+psycopg2://\*\*\*@127.* is in use by another run"):
        opened(place)
    first.close()
    assert not journal.running(place)
    opened(place).close()


def test_another_identity_is_refused(place, make_outcome):
    opened(place).close()
    with pytest.raises(StudyError, match=r"name = 'x' is already used in study 'x' .* with another \[cv\]"):
        opened(place, IDENTITY | {"[cv]": {"n_splits": 3}})


@pytest.mark.parametrize(
    ("statement", "told"),
    {
        "outcome": ("UPDATE trial_user_attributes SET value_json = '\"{\"' WHERE key = 'outcome'", "trial 0 "),
        "number": ("UPDATE trial_user_attributes SET value_json = '-1' WHERE key = 'number'", "trial 0 "),
        "gone": ("DELETE FROM trial_user_attributes WHERE key = 'value'", "trial 0 "),
        "twice": ("UPDATE trial_user_attributes SET value_json = '0' WHERE key = 'number'", "trial 0 is there as"),
        "state": ("UPDATE trials SET state = 'RUNNING' WHERE number = 1", "trial 1 "),
        "note": ("UPDATE study_user_attributes SET value_json = '1' WHERE key = 'identity'", "note 'identity'"),
        "id": ("DELETE FROM study_user_attributes WHERE key = 'id'", "another program's"),
    }.values(),
)
def test_damage_says_what_it_is_of(place, make_outcome, postgresql, statement, told):
    store = opened(place)
    for number in range(2):
        store.record(make_outcome(number, params=PARAMS), Feedback(-0.5))
    store.close()
    postgresql.execute(statement, place.uri)
    with pytest.raises(StudyError, match=r"study 'x' in postgresql") as error:
        opened(place)
    assert told in str(error.value)
    assert PASSWORD not in str(error.value)
    assert not journal.running(place)


def test_a_study_of_another_program_is_left_alone(place):
    study = optuna.create_study(study_name="x", storage=server.server(place.uri).reading, direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=1.0))
    with pytest.raises(StudyError, match="is another program's: bpsearch has not written it"):
        opened(place)
    assert len(study.get_trials()) == 1


def test_a_journal_is_deleted_as_a_whole(place, make_outcome, postgresql):
    store = opened(place)
    store.record(make_outcome(params=PARAMS), Feedback(-0.5))
    state = journal.at(place).state()
    store.note("more", 1)
    assert journal.at(place).state() > state
    store.close()
    assert journal.at(place).size() == "1 trials"
    with journal.held(place) as delete:
        delete()
    assert not journal.at(place).exists()
    assert not journal.running(place)
    for table in ("studies", "trials", "trial_params", "bpsearch.journals"):
        assert postgresql.execute(f"SELECT * FROM {table}", place.uri) == []
    with pytest.raises(StudyError, match="there is none"):
        journal.read(place)


def test_the_plain_address_opens_in_optuna(place, make_outcome):
    store = opened(place)
    store.record(make_outcome(params=PARAMS), Feedback(-0.5))
    store.close()
    assert optuna.load_study(study_name="x", storage=place.uri).best_value == -0.5


def test_a_missing_driver_names_the_extra(monkeypatch):
    def refuse(*_, **__):
        raise ModuleNotFoundError(name="psycopg2")

    monkeypatch.setattr(server, "create_engine", refuse)
    with pytest.raises(StudyError, match=r"driver psycopg2 is not installed.*bpsearch\[postgres\]"):
        server.Server("postgresql+psycopg2://me@host/db")


def test_tables_of_an_older_optuna_open_after_an_upgrade(place, postgresql):
    opened(place).close()
    server.forget()
    postgresql.execute("UPDATE alembic_version SET version_num = 'v3.0.0.d'", place.uri)
    postgresql.execute("DROP INDEX ix_trials_study_id", place.uri)
    with pytest.raises(StudyError, match="optuna storage upgrade --storage"):
        opened(place)
    optuna.storages.RDBStorage(place.uri, skip_compatibility_check=True).upgrade()
    opened(place).close()


def test_tables_of_another_optuna_are_refused_by_name(place, postgresql):
    opened(place).close()
    server.forget()
    postgresql.execute("UPDATE alembic_version SET version_num = 'v99'", place.uri)
    with pytest.raises(
        StudyError, match=r"postgresql\+psycopg2://\*\*\*@.*: The runtime optuna version .*updating optuna"
    ):
        opened(place)


def test_own_settings_of_the_address_are_kept(store):
    made = server.options(f"{store}?options=-csearch_path%3Dother")
    engine = create_engine(f"{store}?options=-csearch_path%3Dother", **made)
    with engine.connect() as connection:
        shown = {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("search_path", "lock_timeout")}
    engine.dispose()
    assert shown == {"search_path": "other", "lock_timeout": "20s"}
