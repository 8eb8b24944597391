"""The best trials are evaluated again: how many with each further seed, which ones, and what that costs."""

import pytest

from search.loop import reevaluation
from search.seeds import derive
from search.trials.problem import Trial


def settle(make_problem, make_outcome, n_seeds, scores, further=lambda number, seed: 0.0, most=lambda seed: 999):
    """Settle made-up trials of these scores; return the numbers that were evaluated with each further seed."""
    problem, again, rounds = make_problem(), {}, []
    outcomes = {n: make_outcome(n, "ok" if s is not None else "diverged", scores=(s,)) for n, s in enumerate(scores)}

    def evaluate(jobs) -> None:
        rounds.append([trial.number for _, trial in jobs])
        for given, trial in jobs[: most(len(rounds))]:
            assert given.seed == derive(problem.seed, len(rounds))
            assert trial == Trial(trial.number, outcomes[trial.number].params)
            score = (further(trial.number, len(rounds)),)
            again.setdefault(trial.number, []).append(make_outcome(trial.number, scores=score))

    reevaluation.settle(outcomes, problem, n_seeds, again, evaluate)
    return rounds


@pytest.mark.parametrize(("n_seeds", "sizes"), [(1, []), (2, [2]), (3, [4, 2]), (4, [8, 4, 2]), (5, [16, 8, 4, 2])])
def test_half_as_many_with_every_further_seed(make_problem, make_outcome, n_seeds, sizes):
    """With n seeds it begins with the best 2^(n - 1)."""
    rounds = settle(make_problem, make_outcome, n_seeds, [float(-n) for n in range(40)])
    assert [len(numbers) for numbers in rounds] == sizes
    assert all(numbers == list(range(size)) for numbers, size in zip(rounds, sizes, strict=True))


@pytest.mark.parametrize(
    ("n_seeds", "n_jobs", "expected"),
    [(1, 1, 0), (2, 1, 2), (2, 2, 1), (3, 1, 6), (3, 3, 3), (4, 4, 4), (5, 1, 30), (5, 16, 4)],
)
def test_seconds_of_all_rounds_one_after_the_other(make_outcome, n_seeds, n_jobs, expected):
    assert reevaluation.seconds(make_outcome(seconds=2.5), n_seeds, n_jobs) == 2.5 * expected
    assert reevaluation.seconds(None, n_seeds, n_jobs) == 0.0


def test_those_that_are_best_over_all_evaluations_go_on(make_problem, make_outcome):
    scores = [10.0, 9.0, 8.0, None, 7.0, 6.0]
    rounds = settle(make_problem, make_outcome, 3, scores, lambda number, seed: 10.0 if number in (2, 4) else 0.0)
    assert rounds == [[0, 1, 2, 4], [2, 4]]


@pytest.mark.parametrize(
    ("short", "expected"), [(1, [[0, 1, 2, 3, 4, 5, 6, 7]]), (2, [[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 2, 3]])]
)
def test_it_ends_where_there_is_no_time_for_all(make_problem, make_outcome, short, expected):
    scores = [float(-n) for n in range(9)]
    found = settle(make_problem, make_outcome, 4, scores, most=lambda seed: 3 if seed == short else 999)
    assert found == expected


def resumed(make_problem, make_outcome, n_seeds, scores, known, diverges=()):
    """Settle trials some of which were evaluated again by an earlier run; return the numbers of every round."""
    again = {n: [make_outcome(n, scores=(s,)) for s in found] for n, found in known.items()}
    outcomes = {n: make_outcome(n, "ok" if s is not None else "diverged", scores=(s,)) for n, s in enumerate(scores)}
    rounds = []

    def evaluate(jobs) -> None:
        rounds.append([trial.number for _, trial in jobs])
        for _, trial in jobs:
            verdict = "diverged" if trial.number in diverges else "ok"
            again.setdefault(trial.number, []).append(make_outcome(trial.number, verdict, scores=(0.0,)))

    reevaluation.settle(outcomes, make_problem(), n_seeds, again, evaluate)
    return rounds


def test_what_an_earlier_run_has_evaluated_is_not_evaluated_again(make_problem, make_outcome):
    assert resumed(make_problem, make_outcome, 3, [4.0, 3.0, 2.0, 1.0], {0: [0.0], 2: [0.0]}) == [[1, 3], [0, 1]]
    assert resumed(make_problem, make_outcome, 2, [4.0, 3.0], {0: [0.0], 1: [0.0]}) == [[]]


def test_a_round_counts_the_evaluations_up_to_it(make_problem, make_outcome):
    """After the first, trials 2 and 1 are ahead with means of 2.5 and 2.25; the 100 of trial 0 belongs to the second."""
    known = {0: [0.0, 100.0], 1: [1.5], 2: [3.0], 3: [1.0]}
    assert resumed(make_problem, make_outcome, 3, [4.0, 3.0, 2.0, 1.0], known) == [[], [2, 1]]


def test_only_healthy_trials_are_evaluated_again(make_problem, make_outcome):
    assert resumed(make_problem, make_outcome, 3, [4.0, None, 3.0, None], {}) == [[0, 2], [0, 2]]
    assert resumed(make_problem, make_outcome, 3, [4.0, None, 3.0, None], {}, diverges={0}) == [[0, 2], [2]]
