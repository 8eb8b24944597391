"""Arguments of tools: their types and ranges, and what is wrong with them in one line."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from bpmodel.names.short import listed, named, short
from search.errors import StudyError
from search.samplers.methods import MOST_TRIALS
from search.service.desk import Desk
from search.service.mcp.answers import Page
from search.service.queued import HIGHEST, LOWEST
from search.spelling import did_you_mean
from search.tracking.naming import names

LONGEST_NAME = 200
MOST_LISTED = 100
MOST_SECONDS = 10_000_000.0
"""The longest budget of time: four months."""


class Tool(BaseModel):
    """A tool: its fields are the arguments, its docstring is what a language model reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    WRITES: ClassVar[bool] = False
    """Whether it changes anything."""

    ENDS: ClassVar[bool] = False
    """Whether what it changes cannot simply be put back."""

    def answer(self, desk: Desk) -> Page | dict[str, Any] | str:
        """Return what is answered.

        Raises
        ------
        StudyError
        """
        raise NotImplementedError


def _checked(name: str) -> str:
    if why := names.problem(name):
        raise PydanticCustomError("not_allowed", "{why}", {"why": why})
    return name


def _side(name: str) -> str:
    study, slash, version = name.partition("/")
    if slash and not (version.isascii() and version.isdigit()):
        raise PydanticCustomError("not_allowed", "allowed are NAME and NAME/VERSION, such as wine/2")
    if study.endswith(".toml"):
        raise PydanticCustomError("not_allowed", "allowed are names of studies, not of files")
    return _checked(study) + slash + version


Name = Annotated[
    str,
    Field(max_length=LONGEST_NAME, description="Name of a study, as list_studies tells it."),
    AfterValidator(_checked),
]
Side = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_side)]
First = Annotated[int, Field(ge=0, le=MOST_TRIALS, description="How many to skip: the `next` of an earlier answer.")]
Most = Annotated[int, Field(ge=1, le=MOST_LISTED, description=f"How many to return, up to {MOST_LISTED}.")]
Number = Annotated[int, Field(ge=0, le=MOST_TRIALS, description="Number of a finished trial, from 0.")]
Priority = Annotated[
    int,
    Field(ge=LOWEST, le=HIGHEST, description=f"From {LOWEST} to {HIGHEST}; higher ones get workers first. Usual is 0."),
]
Trials = Annotated[
    int,
    Field(ge=1, le=MOST_TRIALS, description=f"Number of trials in all, from 1 to {MOST_TRIALS}; usual are 30 to 200."),
]
Seconds = Annotated[
    float, Field(gt=0, le=MOST_SECONDS, description="Seconds after which no new trial is started.", allow_inf_nan=False)
]


def read(kind: type[Tool], name: str, given: Any) -> Tool:
    """Return a tool with its arguments.

    Raises
    ------
    StudyError
        If one is missing, unknown or not allowed: one line that names it.
    """
    try:
        return kind.model_validate({} if given is None else given)
    except ValidationError as error:
        raise StudyError(f"{name}: {_problem(kind, error)}") from None


def _problem(kind: type[Tool], error: ValidationError) -> str:
    """Return the first problem with arguments, an unknown one before others: it may be a misspelt one that is missing."""
    problems = error.errors(include_url=False, include_context=False)
    first = next((each for each in problems if each["type"] == "extra_forbidden"), problems[0])
    place = [str(part) for part in first["loc"]]
    known = list(kind.model_fields)
    if not place:
        return "the arguments are no object"
    key = named(place[0]) + "".join(f"[{named(part)}]" for part in place[1:])
    if first["type"] == "extra_forbidden":
        return f"{key} is no argument{did_you_mean(place[0], known)}; allowed are {listed(known)}"
    if first["type"] == "missing":
        return f"{key} is missing"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{key} = {short(first['input'])}; {message.replace('input should be', 'it must be')}"


def schema(kind: type[Tool]) -> dict[str, Any]:
    """Return the JSON schema of the arguments of a tool, without what only repeats names."""
    found = kind.model_json_schema()
    found.pop("description", None)
    return _untitled(found)


def _untitled(found: Any) -> Any:
    if isinstance(found, dict):
        titled = isinstance(found.get("title"), str)
        return {key: _untitled(value) for key, value in found.items() if not (titled and key == "title")}
    return [_untitled(each) for each in found] if isinstance(found, list) else found
