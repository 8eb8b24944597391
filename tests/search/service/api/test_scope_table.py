"""Every route, for everybody: a new route without a scope fails here."""

import re

import pytest
from fastapi import APIRouter

from search.service.api import app, scopes
from search.service.api.app import routes
from search.service.api.service import Service
from search.service.api.work import Work
from search.service.desk import Desk
from search.service.limits import Limits
from search.service.tokens import SCOPES, Tokens

OF_ITS_OWNER = {
    *(("POST", f"/v1/studies/{{name}}/{action}") for action in ("pause", "resume", "cancel")),
    ("PATCH", "/v1/studies/{name}"),
    ("POST", "/v1/studies/{name}/ask"),
    ("POST", "/v1/studies/{name}/trials/{number}"),
}
"""Routes that change a study: its owner may, and administrators."""

BODIES = {
    ("PATCH", "/v1/studies/{name}"): {"json": {"priority": 1}},
    ("POST", "/v1/studies/{name}/trials/{number}"): {"json": {"score": 1.0}},
}

EXPECTED = {
    "none": {"GET /v1/health"},
    "read": {
        *("GET /", "GET /docs", "GET /openapi.json", "GET /bpsearch/page.js", "GET /bpsearch/page.css"),
        *("GET /v1/me", "GET /v1/events", "GET /v1/studies", "GET /v1/studies/{name}", "GET /v1/studies/{name}/events"),
        *(
            f"GET /v1/studies/{{name}}/{what}"
            for what in ("result", "trials", "trials/{number}", "findings", "report", "log")
        ),
        "POST /v1/studies/{name}/predictions",
    },
    "submit": {
        "POST /v1/data",
        "POST /v1/studies",
        "POST /v1/external",
        *(f"{method} {path}" for method, path in OF_ITS_OWNER),
    },
    "admin": {
        *(
            "GET /v1/tokens",
            "POST /v1/tokens",
            "DELETE /v1/tokens/{holder}",
            "GET /bpsearch/mlflow",
            "GET /bpsearch/mlflow/{name}",
        ),
    },
}


@pytest.fixture(scope="module")
def every(queue):
    service = Service(Desk(queue, str), Tokens(queue), Limits(), Work(Limits()))
    return [(method, route) for route in routes(service).state.routes for method in sorted(route.methods)]


def test_each_route_has_the_scope_that_is_meant(every):
    found: dict[str, set[str]] = {}
    for method, route in every:
        found.setdefault(scopes.scope_of(route) or "none", set()).add(f"{method} {route.path}")
    assert found == EXPECTED


def test_everybody_at_every_route(every, serve_api, text):
    api = serve_api(streams=0)  # so that no stream is left open
    assert api.submit(text("anns"), "ann").status_code == 201
    assert api.submit(text("anns2"), "ann").status_code == 201
    order = list(SCOPES)
    for method, route in every:
        path = re.sub(r"\{holder\}", "nobody", route.path.replace("{name}", "anns").replace("{number}", "0"))
        needed = scopes.scope_of(route)
        if needed is None:
            continue
        api.refused(api.ask(method, path, None), 401)
        for who, scope in {"eve": "read", "bob": "submit", "root": "admin"}.items():
            answer = api.ask(method, path, who, **BODIES.get((method, route.path), {}))
            forbidden = order.index(scope) < order.index(needed) or (
                (method, route.path) in OF_ITS_OWNER and who == "bob"
            )
            assert (answer.status_code == 403) == forbidden, (method, path, who, answer.text)
            assert answer.status_code < 500
            if forbidden:
                api.refused(answer, 403)


def test_a_route_without_a_scope_is_refused_when_the_application_is_made(queue):
    router = APIRouter()
    router.add_api_route("/v1/open", lambda: None)
    service = Service(Desk(queue, str), Tokens(queue), Limits(), Work(Limits()))
    with pytest.raises(ValueError, match="routes without a scope: /v1/open"):
        routes(service, routers=[router])
    router = APIRouter()
    router.add_route("/v1/raw", lambda request: None)
    with pytest.raises(ValueError, match="is no route of an API"):
        routes(service, routers=[router])


def test_further_routes_have_their_place(queue):
    router = APIRouter(prefix="/v1", dependencies=[scopes.needs("submit")])
    router.add_api_route("/asked", lambda: None)
    service = Service(Desk(queue, str), Tokens(queue), Limits(), Work(Limits()))
    made = app.routes(service, routers=[router])
    assert made.openapi()["paths"]["/v1/asked"]["get"]["x-scope"] == "submit"
