"""Which errors of a database may pass, and for how long something is tried again; without a server."""

import pytest
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from search.errors import StudyError
from search.loop.database import server

URI = "postgresql+psycopg2://me:s3cret@host/db"


class DriverError(Exception):
    """An error of the driver."""

    def __init__(self, told: str, pgcode: str | None = None) -> None:
        super().__init__(told)
        self.pgcode = pgcode


def error(kind, told: str = "told", code: str | None = None, cut: bool = False):
    return kind("SELECT 1", {}, DriverError(told, code), connection_invalidated=cut)


ERRORS = {
    "refused": (error(OperationalError, "connection refused"), True),
    "starting up": (error(OperationalError, "FATAL:  the database system is starting up"), True),
    "too many": (error(OperationalError, "FATAL:  sorry, too many clients already"), True),
    "closed": (error(InterfaceError, "connection already closed"), True),
    "cut": (error(ProgrammingError, cut=True), True),
    "idle in transaction": (error(InternalError, code="25P03"), True),
    "read-only": (error(InternalError, code="25006"), True),
    "serialization": (error(InternalError, code="40001"), True),
    "other internal": (error(InternalError, code="XX000"), False),
    "syntax": (error(ProgrammingError, code="42601"), False),
    "data": (error(DataError, code="22003"), False),
    "twice": (error(IntegrityError, code="23505"), False),
    "password": (error(OperationalError, 'FATAL:  password authentication failed for user "me"'), False),
    "no password": (error(OperationalError, "fe_sendauth: no password supplied"), False),
    "no database": (error(OperationalError, 'FATAL:  database "db" does not exist'), False),
    "no entry": (error(OperationalError, "FATAL:  no pg_hba.conf entry for host"), False),
    "rights": (error(OperationalError, "permission denied for table x"), False),
    "pool": (PoolTimeoutError("QueuePool limit"), True),
    "another error": (ValueError("x"), False),
}


@pytest.mark.parametrize(("raised", "expected"), ERRORS.values(), ids=ERRORS)
def test_which_errors_may_pass(raised, expected):
    assert server.passes(raised) is expected
    hidden = StorageInternalError("An exception is raised during the commit.")
    hidden.__cause__ = raised
    assert server.passes(hidden) is expected


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def known(monkeypatch):
    """A server that is never asked, with a clock of its own; pauses are not shortened at random."""
    made = object.__new__(server.Server)
    made.uri, made.clock = URI, Clock()
    monkeypatch.setattr(server, "time", made.clock)
    monkeypatch.setattr(server.random, "uniform", lambda low, high: high)
    return made


def failing(times: int):
    tries = []

    def attempt() -> str:
        tries.append(1)
        if len(tries) <= times:
            raise error(OperationalError, "could not connect: s3cret")
        return "done"

    return attempt, tries


def test_pauses_grow_up_to_a_bound(known, caplog):
    attempt, _ = failing(9)
    assert known.patiently(attempt) == "done"
    assert known.clock.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0])
    (line,) = caplog.messages
    assert line.startswith("note: postgresql+psycopg2://***@host/db cannot be used now (could not connect: ***)")


def test_the_last_try_is_within_the_patience(known, monkeypatch):
    """Pauses of 0.1, 0.2 and 0.4 s: with 0.7 s there are four tries, with a little less there are three."""
    for patience, expected in ((0.7001, 4), (0.6999, 3)):
        known.clock.now, (attempt, tries) = 0.0, failing(100)
        monkeypatch.setattr(server, "PATIENCE", patience)
        with pytest.raises(
            StudyError, match=r"could not be used for 0\.\d+ s: could not connect: \*\*\*; finished"
        ) as told:
            known.patiently(attempt)
        assert len(tries) == expected
        assert "s3cret" not in str(told.value)


def test_an_error_that_stays_is_not_tried_again(known):
    tries = []

    def attempt() -> None:
        tries.append(1)
        raise error(ProgrammingError, "syntax error", "42601")

    with pytest.raises(StudyError, match="host/db: syntax error"):
        known.patiently(attempt)
    assert len(tries) == 1


def test_errors_of_others_are_theirs(known):
    def attempt() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        known.patiently(attempt)
