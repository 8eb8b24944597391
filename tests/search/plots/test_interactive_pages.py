"""Interactive pages: small, of nothing but themselves, and safe to show."""

import json
import re

import numpy as np
import pytest

from search.plots import interactive
from search.plots.interactive import trials
from search.plots.subject import Subject
from search.space import spaces
from search.trials.baselines import Baseline

HOSTILE = "</script><img src=x onerror=alert(1)>&\u2028"
SPACE = spaces.build({"rate": (1e-4, 1.0, "log"), HOSTILE: [HOSTILE, "b"]})


@pytest.fixture
def searched(make_outcome):
    def make(n, space=SPACE):
        outcomes = {}
        for number in range(n):
            verdict = "diverged" if number % 7 == 3 else "ok"
            params = space.random_point(0, number)
            outcomes[number] = make_outcome(number, verdict, scores=(-1.0 - np.sin(number), -1.5), params=params)
        return Subject(outcomes, space, [Baseline(HOSTILE, -9.0, 0.1)], "neg_mean_absolute_error")

    return make


def content(page: str) -> dict:
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def test_names_of_others_are_no_markup(searched):
    for page in interactive.pages(searched(20)).values():
        assert "<img" not in page
        assert "onerror=alert(1)>" not in page
        assert page.count("</script>") == 2
        assert "\u2028" not in page
        assert content(page)["lines"][0][0].startswith("</script><img")


def test_nothing_is_loaded_from_elsewhere(searched):
    for page in interactive.pages(searched(20, spaces.build({"rate": (0.0, 1.0), "kind": ["a", "b"]}))).values():
        page = page.replace("\\u003c/script\\u003e\\u003cimg src=x", "")
        addresses = re.findall(r"https?://[^\"']+", page)
        assert set(addresses) == {"http://www.w3.org/2000/svg"}, "a name, not an address"
        assert not re.search(r"\b(src|href|import|fetch|url)\s*[=(]", page)
        assert "prefers-color-scheme:dark" in page


def test_many_trials_fit_a_small_page(searched):
    wide = spaces.build({f"parameter_with_a_long_name_{i}": (0.0, 1.0) for i in range(60)})
    for page in interactive.pages(searched(3000, wide)).values():
        assert len(page.encode()) < 60_000
        told = content(page)
        assert told["all"] == 3000
        assert told["of"] == 60
        assert told["best"] in [one[0] for one in told["t"]]
        assert 100 < len(told["t"]) < 3000, len(told["t"])


def test_a_trial_is_told_in_words(searched):
    found = searched(8)
    told = trials.data(found)
    first, diverged = told["t"][0], told["t"][3]
    assert first[0] == 0
    assert told["verdicts"][first[1]] == "finished"
    assert first[2] == "1.25"
    assert told["names"][0] == "rate"
    assert float(first[5][0]) == pytest.approx(found.outcomes[0].params["rate"], rel=0.01)
    assert (told["verdicts"][diverged[1]], diverged[2], diverged[3]) == ("diverged", "", None)
    assert (told["metric"], told["lower"]) == ("mean absolute error", True)


def test_a_single_trial_has_a_history_but_no_lines(searched):
    assert interactive.pages(searched(1)).keys() == {"history"}
    assert interactive.pages(searched(9)).keys() == {"history", "parallel_coordinates"}


def test_fragments_stand_in_any_page(searched):
    for draw in (interactive.history, interactive.parallel_coordinates):
        found = draw(searched(5))
        assert found.startswith('<figure class="bps-figure">')
        assert found.endswith("</figure>")
        assert "<html" not in found


def test_styles_are_of_the_figure_alone():
    from search.plots.interactive.page import _file

    rules = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]+\{", "", _file("style.css")))
    assert rules
    assert all(rule.strip().startswith(".bps-") for rule in rules)
