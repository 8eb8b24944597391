"""The keys of a study file, their types and their defaults."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError

from bpmodel.domains import MANY
from bpmodel.names import hints
from bpmodel.names.short import named, short
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING
from bpmodel.preprocessing.texts.marks import Hints
from search.options import STUDY, SearchOption
from search.tables.reading import Asked
from search.tracking.naming import names

Task = Literal["regression", "classification"]
MOST_STEPS = 1_000_000
"""The largest lag and horizon of a forecast, in steps of the series: two years of minutes."""

MOST_SHEETS, MOST_SPLITS, MOST_REPEATS = 10_000, 100_000, 10_000
"""Bounds of [data] sheet, and of [cv] n_splits, outer and repeats; `search.study.demand` counts what they take together."""


class Table(BaseModel):
    """A table of a study file: keys that are not listed are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _sheet(value: str | int | None) -> str | int | None:
    if isinstance(value, int) and not 0 <= value <= MOST_SHEETS:
        raise PydanticCustomError(
            "not_allowed", "allowed are names, and numbers from 0 to {most}", {"most": MOST_SHEETS}
        )
    return value


class Data(Table):
    """The source of the rows."""

    source: str
    task: Task
    target: str | None = None
    time: str | None = None
    lags: Any = None
    horizon: int = Field(default=1, ge=1, le=MOST_STEPS)
    exogenous: list[str] = []
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'"] | None = None
    day_first: bool | None = None
    encoding: str | None = None
    na_values: list[str] | None = None
    sheet: Annotated[str | int | None, AfterValidator(_sheet)] = None
    header: bool | None = None
    drop: list[str] = []
    missing_target: Literal["drop", "error"] = "drop"
    positive: Any = None

    @property
    def asked(self) -> Asked:
        """How the file is to be read."""
        asked = Asked(**{key: getattr(self, key) for key in Asked._fields if key in type(self).model_fields})
        return asked._replace(decimal=",") if self.thousands == "." and self.decimal is None else asked

    def hints(self, decimal: str | None = None) -> Hints:
        """How texts are written, with the decimal mark that was guessed for the file."""
        return Hints(self.asked.decimal or decimal, self.thousands, self.day_first)


def _checked(option: SearchOption) -> Any:
    """Return the type of a key of [search]: it accepts any value that its row in the table of options allows."""

    def check(value: Any) -> Any:
        if not option.holds(value, option.study):
            raise PydanticCustomError("not_allowed", "allowed are {allowed}", {"allowed": str(option.domain)})
        return value

    return Annotated[Any, AfterValidator(check)]


if TYPE_CHECKING:

    class Search(Table):
        """How the space is searched: one attribute for each row of `search.options.STUDY`."""

        def __getattr__(self, name: str) -> Any: ...

else:
    with warnings.catch_warnings():  # classes, not their instances, have a method `register`
        warnings.filterwarnings("ignore", 'Field name "register"', UserWarning)
        Search = create_model(
            "Search",
            __base__=Table,
            __doc__="How the space is searched.",
            **{o.name: (_checked(o), o.study) for o in STUDY},
        )


class CrossValidation(Table):
    """How a configuration is scored."""

    kind: str | None = None
    n_splits: int = Field(default=5, ge=2, le=MOST_SPLITS)
    shuffle: bool | None = None
    repeats: int = Field(default=1, ge=1, le=MOST_REPEATS)
    gap: int | None = Field(default=None, ge=0, le=MANY)
    group: str | None = None
    split: str | None = None
    outer: int | None = Field(default=None, ge=2, le=MOST_SPLITS)
    scoring: Any = None


class Tracking(Table):
    """What is stored in MLflow beside the results."""

    example: bool = False
    system_metrics: bool = False


def _named(name: str) -> str:
    if why := names.problem(name):
        raise PydanticCustomError("not_allowed", "{why}", {"why": why})
    return name


class File(Table):
    """A whole study file."""

    name: Annotated[str, AfterValidator(_named)]
    data: Data
    preprocessing: dict[str, Any] = {}
    model: dict[str, Any] = {}
    space: Any = "default"
    search: Search = Search()
    cv: CrossValidation = CrossValidation()
    tracking: Tracking = Tracking()


def first_problem(error: ValidationError) -> str:
    """Return what is wrong with a study file: the key, its value and what is allowed."""
    unknown = (each for each in error.errors() if each["type"] == "extra_forbidden")
    problem = next(unknown, error.errors()[0])  # a key that is missing may be misspelt
    tables, key, items = _place(problem["loc"])
    place = f"[{'.'.join(tables)}] {named(key)}" if tables else named(key)
    place += "".join(f"[{item}]" for item in items)
    if problem["type"] == "extra_forbidden":
        fields = list(_table(tables).model_fields)
        meant = hints.of_key(key, fields, places(), problem["input"])
        there = "there " if tables else ""
        return f"{place} is not a key of a study file{meant}; allowed {there}are {', '.join(fields)}"
    if problem["type"] == "missing":
        return f"{place} is missing"
    if (place, problem["type"]) == ("name", "not_allowed"):
        return f"name = {names.shortened(problem['input'])!r}; {problem['msg']}"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    meant = hints.of_value(key, problem["input"], _names(tables, key))
    return f"{place} = {short(problem['input'])}{meant}; {message.replace('input should be', 'it must be')}"


def _place(parts: tuple[int | str, ...]) -> tuple[list[str], str, list[int]]:
    """Return the tables that lead to a key, the key, and the places in its list, given where pydantic found a problem."""
    model: type[BaseModel] = File
    tables: list[str] = []
    for number, part in enumerate(parts):
        field = model.model_fields.get(str(part))
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, Table)):
            further = [item for item in parts[number + 1 :] if isinstance(item, int)]  # others are names of types
            return tables, str(part), further
        tables.append(str(part))
        model = field.annotation
    return tables[:-1], tables[-1], []


@cache
def places() -> dict[str, str]:
    """Return how each key is written that is not at the top of a study file: behind its table."""
    tables = {name: list(_table([name]).model_fields) for name in ("data", "search", "cv", "tracking")}
    tables["model"] = [o.name for o in (*REGRESSOR_OPTIONS, *CLASSIFIER_OPTIONS)]
    tables["preprocessing"] = [o.name for o in PREPROCESSING]
    return {key: f"[{table}] {key}" for table, keys in tables.items() for key in keys}


def _table(tables: list[str]) -> Any:
    """Return the class of a table, given the names that lead to it."""
    model: Any = File
    for table in tables:
        model = model.model_fields[table].annotation
    return model


def _names(tables: list[str], key: str) -> list[str]:
    """Return the texts that a key allows, if they can be listed."""
    if tables == ["search"]:
        return [name for o in STUDY if o.name == key for name in o.domain.names]
    field = _table(tables).model_fields[key]
    kinds = [field.annotation, *get_args(field.annotation)]
    return [name for kind in kinds for name in get_args(kind) if isinstance(name, str)]
