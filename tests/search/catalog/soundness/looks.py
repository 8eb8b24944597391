"""What a verification has found, and what a folder holds."""

import hashlib
from pathlib import Path


def found(result) -> set[tuple[str, str]]:
    """Return kinds and states."""
    return {(each["kind"], each["state"]) for each in result.document["differences"]}


def content() -> dict[str, str]:
    """Return a digest of each file below the current folder; folders have none."""
    return {
        path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(Path().rglob("*"))
    }
