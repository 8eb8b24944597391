"""Write what type checkers know of the constructors that are made from tables of options: `make docs`."""

from __future__ import annotations

from pathlib import Path

from bpmodel.option import Option
from bpmodel.options import CLASSIFIER_OPTIONS, REGRESSOR_OPTIONS
from bpmodel.preprocessing.options import COLUMNS, TARGET, WRITTEN
from search.options import ABSENT, POSITIONAL, SEARCH_CV, SearchOption

ROOT = Path(__file__).parents[1]
FILES = {
    ROOT / "bpmodel" / "constructors.pyi": {
        "RegressorConstructor": REGRESSOR_OPTIONS,
        "ClassifierConstructor": CLASSIFIER_OPTIONS,
    },
    ROOT / "bpmodel" / "preprocessing" / "constructors.pyi": {
        "TableConstructor": (*COLUMNS, WRITTEN),
        "TargetConstructor": TARGET,
    },
}
SEARCH = ROOT / "search" / "constructor.pyi"
HEAD = '"""Constructors as type checkers see them. `make docs` writes this file from the tables of options."""'
IMPORTS = {
    "Sequence": "from collections.abc import Sequence",
    "Any": "from typing import Any\n",
    "RandomState": "from numpy.random import RandomState",
    "NDArray": "from numpy.typing import NDArray",
}


def constructor(name: str, options: tuple[Option, ...]) -> str:
    """Return the class that takes these options."""
    positional = [o for o in options if o.positional]
    keyword = [o for o in options if not o.positional]
    parameters = [f"{o.name}: {o.domain.annotation} = ..." for o in positional]
    parameters += ["*", *(f"{o.name}: {o.domain.annotation} = ..." for o in keyword)] if keyword else []
    lines = [f"class {name}:"]
    lines += [f"    {o.name}: {o.domain.annotation}" for o in options]
    lines += ["    def __init__(", "        self,", *(f"        {each}," for each in parameters), "    ) -> None: ..."]
    return "\n".join(lines)


def stub(classes: dict[str, tuple[Option, ...]]) -> str:
    """Return the text of one stub file."""
    body = "\n\n".join(constructor(name, options) for name, options in classes.items())
    imports = [line for name, line in IMPORTS.items() if name in body]
    return "\n".join([HEAD, "", *imports, "", body, ""])


SEARCH_STUB = """\
{head}

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from optuna.samplers import BaseSampler

from search.samplers.methods import Sampler
from search.tracking import Tracker
from search.trials.penalties import PenaltyPolicy

Class = TypeVar("Class", bound=type)

def documented(cls: Class) -> Class: ...

class SearchParameters:
{attributes}
    def __init__(
        self,
{parameters}
    ) -> None: ...
"""


def search_stub() -> str:
    """Return the stub file of the constructor of `BPSearchCV`."""
    attributes = "\n".join(f"    {o.name}: {_search_annotation(o)}" for o in SEARCH_CV)
    parameters = [f"{o.name}: {_search_annotation(o)}{'' if o.search_cv is ABSENT else ' = ...'}" for o in SEARCH_CV]
    parameters.insert(len(POSITIONAL), "*")
    return SEARCH_STUB.format(
        head=HEAD, attributes=attributes, parameters="\n".join(f"        {p}," for p in parameters)
    )


def _search_annotation(option: SearchOption) -> str:
    nullable = option.search_cv is None and option.domain.annotation != "Any"
    return f"{option.domain.annotation} | None" if nullable else option.domain.annotation


def written() -> dict[Path, str]:
    """Return the text of each stub file."""
    return {file: stub(classes) for file, classes in FILES.items()} | {SEARCH: search_stub()}
