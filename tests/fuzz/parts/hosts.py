"""Two machines on one: a network namespace each, joined by a cable, and a file system of the second one that lacks a folder.

Where that is not allowed, both are this machine.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fuzz.parts.service import PATIENCE, QUIET, until

FIRST, SECOND = "10.213.7.1", "10.213.7.2"


class Host:
    """A machine.

    Parameters
    ----------
    name : str
        Of its network namespace; empty for this machine.
    address : str
    hidden : Path, optional
        A folder that it does not see.
    """

    def __init__(self, name: str, address: str, hidden: Path | None = None) -> None:
        self.name, self.address, self._hidden = name, address, hidden
        self._processes: list[subprocess.Popen[bytes]] = []

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs another one there."""
        if not self.name:
            return [*arguments]
        hide = f"mount -t tmpfs none '{self._hidden}' && cd / && " if self._hidden else ""
        inner = ["unshare", "--mount", "sh", "-c", f'{hide}exec "$@"', "sh", *arguments]
        return ["ip", "netns", "exec", self.name, *inner]

    def start(self, log: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a program there, whose output goes to a file."""
        with log.open("ab") as file:
            process = subprocess.Popen(
                self.command(*arguments),
                cwd=log.parent,
                env={**os.environ, **QUIET, **environment},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def python(self, log: Path, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a module of Python there."""
        return self.start(log, sys.executable, "-P", "-m", *arguments, **environment)

    def end(self) -> None:
        """Kill all that was started there."""
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)


@contextmanager
def two(hidden: Path) -> Iterator[tuple[Host, Host]]:
    """Give two machines during the body, of which the second one does not see a folder; nothing of them is left."""
    first, second = f"bps{os.getpid()}a", f"bps{os.getpid()}b"
    namespaces = _joined(first, second)
    hosts = (Host(first, FIRST), Host(second, SECOND, hidden)) if namespaces else (Host("", "127.0.0.1"),) * 2
    try:
        yield hosts
    finally:
        for host in hosts:
            host.end()
        for name in (first, second):
            _ip("netns", "del", name)


def _joined(first: str, second: str) -> bool:
    """Make two namespaces with a cable between them; return whether that is allowed."""
    if (
        shutil.which("ip") is None
        or shutil.which("unshare") is None
        or not all(_ip("netns", "add", n) for n in (first, second))
    ):
        return False
    made = _ip("link", "add", "bps0", "netns", first, "type", "veth", "peer", "name", "bps0", "netns", second)
    for name, address in ((first, FIRST), (second, SECOND)):
        for order in (
            ("addr", "add", f"{address}/24", "dev", "bps0"),
            ("link", "set", "bps0", "up"),
            ("link", "set", "lo", "up"),
        ):
            made = made and _ip("-n", name, *order)
    return (
        made
        and subprocess.run(["ip", "netns", "exec", first, "unshare", "--mount", "true"], check=False).returncode == 0
    )


def _ip(*arguments: str) -> bool:
    if shutil.which("ip") is None:
        return False
    return subprocess.run(["ip", *arguments], capture_output=True, check=False).returncode == 0


def listens(log: Path, words: str) -> Any:
    """Wait until a program has said something."""
    return until(lambda: words in log.read_text(errors="replace"), f"{log.name}: {words}")
