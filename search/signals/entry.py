"""The start and the end of the command `bpsearch`, which is a process of its own."""

import gc
import sys

from search.signals import command

SELDOM = (50_000, 20, 50)
"""Thresholds of the garbage collection. What is imported stays: Python would look through half a million objects again and again.

With Python's own (700, 10, 10), importing scikit-learn and MLflow takes 1.4 times as long."""


def run() -> int:
    """Handle signals, run the command, and return its exit code.

    Garbage is collected seldom, and not at the end, when the system takes all memory back: that took a second or more.
    """
    command.install()
    gc.set_threshold(*SELDOM)
    try:
        return _run()
    finally:
        gc.freeze()


def _run() -> int:
    try:
        from importlib import import_module

        import_module("search.processes.python").leave_out_current_folder()
        code = int(import_module("search.cli").main())
    except KeyboardInterrupt as error:
        if "--debug" in sys.argv:
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            command.tell()
        return command.code(error)
    except SystemExit as error:
        command.done(error.code if isinstance(error.code, int) else 1)
        raise
    command.done(code)
    return code
