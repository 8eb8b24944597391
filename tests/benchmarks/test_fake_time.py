"""A cluster in fake time: what must hold whatever the costs are, and where it bends."""

import pytest

from benchmarks.scale import fake_time, measuring
from benchmarks.scale.fake_time import Costs, fixed, spread, study
from benchmarks.scale.measuring import Measured

FREE = Costs(0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize("n_workers", [1, 7, 100])
def test_without_costs_all_workers_train_all_the_time(n_workers):
    run = study(n_workers, 50 * n_workers, FREE, fixed(0.5))
    assert run.busy == pytest.approx(1.0)
    assert run.rate == pytest.approx(n_workers / 0.5)


@pytest.mark.parametrize("part", ["trial", "batch", "scheduler"])
def test_no_rate_is_above_what_one_part_can_do(part):
    costs = Costs(**{**vars(FREE), part: 0.01})
    run = study(100, 2_000, costs, fixed(0.04))
    assert run.rate == pytest.approx(100 * (1 if part == "trial" else run.size), rel=0.07)
    assert (run.scheduler if part == "scheduler" else run.coordinator) == pytest.approx(1.0, abs=0.05)
    assert run.busy == pytest.approx(run.rate * 0.04 / 100)


def test_a_second_batch_hides_the_way_of_short_trials_and_not_that_of_long_ones():
    costs = Costs(0.0, 0.0, 0.0, 0.0, 0.02)
    assert study(4, 400, costs, fixed(0.5)).busy > 0.95
    assert study(4, 400, costs, fixed(2.0)).busy == pytest.approx(2.0 / 2.04, rel=0.01)


def test_trials_of_other_times_have_the_mean_that_was_asked_for():
    drawn = spread(0.3, cv=0.5)
    values = [drawn(number) for number in range(20_000)]
    assert sum(values) / len(values) == pytest.approx(0.3, rel=0.02)
    assert drawn(5) == spread(0.3, cv=0.5)(5) != spread(0.3, cv=0.5, seed=1)(5)


def test_a_search_with_many_workers_knows_less_when_it_proposes():
    serial, parallel = (sum(fake_time.regret(n, 100, "bayesian", seed) for seed in range(3)) for n in (1, 100))
    assert serial < parallel
    assert fake_time.regret(1, 30, "random", 0) == fake_time.regret(30, 30, "random", 0)


@pytest.mark.slow
def test_costs_are_found_again_from_the_rates_that_they_lead_to(monkeypatch):
    monkeypatch.setattr(measuring, "SATURATED", (8, 0.005))  # with these costs, that keeps the coordinator busy, too
    costs = Costs(2e-3, 1e-3, 1e-3, 2e-3, 2e-3)
    pairs = [(n, seconds) for n in (1, 2, 8) for seconds in (*measuring.FITTED, 0.04)]
    points = {pair: Measured(measuring.modelled(costs, *pair).rate, 0.0, 0.0, 0) for pair in pairs}
    rows, worst = measuring.checks(points, measuring.fitted(points))
    assert worst < 0.03
    assert len(rows) == len(points)
    _, wrong = measuring.checks(points, Costs(8e-3, 1e-3, 1e-3, 2e-3, 2e-3))
    assert wrong > 0.1
