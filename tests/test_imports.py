"""Imports point one way. `ARCHITECTURE` is the order: read it from top to bottom to know the product."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ARCHITECTURE = {
    "bpmodel": """
        compiler names colors               how numeric code is compiled; what an unknown name may mean
        functions domains                   tables of pure functions: activations, losses, …; what a value may be
        network option                      one network, and one epoch of it; what a hyperparameter is
        full_batch                          solvers that see all rows
        options intake                      the one table of hyperparameters; what a fit is given
        diagnosis preprocessing             what went wrong; columns of any kind as numbers
        fitted_network html constructors    a network that predicts, and what its class is told
        preparation callbacks               from arrays and options to a `Training`
        base                                `fit`, `partial_fit`, `diagnose`
        estimators                          BPRegressor, BPClassifier
        ensembles curvature preload monitor record repair scaling
        preflight displays export
    """,
    "search": """
        errors spelling rows scorers scorer_names classes seeds domains tables signals toml processes
        space cv routing profiling trust files project  what is searched, on which folds; what a table is; what a model may hold
        trials formatting                   one configuration, scored; scores as people read them
        tracking samplers prediction        MLflow; methods of search; a model and new rows
        options                             the one table of the search's options
        loop constructor export plots       ask, evaluate, tell, record; models as files; figures
        results fitted_search               the result, its report, advice
        experiment terminal arguments holdout report completion  one search; a model on known targets; a page on a study
        study search_cv                     the same for a study file, and as an estimator
        tuning configuration catalog        a study from file to model; the studies of a folder
        service                             a queue of studies for many users, and what runs it
        commands                            the verbs of the command line, a file each
        cli
    """,
}
"""Rooms, which are folders or modules, from the ground up: each imports from the lines above its own."""

ROOMS_IN_A_FOLDER, FLOORS, LINES_IN_A_FILE = (
    20,
    13,
    400,
)  # the thirteenth floor is the service, which all others do without
ONLY = {
    "optuna": {"samplers", "loop"},
    "mlflow": {"tracking"},
    **{library: {"service"} for library in ("alembic", "dask", "distributed")},
}
"""Libraries that few rooms of the search may import."""


def lines(package: str) -> list[list[str]]:
    """Return the rooms of each line; what follows two blanks is a remark."""
    return [line.strip().split("  ")[0].split() for line in ARCHITECTURE[package].strip().splitlines()]


def path(module: str) -> Path:
    return ROOT / f"{module.replace('.', '/')}.py"


def exists(module: str) -> bool:
    return path(module).exists() or path(f"{module}.__init__").exists()


def modules(package: str) -> list[str]:
    """Return the dotted names of a package's modules, those of its folders included."""
    files = sorted((ROOT / package.replace(".", "/")).rglob("*.py"))
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]


@cache
def imports(module: str) -> list[str]:
    """Return the dotted names that a module imports, at the top or inside functions."""
    return list(_imports(module))


def _imports(module: str) -> Iterator[str]:
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


def imported_names(module: str) -> Iterator[str]:
    """Return the dotted names of everything that a module imports."""
    for node in ast.walk(ast.parse(path(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom | ast.Import):
            start = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            yield from (start + alias.name for alias in node.names)


def room(module: str) -> str:
    """Return the folder or module of a package that a dotted name lies in; "__init__" for the package itself."""
    return [*module.split("."), "__init__"][1]


def inside(module: str) -> set[str]:
    """Return the modules of its own package that a module imports."""
    package = module.split(".")[0]
    return {found for found in imports(module) if found.split(".")[0] == package} - {module}


@pytest.mark.parametrize("package", ARCHITECTURE)
def test_every_room_has_a_line(package):
    listed = [name for line in lines(package) for name in line]
    assert sorted(listed) == sorted({room(m) for m in modules(package)} - {"__init__", "__main__"})
    assert len(lines(package)) <= FLOORS


@pytest.mark.parametrize("module", [m for package in ARCHITECTURE for m in modules(package)])
def test_imports_point_one_way(module):
    package, own = module.split(".")[0], room(module)
    if own in ("__init__", "__main__"):
        return
    below: set[str] = set()
    for line in lines(package):
        if own in line:
            break
        below |= set(line)
    assert {room(found) for found in inside(module)} - {own} <= below


PRIVATE = {
    (room, "sklearn.utils._repr_html.estimator._VisualBlock") for room in ("bpmodel.html", "search.fitted_search")
}
"""Private names of scikit-learn that are imported, each with a fallback."""


def test_scikit_learns_private_names_are_not_used():
    found = {(m, name) for package in ARCHITECTURE for m in modules(package) for name in imported_names(m)}
    assert {(m, name) for m, name in found if name.startswith("sklearn.") and "._" in name} == PRIVATE


@pytest.mark.parametrize("package", ARCHITECTURE)
def test_no_module_imports_itself_in_a_circle(package):
    left = {module: inside(module) & set(modules(package)) for module in modules(package)}
    while free := {module for module, needs in left.items() if not needs & set(left)}:
        left = {module: needs for module, needs in left.items() if module not in free}
    assert not left


@pytest.mark.parametrize("folder", sorted({m.rpartition(".")[0] for p in ARCHITECTURE for m in modules(p)}))
def test_no_folder_is_a_crowd(folder):
    files = [file for file in (ROOT / folder.replace(".", "/")).glob("*.py") if file.stem != "__init__"]
    assert len(files) <= ROOMS_IN_A_FOLDER


@pytest.mark.parametrize("package", ARCHITECTURE)
def test_no_file_is_long(package):
    lengths = {module: len(path(module).read_text(encoding="utf-8").splitlines()) for module in modules(package)}
    assert {module: length for module, length in lengths.items() if length > LINES_IN_A_FILE} == {}


@pytest.mark.parametrize("module", modules("bpmodel"))
def test_networks_know_nothing_of_the_search(module):
    assert not {found.split(".")[0] for found in imports(module)} & {"search", "optuna", "mlflow"}


@pytest.mark.parametrize("library", ONLY)
def test_few_rooms_import(library):
    importers = {room(m) for m in modules("search") if library in {found.split(".")[0] for found in imports(m)}}
    assert importers == ONLY[library]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("bpmodel", {"mlflow", "optuna", "search", "matplotlib"}),
        ("search.search_cv, search.tuning", {"mlflow", "openpyxl"}),
    ],
)
def test_what_an_import_does_not_load(modules, absent):
    code = f"import sys, {modules}; print(*({absent!r} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
