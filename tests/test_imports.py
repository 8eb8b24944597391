"""Imports point one way: networks know nothing of the search, few files know Optuna, one package MLflow."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = {
    "bpmodel.preprocessing": (
        ["columns", "dates", "piecewise", "quantile", "smooth_clip"],
        ["encodings"],
        ["options"],
        ["table", "target"],
        ["__init__"],
    ),
    "bpmodel": (
        [
            "blas",
            "canvas",
            "denormals",
            "descent",
            "findings",
            "html",
            "linking",
            "machine_code",
            "monitor",
            "scaling",
            "views",
        ],
        ["compiled"],
        ["arithmetic", "spikes"],
        [
            "activations",
            "clipping",
            "line_search",
            "noise",
            "normalization",
            "optimizers",
            "regularization",
            "schedules",
        ],
        ["activation_display", "initializers", "lbfgs", "levenberg_marquardt", "loss", "scaled_conjugate_gradient"],
        ["bayesian_regularization", "classification_losses", "regression_losses"],
        ["full_batch", "losses"],
        ["network", "options"],
        ["preprocessing", "propagation", "record", "rows"],
        ["data_rules", "layer_rules", "prediction", "probes", "step_rules"],
        ["rules"],
        ["diagnosis", "epochs", "fitted"],
        ["training"],
        ["callbacks", "objective", "repair"],
        ["explained", "full_batch_training"],
        ["settings"],
        ["trainable"],
        ["fitting"],
        ["estimators", "flow_display", "health_display", "curvature"],
        ["ensembles", "preflight", "preload", "stability_display"],
        ["__init__"],
        ["__main__"],
    ),
    "search.tracking": (
        ["library", "runs", "stores"],
        ["client", "models", "schema", "sqlite"],
        ["tracker"],
        ["__init__"],
    ),
    "search": (
        [
            "acquisition",
            "checkpoints",
            "dimensions",
            "errors",
            "forecasting",
            "garbage",
            "gaussian_process",
            "interruption",
            "metrics",
            "nesting",
            "once",
            "outcomes",
            "routing",
            "selection",
            "splitters",
            "tasks",
        ],
        ["divergence", "folds", "forms", "preprocessing", "stopping"],
        ["paired", "problem", "spaces"],
        ["designs", "distributions", "points", "scoring", "unit_cube"],
        ["evolution", "gp", "prepared", "tpe"],
        ["fits", "sampling"],
        ["diagnoses", "spec"],
        ["one_by_one", "refitting", "side_by_side"],
        ["evaluation"],
        ["data", "baselines", "cutoffs", "leaders", "rules", "store", "tracking"],
        ["advice", "cv_results", "setting", "suggestions"],
        ["init", "portfolio", "runner", "plots"],
        ["nested_cv"],
        ["results"],
        ["report"],
        ["best", "fitted_search"],
        ["search_cv", "tuning"],
        ["progress"],
        ["cli", "__init__"],
        ["__main__"],
    ),
}
"""Every module and sub-package may import from the layers above its own line only; nothing of its own layer."""

IMPORTERS = {"optuna": {"distributions", "store", "tpe"}, "mlflow": {"tracking"}}


def path(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def exists(module: str) -> bool:
    return path(module).exists() or path(f"{module}.__init__").exists()


def modules(package: str) -> list[str]:
    """Return the dotted names of a package's modules, those of its sub-packages included."""
    files = sorted((ROOT / package.replace(".", "/")).rglob("*.py"))
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]


def imports(module: str) -> Iterator[str]:
    """Yield the dotted names that a module imports, at the top or inside functions."""
    for node in ast.walk(ast.parse(path(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            files = [found for found in inside if exists(found)]
            yield from files
            if len(files) < len(inside):
                yield str(node.module)


def units(found: Iterable[str], package: str) -> set[str]:
    """Return the modules and sub-packages of a package that dotted names lie in."""
    inside = {f"{name}.__init__" if name == package else name for name in found}
    return {name.removeprefix(f"{package}.").split(".")[0] for name in inside if name.startswith(f"{package}.")}


@pytest.mark.parametrize("package", LAYERS)
def test_every_module_has_a_layer(package):
    listed = [name for layer in LAYERS[package] for name in layer]
    assert sorted(listed) == sorted(units(modules(package), package))


@pytest.mark.parametrize(("package", "module"), [(p, m) for p in LAYERS for m in modules(p)])
def test_imports_point_one_way(package, module):
    (own,) = units([module], package)
    above: set[str] = set()
    for layer in LAYERS[package]:
        if own in layer:
            break
        above |= set(layer)
    within = {own} if path(f"{package}.{own}.__init__").exists() else set()
    assert units(imports(module), package) - within <= above


@pytest.mark.parametrize("module", modules("bpmodel"))
def test_networks_know_nothing_of_the_search(module):
    assert not {found.split(".")[0] for found in imports(module)} & {"search", "optuna", "mlflow"}


@pytest.mark.parametrize("library", IMPORTERS)
def test_few_files_import(library):
    importers = {m for m in modules("search") if library in {found.split(".")[0] for found in imports(m)}}
    assert units(importers, "search") == IMPORTERS[library]


@pytest.mark.parametrize(
    ("module", "absent"), [("bpmodel", {"mlflow", "optuna", "search", "matplotlib"}), ("search.cli", {"mlflow"})]
)
def test_what_an_import_does_not_load(module, absent):
    code = f"import sys, {module}; print(*({absent!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
