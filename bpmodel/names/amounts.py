"""Amounts as people read them."""

from __future__ import annotations

UNITS = {"GB": 1e9, "MB": 1e6, "kB": 1e3}


def bytes_told(count: float) -> str:
    """Return a number of bytes as people read it.

    >>> bytes_told(2_700_000), bytes_told(8.6e9), bytes_told(12)
    ('2.7 MB', '8.6 GB', '12 bytes')
    """
    for unit, size in UNITS.items():
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,.0f} bytes"
