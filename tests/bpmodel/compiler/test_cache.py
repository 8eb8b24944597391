"""The cache on disk: nothing about it is ever an error, and nothing is loaded that somebody else could have written."""

import ast
import hashlib
import os
import pickle
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numba
import numpy as np
import pytest

import bpmodel
from bpmodel.compiler import cache
from bpmodel.compiler.cache import digest_of as digest
from bpmodel.compiler.kernels import EntryPoint

PACKAGE = Path(bpmodel.__file__).parent
SOMEBODY = 12345
as_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give files away")


def add_up(x):
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


def run():
    """Call the function as a new process would; return whether its machine code was loaded."""
    function = EntryPoint(add_up)
    assert function(np.arange(4.0)) == 6
    return bool(function.compiled.stats.cache_hits)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "chosen" / "bpmodel" / cache.source_digest()


@pytest.fixture
def file(folder):
    assert not run()
    (path,) = folder.glob("*")
    assert path.suffix == ".machine"
    return path


def test_what_was_compiled_is_loaded(file):
    assert run()
    assert list(file.parent.iterdir()) == [file], "and written once"


def checked(content):
    return hashlib.sha256(content).digest() + content


DAMAGES = {
    "empty": lambda content: b"",
    "cut short": lambda content: content[:10],
    "a checksum alone": lambda content: content[:32],
    "last byte missing": lambda content: content[:-1],
    "one bit turned": lambda content: content[:-100] + bytes([content[-100] ^ 1]) + content[-99:],
    "no pickle": lambda content: checked(b"no pickle"),
    "pickle of something else": lambda content: checked(pickle.dumps("something else")),
    "pickle of too few parts": lambda content: checked(pickle.dumps((1, 2))),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_a_miss_and_is_written_anew(file, damage):
    """Each fit ended with an UnpicklingError, for good."""
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert not run()
    assert run()


def test_a_folder_in_place_of_the_file_is_no_cache(file):
    file.unlink()
    file.mkdir()
    assert not run()
    assert list(file.parent.iterdir()) == [file], "nothing is left behind"


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_can_write_to_is_a_miss(file, mode):
    file.chmod(mode)
    assert not run()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@as_root
def test_a_file_of_somebody_else_is_a_miss(file):
    os.chown(file, SOMEBODY, -1)
    assert not run()
    assert file.stat().st_uid == 0
    assert run()


class Written:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@as_root
@pytest.mark.parametrize("which", ["file", "digest", "base"])
def test_nothing_that_somebody_else_wrote_is_unpickled(file, tmp_path, which):
    trap = tmp_path / "ran"
    file.write_bytes(checked(pickle.dumps(Written(trap))))
    for path in {"file": [file], "digest": [file, file.parent], "base": [file, file.parent, file.parents[1]]}[which]:
        os.chown(path, SOMEBODY, -1)
    assert not run()
    assert not trap.exists()
    file.write_bytes(checked(pickle.dumps(Written(trap))))
    os.chown(file, 0, -1)
    os.chown(file.parent, 0, -1)
    os.chown(file.parents[1], 0, -1)
    run()
    assert trap.exists(), "the trap would have worked"


@pytest.mark.parametrize("which", ["file", "digest", "base"])
def test_links_are_not_followed(file, tmp_path, which):
    """A link in a shared folder led to files that somebody else had chosen."""
    path = {"file": file, "digest": file.parent, "base": file.parents[1]}[which]
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    assert not run()
    assert sorted(elsewhere.rglob("*")) == before


def test_a_fifo_in_place_of_the_file_is_a_miss_and_nobody_waits_for_it(file):
    file.unlink()
    os.mkfifo(file)
    assert not run()
    assert run()


@pytest.mark.parametrize("name", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"])
@pytest.mark.parametrize("value", ["cache", ".", "./cache", ""])
def test_no_cache_lies_in_the_current_folder(folder, tmp_path, monkeypatch, name, value):
    """A relative value put the cache there, where a project of somebody else may have brought machine code along."""
    here = tmp_path / "project"
    here.mkdir()
    monkeypatch.chdir(here)
    for variable in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(name, value)
    assert not run()
    assert list(here.iterdir()) == []
    assert all(path.is_absolute() and here not in path.parents for path in cache.folders())
    assert all(path.is_relative_to(tmp_path) for path in cache.folders()), "nor in the root"


def test_the_current_folder_is_no_temporary_folder(folder, tmp_path, monkeypatch):
    """`tempfile` takes it as its last resort."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null")
    monkeypatch.chdir(tmp_path / "temporary")
    assert cache.folders() == []


PLANTED = """\
import sys
from pathlib import Path
from bpmodel.compiler import cache
print(*cache.folders())
"""


def test_no_file_of_the_current_folder_says_where_the_cache_is_bug(tmp_path):
    """Numba reads `.numba_config.yaml` there: a project folder could name the folder from which machine code is unpickled."""
    (tmp_path / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path}/planted\n")
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "own"), "PYTHONPATH": str(PACKAGE.parent)}
    ran = subprocess.run(
        [sys.executable, "-c", PLANTED], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split()[0] == str(tmp_path / "own" / "bpmodel" / cache.source_digest())
    assert "planted" not in ran.stdout


@as_root
def test_the_temporary_folder_of_somebody_else_is_not_used(folder, tmp_path):
    (tmp_path / "chosen").write_text("no folder can be made here")
    theirs = tmp_path / "temporary" / "bpmodel-0"
    theirs.mkdir(mode=0o777)
    os.chown(theirs, SOMEBODY, -1)
    assert cache.folders() == []
    assert not run()
    assert not run()
    assert list(theirs.iterdir()) == []


def test_where_no_folder_can_be_chosen_the_temporary_one_is_for_this_user_alone(folder, tmp_path):
    (tmp_path / "chosen").write_text("no folder can be made here")
    assert not run()
    assert run()
    (base,) = (tmp_path / "temporary").iterdir()
    assert base.name == f"bpmodel-{os.geteuid()}"
    assert stat.S_IMODE(base.stat().st_mode) == 0o700


def test_what_is_made_is_for_this_user_alone(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "some" / "where"))
    before = os.umask(0)
    try:
        assert not run()
    finally:
        os.umask(before)
    (file,) = tmp_path.joinpath("some").rglob("*.machine")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in list(file.parents)[:4]} == {0o700}


def test_a_folder_that_a_lax_umask_made_is_put_right(folder):
    folder.mkdir(parents=True)
    for path in (folder, folder.parent):
        path.chmod(0o777)
    assert not run()
    assert run()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o755}


def test_without_any_folder_everything_works_and_nothing_is_kept(folder, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    def no_temporary_folder():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr(tempfile, "gettempdir", no_temporary_folder)
    assert cache.folders() == []
    assert not run()
    assert not run()


def test_without_sources_nothing_is_kept(folder, monkeypatch):
    monkeypatch.setattr(cache, "source_digest", lambda: "")
    assert cache.folders() == []
    assert not run()


VICTIM = 54321

AS_VICTIM = """
import os, sys, tempfile
from bpmodel.compiler import cache
from bpmodel.compiler.kernels import EntryPoint
def twice(x): return 2 * x
def once(x): return x
def compiles(x): return -x
EntryPoint(compiles)(4.0)  # so that no victim imports the compiler: that alone takes seconds
for shared in sys.argv[1:]:
    if victim := os.fork():
        assert os.waitpid(victim, 0)[1] == 0
        continue
    os.environ["NUMBA_CACHE_DIR"] = os.environ["TMPDIR"] = shared
    tempfile.tempdir = None
    EntryPoint(once)(4.0)
    os.setgroups([]); os.setgid(VICTIM); os.setuid(VICTIM)
    cache.used.clear()
    print(EntryPoint(twice)(4.0), *cache.used, flush=True)
    os._exit(0)
""".replace("VICTIM", str(VICTIM))
PLANTS = [("nothing", SOMEBODY), *((what, owner) for what in ("base", "digest", "file") for owner in (SOMEBODY, 0))]


def as_victim(shared, elsewhere):
    """Return what a service account prints for each folder: a result, and the file that it used. Each has its own process."""
    command = [sys.executable, "-c", AS_VICTIM, *map(str, shared)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PACKAGE.parent), "NUMBA_CACHE_DIR": str(elsewhere)}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd="/"
    ).stdout.splitlines()


def plant(shared, name, trap, what, owner):
    """Put a trap in place of what the victim kept, and give it, its folder or the one above to somebody."""
    files = sorted(shared.rglob(name))
    assert files, "the victim has a cache"
    for file in files:
        assert file.stat().st_uid == VICTIM
        file.write_bytes(checked(pickle.dumps(Written(trap))))
        paths = {"nothing": [], "file": [file], "digest": [file, file.parent], "base": [file, *list(file.parents)[:2]]}
        for path in paths[what]:
            os.chown(path, owner, -1)
            path.chmod(0o755)


@pytest.mark.slow
@as_root
def test_another_user_plants_a_file_where_a_service_account_looks(tmp_path):
    """In a shared NUMBA_CACHE_DIR (1777), and in the shared temporary folder: whoever came first could run code as the other."""
    folders = {case: tmp_path / "-".join(map(str, case)) for case in PLANTS}
    for path in (tmp_path, traps := tmp_path / "ran", *folders.values()):
        path.mkdir(exist_ok=True)
        path.chmod(0o1777)
    for parent in tmp_path.parents:
        if parent.name.startswith(("pytest-", "popen-")):
            parent.chmod(0o755)  # the victims must reach it
    for (case, shared), said in zip(folders.items(), as_victim(folders.values(), tmp_path), strict=True):
        result, name = said.split()
        assert result == "8.0"
        plant(shared, name, traps / shared.name, *case)
    assert {said.split()[0] for said in as_victim(folders.values(), tmp_path)} == {"8.0"}
    assert [path.name for path in traps.iterdir()] == [f"nothing-{SOMEBODY}"], "its own file is run: the trap works"


@pytest.mark.slow
@as_root
def test_a_user_without_a_home_and_an_entry_in_passwd_compiles():
    """Importing ended with "Could not determine home directory". The code may be readable for root alone: root imports it."""
    script = (
        "import os, tempfile\n"
        "from bpmodel.compiler import cache\n"
        "from bpmodel.compiler.kernels import EntryPoint\n"
        "def once(x): return x\n"
        "def twice(x): return 2 * x\n"
        "EntryPoint(once)(4.0)\n"
        "os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
        "tempfile.tempdir = '/nowhere'\n"
        "print(EntryPoint(twice)(4.0), cache.folders())"
    )
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=kept, capture_output=True, text=True, check=True)
    assert ran.stdout == "8.0 []\n"


# ------------------------------------------------------------------------------------------------------------ the key


@pytest.fixture
def copy(tmp_path):
    return Path(shutil.copytree(PACKAGE, tmp_path / "bpmodel", ignore=shutil.ignore_patterns("__pycache__")))


def test_a_copy_has_the_same_key(copy):
    assert digest(copy) == digest(PACKAGE) == cache.source_digest()


@pytest.mark.parametrize("folder_name", cache.COMPILED)
def test_a_change_in_a_folder_that_compiles_changes_the_key(copy, folder_name):
    before = digest(copy)
    path = sorted((copy / folder_name).rglob("*.py"))[-1]
    path.write_text(path.read_text() + "\n")
    after = digest(copy)
    assert after != before
    (copy / folder_name / "deeper").mkdir()
    (copy / folder_name / "deeper" / "more.py").write_text("")
    assert digest(copy) != after


@pytest.mark.parametrize("name", ["displays/canvas.py", "options.py", "diagnosis/rules.py"])
def test_a_change_elsewhere_does_not(copy, name):
    before = digest(copy)
    (copy / name).write_text((copy / name).read_text() + "\nCOLOR = 1\n")
    assert digest(copy) == before


@pytest.mark.parametrize(("module", "name"), [(numba, "__version__"), (np, "__version__")])
def test_the_versions_are_part_of_the_key(monkeypatch, module, name):
    before = digest(PACKAGE)
    monkeypatch.setattr(module, name, "0.0.1")
    assert digest(PACKAGE) != before


def test_every_module_with_compiled_code_is_in_the_key():
    makers = {"kernel", "inner", "formula", "entry_point", "choose"}
    using = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "bpmodel.compiler.kernels":
                using |= {path for alias in node.names if alias.name in makers}
            assert not (isinstance(node, ast.ImportFrom) and node.module == "numba" and "compiler" not in path.parts), (
                path
            )
    assert len(using) > 10
    assert {path.relative_to(PACKAGE).parts[0] for path in using} <= set(cache.COMPILED)
