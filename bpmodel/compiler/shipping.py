"""Machine code that travels with a copy of this package, so that a saved model predicts at once on another machine.

It is used where the processor and the versions of Python, Numba and NumPy are the same; elsewhere it is compiled as usual.
"""

from __future__ import annotations

from pathlib import Path

from bpmodel.compiler import cache

PREDICTION = "predict_into-"
"""How the names of the files begin that predictions need."""


def ship(package: Path) -> list[Path]:
    """Add the machine code of the predictions of this process to a copy of this package; return the new files.

    Nothing is added if the sources of the copy are not those of this process.
    """
    digest = cache.source_digest()
    if not digest or cache.digest_of(package) != digest:
        return []
    made = []
    for name in sorted(cache.used):
        content = cache.find(name) if name.startswith(PREDICTION) else None
        if content is not None:
            made.append(package / cache.SHIPPED / digest / name)
            made[-1].parent.mkdir(parents=True, exist_ok=True)
            made[-1].write_bytes(content)
    return made
