"""Tables of Eurostat, whose first column holds several."""

from __future__ import annotations

import pandas as pd

from search.tables.reading import number
from search.tables.text.dialects import KEYS


def with_keys(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Split the first column of a table of Eurostat, which holds several."""
    name = str(frame.columns[0])
    found = KEYS.fullmatch(name)
    if found is None:
        return frame
    names = found[1].split(",")
    parts = frame[name].str.split(",", expand=True)
    if parts.shape[1] != len(names) or set(names) & set(frame.columns):
        return frame
    notes.append(f"the first column holds {number(len(names), 'column')}: {', '.join(names)}")
    return pd.concat([parts.set_axis(names, axis=1), frame.drop(columns=name)], axis=1)
