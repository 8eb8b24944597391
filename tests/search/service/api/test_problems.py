"""Every error is a problem document, and none has a traceback."""

import logging

import pytest
from starlette.testclient import TestClient

from search.errors import InUseError, NoStudyError, StudyError
from search.service.api import problems
from search.service.api.problems import Guarded, Problem, of_any, of_study, parts
from search.service.queue import OtherStudyError
from search.service.rights import OwnerError, QuotaError
from search.service.states import TransitionError
from search.service.tokens import NoTokenError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoStudyError("a"), 404),
        (NoTokenError("a"), 404),
        (OwnerError("a"), 403),
        (OtherStudyError("a"), 409),
        (TransitionError("a"), 409),
        (InUseError("a"), 409),
        (QuotaError("a"), 429),
        (StudyError("a"), 422),
        (StudyError("disk full: x; nothing was written"), 507),
        (
            StudyError("studies/service/queue.db cannot be written: database or disk is full; the queue is as it was"),
            507,
        ),
    ],
)
def test_status_of_errors(error, status):
    found = of_study(error)
    assert (found.status, found.document("/x")["instance"]) == (status, "/x")
    assert ("Retry-After" in found.headers) == (status == 429)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("study: [search] seed = 0; allowed are numbers", ("[search] seed", "0", "numbers")),
        ("study: [model] solver = 'sdg' (did you mean 'sgd'?); allowed: adam, sgd", ("[model] solver", "'sdg'", "adam, sgd")),
        ("scope = 'x'; allowed are read, submit", ("scope", "'x'", "read, submit")),
        ("study: [space] alpha[1] = -1; it must be 0; allowed are numbers", ("[space] alpha[1]", "-1", "numbers")),
        ("x.csv cannot be read", None),
        ("= ; allowed are", None),
    ],
)  # fmt: skip
def test_parts_of_messages(message, expected):
    assert parts(message) == ({} if expected is None else dict(zip(("key", "value", "allowed"), expected, strict=True)))


def test_a_problem_is_one_line_of_visible_text():
    found = Problem(422, "a\nb\x1b[31m" + "x" * 5000).document("/")
    assert "\n" not in found["detail"]
    assert "\x1b" not in found["detail"]
    assert len(found["detail"]) == problems.LONGEST


def test_unknown_paths_and_methods(api):
    for path in (
        "/none",
        "/v1",
        "/v2/studies",
        "/v1/studies/",
        "/v1/studies/wine/none",
        "/bpsearch/../v1/none",
        "/openapi.yaml",
        "/redoc",
    ):
        found = api.refused(api.get(path), 404)
        assert found["type"] == "about:blank"
    answer = api.ask("PUT", "/v1/data")
    api.refused(answer, 405)
    assert answer.headers["allow"] == "POST"
    api.refused(api.ask("BREW", "/v1/studies"), 405)


def test_a_bug_is_logged_and_not_told(api, monkeypatch, caplog):
    def broken(_):
        raise KeyError("secret")

    monkeypatch.setattr(type(api.desk), "list", broken)
    with caplog.at_level(logging.ERROR, "bpsearch.service"):
        found = api.refused(api.get("/v1/studies"), 500, "its log says what")
    assert found["type"] == "urn:bpsearch:problem:bug"
    assert caplog.text.count("KeyError: 'secret'") == 1
    assert "secret" not in str(found)


def test_memory_that_is_too_small_is_no_bug(api, monkeypatch):
    def full(_):
        raise MemoryError

    monkeypatch.setattr(type(api.desk), "list", full)
    api.refused(api.get("/v1/studies"), 422, "more memory")


def test_a_bug_after_the_beginning_of_an_answer_ends_it(caplog):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("late")

    with caplog.at_level(logging.ERROR, "bpsearch.service"):
        assert TestClient(Guarded(application)).get("/").content == b""
    assert "RuntimeError: late" in caplog.text


def test_whoever_has_gone_gets_no_answer():
    from starlette.requests import ClientDisconnect

    async def application(scope, receive, send):
        raise ClientDisconnect

    with pytest.raises(StopIteration):
        Guarded(application)({"type": "http"}, None, None).send(None)


def test_an_exception_that_nobody_knows_is_500():
    assert of_any(RuntimeError("x")).status == 500
