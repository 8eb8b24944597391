"""The pages of the API reference: one for each public name. Their text is the docstring, read when the site is built."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

PACKAGES = ("bpsearch", "bpmodel", "search", "search.plots")
"""Whatever these list in `__all__` is public, and has a page."""

GROUPS: dict[str, tuple[str, ...]] = {
    "Search": ("BPSearchCV", "load_model", "StudyError"),
    "The service": ("Client", "ServiceError"),
    "Networks": ("BPRegressor", "BPClassifier", "BPEnsembleRegressor", "BPEnsembleClassifier"),
    "Diagnosis": ("diagnose", "Diagnosis", "Finding", "Repair", "Verdict", "DivergenceError", "DivergenceWarning"),
    "Before the first step": ("preflight", "rate_limit", "sharpness", "step_size_number"),
    "Plots of a fit": ("HealthDisplay", "GradientFlowDisplay", "ActivationDisplay", "StabilityMapDisplay"),
    "Your own functions": ("register_activation", "register_loss", "register_optimizer", "register_schedule"),
}
PLOTS = "Plots of a search"


def public() -> dict[str, str]:
    """Return the public names, each with the package to import it from: the first of `PACKAGES` that has it."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for name in listed(importlib.import_module(package)):
            found.setdefault(name, package)
    return found


def listed(module: ModuleType) -> list[str]:
    """Return what a module lists as public; a package in it has its own group."""
    return [name for name in getattr(module, "__all__", []) if not inspect.ismodule(getattr(module, name))]


def groups() -> dict[str, list[str]]:
    """Return the public names by group; those of `search.plots` are a group of their own, if there are any."""
    plots = [name for name, package in public().items() if package == "search.plots"]
    return {title: list(names) for title, names in GROUPS.items()} | ({PLOTS: plots} if plots else {})


def pages() -> dict[str, str]:
    """Return the Markdown of the reference: `"api/index"`, and a page for each name."""
    packages = public()
    written = {f"api/{name}": page(name, packages[name]) for names in groups().values() for name in names}
    return written | {"api/index": index(packages)}


def index(packages: dict[str, str]) -> str:
    """Return the page with all names and the first line of each docstring."""
    parts = ["# API reference", "Import these from `bpsearch`, those of a search's plots from `search.plots`."]
    for title, names in groups().items():
        rows = [f"| [`{name}`]({name}.md) | {summary(thing(name, packages[name]))} |" for name in names]
        parts.append("\n".join([f"## {title}\n", "| name | |", "|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def page(name: str, package: str) -> str:
    """Return the page of one name."""
    kind = "autoclass" if inspect.isclass(thing(name, package)) else "autofunction"
    lines = ["# " + name, "", "```{eval-rst}", f".. {kind}:: {package}.{name}"]
    if kind == "autoclass":
        lines += ["   :members:", "   :inherited-members: Exception, Warning"]
    return "\n".join([*lines, "```", ""])


def thing(name: str, package: str) -> Any:
    """Return what a public name stands for."""
    return getattr(importlib.import_module(package), name)


def summary(value: Any) -> str:
    """Return the first line of a docstring, for a cell of a table."""
    return (inspect.getdoc(value) or "").split("\n", 1)[0].replace("|", "\\|")
