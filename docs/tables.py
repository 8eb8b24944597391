"""Write what follows from the tables of options: tables in `networks.md` and `studies.md`, and the stub files: `make docs`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bpmodel.option import Option
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import PREPROCESSING
from docs import stubs

FILES = [Path(__file__).with_name(name) for name in ("networks.md", "studies.md")]
TABLES = {
    "both": [o for o in CLASSIFIER_OPTIONS if o in REGRESSOR_OPTIONS],
    "BPRegressor": [o for o in REGRESSOR_OPTIONS if o not in CLASSIFIER_OPTIONS],
    "BPClassifier": [o for o in CLASSIFIER_OPTIONS if o not in REGRESSOR_OPTIONS],
    "preprocessing": list(PREPROCESSING),
}


def options(rows: list[Option]) -> str:
    """Return a table of hyperparameters."""
    lines = ["| name | default | allowed | meaning |", "|---|---|---|---|"]
    for o in rows:
        allowed = "see below" if o.choices else o.allowed
        lines.append(f"| `{o.name}` | `{o.default!r}` | {allowed} | {o.meaning} |")
    return "\n".join(lines)


def choices(rows: list[Option]) -> str:
    """Return, for each hyperparameter with named choices, a table of the names."""
    parts = []
    for o in rows:
        if o.choices:
            lines = [f"| `{o.name}` | {o.meaning} |", "|---|---|"]
            lines += [f"| `{name!r}` | {meaning} |" for name, meaning in o.choices.items()]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def keys(rows: list[Option]) -> str:
    """Return a table of the keys of a study file."""
    lines = ["| key | default | allowed | meaning |", "|---|---|---|---|"]
    for o in rows:
        choices = [f"`{json.dumps(name)}`: {meaning}" for name, meaning in o.choices.items()]
        meaning = "<br>".join([o.meaning, *choices])
        allowed = "as listed" if o.choices else o.allowed
        lines.append(f"| `{o.name}` | `{json.dumps(o.default)}` | {allowed} | {meaning} |")
    return "\n".join(lines)


def written(text: str) -> str:
    """Return a document with the tables between its markers rewritten."""
    for name, rows in TABLES.items():
        for kind, write in (("options", options), ("choices", choices), ("keys", keys)):
            marker = f"<!-- {kind}: {name} -->"
            text = re.sub(
                rf"{marker}\n.*?<!-- end -->",
                lambda _: f"{marker}\n{write(rows)}\n<!-- end -->",  # noqa: B023 - called at once
                text,
                flags=re.DOTALL,
            )
    return text


if __name__ == "__main__":
    for file in FILES:
        file.write_text(written(file.read_text(encoding="utf-8")), encoding="utf-8")
    for stub, content in stubs.written().items():
        stub.write_text(content, encoding="utf-8")
