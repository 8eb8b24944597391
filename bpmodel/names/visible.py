"""Text of files and data in one line, with nothing in it that acts on a terminal, hides or reorders what is read."""

from __future__ import annotations

import re

SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
"""Characters with an escape of their own."""

DRAWN_AS_NOTHING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]")
"""Fillers, joiners and selectors that Python counts among the printable characters, and that leave no mark."""


def visible(text: object) -> str:
    """Return a text in one line that shows all of its characters, as escapes where they would not be seen.

    Escaped are control characters (ESC begins the commands of a terminal), line separators, characters that set the direction
    of writing or have no width, blanks other than the space, halves of surrogate pairs, and characters without a meaning in
    Unicode. The escapes are those that JSON, TOML and Python have in common.

    Parameters
    ----------
    text : object
        Anything but a text is converted by `str`.

    Returns
    -------
    str
        The text itself if there is nothing to escape. What is visible stays as it is: calling this twice changes nothing.

    Examples
    --------
    >>> print(visible("price" + chr(27) + "[2J" + chr(10) + "in €"))
    price\\u001b[2J\\nin €
    >>> print(visible("房价"), visible(chr(0x202E) + "txt"), visible(3))
    房价 \\u202etxt 3
    """
    text = str(text)
    if text.isprintable() and not DRAWN_AS_NOTHING.search(text):
        return text
    return "".join(c if c.isprintable() and not DRAWN_AS_NOTHING.match(c) else escape(c) for c in text)


def escape(character: str) -> str:
    """Return the escape of a character.

    >>> print(escape(chr(9)), escape(chr(0x2028)), escape(chr(0xE0001)))
    \\t \\u2028 \\U000e0001
    """
    number = ord(character)
    return SHORT.get(character) or (f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}")
