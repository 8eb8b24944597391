"""What a model needs where it is loaded: distributions to install, and code that travels with it."""

from __future__ import annotations

import ast
import io
import json
import pickle
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from inspect import getmodulename
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

LOADER = ("mlflow", "numpy", "pandas", "sklearn", "skops")
"""Modules that load a model, whatever it holds."""

OWN = "bpmodel"
"""The package of the networks. It travels as code, because a model must predict the same with every later version."""


class Needs(NamedTuple):
    """What a model needs.

    Attributes
    ----------
    requirements : list of str
        Distributions with their versions, such as ``numpy==2.3.5``.
    code : list of Path
        Files and folders of modules that no index has: those of this project and of the user.
    """

    requirements: list[str]
    code: list[Path]


def needs(model: Any) -> Needs:
    """Return what a model needs: the distributions of the modules of everything in it, and of what code it ships imports.

    Code that is only there while a model is trained or drawn is not needed: of the packages that ship, only imports at the top
    of a file count for networks, which import the rest late. Of the user's own modules all imports count.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> found = needs(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]))
    >>> [requirement.partition("==")[0] for requirement in found.requirements], found.code
    (['mlflow', 'numpy', 'pandas', 'scikit-learn', 'skops'], [])
    """
    known = distributions()
    waiting, done = [*LOADER, *sorted(modules_in(model))], set[str]()
    requirements, code = set[str](), dict[str, Path]()
    while waiting:
        name = waiting.pop()
        if name in done:
            continue
        done.add(name)
        if installed := _installed(name, known):
            requirements |= installed
        elif (place := _place(name)) is not None:
            code[name] = place
            waiting += _of_networks(place) if name == OWN else imported_by(place, late=True)
    return Needs(sorted(requirements), [code[name] for name in sorted(code)])


class _Listing(pickle.Pickler):
    """Lists the modules of everything that it would save."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), protocol=5)
        self.modules: set[str] = set()

    def reducer_override(self, thing: Any) -> Any:
        of = thing if hasattr(thing, "__qualname__") else type(thing)  # a function or class, or an object of a class
        for each in getattr(of, "__mro__", (of,)):
            self.modules.add(str(getattr(each, "__module__", None) or "builtins"))
        return NotImplemented


def modules_in(model: Any) -> set[str]:
    """Return the top-level modules of everything in a model, without those of Python itself.

    >>> sorted(modules_in({"of": Path("."), "numbers": __import__("numpy").float64(1)}))
    ['numpy']
    """
    listing = _Listing()
    try:
        listing.dump(model)
    except Exception:  # it holds something that cannot be pickled: what was seen until then, and what skops names
        import skops.io

        listing.modules |= {*skops.io.get_untrusted_types(data=skops.io.dumps(model))}
    found = {name.partition(".")[0] for name in listing.modules}
    return found - sys.stdlib_module_names - {"__main__"}


def imported_by(place: Path, *, late: bool) -> set[str]:
    """Return the top-level modules that a file, or the files of a folder, import, without those of Python itself.

    Parameters
    ----------
    late : bool
        Whether imports inside functions count.
    """
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    found: set[str] = set()
    for file in files:
        found |= set(_imports(ast.parse(file.read_text(encoding="utf-8")).body, late))
    own = place.stem if place.is_file() else place.name
    return {name.partition(".")[0] for name in found} - sys.stdlib_module_names - {own, ""}


@cache
def _of_networks(place: Path) -> set[str]:
    """Return what the package of the networks imports at once: of hundreds of files, which stay what they are in a process."""
    return imported_by(place, late=False)


def _imports(body: Iterable[ast.AST], late: bool) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield str(node.module)
        elif _is_for_types(node):
            continue
        elif late or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(ast.iter_child_nodes(node), late)


def _is_for_types(node: ast.AST) -> bool:
    """Return whether a statement is ``if TYPE_CHECKING:``, whose imports never run."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def distributions() -> dict[str, list[metadata.Distribution]]:
    """Return the installed distributions that each top-level module is in.

    `importlib.metadata.packages_distributions` tells the same in half a second: it looks whether every installed file is there.

    >>> [each.name for each in distributions()["sklearn"]]
    ['scikit-learn']
    """
    found: dict[str, list[metadata.Distribution]] = defaultdict(list)
    for each in metadata.distributions():
        for module in _top_level(each):
            found[module].append(each)
    return found


def _top_level(distribution: metadata.Distribution) -> set[str]:
    """Return the top-level modules of a distribution, from the list that it brings or else from that of its files."""
    if told := distribution.read_text("top_level.txt"):
        return set(told.split())
    files = (line.partition(",")[0].strip('"') for line in (distribution.read_text("RECORD") or "").splitlines())
    tops = {file.partition("/")[0] if "/" in file else getmodulename(file) or "" for file in files}
    return {top for top in tops if top.isidentifier()}


def _installed(name: str, known: Mapping[str, Iterable[metadata.Distribution]]) -> set[str]:
    """Return the requirements that a module needs; none if its distribution is a folder or file of this machine alone."""
    found = {each.name for each in known.get(name, ())}
    if name == OWN or any(map(_is_local, found)):
        return set()
    chosen = {distribution for distribution in found if distribution.lower() == name.lower()} or found
    return {f"{each.lower()}=={metadata.version(each).partition('+')[0]}" for each in chosen}


def _is_local(distribution: str) -> bool:
    """Return whether a distribution was installed from a place on this machine, such as a checkout."""
    origin = json.loads(metadata.distribution(distribution).read_text("direct_url.json") or "{}").get("url", "")
    return origin.startswith("file:") and Path(url2pathname(urlsplit(origin).path)).exists()


def _place(name: str) -> Path | None:
    """Return the file or folder of a module; None if it has none, or cannot be found any more."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or [])
    if folders:
        return Path(folders[0])
    return Path(spec.origin) if spec.origin and Path(spec.origin).suffix == ".py" else None
