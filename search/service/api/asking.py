"""Routes for clients that train elsewhere: a study is opened, trials are asked for, and their results told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from search.errors import StudyError
from search.service.api import bodies
from search.service.api.bodies import JSON, TOML
from search.service.api.scopes import Caller, Calling, needs
from search.service.api.service import Name, Service, answer, body
from search.service.api.studies import Written, is_known
from search.service.api.work import ASK, CHECK
from search.service.external.asking import MOST_ASKED, Asking
from search.service.external.results import MOST_TEXT, Told
from search.service.limits import Limits
from search.service.tokens import SUBMIT
from search.study.external import LARGEST, External

Amount = Annotated[float, Field(allow_inf_nan=False)]
Score = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]


class Ask(BaseModel):
    """A request for trials."""

    model_config = ConfigDict(extra="forbid", strict=True)

    n: int = Field(default=1, ge=1, le=MOST_ASKED, description="how many")
    key: str = Field(
        default="", max_length=100, description="names the request: asked again with it, the same trials are lent"
    )


class Result(BaseModel):
    """What a client tells of a trial."""

    model_config = ConfigDict(extra="forbid", strict=True)

    verdict: Literal["ok", "stopped", "diverged", "error"] = "ok"
    score: Score | None = Field(default=None, description="for 'ok' and 'stopped'")
    epoch: int = Field(default=0, ge=0, le=10**9, description="the best epoch, or the one at which it diverged")
    epochs: int = Field(default=0, ge=0, le=10**9, description="those that were planned")
    reason: str = Field(default="", max_length=MOST_TEXT)
    loss_ratio: Amount | None = Field(default=None, gt=0, description="loss at the divergence over the trivial model's")
    seconds: Annotated[Amount, Field(ge=0, le=1e9)] = 0.0


def router(service: Service, asking: Asking) -> APIRouter:
    """Return the routes."""
    routes, limits = APIRouter(prefix="/v1"), service.limits

    @routes.post(
        "/external",
        status_code=201,
        dependencies=[needs(SUBMIT)],
        openapi_extra=body(TOML, schema=Written.model_json_schema()),
        summary="Open a study whose trials clients train",
    )
    async def opened(request: Request, caller: Calling) -> Response:
        """Queue a study without data or network: a name, a direction, a metric and a space: 201. One that is there: 200."""
        text = await _text(request, service)
        known = await service.quick(is_known, service, text)
        owner, rights = caller.token.name, caller.rights(limits)
        row = await service.work.run(CHECK, asking.submit, text, _allowed(limits), owner=owner, rights=rights)
        return answer(await service.quick(service.desk.status, row.name), 200 if known else 201)

    @routes.post(
        "/studies/{name}/ask",
        dependencies=[needs(SUBMIT)],
        openapi_extra=body(schema=Ask.model_json_schema(), required=False),
        summary="Ask for trials to train",
    )
    async def ask(request: Request, name: Name, caller: Calling) -> Response:
        """Lend trials of a study to this client, each until a time: number and hyperparameters."""
        given = await _asked(request, limits)
        await _check_owner(service, name, caller)
        return answer(await service.work.run(ASK, asking.ask, name, given.n, given.key))

    @routes.post(
        "/studies/{name}/trials/{number}",
        dependencies=[needs(SUBMIT)],
        openapi_extra=body(schema=Result.model_json_schema()),
        summary="Tell the result of a trial",
    )
    async def tell(
        request: Request, name: Name, number: Annotated[int, InPath(ge=0, le=10**9)], caller: Calling
    ) -> Response:
        """Record the result of a trial that was lent: a score, or that it diverged. To tell it again changes nothing."""
        given = await bodies.model(request, Result, limits.study_bytes, limits.body_seconds)
        await _check_owner(service, name, caller)
        return answer(await service.work.run(ASK, asking.tell, name, number, Told(**given.model_dump())))

    return routes


def _allowed(limits: Limits) -> Callable[[External], None]:
    """Return what refuses studies that ask for too much."""

    def check(study: External) -> None:
        if study.file.n_trials > limits.n_trials:
            told = f"n_trials = {study.file.n_trials}; allowed here are whole numbers up to {limits.n_trials:,}"
            raise StudyError(told)

    return check


async def _asked(request: Request, limits: Limits) -> Ask:
    """Return what is asked for; without a body, one trial."""
    content = await bodies.whole(request, limits.study_bytes, limits.body_seconds)
    if not content:
        return Ask()
    bodies.kind(request, JSON)
    return Ask.model_validate(bodies.json_of(content))


async def _check_owner(service: Service, name: str, caller: Caller) -> None:
    row = await service.quick(service.desk.queue.get, name)
    caller.rights(service.limits).check_owner(row.name, row.owner)


async def _text(request: Request, service: Service) -> str:
    kind = bodies.kind(request, JSON, TOML)
    content = await bodies.whole(request, service.limits.study_bytes, service.limits.body_seconds)
    if kind == TOML:
        return bodies.text(content)
    return Written.model_validate(bodies.json_of(content)).text()
