"""The text on all diverged trials names each cause and each trial, and nothing of the user's is markup."""

from search.results.divergences import in_words
from search.space import spaces

SPACE = spaces.build({"learning_rate_init": (1e-3, 10.0, "log"), "activation": ["relu", "tanh"]})


def test_causes_are_counted_and_each_trial_is_told(make_outcome):
    outcomes = {n: make_outcome(n, params={"learning_rate_init": 0.01, "activation": "relu"}) for n in range(12)}
    params = {"learning_rate_init": 5.0, "activation": "tanh"}
    outcomes |= {n: make_outcome(n, "diverged", params=params) for n in range(12, 20)}
    outcomes[20] = make_outcome(20, "diverged", params=params, code="")
    text = in_words(outcomes, SPACE)
    assert "9 of 21 trials diverged." in text
    assert "- `exploding_step`: 8 trials. Ü." in text
    assert "- `not diagnosed`: 1 trial.\n" in text
    assert "## Where in the space\n\n- All 9 diverged trials have learning_rate_init &gt; " in text
    assert "- trial 12 (learning_rate_init = 5, activation = tanh): `exploding_step`. why it is diverged\n" in text
    assert "- trial 20 (learning_rate_init = 5, activation = tanh): why it is diverged\n" in text


def test_no_text_without_divergences(make_outcome):
    assert in_words({0: make_outcome(0), 1: make_outcome(1, "error")}, SPACE) == ""


def test_texts_of_users_are_no_markup(make_outcome):
    hostile = "![x](http://a/b.png)\n# <script>"
    space = spaces.build({hostile: [hostile, "b"]})
    text = in_words({0: make_outcome(0, "diverged", params={hostile: hostile}, reason=hostile)}, space)
    told = text.partition("## Trial by trial")[2]
    assert ("<script>" in told, "![x]" in told, told.count("\n")) == (False, False, 3)
