"""`bpsearch token`."""

import json

import pytest

from search.commands.service import token
from search.service import tokens
from search.service.limits import Limits
from search.service.place import Place
from search.service.queue import Queue


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def known(secret):
    queue = Queue(Place())
    try:
        return tokens.Tokens(queue).known(secret)
    finally:
        queue.close()


def test_a_token_is_made_listed_and_withdrawn(command):
    assert "no tokens yet" in command("token", "list").out
    made = command("token", "make", "ann", "--scope", "read", "--quota", "3")
    secret = made.out.split()[-1]
    found = known(secret)
    assert (made.code, found.name, found.scope, found.quota) == (0, "ann", "read", 3)
    listed = command("token", "list").out
    assert "ann: read, up to 3 studies, made " in listed
    assert secret not in listed
    assert "withdrawn" not in listed
    assert command("token", "withdraw", "ann").code == 0
    assert known(secret) is None
    assert ", withdrawn 2" in command("token", "list").out


def test_for_programs(command):
    assert known(command("token", "make", "ann", "--quiet").out.strip()).scope == "submit"
    made = command("token", "make", "bob", "--json").document
    assert known(made["token"]).name == made["name"] == "bob"
    assert [each["name"] for each in command("token", "list", "--json").document["tokens"]] == ["ann", "bob"]
    assert command("token", "withdraw", "bob", "--json").document == {"name": "bob", "withdrawn": True}
    assert json.dumps(command("token", "list", "--json").document).count('"withdrawn": null') == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["make"], "bpsearch token make needs a NAME"),
        (["withdraw"], "needs a NAME"),
        (["list", "ann"], "has no NAME"),
        (["list", "--scope", "read"], "--scope and --quota are for bpsearch token make"),
        (["withdraw", "ann", "--quota", "1"], "--scope and --quota"),
        (["withdraw", "ann"], "there is no token 'ann'"),
        (["make", "a b"], "name = 'a b'"),
    ],
)
def test_mistakes(command, arguments, told):
    result = command("token", *arguments)
    assert result.code == 2
    assert told in result.err
    assert result.err.count("\n") == 1


def test_what_the_verb_says_is_what_the_service_does():
    """Its own module is not loaded for `bpsearch --help`."""
    assert tuple(tokens.SCOPES) == token.SCOPES
    assert (Limits.queued, Limits.queued_of_all) == (20, 500)
