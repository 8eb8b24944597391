"""The notebook's view of a network: scikit-learn's diagram, and below it how the fit ended."""

from fractions import Fraction
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bpmodel import BPEnsembleRegressor, BPRegressor, Diagnosis, Finding, HealthDisplay, Verdict
from bpmodel.colors import STATUS_COLORS
from bpmodel.html import HEIGHT, MOST_MEMBERS, WIDTH, caption
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


def test_a_network_in_a_pipeline_says_how_it_ended(problems):
    """A notebook drew the same box whether the network had diverged or not."""
    X, y, ours, _ = problems["regression"]
    model = ours(max_iter=9, random_state=0)
    pipeline = make_pipeline(StandardScaler(), model)
    assert "epochs: loss" not in pipeline._repr_html_()
    text = pipeline.fit(X, y)._repr_html_()
    assert f'<div class="caption">{caption(model)}</div>' in text
    assert caption(model).startswith("ok, 9 epochs: loss █")
    wild = make_pipeline(ours(solver="sgd", learning_rate_init=1e3, random_state=0)).fit(X, y)
    assert '<div class="caption">diverged, ' in wild._repr_html_()


@pytest.mark.parametrize("n_members", [2, MOST_MEMBERS + 2])
def test_an_ensemble_says_how_its_networks_ended(problems, n_members):
    X, y, ours, _ = problems["regression"]
    model = BPEnsembleRegressor(ours(max_iter=4), n_members=n_members, random_state=0)
    assert 'monospace"' not in model._repr_html_()
    text = summary_of(model.fit(X, y), model._repr_html_())
    shown = min(n_members, MOST_MEMBERS)
    assert text.count(">ok</b>: ended after 4 epochs") == shown
    assert (f"and {n_members - shown} more" in text) == (n_members > shown)
    assert [len(curve) for curve in points(text)] == [4] * shown
    inside = make_pipeline(StandardScaler(), model)._repr_html_()
    assert inside.count('<div class="caption">ok, 4 epochs: loss') == shown
    assert f"network 1 of {n_members}" in inside


def test_without_the_private_names_of_scikit_learn_there_is_a_plain_box(problems, monkeypatch):
    X, y, ours, _ = problems["regression"]
    model = ours(max_iter=4, random_state=0).fit(X, y)
    monkeypatch.setattr(type(model), "_sk_visual_block_", lambda self: 1 / 0)
    assert "ended after 4 epochs" in model._repr_html_()


def test_a_diagnosis_is_a_note(problems):
    X, y, ours, _ = problems["regression"]
    found = ours(solver="sgd", learning_rate_init=1e3, random_state=0).fit(X, y).diagnose()
    assert repr(found) == str(found)
    assert max(map(len, repr(found).splitlines())) < 400
    assert found._repr_html_().count("<li>") == len(found)
    lines = found._repr_markdown_().splitlines()
    assert [line.partition(".")[0] for line in lines[2:]] == [str(n) for n in range(1, len(found) + 1)]
    assert "**" + found.codes[0].replace("_", r"\_") + "**" in lines[2]
    odd = Diagnosis((Finding("a_b", 1, {}, "<b>*", "`x`"),), "$1")
    assert odd._repr_markdown_() == "\\$1\n\n1. **a\\_b** at epoch 1: &lt;b&gt;\\* *\\`x\\`*"
