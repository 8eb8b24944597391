"""Study files: parse TOML into a validated `Study`, or report what is wrong in one line."""

from __future__ import annotations

import tomllib
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import PydanticCustomError
from sklearn.metrics import get_scorer_names

from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS, Option
from bpmodel.preprocessing.options import COLUMNS, PREPROCESSING
from bpmodel.preprocessing.texts.marks import Hints
from search.cv.kinds import KINDS, Scheme, default_kind
from search.errors import StudyError
from search.options import STUDY, SearchOption
from search.scorer_names import unknown
from search.space import initial_points, spaces
from search.space.spaces import Space
from search.spelling import did_you_mean
from search.tables.reading import Asked
from search.tables.secrets import masked
from search.trials.nesting import SET_BY_THE_SEARCH

Task = Literal["regression", "classification"]

DEFAULT_SCORING = {"regression": "neg_root_mean_squared_error", "classification": "accuracy"}
OPTIONS = {"regression": REGRESSOR_OPTIONS, "classification": CLASSIFIER_OPTIONS}
NAME_PATTERN = r"^\w[\w.-]*$"
"""Letters and digits are those of any script."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Data(_Table):
    """The source of the rows."""

    source: str
    task: Task
    target: str | None = None
    time: str | None = None
    lags: Any = None
    horizon: int = Field(default=1, ge=1)
    exogenous: list[str] = []
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    thousands: Literal[".", ",", " ", "'"] | None = None
    day_first: bool | None = None
    encoding: str | None = None
    na_values: list[str] | None = None
    sheet: str | int | None = None
    header: bool | None = None
    drop: list[str] = []
    missing_target: Literal["drop", "error"] = "drop"
    positive: Any = None

    @property
    def asked(self) -> Asked:
        """How the file is to be read."""
        asked = Asked(*(getattr(self, key) for key in Asked._fields))
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

    class Search(_Table):
        """How the space is searched: one attribute for each row of `search.options.STUDY`."""

        def __getattr__(self, name: str) -> Any: ...

else:
    with warnings.catch_warnings():  # classes, not their instances, have a method `register`
        warnings.filterwarnings("ignore", 'Field name "register"', UserWarning)
        Search = create_model(
            "Search",
            __base__=_Table,
            __doc__="How the space is searched.",
            **{o.name: (_checked(o), o.study) for o in STUDY},
        )


class CrossValidation(_Table):
    """How a configuration is scored."""

    kind: str | None = None
    n_splits: int = Field(default=5, ge=2)
    shuffle: bool | None = None
    repeats: int = Field(default=1, ge=1)
    gap: int | None = Field(default=None, ge=0)
    group: str | None = None
    split: str | None = None
    outer: int | None = Field(default=None, ge=2)
    scoring: Any = None


class _File(_Table):
    name: str = Field(pattern=NAME_PATTERN)
    data: Data
    preprocessing: dict[str, Any] = {}
    model: dict[str, Any] = {}
    space: Any = "default"
    search: Search = Search()
    cv: CrossValidation = CrossValidation()


@dataclass(frozen=True)
class Study:
    """A validated study file."""

    path: Path
    name: str
    data: Data
    preprocessing: dict[str, Any]
    model: dict[str, Any]
    space: Space
    search: Search
    cv: CrossValidation
    initial_points: list[dict[str, Any]]

    @property
    def scoring(self) -> str:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, the one that decides first."""
        given = self.cv.scoring
        if given is None:
            return (DEFAULT_SCORING[self.data.task],)
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def scheme(self) -> Scheme:
        """How rows are split into folds."""
        return _scheme(self.data, self.cv)

    def with_method(self, method: str) -> Study:
        """Return the study with another search method, under its own name."""
        if method == self.search.method:
            return self
        return replace(self, name=f"{self.name}-{method}", search=self.search.model_copy(update={"method": method}))

    def with_trials(self, n_trials: int) -> Study:
        """Return the study with another number of trials."""
        return replace(self, search=self.search.model_copy(update={"n_trials": n_trials}))


def load(path: str | Path) -> Study:
    """Read and validate a study file.

    Raises
    ------
    StudyError
        One line: file, key, value and what is allowed.
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"{path}: no such study file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: is not valid TOML: {error}") from None
    try:
        file = _File.model_validate(content)
    except ValidationError as error:
        raise StudyError(f"{path}: {masked(_first_problem(error))}") from None

    tables = _options(file.data.task)
    fixed = {
        table: {name: _check(path, table, options, name, value) for name, value in getattr(file, table).items()}
        for table, options in tables.items()
    }
    options = {
        name: option for table in tables.values() for name, option in table.items() if name not in SET_BY_THE_SEARCH
    }
    space = _space(path, file.space, fixed, options)
    first = initial_points.complete(
        space, file.search.initial_points, file.search.seed, f"{path}: [search] initial_points"
    )
    _check_scoring(path, file.cv.scoring)
    _check_positive(path, file.data)
    if file.data.thousands is not None and file.data.thousands == file.data.decimal:
        raise StudyError(
            f"{path}: [data] thousands = {file.data.thousands!r} is also decimal; allowed are two different marks"
        )
    _check_scheme(path, file)
    _check_forecast(path, file)
    return Study(path, file.name, file.data, **fixed, space=space, search=file.search, cv=file.cv, initial_points=first)


def _space(path: Path, given: Any, fixed: dict[str, dict[str, Any]], options: dict[str, Option]) -> Space:
    tables = given if isinstance(given, list) else [given]
    if given != "default" and not (tables and all(isinstance(table, dict) for table in tables)):
        raise StudyError(
            f"{path}: space = {given!r}; allowed are a table [space], several tables [[space]] and 'default'"
        )
    if given == "default":
        given = {name: d for name, d in spaces.default().items() if not any(name in table for table in fixed.values())}
        tables = [given]
    for name in dict.fromkeys(name for table in tables for name in table):
        _known(path, "space", options, name)
        for table in fixed:
            if name in fixed[table]:
                raise StudyError(f"{path}: [space] {name} is also fixed under [{table}]; keep only one of the two")
    space = spaces.build(given, f"{path}: [space]")
    space.check_values(lambda name, value: _check(path, "space", options, name, value))
    return space


def _options(task: str) -> dict[str, dict[str, Option]]:
    """Return the options that may be fixed under [model] and [preprocessing], or searched in [space]."""
    rows = {"model": OPTIONS[task], "preprocessing": PREPROCESSING if task == "regression" else COLUMNS}
    return {table: {o.name: o for o in options} for table, options in rows.items()}


def _scheme(data: Data, cv: CrossValidation) -> Scheme:
    in_order = bool(data.time or data.lags)
    kind = cv.kind or default_kind(data.task, group=bool(cv.group), split=bool(cv.split), time=in_order)
    # with the minimum gap, the last training target is lag 1 of the first validation row
    gap = data.horizon - 1 if cv.gap is None else cv.gap
    return Scheme(kind, cv.n_splits, cv.shuffle, cv.repeats, gap, cv.group or cv.split)


def _check_scoring(path: Path, given: Any) -> None:
    """Raise unless [cv] scoring is the name of a scorer, or a list of different names."""
    names = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(name, str) for name in names) or given == [] or len(set(names)) < len(names):
        raise StudyError(
            f"{path}: [cv] scoring = {given!r}; allowed are the name of a scikit-learn scorer and a list of different names"
        )
    for name in names:
        if name not in get_scorer_names():
            start = "" if isinstance(given, str) else f"{given!r}: "
            raise StudyError(f"{path}: [cv] scoring = {start}{unknown(name)}")


def _check_positive(path: Path, data: Data) -> None:
    """Raise unless [data] positive may be a class."""
    if not isinstance(data.positive, str | int | float | None):
        raise StudyError(f"{path}: [data] positive = {data.positive!r}; allowed are texts, numbers, true and false")
    if data.positive is not None and data.task != "classification":
        raise StudyError(f"{path}: [data] positive = {data.positive!r} needs task = 'classification'")


def _check_forecast(path: Path, file: _File) -> None:
    """Raise unless the forecasting keys of [data] fit each other and the kind of cross-validation."""
    data, kind = file.data, _scheme(file.data, file.cv).kind
    if data.lags is None:
        for key in sorted(data.model_fields_set & {"horizon", "exogenous"}):
            raise StudyError(f"{path}: [data] {key} = {getattr(data, key)!r} needs lags")
        return
    lags = data.lags if isinstance(data.lags, list) else [data.lags]
    if not lags or len(set(map(str, lags))) < len(lags) or not all(type(lag) is int and lag > 0 for lag in lags):
        raise StudyError(
            f"{path}: [data] lags = {data.lags!r}; allowed are a whole number from 1 and a list of different ones"
        )
    if data.task != "regression":
        raise StudyError(f"{path}: [data] lags = {data.lags!r} needs task = 'regression'")
    if data.source.startswith("sklearn:"):
        raise StudyError(
            f"{path}: [data] lags = {data.lags!r} needs a file; the data sets of scikit-learn are not series"
        )
    if not KINDS[kind].forecasts:
        allowed = ", ".join(name for name, row in KINDS.items() if row.forecasts)
        raise StudyError(
            f"{path}: [cv] kind = {kind!r} would train on the future of a forecast; allowed with lags are {allowed}"
        )
    if file.cv.gap is not None and file.cv.gap < data.horizon - 1:
        raise StudyError(
            f"{path}: [cv] gap = {file.cv.gap} would train on targets that are not known yet; a horizon of {data.horizon} "
            f"needs at least {data.horizon - 1}"
        )


def _check_scheme(path: Path, file: _File) -> None:
    """Raise unless the keys of [cv] fit the kind of cross-validation."""
    cv, name = file.cv, file.cv.kind
    if name is not None and name not in KINDS:
        raise StudyError(f"{path}: [cv] kind = {name!r}{did_you_mean(name, KINDS)}; allowed are {', '.join(KINDS)}")
    scheme = _scheme(file.data, cv)
    kind = KINDS[scheme.kind]
    allowed = (*kind.keys, "scoring")
    for key in sorted(cv.model_fields_set - {"kind", *allowed}):
        raise StudyError(
            f"{path}: [cv] {key} = {getattr(cv, key)!r} is not supported by kind = {scheme.kind!r}; "
            f"allowed are {', '.join(allowed)}"
        )
    if kind.needs is not None and getattr(cv, kind.needs) is None:
        raise StudyError(f"{path}: [cv] kind = {scheme.kind!r} needs {kind.needs}, the name of a column")
    if kind.task not in (None, file.data.task):
        raise StudyError(f"{path}: [cv] kind = {scheme.kind!r} needs [data] task = {kind.task!r}")
    if scheme.repeats > 1 and not scheme.shuffled:
        raise StudyError(
            f"{path}: [cv] repeats = {scheme.repeats} needs shuffle = true; otherwise all repeats are the same"
        )


def _known(path: Path, table: str, options: dict[str, Option], name: str) -> Option:
    if name not in options:
        what = "a preprocessing option" if table == "preprocessing" else "a hyperparameter"
        meant = did_you_mean(name, options)
        raise StudyError(f"{path}: [{table}] {name} is not {what}{meant}; allowed are {', '.join(options)}")
    return options[name]


def _check(path: Path, table: str, options: dict[str, Option], name: str, value: Any) -> Any:
    option = _known(path, table, options, name)
    elements = option.domain.elements
    given = value if elements is not None and isinstance(value, list | tuple) else ()
    if value not in option.domain or not all(element in elements for element in given):  # type: ignore[operator]
        raise StudyError(f"{path}: [{table}] {name} = {value!r}; allowed: {option.allowed}")
    return value


def _first_problem(error: ValidationError) -> str:
    unknown = (each for each in error.errors() if each["type"] == "extra_forbidden")
    problem = next(unknown, error.errors()[0])  # a key that is missing may be misspelt
    *tables, key = (str(part) for part in problem["loc"])
    place = f"[{'.'.join(tables)}] {key}" if tables else key
    if problem["type"] == "extra_forbidden":
        fields = _fields(tables)
        meant = did_you_mean(key, fields)
        there = "there " if tables else ""
        return f"{place} is not a key of a study file{meant}; allowed {there}are {', '.join(fields)}"
    if problem["type"] == "missing":
        return f"{place} is missing"
    if problem["type"] == "string_pattern_mismatch":
        return f"{place} = {problem['input']!r}; it must be letters, digits, '.', '_' and '-', starting with a letter or digit"
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{place} = {problem['input']!r}; {message.replace('input should be', 'it must be')}"


def _fields(tables: list[str]) -> list[str]:
    model: Any = _File
    for table in tables:
        model = model.model_fields[table].annotation
    return list(model.model_fields)


def defaults(study: Study) -> dict[str, Any]:
    """Return the default of each hyperparameter and preprocessing option."""
    return {name: option.default for table in _options(study.data.task).values() for name, option in table.items()}


def parse_values(study: Study, assignments: list[str]) -> dict[str, Any]:
    """Parse ``name=value`` texts into hyperparameters.

    Values are written as in a study file, and a bare word is a string.

    Raises
    ------
    StudyError
        If a name or value is not allowed.
    """
    options = {name: option for table in _options(study.data.task).values() for name, option in table.items()}
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise StudyError(f"--set {assignment}: write hyperparameters as name=value")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        values[name] = _check(Path("--set"), "model", options, name, value)
    return values
