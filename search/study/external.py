"""Studies whose trials clients train: what is searched, as TOML, without data or a network."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from bpmodel.names.short import named, short
from search.errors import StudyError
from search.samplers.methods import METHODS, MOST_TRIALS
from search.space import initial_points, spaces
from search.space.parsing import IN_STUDY_FILES
from search.space.spaces import Space
from search.space.unit_cube import UnitCube
from search.toml import reading
from search.tracking.contents.runs import Header
from search.tracking.naming import names

SOURCE = "trained by clients"
"""What stands where other studies name their data."""

MINIMIZE, MAXIMIZE = "minimize", "maximize"
DIGITS = 16
METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,60}")
PARAMETER = re.compile(r"[^\W\d][\w .-]{0,99}")
"""Names of hyperparameters that every store of MLflow takes."""

MOST_LEASE = 30 * 24 * 3600.0
"""Seconds that a client may take for a trial, at most."""

LARGEST = 1e150
"""Of scores, whatever their sign: the square of a larger one is not finite."""


def _named(name: str) -> str:
    if why := names.problem(name):
        raise PydanticCustomError("not_allowed", "{why}", {"why": why})
    return name


def _metric(name: str) -> str:
    if not METRIC.fullmatch(name) or name.startswith("neg_"):
        raise PydanticCustomError(
            "not_allowed",
            "allowed are letters, digits and underscores, beginning with a letter but not with neg_: direction says what is "
            "better",
        )
    return name


def _method(method: str) -> str:
    if method not in METHODS or METHODS[method].exhaustive:
        allowed = ", ".join(name for name, row in METHODS.items() if not row.exhaustive)
        raise PydanticCustomError("not_allowed", "allowed are {allowed}", {"allowed": allowed})
    return method


class File(BaseModel):
    """The keys of an external study."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, AfterValidator(_named)]
    metric: Annotated[str, AfterValidator(_metric)] = "score"
    direction: Literal["minimize", "maximize"]
    space: Any
    method: Annotated[str, AfterValidator(_method)] = "bayesian"
    n_trials: int = Field(default=50, ge=1, le=MOST_TRIALS)
    seed: int = Field(default=0, ge=0, le=2**32 - 1)
    baseline: float | None = Field(default=None, ge=-LARGEST, le=LARGEST)
    lease: float = Field(default=600.0, gt=0, le=MOST_LEASE)
    initial_points: list[dict[str, Any]] = []


@dataclass(frozen=True)
class External:
    """A study whose trials are trained by clients.

    Attributes
    ----------
    file : File
    space : Space
    points : list of dict
        The first configurations.
    text : str
        The file itself.
    """

    file: File
    space: Space
    points: list[dict[str, Any]]
    text: str = ""

    @property
    def sign(self) -> int:
        """What a client's score is multiplied by: greater is better here."""
        return -1 if self.file.direction == MINIMIZE else 1

    @property
    def scoring(self) -> str:
        """The metric, under a name that tells the sign of scores."""
        return f"neg_{self.file.metric}" if self.sign < 0 else self.file.metric

    @property
    def dummy(self) -> float:
        """The score of the client's trivial model; minus infinity if it has told none."""
        return -float("inf") if self.file.baseline is None else self.sign * self.file.baseline

    @property
    def identity(self) -> dict[str, Any]:
        """What makes trials comparable."""
        return {
            "[external]": {"direction": self.file.direction, "baseline": self.file.baseline},
            "[space]": self.space.describe(),
            "[cv]": {"scoring": self.scoring},
            "[search]": {"method": self.file.method, "seed": self.file.seed},
        }

    @property
    def fingerprint(self) -> str:
        """Hash of `identity`."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:DIGITS]

    @property
    def about(self) -> dict[str, Any]:
        """What lists tell of it."""
        return {
            "source": SOURCE,
            "scoring": self.scoring,
            "method": self.file.method,
            "n_trials": self.file.n_trials,
            "timeout": None,
        }

    def header(self, study_id: str) -> Header:
        """Return the data of its parent run, given the identifier in its journal."""
        keys = ("direction", "metric", "n_trials", "seed", "baseline", "lease")
        params = {key: getattr(self.file, key) for key in keys} | {"data": SOURCE, "method": self.file.method}
        told = {name: value for name, value in params.items() if value is not None} | {"scoring": self.scoring}
        return Header(self.file.name, study_id, told, self.text, scoring=self.scoring, method=self.file.method)


def parse(text: str, path: Path = Path("study")) -> External:
    """Validate the text of an external study.

    Raises
    ------
    StudyError
        One line: key, value and what is allowed.

    Examples
    --------
    >>> study = parse('name = "mine"' + chr(10) + 'direction = "minimize"' + chr(10) + "[space]" + chr(10) + "depth = [2, 4, 8]")
    >>> study.scoring, study.sign, study.file.n_trials
    ('neg_score', -1, 50)
    """
    try:
        file = File.model_validate(reading.loads(text))
    except reading.TOMLError as error:
        raise StudyError(f"{path}: is not valid TOML: {error}") from None
    except ValidationError as error:
        raise StudyError(f"{path}: {_told(error)}") from None
    where = f"{path}: [space]"
    if not isinstance(file.space, dict) or not file.space:
        raise StudyError(f"{where} must name at least one parameter, each with {IN_STUDY_FILES.partition(', or')[0]}")
    for name in file.space:
        if not PARAMETER.fullmatch(name) or ".." in name or name[-1] in " .":
            raise StudyError(
                f"{where} {named(name)}: allowed are letters, digits, '_', '-', '.' and blanks, up to 100, beginning with a "
                "letter or '_', neither with two points in a row nor with a blank or a point at the end"
            )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        space = spaces.build(file.space, where, IN_STUDY_FILES)
    _check_size(file.method, space, path)
    points = initial_points.complete(space, file.initial_points, file.seed, f"{path}: initial_points")
    return External(file, space, points, text)


def _check_size(method: str, space: Space, path: Path) -> None:
    most = METHODS[method].most_features
    if most and (features := UnitCube(space).n_features) > most:
        raise StudyError(
            f"{path}: method = {method!r}: the space has {features:,} features; allowed are up to {most:,}: "
            "list fewer values, or use another method"
        )


def _told(error: ValidationError) -> str:
    """Return the first problem of a file in one line: key, value, and what is allowed."""
    problem = error.errors()[0]
    key = ".".join(map(str, problem["loc"]))
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{named(key)} is not a key; allowed are {', '.join(File.model_fields)}"
    message = problem["msg"].removeprefix("Input should be ")
    return f"{key} = {short(problem['input'])}; {message if 'allowed are' in message else f'allowed: {message}'}"
