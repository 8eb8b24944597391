"""What a console writes for people, for scripts, and for nobody."""

import io
import json

import numpy as np
import pytest

from search.terminal.output import Output, as_json

MODES = {
    "people": ({}, "text\n"),
    "quiet": ({"quiet": True}, "line\n"),
    "json": ({"json": True}, '{\n  "a": 1\n}\n'),
    "both": ({"quiet": True, "json": True}, '{\n  "a": 1\n}\n'),
}


@pytest.mark.parametrize(("options", "written"), MODES.values(), ids=MODES.keys())
def test_each_mode_writes_its_own(options, written):
    output = Output(io.StringIO(), **options)
    output.print("text")
    output.essential("line")
    output.document({"a": 1})
    assert output.file.getvalue() == written


@pytest.mark.parametrize("options", [{"quiet": True}, {"json": True}])
def test_a_reader_that_left_is_no_error_bug(options):
    """`bpsearch cv … --json | head -1` ended with two tracebacks."""

    class Left(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    output = Output(Left(), **options)
    told = []
    output.on_broken_pipe = lambda: told.append("left")
    output.essential("line")
    output.document({})
    assert told == ["left"]


def test_json_of_any_value():
    values = {
        "numbers": [1, np.int32(2), 0.5, np.float32(0.5), float("nan"), -np.inf, np.nan],
        "arrays": np.array([[1.0, np.inf]]),
        "others": (None, True, np.bool_(False), "ü", {3: 1}, print),
    }
    known = json.loads(as_json(values))
    assert known["numbers"] == [1, 2, 0.5, 0.5, None, None, None]
    assert known["arrays"] == [[1.0, None]]
    assert known["others"] == [None, True, False, "ü", {"3": 1}, "<built-in function print>"]
    assert as_json(values).isascii()
