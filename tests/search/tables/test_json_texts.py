"""JSON as other programs write it: encodings, ends of lines inside of texts, and texts that were cut."""

import json

import pytest

from search.tables import files
from search.tables.reading import Asked, UnreadableError
from search.tables.text import survey

ROWS = [{"town": "Köln", "rent": 950}, {"town": "Łódź 😀", "rent": 700}]


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_encodings_of_unicode_are_known(tmp_path, encoding, lines):
    """PowerShell writes UTF-16."""
    texts = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    (tmp_path / "t.json").write_bytes(("\r\n".join(texts) if lines else f"[{','.join(texts)}]").encode(encoding))
    assert files.read(tmp_path / "t.json").frame.to_dict("records") == ROWS


def test_other_encodings_are_asked_for(tmp_path):
    path = tmp_path / "t.json"
    path.write_bytes(json.dumps(ROWS[:1], ensure_ascii=False).encode("cp1252"))
    with pytest.raises(UnreadableError, match=r"^it is not text in utf-8: .*; name its encoding \(\[data\] encoding, "):
        files.read(path)
    assert files.read(path, Asked(encoding="cp1252")).frame.to_dict("records") == ROWS[:1]


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029", "\x7f", "\xa0"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_of_unicode_may_stand_in_a_text(tmp_path, sign, end):
    rows = [{"note": f"one{sign}two", "y": 1}, {"note": sign, "y": 2}]
    text = end.join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "t.jsonl").write_text(text, encoding="utf-8", newline="")
    assert files.read(tmp_path / "t.jsonl").frame.to_dict("records") == rows


@pytest.mark.parametrize(
    "row", [r'{"a": 1, "b": "\ud83d"}', r'{"a": 1, "\uDe00": 1}', r'{"a": 1, "b": "x\ude00\ud83dx"}']
)
def test_half_a_character_is_told_with_its_row(tmp_path, row):
    """A program that cuts texts to a length may leave it."""
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": "\\ud83d\\ude00"}\n' + row)
    with pytest.raises(UnreadableError, match=r"of row 2 has half a character, .*, as texts do that were cut") as error:
        files.read(tmp_path / "t.jsonl")
    str(error.value).encode()  # it can be written


def test_a_pair_written_as_escapes_is_a_character(tmp_path):
    (tmp_path / "t.json").write_text(r'[{"a": "\ud83d\ude00"}]')
    assert files.read(tmp_path / "t.json").frame.to_dict("list") == {"a": ["😀"]}


@pytest.mark.parametrize("mark", [b"\xff\xfe\0\0", b"\0\0\xfe\xff"])
def test_notes_below_a_long_text_in_utf_32_are_found(tmp_path, mark):
    """Of a long text only the tail is looked at, which has no mark."""
    encoding = "utf-32-le" if mark.startswith(b"\xff") else "utf-32-be"
    rows = "".join(f"{i},{i % 7}\n" for i in range(survey.CHUNK // 16))
    (tmp_path / "t.csv").write_bytes(mark + f"a,b\n{rows}\nSource: survey\n".encode(encoding))
    table = files.read(tmp_path / "t.csv")
    assert "1 row below the table left out: 'Source: survey'" in table.notes
    assert len(table.frame) == survey.CHUNK // 16
