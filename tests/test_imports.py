"""Imports point one way: networks know nothing of the search, few files know Optuna, one MLflow."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = {
    "bpmodel": (
        ["blas", "canvas", "descent", "findings", "html", "linking", "monitor", "scaling"],
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
        ["propagation", "record", "rows"],
        ["data_rules", "layer_rules", "prediction", "probes", "step_rules"],
        ["rules"],
        ["diagnosis", "epochs", "fitted"],
        ["training"],
        ["callbacks", "objective", "repair"],
        ["explained", "full_batch_training"],
        ["settings"],
        ["fitting"],
        ["estimators", "flow_display", "health_display", "curvature"],
        ["ensembles", "preflight", "stability_display"],
        ["__init__"],
        ["__main__"],
    ),
    "search": (
        ["errors", "interruption", "once", "outcomes", "preprocessing", "splitters"],
        ["spaces", "folds"],
        ["distributions", "spec", "problem"],
        ["nesting"],
        ["prepared"],
        ["fits"],
        ["diagnoses"],
        ["evaluation", "refitting"],
        ["data", "divergence", "baselines", "cutoffs", "rules", "sampling", "store", "tracking"],
        ["advice"],
        ["init", "runner", "plots", "report"],
        ["search_cv", "tuning"],
        ["cli", "__init__"],
        ["__main__"],
    ),
}
"""Every module may import from the layers above its own line only; nothing of its own layer."""

IMPORTERS = {"optuna": {"search.distributions", "search.sampling", "search.store"}, "mlflow": {"search.tracking"}}


def imports(module: str) -> Iterator[str]:
    """Yield the dotted names that a module imports, at the top or inside functions."""
    package, name = module.split(".")
    for node in ast.walk(ast.parse((ROOT / package / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            files = [found for found in inside if (ROOT / f"{found.replace('.', '/')}.py").exists()]
            yield from files
            if len(files) < len(inside):
                yield str(node.module)


def modules(package: str) -> list[str]:
    return [f"{package}.{path.stem}" for path in sorted((ROOT / package).glob("*.py"))]


@pytest.mark.parametrize("package", LAYERS)
def test_every_module_has_a_layer(package):
    listed = [f"{package}.{name}" for layer in LAYERS[package] for name in layer]
    assert sorted(listed) == modules(package)


@pytest.mark.parametrize("module", [m for package in LAYERS for m in modules(package)])
def test_imports_point_one_way(module):
    package, name = module.split(".")
    above: set[str] = set()
    for layer in LAYERS[package]:
        if name in layer:
            break
        above |= {f"{package}.{other}" for other in layer}
    own = {
        found if "." in found else f"{found}.__init__" for found in imports(module) if found.split(".")[0] == package
    }
    assert own <= above


@pytest.mark.parametrize("module", modules("bpmodel"))
def test_networks_know_nothing_of_the_search(module):
    assert not {found.split(".")[0] for found in imports(module)} & {"search", "optuna", "mlflow"}


@pytest.mark.parametrize("library", IMPORTERS)
def test_few_files_import(library):
    importers = {m for m in modules("search") if library in {found.split(".")[0] for found in imports(m)}}
    assert importers == IMPORTERS[library]


@pytest.mark.parametrize(
    ("module", "absent"), [("bpmodel", {"mlflow", "optuna", "search", "matplotlib"}), ("search.cli", {"mlflow"})]
)
def test_what_an_import_does_not_load(module, absent):
    code = f"import sys, {module}; print(*({absent!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
