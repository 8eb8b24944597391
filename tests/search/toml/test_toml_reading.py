"""TOML that others may have written: bounded, and any fault in one line."""

import os
from pathlib import Path

import pytest

from search.toml import reading
from search.toml.reading import MOST_BYTES, MOST_NESTED, NotTOMLError, TOMLError


def nested(n: int, opened: str = "[", closed: str = "]") -> str:
    return f"a = {opened * n}1{closed * n}"


HOSTILE = {
    "lists in lists": (nested(100_000), "nested too deep; allowed are 16"),
    "tables in tables": (nested(100_000, "{b = ", "}"), "nested too deep"),
    "lists that tomllib reads": (nested(200), "a is nested too deep"),
    "a dotted key": (".".join(["a"] * 100_000) + " = 1", "nested too deep"),
    "a dotted key of quoted parts": (".".join(['"a"', "'b'"] * 50_000) + " = 1", "nested too deep"),
    "a dotted header": ("[" + " . ".join(["a"] * 100_000) + "]", "nested too deep"),
    "digits": ("a = " + "1" * 10_000, "a whole number has thousands of digits; allowed in TOML"),
    "digits in a list": ("a = [[" + "1" * 10_000 + "]]", "a whole number has thousands of digits"),
    "hexadecimal digits": ("b.c = 0x" + "f" * 10_000, "b.c has a whole number of 40,000 bits; allowed in TOML"),
    "65 bits": ("a = [[-9223372036854775809]]", "a has a whole number of 64 bits"),
    "a null character": ("a = 1\0", "line 1"),
    "a carriage return": ("a = 1\rb = 2", "line 1"),
    "a key with a line break": ('"a\\nb" = 9223372036854775808', "'a\\nb' has a whole number"),
    "a key twice": ("a = 1\na = 2", "Cannot overwrite a value"),
    "a date that is none": ("a = 2024-02-30", "line 1"),
    "half a character": ('a = "\\ud800"', "line 1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_is_told_in_one_line(name):
    text, told = HOSTILE[name]
    with pytest.raises(TOMLError) as error:
        reading.loads(text)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_the_bounds_themselves_are_allowed():
    assert reading.loads("a = [9223372036854775807, -9223372036854775808]") == {"a": [2**63 - 1, -(2**63)]}
    assert reading.loads(nested(MOST_NESTED - 2))
    with pytest.raises(TOMLError, match="nested"):
        reading.loads(nested(MOST_NESTED))
    text = ".".join(["a"] * 10) + " = '" + "a." * 20 + "'"
    assert reading.loads(text)


def test_only_what_is_no_toml_may_be_a_bare_word():
    with pytest.raises(NotTOMLError):
        reading.loads("a = relu")
    with pytest.raises(TOMLError) as error:
        reading.loads(nested(100_000))
    assert not isinstance(error.value, NotTOMLError)


FILES = {
    "a byte order mark": ("\ufeffa = 1\r\n".encode(), {"a": 1}),
    "UTF-16": ("a = 1".encode("utf-16"), "invalid start byte at byte 0; allowed is UTF-8"),
    "Latin-1": ("a = 'ü'".encode("latin-1"), "at byte 5; allowed is UTF-8"),
    "a cut character": ("a = 1 # ü".encode()[:-1], "unexpected end of data at byte 8"),
    "the largest": (b"a = 1" + b"\n" * (MOST_BYTES - 5), {"a": 1}),
    "one byte more": (b"a = 1" + b"\n" * (MOST_BYTES - 4), "it has 1,000,001 bytes; allowed are 1,000,000"),
}


@pytest.mark.parametrize("name", FILES)
def test_files(tmp_path, name):
    content, told = FILES[name]
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    if isinstance(told, dict):
        assert reading.loads(reading.text(file)) == told
        return
    with pytest.raises(TOMLError, match=told):
        reading.text(file)


def test_pipes_devices_and_folders_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    for path, told in (
        (tmp_path / "pipe.toml", "a pipe or a device"),
        ("/dev/zero", "a device"),
        (tmp_path, "a folder"),
    ):
        with pytest.raises(TOMLError, match=told):
            reading.text(Path(path))
    with pytest.raises(TOMLError, match="null"):
        reading.text(tmp_path / "a\0")
