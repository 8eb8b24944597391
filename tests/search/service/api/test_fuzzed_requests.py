"""A few hundred requests of the fuzz target `http`, the same ones each time; `make fuzz` makes ten thousand."""

from types import SimpleNamespace

import pytest

from tests.fuzz import http

REQUESTS = 300


@pytest.mark.filterwarnings("ignore")  # of libraries, on tables and settings that are meant to be odd
def test_requests_of_all_kinds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = [http.attempt(19, number, tmp_path) for number in range(REQUESTS)]
    assert [each for each in found if each] == []


def test_faults_are_seen():
    class Answer:
        status_code, content, text, request = 200, b"{}", "{}", SimpleNamespace(method="GET")
        headers = {"content-type": "application/json", "x-content-type-options": "nosniff"}  # noqa: RUF012 - of a test

    assert http.fault(Answer) is None
    for change, told in (
        ({"status_code": 500}, "status 500"),
        ({"content": b"Traceback (most recent call last)"}, "a traceback"),
        ({"headers": {}}, "without the headers"),
        ({"request": SimpleNamespace(method="HEAD")}, "an answer to HEAD has a body"),
        ({"status_code": 404}, "status 404 with application/json"),
    ):
        assert http.fault(type("Changed", (Answer,), change)).startswith(told)
    with pytest.raises(ValueError, match="NaN is no JSON"):
        http.fault(type("Changed", (Answer,), {"content": b"[NaN]"}))
