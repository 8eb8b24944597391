"""Routes that answer: the studies of the queue, and what each has so far."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from starlette.responses import HTMLResponse, Response

from search.report.page import POLICY
from search.service.api.scopes import needs
from search.service.api.service import Name, Service, answer, answers
from search.service.api.work import QUICK, REPORT
from search.service.desk import MOST_TRIALS
from search.service.tokens import READ

LARGEST = 2**53
"""The largest number of a trial or a byte: up to it, JavaScript has all whole numbers."""

REPORT_POLICY = f"{POLICY}; frame-ancestors 'none'; sandbox allow-popups"
"""Of the report: it loads nothing, runs nothing, and is a page of nobody, whatever a name in it may hold."""

MOST_LOG = 1_000_000
"""Bytes of a log in one answer."""

NEXT = "X-Next-Byte"
"""The header with the byte to go on with."""

First = Annotated[int, Query(ge=0, le=LARGEST, description="number to begin with")]


def router(service: Service) -> APIRouter:
    """Return the routes."""
    routes, desk = APIRouter(prefix="/v1", dependencies=[needs(READ)]), service.desk

    @routes.get("/studies", summary="All studies")
    async def studies() -> Response:
        """Return the states of all studies, those of the highest priority first."""
        return answer({"studies": await service.quick(desk.list)})

    @routes.get("/studies/{name}", summary="The state of a study")
    async def status(name: Name) -> Response:
        """Return the state of a study, and what can be done with it."""
        return answer(await service.quick(desk.status, name))

    @routes.get("/studies/{name}/result", summary="The result of a study")
    async def result(name: Name) -> Response:
        """Return the result so far: what `bpsearch show --json` prints."""
        return answer(await service.found(QUICK, desk.result, name))

    @routes.get("/studies/{name}/trials", summary="Trials of a study")
    async def trials(
        name: Name, first: First = 0, most: Annotated[int, Query(ge=1, le=MOST_TRIALS, description="how many")] = 100
    ) -> Response:
        """Return finished trials in the order of their numbers, and in `next` the number to go on with."""
        return answer(await service.found(QUICK, desk.trials, name, first, most))

    @routes.get("/studies/{name}/trials/{number}", summary="A trial")
    async def trial(name: Name, number: Annotated[int, InPath(ge=0, le=LARGEST)]) -> Response:
        """Return a trial: hyperparameters, scores, curves, and for one that diverged what went wrong."""
        return answer(await service.found(QUICK, desk.trial, name, number))

    @routes.get("/studies/{name}/findings", summary="What went wrong in a study")
    async def findings(name: Name) -> Response:
        """Return how many trials diverged, and of which causes, the most frequent first."""
        return answer(await service.found(QUICK, desk.findings, name))

    @routes.get("/studies/{name}/report", summary="The report on a study", responses=answers("text/html", "A page"))
    async def report(name: Name) -> Response:
        """Return the report as one page, which needs no other file and runs no script."""
        page = await service.found(REPORT, desk.report, name)
        return HTMLResponse(page.encode("utf-8", "replace"), headers={"Content-Security-Policy": REPORT_POLICY})

    @routes.get("/studies/{name}/log", summary="The log of a study", responses=answers("text/plain", "Text"))
    async def log(name: Name, first: First = 0) -> Response:
        """Return what was said while the study ran, from a byte on; the header `X-Next-Byte` has the byte to go on with."""
        said, following = await service.quick(desk.log, name, first, MOST_LOG)
        return Response(said, headers={NEXT: str(following)}, media_type="text/plain; charset=utf-8")

    return routes
