"""Nothing is written around `search.files`: every call that could write is there, or has its reason here."""

import ast
from pathlib import Path

import pytest

import search

HOME = Path(search.__file__).parents[1]

WRITERS = """
write_text write_bytes touch mkdir makedirs unlink remove rmdir rmtree removedirs rename renames replace symlink link symlink_to
hardlink_to truncate ftruncate chmod fchmod copy copy2 copyfile copytree move mkstemp mkdtemp TemporaryDirectory TemporaryFile
NamedTemporaryFile SpooledTemporaryFile savefig to_csv to_parquet to_excel to_feather to_pickle to_hdf to_sql dump dump_model
FileLock SoftFileLock ParquetWriter FileHandler mkfifo flock lockf
"""
"""Names of functions and methods that write, lock or delete."""

OF_FILES = "mkdir makedirs unlink remove rename replace symlink link copy dump move"
"""Those that texts, lists and tables have as well: counted where they are called on `os`, `shutil`, a library, or a path."""

REASONS = {
    ("bpmodel.compiler.shipping", "mkdir"): "in a copy of the package that is being made",
    ("bpmodel.compiler.shipping", "write_bytes"): "the same",
    (
        "search.catalog.deletion",
        "unlink",
    ): "deletes what it was told to, under a lock; a link itself, not what it leads to",
    (
        "search.catalog.soundness.leftovers",
        "unlink",
    ): "a draft that nobody has written for ten minutes; a link itself, not what it leads to",
    ("search.cli", "open"): "the null device",
    (
        "search.loop.file_journal",
        "unlink",
    ): "deletes what it was told to, under its lock; a link itself, not what it leads to",
    ("search.export.formats", "dump"): "to a draft",
    ("search.export.formats", "write_bytes"): "to a draft",
    ("search.loop.optuna_export", "write_bytes"): "to a draft",
    ("search.loop.lines", "ftruncate"): "what is kept beside, or what it has just appended",
    (
        "search.loop.lines",
        "unlink",
    ): "beginnings of lines that were cut off, under the journal's lock, once it was looked at",
    ("search.prediction.writing", "open"): "a draft",
    ("search.prediction.writing", "to_csv"): "to an open draft or stream",
    ("search.prediction.writing", "ParquetWriter"): "to a draft",
    ("search.plots.canvas", "savefig"): "to a draft, or into memory",
    ("search.commands.report", "open"): "the browser",
    ("search.report.files", "write_bytes"): "to a draft",
    ("search.study.init", "write_text"): "to a draft",
    ("search.tables.opening", "open"): "to read: flags that write nothing, and a member of an archive",
    ("search.tables.extents", "open"): "members of an archive, to read",
    ("search.tracking.inventory.places", "rmtree"): "a folder beside the database that holds only what a kill leaves",
    ("search.tracking.local.rollback", "open"): "to read: flags that write nothing",
    ("search.tracking.writers.schema", "fdopen"): "the end of a pipe to a child",
    ("search.tracking.writers.client", "write_text"): "in a new folder of its own, which is sent to the store",
    ("search.tracking.writers.client", "write_bytes"): "the same",
    ("search.tracking.models.registration", "write_text"): "in such a folder",
    ("search.tracking.models.registration", "rmtree"): "in such a folder",
    ("search.tracking.local.scratch", "mkdtemp"): "makes such a folder",
    ("search.tracking.local.scratch", "open"): "its folder itself, to lock it",
    ("search.tracking.local.scratch", "flock"): "the same",
    ("search.tracking.local.scratch", "rmtree"): "only a folder that it holds the lock of",
    ("search.tracking.stores", "mkdir"): "the folder of a new store",
    ("search.tracking.stores", "TemporaryFile"): "without a name: whether the folder can be written",
    ("search.service.place", "mkdir"): "the folders of the service, for this user alone",
    ("search.service.place", "chmod"): "the same folders, of which it has looked whose they are",
    ("search.service.terminal.opening", "unlink"): "file and log of a study that is deleted",
    ("search.service.databases.migration", "chmod"): "the database that it has just made, in the folder of the service",
    (
        "search.service.databases.migration",
        "rename",
    ): "journals and a queue that were copied and compared, into a new folder",
    ("search.service.databases.kinds", "chmod"): "the database that it has just opened, in that folder",
    ("search.service.data_copies", "open"): "a draft",
    ("search.service.data_copies", "write_text"): "a draft",
    ("search.service.data_copies", "mkdir"): "in the folder of copies, under the hash of what arrived",
    ("search.service.data_copies", "replace"): "what has arrived whole, into that folder",
    ("search.service.cluster.certificates", "mkdir"): "a new folder for them, for this user alone",
    ("search.service.cluster.standing", "open"): "a file of its own that grows",
    ("search.service.cluster.standing", "unlink"): "the same, once it is kept under its hash",
    ("search.service.object_store", "makedirs"): "where the user wants copies, under their hashes",
    ("search.service.object_store", "open"): "to read",
    ("search.commands.service.worker", "TemporaryDirectory"): "a folder of its own, for copies of data",
    ("search.service.connection", "open"): "its own method, which sends a request",
    ("search.service.sending", "to_parquet"): "into memory",
    ("search.service.mcp.reading", "TemporaryDirectory"): "an empty folder of its own, for the rows that are predicted",
    ("search.processes.python", "TemporaryDirectory"): "an empty folder of its own",
    ("search.service.api.sources", "open"): "to read: flags that write nothing",
    ("search.service.api.predictions", "unlink"): "the rows of a request, which it has written",
}
"""Calls outside of the rooms for files, each with the reason why nothing of a user's is lost by it."""

ROOMS = ("search.files", "bpmodel.compiler.trust")


def modules():
    for package in ("search", "bpmodel"):
        for path in sorted((HOME / package).rglob("*.py")):
            name = ".".join(path.relative_to(HOME).with_suffix("").parts)
            if not name.startswith(ROOMS):
                yield name, ast.parse(path.read_text(encoding="utf-8"))


def writes(call: ast.Call) -> str:
    """Return the name of a function that may write; an empty text for another one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("open", "fdopen"):
        owner = getattr(getattr(call.func, "value", None), "id", "")
        first = 0 if isinstance(call.func, ast.Attribute) and owner not in ("os", "io") else 1
        modes = [*call.args[first : first + 1], *(k.value for k in call.keywords if k.arg in ("mode", "flags"))]
        texts = [m.value if isinstance(m, ast.Constant) and isinstance(m.value, str) else "w" for m in modes]
        return name if set("".join(texts)) & set("wax+") else ""
    if name not in WRITERS.split():
        return ""
    if name in OF_FILES.split():
        if not isinstance(call.func, ast.Attribute):
            return ""  # `dataclasses.replace`, `copy.copy`: those of the system are called on their modules
        owner = ast.unparse(call.func.value)
        known = owner.split(".")[0] in ("os", "shutil", "joblib", "pickle", "skops")
        paths = any(word in owner.lower() for word in ("path", "folder", "draft", "file", "parent")) and not (
            name in ("replace", "copy") and len(call.args) != 1
        )
        return name if known or paths else ""
    return name


def found():
    return {
        (module, writes(node)) for module, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.Call)
    }


def test_nobody_writes_around_the_one_way():
    assert {each for each in found() if each[1]} - set(REASONS) == set()


@pytest.mark.parametrize(
    "code",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "open(path, mode)",
        "path.open('x')",
        "io.open(path, 'r+')",
        "os.open(path, flags)",
        "path.write_text('')",
        "shutil.copy(a, b)",
        "os.replace(a, b)",
        "path.unlink()",
        "frame.to_csv(path)",
        "joblib.dump(model, path)",
    ],
)
def test_what_counts_as_writing(code):
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert writes(call)


@pytest.mark.parametrize(
    "code", ["open(path)", "open(path, 'rb')", "path.open()", "text.replace('a', 'b')", "a.copy()"]
)
def test_what_does_not(code):
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert not writes(call)
