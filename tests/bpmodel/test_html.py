"""The notebook's view of a network: scikit-learn's diagram, and below it how the fit ended."""

from xml.etree import ElementTree

import pytest

from bpmodel.html import HEIGHT, WIDTH

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
