"""Trials that hang end with their process."""

import subprocess
import sys
import time

import pytest

from search.service.cluster import deadlines
from search.service.cluster.deadlines import within

HANGS = """
import threading, time
from search.service.cluster.deadlines import within

def hang():
    with within({seconds}):
        time.sleep(30)

with within({other}):
    thread = threading.Thread(target=hang, daemon=True)
    thread.start()
    thread.join({joined})
print("survived")
"""


def run(**values):
    return subprocess.run(
        [sys.executable, "-c", HANGS.format(**values)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("other", [0, 30])
def test_a_process_ends_with_what_hangs_in_it_and_says_where(other):
    done = run(seconds=0.2, other=other, joined=20)
    assert done.returncode == 1
    assert "survived" not in done.stdout
    assert "in hang" in done.stderr


def test_nothing_ends_before_its_time():
    assert "survived" in run(seconds=30, other=30, joined=0.3).stdout


def test_the_earliest_end_counts(monkeypatch):
    """Of those whose bodies still run; without one the clock stops."""
    now, clock = [100.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    handler = deadlines.faulthandler
    monkeypatch.setattr(handler, "dump_traceback_later", lambda seconds, exit: clock.append((round(seconds, 3), exit)))
    monkeypatch.setattr(handler, "cancel_dump_traceback_later", lambda: clock.append(None))
    with within(9):
        with within(5):
            now[0] = 103.0
        with within(0):
            now[0] = 104.0
        with within(20):
            now[0] = 110.0
    assert clock == [(9, True), (5, True), (6, True), (5, True), (0.001, True), None]
