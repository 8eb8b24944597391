"""Files of models: a file is loaded or refused in one line, and nothing that it names is run.

A file of a network, or of a whole pipeline, is changed in a few places of its description: other classes, loaders and
numbers, parts put elsewhere; or in a few bytes. What is loaded all the same predicts: any error is allowed, but no crash.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import warnings
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

NAME = "models"
GOAL = 20_000
SHORT = 60

CANARY = "canary"
CLASSES = [
    ("os", "system"),
    (os.system.__module__, "system"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "list"),
    ("subprocess", "Popen"),
    ("pathlib", "Path"),
    ("pickle", "loads"),
    ("numpy", "load"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("functools", "partial"),
    ("bpmodel.estimators", "BPRegressor"),
    ("bpmodel", "Verdict"),
    ("sklearn.pipeline", "Pipeline"),
    ("sklearn.preprocessing._function_transformer", "FunctionTransformer"),
    ("", ""),
    ("os\x1b]52;c;eA==\x07", "a\nb"),
]
LOADERS = [
    "CachedNode",
    "BytesNode",
    "BytearrayNode",
    "ConstructorFromReduceNode",
    "DTypeNode",
    "DefaultDictNode",
    "DictNode",
    "FunctionNode",
    "JsonNode",
    "ListNode",
    "LossNode",
    "MaskedArrayNode",
    "MethodNode",
    "NdArrayNode",
    "ObjectNode",
    "OperatorFuncNode",
    "PartialNode",
    "RandomGeneratorNode",
    "RandomStateNode",
    "SetNode",
    "SliceNode",
    "SparseMatrixNode",
    "TreeNode",
    "TupleNode",
    "TypeNode",
    "Unknown",
]
VALUES = [
    None,
    True,
    -1,
    0,
    7,
    2**63,
    10**400,
    1.5,
    "",
    "x",
    "NaN",
    "1e999",
    "[" * 5000,
    '"touch canary"',
    "[1, 2, 3]",
    "{}",
    "9999999",
    [],
    {},
    "../../x",
]
ROWS = np.arange(12.0).reshape(6, 2)


@cache
def files() -> list[bytes]:
    """Return files of fitted models."""
    import skops.io
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from bpmodel import BPClassifier, BPEnsembleRegressor, BPRegressor
    from bpmodel.preprocessing import TablePreprocessor

    small: dict[str, Any] = {"hidden_layer_sizes": (3, 2), "max_iter": 2, "random_state": 0}
    network = BPRegressor(**small, normalization="batch", scale_input="standard")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # networks of two epochs have not converged
        models = [
            network.fit(ROWS, ROWS[:, 0]),
            BPClassifier(**small).fit(ROWS, list("ababab")),
            BPEnsembleRegressor(BPRegressor(**small), n_members=2).fit(ROWS, ROWS[:, 0]),
            make_pipeline(FunctionTransformer(np.log1p), TablePreprocessor(), BPRegressor(**small)).fit(
                ROWS, ROWS[:, 0]
            ),
        ]
    return [skops.io.dumps(model) for model in models]


def nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Yield the descriptions of all objects in a description."""
    if isinstance(part, dict):
        if "__loader__" in part:
            yield part
        for each in part.values():
            yield from nodes(each)
    elif isinstance(part, list):
        for each in part:
            yield from nodes(each)


def changed(content: bytes, random: np.random.Generator) -> bytes:
    """Return a file with a few changes of its description."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "schema.json":
                schema = json.loads(part)
                for _ in range(random.integers(1, 4)):
                    change(schema, random)
                part = json.dumps(schema).encode()
            elif random.random() < 0.2:
                part = scratched(part, random)
            new.writestr(name, part)
    return written.getvalue()


def change(schema: dict[str, Any], random: np.random.Generator) -> None:
    found = [*nodes(schema)]
    node = found[random.integers(len(found))]
    kind = random.integers(6)
    if kind == 0:
        node["__module__"], node["__class__"] = CLASSES[random.integers(len(CLASSES))]
    elif kind == 1:
        node["__loader__"] = LOADERS[random.integers(len(LOADERS))]
    elif kind == 2:
        keys = sorted(node)
        node[keys[random.integers(len(keys))]] = VALUES[random.integers(len(VALUES))]
    elif kind == 3:
        keys = sorted(node)
        del node[keys[random.integers(len(keys))]]
    elif kind == 4:
        other = json.loads(json.dumps(found[random.integers(len(found))]))  # a copy: a circle could not be written
        node.clear()
        node.update(other)
    else:
        schema["protocol"] = VALUES[random.integers(8)]


def scratched(content: bytes, random: np.random.Generator) -> bytes:
    """Return bytes of which some are others, or missing."""
    found = bytearray(content)
    for _ in range(random.integers(1, 8)):
        if found:
            found[random.integers(len(found))] = random.integers(256)
    return bytes(found[: random.integers(len(found) + 1)]) if random.random() < 0.2 else bytes(found)


def attempt(seed: int, number: int, folder: Path) -> str | None:
    """Change a file, load it and predict; return what is wrong, if anything is."""
    from search import load_model
    from search.errors import StudyError

    random = np.random.default_rng((seed, number))
    content = files()[random.integers(len(files()))]
    file = folder / "m.skops"
    file.write_bytes(scratched(content, random) if random.random() < 0.1 else changed(content, random))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = load_model(file)
        except StudyError as error:
            told = str(error)
            if not told.isprintable():
                return f"the error is no line of visible text: {told!r}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        else:
            with contextlib.suppress(Exception):  # the numbers mean nothing
                model.predict(ROWS)
    if any(path.name == CANARY for path in (folder / CANARY, Path(CANARY)) if path.exists()):
        return "something in the file was run"
    return None
