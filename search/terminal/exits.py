"""Exit codes: the one table of how a command may end."""

from __future__ import annotations

OK, FAILED, USER_ERROR = 0, 1, 2

SIGNALLED = 128
"""A command that a signal ends has this code and the signal's number, as shells have it."""

EXITS = {
    OK: "it did what was asked; also a study that is complete already, and --dry-run",
    FAILED: "it failed: no trial finished healthy, a followed study was cut off, nothing could be written, "
    "differences that `verify` found are left, nobody reads its output, or a bug",
    USER_ERROR: "a mistake in the arguments, the study file or the data, or a store that does not answer; nothing was begun",
    SIGNALLED + 1: "the terminal was closed (SIGHUP); finished trials are kept",
    SIGNALLED + 2: "Ctrl-C (SIGINT); finished trials are kept",
    SIGNALLED + 15: "it was told to end (SIGTERM), as by `kill`, `timeout` or a scheduler; finished trials are kept",
}
"""Every exit code of `bpsearch`, and what it means."""


def listed() -> str:
    """Return the table as text, for `bpsearch --help`.

    >>> print(listed().splitlines()[0])
    exit codes:
    """
    rows = (f"  {code:<5}{meaning.replace('`', '')}" for code, meaning in EXITS.items())
    return "\n".join(["exit codes:", *rows])
