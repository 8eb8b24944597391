"""Study files: parse TOML into a validated `Study`, or report what is wrong in one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bpmodel.names import hints
from bpmodel.names.near import near
from bpmodel.names.short import named, short
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS, Option
from bpmodel.preprocessing.options import COLUMNS, PREPROCESSING
from search.cv.kinds import Scheme
from search.errors import StudyError
from search.space import initial_points, spaces
from search.space.parsing import IN_STUDY_FILES
from search.space.spaces import Space
from search.study import checks
from search.study.keys import CrossValidation, Data, File, Search, first_problem, places
from search.tables.secrets import masked
from search.toml import reading
from search.toml.reading import NotTOMLError, TOMLError
from search.trials.nesting import SET_BY_THE_SEARCH

DEFAULT_SCORING = {"regression": "neg_root_mean_squared_error", "classification": "accuracy"}
OPTIONS = {"regression": REGRESSOR_OPTIONS, "classification": CLASSIFIER_OPTIONS}


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
    example: bool = False
    """Whether rows of the data are stored with the model."""
    system_metrics: bool = False
    """Whether what the machine does is stored with the study."""

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
        return checks.scheme(self.data, self.cv)

    def with_method(self, method: str) -> Study:
        """Return the study with another search method, under its own name."""
        if method == self.search.method:
            return self
        return replace(self, name=f"{self.name}-{method}", search=self.search.model_copy(update={"method": method}))

    def with_search(self, **changes: Any) -> Study:
        """Return the study with other values of keys of ``[search]``, which are not checked."""
        return replace(self, search=self.search.model_copy(update=changes))


def source(path: Path) -> str:
    """Return the text of a study file as it is stored: without a byte order mark, and without passwords."""
    text = reading.text(path)
    try:
        address = reading.loads(text)["data"]["source"]
    except (reading.TOMLError, KeyError, TypeError):  # no study file
        address = ""
    return masked(text, address) if isinstance(address, str) else masked(text)


def load(path: str | Path) -> Study:
    """Read and validate a study file.

    Raises
    ------
    StudyError
        One line: file, key, value and what is allowed.
    """
    path = Path(path)
    try:
        text = reading.text(path)
    except FileNotFoundError:
        raise StudyError(f"{path}: no such study file{_similar(path)}") from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except TOMLError as error:
        reason = error if path.suffix == ".toml" else "it is no study file; bpsearch init makes one"
        raise StudyError(f"{path}: cannot be read: {reason}") from None
    return parse(text, path)


def parse(text: str, path: Path) -> Study:
    """Validate the text of a study file; errors are those of `load`, and name `path`."""
    try:
        content = reading.loads(text)
    except TOMLError as error:
        raise StudyError(f"{path}: is not valid TOML: {error}") from None
    try:
        file = File.model_validate(content)
    except ValidationError as error:
        raise StudyError(f"{path}: {masked(first_problem(error))}") from None

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
    checks.check(path, file)
    return Study(
        path,
        file.name,
        file.data,
        **fixed,
        space=space,
        search=file.search,
        cv=file.cv,
        initial_points=first,
        example=file.tracking.example,
        system_metrics=file.tracking.system_metrics,
    )


def _similar(path: Path) -> str:
    """Return a question for a study file beside it, if its name is similar; the name of a study may stand for its file."""
    named = [path.with_suffix(".toml"), Path("studies", f"{path.name}.toml")] if not path.suffix else []
    if found := next((each for each in named if each.is_file()), None):
        return f" (did you mean {found}?)"
    similar = near(path.stem, sorted(file.stem for file in path.parent.glob("*.toml")))
    return f" (did you mean {' or '.join(f'{stem}.toml' for stem in similar)}?)" if similar else ""


def _space(path: Path, given: Any, fixed: dict[str, dict[str, Any]], options: dict[str, Option]) -> Space:
    tables = given if isinstance(given, list) else [given]
    if given != "default" and not (tables and all(isinstance(table, dict) for table in tables)):
        raise StudyError(
            f"{path}: space = {short(given)}; allowed are a table [space], several tables [[space]] and 'default'"
        )
    if given == "default":
        given = {name: d for name, d in spaces.default().items() if not any(name in table for table in fixed.values())}
        tables = [given]
    for name in dict.fromkeys(name for table in tables for name in table):
        _known(path, "space", options, name)
        for table in fixed:
            if name in fixed[table]:
                raise StudyError(f"{path}: [space] {name} is also fixed under [{table}]; keep only one of the two")
    for number, table in enumerate(tables):
        if not table:
            place = f"[space][{number}]" if len(tables) > 1 else "[space]"
            raise StudyError(f"{path}: {place} is empty: nothing to search; name at least one hyperparameter")
    space = spaces.build(given, f"{path}: [space]", IN_STUDY_FILES)
    space.check_values(lambda name, value: _check(path, "space", options, name, value))
    checks.check_layers(path, space, fixed["model"], {name: option.default for name, option in options.items()})
    return space


def _options(task: str) -> dict[str, dict[str, Option]]:
    """Return the options that may be fixed under [model] and [preprocessing], or searched in [space]."""
    rows = {"model": OPTIONS[task], "preprocessing": PREPROCESSING if task == "regression" else COLUMNS}
    return {table: {o.name: o for o in options} for table, options in rows.items()}


def _known(path: Path, table: str, options: dict[str, Option], name: str, value: Any = None) -> Option:
    if name not in options:
        what = "a preprocessing option" if table == "preprocessing" else "a hyperparameter"
        meant = hints.of_key(name, options, places(), value)
        raise StudyError(f"{path}: [{table}] {named(name)} is not {what}{meant}; allowed are {', '.join(options)}")
    return options[name]


def _check(path: Path, table: str, options: dict[str, Option], name: str, value: Any) -> Any:
    option = _known(path, table, options, name, value)
    elements = option.domain.elements
    given = value if elements is not None and isinstance(value, list | tuple) else ()
    if value not in option.domain or not all(element in elements for element in given):  # type: ignore[operator]
        wrong = next((each for each in given if each not in elements), value)  # type: ignore[operator]
        meant = hints.of_value(name, wrong, option.domain.names)
        raise StudyError(f"{path}: [{table}] {name} = {short(value)}{meant}; allowed: {option.allowed}")
    return value


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
            raise StudyError(f"--set {named(assignment)}: write hyperparameters as name=value")
        try:
            value = reading.loads(f"value = {text}")["value"]
        except NotTOMLError:
            value = text
        except TOMLError as error:
            raise StudyError(f"--set {named(assignment)}: {error}") from None
        values[name] = _check(Path("--set"), "model", options, name, value)
    return values
