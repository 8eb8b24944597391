"""The route that predicts: rows as JSON, as CSV, or as a file of any kind, with the champion of a study."""

from __future__ import annotations

import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from bpmodel.names.short import short
from search.errors import StudyError
from search.files import writing as files
from search.prediction import writing
from search.service.api import bodies, sources
from search.service.api.bodies import CSV, JSON, OCTETS
from search.service.api.problems import Problem
from search.service.api.scopes import needs
from search.service.api.service import Name, Service, body
from search.service.api.work import CHECK
from search.service.data_copies import safe_name
from search.service.desk import Desk
from search.service.limits import Limits
from search.service.tokens import READ

ROWS = "rows"
"""What the table of a request is called in messages."""

Cell = str | int | float | bool | None


class Rows(BaseModel):
    """Rows to predict."""

    model_config = ConfigDict(extra="forbid")

    rows: list[dict[str, Cell]]


def router(service: Service) -> APIRouter:
    """Return the route."""
    routes, limits = APIRouter(prefix="/v1", dependencies=[needs(READ)]), service.limits

    @routes.post(
        "/studies/{name}/predictions",
        openapi_extra=body(CSV, OCTETS, schema=Rows.model_json_schema()),
        responses={200: {"description": "Predictions", "content": {JSON: {}, CSV: {"schema": {"type": "string"}}}}},
        summary="Predict rows",
    )
    async def predict(
        request: Request,
        study: Name,
        probabilities: Annotated[bool, Query(description="whether a column for each class is added")] = False,
        file: Annotated[
            str | None,
            Query(alias="name", max_length=200, description="what a file is called that is sent as bytes"),
        ] = None,
    ) -> Response:
        """Return the predictions of the champion for rows, in their order: as JSON, or as CSV if that is what is accepted."""
        kind = bodies.kind(request, JSON, CSV, OCTETS)
        content = await bodies.whole(request, limits.rows_bytes, limits.body_seconds)
        as_csv = _prefers_csv(request.headers.get("accept", ""))
        asked = (study, kind, content, file, probabilities, as_csv)
        text = await service.work.run(CHECK, _answered, service.desk, limits, *asked)
        return Response(text, media_type=f"{CSV}; charset=utf-8" if as_csv else JSON)

    return routes


def _answered(
    desk: Desk, limits: Limits, study: str, kind: str, content: bytes, file: str | None, probabilities: bool, csv: bool
) -> str:
    """Return the predictions for the body of a request. This takes time, and is for a thread."""
    return predicted(desk, limits, study, *_table(kind, content, file, limits), probabilities, csv)


def _prefers_csv(accept: str) -> bool:
    """Return whether CSV is named before JSON in a header ``Accept``.

    >>> _prefers_csv("text/csv, application/json"), _prefers_csv("*/*"), _prefers_csv("application/json, text/csv")
    (True, False, False)
    """
    kinds = [each.partition(";")[0].strip().lower() for each in accept.split(",")]
    return next((kind for kind in kinds if kind in (CSV, JSON)), JSON) == CSV


def _table(kind: str, content: bytes, name: str | None, limits: Limits) -> tuple[str, bytes]:
    """Return the name and the content of the file that holds the rows of a request."""
    if kind == JSON:
        rows = bodies.json_of(content)
        if not isinstance(rows, dict) or not isinstance(rows.get("rows"), list) or not rows["rows"]:
            raise Problem(422, 'the body must be {"rows": [{…}, …]}, with at least one row', "request", key="rows")
        _check_count(len(rows["rows"]), limits)
        _check_rows(rows["rows"])
        return f"{ROWS}.json", content_of(rows["rows"], limits)
    if not content:
        raise Problem(422, "the body is empty; it must be a table", "request")
    if name is None and kind == OCTETS:
        raise Problem(
            422, "name is missing: what the file is called, whose ending says what it is", "request", key="name"
        )
    return safe_name(name or f"{ROWS}.csv"), content


def _check_rows(rows: list[Any]) -> None:
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or not row:
            raise Problem(
                422, f"rows[{number}] = {short(row)}; it must be an object with a value for each column", "request"
            )
        for key, value in row.items():
            if isinstance(value, dict | list):
                told = f"rows[{number}] has {short(value)} under {short(key)}; allowed are texts, numbers, true, false and null"
                raise Problem(422, told, "request")


def content_of(rows: list[dict[str, Any]], limits: Limits) -> bytes:
    """Return rows as a file of JSON that has them all in the same columns.

    Raises
    ------
    Problem
        If that is too many cells: rows that share no column would be thousands of times as many as were sent.
    """
    columns = dict.fromkeys(key for row in rows for key in row)
    if (count := len(rows) * len(columns)) > (most := limits.predicted_cells):
        told = (
            f"{len(rows):,} rows with {len(columns):,} columns between them; allowed in one request are {most:,} cells"
        )
        raise Problem(413, told, "too-large", key="rows", value=count, allowed=most)
    return json.dumps([{key: row.get(key) for key in columns} for row in rows]).encode()


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.predicted_rows:
        told = f"{count:,} rows or more; allowed in one request are {limits.predicted_rows:,}"
        raise Problem(413, told, "too-large", key="rows", value=count, allowed=limits.predicted_rows)


def predicted(
    desk: Desk, limits: Limits, study: str, name: str, content: bytes, probabilities: bool, as_csv: bool
) -> str:
    """Return the predictions for a table as text. The table is a file while that takes.

    Raises
    ------
    StudyError
        If there is no model, or the rows do not fit it.
    Problem
        If there are too many rows.
    """
    path = desk.place.made().data / f".{os.urandom(8).hex()}-{name}"
    files.write(path, content, private=True)
    out, count = io.StringIO(), 0
    try:
        _check_unpacked(path, limits)
        with (writing.csv if as_csv else writing.json_list)(out) as write:
            for frame in desk.predict(study, path, probabilities=probabilities):
                count += len(frame)
                _check_count(count, limits)
                write(frame)
    except StudyError as error:
        raise type(error)(_without_path(str(error), path)) from None
    finally:
        path.unlink(missing_ok=True)
    return out.getvalue() if as_csv else f'{{"predictions": {out.getvalue().strip()}}}\n'


def _check_unpacked(path: Path, limits: Limits) -> None:
    count, most = 0, limits.unpacked_bytes
    with suppress(OSError, ValueError):  # what cannot be read is told when it is read
        count = sources.unpacked(path, most)
    if count > most:
        told = f"the rows unpack to {count:,} bytes or more; allowed here are {most:,}"
        raise Problem(413, told, "too-large", key="rows", value=count, allowed=most)


def _without_path(message: str, path: Path) -> str:
    """Return a message without the name of the file, which means nothing to a client."""
    return message.replace(str(path), ROWS).replace(path.name, ROWS).replace("--probabilities", "probabilities")
