"""Learning in order: the same proposals, feedback and end, in whatever order trials end, and wherever a run is cut off."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search import StudyError
from search.loop.ordering import LAG, AsTheyEnd, InOrder, decisive
from search.loop.stopping import Incumbent
from search.samplers.methods import METHODS, Queued
from search.space import spaces
from search.space.unit_cube import UnitCube
from search.trials.outcomes import Outcome
from search.trials.penalties import DEFAULT_PENALTY, PENALTIES, Feedback, Penalizer
from search.trials.pruning import Cutoffs, rungs

EPOCHS = 100
SPACE = spaces.build({"rate": (0.0, 1.0), "units": (4, 64, "log"), "solver": ["adam", "sgd"]})
CUBE = UnitCube(SPACE)
POINTS = ({"rate": 0.5, "units": 8, "solver": "adam"}, {"rate": 0.25, "units": 16, "solver": "sgd"})


class Remembering:
    """A sampler whose proposals depend on everything it has been asked and told, in that order."""

    def __init__(self) -> None:
        self.heard = []

    def ask(self, number):
        self.heard.append(["asked", number])
        drawn = hashlib.sha256(json.dumps(self.heard).encode()).digest()
        return {"rate": drawn[0] / 256, "units": 4 + drawn[1] % 60, "solver": ["adam", "sgd"][drawn[2] % 2]}

    def tell(self, outcome, feedback):
        self.heard.append(["told", outcome.number, outcome.params, feedback.value, feedback.state])


class Counting:
    """A penalty that depends on all trials that it has seen."""

    def __init__(self) -> None:
        self.seen = 0

    def feedback(self, outcome, standard):
        self.seen += 1
        return Feedback(standard.worst - self.seen)


def outcome_of(number: int, params: dict) -> Outcome:
    """Return an outcome that depends on the configuration: healthy, stopped or diverged."""
    draw = int(hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:8], 16) / 16**8
    verdict = "diverged" if draw < 0.25 else "stopped" if draw < 0.4 else "ok"
    curve = {rung: -1 - draw / (place + 1) for place, rung in enumerate(rungs(EPOCHS))}
    scores = [] if verdict == "diverged" else [-draw]
    return Outcome(number, params, verdict, "", scores, 9, curve, {}, 0.1)


class Journal:
    """A study without training: what is kept when a run is cut off, and what was proposed by any run."""

    def __init__(self, sampler, penalty=DEFAULT_PENALTY, kind=InOrder) -> None:
        self.sampler, self.penalty, self.kind = sampler, penalty, kind
        self.outcomes, self.feedback, self.proposed = {}, {}, {}

    def learner(self):
        arguments = Queued(POINTS, self.sampler()), Cutoffs(EPOCHS), Penalizer(self.penalty, -2.0)
        first = (CUBE,) if self.kind is InOrder else ()
        return self.kind(*first, *arguments, dict(self.outcomes), dict(self.feedback), prune=True)

    def run(self, n_trials: int, workers: int, ends=lambda under_way: 0, cut=lambda: False) -> None:
        """Run the missing trials; `ends` chooses which of those under way ends next, `cut` whether the run is cut off."""
        learner, under_way = self.learner(), []
        missing = [number for number in range(n_trials) if number not in self.outcomes]
        while missing or under_way:
            while missing and len(under_way) < workers and learner.ready(missing[0]):
                trial = learner.ask(missing.pop(0))
                seen = trial.params, trial.cutoffs, learner.incumbent.trial and learner.incumbent.trial.number
                assert self.proposed.setdefault(trial.number, seen) == seen
                under_way.append(trial)
            if cut():
                return
            trial = under_way.pop(ends(len(under_way)))  # there is one: the first under way is always ready
            outcome = outcome_of(trial.number, trial.params)
            feedback = learner.feedback(outcome)
            learner.add(outcome, feedback)
            self.outcomes[trial.number], self.feedback[trial.number] = outcome, feedback

    @property
    def rows(self):
        return [(self.proposed[n], self.outcomes[n], self.feedback[n]) for n in sorted(self.outcomes)]


def one_by_one(sampler, n_trials: int, penalty=DEFAULT_PENALTY) -> Journal:
    journal = Journal(sampler, penalty)
    journal.run(n_trials, 1)
    return journal


def check_any_order(data, sampler, n_trials, penalty=DEFAULT_PENALTY):
    """Compare trials of several workers that end in any order, and are cut off a few times, with those of one worker."""
    expected, journal = one_by_one(sampler, n_trials, penalty), Journal(sampler, penalty)
    cuts = data.draw(st.lists(st.integers(1, n_trials), max_size=3), label="steps of runs that are cut off")
    for steps in [*map(iter, map(range, cuts)), None]:
        journal.run(
            n_trials,
            data.draw(st.integers(1, LAG + 3), label="workers"),
            lambda under_way: data.draw(st.integers(0, under_way - 1), label="ends"),
            lambda steps=steps: steps is not None and next(steps, None) is None,
        )
    assert journal.rows == expected.rows


@given(st.data(), st.sampled_from([DEFAULT_PENALTY, "worst", Counting()]))
@settings(max_examples=60)
def test_trials_are_the_same_in_any_order_and_after_any_cut(data, penalty):
    check_any_order(data, Remembering, 30, penalty)


@pytest.mark.parametrize(("method", "n_trials"), [("bayesian", 26), ("cma-es", 40), ("gp", 22)])
def test_so_they_are_with_every_method_that_learns(method, n_trials):
    @given(st.data())
    @settings(max_examples=4, database=None)
    def check(data):
        check_any_order(data, lambda: METHODS[method].sampler(SPACE, 3), n_trials)

    check()


def test_a_trial_that_is_missing_among_many_is_waited_for():
    """Those that were proposed from it are proposed again when it has ended."""
    journal, expected = (one_by_one(Remembering, 2 * LAG + 4) for _ in range(2))
    for number in (1, 2 * LAG):
        del journal.outcomes[number], journal.feedback[number]
    journal.run(2 * LAG + 4, 2, lambda under_way: under_way - 1)
    assert journal.rows == expected.rows


def test_every_method_that_learns_is_tried():
    assert {name for name, method in METHODS.items() if method.learns} == {"bayesian", "cma-es", "gp"}


def test_a_trial_is_proposed_from_the_trials_before_the_last_ones():
    journal = Journal(Remembering)
    heard = []
    journal.sampler = lambda: heard.append(Remembering()) or heard[-1]
    journal.run(LAG + 4, 3)
    first = len(POINTS)  # the queue numbers the trials after its points from 0
    before = [["asked", number] for number in range(LAG + 1 - first)]
    turns = [[["told", number - first], ["asked", LAG + 1 + number - first]] for number in range(3)]
    assert [event[:2] for event in heard[0].heard] == [*before, *(event for turn in turns for event in turn)]


def test_so_many_trials_can_be_under_way():
    learner = Journal(Remembering).learner()
    trials = []
    while learner.ready(len(trials)):
        trials.append(learner.ask(len(trials)))
    assert len(trials) == LAG + 1
    for trial in trials[1:]:
        outcome = outcome_of(trial.number, trial.params)
        learner.add(outcome, learner.feedback(outcome))
        assert not learner.ready(len(trials))
        assert learner.incumbent == Incumbent()
    outcome = outcome_of(0, trials[0].params)
    learner.add(outcome, learner.feedback(outcome))
    assert learner.ready(len(trials))
    assert learner.incumbent == Incumbent.after([outcome])


def test_feedback_depends_on_the_trials_that_the_proposal_depends_on(make_outcome):
    """The worst score so far is that of the trials that are known to all runs when the trial begins."""
    journal = Journal(Remembering, "worst")
    learner = journal.learner()
    for number in range(LAG + 1):
        assert learner.ready(number)
        learner.ask(number)
    healthy, worse = make_outcome(0, scores=(-0.5,)), make_outcome(1, scores=(-0.75,))
    learner.add(worse, learner.feedback(worse))
    assert learner.feedback(make_outcome(2, "diverged")).value == -2.0
    learner.add(healthy, learner.feedback(healthy))
    assert learner.ready(LAG + 1)
    learner.ask(LAG + 1)
    assert learner.ready(LAG + 2)
    learner.ask(LAG + 2)
    told = [learner.feedback(make_outcome(n, "diverged")).value for n in (3, LAG + 1, LAG + 2)]
    assert told == [-2.0, -0.5, -0.75]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_as_they_end_learns_at_once(penalty):
    heard = []
    journal = Journal(lambda: heard.append(Remembering()) or heard[-1], penalty, AsTheyEnd)
    journal.run(6, 2)
    assert [event[:2] for event in heard[0].heard] == [
        *(["told", -2], ["asked", 0], ["told", -1], ["asked", 1], ["told", 0], ["asked", 2]),
        *(["told", 1], ["asked", 3], ["told", 2], ["told", 3]),
    ]
    journal.run(7, 1)
    assert [event[:2] for event in heard[1].heard] == [*(["told", n] for n in range(-2, 4)), ["asked", 4], ["told", 4]]


def test_as_they_end_knows_the_worst_trial_of_earlier_runs(make_outcome):
    journal = Journal(Remembering, "worst", AsTheyEnd)
    journal.outcomes[0], journal.feedback[0] = make_outcome(0, scores=(-0.5,), params=POINTS[0]), Feedback(-0.5)
    assert journal.learner().feedback(make_outcome(1, "diverged")).value == -0.5


@pytest.mark.parametrize("gap", [0, 3, 5])
def test_a_trial_that_was_proposed_otherwise_is_refused(gap):
    """Also if it comes after a trial that is missing."""
    journal = one_by_one(Remembering, 8)
    other = journal.outcomes[6].params | {"rate": 0.999}
    journal.outcomes[6] = outcome_of(6, other)
    del journal.outcomes[gap], journal.feedback[gap]
    learner = journal.learner()
    assert learner.ready(gap)
    learner.ask(gap)
    with pytest.raises(
        StudyError, match=r"^deterministic = true, but trial 6 of the journal .* set deterministic = false"
    ):
        learner.ready(9)


def test_a_difference_by_rounding_is_none():
    """Another processor may compute the last digit of a proposal otherwise."""
    journal = one_by_one(Remembering, 8)
    nearly = journal.outcomes[6].params
    journal.outcomes[6] = outcome_of(6, nearly | {"rate": nearly["rate"] * (1 + 1e-13)})
    assert journal.learner().ready(8)


def test_what_decides_on_the_first_missing_trial(make_outcome):
    outcomes = {number: make_outcome(number) for number in (*range(5), *range(6, 12))}
    assert decisive(outcomes) == []
    outcomes[5] = make_outcome(5)
    assert [outcome.number for outcome in decisive(outcomes)] == list(range(12 - LAG))
    del outcomes[LAG + 2]
    assert [outcome.number for outcome in decisive(outcomes)] == [0, 1]
    assert decisive({}) == []
