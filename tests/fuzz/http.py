"""Requests drawn from the description of the HTTP interface (OpenAPI): right ones, ones at the bounds, and hostile ones.

Routes, parameters and bodies come from the description, so a new route is asked as well. One service answers them all, so that
later requests meet what earlier ones have left. A fault is an answer from 500 on, an error that is no problem document of one
line, a traceback, and an answer that is no JSON where JSON is told.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from starlette.testclient import TestClient

from search.service.api.app import application
from search.service.desk import Desk
from search.service.external.asking import Asking
from search.service.limits import Limits
from search.service.place import Place
from search.service.queue import Queue
from search.service.states import STOPPING
from search.service.tokens import Tokens

NAME, GOAL, SHORT = "http", 10_000, 150

Random = np.random.Generator
Study = Callable[["Served", Random], str]

NAMES = (
    "wine",
    "iris",
    "trees",
    "none",
    "a b",
    "..",
    ".",
    "x" * 300,
    "\x00",
    "房价",
    "%",
    "?",
    "wine.journal",
    "con",
    "-1",
    "\ud83d\ude00",
)
TEXTS = (
    *NAMES,
    "",
    "0",
    "1",
    "-1",
    "1e400",
    "nan",
    "true",
    "9" * 5000,
    "'; DROP TABLE studies; --",
    "<script>",
    "{{7*7}}",
    "\r\nX: y",
)
NUMBERS = (0, 1, -1, 2**31, 2**53, 2**63, 10**30, 0.5, -0.0, 1e308, float("inf"), float("nan"), True)
KINDS = (
    "application/json",
    "application/toml",
    "text/csv",
    "application/octet-stream",
    "text/plain",
    "",
    "multipart/form-data",
    "\xff",
)
ROWS = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (i, i % 3, i % 2) for i in range(30))
STUDY = 'name = "{}"\n[data]\nsource = "{}"\ntask = "classification"\n[model]\nmax_iter = 2\n[search]\nn_trials = 2\n'
EXTERNAL = """\
name = "{}"
direction = "minimize"
method = "random"
[space]
depth = [2, 4, 8]
rate = {{ low = 1e-3, high = 1.0, log = true }}
"""
THERE = 3
"""How many of the names are those of studies that are there; the last one is one that clients train."""

SOURCES = (
    "sklearn:wine",
    "sklearn:iris",
    "data:{}",
    "data:" + "0" * 64,
    "../x.csv",
    "/etc/passwd",
    "http://x.example/",
    "shared:x",
    "",
)
HEADERS = (
    "Accept",
    "Origin",
    "Host",
    "Sec-Fetch-Site",
    "Cookie",
    "Content-Length",
    "X-Forwarded-For",
    "Range",
    "If-None-Match",
)


class Served:
    """A service, and who asks it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fuzz-http-")
        folder = Path(self._folder.name)
        self._queue = queue = Queue(Place(folder / "service"))
        self._asking, tokens = Asking(queue), Tokens(queue)
        limits = Limits(rate=1e9, burst=1e9, failed_logins=1e9, data_bytes=20_000, streams=0, queued_of_all=10**6)
        desk = Desk(queue, lambda: f"sqlite:///{folder}/none.db")
        self.secrets = [
            tokens.make(name, scope) for name, scope in (("eve", "read"), ("ann", "submit"), ("root", "admin"))
        ]
        self.client = TestClient(
            application(desk, tokens, limits, asking=self._asking), base_url="http://127.0.0.1:8000"
        )
        given = {"Authorization": f"Bearer {self.secrets[2]}"}
        self.described = self.client.get("/openapi.json", headers=given).json()
        self.data = self.client.post("/v1/data?name=t.csv", content=ROWS, headers=given).json()["data"]
        given = {"Authorization": f"Bearer {self.secrets[1]}"}
        for name in NAMES[: THERE - 1]:
            self.client.post("/v1/studies", json={"toml": STUDY.format(name, f"sklearn:{name}")}, headers=given)
        self.client.post("/v1/external", json={"toml": EXTERNAL.format(NAMES[THERE - 1])}, headers=given)
        self.client.post(f"/v1/studies/{NAMES[THERE - 1]}/ask", json={"n": 20}, headers=given)

    def settle(self) -> None:
        """Let studies that clients train stop, as the supervisor would."""
        for row in self._queue.all(STOPPING):
            self._asking.settle(row)


@cache
def served() -> Served:
    """Return the service of this process."""
    return Served()


def prepare() -> None:
    """Make the service before attempts are timed."""
    served()


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Make one request; return what is wrong with the answer, or None."""
    random = np.random.default_rng([seed, number])
    method, path, more = request(served(), random)
    try:
        prepared = served().client.build_request(method, f"http://127.0.0.1:8000{path}", **more)
    except (ValueError, TypeError):  # a request that this client cannot send
        return None
    served().settle()
    with _open(served().client, prepared) as answer:
        told = fault(answer)
    return told and f"{told}: {method} {path[:200]} {str(more)[:300]}"


@contextmanager
def _open(client: Any, prepared: Any) -> Iterator[Any]:
    answer = client.send(prepared, follow_redirects=False)
    try:
        yield answer
    finally:
        answer.close()
        client.cookies.clear()


def fault(answer: Any) -> str | None:
    """Return what is wrong with an answer, or None."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code >= 500:
        return f"status {answer.status_code}: {answer.text[:300]}"
    if b"Traceback (most" in answer.content:
        return "a traceback is told"
    if answer.headers.get("x-content-type-options") != "nosniff":
        return "without the headers of every answer"
    if answer.request.method == "HEAD":
        return "an answer to HEAD has a body" if answer.content else None
    if answer.status_code >= 400:
        if kind != "application/problem+json":
            return f"status {answer.status_code} with {kind}"
        found = json.loads(answer.content)
        if found["status"] != answer.status_code or "\n" in found["detail"] or not found["detail"]:
            return f"no problem document: {found}"
    elif kind == "application/json":
        json.loads(answer.content, parse_constant=_refuse)
    return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def request(service: Served, random: Random) -> tuple[str, str, dict[str, Any]]:
    """Return method, path and the rest of a request."""
    paths = service.described["paths"]
    path = route = str(random.choice(list(paths)))
    method = str(random.choice(list(paths[path])))
    row = paths[path][method]
    if random.uniform() < 0.05:
        method = str(random.choice(["get", "put", "delete", "head", "options", "trace", "brew", "post"]))
    headers = _headers(service, random)
    query = []
    for parameter in row.get("parameters", ()):
        value = _text(parameter["schema"], random)
        if parameter["in"] == "path":
            path = path.replace(
                f"{{{parameter['name']}}}", _quoted(value if parameter["name"] != "name" else _name(random))
            )
        elif parameter["in"] == "query" and random.uniform() < 0.6:
            query.append(f"{parameter['name']}={_quoted(value)}")
    if random.uniform() < 0.03:
        path += str(random.choice(["/", "//", "/x", "%00", "/..", "?token=x", "%ff"]))
    content, kind = _content(service, row, random, external=route == "/v1/external")
    if kind is not None:
        headers.append(("Content-Type", kind))
    address = path + ("?" + "&".join(query) if query else "")
    return (
        method.upper(),
        address,
        {"content": content, "headers": [(k, v.encode("utf-8", "replace")) for k, v in headers]},
    )


def _headers(service: Served, random: Random) -> list[tuple[str, str]]:
    who = random.uniform()
    found = (
        []
        if who < 0.03
        else [("Authorization", f"Bearer {service.secrets[0 if who < 0.1 else 1 if who < 0.5 else 2]}")]
    )
    if random.uniform() < 0.1:
        value = TEXTS[random.integers(len(TEXTS))].replace("\r\n", "").replace("\x00", "")
        found.append((str(random.choice(HEADERS)), value))
    return found


def _quoted(value: str) -> str:
    return quote(value.encode("utf-8", "surrogatepass"), safe="")


def _name(random: Random) -> str:
    return NAMES[random.integers(THERE) if random.uniform() < 0.8 else random.integers(len(NAMES))]


def _text(schema: Mapping[str, Any], random: Random) -> str:
    """Return the text of a parameter: one that its schema allows, or not."""
    if random.uniform() < 0.3:
        return TEXTS[random.integers(len(TEXTS))]
    value = _value(schema, random)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(schema: Mapping[str, Any], random: Random, depth: int = 0) -> Any:
    """Return a value of a schema: within its bounds, at them, or beyond them."""
    if random.uniform() < 0.08 or depth > 4:
        return _odd(random)
    options = schema.get("anyOf")
    if options:
        return _value(options[random.integers(len(options))], random, depth + 1)
    if "enum" in schema:
        return str(random.choice(schema["enum"]))
    kind = schema.get("type", "string")
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", schema.get("exclusiveMinimum", 0)), schema.get("maximum", 100)
        value = (low - 1, low, low + 1, high, high + 1)[random.integers(5)]
        return int(value) if kind == "integer" else float(value)
    if kind == "array":
        return [_value(schema.get("items", {}), random, depth + 1) for _ in range(random.integers(4))]
    if kind == "object":
        return {
            key: _value(each, random, depth + 1)
            for key, each in schema.get("properties", {}).items()
            if random.uniform() < 0.5
        }
    return {"boolean": bool(random.integers(2)), "null": None}.get(kind, TEXTS[random.integers(len(TEXTS))])


def _odd(random: Random) -> Any:
    values = (*NUMBERS, *TEXTS, None, [], {}, [[[[]]]], {"a": {"b": [1, None]}})
    return values[random.integers(len(values))]


def _content(
    service: Served, row: Mapping[str, Any], random: Random, *, external: bool
) -> tuple[bytes | None, str | None]:
    """Return a body and its media type."""
    study = _external if external else _study
    kinds = row.get("requestBody", {}).get("content", {})
    if not kinds:
        return (None, None) if random.uniform() < 0.95 else (b"x", "text/plain")
    kind = str(random.choice(list(kinds)))
    if kind == "application/json":
        schema = kinds[kind]["schema"]
        value = (
            _value(schema, random)
            if "toml" not in schema.get("properties", {})
            else _submitted(service, schema, random, study)
        )
        if "rows" in schema.get("properties", {}) and random.uniform() < 0.6:
            value = {
                "rows": [
                    {"a": _odd(random), str(random.choice(["b", "", "房"])): 1} for _ in range(random.integers(1, 4))
                ]
            }
        content = json.dumps(value).encode()
    elif kind == "application/toml":
        content = study(service, random).encode("utf-8", "surrogatepass")
    else:
        content = ROWS
    if random.uniform() < 0.15:
        content = _broken(content, random)
    return content, kind if random.uniform() < 0.93 else str(KINDS[random.integers(len(KINDS))])


def _submitted(service: Served, schema: Mapping[str, Any], random: Random, study: Study) -> Any:
    found = _value(schema, random)
    if isinstance(found, dict) and random.uniform() < 0.8:
        found.pop("study", None)
        found["toml"] = study(service, random)
    elif isinstance(found, dict):
        found.pop("toml", None)
        data = {"source": _source(service, random), "task": "classification"}
        found["study"] = {
            "name": _name(random),
            "data": data,
            str(random.choice(["model", "cv", "odd"])): {"max_iter": _odd(random)},
        }
    return found


def _study(service: Served, random: Random) -> str:
    text = _with_a_line(STUDY.format(_name(random), _source(service, random)), random)
    return text.replace('task = "classification"', 'task = "classification"\ntarget = "y"') if "data:" in text else text


def _external(service: Served, random: Random) -> str:
    return _with_a_line(EXTERNAL.format(_name(random)), random)


def _with_a_line(text: str, random: Random) -> str:
    """Return a text as it is, or with a line that does not belong there."""
    if random.uniform() < 0.3:
        lines = text.split("\n")
        lines.insert(int(random.integers(len(lines) + 1)), f"x = {TEXTS[random.integers(len(TEXTS))]}")
        text = "\n".join(lines)
    return text


def _source(service: Served, random: Random) -> str:
    source = SOURCES[random.integers(len(SOURCES))]
    return service.data if source == "data:{}" else source


def _broken(content: bytes, random: Random) -> bytes:
    """Return bytes with a piece cut out, doubled or replaced."""
    start = int(random.integers(len(content) + 1))
    end = min(len(content), start + int(random.integers(1, 20)))
    pieces = (
        b"",
        content[start:end] * 2,
        bytes(random.integers(0, 256, 4, dtype=np.uint8)),
        b"[" * 3000,
        b"\xff\xfe",
        b"x" * 30_000,
    )
    return content[:start] + pieces[random.integers(len(pieces))] + content[end:]
