"""The page on exploding gradients shows what its modules measure; the measurements run."""

import re

import numpy as np
import pytest

from bpmodel import BPRegressor
from docs.article import (
    __main__,
    block,
    curvature,
    death,
    factors,
    fits,
    gain,
    momentum,
    nonfinite,
    normalization,
    plateaus,
    rates,
    remedies,
    saturation,
    slopes,
    starts,
)
from tests.docs.test_docs import DOCS, ROOT

PAGE = DOCS["docs/exploding_gradients.md"]
SHORT = {"max_iter": 2}
RUNS = {
    "slopes": lambda: slopes.measure((0.0, 3.0)),
    "saturation": lambda: saturation.measure(1, (1, 2)),
    "gain": lambda: gain.measure(1, (1.0, 4.0)),
    "rates": lambda: rates.measure(1, (0.01,), (0.01,)),
    "factors": lambda: factors.measure(1, {"inputs times": {10.0: {"scale": 10.0}}}),
    "momentum": lambda: momentum.measure(1, (0.0, 0.9), (0.1, 4.0)),
    "remedies": lambda: remedies.measure(1, remedies={"none": remedies.REMEDIES["none"]}),
    "normalization": lambda: normalization.measure(1, (2, 3), 2),
    "death": lambda: death.measure(2, **SHORT),
    "nonfinite": lambda: nonfinite.measure(1, {"rate 10": nonfinite.FAULTS["rate 10"]}),
    "plateaus": lambda: plateaus.measure(1, {"healthy": SHORT}),
    "starts": lambda: starts.measure(2, (2,)),
}


def written(name):
    """Return a block as the page has it."""
    return re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end of {name} -->", PAGE, re.DOTALL)[1]


def test_page_has_a_place_for_every_block_and_no_other():
    assert re.findall(r"^<!-- (?!end of )(\w+) -->$", PAGE, re.MULTILINE) == list(__main__.BLOCKS) == list(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_measurement_runs(name, tmp_path):
    made = RUNS[name]()
    assert made.rows
    assert {len(row) for row in made.rows} == {len(made.head)}
    made.save(name, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ([block.image(name)] if made.figure else [])
    # the page was written by the code as it is: the same columns, the same figure
    assert written(name).splitlines()[0] == made.text(name).splitlines()[0]
    assert (block.image(name) in written(name)) == (made.figure is not None)


@pytest.mark.parametrize("name", ["slopes"])
def test_page_shows_what_the_code_computes_now(name):
    assert written(name) == __main__.BLOCKS[name]().text(name)


def test_every_figure_belongs_to_a_block():
    files = {path.name for path in (ROOT / "docs" / "images").glob("article_*.png")}
    assert files == {block.image(name) for name in __main__.BLOCKS if block.image(name) in PAGE}


def test_unknown_name_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["article", "slope"])
    with pytest.raises(SystemExit):
        __main__.main()
    assert "name 'slope' is unknown; allowed are slopes, " in capsys.readouterr().err


@pytest.mark.parametrize("name", slopes.SHOWN)
def test_slope_is_the_difference_quotient(name):
    value = slopes.ACTIVATIONS[name].value
    quotient = (value(1.0 + 1e-6) - value(1.0 - 1e-6)) / 2e-6
    assert slopes.slope(name, 1.0) == pytest.approx(quotient, rel=1e-6)


def test_curvature_of_a_linear_network_is_the_largest_eigenvalue():
    """The loss of a network without hidden layers is a parabola with the Hessian X'X / n, a column of ones in X."""
    X, y = fits.friedman(0)[:2]
    X = X * np.arange(1, 11)
    network = BPRegressor(hidden_layer_sizes=(), alpha=0.0, random_state=0)
    ones = np.column_stack([X, np.ones(len(X))])
    assert curvature.largest_curvature(network, X, y) == pytest.approx(
        np.linalg.eigvalsh(ones.T @ ones / len(X))[-1], rel=0.02
    )


@pytest.mark.parametrize(("momentum_", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
@pytest.mark.parametrize("share", [0.97, 1.03])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_longest_stable_step_is_where_descent_on_a_parabola_turns(momentum_, nesterov, share):
    X = np.array([[-1.0], [1.0]])
    y = np.array([-1.0, 1.0])
    network = BPRegressor(
        hidden_layer_sizes=(),
        solver="sgd",
        momentum=momentum_,
        nesterovs_momentum=nesterov,
        learning_rate_init=share * curvature.longest_stable_step(momentum_, nesterov),
        alpha=0.0,
        batch_size=2,
        max_iter=1500,
        tol=0.0,
        n_iter_no_change=np.inf,
        on_divergence="ignore",
        dtype="float64",
        random_state=0,
    ).fit(X, y)
    assert (network.loss_curve_[-1] < network.loss_curve_[0]) == (share < 1)


def test_remedy_of_a_finding_is_applied():
    data = fits.friedman(0)
    broken = fits.healthy(0, learning_rate_init=1.0)
    (fitted,) = fits.fit_all([(broken, data.X, data.y)])
    assert remedies.first_finding(broken, fitted).learning_rate_init == 0.1
