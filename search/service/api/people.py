"""Routes on tokens: who calls, and, for administrators, who else may."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from search.catalog.documents import moment
from search.service.api import bodies
from search.service.api.scopes import Calling, needs
from search.service.api.service import Service, answer, body
from search.service.limits import Limits
from search.service.tokens import ADMIN, READ, Token


class NewToken(BaseModel):
    """A token that is to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=64, description="whose it is")
    scope: Literal["read", "submit", "admin"] = Field(default="submit", description="what it is for")
    quota: int | None = Field(
        default=None, ge=0, le=Limits.queued_of_all, description="studies of it that may be queued or run"
    )


def router(service: Service, *, mlflow: bool) -> APIRouter:
    """Return the routes; `mlflow` says whether MLflow is served, too."""
    routes, tokens = APIRouter(prefix="/v1"), service.tokens

    @routes.get("/me", dependencies=[needs(READ)], summary="Who this token is")
    async def me(caller: Calling) -> Response:
        """Return the name and scope of the token of this request."""
        return answer({**_document(caller.token), "mlflow": mlflow and caller.token.may(ADMIN)})

    @routes.get("/tokens", dependencies=[needs(ADMIN)], summary="All tokens")
    async def listed() -> Response:
        """Return all tokens, without their secrets."""
        return answer({"tokens": [_document(each) for each in await service.quick(tokens.all)]})

    @routes.post(
        "/tokens",
        status_code=201,
        dependencies=[needs(ADMIN)],
        openapi_extra=body(schema=NewToken.model_json_schema()),
        summary="Make a token",
    )
    async def make(request: Request) -> Response:
        """Make a token and return it: it is told only here."""
        asked = await bodies.model(request, NewToken, service.limits.study_bytes, service.limits.body_seconds)
        secret = await service.quick(tokens.make, asked.name, asked.scope, asked.quota)
        return answer({"name": asked.name, "scope": asked.scope, "token": secret}, 201)

    @routes.delete("/tokens/{holder}", dependencies=[needs(ADMIN)], summary="Withdraw a token")
    async def withdraw(holder: Annotated[str, InPath(max_length=64)]) -> Response:
        """Withdraw a token: it is good for nothing from now on."""
        return answer(_document(await service.quick(tokens.withdraw, holder)))

    return routes


def _document(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "scope": token.scope,
        "quota": token.quota,
        "made": moment(token.made),
        "withdrawn": moment(token.withdrawn or 0.0),
    }
