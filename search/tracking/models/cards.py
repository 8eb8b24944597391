"""What a person reads of a registered model in MLflow: what it is, what it is worth, and how it is loaded. In Markdown."""

from __future__ import annotations

import json

from search.tracking.contents.datasets import DataEntry
from search.tracking.naming.markdown import code, plain

LISTED = "`bpsearch list` names the champion, `bpsearch promote` makes another version the champion."


def of_all(name: str) -> str:
    """Return the description of a registered model, which has no version yet."""
    return "\n\n".join(
        (
            f"The models of the study {code(name)}, each the best of its trials, fitted on all rows.",
            "**champion** is the version with the best score on the same folds. **challenger** is one that is not better, or "
            f"that cannot be compared. {LISTED}",
            f"```python\nimport bpsearch\nmodel = bpsearch.load_model({name!r})  # the champion\nmodel.predict(rows)\n```",
        )
    )


def of_version(name: str, version: int, text: str, standing: str, data: DataEntry | None, columns: str) -> str:
    """Return the description of a version.

    Parameters
    ----------
    name : str
    version : int
    text : str
        What the model is worth, in Markdown.
    standing : str
        Why it is the champion or the challenger.
    data : DataEntry or None
        What it was trained on.
    columns : str
        A table of its columns, in Markdown.

    Examples
    --------
    >>> print(of_version("prices", 2, "**Better.**", "challenger: not better than version 1", None, ""))
    **Better.**
    <BLANKLINE>
    challenger: not better than version 1
    <BLANKLINE>
    ```python
    import bpsearch
    model = bpsearch.load_model('prices', 2)
    model.predict(rows)
    ```
    """
    load = f"```python\nimport bpsearch\nmodel = bpsearch.load_model({name!r}, {version})\nmodel.predict(rows)\n```"
    return "\n\n".join(part for part in (text, plain(standing), _trained_on(data), load, columns) if part)


def _trained_on(data: DataEntry | None) -> str:
    if data is None:
        return ""
    profile = json.loads(data.profile)
    rows = profile["num_rows"] if "num_rows" in profile else profile["features_shape"][0]
    return f"Trained on {code(data.name)}: {rows:,} rows, digest {code(data.digest)}."
