"""Output reaches every stream, whatever it can encode."""

import io
import os
import subprocess
import sys

import pytest

from search.terminal.encoding import PLAIN, never_fail, plain

ENCODED = {
    "ascii": ("ascii", b'53.7 +/- 3.2: ?? "x"...'),
    "cp1252": ("cp1252", "53.7 ± 3.2: ?? “x”…".encode("cp1252")),
    "gb18030": ("gb18030", "53.7 ± 3.2: 房价 “x”…".encode("gb18030")),
    "utf-8": ("utf-8", "53.7 ± 3.2: 房价 “x”…".encode()),
}


@pytest.mark.parametrize(("encoding", "written"), ENCODED.values(), ids=ENCODED.keys())
def test_only_what_cannot_be_encoded_is_replaced(encoding, written):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    never_fail(stream, io.StringIO())
    stream.write("53.7 ± 3.2: 房价 “x”…")
    stream.flush()
    assert stream.buffer.getvalue() == written


def test_bytes_of_a_file_name_that_are_no_text_are_replaced():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    never_fail(stream)
    stream.write(b"caf\xe9.csv".decode("utf-8", "surrogateescape"))
    stream.flush()
    assert stream.buffer.getvalue() == b"caf?.csv"


def test_replacements_are_plain():
    assert "".join(PLAIN.values()).isascii()
    assert not any(character.isascii() for character in PLAIN)
    assert plain("".join(PLAIN)) == "".join(PLAIN.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_ascii_was_an_unexpected_error_bug(tmp_path, environment):
    """UnicodeEncodeError, and exit code 1; in the message of an error, too."""
    (tmp_path / "房价.toml").write_text(
        "name = '房价'\n[data]\nsource = 'sklearn:diabetes'\ntask = 'regression'\n[model]\nmax_iter = 4\n[cv]\nn_splits = 2\n"
    )
    asked = {"env": os.environ | environment | {"PYTHONPATH": os.getcwd()}, "cwd": tmp_path, "capture_output": True}
    done = subprocess.run([sys.executable, "-m", "search", "cv", "房价.toml"], **asked)
    assert done.returncode == 0
    assert b"rror" not in done.stderr  # the first fit on a machine says there that the loop is compiled
    assert b"??: hidden_layer_sizes" in done.stdout
    assert b" +/- " in done.stdout
    failed = subprocess.run([sys.executable, "-m", "search", "cv", "无.toml"], **asked)
    assert failed.returncode == 2
    assert failed.stderr.startswith(b"error: ")
    assert failed.stderr.endswith(b".toml: no such study file" + os.linesep.encode())
