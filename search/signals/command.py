"""What the command `bpsearch` does when it is told to end: SIGINT, SIGTERM and SIGHUP.

The first signal ends the command in order. Where nothing needs to be closed, the process ends in the handler itself: an
exception in the middle of an import may be taken for something else, or be lost. Inside `unwinding`, `Interrupt` is
raised, so that a run in MLflow is closed and a draft is removed. The second signal leaves one more second, the third
none. A thread counts them, because the main thread sees a signal only between two lines of Python.

Imports of this file are few: until it is loaded, no signal is handled.
"""

import _thread
import atexit
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""The signals that ask a program to end; SIGHUP comes when its terminal is closed."""

ORDERLY_SECONDS = 30.0
"""Seconds in which a command must have ended after the first signal."""

REACTION_SECONDS = 0.5
"""Seconds after which the thread does something about a signal that the main thread has not handled: it ends the process
where nothing is open, and otherwise sends the signal once more, which ends a wait."""

GRACE_SECONDS = 1.0
"""Seconds in which a command must have ended after the second signal. Not 0: some programs pass on to their child a
Ctrl-C that the terminal has sent to it, too."""

AGAIN_SECONDS = 0.05
"""Seconds after which an interruption that was lost is raised again: what has lost it has ended by then."""

INTERRUPTED = "interrupted"
"""What is said if nothing better is known."""


class Interrupt(KeyboardInterrupt):
    """Raised in the main thread of a command by its first signal; `number` is that of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Command:
    """The state of the process: whether the handlers are installed, and what has arrived."""

    def __init__(self) -> None:
        self.process = 0
        """The process that has installed the handlers; 0 if none has."""
        self.main = 0
        """The identity of the main thread."""
        self.received = 0
        self.ended: int | None = None
        """The exit code, once the work is done."""
        self.words, self.as_json, self.quiet = INTERRUPTED, False, False
        self.open = 0
        self.own = 0
        """Signals to come that the process sends to itself."""
        self.lost = False

    def handle(self, number: int, frame: object) -> None:
        if self.ended is not None:
            _exit(self.ended)
        first, again = not self.received, self.lost
        self.received, self.lost = self.received or int(number), False
        if first:
            _silence()
            if not self.open:
                _flush()
                _say()
                _exit(code())
        if first or again:
            raise Interrupt(self.received)

    def watch(self, reader: int) -> None:
        """End the process if it does not end by itself after a signal."""
        number = self._next(reader)
        another = self._next(reader, REACTION_SECONDS)
        if not another and self.open and not self.received:
            self.own += 1
            signal.pthread_kill(self.main, number)  # it may have begun to wait just after the signal had come
        if not another and (self.received or self.open):
            another = self._next(reader, ORDERLY_SECONDS)
        if another:
            self._next(reader, GRACE_SECONDS)
        if not self.received and self.ended is None:
            _say()
        os._exit(128 + number if self.ended is None else self.ended)

    def _next(self, reader: int, seconds: float | None = None) -> int:
        """Return the number of the next signal of the user's; 0 if none comes in time."""
        while select.select([reader], [], [], seconds)[0]:
            (number,) = os.read(reader, 1)
            if not self.own:
                return int(number)
            self.own -= 1
        return 0


_command = _Command()


def install() -> None:
    """Handle the signals of this process, which is the command's own, from now to its end.

    A signal that is ignored stays so: `nohup` has SIGHUP ignored, a shell SIGINT for what it starts in the background.
    """
    if _command.process or _thread.get_ident() != _main_thread():
        return
    _command.process, _command.main = os.getpid(), _thread.get_ident()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    _thread.start_new_thread(_command.watch, (reader,))
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _command.handle)
    sys.unraisablehook = _unraisable
    atexit.register(_leave)  # callbacks that are registered later are called earlier
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_hold_back, after_in_parent=_let_through, after_in_child=_forget)


def describe(words: str, *, as_json: bool, quiet: bool) -> None:
    """Say how an end by a signal is told: in which words, as a JSON document, or not at all."""
    _command.words, _command.as_json, _command.quiet = words, as_json, quiet


def words(terminal: bool) -> str:
    """Return what tells the end by a signal, with a line break at its end; empty if nothing is to be told."""
    if _command.as_json:
        return f'{{"error": "{_command.words}"}}\n'
    if _command.quiet:
        return ""
    return f"{chr(10) if terminal else ''}{_command.words}\n"  # behind the ^C of a terminal


def tell() -> None:
    """Print what tells the end by a signal; after SIGHUP there may be no terminal any more."""
    with suppress(OSError):
        print(words(sys.stdout.isatty()), end="", flush=True)


def _say() -> None:
    """Tell the end by a signal. It goes to the file itself: the signal may have come in the middle of a `print`."""
    with suppress(OSError):  # nobody reads on
        if select.select([], [1], [], 0)[1]:  # nor does a reader that has stopped to read keep the process
            os.write(1, words(os.isatty(1)).encode())


def received() -> int:
    """Return the number of the first signal that has arrived, 0 if there is none."""
    return _command.received


def code(error: BaseException | None = None) -> int:
    """Return the exit code after an interruption: 128 and the number of the signal, as shells have it."""
    return 128 + (getattr(error, "number", 0) or _command.received or int(signal.SIGINT))


def done(code: int) -> None:
    """Note that the work is done: a signal only hurries the end of the process, which keeps this exit code."""
    if not _command.received:
        _command.ended = code


def check() -> None:
    """Raise `Interrupt` if a signal has arrived: whoever calls this goes on in spite of it.

    Some code takes a Ctrl-C for the end of its own work and goes on, such as the networks of scikit-learn.
    """
    if _command.received:
        raise Interrupt(_command.received)


@contextmanager
def unwinding() -> Iterator[None]:
    """Have signals during the body raised as `Interrupt`, because there is something to close."""
    _command.open += 1
    try:
        yield
    finally:
        _command.open -= 1


def _main_thread() -> int:
    """Return the identity of the main thread; this is it as long as nobody has loaded `threading`."""
    threading = sys.modules.get("threading")
    return _thread.get_ident() if threading is None else int(threading.main_thread().ident)


def _silence() -> None:
    """Let nothing but the command itself speak from now on."""
    import threading
    import warnings

    warnings.simplefilter("ignore")
    threading.excepthook = lambda *_: None
    if (logging := sys.modules.get("logging")) is not None:
        logging.disable()


def _unraisable(event: "Any") -> None:
    """Raise an `Interrupt` again that came where nothing can be raised, such as in a finalizer."""
    if isinstance(event.exc_value, Interrupt):
        _thread.start_new_thread(_raise_again, ())  # not from here, where it would be lost, too
    elif not _command.received:
        sys.__unraisablehook__(event)


def _raise_again() -> None:
    time.sleep(AGAIN_SECONDS)
    _command.lost = True
    _command.own += 1
    signal.pthread_kill(_command.main, _command.received)


_masks: "dict[int, Any]" = {}
"""The signals that were blocked before a fork, by thread."""


def _hold_back() -> None:
    """Let no signal arrive in a forked process before it has forgotten the command: it would count as one of the command's."""
    _masks[_thread.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def _let_through() -> None:
    if (mask := _masks.pop(_thread.get_ident(), None)) is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _forget() -> None:
    """Leave a process that was forked from the command to its parent: it ends without a word."""
    if _command.process:
        _command.process = 0
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            if signal.getsignal(number) == _command.handle:
                signal.signal(number, signal.SIG_DFL)
    _let_through()


def _leave() -> None:
    """End the process: after a signal at once, since threads that train would be cut off in the middle of their work.

    Otherwise Python takes a few tenths of a second to unload its modules, in which it cannot handle signals any more.
    """
    if _command.process != os.getpid():
        return
    if _command.received:
        _exit(code())
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _exit(code: int) -> "NoReturn":
    _flush()
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, or in the middle of a `print`
            stream.flush()
