"""What a process does that handles signals as the command does: real signals to real processes, which load little."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NUMBERS = {name: getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")}

# pytest may have been started with signals ignored, which children inherit
START = """\
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from search.signals import command
command.install()
command.describe("the words", as_json=False, quiet=False)
def ready():
    os.write(1, b"ready\\n")
"""


@pytest.fixture
def process():
    """Start a program whose signals are handled, and wait until it says that it is ready."""
    started = []

    def process(program: str, start: str = START) -> subprocess.Popen:
        made = subprocess.Popen(
            [sys.executable, "-c", start + program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        started.append(made)
        assert made.stdout.readline() == "ready\n"
        return made

    yield process
    for each in started:
        with each:
            each.kill()


def end(process: subprocess.Popen, *numbers: int, pause: float = 0.3) -> tuple[int, str, str]:
    """Send signals; return exit code, what was printed, and errors."""
    for count, number in enumerate(numbers):
        if count:
            time.sleep(pause)
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("name", NUMBERS)
def test_where_nothing_is_open_the_process_ends_at_once(process, name):
    """An exception in the middle of an import was 31 to 59 lines of traceback, or lost."""
    code, out, err = end(
        process("ready()\ntry:\n    time.sleep(60)\nexcept BaseException:\n    print('caught')"), NUMBERS[name]
    )
    assert (code, out, err) == (128 + NUMBERS[name], "the words\n", "")


OPEN = """
try:
    with command.unwinding():
        try:
            ready()
            time.sleep(60)
        finally:
            print("closed")
except KeyboardInterrupt as error:
    print(command.words(False), end="")
    sys.exit(command.code(error))
"""


@pytest.mark.parametrize("name", NUMBERS)
def test_where_something_is_open_it_is_closed(process, name):
    code, out, err = end(process(OPEN), NUMBERS[name])
    assert (code, out, err) == (128 + NUMBERS[name], "closed\nthe words\n", "")


def test_a_signal_does_not_wait_for_the_end_of_a_wait(process):
    """One that comes between a line of Python and its wait, or to another thread, does not end the wait."""
    to_another_thread = """
import threading

def to_this_thread():
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

threading.Timer(1.0, to_this_thread).start()  # by then, the main thread waits
"""
    assert end(process(to_another_thread + OPEN)) == (143, "closed\nthe words\n", "")


CLOSING = """
with command.unwinding():
    try:
        ready()
        time.sleep(60)
    except KeyboardInterrupt:
        os.write(1, b"closing\\n")
        time.sleep(60)
"""


@pytest.mark.parametrize("second", NUMBERS)
def test_the_second_signal_ends_what_does_not_close(process, second):
    started = process(CLOSING)
    code, out, err = end(started, signal.SIGTERM, NUMBERS[second])
    assert (code, out, err) == (143, "closing\n", "")


BUSY = "hashlib.pbkdf2_hmac('sha256', b'', b'', 2**31 - 1)"
"""Code that takes hours, without a line of Python."""


def test_the_second_signal_ends_compiled_code_too(process):
    """The main thread sees no signal before such a call returns."""
    ready = "threading.Timer(0.3, ready).start()"  # by then, it is in that code
    program = f"import hashlib, threading\nwith command.unwinding():\n    {ready}\n    {BUSY}"
    assert end(process(program), signal.SIGINT, signal.SIGINT) == (130, "the words\n", "")


def test_where_nothing_is_open_the_first_signal_ends_compiled_code(process):
    assert end(process(f"import hashlib\nready()\n{BUSY}"), signal.SIGTERM) == (143, "the words\n", "")


def test_an_interruption_that_nothing_can_raise_is_raised_again(process):
    program = """
class Thing:
    def __del__(self):
        ready()
        time.sleep(60)

try:
    with command.unwinding():
        Thing()
        time.sleep(60)
except KeyboardInterrupt as error:
    print("raised")
    sys.exit(command.code(error))
"""
    assert end(process(program), signal.SIGTERM) == (143, "raised\n", "")


def test_an_interruption_that_is_swallowed_is_raised_by_the_next_check(process):
    program = """
try:
    with command.unwinding():
        try:
            ready()
            time.sleep(60)
        except BaseException:
            pass
        command.check()
        print("went on")
except KeyboardInterrupt as error:
    sys.exit(command.code(error))
"""
    assert end(process(program), signal.SIGHUP) == (129, "", "")


def test_what_is_done_keeps_its_exit_code(process):
    program = "command.done(2)\nready()\ntime.sleep(60)"
    assert end(process(program), signal.SIGTERM) == (2, "", "")


def test_no_thread_speaks_after_an_interruption(process):
    program = """
import logging, threading, warnings
def fail():
    time.sleep(0.5)
    warnings.warn("a warning")
    logging.error("an error")
    raise RuntimeError("in a thread")
try:
    with command.unwinding():
        ready()
        time.sleep(60)
except KeyboardInterrupt as error:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.exit(command.code(error))
"""
    assert end(process(program), signal.SIGINT) == (130, "", "")


@pytest.mark.parametrize("how", ["as_json=True, quiet=False", "as_json=False, quiet=True"])
def test_an_end_is_told_as_it_is_wanted(process, how):
    _, out, err = end(process(f"command.describe('the words', {how})\nready()\ntime.sleep(60)"), signal.SIGINT)
    assert (out, err) == ('{"error": "the words"}\n' if "as_json=True" in how else "", "")


CLOSED_TERMINAL = """
ready()
master, slave = os.openpty()
os.dup2(slave, 1), os.dup2(slave, 2)
os.close(master)
from search.terminal.status import tell_lost
with command.unwinding():
    try:
        signal.raise_signal(signal.SIGHUP)
    except KeyboardInterrupt as error:
        tell_lost(OSError(5, "Input/output error"))
        command.tell()
        sys.exit(command.code(error))
"""


def test_a_terminal_that_is_closed_takes_no_last_words(process):
    assert end(process(CLOSED_TERMINAL)) == (129, "", "")


def test_an_ignored_signal_stays_ignored(process):
    """`nohup` ignores SIGHUP, and a shell SIGINT for what it starts in the background."""
    start = START.replace("from search", "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nfrom search")
    started = process("ready()\ntime.sleep(60)", start)
    started.send_signal(signal.SIGHUP)
    assert end(started, signal.SIGTERM) == (143, "the words\n", "")


def test_a_forked_process_leaves_the_signal_to_the_command(process):
    """Both would have told of it, and the command would have counted two signals."""
    program = """
child = os.fork()
if not child:
    time.sleep(60)
    os._exit(0)
ready()
print(child, flush=True)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(ended, command.received(), flush=True)
time.sleep(1)
print("no signal was counted")
"""
    started = process(program)
    os.kill(int(started.stdout.readline()), signal.SIGINT)
    out, err = started.communicate(timeout=60)
    assert (out, err) == (f"{-signal.SIGINT} 0\nno signal was counted\n", "")


WAYS = {
    "bpsearch": ["-m", "bpsearch"],
    "search": ["-m", "search"],
    "the installed script": ["-c", "import sys; from bpsearch import main; sys.exit(main())"],
}
FIRST_IMPORT = "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(60)"


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_start_the_command_handles_signals_from_its_first_import_on(way, tmp_path):
    (tmp_path / "numpy.py").write_text(FIRST_IMPORT)
    done = subprocess.run(
        [sys.executable, *WAYS[way], "cv", "x.toml"],
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = "interrupted: finished trials are kept; run the same command again to continue\n"
    assert (done.returncode, done.stdout, done.stderr) == (143, told, "")


def test_the_library_leaves_the_handlers_of_a_program_alone():
    program = """
import signal, sys
from importlib import import_module
numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
before = [*map(signal.getsignal, numbers)], sys.unraisablehook
for module in ("bpsearch", "search", "bpmodel", "search.search_cv"):
    import_module(module)
    assert before == ([*map(signal.getsignal, numbers)], sys.unraisablehook), module
"""
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)


GARBAGE = """
import gc, sys
from search.signals import entry
sys.argv = ["bpsearch", "--version"]
try:
    entry.run()
except SystemExit:
    print(gc.get_threshold() == entry.SELDOM, gc.get_freeze_count() > 1000)
"""


def test_the_command_does_not_look_through_all_that_was_imported_at_its_end():
    """Nor while it imports; a program that imports the library collects its garbage as it likes."""
    program = [sys.executable, "-c", GARBAGE]
    done = subprocess.run(program, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "True True", done.stderr
