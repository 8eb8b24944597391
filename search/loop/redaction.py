"""Journals that an older version wrote with the password of a store: it is taken out before they are opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from search.files import trouble, writing
from search.tables.secrets import masked

NOTE = b'"user_attr"'
"""What a line of a journal holds that notes a fact about its study; trials hold no addresses."""


def without_secrets(path: Path) -> bool:
    """Replace the passwords in a journal's notes; return whether there were any.

    The file is replaced as a whole, with its rights, or stays as it is. All other lines are kept as they are, also a last one
    that was cut short. Copies, and what version control remembers, keep the password: it should be changed.

    Raises
    ------
    StudyError
        If the file cannot be written.
    """
    lines = path.read_bytes().splitlines(keepends=True)
    clean = [_clean(line) if NOTE in line and b"://" in line else line for line in lines]
    if clean == lines:
        return False
    writing.write(path, b"".join(clean), kept=trouble.KEPT)
    return True


def _clean(line: bytes) -> bytes:
    try:
        entry = json.loads(line)
    except ValueError:  # cut short, or no journal: for `journal` to judge
        return line
    hidden = _hidden(entry)
    return line if hidden == entry else json.dumps(hidden, separators=(",", ":")).encode() + b"\n"


def _hidden(value: Any) -> Any:
    """Return JSON with asterisks in place of the passwords in its texts."""
    if isinstance(value, dict):
        return {key: _hidden(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_hidden(each) for each in value]
    return masked(value) if isinstance(value, str) and "://" in value else value
