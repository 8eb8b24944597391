"""What all routes share: the desk, the tokens, the limits, and threads to work in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from fastapi import Path as InPath
from starlette.responses import Response

from search.errors import NoStudyError, StudyError
from search.service.api.problems import MEDIA_TYPE, Problem, of_study, written
from search.service.api.work import QUICK, Work
from search.service.desk import Desk
from search.service.limits import Limits
from search.service.tokens import Tokens
from search.tracking.naming import names

T = TypeVar("T")


@dataclass(frozen=True)
class Service:
    """What all routes share.

    Attributes
    ----------
    desk : Desk
    tokens : Tokens
    limits : Limits
    work : Work
    shared : Path or None
        The folder whose files studies may name.
    """

    desk: Desk
    tokens: Tokens
    limits: Limits
    work: Work
    shared: Path | None = None

    async def quick(self, function: Callable[..., T], /, *arguments: Any, **named: Any) -> T:
        """Call a function that reads or changes a little, in a thread."""
        return await self.work.run(QUICK, function, *arguments, **named)

    async def found(self, kind: str, function: Callable[..., T], /, *arguments: Any, **named: Any) -> T:
        """Call a function that answers from what a study has so far, in a thread.

        Raises
        ------
        Problem
            404 if it has nothing like that yet.
        """
        try:
            return await self.work.run(kind, function, *arguments, **named)
        except StudyError as error:
            problem = of_study(error)
            raise Problem(404, problem.detail, "nothing-yet") if problem.kind == "study" else problem from None


def _name(name: Annotated[str, InPath(description="name of a study")]) -> str:
    """Return the name of a study in a path: whatever no study can be called is unknown."""
    if names.problem(name):
        raise NoStudyError(f"there is no study {names.shortened(name)!r}: {names.ALLOWED}")
    return name


Name = Annotated[str, Depends(_name)]
"""The name of a study in a path."""


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a document as the answer to a request."""
    return Response(written(content), status, headers, "application/json")


PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "one line: what is wrong"},
        "instance": {"type": "string"},
        "key": {"type": "string"},
        "value": {},
        "allowed": {},
    },
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    each: {"description": "A problem document", "content": {MEDIA_TYPE: {"schema": PROBLEM}}} for each in ("4XX", "5XX")
}
"""Answers of every route, for its description."""


def body(*kinds: str, schema: dict[str, Any] | None = None, required: bool = True) -> dict[str, Any]:
    """Return the description of a body: JSON of a schema, and texts or bytes of other kinds."""
    binary = {"type": "string", "format": "binary"}
    content = {kind: {"schema": binary if "octet" in kind else {"type": "string"}} for kind in kinds}
    if schema is not None:
        content["application/json"] = {"schema": schema}
    return {"requestBody": {"required": required, "content": content}}


def answers(kind: str, meaning: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the description of an answer of another kind than JSON."""
    return {status: {"description": meaning, "content": {kind: {"schema": {"type": "string"}}}}}
