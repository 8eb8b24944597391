"""The start and the end of the command `bpsearch`, which is a process of its own."""

import sys

from search.signals import command


def run() -> int:
    """Handle signals, run the command, and return its exit code."""
    command.install()
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
