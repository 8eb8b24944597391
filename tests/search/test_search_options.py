"""One table of options: study files, `BPSearchCV`, plan, MLflow and journal follow from it."""

import dataclasses
import inspect
import math

import numpy as np
import optuna
import pytest
from mypy import api
from sklearn.linear_model import Ridge

from bpmodel import BPRegressor
from docs import stubs
from search import BPSearchCV, options
from search.loop.runner import Plan, plan
from search.loop.stopping import StopRules
from search.options import ABSENT, COVERED, OPTIONS, PLAN, SEARCH_CV, STUDY, SearchOption
from search.space import spaces
from search.study import keys
from search.tracking import Tracker
from search.trials.penalties import PENALTIES

ROWS = {o.name: o for o in OPTIONS}
DEFAULTS = {o.name: o.search_cv for o in SEARCH_CV} | {"estimator": BPRegressor()}


class Own:
    def ask(self, number): ...
    def tell(self, outcome, feedback): ...


ALLOWED = {
    "space": ["default", None, {"alpha": [1]}, [{"alpha": [1]}], ({"alpha": [1]},)],
    "method": ["bayesian", "quasi-random", Own(), optuna.samplers.RandomSampler()],
    "n_trials": [1, 10**6, np.int64(3)],
    "timeout": [None, 1e-9, 1, math.inf],
    "target_score": [None, -1e9, 0, np.float32(1)],
    "n_trials_no_change": [None, 1],
    "n_seeds": [1, 8],
    "n_members": [1, 100],
    "register": ["always", "if_better"],
    "seed": [0, 2**32 - 1],
    "n_jobs": [None, -1, 1, -2],
    "deterministic": [True, False, np.True_],
    "prune": [None, True, False, np.True_],
    "subsample": [0.1, 1, 1.0, np.float32(0.5), 1e-9],
    "penalty": ["fail", PENALTIES["fail"]],
    "portfolio": [True, False],
    "initial_points": [None, [], ({"alpha": 1},)],
    "tracking": [None, "sqlite:///x.db", type("T", (Tracker,), {})()],
    "study_name": [None, "x"],
    "refit": [True, False, np.False_, "r2", len],
    "error_score": ["raise", math.nan, -1, np.float64(0)],
    "return_train_score": [True, False],
    "verbose": [0, 3, True],
}
REFUSED = {
    "space": ["small", 3, [], [{"alpha": [1]}, 3]],
    "method": ["banana", None, Own, optuna.samplers.RandomSampler, ["grid"]],
    "n_trials": [0, 1.0, True, None, "9"],
    "timeout": [0, -1, math.nan, "1h", True],
    "target_score": [math.nan, "best", True],
    "n_trials_no_change": [0, 0.5, True],
    "n_seeds": [0, 9, 1.5, None],
    "n_members": [0, 1.5, None],
    "register": ["never", True, None],
    "seed": [-1, 2**32, None],
    "n_jobs": [0, 1.5, True],
    "deterministic": [None, 0, 1, "yes"],
    "prune": [0, 1, "yes"],
    "subsample": [0, -0.1, 1.1, math.nan, True, None, "auto"],
    "penalty": ["nan", None, object(), type(PENALTIES["fail"])],
    "portfolio": [None, 1],
    "initial_points": [{"alpha": 1}, "x", [1]],
    "tracking": [object(), 3, type("T", (Tracker,), {})],
    "study_name": [3],
    "refit": [None, [], 3, b"r2"],
    "error_score": ["no", None, True],
    "return_train_score": [None, 1],
    "verbose": [None, "x"],
}


def default_of(option: SearchOption):
    return option.study if option.search_cv is ABSENT else option.search_cv


@pytest.mark.parametrize("name", ALLOWED)
def test_domain(name):
    option = ROWS[name]
    assert [value for value in ALLOWED[name] if not option.holds(value, default_of(option))] == []
    assert [value for value in REFUSED[name] if option.holds(value, default_of(option))] == []
    assert option.holds(default_of(option), default_of(option))


def test_every_option_but_scikit_learns_own_has_a_domain():
    assert ROWS.keys() - ALLOWED.keys() == {"estimator", "cv", "scoring", "random_state"}
    assert ALLOWED.keys() == REFUSED.keys()


@pytest.mark.parametrize("name", [o.name for o in SEARCH_CV if o.name in REFUSED])
def test_bpsearchcv_names_parameter_value_and_what_is_allowed(rows, name):
    value = REFUSED[name][0]
    search = BPSearchCV(BPRegressor(), {"alpha": [1.0]}).set_params(**{name: value})
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        search.fit(*rows())
    assert str(error.value) == f"{name} = {value!r}; allowed are {ROWS[name].allowed}"


def test_signature_of_bpsearchcv_is_the_table():
    parameters = inspect.signature(BPSearchCV).parameters
    assert list(parameters) == [o.name for o in SEARCH_CV]
    assert [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD] == ["estimator", "space"]
    search = BPSearchCV(None)
    for option in SEARCH_CV[1:]:
        assert parameters[option.name].default is option.search_cv
        assert getattr(search, option.name) is option.search_cv
    with pytest.raises(TypeError, match="n_trails"):
        BPSearchCV(None, n_trails=3)
    with pytest.raises(TypeError, match="estimator"):
        BPSearchCV()
    with pytest.raises(TypeError, match="positional"):
        BPSearchCV(None, None, "grid")


def test_documentation_of_bpsearchcv_has_every_parameter_once():
    text = BPSearchCV.__doc__
    before, _, rest = text.partition("\nParameters\n----------\n")
    parameters, _, _ = rest.partition("\n\nAttributes\n----------\n")
    assert before.startswith("Search hyperparameters")
    heads = [line.partition(" : ")[0] for line in parameters.splitlines() if line[:1].strip()]
    assert heads == [o.name for o in SEARCH_CV]
    assert "n_seeds : whole numbers from 1 to 8, default=1\n" in parameters
    assert "    - 'fail': only that the trial failed" in parameters
    assert "timeout : numbers above 0, in seconds, and None, default=None\n" in parameters
    assert "estimator : as in scikit-learn\n" in parameters
    assert "`n_weights`" in text.replace("``", "`")


def test_keys_and_defaults_of_a_study_are_the_tables():
    fields = keys.Search.model_fields
    assert list(fields) == [o.name for o in STUDY]
    assert {name: field.default for name, field in fields.items()} == {o.name: o.study for o in STUDY}


def test_defaults_that_differ():
    """A study delivers more than an estimator, of which one expects what was given."""
    assert {o.name: (o.study, o.search_cv) for o in PLAN if o.study != o.search_cv} == {
        "n_seeds": (3, 1),
        "n_members": (5, 1),
        "n_jobs": (-1, None),
        "initial_points": ((), None),
    }


def test_a_plan_has_every_option(make_problem):
    space = spaces.build({"alpha": [0.1, 1.0]})
    assert all(hasattr(Plan(), o.name) for o in PLAN)
    assert set(vars(StopRules())) <= {o.name for o in PLAN}
    stopped = Plan(timeout=1.5, target_score=-1.0, n_trials_no_change=7).stop
    assert stopped == StopRules(1.5, -1.0, 7)
    with pytest.raises(TypeError, match="n_trails"):
        plan(make_problem(), space, n_trails=3)


@pytest.mark.parametrize(
    ("method", "given", "prune"), [("bayesian", None, True), ("random", None, False), ("random", True, True)]
)
def test_what_a_plan_leaves_open_is_decided(make_problem, method, given, prune):
    space = spaces.build({"alpha": [0.1, 1.0]})
    made = plan(make_problem(), space, method=method, prune=given, initial_points=[{"alpha": 1.0}], portfolio=False)
    assert (made.prune, made.n_trials, made.initial_points) == (prune, 50, [{"alpha": 1.0}])
    grid = plan(make_problem(), space, method="grid", n_trials=7, initial_points=[{"alpha": 1.0}])
    assert (grid.prune, grid.n_trials) == (False, 3)


def test_only_networks_are_stopped_early_by_default(make_problem):
    problem = dataclasses.replace(make_problem(), estimator=Ridge())
    assert plan(problem, spaces.build({"alpha": [0.1, 1.0]}), method="bayesian").prune is False


@pytest.mark.parametrize(("method", "portfolio", "more"), [("bayesian", True, True), ("random", True, False)])
def test_a_plan_has_the_portfolio_behind_the_users_points(make_problem, method, portfolio, more):
    space = spaces.build({"alpha": (0.01, 1.0, "log")})
    made = plan(make_problem(), space, method=method, portfolio=portfolio, initial_points=[{"alpha": 1.0}])
    assert made.initial_points[0] == {"alpha": 1.0}
    assert (len(made.initial_points) > 1) is more


@pytest.mark.parametrize(("name", "value"), [("prune", True), ("n_seeds", 2), ("n_members", 2)])
def test_what_is_for_networks_only(rows, name, value):
    search = BPSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, method="grid", cv=2)
    with pytest.raises(ValueError, match=rf"^{name} = {value} is only for BP networks: {ROWS[name].networks_only}$"):
        search.set_params(**{name: value}).fit(*rows())
    for allowed in (ROWS[name].search_cv, *([False] if name == "prune" else [])):
        search.set_params(**{name: allowed}).fit(*rows())


def test_what_mlflow_is_told():
    values = {o.name: o.search_cv for o in PLAN} | {"method": Own(), "n_trials": 7}
    always = {"method": "Own", "n_seeds": 1, "n_members": 1, "n_jobs": None, "deterministic": False, "prune": None}
    always |= {"penalty": "graded_constraint", "portfolio": True, "subsample": 1}
    limits = {"n_trials": 7, "timeout": None, "target_score": None, "n_trials_no_change": None}
    assert options.tracked(values, once=False) == always
    assert options.tracked(values, once=True) == always | limits


def test_what_makes_trials_comparable():
    assert [o.name for o in STUDY if o.compared] == ["method", "seed", "penalty", "portfolio", "initial_points"]


@pytest.mark.parametrize(
    ("name", "before", "now", "covered"),
    [
        ("n_seeds", 2, 1, True),
        ("n_seeds", 2, 2, True),
        ("n_seeds", 2, 3, False),
        ("n_members", 2, 1, False),
        ("n_members", 2, 2, True),
        ("n_members", 2, 3, False),
        ("register", "always", "always", True),
        ("register", "always", "if_better", False),
        ("register", "if_better", "always", False),
    ],
)
def test_a_complete_study_covers(name, before, now, covered):
    assert [o.name for o in COVERED] == ["n_seeds", "n_members", "register"]
    assert ROWS[name].covers(before, now) is covered


SCRIPT = """
from search import BPSearchCV
from bpmodel import BPRegressor

search = BPSearchCV(BPRegressor(), {"alpha": [1.0]}, n_trials=3, timeout=None)
reveal_type(search.n_trials)
BPSearchCV(BPRegressor(), n_trails=3)  # wrong: no such parameter
BPSearchCV(BPRegressor(), n_trials="3")  # wrong: no number
BPSearchCV(BPRegressor(), None, "grid")  # wrong: only by name
BPSearchCV()  # wrong: no estimator
BPSearchCV(BPRegressor(), tracking=object())  # wrong: no tracker
"""


def test_a_users_type_checker_knows_the_parameters(tmp_path, monkeypatch):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT)
    monkeypatch.setenv("MYPYPATH", str(stubs.ROOT))
    flags = ["--ignore-missing-imports", "--follow-imports=silent", "--config-file=", f"--cache-dir={tmp_path}"]
    own_alone = "--no-site-packages"  # all libraries take five times as long
    output, problems, _ = api.run([*flags, own_alone, str(file)])
    assert problems == ""
    wrong = {number for number, line in enumerate(SCRIPT.splitlines(), 1) if "# wrong" in line}
    assert {int(line.split(":")[1]) for line in output.splitlines() if ": error:" in line} == wrong, output
    assert 'Revealed type is "int"' in output.replace("builtins.", "")
