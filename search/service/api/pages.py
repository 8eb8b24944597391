"""Routes for people in browsers: the page at /, its files, the description of the interface, and the way to MLflow."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse, RedirectResponse, Response

from search.report.style import STYLE
from search.service.api import reference
from search.service.api.entry import MLFLOW
from search.service.api.problems import Problem
from search.service.api.scopes import needs
from search.service.api.service import Name, Service, answer
from search.service.api.work import QUICK
from search.service.tokens import ADMIN, READ
from search.tracking.ui import entrance

FOLDER = Path(__file__).parents[1] / "pages"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The page at / loads its own files, and runs no script that stands in a page."""


def router(application: FastAPI, service: Service, *, mlflow: bool) -> APIRouter:
    """Return the routes, which are not part of the described interface."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/", dependencies=[needs(READ)])
    async def page() -> Response:
        return HTMLResponse(_file("index.html"), headers={"Content-Security-Policy": POLICY})

    @routes.get("/bpsearch/page.js", dependencies=[needs(READ)])
    async def script() -> Response:
        return Response(_file("page.js"), media_type="text/javascript; charset=utf-8")

    @routes.get("/bpsearch/page.css", dependencies=[needs(READ)])
    async def style() -> Response:
        return Response(STYLE.encode() + _file("page.css"), media_type="text/css; charset=utf-8")

    @routes.get("/openapi.json", dependencies=[needs(READ)])
    async def described() -> Response:
        return answer(application.openapi())

    @routes.get("/docs", dependencies=[needs(READ)])
    async def docs() -> Response:
        return HTMLResponse(
            reference.page(application.openapi()), headers={"Content-Security-Policy": reference.POLICY}
        )

    @routes.get("/bpsearch/mlflow", dependencies=[needs(ADMIN)])
    async def entered() -> Response:
        content, headers = entrance.page(f"{_served(mlflow)}/")
        return Response(content, headers={name.decode(): value.decode() for name, value in headers})

    @routes.get("/bpsearch/mlflow/{name}", dependencies=[needs(ADMIN)])
    async def study(name: Name) -> Response:
        _served(mlflow)
        found = await service.found(QUICK, service.desk.mlflow_page, name)
        return RedirectResponse(f"/bpsearch/mlflow{found}", 303)

    return routes


def _served(mlflow: bool) -> str:
    if not mlflow:
        raise Problem(404, "this service does not serve MLflow")
    return MLFLOW


@cache
def _file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
