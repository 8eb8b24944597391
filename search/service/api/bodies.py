"""Bodies of requests: so many bytes, in so much time, of a known kind, and nothing that JSON or Unicode forbids."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import anyio
from fastapi import Request
from pydantic import BaseModel

from bpmodel.names.amounts import bytes_told
from search.service.api.problems import Problem

JSON, TOML, CSV, OCTETS = "application/json", "application/toml", "text/csv", "application/octet-stream"

Model = TypeVar("Model", bound=BaseModel)


def kind(request: Request, *allowed: str) -> str:
    """Return the media type of a request's body, without parameters.

    Raises
    ------
    Problem
        If it is none of those allowed.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in allowed:
        told = f"Content-Type = {given[:100]!r}; allowed are {', '.join(allowed)}"
        raise Problem(415, told, "media-type", key="Content-Type", value=given[:100], allowed=list(allowed))
    return given


async def pieces(request: Request, most: int, seconds: float) -> AsyncIterator[bytes]:
    """Yield the body as it arrives.

    Raises
    ------
    Problem
        If it has more than `most` bytes, as soon as that is known, or takes longer than `seconds`.
    """
    if (length := request.headers.get("content-length", "")).isdecimal() and len(length) > len(str(most)):
        raise _too_large(most)
    if length.isdecimal() and int(length) > most:
        raise _too_large(most)
    count, deadline = 0, anyio.current_time() + seconds
    stream = request.stream()
    while True:
        with anyio.move_on_after(deadline - anyio.current_time()) as timing:
            piece = await anext(stream, None)
        if timing.cancelled_caught:
            raise Problem(
                408, f"the request did not arrive within {seconds:g} seconds", "slow", {"Connection": "close"}
            )
        if piece is None:
            return
        count += len(piece)
        if count > most:
            raise _too_large(most)
        if piece:
            yield piece


def _too_large(most: int) -> Problem:
    told = f"the body has more than {bytes_told(most)} ({most:,} bytes), which is what this service takes"
    return Problem(413, told, "too-large", {"Connection": "close"}, allowed=most)


async def whole(request: Request, most: int, seconds: float) -> bytes:
    """Return the body; errors are those of `pieces`."""
    return b"".join([piece async for piece in pieces(request, most, seconds)])


def text(content: bytes) -> str:
    """Return a body as text.

    Raises
    ------
    Problem
        If it is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Problem(
            422, f"the body is no text: {error.reason} at byte {error.start:,}; allowed is UTF-8", "request"
        ) from None


def json_of(content: bytes) -> Any:
    """Return what a body of JSON says.

    Raises
    ------
    Problem
        If it is no JSON, nested too deep, or has a text with half of a surrogate pair.

    Examples
    --------
    >>> json_of(b'{"priority": 5}')
    {'priority': 5}
    """
    try:
        found = json.loads(text(content), parse_constant=_refused)
        json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise Problem(422, "the body is nested too deep", "request") from None
    except UnicodeEncodeError:
        raise Problem(
            422, "the body has a text with half of a surrogate pair, which is no Unicode", "request"
        ) from None
    except ValueError as error:
        raise Problem(422, f"the body is no JSON: {error}", "request") from None
    return found


def _refused(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


async def model(request: Request, kind_: type[Model], most: int, seconds: float) -> Model:
    """Return a body of JSON as a document of a kind.

    Raises
    ------
    Problem
    ValidationError
        If it is no such document.
    """
    kind(request, JSON)
    return kind_.model_validate(json_of(await whole(request, most, seconds)))
