"""The corpus keeps its contracts. Labels and the rules of other systems are checked on runs made by hand."""

import doctest
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from benchmarks.stability import (
    __main__,
    baselines,
    draws,
    measure,
    overhead,
    peer,
    remedies,
    report,
    runs,
    sets,
    waste,
    wild,
)
from benchmarks.stability.corpus import CORPUS, Cell, adam, sgd
from benchmarks.stability.faults import rare_classes, sorted_rows
from benchmarks.stability.labels import exploded, label
from benchmarks.steps import Shape
from bpmodel.diagnosis.diagnose import RULES

CODES = {rule.code for rule in RULES} | {"loss_spike", "symmetric_init"}
FOLDER = Path(__main__.__file__).parent
CELLS = {cell.id: cell for cell in CORPUS}
pytestmark = pytest.mark.filterwarnings(
    "ignore::bpmodel.network.verdicts.DivergenceWarning", "ignore::sklearn.exceptions.ConvergenceWarning"
)


def run(loss, *, score=None, first=1.0, dead=(0.0, 0.0), finite=True, **probes):
    """A run of 2 hidden relu layers with one probe, whose dummy predictor's loss is 1."""
    loss = np.asarray(loss, dtype=float)
    ones = np.ones((1, 3))
    values = {
        "epoch": np.array([len(loss)]),
        "gradient_norm": ones,
        "weight_norm": ones,
        "step_ratio": 1e-3 * ones,
        "dead": np.array([[*dead, np.nan]]),
        "saturated": np.array([[0.0, 0.0, np.nan]]),
        **probes,
    }
    score = 1 - loss if score is None else np.asarray(score, dtype=float)
    return runs.Run(loss, score, 1.0, first, finite, values, ("relu", "relu"), (4, 8, 8, 1), "ok", None, (), 0.0, 1.0)


FALLING = np.geomspace(1.0, 0.01, 40)


# ------------------------------------------------------------------------------------------------ the corpus


def test_the_corpus_is_as_large_as_it_says():
    assert len(CELLS) == len(CORPUS)
    assert len(CORPUS) >= 70
    assert sum(cell.healthy for cell in CORPUS) >= 12


@pytest.mark.parametrize("cell", CORPUS, ids=lambda cell: cell.id)
def test_a_cell_keeps_its_contract(cell):
    assert set(cell.accept) <= CODES
    rows = runs.data(cell, 0)
    assert not (rows.training & rows.validation).any()
    assert np.isfinite(rows.X).all()
    for each in (cell, cell.control):
        runs.estimator(each, rows, 0)._check_options()
    if cell.healthy:
        assert not cell.change
    else:
        assert measure.key(cell) != measure.key(cell.control)
        assert measure.key(cell.control.control) == measure.key(cell.control)


@pytest.mark.parametrize("name", sets.SETS)
def test_the_same_seed_loads_the_same_rows(name):
    first, again, other = (sets.load.__wrapped__(name, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.X, again.X)
    assert (first.training != other.training).any()
    np.testing.assert_allclose(first.X.mean(axis=0), 0, atol=1e-9)


def test_faults_draw_the_same_for_the_same_seed():
    cell = CELLS["G3"]
    np.testing.assert_array_equal(runs.data(cell, 1).y, runs.data(cell, 1).y)
    assert (runs.data(cell, 1).y != runs.data(cell.control, 1).y).any()


def test_rows_change_as_faults_say():
    rows = sets.load("two_classes", 0)
    rare = rare_classes(0.03)(rows)
    for side in (rare.training, rare.validation):
        assert 0.02 < np.mean(rows.y[side] == 1) < 0.05
    assert (np.diff(sorted_rows(rows).y) >= 0).all()


def test_weights_are_prepared_before_the_first_step():
    constant = runs.fit(CELLS["C5"]._replace(change={"max_iter": 1}), 0)
    healthy = runs.fit(CELLS["C5"].control._replace(change={"max_iter": 1}), 0)
    # 10 x 32 weights of 0.1
    assert constant.probes["weight_norm"][0, 0] == pytest.approx(0.1 * np.sqrt(320), rel=1e-4)
    assert constant.probes["step"][0] == 0
    assert healthy.probes["weight_norm"][0, 0] != pytest.approx(0.1 * np.sqrt(320), rel=1e-4)


# ------------------------------------------------------------------------------------------------ labels

EXPLOSIONS = {
    "healthy": (run(FALLING), False),
    "over ten times the dummy predictor's": (run([0.5, 11.0, 0.5]), True),
    "up, but not so far": (run([0.5, 9.0, 0.5]), False),
    "loss not finite": (run([0.5, np.nan]), True),
    "weights not finite": (run([0.5, 0.4], finite=False), True),
    "a far start that comes down": (run([900.0, 300.0, 0.5], first=1000.0), False),
    "a far start that stays": (run([990.0, 980.0, 970.0], first=1000.0), False),
    "a far start that rises": (run([900.0, 3000.0, 0.5], first=1000.0), True),
    "exploded and died": (run([0.9, 3.0, 1.0], dead=(1.0, 0.0)), True),
    "rose and came back": (run([0.9, 3.0, 1.0]), False),
    "died without a rise": (run([1.1, 1.0, 1.0], dead=(1.0, 0.0)), False),
}


@pytest.mark.parametrize("case", EXPLOSIONS)
def test_what_counts_as_an_explosion(case):
    example, expected = EXPLOSIONS[case]
    assert exploded(example) is expected


def test_a_cell_is_labeled_by_its_effect():
    controls = [run(FALLING, score=[0.0, s]) for s in (0.90, 0.91, 0.92)]

    def labeled(*scores):
        return label([run(FALLING, score=[0.0, s]) for s in scores], controls)

    assert not labeled(0.89, 0.90, 0.88).positive
    assert labeled(0.80, 0.81, 0.79).positive
    assert labeled(0.80, 0.81, 0.92).harmed == (True, True, False)
    # lower in the median, but with so wide a spread that this says nothing
    assert not labeled(0.95, 0.84, 0.3).positive
    assert label([run([1.0, 99.0]), run([1.0, 99.0]), run(FALLING)], controls).exploded == (True, True, False)


def test_scores_count_from_the_dummy_predictors():
    example = run([1.0, 1.0], score=[0.7, 0.8])._replace(dummy_score=0.6)
    assert example.best == pytest.approx(0.5)
    assert run([np.nan], score=[-1e9]).best == 0


# ------------------------------------------------------------------------------------------------ rules of others

FLAT_SCORE = np.full(40, 0.5)
SAID = {
    "a healthy run": (run(FALLING), (), (), ()),
    "a loss that is not finite": (
        run([1.0, np.nan], score=[0.0, np.nan]),
        baselines.EXPLODING,
        baselines.EXPLODING,
        baselines.EXPLODING,
    ),
    "a first layer's gradient that dwarfs the last one's": (
        run(FALLING, score=FLAT_SCORE, gradient_norm=np.array([[71.0, 1.0, 1.0]])),
        (),
        baselines.EXPLODING,
        (),
    ),
    "a gradient that vanishes": (
        run(FALLING, score=FLAT_SCORE, gradient_norm=np.array([[9e-8, 1.0, 1.0]])),
        (),
        ("vanishing_gradient",),
        ("exploding_depth", "vanishing_gradient", "symmetric_init"),
    ),
    "dead units": (
        run(FALLING, score=FLAT_SCORE, dead=(0.9, 0.9)),
        (),
        ("dead_units",),
        ("dead_units",),
    ),
    "an accuracy that swings": (run(FALLING, score=[0.6, 0.9] * 20), (), ("oscillating",), ()),
    "updates longer than the weights": (
        run(FALLING, step_ratio=np.array([[11.0, 0.1, 0.1]])),
        (),
        (),
        ("exploding_step",),
    ),
    "a loss that rises": (
        run([*FALLING[:20], *np.linspace(0.1, 0.9, 20)], score=np.linspace(0.0, 0.9, 40)),
        (),
        (),
        ("exploding_step", "oscillating"),
    ),
    "a loss that stays": (
        run([*FALLING[:20], *np.full(20, 0.1)], score=FLAT_SCORE),
        (),
        ("slow_convergence",),
        ("slow_convergence", "underfitting"),
    ),
}


@pytest.mark.parametrize("case", SAID)
def test_what_others_say(case):
    example, nan_only, autotrainer, sagemaker = SAID[case]
    assert baselines.nan_only(example).codes == nan_only
    assert baselines.autotrainer(example).codes == autotrainer
    assert baselines.sagemaker(example).codes == sagemaker


def test_autotrainer_lets_accurate_runs_be():
    steep = {"gradient_norm": np.array([[71.0, 1.0, 1.0]])}
    assert not baselines.autotrainer(run(FALLING, score=np.linspace(0.1, 0.9, 40), **steep)).alarm


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (Cell("x", "wine", sgd(max_iter=2)), ("slow_convergence", "underfitting")),
        (Cell("x", "friedman1", sgd(learning_rate_init=1e3)), baselines.EXPLODING),
        (Cell("x", "wine", sgd(init_gain=2.0)), None),
        (Cell("x", "wine", adam(solver="rmsprop")), None),
        (Cell("x", "wine", adam(activation="gelu")), None),
    ],
)
def test_scikit_learn_is_asked_what_it_can_be(cell, expected):
    said = peer.judge(cell, 0)
    assert (said and said.codes) == expected


# ------------------------------------------------------------------------------------------------ repair


@pytest.mark.parametrize("remedy", remedies.REMEDIES, ids=lambda remedy: remedy.name)
@pytest.mark.parametrize("id", ["B1", "B4"])
def test_remedies_are_options_that_exist(remedy, id):
    cell = remedies.treated(CELLS[id], remedy)
    rows = runs.data(cell, 0)
    if not (rows.classes and remedy.regression_only):
        runs.estimator(cell, rows, 0)._check_options()
        assert measure.key(cell) != measure.key(CELLS[id]) or remedy.name in ("initial weights", "relu")


def test_repaired_is_who_scores_as_well_as_the_control():
    control = run(FALLING, score=[0.0, 0.9])
    assert remedies.is_repaired(run(FALLING, score=[0.0, 0.82]), control)
    assert not remedies.is_repaired(run(FALLING, score=[0.0, 0.80]), control)
    assert not remedies.is_repaired(run(FALLING, score=[0.0, 0.9])._replace(status="diverged"), control)


def test_exploded_runs_alone_are_repaired_and_timed(monkeypatch):
    def fit(cell, seed, **options):
        if options == {"on_divergence": "repair"}:
            return run(FALLING, score=[0.0, 0.85])._replace(seconds=3.0, repairs=2)
        assert measure.key(cell) == measure.key(CELLS["B3"].control)
        return run(FALLING, score=[0.0, 0.9])._replace(seconds=2.0)

    monkeypatch.setattr(remedies, "fit", fit)
    pair = measure.Pair(run([99.0]), run([99.0]))
    boom = measure.Judged(CELLS["B3"], 0, pair, run(FALLING), True, True, True, {})
    (attempt,) = remedies.repair([boom, boom._replace(exploded=False)])
    assert (attempt.repaired, attempt.tries, attempt.time_ratio) == (True, 2, 1.5)
    assert remedies.times([attempt]) == (1.5, 1.5)
    assert all(np.isnan(remedies.times([attempt._replace(repaired=False)])))


def test_latency_counts_epochs():
    stopped = run([1.0, 11.0])._replace(epoch=3)
    assert measure.latency(measure.Pair(run([1.0, 11.0, 1.0]), stopped)) == 1
    assert measure.latency(measure.Pair(run([1.0, 9.0]), stopped)) is None


# ------------------------------------------------------------------------------------------------ the wild set


def test_draws_are_the_same_again_and_differ():
    assert draws.draw(7) == draws.draw(7)
    many = [draws.draw(number) for number in range(200)]
    assert {len(drawn.wild) for drawn in many} == {0, 1, 2, 3}
    assert {name for drawn in many for name in drawn.wild} == set(draws.FACTORS)


@pytest.mark.parametrize("number", range(30))
def test_a_draw_with_everything_put_back_is_its_control(number):
    drawn = draws.draw(number)
    healthy = draws.faulty(drawn, tuple(drawn.wild))
    control = draws.control(drawn)
    assert {**healthy.base, **healthy.change} == control.base
    np.testing.assert_array_equal(runs.data(healthy, drawn.seed).X, runs.data(control, drawn.seed).X)
    assert set(draws.faulty(drawn).accept) <= CODES
    runs.estimator(draws.faulty(drawn), runs.data(control, 0), 0)._check_options()


def test_a_draw_whose_control_did_not_learn_is_left_out():
    of_set = [draws.Draw("W", 0, "wine", {}, {}, {})] * 4
    controls = [run(FALLING, score=[0.0, s]) for s in (0.9, 0.8, 0.5)]
    assert wild.well(of_set, [*controls, run([0.5, 99.0], score=[0.9, 0.0])]) == [True, True, False, False]


# ------------------------------------------------------------------------------------------------ all of it


def test_a_small_run_reports():
    parts = __main__.parts([CELLS["H5"], CELLS["B3"]], 1, 3)
    table = report.summary(parts)
    assert {len(row) for row in table.rows} == {len(table.head)}
    (only,) = parts[0].faulty
    assert only.cell.id == "B3"
    assert (only.exploded, only.positive, only.judgements["bpmodel"].explosion) == (True, True, True)
    assert len(parts[0].healthy) == 2  # H5 is the control of B3, with twice the seeds
    for part in parts:
        assert all(isinstance(line, str) for line in (*report.labels(part), *report.misses(part)))
    assert report.misses(parts[0]) == []


def test_what_a_search_spends_on_diverged_trials_reports():
    found = waste.measure(6)
    assert 0 < found.diverged < found.trials == 6
    assert 0 < found.watched < 1
    assert 0 < found.ignored < 1
    assert f"| 6 trials | {found.diverged} |" in str(report.waste(found))


def test_overhead_reports():
    table = report.overhead(overhead.measure((Shape((3, 4, 1), 8), Shape((4, 5, 3), 16)), 2, 0.0, 1))
    assert [len(row) for row in table.rows] == [3, 3, 3]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py") if ">>>" in path.read_text()))
def test_examples(name):
    failed, tried = doctest.testmod(import_module(f"benchmarks.stability.{name}"))
    assert tried
    assert not failed
