"""The one table of the search's options: name, default in a study file, default in `BPSearchCV`, domain, meaning.

The table ``[search]`` of study files, the constructor of `BPSearchCV`, its checks and documentation, the plan of a search, what
MLflow is told of it and the tables in ``docs/studies.md`` are all made from these rows. A new option is a row here, and its use.
"""

from __future__ import annotations

import inspect
import operator
import textwrap
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

import numpy as np

from search.samplers.external import is_sampler
from search.samplers.methods import METHODS
from search.tracking.protocol import Tracker
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES, Penalizer

ABSENT = inspect.Parameter.empty
"""In place of a default: a study file, or `BPSearchCV`, has no such option. `BPSearchCV` has `estimator`, without a default."""


class Domain(NamedTuple):
    """The values that an option may have: a test, the same in words, and the same as a type for type checkers.

    `own` are objects of the user's, which only `BPSearchCV` can be given.
    """

    holds: Callable[[Any], bool]
    allowed: str
    annotation: str
    own: str = ""


class SearchOption(NamedTuple):
    """One option.

    Attributes
    ----------
    name : str
    study, search_cv : object
        Default in a study file and in `BPSearchCV`, or `ABSENT`. Where `search_cv` is None, None is allowed there.
    domain : Domain
    meaning : str
        A sentence or two, for both.
    see : str
        What docs/studies.md adds, with links.
    choices : dict of str to str
        What each name that may be chosen stands for.
    compared : bool
        Whether trials of a study are only comparable if they agree in it: a journal is of one value.
    covers : callable
        ``covers(before, now)`` says whether a study that was completed with one value is complete with another: for options that
        change what is delivered, but no trial.
    networks_only : str
        Why no other value than `BPSearchCV`'s default is for estimators that are not BP networks; empty for other options.
    tracked : {"always", "once", "never"}
        Whether MLflow is told: "once" is for limits, which may change when a study goes on, so that only `BPSearchCV` tells them.
    """

    name: str
    study: Any
    search_cv: Any
    domain: Domain
    meaning: str
    see: str = ""
    choices: Mapping[str, str] = {}
    compared: bool = False
    covers: Callable[[Any, Any], bool] = lambda before, now: True
    networks_only: str = ""
    tracked: str = "never"

    @property
    def allowed(self) -> str:
        """What `BPSearchCV` allows, in words."""
        further = [part for part in (self.domain.own, "None" if self.search_cv is None else "") if part]
        return ", and ".join([self.domain.allowed, *further])

    def holds(self, value: Any, default: Any) -> bool:
        """Say whether a value is allowed: None only where it is the default."""
        return default is None if value is None else self.domain.holds(value)


# ------------------------------------------------------------------------------------------------------------- domains


def whole(low: int, high: int | None = None) -> Domain:
    """Return the domain of whole numbers; true and false are none."""
    allowed = f"whole numbers from {low}" + ("" if high is None else f" to {high}")
    return Domain(
        lambda value: _is(Integral, value) and low <= value <= (value if high is None else high), allowed, "int"
    )


def named(table: Mapping[str, Any], is_own: Callable[[Any], bool], own: str, annotation: str) -> Domain:
    """Return the domain of the names in a table, and of the user's own objects."""
    return Domain(
        lambda value: value in table if isinstance(value, str) else is_own(value),
        ", ".join(table),
        f"str | {annotation}",
        own,
    )


def _is(kind: type, value: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_penalizer(value: Any) -> bool:
    return isinstance(value, Penalizer) and not isinstance(value, type)


def _is_tracker(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, Tracker) and not isinstance(value, type))


def _is_error_score(value: Any) -> bool:
    return value == "raise" if isinstance(value, str) else _is(Real, value)


def _is_space(value: Any) -> bool:
    several = isinstance(value, list | tuple) and len(value) > 0 and all(isinstance(part, Mapping) for part in value)
    return several or isinstance(value, Mapping) or (isinstance(value, str) and value == "default")


def _are_points(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(point, Mapping) for point in value)


def as_in_scikit_learn(annotation: str) -> Domain:
    """Return a domain that scikit-learn checks."""
    return Domain(lambda value: True, "as in scikit-learn", annotation)


TRUTH = Domain(lambda value: isinstance(value, bool | np.bool_), "true and false", "bool")
NUMBER = Domain(lambda value: _is(Real, value) and not np.isnan(value), "numbers", "float")
SECONDS = Domain(lambda value: _is(Real, value) and value > 0, "numbers of seconds above 0", "float")
JOBS = Domain(
    lambda value: _is(Integral, value) and value != 0, "-1 (all cores) and 1 or more; -2 is all cores but one", "int"
)
TEXT = Domain(lambda value: isinstance(value, str), "texts", "str")


def _meanings(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: row.meaning for name, row in table.items()}


# ------------------------------------------------------------------------------------------------------------ the table

OPTIONS = (
    SearchOption("estimator", ABSENT, ABSENT, as_in_scikit_learn("Any"), "What is tuned."),
    SearchOption(
        "space",
        ABSENT,
        None,
        Domain(
            _is_space, "a dict, a list of dicts and 'default'", "Mapping[str, Any] | Sequence[Mapping[str, Any]] | str"
        ),
        "From parameter names (`alpha`, or `bpregressor__alpha` in a pipeline; also parameters of other steps) to "
        "lists of choices, ranges "
        '`(low, high)` and `(low, high, "log")`, Optuna distributions or frozen `scipy.stats` distributions. '
        '`{"layers": …, "width": …}` searches the number of layers and each width; a table with `when` exists only where other '
        "parameters have certain values: both as in study files. Of several dicts a configuration is of one. By default, for "
        'networks, or by the name "default": a small space of layers, activation, learning rate, alpha and batch size.',
    ),
    SearchOption(
        "method",
        "bayesian",
        "bayesian",
        named(METHODS, is_sampler, "samplers of your own or of Optuna", "Sampler | BaseSampler"),
        "How configurations are proposed.",
        see="See [methods](#methods).",
        choices=_meanings(METHODS),
        compared=True,
        tracked="always",
    ),
    SearchOption(
        "n_trials",
        50,
        50,
        whole(1),
        "Configurations to try, those of earlier runs of a study included. A grid is always searched whole.",
        tracked="once",
    ),
    SearchOption(
        "timeout",
        None,
        None,
        SECONDS,
        "Seconds after which nothing is started any more. Up to a third of them is kept for evaluating the best configurations "
        "again (`n_seeds`).",
        tracked="once",
    ),
    SearchOption(
        "target_score",
        None,
        None,
        NUMBER,
        "The search ends at a mean score that is at least this. Greater is better: -0.5 stands for a root mean "
        "squared error of 0.5.",
        tracked="once",
    ),
    SearchOption(
        "n_trials_no_change",
        None,
        None,
        whole(1),
        "The search ends after this many configurations in a row without a better score.",
        tracked="once",
    ),
    SearchOption(
        "n_seeds",
        3,
        1,
        whole(1, 8),
        "How often the winner is evaluated, each time with other starting weights and orders of rows; for "
        "networks only. With 3, the best "
        "four configurations are evaluated once more and the better two of these once again. The winner is the "
        "one with the best mean; it "
        "ranks first, even above a higher score of a single evaluation. 1 takes the best of the first scores.",
        covers=operator.ge,
        networks_only="other estimators have seeds of their own",
        tracked="always",
    ),
    SearchOption(
        "n_members",
        5,
        1,
        whole(1),
        "How many networks of the best configuration are fitted on all rows, each from starting weights of its "
        "own; for networks "
        "only. The model predicts their mean, which is nearly always better than one of them, by 1 to 5 % of the "
        "error on small data. "
        "Scores are those of one network.",
        see="[Measured here](benchmarks.md#searches-at-equal-time).",
        covers=operator.eq,
        networks_only="other estimators have seeds of their own",
        tracked="always",
    ),
    SearchOption(
        "seed",
        0,
        ABSENT,
        whole(0, 2**32 - 1),
        "Decides folds, proposals, starting weights and the order of rows.",
        compared=True,
    ),
    SearchOption(
        "n_jobs",
        -1,
        None,
        JOBS,
        "Configurations tried at the same time, in threads. Methods that do not learn (grid, random, "
        "quasi-random) give the same "
        "results for any number.",
        tracked="always",
    ),
    SearchOption(
        "prune",
        None,
        None,
        TRUTH,
        "Whether configurations that are worse than half of the others are stopped early; for networks only. By "
        "default where the "
        "method learns.",
        networks_only="nothing else is scored while it trains",
        tracked="always",
    ),
    SearchOption(
        "penalty",
        DEFAULT_PENALTY,
        DEFAULT_PENALTY,
        named(PENALTIES, _is_penalizer, "penalties of your own", "Penalizer"),
        "What the sampler is told of a configuration that diverged.",
        see="See [penalties](#penalties).",
        choices=_meanings(PENALTIES),
        compared=True,
        tracked="always",
    ),
    SearchOption(
        "portfolio",
        True,
        True,
        TRUTH,
        "Whether a search for networks by a method that learns begins, after the `initial_points`, with the "
        "points of its space that are "
        "nearest to a few configurations that did well on other data.",
        see="[How they were chosen](benchmarks.md#the-portfolio).",
        compared=True,
        tracked="always",
    ),
    SearchOption(
        "initial_points",
        (),
        None,
        Domain(
            _are_points, "lists of configurations, each a table from names to values", "Sequence[Mapping[str, Any]]"
        ),
        "Configurations to try first, such as `[{ alpha = 1.0 }]`. What a point leaves out is drawn at random.",
        compared=True,
    ),
    SearchOption(
        "cv",
        ABSENT,
        5,
        as_in_scikit_learn("Any"),
        "Number of folds, splitter or iterable of splits, as in scikit-learn; the splits are made once.",
    ),
    SearchOption(
        "scoring",
        ABSENT,
        None,
        as_in_scikit_learn("Any"),
        "Name, callable, or a list, tuple or dict of several, as in scikit-learn; by default the estimator's "
        "`score`. Of several "
        "metrics the search maximizes the one that `refit` names, otherwise the first. A callable that is not a scikit-learn "
        "scorer gets the whole estimator and raw rows.",
    ),
    SearchOption(
        "refit",
        ABSENT,
        True,
        as_in_scikit_learn("bool | str | Callable[[dict[str, Any]], int]"),
        "Whether to fit the best configuration on all rows; with several metrics the name of the one that "
        "decides, or a callable "
        "that returns the best index for given `cv_results_`.",
    ),
    SearchOption(
        "random_state",
        ABSENT,
        None,
        as_in_scikit_learn("Any"),
        "Whole number, RandomState or None. Decides the proposals, and the networks' starting weights and orders of rows.",
    ),
    SearchOption(
        "tracking",
        ABSENT,
        None,
        Domain(
            _is_tracker,
            "MLflow tracking URIs",
            "str | Tracker",
            "objects with the methods of `search.tracking.Tracker`",
        ),
        "Where the study is written to.",
    ),
    SearchOption(
        "study_name",
        ABSENT,
        None,
        TEXT,
        "Name of the MLflow experiment and of the registered model; by default that of the class.",
    ),
    SearchOption(
        "error_score",
        ABSENT,
        np.nan,
        Domain(_is_error_score, "'raise' and numbers", "float | str"),
        'Score of each fold of a configuration that diverged or could not be evaluated; with "raise" a '
        "configuration that cannot be "
        "evaluated ends the search.",
    ),
    SearchOption(
        "return_train_score",
        ABSENT,
        False,
        TRUTH,
        "Whether `cv_results_` has the scores of training rows, too.",
    ),
    SearchOption(
        "verbose",
        ABSENT,
        0,
        Domain(lambda value: isinstance(value, Integral), "whole numbers", "int"),
        "1 prints what will be done, 2 also a line for each configuration.",
    ),
)

STUDY = tuple(o for o in OPTIONS if o.study is not ABSENT)
"""The keys of the table [search] of a study file."""

SEARCH_CV = tuple(o for o in OPTIONS if o.search_cv is not ABSENT or o.study is ABSENT)
"""The parameters of `BPSearchCV`."""

PLAN = tuple(o for o in OPTIONS if o in STUDY and o in SEARCH_CV)
"""What both have, and every search needs: the fields of a `Plan`."""

COVERED = tuple(o for o in PLAN if o.covers is not SearchOption._field_defaults["covers"])
"""The options that a complete study was completed with: its journal has them."""

POSITIONAL = ("estimator", "space")


# ------------------------------------------------------------------------------------------------- what follows from it


def check(values: Mapping[str, Any]) -> None:
    """Check the parameters of a `BPSearchCV`.

    Raises
    ------
    ValueError
        With name, value and what is allowed.

    Examples
    --------
    >>> check({o.name: o.search_cv for o in SEARCH_CV} | {"n_seeds": 9})
    Traceback (most recent call last):
    ValueError: n_seeds = 9; allowed are whole numbers from 1 to 8
    """
    for o in SEARCH_CV:
        if not o.holds(values[o.name], o.search_cv):
            raise ValueError(f"{o.name} = {values[o.name]!r}; allowed are {o.allowed}")


def check_networks(values: Mapping[str, Any]) -> None:
    """Raise ValueError for what cannot be asked for an estimator that is no BP network."""
    for o in SEARCH_CV:
        if o.networks_only and values[o.name] not in (o.search_cv, False):
            raise ValueError(f"{o.name} = {values[o.name]} is for BP networks: {o.networks_only}")


def constructor() -> Callable[..., None]:
    """Return the `__init__` of `BPSearchCV`, with a signature."""
    kinds = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(o.name, kinds[o.name in POSITIONAL], default=o.search_cv) for o in SEARCH_CV]
    signature = inspect.Signature(parameters)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it becomes one
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)

    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = inspect.Signature([itself, *parameters])  # type: ignore[attr-defined]
    return __init__


Class = TypeVar("Class", bound=type)


def documented(cls: Class) -> Class:
    """Put the section ``Parameters`` into the documentation of a class, before ``Attributes``."""
    lines = ["Parameters", "----------"]
    for o in SEARCH_CV:
        default = "" if o.search_cv is ABSENT else f", default={o.search_cv!r}"
        lines += [f"{o.name} : {o.allowed}{default}", *_wrapped(o.meaning, "")]
        lines += [""] if o.choices else []
        for name, meaning in o.choices.items():
            lines += _wrapped(f"- {name!r}: {meaning}", "  ")
    text, body = "\n".join(lines), inspect.cleandoc(cls.__doc__ or "")
    cls.__doc__ = body.replace("Attributes\n", f"{text}\n\nAttributes\n", 1)
    return cls


def _wrapped(text: str, further: str) -> list[str]:
    return textwrap.wrap(text, 112, initial_indent="    ", subsequent_indent=f"    {further}")


def tracked(values: Mapping[str, Any], *, once: bool) -> dict[str, Any]:
    """Return those of a plan's values that MLflow is told: limits only of a search that runs `once` and never goes on."""
    told = ("always", "once") if once else ("always",)
    return {o.name: text(values[o.name]) for o in PLAN if o.tracked in told}


def text(value: Any) -> Any:
    """Return a value as reports and MLflow show it: an object of the user's by the name of its class.

    >>> text("bayesian"), text(5), text(Domain(bool, "", ""))
    ('bayesian', 5, 'Domain')
    """
    return value if value is None or isinstance(value, str | int | float) else type(value).__name__
