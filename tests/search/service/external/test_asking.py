"""Trials that clients train: lent for a time, told once, learnt from."""

import json
import math
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.errors import StudyError
from search.loop import file_journal, journal
from search.service.external import asking as asking_module
from search.service.external.asking import (
    MOST_ASKED,
    Asking,
    ConflictError,
    NotLendingError,
    NoTrialError,
)
from search.service.external.results import Told
from search.service.place import Place
from search.service.queue import Queue
from search.service.states import CANCELLED, DONE, PAUSED, QUEUED, RUNNING, STOPPING
from search.study import external
from search.study.external import LARGEST

TEXT = """\
name = "trees"
direction = "{direction}"
metric = "rmse"
n_trials = {n_trials}
method = "{method}"
baseline = 10.0
lease = 60
initial_points = [{{ depth = 4 }}]
[space]
depth = [2, 4, 8]
rate = {{ low = 1e-3, high = 1.0, log = true }}
"""


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def asking(folder, clock):
    made = Asking(Queue(Place(), clock))
    yield made
    made.close()
    made._queue.close()


def submit(asking, direction="minimize", n_trials=6, method="random"):
    return asking.submit(TEXT.format(direction=direction, n_trials=n_trials, method=method))


def numbers(answer):
    return [trial["number"] for trial in answer["trials"]]


def stored(study="trees"):
    space = external.parse(TEXT.format(direction="minimize", n_trials=1, method="random")).space
    path = Path(f"studies/{study}.journal")
    found = journal.read(path, space) if path.exists() else None
    return {} if found is None else found.outcomes


def test_a_study_from_its_first_trial_to_its_last(asking, clock):
    assert submit(asking).state == QUEUED
    first = asking.ask("trees", 2)
    assert (numbers(first), first["state"]) == ([0, 1], RUNNING)
    assert first["trials"][0]["params"]["depth"] == 4
    assert [trial["until"] for trial in first["trials"]] == [1060.0, 1060.0]
    assert asking.tell("trees", 1, Told(score=3.0, epoch=5)) == {"number": 1, "recorded": True, "state": RUNNING}
    assert asking.tell("trees", 0, Told("diverged", epoch=2, epochs=10, reason="nan"))["recorded"]
    rest = asking.ask("trees", 50)
    assert numbers(rest) == [2, 3, 4, 5]
    for number in numbers(rest):
        last = asking.tell("trees", number, Told(score=float(number)))
    assert last["state"] == DONE
    found = stored()
    assert sorted(found) == list(range(6))
    assert [found[number].score for number in (1, 2)] == [-3.0, -2.0]
    assert (found[0].verdict, found[0].divergence.epoch, found[0].divergence.survived) == ("diverged", 2, 0.2)
    assert found[0].params == first["trials"][0]["params"]
    counts = asking._queue.get("trees").counts
    assert counts["trials"] == {"ok": 5, "stopped": 0, "diverged": 1, "error": 0}
    assert (counts["best"], counts["best_trial"]) == (-2.0, 2)
    assert not journal.running(Path("studies/trees.journal"))
    assert asking.ask("trees") == {"trials": [], "state": DONE}
    assert not journal.running(Path("studies/trees.journal"))


def test_scores_that_are_to_grow(asking):
    submit(asking, direction="maximize")
    asking.ask("trees", 2)
    asking.tell("trees", 0, Told(score=3.0))
    asking.tell("trees", 1, Told(score=4.0))
    assert asking._queue.get("trees").counts["best"] == 4.0
    assert asking._queue.get("trees").about["scoring"] == "rmse"


def test_to_tell_again_changes_nothing_and_another_result_is_refused(asking):
    submit(asking)
    asking.ask("trees")
    told = Told(score=3.0, epoch=5)
    asking.tell("trees", 0, told)
    before = Path("studies/trees.journal").read_bytes()
    assert asking.tell("trees", 0, told) == {"number": 0, "recorded": False, "state": RUNNING}
    for other in (
        Told(score=3.5, epoch=5),
        Told(score=3.0, epoch=6),
        Told("error"),
        Told("stopped", score=3.0, epoch=5),
    ):
        with pytest.raises(
            ConflictError, match="trial 0 of study 'trees' has been told: verdict 'ok', score 3, epoch 5; it stays"
        ):
            asking.tell("trees", 0, other)
    assert Path("studies/trees.journal").read_bytes() == before


def test_a_trial_that_nobody_has_asked_for(asking):
    submit(asking)
    for number in (0, 5, 10**6, -1):
        with pytest.raises(NoTrialError, match=f"trial {number} of study 'trees' has not been asked for"):
            asking.tell("trees", number, Told(score=1.0))


def test_a_trial_whose_time_has_run_out_is_lent_again(asking, clock):
    submit(asking)
    first = asking.ask("trees", 2)
    clock.now += 59.9
    assert numbers(asking.ask("trees")) == [2]
    clock.now += 0.1
    again = asking.ask("trees", 1)
    assert numbers(again) == [0]
    assert again["trials"][0]["params"] == first["trials"][0]["params"]
    assert again["trials"][0]["until"] == clock.now + 60
    assert numbers(asking.ask("trees", 2)) == [1, 3]
    assert asking.tell("trees", 1, Told(score=1.0))["recorded"]  # by the first client, late
    with pytest.raises(ConflictError):
        asking.tell("trees", 1, Told(score=2.0))  # by the second one


def test_a_study_that_proposes_slowly_keeps_nobody_else_waiting(asking, monkeypatch):
    """One lock was for all studies, and the supervisor waited for it, too."""
    submit(asking)
    asking.submit(TEXT.format(direction="minimize", n_trials=6, method="random").replace("trees", "slow"))
    asking.ask("slow")
    begun, go_on = threading.Event(), threading.Event()

    def propose(number):
        begun.set()
        assert go_on.wait(60)
        return {"depth": 2, "rate": 0.1}

    monkeypatch.setattr(asking._sessions["slow"].sampler, "ask", propose)
    thread = threading.Thread(target=asking.ask, args=("slow",))
    thread.start()
    assert begun.wait(60)
    asking.ask("trees")
    assert asking.tell("trees", 0, Told(score=1.0))["recorded"]
    asking.settle(asking._queue.act("slow", "pause"))
    assert asking._queue.get("slow").state == STOPPING
    go_on.set()
    thread.join()
    asking.settle(asking._queue.get("slow"))
    assert asking._queue.get("slow").state == PAUSED


def test_an_answer_that_takes_long_has_the_trials_that_there_are(asking, monkeypatch):
    submit(asking)
    ticks = iter(range(100))
    monkeypatch.setattr(asking_module, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    assert numbers(asking.ask("trees", 6)) == [0, 1, 2]  # a second each
    assert numbers(asking.ask("trees", 6)) == [3, 4, 5]


def test_a_study_that_has_all_of_a_smaller_budget_ends_although_nobody_asks(asking):
    submit(asking)
    asking.ask("trees", 3)
    for number in range(3):
        asking.tell("trees", number, Told(score=1.0))
    asking.settle(asking._queue.get("trees"))
    assert asking._queue.get("trees").state == RUNNING
    asking.settle(asking._queue.act("trees", "submit", n_trials=3))
    assert asking._queue.get("trees").state == DONE
    asking.settle(asking._queue.act("trees", "submit", priority=4))  # it was queued until the next ask
    assert asking._queue.get("trees").state == DONE
    assert not journal.running(Path("studies/trees.journal"))


def test_a_result_that_nobody_asked_for_leaves_no_journal(asking):
    submit(asking)
    with pytest.raises(NoTrialError):
        asking.tell("trees", 0, Told(score=1.0))
    assert not Path("studies/trees.journal").exists()


@pytest.mark.parametrize("change", [{"epochs": 50}, {"loss_ratio": 3.0}, {"epoch": 4}])
def test_another_divergence_is_another_result(asking, change):
    submit(asking)
    asking.ask("trees")
    told = {"verdict": "diverged", "epoch": 5, "epochs": 10, "loss_ratio": 2.0}
    assert asking.tell("trees", 0, Told(**told, reason="nan"))["recorded"]
    asking.close()
    assert not asking.tell("trees", 0, Told(**told, reason="the same in other words"))["recorded"]
    with pytest.raises(ConflictError):
        asking.tell("trees", 0, Told(**told | change))


def test_the_epoch_of_a_divergence_is_one_of_those_that_were_planned():
    Told("diverged", epoch=10, epochs=10).check()
    with pytest.raises(StudyError, match=r"^epoch = 11; allowed are whole numbers up to epochs = 10$"):
        Told("diverged", epoch=11, epochs=10).check()


@pytest.mark.parametrize("name", ["../a/b:c?", "a\nb", "x" * 101, "layers[0]", "", "1a", "a.", "a ", "a..b", "-a"])
def test_names_that_mlflow_does_not_take_are_refused(name):
    text = TEXT.format(direction="minimize", n_trials=6, method="random") + f"{json.dumps(name)} = [1, 2]\n"
    with pytest.raises(StudyError, match=r"allowed are letters, digits, '_', '-', '\.' and blanks, up to 100"):
        external.parse(text.replace("initial_points = [{ depth = 4 }]", ""))


@pytest.mark.parametrize("name", ["_a", "x" * 100, "n_estimators", "a b", "a.b-c", "größe", "深度"])
def test_names_that_mlflow_takes_are_not(name):
    text = TEXT.format(direction="minimize", n_trials=6, method="random") + f"{json.dumps(name)} = [1, 2]\n"
    assert name in external.parse(text).space.axes


def test_a_clock_that_is_put_back_keeps_no_trial_from_being_lent_again(asking, clock):
    submit(asking)
    asking.ask("trees", 2)
    clock.now -= 1e6
    assert numbers(asking.ask("trees")) == [2]
    assert asking.tell("trees", 2, Told(score=1.0))["recorded"]
    clock.now += 60
    assert numbers(asking.ask("trees", 2)) == [0, 1]


def test_a_clock_that_is_put_on_doubles_nothing(asking, clock):
    submit(asking)
    first = asking.ask("trees", 2)
    clock.now += 1e6
    assert asking.ask("trees", 2)["trials"] == [each | {"until": clock.now + 60} for each in first["trials"]]
    assert asking.tell("trees", 0, Told(score=1.0))["recorded"]
    assert not asking.tell("trees", 0, Told(score=1.0))["recorded"]
    assert sorted(stored()) == [0]


def test_a_request_that_is_repeated_gets_the_same_trials(asking, clock):
    submit(asking)
    first = asking.ask("trees", 2, key="a")
    clock.now += 10
    assert numbers(asking.ask("trees", 1, key="b")) == [2]
    again = asking.ask("trees", 2, key="a")
    assert [(t["number"], t["params"]) for t in again["trials"]] == [
        (t["number"], t["params"]) for t in first["trials"]
    ]
    assert again["trials"][0]["until"] == clock.now + 60
    asking.tell("trees", 0, Told(score=1.0))
    assert numbers(asking.ask("trees", 2, key="a")) == [1, 3]


def test_a_service_that_is_started_anew_knows_what_is_lent(asking, clock):
    submit(asking, method="bayesian")
    lent = asking.ask("trees", 3)["trials"]
    asking.tell("trees", 1, Told(score=1.0))
    asking.close()
    queue = Queue(Place(), clock)
    queue.act("trees", "release")  # as the supervisor does
    later = Asking(queue)
    assert later.tell("trees", 2, Told(score=2.0)) == {"number": 2, "recorded": True, "state": QUEUED}
    assert not journal.running(Path("studies/trees.journal"))
    assert numbers(later.ask("trees", 2)) == [3, 4]
    assert later.tell("trees", 0, Told(score=2.5))["state"] == RUNNING
    assert stored()[0].params == lent[0]["params"]
    later.close()
    queue.close()


def test_what_a_kill_leaves_of_a_lock_goes_with_the_next_service(asking):
    submit(asking)
    asking.ask("trees")
    asking.tell("trees", 0, Told(score=1.0))
    lock = file_journal.beside(Path("studies/trees.journal"))
    asking.recover()
    assert lock.exists()  # this one is held
    asking.close()
    lock.touch(0o600)
    asking.recover()
    assert not lock.exists()
    assert sorted(stored()) == [0]


def test_a_kill_between_journal_and_queue_doubles_nothing(asking, clock, monkeypatch):
    submit(asking)
    asking.ask("trees", 2)

    def killed(row, number):
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(asking, "_returned", killed)
        with pytest.raises(MemoryError):
            asking.tell("trees", 0, Told(score=1.0))
    asking.close()
    clock.now += 1000
    assert numbers(asking.ask("trees", 2)) == [1, 2]
    assert sorted(stored()) == [0]


@pytest.mark.parametrize(("action", "after"), [("pause", PAUSED), ("cancel", CANCELLED)])
def test_what_is_lent_when_a_study_stops_is_kept(asking, action, after):
    submit(asking)
    asking.ask("trees", 2)
    asking.settle(asking._queue.act("trees", action))
    assert asking._queue.get("trees").state == after
    assert not journal.running(Path("studies/trees.journal"))
    with pytest.raises(
        NotLendingError, match=f"is {after}: it lends no trials; allowed are studies that are queued or"
    ):
        asking.ask("trees")
    assert asking.tell("trees", 0, Told(score=1.0)) == {"number": 0, "recorded": True, "state": after}
    assert not journal.running(Path("studies/trees.journal"))
    if after == PAUSED:
        asking._queue.act("trees", "resume")
        assert numbers(asking.ask("trees", 9)) == [2, 3, 4, 5]


def test_diverged_trials_teach_the_sampler(asking):
    """A rate above 0.1 diverges: after some of these, few proposals lie there."""
    submit(asking, n_trials=60, method="bayesian")
    late = []
    for number in range(60):
        (trial,) = asking.ask("trees")["trials"]
        rate = trial["params"]["rate"]
        late += [rate] * (number >= 40)
        wrong = rate > 0.1
        asking.tell(
            "trees", number, Told("diverged", epoch=1, epochs=10) if wrong else Told(score=abs(math.log10(rate) + 2))
        )
    assert sum(rate > 0.1 for rate in late) <= 4  # a third of the space


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (Told("fine"), "verdict = 'fine'; allowed are ok, stopped, diverged, error"),
        (Told(), "score = None; a trial with verdict 'ok' needs a finite number"),
        (Told(score=math.nan), "score = nan"),
        (Told(score=math.inf), "score = inf"),
        (Told("stopped"), "a trial with verdict 'stopped' needs"),
        (Told("diverged", score=1.0), "score = 1.0; a trial with verdict 'diverged' has none"),
        (Told(score=1.0, epoch=-1), "epoch = -1; allowed are numbers from 0"),
        (Told(score=1.0, seconds=math.nan), "seconds = nan"),
        (Told("diverged", loss_ratio=0.0), r"loss_ratio = 0\.0"),
        (Told(score=1.001e150), r"score = 1\.001e\+150; allowed are numbers from -1e\+150 to 1e\+150"),
        (Told(score=-1.001e150), r"score = -1\.001e\+150"),
    ],
)
def test_what_is_no_result_is_refused(asking, told, message):
    submit(asking)
    asking.ask("trees")
    with pytest.raises(StudyError, match=message):
        asking.tell("trees", 0, told)
    assert stored() == {}


@pytest.mark.parametrize("n", [0, -1, MOST_ASKED + 1])
def test_so_many_trials_are_lent_at_a_time(asking, n):
    submit(asking, n_trials=200)
    with pytest.raises(StudyError, match=f"n = {n}; allowed are whole numbers from 1 to {MOST_ASKED}"):
        asking.ask("trees", n)
    assert len(asking.ask("trees", MOST_ASKED)["trials"]) == MOST_ASKED


def test_a_study_of_the_service_is_no_external_one(asking):
    asking._queue.submit("own", "text", "f")
    for call in (lambda: asking.ask("own"), lambda: asking.tell("own", 0, Told(score=1.0))):
        with pytest.raises(StudyError, match="study 'own' is trained by the service"):
            call()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('direction = "minimize"', 'direction = "down"'), "direction"),
        (('method = "random"', 'method = "grid"'), r"method = .grid.; allowed are bayesian"),
        (('metric = "rmse"', 'metric = "a b"'), "metric = 'a b'; allowed are letters, digits and underscores"),
        (
            ('metric = "rmse"', 'metric = "neg_rmse"'),
            "metric = 'neg_rmse'; allowed are .* not with neg_: direction says",
        ),
        (('metric = "rmse"', f'metric = "{"a" * 62}"'), "metric"),
        (("baseline = 10.0", "baseline = 1e151"), "baseline"),
        (("lease = 60", "lease = 0"), r"lease = 0; allowed: greater than 0"),
        (("lease = 60", "leese = 60"), "leese is not a key; allowed are name, metric"),
        (("n_trials = 6", "n_trials = 0"), "n_trials"),
        (("depth = [2, 4, 8]", "depth = 3"), r"\[space\]: depth is 3; allowed"),
        (("{ depth = 4 }", "{ depth = 5 }"), r"initial_points\[0\]: depth is 5; allowed are 2, 4, 8"),
        (('name = "trees"', 'name = "../trees"'), "name"),
        (("baseline = 10.0", "baseline = nan"), "baseline"),
    ],
)
def test_a_mistake_is_told_by_its_key(asking, change, told):
    text = TEXT.format(direction="minimize", n_trials=6, method="random").replace(*change)
    with pytest.raises(StudyError, match=told) as caught:
        asking.submit(text)
    assert "\n" not in str(caught.value)
    assert asking._queue.all() == []


def test_another_space_is_another_study(asking):
    submit(asking)
    with pytest.raises(StudyError, match="fingerprint there"):
        asking.submit(TEXT.format(direction="minimize", n_trials=6, method="random").replace("[2, 4, 8]", "[2, 4]"))
    assert submit(asking, n_trials=9).id == 1


@pytest.mark.parametrize("method", ["gp", "cma-es", "bayesian"])
def test_samplers_bear_the_largest_scores(asking, method):
    """The square of 1e308 is infinite: differences to it were warnings, or errors."""
    submit(asking, n_trials=14, method=method)
    for number in range(14):
        (trial,) = asking.ask("trees")["trials"]
        told = Told(score=LARGEST * (-1) ** number) if number % 3 else Told("diverged", epoch=10**9, loss_ratio=1e308)
        asking.tell("trees", trial["number"], told)
    assert asking._queue.get("trees").counts["best"] == LARGEST


def test_too_large_a_space_for_a_method():
    text = 'name = "a"\ndirection = "minimize"\nmethod = "gp"\n[space]\nkind = {}\nrate = {{ low = 0.1, high = 1.0 }}\n'
    assert external.parse(text.format([str(i) for i in range(999)])).file.method == "gp"
    with pytest.raises(StudyError, match="method = 'gp': the space has 1,001 features; allowed are up to 1,000"):
        external.parse(text.format([str(i) for i in range(1000)]))


def test_a_smaller_budget_that_is_used_up_ends_the_study(asking):
    """The study ran for ever, and lent nothing."""
    submit(asking)
    asking.ask("trees", 3)
    for number in range(2):
        asking.tell("trees", number, Told(score=1.0))
    asking._queue.act("trees", "submit", n_trials=3)
    assert asking.ask("trees") == {"trials": [], "state": RUNNING}
    asking._queue.act("trees", "submit", n_trials=2)
    assert asking.ask("trees") == {"trials": [], "state": DONE}
    assert not journal.running(Path("studies/trees.journal"))
    assert asking.tell("trees", 2, Told(score=1.0))["recorded"]  # it was lent


def test_a_larger_budget_in_the_file_counts_while_the_study_is_open(asking):
    submit(asking)
    assert len(asking.ask("trees", 50)["trials"]) == 6
    submit(asking, n_trials=8)
    assert numbers(asking.ask("trees", 50)) == [6, 7]


def test_a_study_whose_last_result_came_while_it_was_paused(asking):
    submit(asking, n_trials=1)
    asking.ask("trees")
    asking.settle(asking._queue.act("trees", "pause"))
    assert asking.tell("trees", 0, Told(score=1.0))["state"] == PAUSED
    asking._queue.act("trees", "resume")
    assert asking.ask("trees") == {"trials": [], "state": DONE}


def test_a_reason_is_one_line_that_shows_its_characters(asking):
    submit(asking)
    asking.ask("trees")
    asking.tell("trees", 0, Told("error", reason="a\n\x1b[31mb" + "x" * 1000))
    reason = stored()[0].reason
    assert reason.startswith("a\\n\\u001b[31mb")
    assert len(reason) < 520


def test_a_disk_that_is_full_is_no_bug(asking, monkeypatch):
    submit(asking)
    asking.ask("trees")
    with asking._queue.changing() as connection:
        connection.exec_driver_sql("ALTER TABLE asked RENAME TO gone")
    for call in (lambda: asking.ask("trees", 2), lambda: asking.tell("trees", 0, Told(score=1.0))):
        with pytest.raises(StudyError, match="no such table"):
            call()


STEPS = st.lists(st.tuples(st.sampled_from(["ask", "tell", "late", "jump", "restart"]), st.integers(0, 7)), max_size=25)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_every_number_is_lent_and_told_once_whatever_happens(folder, steps):
    for path in (*Path("studies").glob("trees.*"), *Path("studies/service").glob("queue.db*")):
        path.unlink()
    clock = Clock()
    asking = Asking(Queue(Place(), clock))
    submit(asking, n_trials=8)
    params, told = {}, set()
    for step, number in steps:
        if asking._queue.get("trees").state == DONE:
            break
        if step == "ask":
            for trial in asking.ask("trees", 1 + number % 3)["trials"]:
                assert trial["number"] not in told
                assert params.setdefault(trial["number"], trial["params"]) == trial["params"]
        elif step == "tell" and number in params:
            assert asking.tell("trees", number, Told(score=float(number)))["recorded"] == (number not in told)
            told.add(number)
        elif step == "late":
            clock.now += 61
        elif step == "jump":
            clock.now += (number - 4) * 1e6
        elif step == "restart":
            asking.close()
            if asking._queue.get("trees").state == RUNNING:
                asking._queue.act("trees", "release")
    assert sorted(stored()) == sorted(told)
    asking.close()
    asking._queue.close()
