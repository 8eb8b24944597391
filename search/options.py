"""The table of all search options: name, default in a study file, default in `BPSearchCV`, domain, meaning.

These rows define the table ``[search]`` of study files, the constructor of `BPSearchCV`, its checks and documentation,
the plan of a search, the parameters logged in MLflow, and the tables in ``docs/studies.md``. A new option needs a row
here, and its use.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bpmodel.domains import MANY
from bpmodel.ensembles import MOST_MEMBERS
from bpmodel.names import hints
from bpmodel.names.short import short
from search import domains
from search.domains import Domain
from search.samplers.external import is_sampler
from search.samplers.methods import METHODS, MOST_TRIALS
from search.tracking.protocol import Tracker
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES, PenaltyPolicy

ABSENT = inspect.Parameter.empty
"""Instead of a default: a study file, or `BPSearchCV`, lacks this option. `BPSearchCV` has `estimator`, without a
default."""


class SearchOption(NamedTuple):
    """One option.

    Attributes
    ----------
    name : str
    study, search_cv : object
        Default in a study file and in `BPSearchCV`, or `ABSENT`. If `search_cv` is None, `BPSearchCV` accepts None.
    domain : Domain
    meaning : str
        A sentence or two, for both.
    see : str
        Text that docs/studies.md adds, with links.
    choices : dict of str to str
        Meaning of each name that may be chosen.
    compared : bool
        Whether trials are comparable only if they agree in this option: all trials of a journal have one value.
    covers : callable
        ``covers(before, now)`` returns whether a study completed with one value counts as complete with another; for
        options that change what is delivered, but no trial.
    networks_only : str
        Why estimators other than BP networks must use `BPSearchCV`'s default; empty for other options.
    tracked : {"always", "once", "never"}
        Whether MLflow logs it. "once" is for limits, which may change when a study resumes, so only `BPSearchCV` logs
        them.
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
        """The values that `BPSearchCV` allows, in words."""
        further = [part for part in (self.domain.own, "None" if self.search_cv is None else "") if part]
        return ", and ".join([str(self.domain), *further])

    def holds(self, value: Any, default: Any) -> bool:
        """Return whether a value is allowed: None if it is the default, or if the domain has it."""
        return default is None or self.domain.none if value is None else value in self.domain


def _meanings(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: row.meaning for name, row in table.items()}


REGISTER = {
    "always": "whenever a configuration finished healthy",
    "if_better": "if the best configuration is distinguishably better than the dummy predictor on the same folds, and no "
    "baseline has a better mean; otherwise the report says why not",
}
"""When the model is registered, by name; `search.results.judgment.HINDRANCES` decides."""

# ------------------------------------------------------------------------------------------------------------ the table

OPTIONS = (
    SearchOption("estimator", ABSENT, ABSENT, domains.as_in_scikit_learn("Any"), "The estimator to tune."),
    SearchOption(
        "space",
        ABSENT,
        None,
        domains.SPACE,
        "Maps parameter names (`alpha`, or `bpregressor__alpha` in a pipeline; also parameters of other steps) to lists of "
        'choices, ranges `(low, high)` or `(low, high, "log")`, Optuna distributions or frozen `scipy.stats` distributions. '
        'As in study files, `{"layers": …, "width": …}` searches the number of layers and the width of each layer, and a dict '
        "with `when` is a parameter that exists only if other parameters have certain values. With several dicts, each "
        'configuration belongs to one of them. For networks, the default, which is also named "default", is a small space of '
        "layers, activation, learning rate, alpha and batch size.",
    ),
    SearchOption(
        "method",
        "bayesian",
        "bayesian",
        domains.named(METHODS, is_sampler, "samplers of your own or of Optuna", "Sampler | BaseSampler"),
        "How to propose configurations.",
        see="See [methods](#methods).",
        choices=_meanings(METHODS),
        compared=True,
        tracked="always",
    ),
    SearchOption(
        "n_trials",
        50,
        50,
        domains.whole(1, MOST_TRIALS),
        "Number of configurations to try, including those of earlier runs of a study. A grid is always searched completely.",
        tracked="once",
    ),
    SearchOption(
        "timeout",
        None,
        None,
        domains.SECONDS,
        "Seconds after which no new work is started. Up to a third of this time is reserved for evaluating the best "
        "configurations again (`n_seeds`).",
        tracked="once",
    ),
    SearchOption(
        "target_score",
        None,
        None,
        domains.NUMBER,
        "The search ends when a mean score reaches this value. Greater is better: -0.5 stands for a root mean squared error of "
        "0.5.",
        tracked="once",
    ),
    SearchOption(
        "n_trials_no_change",
        None,
        None,
        domains.whole(1, MANY),
        "The search ends after this many consecutive configurations without a better score.",
        tracked="once",
    ),
    SearchOption(
        "n_seeds",
        3,
        1,
        domains.whole(1, 8),
        "Number of evaluations of the winner, each with different initial weights and orders of rows; for networks only. With "
        "3, the best four configurations are evaluated a second time, and the better two of these a third time. The winner is "
        "the one with the best mean; it ranks first, even above a higher score from a single evaluation. With 1, the winner is "
        "the configuration with the best first score.",
        covers=operator.ge,
        networks_only="other estimators have seeds of their own",
        tracked="always",
    ),
    SearchOption(
        "n_members",
        5,
        1,
        domains.whole(1, MOST_MEMBERS),
        "Number of networks of the best configuration to fit on all rows, each from its own initial weights; for networks "
        "only. The model predicts their mean, which is nearly always better than a single network, by 1 to 5 % of the error on "
        "small data. Scores are those of a single network.",
        see="[Measurements](benchmarks.md#searches-at-equal-time).",
        covers=operator.eq,
        networks_only="other estimators have seeds of their own",
        tracked="always",
    ),
    SearchOption(
        "register",
        "always",
        "always",
        domains.one_of(REGISTER),
        "When to register the model of the best configuration in MLflow; in `BPSearchCV` only with `tracking`.",
        choices=REGISTER,
        covers=operator.eq,
    ),
    SearchOption(
        "seed",
        0,
        ABSENT,
        domains.whole(0, 2**32 - 1),
        "Determines the folds, the proposals, the initial weights and the order of rows.",
        compared=True,
    ),
    SearchOption(
        "n_jobs",
        -1,
        None,
        domains.JOBS,
        "Number of configurations to try at the same time, in threads. Methods that do not learn (grid, random, quasi-random) "
        "give the same results for any number; with `deterministic`, the others do, too.",
        tracked="always",
    ),
    SearchOption(
        "deterministic",
        False,
        False,
        domains.TRUTH,
        "Whether methods that learn give the same trials for any `n_jobs`, too: they learn from trials in the order of their "
        "numbers, and trial n is proposed from the first n - 7. So no more than 8 trials run at the same time, 7 trials follow "
        "the one that meets `target_score` or `n_trials_no_change`, and only a `timeout` still depends on the machine.",
        see="[What it costs](benchmarks.md#deterministic-searches).",
        tracked="always",
    ),
    SearchOption(
        "prune",
        None,
        None,
        domains.TRUTH,
        "Whether to stop configurations early that are worse than half of the others; for networks only. By default, yes if "
        "the method learns.",
        networks_only="other estimators are not scored during training",
        tracked="always",
    ),
    SearchOption(
        "subsample",
        1,
        1,
        domains.SHARE,
        "Part of the training rows of each fold, such as 0.1, on which a configuration is trained first. Only the better ones, a "
        "half to a quarter, are trained on all rows, as long as both rank alike, which the search measures; 1 switches it off.",
        see="See [a sample of the rows first](#a-sample-of-the-rows-first).",
        tracked="always",
    ),
    SearchOption(
        "penalty",
        DEFAULT_PENALTY,
        DEFAULT_PENALTY,
        domains.named(PENALTIES, domains.instance_of(PenaltyPolicy), "penalties of your own", "PenaltyPolicy"),
        "What the sampler receives for a configuration that diverged.",
        see="See [penalties](#penalties).",
        choices=_meanings(PENALTIES),
        compared=True,
        tracked="always",
    ),
    SearchOption(
        "portfolio",
        True,
        True,
        domains.TRUTH,
        "Whether a search for networks starts with a portfolio, if the method learns: after the `initial_points`, it tries the "
        "points of its space that are nearest to a few configurations that did well on other data.",
        see="[How they were chosen](benchmarks.md#the-portfolio).",
        compared=True,
        tracked="always",
    ),
    SearchOption(
        "initial_points",
        (),
        None,
        domains.POINTS,
        "Configurations to try first, such as `[{ alpha = 1.0 }]`. Parameters missing from a point are drawn at random.",
        compared=True,
    ),
    SearchOption(
        "cv",
        ABSENT,
        5,
        domains.as_in_scikit_learn("Any", none=True),
        "Number of folds, splitter or iterable of splits, as in scikit-learn; None means 5 folds. The splits are created once.",
    ),
    SearchOption(
        "scoring",
        ABSENT,
        None,
        domains.as_in_scikit_learn("Any"),
        "Name, callable, or a list, tuple or dict of several, as in scikit-learn; by default the estimator's `score`. With "
        "several metrics, the search maximizes the one that `refit` names, or else the first. A callable that is not a "
        "scikit-learn scorer receives the whole estimator and the raw rows.",
    ),
    SearchOption(
        "refit",
        ABSENT,
        True,
        domains.REFIT,
        "Whether to fit the best configuration on all rows. With several metrics, the name of the metric that decides; or a "
        "callable that takes `cv_results_` and returns the best index.",
    ),
    SearchOption(
        "random_state",
        ABSENT,
        None,
        domains.RANDOM_STATE,
        "Integer, RandomState or None. Determines the proposals, and the initial weights and orders of rows of the networks.",
    ),
    SearchOption(
        "tracking",
        ABSENT,
        None,
        domains.Domain(
            "MLflow tracking URIs",
            "str | Tracker",
            domains.instance_of(str, Tracker),
            "objects with the methods of `search.tracking.Tracker`",
        ),
        "Where to write the study.",
    ),
    SearchOption(
        "study_name",
        ABSENT,
        None,
        domains.TEXT,
        "Name of the MLflow experiment and of the registered model, formed as the `name` of a study file; by default the class "
        "name.",
    ),
    SearchOption(
        "error_score",
        ABSENT,
        np.nan,
        domains.Domain("'raise' and numbers", "float | str", domains.is_error_score),
        'Score of each fold of a configuration that diverged or could not be evaluated. With "raise", a configuration that '
        "cannot be evaluated ends the search.",
    ),
    SearchOption(
        "return_train_score",
        ABSENT,
        False,
        domains.TRUTH,
        "Whether `cv_results_` includes scores on the training rows.",
    ),
    SearchOption(
        "verbose",
        ABSENT,
        0,
        domains.VERBOSITY,
        "1 prints what will be done; 2 also prints a line for each configuration.",
    ),
)

STUDY = tuple(o for o in OPTIONS if o.study is not ABSENT)
"""The keys of the table [search] of a study file."""

SEARCH_CV = tuple(o for o in OPTIONS if o.search_cv is not ABSENT or o.study is ABSENT)
"""The parameters of `BPSearchCV`."""

PLAN = tuple(o for o in OPTIONS if o in STUDY and o in SEARCH_CV)
"""Options of both, which every search needs: the fields of a `Plan`."""

COVERED = tuple(o for o in PLAN if o.covers is not SearchOption._field_defaults["covers"])
"""The options whose values a journal stores when its study is complete."""

POSITIONAL = ("estimator", "space")


# ------------------------------------------------------------------------------------------------- what follows from it


def check(values: Mapping[str, Any]) -> None:
    """Validate the parameters of a `BPSearchCV`.

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
            meant = hints.of_value(o.name, values[o.name], o.domain.names)
            raise ValueError(f"{o.name} = {short(values[o.name])}{meant}; allowed are {o.allowed}")


def check_networks(values: Mapping[str, Any]) -> None:
    """Raise ValueError for option values that require a BP network."""
    for o in SEARCH_CV:
        if o.networks_only and values[o.name] not in (o.search_cv, False):
            raise ValueError(f"{o.name} = {values[o.name]} is only for BP networks: {o.networks_only}")


def tracked(values: Mapping[str, Any], *, once: bool) -> dict[str, Any]:
    """Return the values of a plan that MLflow logs; limits only for a search that runs `once` and is never resumed."""
    told = ("always", "once") if once else ("always",)
    return {o.name: text(values[o.name]) for o in PLAN if o.tracked in told}


def text(value: Any) -> Any:
    """Return a value as reports and MLflow show it; an object of the user's is shown by its class name.

    >>> text("bayesian"), text(5), text(STUDY[0].domain)
    ('bayesian', 5, 'Domain')
    """
    return value if value is None or isinstance(value, str | int | float) else type(value).__name__
