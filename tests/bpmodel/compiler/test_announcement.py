"""One line says that something is compiled, where it is and not where it is loaded."""

import ast
from pathlib import Path

import numpy as np
import pytest

import bpmodel
from bpmodel.compiler import announcement
from bpmodel.compiler.kernels import EntryPoint, kernel


def train(x):
    return x + 1


def other(x):
    return x + 2


@kernel
def no_entry_point(x):
    return x + 3


@pytest.fixture(autouse=True)
def talkative(monkeypatch, tmp_path):
    monkeypatch.setattr(announcement, "_silent", False)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))


def test_the_first_function_of_a_process_that_is_compiled_is_announced(capsys):
    EntryPoint(train)(1.0)
    told = capsys.readouterr()
    assert told.err == "bpmodel: compiling the training loop, once on this machine; takes about half a minute\n"
    assert told.out == ""
    EntryPoint(train)(np.float32(1))
    EntryPoint(other)(1.0)
    assert capsys.readouterr().err == ""


def test_what_is_no_training_loop_is_not_called_one(capsys):
    EntryPoint(other)(1.0)
    assert capsys.readouterr().err.startswith(
        "bpmodel: compiling a solver's loop, once on this machine; takes about ten"
    )


def test_what_is_loaded_is_not_announced(capsys, monkeypatch):
    EntryPoint(train)(1.0)
    monkeypatch.setattr(announcement, "_silent", False)
    capsys.readouterr()
    EntryPoint(train)(1.0)
    assert capsys.readouterr().err == ""


def test_functions_of_others_are_not_announced(capsys):
    no_entry_point(1.0)
    assert capsys.readouterr().err == ""


def test_it_can_be_silenced(capsys):
    announcement.silence()
    EntryPoint(train)(1.0)
    assert capsys.readouterr().err == ""


def test_the_functions_that_are_named_exist():
    package, found = Path(bpmodel.__file__).parent, set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found |= {node.name for d in node.decorator_list if getattr(d, "id", "") == "entry_point"}
    assert set(announcement.TAKES) <= found


def test_a_process_that_cannot_keep_what_it_compiles_says_so(capsys, monkeypatch, tmp_path):
    """It took half a minute in every process, and each said "once on this machine"."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null")
    monkeypatch.setattr(announcement.cache.tempfile, "tempdir", "/dev/null")
    EntryPoint(train)(1.0)
    told = capsys.readouterr().err
    assert told.startswith("bpmodel: compiling the training loop, in every process, because no folder ")
    assert told.count("\n") == 1
