"""The report in words and tables: what stands in every row, by hand."""

import dataclasses
import io
import sys
import threading

import pytest
from rich.cells import cell_len
from rich.console import Console

from bpmodel import Diagnosis, Finding
from search import formatting
from search.results import report
from search.results.paired_test import Difference
from search.results.progress import Progress
from search.results.result import Nested, Result
from search.results.widths import Fitted
from search.space import spaces
from search.terminal import status
from search.terminal.course import Course
from search.terminal.output import Output
from search.trials.baselines import Baseline

RMSE = "neg_root_mean_squared_error"


def shown(renderable) -> list[list[str]]:
    """Return the cells of each line as they are printed."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(renderable)
    lines = console.file.getvalue().splitlines()
    return [[cell for cell in line.strip().split("  ") if cell.strip()] for line in lines]


def cells(table) -> list[list[str]]:
    return [[cell.strip() for cell in line] for line in shown(table)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.99996, "1"),
        (1.00004, "1"),
        (1.2345, "1.234"),
        (0.012345, "0.0123"),
        (-12.3456, "-12.35"),
        (3, "3"),
        ([], "none"),
        ((8,), "8"),
        (None, "null"),
        ("relu", "relu"),
        (True, "true"),
    ],
    ids=str,
)
def test_numbers_have_four_digits_and_three_below_one(value, text):
    assert formatting.number(value) == text


def test_the_best_trials_side_by_side(make_outcome):
    """Six trials, of which five are shown; trial 9 had diverged. Signs are those of the error, not of the score."""
    outcomes = {
        n: make_outcome(n, scores=(-n - 1.0, -n - 2.0), params={"rate": n / 10} if n != 1 else {"kind": "tanh"})
        for n in (5, 0, 1, 2, 3, 4)
    }
    outcomes[9] = make_outcome(9, "diverged", params={"other": 1})
    rivals = {1: Difference(-1.0, 0.5, 0.004), 2: Difference(-2.0, 0.5, 0.126)}
    table = cells(report.best_trials(outcomes, rivals, RMSE))
    assert table == [
        ["Best of 7 trials"],
        ["trial 0", "trial 1", "trial 2", "trial 3", "trial 4"],
        ["root mean squared error", "1.5", "2.5", "3.5", "4.5", "5.5"],
        ["std over the folds", "0.5", "0.5", "0.5", "0.5", "0.5"],
        ["worse by", "1", "2"],
        ["p-value", "0.004", "0.13"],
        ["epochs", "6", "6", "6", "6", "6"],
        ["rate", "0", "-", "0.2", "0.3", "0.4"],
        ["kind", "-", "tanh", "-", "-", "-"],
    ]


def test_seeds_are_told_where_there_are_several(make_outcome):
    outcomes = {0: make_outcome(0, seed_scores=[-1.0, -2.0, -3.0]), 1: make_outcome(1)}
    table = cells(report.best_trials(outcomes, {}, "r2"))
    assert ["std over the seeds", "0.816"] in table
    assert not any("worse by" in row for row in table)


def test_the_best_trials_are_in_the_order_of_the_rows_shown_bug(make_outcome):
    """A score of 54.24 stood before one of 53.83, and nothing said that it was the mean over more seeds."""
    outcomes = {n: make_outcome(n, scores=(s,)) for n, s in enumerate([-53.68, -53.87, -53.92, -53.7, -54.39])}
    seeds = {1: [-53.5, -54.24], 2: [-53.92, -53.92], 3: [-53.6, -53.7, -53.8], 4: [-54.3, -54.4, -54.5]}
    outcomes |= {n: dataclasses.replace(outcomes[n], seed_scores=scores) for n, scores in seeds.items()}
    table = cells(report.best_trials(outcomes, {}, RMSE))
    assert table[:4] == [
        ["Best of 5 trials, those evaluated with more seeds first"],
        ["trial 3", "trial 4", "trial 1", "trial 2", "trial 0"],
        ["seeds", "3", "3", "2", "2", "1"],
        ["root mean squared error", "53.7", "54.39", "53.87", "53.92", "53.68"],
    ]
    keys = list(zip(*(map(float, row[1:]) for row in table[2:4]), strict=True))
    assert keys == sorted(keys, key=lambda key: (-key[0], key[1]))


def test_smaller_networks_are_those_of_the_front(make_outcome):
    """With each step down in size the score falls. Of nine the best, the smallest and every second one in between."""
    made = {n: make_outcome(n, scores=(-n - 1.0,), n_weights=10_000 - 1000 * n) for n in range(9)}
    made[9] = make_outcome(9, scores=(-99.0,), n_weights=9999)
    assert report.smaller({0: made[0], 9: made[9]}, RMSE) is not None
    assert report.smaller({0: made[0]}, RMSE) is None
    table = cells(report.smaller(made, RMSE))
    assert table[1] == ["trial 0", "trial 2", "trial 4", "trial 6", "trial 8"]
    assert table[2] == ["root mean squared error", "1", "3", "5", "7", "9"]
    assert table[3] == ["weights", "10,000", "8,000", "6,000", "4,000", "2,000"]
    assert not any("seeds" in row for row in table)
    seeded = {0: dataclasses.replace(made[0], seed_scores=[-1.0, -1.0]), 9: made[8]}
    assert cells(report.smaller(seeded, RMSE))[-1] == ["seeds", "2", "1"]
    five = {n: made[n] for n in (0, 1, 2, 3, 4)}
    assert cells(report.smaller(five, RMSE))[1] == [f"trial {n}" for n in range(5)]


@pytest.mark.parametrize(("scoring", "better", "sign"), [("r2", "higher", ""), ("neg_log_loss", "lower", "-")])
def test_baselines_come_before_the_best(make_outcome, scoring, better, sign):
    baselines = [Baseline("dummy", 2.0, 0.25), Baseline("linear", 1.5, 0.125)]
    table = report.comparison(make_outcome(0, scores=(1.0, 3.0)), "this", baselines, scoring)
    assert table.title.endswith(f"{better} is better)")
    assert [line for line in cells(table) if line[-1].startswith("±")] == [
        ["dummy", f"{sign}2", "± 0.25"],
        ["linear", f"{sign}1.5", "± 0.125"],
        ["this", f"{sign}2", "± 1"],
    ]
    assert report.comparison(None, "this", baselines, scoring).row_count == 2


def test_trials_that_may_be_as_good_are_named(make_outcome):
    best, apart, alike = make_outcome(4), Difference(-1.0, 0.1, 0.01), Difference(-0.1, 0.3, 0.5)
    assert report.alike(best, {1: apart}) == report.alike(best, {}) == report.alike(None, {2: alike}) == ""
    told = "Not distinguishable from trial 4 on these folds (95%, corrected resampled t-test): "
    assert report.alike(best, {1: apart, 2: alike}) == told + "trial 2"
    assert report.alike(best, {1: alike, 2: apart, 3: alike}) == told + "trials 1, 3"


def test_diverged_repaired_and_failed_trials_have_a_line_each(make_outcome):
    outcomes = {
        0: make_outcome(0, "diverged", params={"rate": 1.0}),
        1: make_outcome(1, "diverged", params={"kind": "tanh"}, code="unscaled_input"),
        2: make_outcome(2, "error", params={"rate": 0.5}),
        3: make_outcome(3, repairs=["first", "second", "2 steps skipped"]),
        4: make_outcome(4, repairs=["3 steps skipped"]),
        5: make_outcome(5, repairs=["only"]),
        6: make_outcome(6, "diverged", repairs=["in vain"]),
    }
    assert report.divergences(outcomes) == [
        "trial 0 (1, -): the loss exploded",
        "trial 1 (-, tanh): the loss exploded",
        "trial 6 (-, -): the loss exploded",
    ]
    assert report.diverged_title(outcomes) == "3 of 7 trials (2 exploding_step, 1 unscaled_input)"
    assert report.errors(outcomes) == ["trial 2: why it is error"]
    assert report.repairs(outcomes) == ["trial 3: first, and 1 more", "trial 5: only"]


@pytest.mark.parametrize(("lines", "shown"), [(8, 8), (9, 9), (20, 9)])
def test_eight_lines_are_shown(lines, shown):
    found = report._first([f"line {i}" for i in range(lines)], "; the rest is elsewhere")
    assert len(found) == shown
    assert found[7].plain == "  line 7"
    assert lines == 8 or found[8].plain == f"  and {lines - 8} more; the rest is elsewhere"


def test_folds_with_the_same_findings_share_a_text():
    """Healthy folds come last, those with findings in the order of their first fold."""
    ill = Diagnosis((Finding("dead_units", 1, {}, "cause", "remedy"),), "ill")
    other = Diagnosis((Finding("oscillating", 1, {}, "cause", "remedy"),), "other")
    lines = [line[0] for line in shown(report.diagnosed([Diagnosis((), "healthy"), ill, other, ill])) if line]
    heads = [line for line in lines if line.startswith("fold")]
    assert heads == ["folds 2, 4 of 4; this is fold 2", "fold 3 of 4", "fold 1 of 4"]
    assert lines[-1] == "healthy"
    assert report.NOT_PROBED in [line[0] for line in shown(report.diagnosed([None])) if line]


def test_a_single_configuration_fold_by_fold(make_outcome):
    lines = cells(report.single(make_outcome(0, scores=(-1.0, -3.0)), [], RMSE))
    assert ["ok: why it is ok"] in lines
    assert ["root mean squared error after 6 epochs"] in lines
    assert ["fold 1", "1"] in lines
    assert ["fold 2", "3"] in lines
    assert ["this configuration", "2", "± 1"] in lines
    broken = cells(report.single(make_outcome(0, "diverged"), [Baseline("dummy", -5.0, 0.5)], RMSE))
    assert not any("fold" in line[0] and "epochs" in line[0] for line in broken if line)
    assert ["dummy", "5", "± 0.5"] in broken


@pytest.mark.parametrize(
    ("verdicts", "text", "counts"),
    [
        ("", "best -", {"stopped": 0, "diverged": 0}),
        ("ok ok diverged stopped diverged error", "best 0.5", {"stopped": 1, "diverged": 2, "error": 1}),
    ],
)
def test_the_progress_has_the_best_score_and_counts(make_outcome, verdicts, text, counts):
    progress = Progress({n: make_outcome(n, v, scores=(-0.5 - n,)) for n, v in enumerate(verdicts.split())}, 10)
    course = Course()
    course.see(progress)
    assert status.best(course, RMSE) == text
    assert status.counts(progress) == counts


def test_progress_counts_every_verdict(make_outcome):
    progress = Progress({n: make_outcome(n, v) for n, v in enumerate(["ok", "ok", "error"])}, 5)
    assert progress.counts == {"ok": 2, "error": 1}
    assert progress.best.number == 0


def test_the_progress_that_is_drawn_changed_while_trials_finished_bug(make_outcome):
    """At 6,000 trials the thread that draws ended with "dictionary changed size during iteration"."""
    outcome, outcomes, shown, errors = make_outcome(0), {}, [], []
    ended = threading.Event()

    def draw() -> None:
        try:
            while not ended.is_set():
                for progress in shown[-1:]:
                    assert progress.counts["ok"] == progress.n_trials
                    assert progress.best is outcome
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=draw) for _ in range(3)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for number in range(1500):
            outcomes[number] = outcome
            shown.append(Progress(outcomes, number + 1))
    finally:
        ended.set()
        sys.setswitchinterval(before)
        for thread in threads:
            thread.join()
    assert errors == []
    assert len(shown[0].outcomes) == 1


ROUNDED = {
    "below": (0.99e-12, 1.0, "0"),
    "at the limit": (1.01e-12, 1.0, "1.01e-12"),
    "negative": (-2.22e-17, -0.96, "0"),
    "beside nothing": (2.22e-17, 0.0, "2.22e-17"),
    "of large numbers": (1e-9, 5e4, "0"),
    "not finite": (float("inf"), 1.0, "inf"),
    "beside nan": (1e-20, float("nan"), "1e-20"),
}


@pytest.mark.parametrize(("value", "beside", "text"), ROUNDED.values(), ids=ROUNDED.keys())
def test_rounding_errors_are_zero(value, beside, text):
    assert formatting.number(value, beside) == text


def test_worse_by_a_rounding_error_bug(make_outcome):
    """Two trials with the same scores: "worse by -2.22e-17", "std over the folds 1.11e-16"."""
    scores = (0.96, 0.96, 0.96 + 2.3e-16)
    outcomes = {n: make_outcome(n, scores=scores, seed_scores=[0.96, 0.96 + 1.2e-16]) for n in range(2)}
    found = cells(report.best_trials(outcomes, {1: Difference(2.22e-17, 0.0, 1.0)}, "accuracy"))
    rows = {row[0]: row[1:] for row in found[2:]}
    assert rows["worse by"] == ["0"]
    assert rows["std over the folds"] == ["0", "0"]
    assert rows["std over the seeds"] == ["0", "0"]
    baselines = [Baseline("dummy", -2.2, 1e-16), Baseline("linear", -3e-16, 1e-17)]
    table = cells(report.comparison(make_outcome(0, scores=(-1.0, -1.0 - 2.3e-16)), "this", baselines, RMSE))
    assert [row[1:] for row in table if len(row) == 3] == [["2.2", "± 0"], ["0", "± 0"], ["1", "± 0"]]


def test_rounding_errors_in_sentences_are_zero(make_outcome):
    best = make_outcome(0, scores=(-0.96, -0.96 - 2.3e-16))
    baselines = [Baseline("dummy predictor", -2.2, 1e-16), Baseline("linear model", -1e-16, 1e-17)]
    space, nested = spaces.build({"alpha": [1.0]}), Nested([-0.5, -0.5 - 2.3e-16])
    result = Result("x", "grid", "2 folds", RMSE, space, {0: best}, baselines, best, nested=nested)
    first, second, _ = report.honest(result)
    assert first.startswith("0.5 ± 0: ")
    assert second.startswith("0.96 ± 0: ")
    told = report.summary(result).split("\n")[0]
    assert "0.96 ± 0**, linear model 0 ± 0, dummy predictor 2.2 ± 0." in told


def test_an_error_of_zero_has_no_sign():
    assert formatting.number(-0.0) == "0"


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_every_table_keeps_labels_and_columns_at_every_width(make_outcome, monkeypatch, width):
    """Names of any script, whose characters may be two columns wide. Lines that no terminal could show are sentences only."""
    monkeypatch.setenv("COLUMNS", str(width))
    output = Output(io.StringIO())
    params = {"hidden_layer_sizes": [64, 32], "房价_学习率": 0.01}
    outcomes = {n: make_outcome(n, params=params, scores=(-1234.5 - n,), n_weights=900 - n) for n in range(6)}
    baselines = [Baseline("dummy predictor", -2000.0, 3.0), Baseline("linear model", -1800.5, 3.0)]
    space = spaces.build({"hidden_layer_sizes": [[64, 32]], "房价_学习率": (0.1, 1.0)})
    rivals = {1: Difference(-1.0, 0.5, 0.3)}
    result = Result("房价", "grid", "2 folds", RMSE, space, outcomes, baselines, outcomes[0], rivals)
    output.print(report.final(result))
    output.print(report.single(outcomes[0], baselines, RMSE))
    labels = {
        "root mean squared error": 2,
        "std over the folds": 1,
        "worse by": 1,
        "p-value": 1,
        "epochs": 1,
        "hidden_layer_sizes": 1,
        "房价_学习率": 1,
        "weights": 1,
        "dummy predictor": 2,
        "linear model": 2,
        "best network (trial 0)": 1,
        "this configuration": 1,
        "fold 1": 1,
    }
    lines = output.file.getvalue().splitlines()
    rows = {label: [line for line in lines if line.startswith(f" {label}  ")] for label in labels}
    assert {label: len(found) for label, found in rows.items()} == labels
    shown = [line for found in rows.values() for line in found]
    assert max(cell_len(line) for line in shown) <= width
    ends = {cell_len(rows[label][0].rstrip()) for label in ("std over the folds", "epochs", "房价_学习率")}
    assert len(ends) == 1, "columns end at the same place, whatever the width of their labels"
    assert "…" not in output.file.getvalue()
    assert "On the same folds (root mean squared error, lower is better)" in lines


@pytest.mark.parametrize(("width", "columns"), [(200, 5), (70, 5), (69, 4), (60, 3), (43, 2), (42, 1), (10, 1)])
def test_a_narrow_terminal_shows_fewer_trials_and_whole_labels(make_outcome, width, columns):
    """At 60 columns the labels were once gone altogether, and twelve rows of numbers were left."""
    outcomes = {n: make_outcome(n, params={"learning_rate_init": 0.01}, scores=(-1.0, -1.0)) for n in range(6)}
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(Fitted(lambda most: report.best_trials(outcomes, {}, RMSE, most)), soft_wrap=True)
    shown = console.file.getvalue()
    assert shown.count("trial ") == columns
    assert "learning_rate_init" in shown
    assert "root mean squared error" in shown


def test_the_summary_says_which_scores_are_means_over_seeds(make_outcome):
    """The runs of trials in MLflow have the first evaluation, and the parent run the mean: readers see both numbers."""

    def told(*seeded: int) -> list[str]:
        outcomes = {n: make_outcome(n, scores=(-1.0 - n, -1.0 - n)) for n in range(4)}
        outcomes |= {n: dataclasses.replace(outcomes[n], seed_scores=[-1.0 - n, -1.0 - n]) for n in seeded}
        space = spaces.build({"alpha": [1.0]})
        result = Result("x", "grid", "2 folds", RMSE, space, outcomes, [], outcomes[0])
        return [line for line in report.summary(result).split("\n") if "more seeds" in line]

    means = "evaluated with more seeds; the scores here are means over them"
    assert told(2, 0) == [f"Trials 0, 2: {means}, the runs of these trials have their first."]
    assert told(1) == [f"Trial 1: {means}, the run of this trial has its first."]
    assert told() == []
