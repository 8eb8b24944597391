"""One request of a study is spoilt, each in turn, before a real MLflow server; then the study goes on until it is done.

The request is done but its reply is lost, or it is refused, or it is answered by a 500 or 503. MLflow's client sends it again
or, with its retries off, the study ends there and is resumed. Each trial must be there once, with one parent run, none running,
and one version of the model, the champion.
"""

import atexit
import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from search import cli
from search.tracking import library
from tests.fuzz.parts import served, whole

NAME = "lost_replies"
CHUNKS = 9
"""Attempts that cover all requests of a study."""

KINDS = [(fault, retries) for fault in served.FAULTS for retries in (7, 0)]
GOAL = len(KINDS) * CHUNKS
SHORT = 1
SECONDS = 600.0
"""Within which an attempt must end: it starts a server, and a study several times."""


@contextlib.contextmanager
def inside(folder: Path, uri: str, retries: int) -> Iterator[None]:
    """Work in a folder, with a tracking server; MLflow sends requests again at once, or not at all."""
    asked = {
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries),
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
        "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    }
    before = {name: os.environ.get(name) for name in asked}
    home = Path.cwd()
    os.chdir(folder)
    os.environ.update(asked)
    try:
        yield
    finally:
        os.chdir(home)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def tune(file: str) -> tuple[int, str]:
    """Run a study; return its exit code and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["tune", file])
    return code, out.getvalue() + err.getvalue()


def spoil(proxy: served.Proxy, target: str, uri: str, folder: Path, place: int, fault: str, retries: int) -> str | None:
    """Spoil one request of a study, then let it go on; return what is wrong in the end, and what was spoilt."""
    name = folder.name  # all studies are in one store
    folder.mkdir()
    with inside(folder, uri, retries):
        file = whole.prepare(folder, name)
        proxy.arm(place, fault)
        code, said = tune(file)
        spoilt = proxy.spoilt
        proxy.arm()
        if "Traceback" in said or code not in (0, 1, 2):
            return f"{fault} of {spoilt} ({place}): exit {code}, {said[-300:]!r}"
        code, said = tune(file)
        if "nothing was changed" not in said:  # this one has completed it
            code, said = tune(file)
        if code or "nothing was changed" not in said:
            return f"{fault} of {spoilt} ({place}): exit {code} after a resume, {said[-300:]!r}"
    found = whole.faults(target, name, folder)
    return found and f"{fault} of {spoilt} ({place}, {retries} retries): {found}"


def places(seen: list[str]) -> list[int]:
    """Return which requests of a study to spoil: all, but of the files of the model only the first, middle and last one."""
    files = [i for i, request in enumerate(seen) if request.startswith("PUT") and "/models/" in request]
    return sorted({*range(len(seen))} - {*files} | {files[0], files[len(files) // 2], files[-1]})


def requests(proxy: served.Proxy, uri: str, folder: Path) -> list[str]:
    """Run a study that nothing happens to; return its requests."""
    folder.mkdir()
    with inside(folder, uri, 7):
        file = whole.prepare(folder, "first")
        proxy.arm()
        code, said = tune(file)
    if code:
        raise RuntimeError(f"a study without any fault failed: {said[-300:]}")
    return proxy.seen


@cache
def study() -> tuple[str, str, served.Proxy, list[int]]:
    """Return a server, the address of a proxy before it, the proxy, and the requests of a study that are spoilt.

    They serve all attempts of a process: starting a server takes longer than a study.
    """
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    library.load()
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lost-", ignore_cleanup_errors=True)))
    target = stack.enter_context(served.server(folder / "server"))
    uri, proxy = stack.enter_context(served.proxied(target))
    return target, uri, proxy, places(requests(proxy, uri, folder / "first"))


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Spoil some requests, one after another, from the begin of a study to its end; the seed changes nothing: all are tried."""
    fault, retries = KINDS[number % len(KINDS)]
    target, uri, proxy, chosen = study()
    for place in chosen[number // len(KINDS) :: CHUNKS]:
        name = f"s{place}-{number % len(KINDS)}"
        if found := spoil(proxy, target, uri, folder / name, place, fault, retries):
            return found
    return None
