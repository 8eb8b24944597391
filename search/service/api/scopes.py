"""Who calls, and what a route needs: each route names its scope with `needs`, or is refused when the application is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from search.service.api.problems import Problem
from search.service.limits import Limits
from search.service.rights import Rights
from search.service.tokens import ADMIN, SCOPES, Token

CALLER = "bpsearch.caller"
"""The key of the ASGI scope that holds the caller."""


@dataclass(frozen=True)
class Caller:
    """Who sends a request.

    Attributes
    ----------
    token : Token
    by_cookie : bool
        Whether a browser sent it, with the cookie.
    """

    token: Token
    by_cookie: bool = False

    @property
    def only_of(self) -> str | None:
        """Whose studies this caller may change; None for all."""
        return None if self.token.may(ADMIN) else self.token.name

    def rights(self, limits: Limits) -> Rights:
        """Return what this caller may do with the queue."""
        return Rights(self.only_of, self.token.quota if self.only_of else None, limits.queued_of_all)


def needs(scope: str) -> Any:
    """Return what a route depends on that is for tokens with a scope."""

    def check(request: Request) -> None:
        if not caller(request).token.may(scope):
            token = caller(request).token
            raise Problem(
                403,
                f"token {token.name!r} has scope {token.scope!r}; this needs {scope!r}",
                "scope",
                key="scope",
                value=token.scope,
                allowed=[name for name in SCOPES if list(SCOPES).index(name) >= list(SCOPES).index(scope)],
            )

    check.scope = scope  # type: ignore[attr-defined]
    return Depends(check)


def caller(request: Request) -> Caller:
    """Return who sends a request."""
    found: Caller = request.scope[CALLER]
    return found


Calling = Annotated[Caller, Depends(caller)]


def scope_of(route: APIRoute) -> str | None:
    """Return the scope that a route needs; None if it names none."""
    scopes = (getattr(each.dependency, "scope", None) for each in route.dependencies)
    return next((scope for scope in scopes if scope is not None), None)


def check(routes: Iterable[Any], open_to_all: Callable[[str], bool]) -> None:
    """Check that each route names a scope, but for those that are open to all.

    Raises
    ------
    ValueError
    """
    if without := [route.path for route in _of_api(routes) if scope_of(route) is None and not open_to_all(route.path)]:
        raise ValueError(f"routes without a scope: {', '.join(without)}")


def _of_api(routes: Iterable[Any]) -> Iterator[APIRoute]:
    for route in routes:
        if not isinstance(route, APIRoute):
            raise ValueError(f"{route} is no route of an API; those have scopes")
        yield route
