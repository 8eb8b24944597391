"""Progress in a pipe: a line now and then, by a clock that the test turns."""

import io
import json
import threading

import pytest
from rich.console import Console

from search.results.progress import Progress
from search.terminal import bar, course, progress
from search.terminal.lines import BEST_WAIT, SILENCES, EverySecond, ProgressLines

RMSE = "neg_root_mean_squared_error"


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class NoTimer:
    """A timer that is only started and stopped."""

    def __init__(self, function) -> None:
        self.function, self.calls = function, []

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")


class Screen:
    """Progress lines with a clock to turn, and what they wrote."""

    def __init__(self, make_outcome) -> None:
        self.clock, self.make = Clock(), make_outcome
        self.console = Console(file=io.StringIO(), width=160, highlight=False, markup=False, soft_wrap=True)
        self.lines = ProgressLines("small: grid search", RMSE, self.console, self.clock, NoTimer)
        self.outcomes = {}

    def trial(self, seconds: float = 0.0, verdict: str = "ok", score: float = -50.0, **more) -> None:
        """Let a trial end after some seconds; the first one of a stage after its state without trials."""
        if not self.outcomes:
            self.lines.show(Progress({}, **{"n_trials": 50} | more))
        self.clock.now += seconds
        self.outcomes[len(self.outcomes)] = self.make(len(self.outcomes), verdict, scores=(score,))
        self.lines.show(Progress(self.outcomes, **{"n_trials": 50} | more))

    def wait(self, seconds: float) -> None:
        """Let time pass, with a tick every second."""
        for _ in range(int(seconds)):
            self.clock.now += 1.0
            self.lines.tick()

    @property
    def told(self) -> list[str]:
        return self.console.file.getvalue().splitlines()


@pytest.fixture
def screen(make_outcome) -> Screen:
    return Screen(make_outcome)


def test_a_line_has_trials_best_score_counts_and_times(screen):
    screen.lines.show(Progress({}, 50, notes=["read with separator ;"]))
    assert screen.told == ["small: grid search", "data: read with separator ;"]
    for verdict in ["ok"] * 25 + ["diverged"] * 4 + ["stopped"] * 8:
        screen.trial(1.0, verdict, -53.7)
    screen.lines.stop()
    assert screen.told[-1] == "trial 37/50  best 53.7  stopped 8  diverged 4  1 trials/s  elapsed 0:37  left ~0:13"


def test_each_tenth_of_the_trials_has_a_line(screen):
    """A trial each tenth of a second for two minutes: 1,200 trials, eleven lines."""
    for _ in range(1200):
        screen.trial(0.1, n_trials=1200)
    done = [line.split("/")[0] for line in screen.told[1:]]
    assert done == [f"trial {n}" for n in (1, *range(120, 1201, 120))]
    assert screen.told[-1].endswith("evaluating and fitting the best")


@pytest.mark.parametrize(("seconds", "told"), [(BEST_WAIT - 0.1, False), (BEST_WAIT, True)])
def test_a_better_trial_has_a_line_if_the_last_one_is_not_new(screen, seconds, told):
    screen.trial(1.0)
    screen.trial(seconds, score=-40.0)
    assert ("new best 40 " in screen.told[-1]) == told
    screen.trial(BEST_WAIT, score=-45.0)
    assert "trial 2/50" in screen.told[-1] if told else "trial 3/50  new best 40 " in screen.told[-1]
    screen.trial(10 * BEST_WAIT, score=-40.0)
    assert len(screen.told) == 3, "an equal trial is no better one"


@pytest.mark.parametrize("past", [-1.0, 0.0])
def test_a_long_trial_is_not_silent(screen, past):
    screen.lines.show(Progress({}, 50))
    screen.wait(sum(SILENCES) + SILENCES[-1] + past)
    moments = ["0:30", "1:30", "3:30", "8:30", "13:30"]
    moments = moments if past == 0 else moments[:-1]
    assert screen.told[1:] == [f"trial 0/50  best -  stopped 0  diverged 0  elapsed {when}" for when in moments]


def test_silence_begins_anew_with_each_line(screen):
    screen.wait(SILENCES[0] + SILENCES[1])
    screen.trial()
    screen.wait(SILENCES[0])
    assert [line.split("elapsed ")[1].split()[0] for line in screen.told if "elapsed" in line] == [
        "0:30",
        "1:30",
        "1:30",
        "2:00",
    ]


def test_reading_and_fitting_are_not_silent(screen):
    screen.wait(SILENCES[0])
    assert screen.told == ["reading the data  elapsed 0:30"]
    screen.trial(n_trials=1)
    screen.wait(SILENCES[0])
    end = "trial 1/1  best 50  stopped 0  diverged 0  elapsed {}  evaluating and fitting the best"
    assert screen.told[1] == "small: grid search"
    assert screen.told[2:] == [end.format("0:30"), end.format("1:00")]


def test_the_last_state_is_written_once(screen):
    screen.trial()
    screen.trial(1.0)
    assert len(screen.told) == 2, "the second trial is not worth a line of its own"
    screen.lines.stop()
    assert screen.told[-1].startswith("trial 2/50")
    screen.lines.stop()
    assert len(screen.told) == 3


def test_another_stage_is_another_state(screen):
    """Of an outer fold that was interrupted as many trials may be known as there were in the stage before."""
    screen.trial(n_trials=1)
    screen.lines.show(Progress(screen.outcomes, 1, "outer fold 1 of 2"))
    screen.lines.stop()
    assert [line.split("  ")[0] for line in screen.told[1:]] == ["trial 1/1", "outer fold 1 of 2: trial 1/1"]


def test_a_mistake_before_the_first_report_leaves_no_line(screen):
    screen.lines.stop()
    assert screen.told == []


def test_time_left_is_that_of_the_trials_of_this_run(make_outcome):
    """Of 50 trials 40 are known from an earlier run; the next takes ten seconds, so nine more take a minute and a half."""
    screen = Screen(make_outcome)
    screen.outcomes = {n: make_outcome(n) for n in range(40)}
    screen.lines.show(Progress(screen.outcomes, 50))
    assert "trial 40/50" in screen.told[-1]
    assert "left" not in screen.told[-1]
    screen.trial(10.0)
    assert screen.told[-1].endswith("elapsed 0:10  left ~1:30")


def test_outer_folds_have_their_name_and_count_as_time_left(screen):
    """Two trials of ten seconds each, then two outer folds of two trials."""
    screen.lines.show(Progress({}, 2, further=4))
    screen.trial(10.0, n_trials=2, further=4)
    assert screen.told[-1].endswith("left ~0:50")
    screen.trial(10.0, n_trials=2, further=4)
    screen.outcomes = {}
    screen.trial(10.0, n_trials=2, further=2, stage="outer fold 1 of 2")
    assert screen.told[-1].endswith("left ~0:30")
    screen.trial(20.0, n_trials=2, further=2, stage="outer fold 1 of 2")
    assert screen.told[-1].startswith("outer fold 1 of 2: trial 2/2  best 50")
    screen.outcomes = {}
    screen.lines.show(Progress({}, 2, "outer fold 2 of 2"))
    screen.trial(30.0, n_trials=2, stage="outer fold 2 of 2")
    assert screen.told[-1].endswith(
        "outer fold 2 of 2: trial 1/2  best 50  stopped 0  diverged 0  2 trials/min  elapsed 1:20  left ~0:30"
    )


def test_there_are_no_control_characters(screen):
    for _ in range(60):
        screen.trial(17.0)
    screen.lines.stop()
    written = screen.console.file.getvalue()
    assert len(screen.told) > 5
    assert written.replace("\n", "").isprintable()
    assert written.isascii()


def test_the_timer_runs_from_start_to_stop(screen):
    screen.lines.start()
    screen.lines.stop()
    assert screen.lines._timer.calls == ["start", "stop"]
    assert screen.lines._timer.function == screen.lines.tick


def test_the_timer_calls_until_it_is_stopped():
    called = threading.Event()
    timer = EverySecond(called.set, seconds=0.001)
    timer.start()
    assert called.wait(60)
    timer.stop()
    assert not timer._thread.is_alive()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


DISPLAYS = {
    "terminal": ({"file": Terminal()}, True),
    "pipe": ({"file": io.StringIO()}, False),
    "pipe with forced colors": ({"file": io.StringIO(), "force_terminal": True}, False),
}


@pytest.mark.parametrize(("options", "expected"), DISPLAYS.values(), ids=DISPLAYS.keys())
def test_only_a_terminal_has_a_bar(monkeypatch, options, expected):
    monkeypatch.setenv("TERM", "xterm")
    started = []

    class Watched:
        def __init__(self, name: str) -> None:
            self.start, self.stop, self.show = (
                (lambda: started.append(name)),
                (lambda: started.append("stop")),
                print,
            )

    monkeypatch.setattr(progress, "ProgressBar", lambda *_: Watched("bar"))
    monkeypatch.setattr(progress, "ProgressLines", lambda *_: Watched("lines"))
    with pytest.raises(ZeroDivisionError), progress.shown("title", RMSE, Console(**options)):
        _ = 1 / 0
    assert started == ["bar" if expected else "lines", "stop"]


def test_a_terminal_that_cannot_move_its_cursor_has_no_bar(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not progress.redraws(Console(file=Terminal()))


def test_a_bar_starts_with_the_first_report(make_outcome):
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    shown = bar.ProgressBar("small: grid search", RMSE, console)
    shown.start()
    assert console.file.getvalue() == ""
    shown.show(Progress({0: make_outcome(0)}, 4, notes=["a note"]))
    shown.stop()
    assert console.file.getvalue().startswith("small: grid search\ndata: a note\n")
    assert "best 0.375 stopped 0 diverged 0" in console.file.getvalue()


@pytest.mark.parametrize(("width", "height"), [(40, 2), (80, 2), (200, 1)])
def test_a_narrow_terminal_lost_best_score_and_counts_bug(make_outcome, width, height):
    """At 40 columns the words were cut off and the number of stopped trials stood in a column of its own below."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    shown = bar.ProgressBar("title", RMSE, console)
    verdicts = ["ok", *["stopped"] * 12, *["diverged"] * 13, "error"]
    outcomes = {n: make_outcome(n, verdict, scores=(-53.7,)) for n, verdict in enumerate(verdicts)}
    shown.show(Progress({}, 1000))
    shown.show(Progress(outcomes, 1000))
    drawn = Console(file=io.StringIO(), width=width, color_system=None)
    drawn.print(shown._drawn())
    shown.stop()
    told = drawn.file.getvalue().splitlines()
    assert len(told) == height
    assert max(map(len, told)) <= width
    whole = " ".join(" ".join(told).split())
    assert whole.startswith("trials 27/1000 ")
    assert "best 53.7 stopped 12 diverged 13 error 1" in whole
    assert "left ~" in whole


class Course:
    """A study whose trials end when the test says so."""

    def __init__(self, make_outcome, **limits) -> None:
        self.clock, self.make, self.limits, self.outcomes = Clock(), make_outcome, limits, {}
        self.course = course.Course(self.clock)
        self.course.see(Progress({}, **limits))

    def trials(self, n: int, seconds: float) -> None:
        for _ in range(n):
            self.clock.now += seconds
            self.outcomes[len(self.outcomes)] = self.make(len(self.outcomes))
            self.course.see(Progress(self.outcomes, **self.limits))


def test_time_left_is_that_of_recent_trials(make_outcome):
    """The first trial compiled code for a minute; those after it take a second each."""
    study = Course(make_outcome, n_trials=100)
    study.trials(1, 60.0)
    assert study.course.left == pytest.approx(99 * 60)
    study.trials(course.RECENT - 1, 1.0)
    assert study.course.left > 2 * 80
    study.trials(1, 1.0)
    assert study.course.left == pytest.approx(79)
    assert study.course.rate == pytest.approx(1.0)


def test_time_left_knows_of_time_limits_and_outer_folds(make_outcome):
    """Ten trials a second: the 1,000 of each of three stages take 100 seconds, of which a limit allows 60."""
    study = Course(make_outcome, n_trials=1000, further=2000, timeout=60.0)
    study.trials(100, 0.1)
    assert study.course.left == pytest.approx(50 + 2 * 60)
    study.clock.now += 300
    assert study.course.left == pytest.approx(2 * 60), "it is never less than nothing"


def test_progress_for_programs_is_a_document_a_line(make_outcome, capsys):
    class Output(Console):
        tells_programs = True

    with progress.shown("title", RMSE, Output(quiet=True)) as show:
        show(Progress({}, 4, notes=["a note"]))
        show(Progress({0: make_outcome(0, scores=(-2.0,))}, 4))
        show(Progress({0: make_outcome(0, scores=(-2.0,)), 1: make_outcome(1, "diverged")}, 4))
    printed = capsys.readouterr()
    first, second = map(json.loads, printed.err.splitlines())
    assert printed.out == ""
    assert (first["progress"], second["progress"]) == ("first", "share")
    assert (second["done"], second["n_trials"], second["trials"]["diverged"]) == (2, 4, 1)
    assert second["best"] == {"number": 0, "score": 2.0}


def test_a_study_that_is_quiet_shows_nothing(capsys):
    console = Console(file=Terminal(), quiet=True)
    with progress.shown("title", RMSE, console) as show:
        show(Progress({}, 4))
    assert (console.file.getvalue(), capsys.readouterr()) == ("", ("", ""))


class Broken:
    """A display that fails in one of its methods."""

    def __init__(self, where: str) -> None:
        self.where, self.calls = where, []

    def call(self, name: str) -> None:
        self.calls.append(name)
        if name == self.where:
            raise RuntimeError("no\nterminal")

    def start(self) -> None:
        self.call("start")

    def show(self, progress: Progress) -> None:
        self.call("show")

    def stop(self) -> None:
        self.call("stop")


@pytest.mark.parametrize("where", ["start", "show", "stop"])
def test_a_display_that_fails_does_not_end_the_study(monkeypatch, capsys, where):
    display = Broken(where)
    monkeypatch.setattr(progress, "ProgressLines", lambda *_: display)
    with progress.shown("title", RMSE, Console(file=io.StringIO())) as show:
        show(Progress({}, 4))
        show(Progress({}, 4))
    assert capsys.readouterr().err == "progress is no longer shown (RuntimeError: no terminal); the study goes on\n"
    whole = ["start", "show", "show", "stop"]
    assert display.calls == whole[: whole.index(where) + 1]


def test_the_error_of_a_study_is_not_that_of_its_display(monkeypatch, capsys):
    monkeypatch.setattr(progress, "ProgressLines", lambda *_: Broken("nowhere"))
    with pytest.raises(ZeroDivisionError), progress.shown("title", RMSE, Console(file=io.StringIO())):
        _ = 1 / 0
    assert capsys.readouterr().err == ""


def test_a_timer_whose_function_fails_ends_with_one_line(capsys):
    calls = []

    def fail() -> None:
        calls.append(1)
        raise RuntimeError("no terminal")

    timer = EverySecond(fail, seconds=0.001)
    timer.start()
    timer._thread.join(30)
    timer.stop()
    assert calls == [1]
    assert capsys.readouterr().err == "progress is no longer shown (RuntimeError: no terminal); the study goes on\n"


def test_a_bar_whose_line_fails_says_so(monkeypatch):
    def fail(*_):
        raise RuntimeError("no score")

    monkeypatch.setattr(bar.status, "counts", fail)
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    shown = bar.ProgressBar("title", RMSE, console)
    shown.show(Progress({}, 4))
    shown.stop()
    assert "progress is no longer shown" in console.file.getvalue()


def test_the_rate_stays_once_all_trials_have_ended(make_outcome):
    """The best are evaluated and fitted for a while after: that does not make the trials slower than they were."""
    study = Course(make_outcome, n_trials=50)
    study.trials(50, 0.5)
    study.clock.now += 600.0
    assert study.course.rate == pytest.approx(2.0)
    assert study.course.left == 0.0


def test_the_rate_sinks_while_a_trial_takes_long(make_outcome):
    study = Course(make_outcome, n_trials=50)
    study.trials(49, 0.5)
    study.clock.now += 600.0
    assert study.course.rate < 0.1
