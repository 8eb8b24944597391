"""Study files: an error is one line, and a study that is accepted runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

NAME = "study_files"
GOAL = 20_000
SHORT = 40


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Load a mutated study file; run it if it is accepted."""
    from search.errors import StudyError
    from search.study import study_file

    random = np.random.default_rng([seed, number])
    path = folder / "study.toml"
    path.write_bytes(random.bytes(100))
    try:
        study_file.load(path)
    except StudyError as error:
        return None if len(str(error).splitlines()) == 1 else f"an error of several lines: {str(error)!r}"
    return None
