"""The page on a study: HTML that is right, loads nothing, and says what the result says."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from search.formatting import number, p_value
from search.report import page as pages
from search.report.chart import Row, chart
from search.report.gain import verdict
from search.report.markup import VOID
from search.report.page import page
from search.report.sources import Source
from search.results.judgment import judgment
from search.results.paired_test import Difference, beside, difference, next_best
from search.results.result import Nested, Result
from search.space import spaces
from search.tracking import RegisteredModel
from search.trials.baselines import BOOSTING, DUMMY, LINEAR, Baseline
from search.trials.outcomes import winner

RMSE = "neg_root_mean_squared_error"
SPACE = {"learning_rate_init": (1e-3, 10.0, "log"), "activation": ["relu", "tanh"]}
EVIL = "<script src=//x.y/z.js>alert(1)</script>\"'&]]>-->"
WIDE = "\u623f\u4ef7 \u9884\u6d4b"


BLOCKS = {"td", "th", "dt", "dd", "h1", "h2", "h3", "li", "summary", "p", "title"}


class Balanced(HTMLParser):
    """Reads a page strictly: every element is closed in its turn; addresses, texts and ids are kept."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in BLOCKS:
            self.texts.append(" ")

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def of(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def baselines(folds: int = 3) -> list[Baseline]:
    far, near = np.linspace(-80, -70, folds), np.linspace(-56, -54, folds)
    return [
        Baseline(DUMMY, float(far.mean()), float(far.std()), tuple(far)),
        Baseline(LINEAR, float(near.mean()), float(near.std()), tuple(near)),
        Baseline(BOOSTING, -58.0, 0.5, tuple([-58.0] * folds)),
    ]


@pytest.fixture(scope="session")
def made(make_outcome):
    """Make a result of trials by hand; keywords go to the result."""

    def made(trials, *, space=SPACE, scoring=RMSE, yardsticks=None, ratio=0.5, **more) -> Result:
        outcomes = {o.number: o for o in trials}
        best, yardsticks = winner(outcomes), baselines() if yardsticks is None else yardsticks
        rivals, against = next_best(outcomes, best, ratio), beside(yardsticks, best, ratio)
        space = spaces.build(space)
        return Result(
            "prices", "bayesian", "3 folds", scoring, space, outcomes, yardsticks, best, rivals, against, **more
        )

    return made


@pytest.fixture(scope="session")
def usual(made, make_outcome) -> Result:
    """Twelve healthy trials, eight diverged, one error, one stopped and repaired."""
    trials = []
    for n in range(12):
        params = {"learning_rate_init": 0.01 * (n + 1), "activation": "relu"}
        scores = (-50.0 - n, -51.0 - 1.1 * n, -52.0 - 0.9 * n)
        trials.append(make_outcome(n, scores=scores, params=params, n_weights=100 + n, metrics={"r2": [0.5, 0.4, 0.3]}))
    for n in range(12, 20):
        params = {"learning_rate_init": n / 4, "activation": "tanh"}
        trials.append(make_outcome(n, "diverged", params=params, code="exploding_step" if n < 19 else "unscaled_input"))
    trials.append(make_outcome(20, "error", params={"learning_rate_init": 1.0, "activation": "tanh"}))
    stopped = {"learning_rate_init": 0.5, "activation": "tanh"}
    trials.append(make_outcome(21, "stopped", scores=(-70.0, -71.0, -72.0), params=stopped, repairs=["rate halved"]))
    return made(trials)


ABOUT = {"data": "houses.csv", "target": "price", "task": "regression", "rows": 442, "columns": 10, "ratio": 0.5}
ABOUT |= {
    "notes": ["one row was left out"],
    "file": 'name = "prices"\n[data]\nsource = "houses.csv"\n',
    "path": "p.toml",
}
ABOUT |= {"budget": {"n_trials": 22, "timeout": None}, "versions": {"bpsearch": "0.1.0", "numpy": "2.0"}}


def text_of(source: Source) -> str:
    """Return the page without figures, which take their time to draw."""
    return page(source, {})


def shown(result: Result, about=ABOUT, **more) -> Balanced:
    text = text_of(Source(result, about, **more))
    assert len(text) < 3_000_000
    return Balanced(text)


def sections(text: str) -> dict[str, Balanced]:
    found = re.findall(r'(<section id="(\w+)">.*?</section>)', text, re.DOTALL)
    return {name: Balanced(part) for part, name in found}


@pytest.fixture(scope="session")
def whole(usual) -> str:
    """The page with its figures."""
    return page(Source(usual, ABOUT))


def test_the_page_is_html_that_loads_and_runs_nothing(whole):
    text, found = whole, Balanced(whole)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    (policy,) = (each["content"] for each in found.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "script" not in policy
    assert not found.of("script") + found.of("link") + found.of("iframe") + found.of("object") + found.of("form")
    assert all(each["src"].startswith("data:image/png;base64,") and each["alt"] for each in found.of("img"))
    assert all(each["href"].startswith("#") for each in found.of("a"))
    assert not re.search(r"url\(|@import|https?://|\bon\w+=", re.sub(r"base64,[\w+/=]+", "", text))
    assert [t for t, _ in found.tags if t == "h1"] == ["h1"]
    assert "prices: report on a study" in found.text
    assert {"name": "generator", "content": pages.GENERATOR} in found.of("meta")


def test_links_of_the_contents_lead_to_sections(whole):
    found = Balanced(whole)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert [each["href"][1:] for each in found.of("a")] == ids
    assert len(ids) == len(pages.SHORT) == len(set(ids))


def test_the_same_study_is_the_same_page(usual, whole):
    assert page(Source(usual, ABOUT)) == whole


def test_what_was_asked_stands_first(usual):
    text = shown(usual).text
    asked = "442 rows of houses.csv, to predict price. Scored by root mean squared error (lower is better) on 3 folds; "
    asked += "bayesian search over 2 hyperparameters, 22 trials."
    assert asked in text
    assert text.index("bayesian search") < text.index("The answer: trial 0") < text.index("Is the gain")
    assert 'source = "houses.csv"' in text
    assert "0.001 to 10, logarithmic" in text
    assert "442 by 10" in text
    assert "22 trials" in text


def test_the_answer_has_the_results_own_numbers(usual):
    text = sections(text_of(Source(usual, ABOUT)))["answer"].text
    best = usual.best
    assert f"The answer: trial {best.number}" in text
    assert f"{-best.score:.2f}" in text
    assert f"± {best.std:.2f}" in text
    found = difference(best.fold_scores, [0.0] * 3, 0.5)
    assert f"{-found.mean - found.half_width:.2f} to {-found.mean + found.half_width:.2f}" in text
    assert "best of 12 healthy trials on the folds that selected it" in text
    assert judgment(usual)[0] in text
    for name, d in usual.against.items():
        assert name in text
        assert p_value(d.p_value) in text
    assert "learning_rate_init 0.01 0.001 to 10, logarithmic" in text
    assert "r2" in text


def test_the_nested_estimate_comes_first(usual):
    nested = Nested([-60.0, -62.0, -61.0], baselines())
    text = sections(text_of(Source(replace(usual, nested=nested), ABOUT)))["answer"].text
    assert text.startswith("The answer: trial 0 61.00root mean squared error, lower is better")
    assert "mean on 3 outer folds that the search has not seen" in text
    assert f"trial 0 scores {number(-usual.best.score)}, which is optimistic" in text
    broken = replace(usual, nested=Nested([-60.0, None, -61.0], baselines()))
    text = sections(text_of(Source(broken, ABOUT)))["answer"].text
    assert "There is no estimate" in text
    assert "no network" in text


def test_the_runner_up_is_judged_by_the_paired_test(usual, made, make_outcome):
    (second, found), *_ = usual.rivals.items()
    text = sections(text_of(Source(usual, ABOUT)))["gain"].text
    assert f"trial {second} is worse by {number(-found.mean)}" in text
    assert text.split("?")[1].strip().startswith("Yes" if found.distinguishable else "Not on these folds")
    same = made([make_outcome(n, scores=(-50.0, -51.0, -52.0)) for n in range(3)])
    assert "Not on these folds: trial 1 scores the same." in sections(text_of(Source(same, ABOUT)))["gain"].text
    one = made([make_outcome(n, scores=(-50.0 - n,)) for n in range(3)], yardsticks=baselines(1))
    assert "A single fold cannot tell" in sections(text_of(Source(one, ABOUT)))["gain"].text
    alone = made([make_outcome(0, scores=(-50.0, -51.0, -52.0))])
    assert "Only one trial finished healthy" in sections(text_of(Source(alone, ABOUT)))["gain"].text


def test_what_diverged_is_counted_explained_and_listed(usual):
    text = sections(text_of(Source(usual, ABOUT)))["diverged"].text
    for told in ("12finished", "1stopped early", "8diverged", "1with an error"):
        assert told in text
    assert "All 8 diverged trials have learning_rate_init > " in text
    assert text.index("exploding_step, 7 trials.") < text.index("unscaled_input, 1 trial.")
    assert "In trial 12:" in text
    assert "8 diverged trials" in text
    assert "the loss exploded" in text
    assert "Trials that could not be scored: 1" in text
    assert "why it is error" in text
    assert "Trials that were repaired on the way: 1" in text


def test_next_steps_are_on_the_page(usual):
    text = sections(text_of(Source(usual, ABOUT)))["next"].text
    assert "would exclude 8 of 8 diverged" in text


def test_reproduction_facts_and_notes(usual):
    text = sections(text_of(Source(usual, ABOUT, {"seed": 7, "fingerprint of the rows": "ab12"}, when=86400.0)))[
        "again"
    ].text
    for told in ("seed 7", "ab12", "bpsearch 0.1.0, numpy 2.0", "1970-01-02 00:00 UTC", "one row was left out"):
        assert told in text


def test_a_study_that_is_not_finished_says_so(usual):
    about = ABOUT | {"budget": {"n_trials": 60, "timeout": None}}
    text = shown(usual, about, complete=False).text
    assert "This study is not finished: 22 of 60 trials are done." in text
    assert "There is no model yet" in text
    assert "not finished" not in shown(usual, about).text
    assert "did not end as it should" in shown(usual, ABOUT, complete=False).text


def test_no_trial_one_trial_none_healthy(made, make_outcome):
    assert "No trial has ended yet." in shown(made([])).text
    one = shown(made([make_outcome(0, scores=(-1.0, -2.0, -3.0))])).text
    assert "The answer: trial 0" in one
    assert "best of" not in one
    bad = made([make_outcome(n, "diverged", params={"learning_rate_init": 1.0 + n}) for n in range(4)])
    text = shown(bad).text
    assert "None of 4 trials finished healthy" in text
    assert "There is no model: no trial finished healthy." in text
    assert "No trial finished healthy; 4 of 4 diverged." in text


def test_without_baselines_and_with_scores_that_are_not_finite(made, make_outcome):
    trials = [make_outcome(n, scores=(0.5 + n / 100, 0.6, 0.7)) for n in range(3)]
    text = shown(made(trials, scoring="my_own", yardsticks=[])).text
    assert "There are no baselines" in text
    odd = [make_outcome(0, scores=(-1e300, -1e308, -1.0)), make_outcome(1, scores=(-2.0, -3.0, -4.0))]
    yard = [Baseline(DUMMY, float("nan"), float("nan"), (float("nan"), -1.0, float("inf")))]
    assert shown(made(odd, yardsticks=yard, ratio=0.5)).text
    assert shown(made([make_outcome(0, scores=(0.5, 0.5, 0.5))], yardsticks=[])).text


HOSTILE = {EVIL: (1e-3, 1.0), WIDE: ["\u4e00", EVIL, "relu\x1b[2J\u202e"]}


def test_names_of_users_are_texts_wherever_they_stand(made, make_outcome):
    value = {EVIL: 0.5, WIDE: EVIL}
    trials = [
        make_outcome(n, scores=(-1.0 - n, -2.0, -3.0), params=value, metrics={EVIL: [1.0, 2.0, 3.0]}) for n in range(4)
    ]
    trials += [make_outcome(n, "diverged", params=value, code=EVIL, reason=EVIL) for n in range(4, 8)]
    trials += [
        make_outcome(8, "error", params=value, reason=EVIL),
        make_outcome(9, scores=(-5.0, -6.0, -7.0), params=value, repairs=[EVIL]),
    ]
    yard = [Baseline(EVIL, -2.0, 0.1, (-2.0, -2.1, -1.9), {EVIL: 1.0})]
    result = made(trials, space=HOSTILE, yardsticks=yard, notes=[EVIL], suspects=((EVIL,),))
    result = replace(result, name=EVIL, scheme=EVIL, method=EVIL, loss=EVIL, scoring=EVIL, unregistered=EVIL)
    file = f"{EVIL}\r\n\t\x1b[31m\u202e"
    about = ABOUT | {
        "data": EVIL,
        "target": WIDE,
        "task": EVIL,
        "notes": [EVIL],
        "file": file,
        "versions": {EVIL: EVIL},
    }
    text = page(Source(result, about, {EVIL: EVIL}, store=EVIL))
    found = Balanced(text)
    assert not found.of("script")
    assert "<script" not in text
    assert not set(text) & set("\x1b\u202e\r")
    assert {name for _, attributes in found.tags for name in attributes} <= KNOWN
    assert EVIL in "".join(found.texts)
    assert WIDE in found.text
    assert "\\u001b[31m\\u202e" in found.text


KNOWN = {
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "id",
    "href",
    "src",
    "alt",
    "scope",
    "tabindex",
    "role",
}
KNOWN |= {"aria-label", "aria-hidden", "cx", "cy", "r", "x", "y", "dy", "x1", "x2", "y1", "y2", "text-anchor"}


def test_a_name_that_is_cut_short_is_still_whole_html(made, make_outcome):
    long = "&<\"'" * 500
    trials = [
        make_outcome(n, scores=(-1.0 - n, -2.0, -3.0), params={"learning_rate_init": 0.1, "activation": long})
        for n in range(2)
    ]
    text = text_of(
        Source(
            made(trials, space={"learning_rate_init": (0.01, 1.0), "activation": [long, "relu"]}),
            ABOUT | {"target": long},
        )
    )
    assert Balanced(text)
    assert len(text) < 100_000


def test_ten_thousand_trials_are_a_small_page(made, make_outcome):
    random = np.random.default_rng(0)
    trials = []
    for n in range(10_000):
        verdict = ("ok", "diverged", "error", "stopped")[n % 4]
        params = {"learning_rate_init": float(10 ** random.uniform(-3, 1)), "activation": "relu"}
        trials.append(make_outcome(n, verdict, scores=tuple(random.normal(-50, 1, 3)), params=params))
    found = shown(made(trials))
    assert "and 2,460 more" in found.text
    assert len(found.of("tr")) < 250


def test_many_parameters_and_folds_are_a_small_page(made, make_outcome):
    space = {f"p{i}": (0.0, 1.0) for i in range(300)}
    trials = [
        make_outcome(n, scores=tuple(-1.0 - np.arange(500) / 500), params=dict.fromkeys(space, 0.5)) for n in range(3)
    ]
    found = shown(made(trials, space=space, yardsticks=baselines(500)))
    assert "and 240 more" in found.text
    assert "and 200 more" in found.text
    assert len(found.of("circle")) == 4 * 60


def test_a_model_that_lies_far_away_is_off_the_scale():
    rows = [
        Row("a", 0.98, 0.01, (0.97, 0.99), own=True),
        Row("b", 0.96, 0.01, (0.95, 0.97)),
        Row("c", 0.87, 0.01, (0.871, 0.869)),
    ]
    assert "off the scale" not in chart(rows, "accuracy")
    far = [*rows[:2], Row("c", 0.86, 0.01, (0.869, 0.851))]
    assert "← off the scale" in chart(far, "accuracy")
    assert "off the scale →" in chart(FAR_ERRORS, RMSE)
    assert chart(rows[:1], "accuracy") == ""


FAR_ERRORS = [Row("a", -1.0, 0.1, (-0.9, -1.1)), Row("b", -1.2, 0.1, (-1.1, -1.3)), Row("c", -9.0, 0.1, (-8.9, -9.1))]


def test_a_runner_up_with_fewer_seeds_may_score_better():
    told = verdict(4, Difference(0.5, 0.1, 0.01))
    assert told == "Not on these folds: trial 4 scores better by 0.5 (p = 0.010), but was evaluated with fewer seeds."


def test_the_model_is_loaded_by_name_version_and_store(usual):
    result = replace(usual, model=RegisteredModel("prices", 3), n_networks=5)
    text = shown(result, store="sqlite:///mlruns/mlflow.db").text
    assert "bpsearch.load_model('prices', 3)" in text
    assert "mlflow.set_tracking_uri('sqlite:///mlruns/mlflow.db')" in text
    assert "bpsearch predict prices new.csv -o predictions.csv" in text
    assert "the mean of 5 networks" in text
    masked = shown(result, store="http://***@host:5000").text
    assert "set_tracking_uri" not in masked
    assert "***" not in masked
    assert "because it is no better" in shown(replace(usual, unregistered="it is no better")).text


def test_how_the_version_stands_is_told(usual):
    """What became of the version is told with the reason, and how to change it; not where nothing is known."""

    def told(alias: str, reason: str) -> str:
        model = RegisteredModel("prices <b>", 3, alias, reason)
        return sections(text_of(Source(replace(usual, model=model), ABOUT)))["model"].text

    why = "not better than version 2 on the same folds: RMSE 54.2 against 53.9"
    text = told("challenger", why)
    assert (
        f"It became the challenger, and the champion stays what is used where no version is named. Why: {why}." in text
    )
    assert "bpsearch promote 'prices <b>' --version 3" in text
    assert "new.csv -o predictions.csv --version 3" in text, "the lines of Python load that version, too"
    text = told("champion", "better than version 2 on the same folds")
    assert "It became the champion: the version that is used where none is named. Why: better than version 2" in text
    assert "promote" not in text
    assert "predictions.csv --version" not in text
    assert "Why" not in told("champion", "")
    assert "It became" not in told("", "")


def test_what_mattered_says_why_there_is_no_ranking(made, make_outcome):
    """Figures without one of the importance are no accident: the page says what is missing for it."""
    trials = [make_outcome(n, scores=(-1.0 - n,) * 3, params={"learning_rate_init": 0.01 * (n + 1)}) for n in range(4)]
    result = made(trials, space={"learning_rate_init": (0.001, 1.0)})
    section = sections(page(Source(result, ABOUT)))["mattered"]
    assert "cannot be ranked by importance: fewer than two hyperparameters vary." in section.text
    assert section.of("img")


def test_a_ranking_needs_no_excuse(whole):
    section = sections(whole)["mattered"]
    assert "Importance of the hyperparameters" in section.text
    assert "cannot be ranked" not in section.text
