"""A study is killed several times, anywhere in its life, and then goes on until it is done.

The process kills itself at a random access to the folder or to the network, or a moment later, in any thread: while the database
is made, trials are written, or the model is registered. In the end each trial is there once, with one parent run, none running,
one version of the model, the champion, and no file in the temporary folder. `bpsearch verify` finds nothing, but for folders of
runs that were killed before the database had their rows, and nothing at all once it has repaired that.
"""

import atexit
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from search import cli
from search.tracking import library
from search.tracking.writers import schema
from tests.fuzz.parts import served, whole

NAME = "kills"
KILLS = 5
"""In one attempt, at most: the last ones may come when all is done."""

GOAL, SHORT = 40, 2
SECONDS = 600.0
"""Within which an attempt must end: it starts a server, and a study several times."""

MOST_EVENTS = {"here": 2200, "a server": 1100}
"""A few more than the accesses of a study from its begin to its end."""

HARMLESS = "folder_astray"
"""The only kind of difference that a study which has gone on may have: its files were there before its rows."""

LATER = 0.05
"""Seconds after an access within which the process is killed."""

WATCHED = ("open", "os.", "shutil.", "sqlite3.", "socket.connect", "tempfile.")


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Kill one study, on a store here or on a server."""
    chance = random.Random(seed * 1_000_003 + number)
    where = list(MOST_EVENTS)[number % 2]
    home, temporary, said = folder / "project", folder / "temporary", folder / "said"
    (home / "mlruns").mkdir(parents=True)
    temporary.mkdir()
    library.load()
    import search.results.report  # what a study imports, once for all of its starts
    import search.tuning  # noqa: F401

    name = f"killed-{seed}-{number}"
    file = whole.prepare(home, name)
    uri = f"sqlite:///{home}/mlruns/mlflow.db"
    if where == "a server":
        uri = _server()
    elif number % 8:  # else the study makes its database itself
        (home / "mlruns" / "mlflow.db").write_bytes(_empty_database())
    moments = []
    for _ in range(KILLS):
        place, later = _moment(chance, MOST_EVENTS[where])
        status = _start(home, temporary, uri, ["tune", file], said, (place, later))
        moments.append(f"{place}+{later:.3f}s:{status}")
    told = f"killed at {', '.join(moments)}"
    for _ in range(2):
        if status := _start(home, temporary, uri, ["tune", file], said):
            return f"exit {status} after {told}: {said.read_text()[-300:]!r}"
    if "nothing was changed" not in said.read_text():
        return f"not done after {told}"
    left = [*temporary.iterdir(), *(home / "mlruns").glob(".bpsearch-*"), *(home / "mlruns").glob("*.new*")]
    if left:
        return f"left {sorted(path.name for path in left)} after {told}"
    found = whole.faults(uri, name, home) or _unsound(home, temporary, uri, name, said)
    return found and f"{found} after {told}"


def _unsound(home: Path, temporary: Path, uri: str, name: str, said: Path) -> str | None:
    """Return what `bpsearch verify` finds that it should not, or does not repair."""
    for arguments in ([], ["--repair"], []):
        status = _start(home, temporary, uri, ["verify", name, "--json", *arguments], said)
        found = json.loads(said.read_text().partition("\naccesses: ")[0])
        other = [each for each in found.get("differences", [found]) if each.get("kind") != HARMLESS]
        if other:
            return f"verify {' '.join(arguments)} finds {other}"
    return f"exit {status} of verify after its repair" if status else None


@cache
def _server() -> str:
    """Return the address of a server that ends with this process: starting one takes longer than all else."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True))
    return stack.enter_context(served.server(Path(folder)))


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        schema.create(Path(folder, "mlflow.db"))
        return Path(folder, "mlflow.db").read_bytes()


def _moment(chance: random.Random, most: int) -> tuple[int, float]:
    """Return the access at which to kill, as often in the first hundred as later, and the seconds after it."""
    place = chance.randrange(most) if chance.random() < 0.75 else chance.randrange(most // 10)
    return place, chance.choice([0.0, chance.uniform(0, LATER)])


def _start(
    home: Path, temporary: Path, uri: str, arguments: list[str], said: Path, moment: tuple[int, float] | None = None
) -> int:
    """Run a command in a copy of this process, which has imported all, and kill it at a moment; return how it ended."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _be(home, temporary, uri, arguments, said, moment)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _be(
    home: Path, temporary: Path, uri: str, arguments: list[str], said: Path, moment: tuple[int, float] | None
) -> None:
    code = 99
    try:
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(home)
        os.environ.update(
            {"TMPDIR": str(temporary), "MLFLOW_TRACKING_URI": uri, "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
        )
        tempfile.tempdir = None
        count = [0]
        if moment is not None:
            sys.addaudithook(_killer(count, home, temporary, *moment))
        code = cli.main(arguments)
        print("accesses:", count[0])
        sys.stdout.flush()
    finally:
        os._exit(code)


def _killer(count: list[int], home: Path, temporary: Path, place: int, later: float) -> Any:
    """Return a hook that kills the process a moment after its access to the folders or the network with a number."""
    ours = (str(home), str(temporary), "mlruns", "studies")

    def hook(event: str, arguments: tuple) -> None:
        if not event.startswith(WATCHED):
            return
        if event != "socket.connect" and not any(str(each).startswith(ours) for each in arguments[:2]):
            return
        count[0] += 1
        if count[0] == place + 1:
            if later:
                threading.Thread(
                    target=lambda: (time.sleep(later), os.kill(os.getpid(), signal.SIGKILL)), daemon=True
                ).start()
            else:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook
