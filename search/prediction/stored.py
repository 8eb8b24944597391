"""What a model's file says of its study, which may be damaged or a stranger's: checked before anything is done with it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from bpmodel.names.short import short
from search.errors import StudyError

HASH_BYTES = 8

Count = Annotated[int, Field(ge=0, le=2**53)]
Steps = Annotated[int, Field(ge=1, le=2**31)]


def _hashes(text: str) -> str:
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("allowed are hashes in base64") from None
    if not content or len(content) % HASH_BYTES:
        raise ValueError(f"allowed are hashes of {HASH_BYTES} bytes")
    return text


class Part(BaseModel):
    """Facts whose names are known; others are left alone."""

    model_config = ConfigDict(strict=True)


class Reading(Part):
    """How the table of the study was written."""

    separator: str | None = None
    decimal: str | None = None
    likely_decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    day_first: bool | None = None
    header: bool | None = None
    na_values: list[str] | None = None
    sheet: str | int | None = None


class Dummy(Part):
    """What the dummy predictor knew of the target."""

    mean: FiniteFloat | list[FiniteFloat] | None = None
    classes: list[str] | None = None
    rows: list[Count] | None = None

    @model_validator(mode="after")
    def _rows_of_classes(self) -> Dummy:
        if self.rows is not None and not (any(self.rows) and len(self.rows) == len(self.classes or ())):
            raise ValueError("allowed are the rows of each class")
        return self


class Seen(Part):
    """The sample of the training rows' hashes."""

    complete: bool
    hashes: Annotated[str, AfterValidator(_hashes)]


class Stored(Part):
    """The facts that are used; `search.study.facts` writes them."""

    target: str | None = None
    scoring: list[str] = []
    reading: Reading = Reading()
    dummy: Dummy | None = None
    seen: Seen | None = None
    positive: str | None = None
    time: str | None = None
    lags: Steps | Annotated[list[Steps], Field(min_length=1)] | None = None
    horizon: Steps = 1
    exogenous: list[str] = []


def check(study: Mapping[str, Any]) -> None:
    """Check that facts of a study have their types.

    Raises
    ------
    StudyError

    Examples
    --------
    >>> check({"target": "price", "lags": [1, 2]})
    >>> check({"dummy": {"mean": "high"}})
    Traceback (most recent call last):
    search.errors.StudyError: what the model says of its study is damaged: ...
    """
    try:
        Stored.model_validate(dict(study))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        names = {*Stored.model_fields, *Reading.model_fields, *Dummy.model_fields, *Seen.model_fields}
        key = ".".join(part for part in first["loc"] if part in names)  # without the names of pydantic's own types
        why = first["msg"].removeprefix("Value error, ")
        raise StudyError(
            f"what the model says of its study is damaged: {key} = {short(first['input'])}: {why}"
        ) from None
