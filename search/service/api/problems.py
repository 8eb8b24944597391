"""Errors as problem documents (RFC 9457): whatever goes wrong, a client gets one line that says what, and never a traceback."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from bpmodel.names.short import short
from bpmodel.names.visible import visible
from search.errors import InUseError, NoStudyError, StudyError, one_line
from search.files import trouble
from search.service.external.asking import ConflictError, NotLendingError, NoTrialError
from search.service.queue import OtherStudyError
from search.service.rights import OwnerError, QuotaError
from search.service.states import TransitionError
from search.service.tokens import NoTokenError
from search.terminal.output import plain
from search.tracking.ui.gate import Application, Receive, Scope, Send

LOG = logging.getLogger("bpsearch.service")

MEDIA_TYPE = "application/problem+json"

AGAIN_SECONDS = 30
"""After how long a client may ask again whose studies are as many as there may be."""

LONGEST = 2000
"""Characters of a message."""


class Problem(Exception):  # noqa: N818 - the name of the standard
    """An error that is answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    detail : str
        One line: what is wrong.
    kind : str
        Its name, the end of the document's ``type``.
    headers : dict, optional
    **more
        Other members of the document, such as ``key``, ``value`` and ``allowed``.
    """

    def __init__(
        self, status: int, detail: str, kind: str = "", headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind, self.headers, self.more = status, detail, kind, dict(headers or {}), more

    @classmethod
    def later(cls, detail: str, kind: str, seconds: float) -> Problem:
        """Return one that says after how many seconds the client may ask again."""
        return cls(429, detail, kind, {"Retry-After": str(max(1, round(seconds + 0.5)))})

    def document(self, path: str) -> dict[str, Any]:
        """Return the problem document of a request for a path."""
        return {
            "type": f"urn:bpsearch:problem:{self.kind}" if self.kind else "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": one_line(self.detail)[:LONGEST],
            "instance": path,
            **self.more,
        }

    def response(self, path: str) -> Response:
        """Return the answer to a request for a path."""
        return Response(written(self.document(path)), self.status, self.headers, MEDIA_TYPE)


def written(content: Any) -> bytes:
    """Return a document as JSON; numbers that are not finite are null.

    >>> written({"score": float("nan"), "name": "a"})
    b'{"score": null, "name": "a"}'
    """
    return json.dumps(plain(content), allow_nan=False).encode()


OF_STUDIES: tuple[tuple[type[StudyError], int, str], ...] = (
    (NoStudyError, 404, "no-study"),
    (NoTokenError, 404, "no-token"),
    (OwnerError, 403, "other-owner"),
    (OtherStudyError, 409, "other-study"),
    (NoTrialError, 404, "no-trial"),
    (ConflictError, 409, "other-result"),
    (NotLendingError, 409, "state"),
    (TransitionError, 409, "state"),
    (InUseError, 409, "in-use"),
    (QuotaError, 429, "quota"),
    (StudyError, 422, "study"),
)
"""Status and name of each kind of StudyError: the first row counts that fits."""

CLI = re.compile(r"^--[a-z]+ [^:]*: ")
"""How messages begin that name an option of the command line."""

TOLD = re.compile(
    r"(?:^|: )(?P<key>(?:\[\w+(?:\.\w+)*\] )?\w+(?:\[\d+\])*) = (?P<value>(?:(?!; |: ).){1,300}?)"
    r"(?: \([^)]*\))?[;:] .*?\ballowed(?: here| there)?(?: are| is|:) (?P<allowed>.+)$"
)
"""Key, value and what is allowed, in a message of the usual form."""


def parts(detail: str) -> dict[str, Any]:
    """Return what a message tells of key, value and what is allowed, where it has the usual form.

    >>> parts("study: [model] solver = 'trainlm'; allowed: 'adam', 'sgd'")
    {'key': '[model] solver', 'value': "'trainlm'", 'allowed': "'adam', 'sgd'"}
    >>> parts("the queue is empty")
    {}
    """
    found = TOLD.search(detail)
    return {} if found is None else {name: text.strip() for name, text in found.groupdict().items()}


LONG = re.compile(r"\d{20,300}")
"""Numbers that nobody wants to read digit by digit."""


def of_study(error: StudyError) -> Problem:
    """Return the problem that a StudyError is."""
    detail = CLI.sub("", str(error))
    if trouble.of_disk(error) or trouble.of_disk(detail) or detail.startswith(tuple(trouble.DISKS.values())):
        return Problem(507, detail, "disk")
    status, kind = next((status, kind) for row, status, kind in OF_STUDIES if isinstance(error, row))
    if isinstance(error, TransitionError):
        return Problem(status, detail, kind, allowed=list(error.allowed))
    return Problem(
        status, detail, kind, {"Retry-After": str(AGAIN_SECONDS)} if status == 429 else None, **parts(detail)
    )


def of_validation(errors: list[Any]) -> Problem:
    """Return the problem that pydantic has found in a request: the first one."""
    first = errors[0]
    place = [str(part) for part in first["loc"] if part not in ("query", "path", "body", "header")]
    key, reason = ".".join(place) or "the body", str(first["msg"])
    if first["type"] == "missing":
        return Problem(422, f"{visible(key)} is missing", "request", key=visible(key))
    if first["type"] == "extra_forbidden":
        return Problem(
            422,
            f"{visible(key)} is not a key here; the description at /docs has those that are",
            "request",
            key=visible(key),
        )
    value = short(first.get("input"))
    reason = reason[:1].lower() + reason[1:].replace("Input should be", "it must be")
    reason = reason.replace("input should be", "it must be")
    reason = LONG.sub(lambda digits: f"{float(digits[0]):g}", reason)
    return Problem(422, f"{visible(key)} = {value}; {reason}", "request", key=visible(key), value=value, allowed=reason)


def of_http(error: HTTPException) -> Problem:
    """Return the problem that Starlette has found: no such path, or no such method."""
    details = {404: "there is nothing at this path", 405: "this path has no such method"}
    return Problem(error.status_code, details.get(error.status_code, str(error.detail)), headers=error.headers)


def of_any(error: Exception) -> Problem:
    """Return the problem that any exception is; one that nobody has foreseen is logged."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StudyError):
        return of_study(error)
    if isinstance(error, RequestValidationError | ValidationError):
        return of_validation(list(error.errors()))
    if isinstance(error, HTTPException):
        return of_http(error)
    if isinstance(error, MemoryError):
        return Problem(422, "this takes more memory than the service has; take fewer rows", "memory")
    LOG.error("a request failed", exc_info=error)
    return Problem(500, "something went wrong in the service; its log says what", "bug")


HANDLED = (Problem, StudyError, RequestValidationError, ValidationError, HTTPException, MemoryError)


def handle(application: FastAPI) -> None:
    """Have an application answer exceptions with problem documents."""

    async def answer(request: Request, error: Exception) -> Response:
        return of_any(error).response(request.url.path)

    for kind in HANDLED:
        application.add_exception_handler(kind, answer)
    application.add_middleware(Guarded)  # before Starlette's own, which answers in plain text


class Guarded:
    """An application that answers what nobody has foreseen with status 500, too.

    Parameters
    ----------
    app : callable
        The ASGI application.
    """

    def __init__(self, app: Application) -> None:
        self._application = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._application(scope, receive, sending)
        except ClientDisconnect:
            return  # nobody waits for an answer
        except Exception as error:  # a bug: the log has the traceback, the client does not
            problem = of_any(error)
            if not begun and scope["type"] == "http":
                await problem.response(scope["path"])(scope, receive, send)
