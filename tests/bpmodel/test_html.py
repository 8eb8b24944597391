"""The notebook's view of a network: scikit-learn's diagram, and below it how the fit ended."""

from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from bpmodel import BPRegressor, HealthDisplay, Verdict
from bpmodel.colors import STATUS_COLORS
from bpmodel.html import HEIGHT, WIDTH
from bpmodel.network.verdicts import STATUSES, SYMPTOMS

pytestmark = pytest.mark.filterwarnings("ignore")


def summary_of(model, diagram):
    view = model._repr_mimebundle_()["text/html"]
    assert view.startswith(diagram[:40]), "scikit-learn's part comes first"
    *_, last = view.partition('<div style="font-family: monospace')
    return '<div style="font-family: monospace' + last if last else ""


def points(text):
    root = ElementTree.fromstring(text.replace("<br>", "<br/>"))
    return [line.attrib["points"].split() for line in root.iter("polyline")]


def test_before_a_fit_it_is_scikit_learns(problems):
    model = problems["regression"].ours()
    assert 'monospace"' not in model._repr_html_()
    assert summary_of(model, model._repr_html_()) == ""


@pytest.mark.parametrize("task", ["regression", "multiclass", "multilabel"])
def test_a_healthy_fit(problems, task):
    X, y, ours, _ = problems[task]
    model = ours(hidden_layer_sizes=(7,), max_iter=9, early_stopping=True, random_state=0).fit(X, y)
    text = summary_of(model, model._repr_html_())
    assert f"ended after {model.n_iter_} epochs" in text
    assert "6 inputs, 7 relu" in text
    assert [len(curve) for curve in points(text)] == [model.n_iter_] * 2
    pairs = [pair.split(",") for curve in points(text) for pair in curve]
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in pairs)


def test_a_diverged_fit_and_one_of_a_single_epoch(problems):
    X, y, ours, _ = problems["regression"]
    wild = ours(solver="sgd", learning_rate_init=1e3, random_state=0).fit(X, y)
    assert ">diverged</b>: " in summary_of(wild, wild._repr_html_())
    part = ours(random_state=0).partial_fit(X, y)
    assert points(summary_of(part, part._repr_html_())) == []


def test_every_status_has_a_color():
    assert set(STATUS_COLORS) == set(STATUSES) >= {row.status for row in SYMPTOMS.values()}
    assert len(set(STATUS_COLORS.values())) == len(STATUSES)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_shown(problems, status):
    X, y, ours, _ = problems["regression"]
    model = ours(max_iter=3, random_state=0).fit(X, y)
    model.verdict_ = Verdict(status, "a reason & more", epoch=2, step=5, evidence={"loss": 7.0})
    text = summary_of(model, model._repr_html_())
    assert f'<b style="color: {STATUS_COLORS[status]}">{status}</b>: a reason &amp; more<br>' in text
    display = HealthDisplay.from_estimator(model, ax=Figure().subplots())
    assert display.lines_[f"{status} at epoch 2, step 5"].get_color() == STATUS_COLORS[status]


def test_a_stalled_fit():
    """It once had no color, and a notebook showed a KeyError in place of the explanation."""
    X = np.random.default_rng(0).normal(size=(200, 5))
    network = BPRegressor(
        hidden_layer_sizes=(8, 8), solver="sgd", momentum=0, learning_rate_init=0.5, max_iter=60, random_state=2
    )
    network = network.set_params(n_iter_no_change=60).fit(X, X @ np.arange(1, 6))
    assert network.verdict_.status == "stalled"
    assert ">stalled</b>: every unit of hidden layer" in network._repr_html_()
    assert "stalled at epoch" in " ".join(HealthDisplay.from_estimator(network, ax=Figure().subplots()).lines_)


@pytest.mark.parametrize("value", [10**400, Fraction(10**400)])
def test_an_estimator_is_shown_before_its_options_are_checked(value):
    assert "BPRegressor" in BPRegressor(input_noise=value)._repr_html_()
