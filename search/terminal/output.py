"""What a command writes to standard output: text for people, one JSON document, or nearly nothing."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

import numpy as np
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from search.terminal.leaving import told

WIDE = 160
"""Width of lines in files and pipes."""


class Output(Console):
    """A console whose `print` is for people: with `quiet` or `json` it writes nothing.

    Each text is a line, or a part of one: whatever it quotes of files and data stays in it, and does nothing to a terminal. Only
    a line break at the end of a text that is printed is one: it leaves a line free.

    Parameters
    ----------
    stream : text stream
    quiet : bool
        Whether only errors and essential lines are written.
    json : bool
        Whether a JSON document is all that is written.

    Examples
    --------
    >>> output = Output(sys.stdout, json=True)
    >>> output.print("a table")
    >>> output.document({"score": float("nan"), "sizes": (8, 4)})
    {
      "score": null,
      "sizes": [
        8,
        4
      ]
    }
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False, json: bool = False) -> None:
        self._stream, self._json, self._terse = stream, json, quiet and not json
        self.tells_programs = json and not quiet
        """Whether a program reads: then progress goes to the error stream as JSON, too."""
        text = {"highlight": False, "markup": False, "soft_wrap": True}
        super().__init__(file=stream, quiet=quiet or json, width=_width(stream), **text)  # type: ignore[arg-type]

    def print(self, *objects: Any, **options: Any) -> None:
        """Write lines, tables and the like; what a text ends with is a free line."""
        super().print(*objects, **options)
        if objects and isinstance(objects[-1], str) and objects[-1].endswith("\n"):
            super().print()

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a text that is printed, or is a cell of a table."""
        return super().render_str(told(text.removesuffix("\n")), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the segments of anything that can be printed."""
        if isinstance(renderable, Text) and (line := told(renderable.plain)) != renderable.plain:
            renderable = Text(line, renderable.style, justify=renderable.justify, overflow=renderable.overflow)
        return super().render(renderable, options)

    def essential(self, line: str) -> None:
        """Write a line that is left when there is nothing else."""
        if self._terse:
            self._write_line(told(line))

    def own(self, line: str, essential: str = "") -> None:
        """Write a line of this program's own as it is: it quotes nobody, and may hold the token that its owner needs.

        `essential` is what is left of it when there is nothing else.
        """
        if self._terse:
            self._write_line(essential)
        elif not self.quiet:
            self._write_line(line)

    def document(self, content: Mapping[str, Any]) -> None:
        """Write the result as a JSON document, if that is wanted."""
        if self._json:
            self._write_line(as_json(content))

    def _write_line(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:  # nobody reads on, as in `bpsearch … | head`
            self.on_broken_pipe()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Send to the error stream what anything else prints during the body, if it would be in the way."""
        if not self.quiet:
            yield
            return
        with redirect_stdout(sys.stderr):
            yield


def as_json(content: Mapping[str, Any]) -> str:
    """Return a JSON text in ASCII: numbers that are not finite are null, and what JSON does not know is written as text.

    >>> as_json({"a": np.float64(0.5), "b": float("inf")})
    '{\\n  "a": 0.5,\\n  "b": null\\n}'
    """
    written = json.dumps(plain(content), indent=2, allow_nan=False)
    return written.replace("\x7f", "\\u007f")  # DEL, the only control character that JSON leaves as it is


def plain(value: Any) -> Any:
    """Return what JSON can say of a value: numbers that are not finite are None, and what JSON does not know is a text.

    >>> plain({"a": np.float64("nan"), 1: (2, np.bool_(True))})
    {'a': None, '1': [2, True]}
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int | str | None) else str(value)


def _width(stream: TextIO) -> int | None:
    """Return the width of lines: None is the terminal's. Lines in files and pipes are long, unless COLUMNS is set."""
    return None if stream.isatty() or "COLUMNS" in os.environ else WIDE
