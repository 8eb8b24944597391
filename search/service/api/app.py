"""The HTTP interface of a service as one ASGI application."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from bpsearch import __version__
from search.service.api import answers, events, pages, people, predictions, problems, scopes, studies
from search.service.api import asking as asked
from search.service.api.entry import HEALTH, Entry
from search.service.api.problems import Guarded
from search.service.api.service import PROBLEMS, Service, answer
from search.service.api.work import Work
from search.service.desk import Desk
from search.service.external.asking import Asking
from search.service.limits import Limits
from search.service.tokens import Tokens
from search.tracking.ui.gate import Application

DESCRIPTION = (
    "Submit studies, follow them, and use their results and models. Every request but that for the health needs a token, as in "
    "Authorization: Bearer TOKEN. Every error is a problem document (RFC 9457) whose detail is one line."
)


def application(
    desk: Desk,
    tokens: Tokens,
    limits: Limits | None = None,
    *,
    hosts: Collection[str] = (),
    shared: Path | None = None,
    mlflow: Application | None = None,
    asking: Asking | None = None,
    routers: Collection[APIRouter] = (),
) -> Application:
    """Return the HTTP interface of a service.

    Parameters
    ----------
    desk : Desk
    tokens : Tokens
    limits : Limits, optional
    hosts : collection of str
        Names under which others than this machine reach it, without ports; a server that ends TLS passes them on in ``Host``.
    shared : Path, optional
        The folder whose files studies may name as ``shared:NAME``.
    mlflow : callable, optional
        MLflow's server, an ASGI application, which is then at /mlflow/ for administrators.
    asking : Asking, optional
        Has the studies whose trials clients train.
    routers : collection of APIRouter
        Further routes; each names its scope.

    Returns
    -------
    callable
        An ASGI application.
    """
    limits = Limits() if limits is None else limits
    work = Work(limits)
    service = Service(desk, tokens, limits, work, shared)
    inner = routes(service, mlflow=mlflow is not None, asking=asking, routers=routers)
    return Guarded(Entry(inner, tokens, limits, work, hosts, mlflow))


def routes(
    service: Service, *, mlflow: bool = False, asking: Asking | None = None, routers: Collection[APIRouter] = ()
) -> FastAPI:
    """Return the routes alone, without the entry: nothing here asks for a token.

    Raises
    ------
    ValueError
        If a route names no scope.
    """
    made = FastAPI(
        title="bpsearch",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.handle(made)
    parts = [
        _health(),
        studies.router(service),
        answers.router(service),
        events.router(service),
        predictions.router(service),
        people.router(service, mlflow=mlflow),
        pages.router(made, service, mlflow=mlflow),
        asked.router(service, asking or Asking(service.desk.queue)),
        *routers,
    ]
    every = [route for router in parts for route in router.routes]
    scopes.check(every, lambda path: path == HEALTH)
    for router in parts:
        made.include_router(router)
    made.state.routes = every
    made.openapi = _described(made, every)  # type: ignore[method-assign]
    return made


def _health() -> APIRouter:
    router = APIRouter()

    @router.get(HEALTH, summary="Whether the service runs")
    async def health() -> Response:
        """Return the version. This needs no token, and tells nothing else."""
        return answer({"status": "ok", "version": __version__})

    return router


def _described(made: FastAPI, every: Iterable[Any]) -> Callable[[], dict[str, Any]]:
    """Return what makes the description (OpenAPI) when it is asked for first, with the scope of each route."""
    plain = made.openapi

    @cache
    def described() -> dict[str, Any]:
        found = plain()
        for route in every:
            scope = scopes.scope_of(route)
            for row in (found["paths"].get(route.path, {}).get(method.lower()) for method in route.methods):
                if row is not None:
                    row["x-scope"] = scope or "none"
                    row["security"] = [{"token": []}] if scope else []
        found.setdefault("components", {})["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        return found

    return described
