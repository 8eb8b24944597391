"""A real PostgreSQL server for tests, which can be killed and started again."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

PASSWORD = "S3cretPassw0rd"


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; Debian does not put them on the path."""
    found = [*filter(None, [shutil.which("initdb")]), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return Path(found[0]).resolve().parent if found else None


def owner() -> str | None:
    """Return who runs the database: it refuses root."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


class Database:
    """A PostgreSQL on the loopback interface, which can be killed and started again."""

    def __init__(self, folder: Path, port: int, wait_for) -> None:
        self.folder, self.port, self.wait_for, self.programs = folder, port, wait_for, programs()
        self.uri = f"postgresql+psycopg2://me:{PASSWORD}@127.0.0.1:{port}/postgres"
        (folder / "password").write_text(PASSWORD)
        if owner():
            shutil.chown(folder, owner())
            shutil.chown(folder / "password", owner())
        self._run("initdb", "-D", folder / "data", "-U", "me", "-A", "scram-sha-256", "--pwfile", folder / "password")

    def _run(self, name: str, *arguments: object) -> None:
        command = [self.programs / name, *map(str, arguments)]
        subprocess.run(command, cwd=self.folder, user=owner(), check=True, capture_output=True)

    def start(self) -> None:
        arguments = ["-D", self.folder / "data", "-p", self.port, "-h", "127.0.0.1", "-k", self.folder]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", *map(str, arguments)],
                cwd=self.folder,
                user=owner(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for(self.is_open, 180)

    def is_open(self) -> bool:
        if self.process.poll() is not None:  # what is left of one that was killed has not ended yet
            self.start()
        with suppress(OperationalError):
            self.execute("SELECT 1")
            return True
        return False

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)
        self.process.wait(60)

    def restart(self) -> None:
        """Stop the server as an operator does who waits for nobody, and start it again."""
        self.kill(signal.SIGINT)
        self.start()

    def made(self, name: str) -> str:
        """Make an empty database; return its address."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.uri.removesuffix("postgres") + name

    def execute(self, statement: str, uri: str | None = None) -> list[tuple]:
        """Execute a statement in a transaction of its own; return its rows."""
        engine = create_engine(uri or self.uri, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            done = connection.execute(text(statement))
            return [tuple(row) for row in done] if done.returns_rows else []

    def dump(self) -> str:
        command = [self.programs / "pg_dump", self.uri.replace("+psycopg2", "")]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=self.folder).stdout


@contextmanager
def started(port: int, wait_for: Callable[..., None]) -> Iterator[Database]:
    """Run a server while the block runs."""
    if programs() is None or importlib.util.find_spec("psycopg2") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL or psycopg2 is not installed")
    # pytest's own folders are closed to other users
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        made = Database(Path(folder), port, wait_for)
        made.start()
        yield made
        made.kill(signal.SIGQUIT)
