"""Routes that change the queue: tables are uploaded, studies submitted, changed, paused, resumed and cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from anyio import from_thread
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from bpmodel.names.amounts import bytes_told
from search.errors import StudyError
from search.profiling.naming import pair
from search.service.api import bodies, sources
from search.service.api.bodies import JSON, OCTETS, TOML
from search.service.api.problems import Problem
from search.service.api.scopes import Caller, Calling, needs
from search.service.api.service import Name, Service, answer, body
from search.service.api.work import CHECK, UPLOAD
from search.service.data_copies import Copies
from search.service.limits import Limits
from search.service.queued import HIGHEST, LOWEST
from search.service.tokens import SUBMIT
from search.toml import reading

Priority = Annotated[int, Field(ge=LOWEST, le=HIGHEST, description="studies of a higher priority get workers first")]
Trials = Annotated[int, Field(ge=1, le=2**31, description="trials, in place of what the study file says")]
Seconds = Annotated[float, Field(gt=0, le=10.0**9, description="seconds, in place of what the study file says")]


class Change(BaseModel):
    """What may change of a study."""

    model_config = ConfigDict(extra="forbid", strict=True)

    priority: Priority | None = None
    n_trials: Trials | None = None
    timeout: Seconds | None = None

    def asked(self) -> dict[str, Any]:
        """Return what is asked for."""
        return self.model_dump(include={"priority", "n_trials", "timeout"}, exclude_none=True)


class Written(BaseModel):
    """A study file: its text, or its tables as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    toml: str | None = Field(default=None, description="the text of the study file")
    study: dict[str, Any] | None = Field(default=None, description="the same as tables")

    def text(self) -> str:
        """Return its text.

        Raises
        ------
        Problem
            If there is neither text nor tables, or both.
        """
        if (self.toml is None) == (self.study is None):
            raise Problem(422, "the body needs either toml, the text of a study file, or study, its tables", "request")
        told = as_toml(self.study) if self.study is not None else str(self.toml)
        return told.replace("\r\n", "\n")


class Submit(Written, Change):
    """A study that is submitted."""


def router(service: Service) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(prefix="/v1")
    desk, limits = service.desk, service.limits

    @routes.post(
        "/data",
        status_code=201,
        dependencies=[needs(SUBMIT)],
        openapi_extra=body(OCTETS, "text/csv"),
        summary="Upload a table",
    )
    async def upload(
        request: Request,
        name: Annotated[
            str, Query(min_length=1, max_length=200, description="what the file is called: its ending says what it is")
        ],
    ) -> Response:
        """Store the body, the bytes of a file, and return its address for `[data] source`: the hash of its content."""
        copy, count = await service.work.run(UPLOAD, _store, service, request, name)
        return answer({"data": copy, "bytes": count}, 201)

    @routes.post(
        "/studies",
        status_code=201,
        dependencies=[needs(SUBMIT)],
        openapi_extra=body(TOML, schema=Submit.model_json_schema()),
        summary="Submit a study",
    )
    async def submit(
        request: Request,
        caller: Calling,
        priority: Annotated[Priority | None, Query()] = None,
        n_trials: Annotated[Trials | None, Query()] = None,
        timeout: Annotated[Seconds | None, Query()] = None,
    ) -> Response:
        """Check a study and queue it: 201. One that is there already gets the priority and budget that is asked for: 200."""
        given = Change(priority=priority, n_trials=n_trials, timeout=timeout)
        text, asked = await _submitted(request, given, service)
        _check_budget(caller, limits, asked)
        known = await service.quick(is_known, service, text)
        document = await service.work.run(
            CHECK,
            desk.submit_text,
            text,
            sources.resolver(desk.place, service.shared),
            lambda study: sources.check(study, limits, asked.get("n_trials"), asked.get("timeout")),
            owner=caller.token.name,
            rights=caller.rights(limits),
            **asked,
        )
        return answer(document, 200 if known else 201)

    @routes.patch(
        "/studies/{name}",
        dependencies=[needs(SUBMIT)],
        openapi_extra=body(schema=Change.model_json_schema()),
        summary="Change priority or budget",
    )
    async def change(request: Request, name: Name, caller: Calling) -> Response:
        """Give a study another priority or budget; one that has ended goes on with it."""
        given = await bodies.model(request, Change, limits.study_bytes, limits.body_seconds)
        asked = given.asked()
        if not asked:
            raise Problem(422, "nothing to change; allowed are priority, n_trials, timeout", "request")
        _check_budget(caller, limits, asked)
        return answer(await service.quick(desk.change, name, caller.rights(limits), **asked))

    for action, told in ACTIONS.items():
        _add_action(routes, service, action, told)
    return routes


ACTIONS = {
    "pause": "Stop a study until it is resumed",
    "resume": "Queue a study that is paused or has failed",
    "cancel": "End a study; its finished trials are kept",
}


def _add_action(routes: APIRouter, service: Service, action: str, told: str) -> None:
    @routes.post(f"/studies/{{name}}/{action}", dependencies=[needs(SUBMIT)], summary=told, name=action)
    async def act(name: Name, caller: Calling) -> Response:
        """Return the state of the study after that. A study that cannot do this in its state is a conflict: 409."""
        return answer(await service.quick(service.desk.act, name, action, caller.rights(service.limits)))


def _check_budget(caller: Caller, limits: Limits, asked: dict[str, Any]) -> None:
    """Check what a request asks for against the limits; what the study file says is checked with it."""
    most = {"n_trials": limits.n_trials, "timeout": limits.timeout}
    if caller.only_of is not None:
        most["priority"] = limits.priority
    for key, highest in most.items():
        if asked.get(key, highest) > highest:
            told = f"{key} = {asked[key]:,}; allowed here are numbers up to {highest:,}"
            raise Problem(422, told, "limit", key=key, value=asked[key], allowed=highest)


def _store(service: Service, request: Request, name: str) -> tuple[str, int]:
    """Store a body while it arrives; return its address and its bytes. This runs in a thread."""
    limits, count = service.limits, 0
    copies = Copies(service.desk.place.made().data)
    room = limits.stored_bytes - copies.total
    if room <= 0:
        told = f"uploaded tables have {bytes_told(limits.stored_bytes)}, which is what this service keeps"
        raise Problem(507, told, "storage")
    arriving = bodies.pieces(request, limits.data_bytes, limits.body_seconds)

    def pieces() -> Iterator[bytes]:
        nonlocal count
        while (piece := from_thread.run(_next, arriving)) is not None:
            count += len(piece)
            yield piece
        if not count:
            raise Problem(422, "the body is empty; it must be the bytes of a file", "request")

    return copies.add(name, pieces()).address, count


async def _next(arriving: Any) -> bytes | None:
    return await anext(arriving, None)


async def _submitted(request: Request, given: Change, service: Service) -> tuple[str, dict[str, Any]]:
    """Return the text of a study that is submitted, and the priority and budget that are asked for."""
    limits = service.limits
    kind = bodies.kind(request, JSON, TOML)
    content = await bodies.whole(request, limits.study_bytes, limits.body_seconds)
    if kind == TOML:
        return bodies.text(content), given.asked()
    found = Submit.model_validate(bodies.json_of(content))
    return found.text(), {**given.asked(), **found.asked()}


def as_toml(tables: dict[str, Any]) -> str:
    """Return a study file from its tables.

    Raises
    ------
    StudyError
        If a value cannot stand in one, or is nested too deep.

    Examples
    --------
    >>> print(as_toml({"data": {"source": "sklearn:wine"}, "name": "wine"}))
    name = "wine"
    <BLANKLINE>
    [data]
    source = "sklearn:wine"
    <BLANKLINE>
    """
    _check_depth(tables)
    top = {key: value for key, value in tables.items() if not isinstance(value, dict)}
    lines = [pair(key, value) for key, value in top.items()]
    for table in (key for key in tables if key not in top):
        head = pair(table, 0).rpartition(" = ")[0]
        lines += ["", f"[{head}]", *(pair(key, value) for key, value in tables[table].items())]
    return "\n".join([*lines, ""])


def _check_depth(tables: dict[str, Any]) -> None:
    level: list[Any] = [tables]
    for _ in range(reading.MOST_NESTED):
        inner = [each for each in level if isinstance(each, dict | list)]
        level = [v for each in inner for v in (each.values() if isinstance(each, dict) else each)]
    if any(isinstance(each, dict | list) for each in level):
        raise StudyError(
            f"study is nested too deep; allowed are {reading.MOST_NESTED} lists and tables inside one another"
        )


def is_known(service: Service, text: str) -> bool:
    """Return whether there is a study of the name that a study file has; False where it is none, which is told later."""
    try:
        name = reading.loads(text).get("name")
    except reading.TOMLError:
        return False
    return isinstance(name, str) and service.desk.has(name)
