"""A process that makes attempts: it reads their numbers, one a line, and answers each with a line of JSON.

It is started by `tests.fuzz.running` as ``python -m tests.fuzz.worker NAME SEED FOLDER BYTES``.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import IO, Any

from tests.fuzz.targets import Target, targets

ASK = signal.SIGUSR1
"""The signal after which the frames of the main thread are in the log: where an attempt hangs."""

TOO_MUCH_OUTPUT = 1 << 20
"""Bytes that an attempt may print."""


def told(error: BaseException) -> str:
    """Return an exception as one line: its type, its text, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return " ".join(f"{type(error).__name__}: {error}"[:500].split()) + where


def one_attempt(target: Target, seed: int, number: int, folder: Path, log: IO[bytes]) -> str | None:
    """Make one attempt in a new folder; return which fault was found, by the target or by what it left behind."""
    elsewhere: list[str] = []
    threading.excepthook = lambda args: elsewhere.append(told(args.exc_value) if args.exc_value else "a thread died")
    sys.unraisablehook = lambda args: elsewhere.append(told(args.exc_value) if args.exc_value else str(args.err_msg))
    own = Path(tempfile.mkdtemp(dir=folder))
    os.chdir(own)
    log.seek(0)  # the offset is that of standard output and error, too
    log.truncate()
    try:
        fault = target.attempt(seed, number, own)
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too: nobody asked for them
        fault = told(error)
    finally:
        os.chdir(folder)
        shutil.rmtree(own, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    size = os.fstat(log.fileno()).st_size
    log.seek(0)
    if fault is None and elsewhere:
        fault = f"in a thread: {elsewhere[0]}"
    if fault is None and size > TOO_MUCH_OUTPUT:
        fault = f"{size} bytes of output"
    if fault is None and b"Traceback (most recent call last)" in (text := log.read()):
        fault = f"a traceback was printed: {text[-300:].decode(errors='replace')!r}"
    return None if fault is None else " ".join(fault.split())


def main(name: str, seed: int, folder: Path, memory: int) -> None:
    """Answer until the input ends. What attempts print goes to the file ``log`` of the folder."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    numbers, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    log = (folder / "log").open("w+b", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)

    def answer(**content: Any) -> None:
        print(json.dumps(content), file=answers, flush=True)

    target = targets()[name]
    getattr(target, "prepare", lambda: None)()
    answer(ready=True)
    faulthandler.register(ASK, file=log, all_threads=False)
    for line in numbers:
        answer(number=int(line), fault=one_attempt(target, seed, int(line), folder, log))


if __name__ == "__main__":
    _, name, seed, folder, memory = sys.argv
    main(name, int(seed), Path(folder), int(memory))
