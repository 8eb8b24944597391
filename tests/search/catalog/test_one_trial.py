"""One trial of a study, shown from its journal."""

import io
import math

import pytest
from rich.console import Console

from bpmodel.names.sparkline import LEVELS, MOST, sparkline
from search.catalog import trials
from search.catalog.entries import Entry
from search.errors import StudyError
from search.loop.journal import Stored
from search.terminal.encoding import plain
from search.terminal.output import as_json
from search.trials.outcomes import VERDICTS

RMSE = "neg_root_mean_squared_error"


@pytest.fixture
def entry(make_outcome) -> Entry:
    """Four trials, one of each verdict, and a fifth that is the best."""
    outcomes = {n: make_outcome(n, verdict, scores=(-3.0, -5.0)) for n, verdict in enumerate(VERDICTS)}
    outcomes[4] = make_outcome(4, scores=(-2.0, -3.0))
    notes = {"about": {"scoring": RMSE, "path": "studies/a b.toml"}}
    return Entry("study", Stored("study", notes, outcomes, 0.0))


def told(entry: Entry, number: int, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(trials.shown(entry, trials.find(entry, number)))
    return console.file.getvalue()


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("width", [40, 200])
def test_every_verdict_can_be_shown(entry, number, width):
    outcome = trials.find(entry, number)
    text = told(entry, number, width)
    assert text.startswith(f"study, trial {number}: ")
    assert " ".join(outcome.reason.split()) in " ".join(text.split())
    assert all(name in text for name in outcome.params)
    assert as_json(trials.document(entry, outcome))


def test_scores_are_as_people_say_them(entry):
    assert "root mean squared error: 2.5 ± 0.5" in told(entry, 4)
    assert "fold 2  3 " in told(entry, 4)
    document = trials.document(entry, trials.find(entry, 4))
    assert (document["score"], document["fold_scores"], document["place"]) == (2.5, [2.0, 3.0], 1)
    assert trials.document(entry, trials.find(entry, 0))["place"] == 2
    assert trials.document(entry, trials.find(entry, 1))["place"] is None
    assert "place 1 of 2" in told(entry, 4)


def test_a_diverged_trial_has_its_findings_with_their_remedies(entry):
    outcome = next(o for o in entry.stored.outcomes.values() if o.diverged)
    text = told(entry, outcome.number)
    (finding, *_) = outcome.divergence.findings
    for key in ("code", "cause", "remedy"):
        assert str(finding[key]) in text
    assert f"diverged on fold {outcome.divergence.fold + 1} " in text


def test_evidence_that_is_not_finite_can_be_shown(entry):
    outcome = next(o for o in entry.stored.outcomes.values() if o.diverged)
    outcome.divergence.findings[0]["evidence"] = {"loss": None}
    assert "loss nan" in told(entry, outcome.number)


def test_trials_that_are_not_there(entry):
    with pytest.raises(StudyError, match=r"--trial 7: study 'study' has no such trial; its 5 trials are 0 to 4"):
        trials.find(entry, 7)
    with pytest.raises(StudyError, match="has no journal in this folder"):
        trials.find(Entry("other"), 0)
    with pytest.raises(StudyError, match="line 3 is damaged"):
        trials.find(Entry("other", problem="line 3 is damaged"), 0)


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    line = sparkline([1000.0 - i for i in range(1001)])
    assert len(line) == MOST
    assert (line[0], line[-1]) == (LEVELS[-1], LEVELS[0])
    assert list(line) == sorted(line, reverse=True)
    assert plain(line).strip("_.,-=+*#") == ""


@pytest.mark.parametrize(
    ("values", "line"),
    [([1.0], "▁"), ([math.nan, math.inf], "  "), ([-1e308, 1e308], "▁█"), ([0.0, 1.0, -math.inf], "▁█ ")],
)
def test_odd_curves(values, line):
    assert sparkline(values) == line
