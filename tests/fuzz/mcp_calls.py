"""Calls of an assistant: any tool with any arguments, and any resource, in a folder with a study that has diverged trials.

Most arguments are of a kind that the tool knows, so that calls get beyond the first check; the others are anything that
JSON can say. A fault is an answer that is too long, an error of several lines or without words, an unexpected error, and a
file that a tool has made which only reads.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import numpy as np

NAME = "mcp_calls"
GOAL = 1_000
SHORT = 30
CALLS = 10
"""Calls of one attempt."""

SECONDS = 60
"""The first attempt of a process runs the study."""

STUDY = """\
name = "homes"
[data]
source = "homes.csv"
target = "price"
task = "regression"
[model]
max_iter = 3
[space]
learning_rate_init = [0.01, 50.0]
[search]
method = "grid"
n_members = 1
[cv]
n_splits = 2
"""
FILES = ("homes.csv", "homes.toml", "studies")

NAMES = [
    "homes",
    "homes",
    "homes",
    "homes/1",
    "homes/99",
    "home",
    "HOMES",
    "../homes",
    "homes.toml",
    "studies/homes",
    "",
    ".",
    "*",
]
NAMES += [
    "a" * 201,
    "a\nb",
    "\x1b[2J",
    "\ud800",
    "房价",
    "\u202ehomes",
    "homes\x00",
    "%2e%2e",
    "homes@champion",
    "models:/homes/1",
]
TEXTS = [
    *NAMES,
    "ok",
    "diverged",
    "score",
    "number",
    "area",
    "rooms",
    "price",
    "1",
    "0.5",
    "1e999",
    "nan",
    "None",
    "x" * 5000,
]
SOURCES = [
    "homes.csv",
    "sklearn:diabetes",
    "sklearn:none",
    "/etc/passwd",
    "../homes.csv",
    "studies/homes.journal",
    "data:0",
    "x.csv",
]
LINES = [
    "[search]\nn_trials = 1",
    "[cv]\nn_splits = 2",
    "[cv]\nkind = 'x'",
    "[model]\nsolver = 'sgd'",
    "[x]",
    "[[",
    "a = 1",
    "\x00",
]

Random = np.random.Generator


@cache
def _workplace(folder: Path) -> Path:
    """Run the study once, in a folder of this process."""
    from bpmodel.compiler.announcement import silence
    from search import cli

    silence()
    warnings.simplefilter("ignore")
    place = Path(tempfile.mkdtemp(prefix="homes-", dir=folder))
    rows = [f"{30 + i % 17 * 10},{i % 7},{i % 17 * 10 + i % 7 * 40}" for i in range(40)]
    (place / "homes.csv").write_text("\n".join(["area,rooms,price", *rows]) + "\n")
    (place / "homes.toml").write_text(STUDY)
    before = Path.cwd()
    os.chdir(place)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            assert cli.main(["tune", "homes.toml", "--quiet"]) == 0
    finally:
        os.chdir(before)
    return place


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Make calls in a copy of the folder; return what is wrong with an answer."""
    from search.service.mcp import serving
    from search.service.mcp.server import server
    from search.service.place import Place

    random = np.random.default_rng([seed, number])
    place = _workplace(folder.parent)
    for name in FILES:
        (shutil.copytree if name == "studies" else shutil.copy)(place / name, folder / name)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{place}/mlruns/mlflow.db"
    write = bool(random.uniform() < 0.5)
    before = sorted(folder.rglob("*"))
    desk = serving.desk_of(Place(), write=write)
    try:
        fault = anyio.run(_calls, server(desk, write=write), random, write)
    finally:
        desk().queue.close()
    if fault is None and not write and sorted(folder.rglob("*")) != before:
        fault = "a tool that only reads has made files"
    return fault


async def _calls(made: Any, random: Random, write: bool) -> str | None:
    """Make some calls in a row: what one of them queues, the next ones may pause and cancel."""
    from mcp import Client

    from search.service.mcp.tools import tools

    known = tools(write=write)
    async with Client(made) as client:
        for _ in range(CALLS):
            if random.uniform() < 0.1:
                uri = _uri(random)
                fault, what = await _read(client, uri), uri
            else:
                tool = str(random.choice([*known, "none", "pause_study"]))
                arguments = _arguments(random, known.get(tool))
                result = await client.call_tool(tool, arguments)
                fault, what = (
                    _fault(result.content[0].text, failed=result.is_error),
                    f"{tool} {json.dumps(arguments)[:300]}",
                )
            if fault is not None:
                return f"{what}: {fault}"
    return None


async def _read(client: Any, uri: str) -> str | None:
    from mcp import MCPError

    try:
        found = await client.read_resource(uri)
    except MCPError as error:
        return _fault(str(error), failed=True)
    return None if len(found.contents[0].text) < 8_000_000 else "a resource that is too large"


def _fault(text: str, *, failed: bool) -> str | None:
    from search.service.mcp.answers import MOST

    if len(text) > MOST:
        return f"an answer of {len(text)} characters"
    if "unexpected error" in text or "Traceback" in text:
        return text
    if failed and (len(text.splitlines()) != 1 or not text.strip()):
        return f"an error of several lines: {text!r}"
    text.encode()
    return None


def _uri(random: Random) -> str:
    kind = random.choice(["report", "file", "token", "report/..", ""])
    start = random.choice(["bpsearch://studies/", "bpsearch://studies/", "file:///", "bpsearch://", ""])
    return f"{start}{random.choice(NAMES)}/{kind}".encode("utf-8", "replace").decode()


def _arguments(random: Random, kind: Any) -> Any:
    """Return arguments: those that the tool has, with likely values or any, and now and then others."""
    if random.uniform() < 0.05:
        return {}
    fields = [] if kind is None else list(kind.model_fields)
    given = {name: _likely(random, name) if random.uniform() < 0.7 else _any(random) for name in fields}
    for name in [name for name in given if random.uniform() < 0.15]:
        del given[name]
    if random.uniform() < 0.1:
        given[str(random.choice(TEXTS))] = _any(random)
    return _sendable(given)


def _sendable(value: Any) -> Any:
    """Return what JSON can say, in UTF-8: the SDK's client sends nothing else."""
    return json.loads(json.dumps(value, default=str, ensure_ascii=False).encode("utf-8", "replace"))


def _likely(random: Random, name: str) -> Any:
    likely: dict[str, Callable[[], Any]] = {
        "name": lambda: str(random.choice(NAMES)) if random.uniform() < 0.3 else "homes",
        "names": lambda: [str(each) for each in random.choice(NAMES, size=int(random.integers(0, 10)))],
        "rows": lambda: [_row(random) for _ in range(int(random.integers(0, 4)))],
        "toml": lambda: _toml(random),
        "order": lambda: str(random.choice(["score", "number", "x"])),
        "verdict": lambda: random.choice(["ok", "diverged", "error", None]),
        "probabilities": lambda: bool(random.integers(2)),
        "priority": lambda: int(random.choice([-101, -100, 0, 100, 101])),
        "timeout": lambda: float(random.choice([0.0, 1e-9, 60.0, 1e9])),
    }
    return likely.get(name, lambda: int(random.choice([-1, 0, 1, 2, 3, 100, 101, 10**6, 10**18])))()


def _row(random: Random) -> Any:
    keys = random.choice(["area", "rooms", "price", "x", "", "a\nb"], size=int(random.integers(0, 4)))
    return {str(key): _cell(random) for key in keys}


def _cell(random: Random) -> Any:
    return [1, 2.5, "3", "", None, True, "x", 10**30, -1e308, "1e400", [1], {"a": 1}, "\ud800"][random.integers(13)]


def _toml(random: Random) -> str:
    source = str(random.choice(SOURCES))
    target = "" if source.startswith("sklearn") else 'target = "price"\n'
    name = str(random.choice(["new", "homes", "../new", "b\u202e"]))
    text = f'name = "{name}"\n[data]\nsource = "{source}"\n{target}task = "regression"\n'
    text += "\n".join(str(line) for line in random.choice(LINES, size=int(random.integers(0, 3)), replace=False))
    return text if random.uniform() < 0.8 else text[: int(random.integers(len(text)))]


def _any(random: Random, depth: int = 0) -> Any:
    kind = int(random.integers(8 if depth < 3 else 6))
    if kind == 6:
        return [_any(random, depth + 1) for _ in range(int(random.integers(4)))]
    if kind == 7:
        return {str(random.choice(TEXTS)): _any(random, depth + 1) for _ in range(int(random.integers(3)))}
    values = [
        None,
        bool(random.integers(2)),
        int(random.choice([-1, 0, 7, 2**63 - 1])),
        10**40,
        float(random.normal()) * 1e10,
    ]
    return [*values, str(random.choice(TEXTS))][kind]
