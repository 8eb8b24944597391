"""Tokens: made, told once, found, withdrawn; the one of the owner in a file that nobody else can read."""

import os
import stat

import pytest

from search.errors import StudyError
from search.service import tokens
from search.service.limits import Bucket
from search.service.place import Place
from search.service.queue import Queue
from search.service.rights import OwnerError, QuotaError, Rights
from search.service.tokens import ADMIN, NoTokenError, Tokens


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "service")


@pytest.fixture
def queue(place):
    made = Queue(place)
    yield made
    made.close()


def test_a_token_is_found_by_its_secret_until_it_is_withdrawn(queue):
    now = 1000.0
    found = Tokens(queue, lambda: now)
    secret = found.make("ann", "read", 3)
    assert len(secret) >= 43
    assert found.known(secret) == found.holder("ann") == tokens.Token("ann", "read", 3, 1000.0)
    assert found.known(secret + "x") is None
    assert found.known("") is None
    assert found.known("\ud800") is None
    now = 2000.0
    assert found.withdraw("ann").withdrawn == 2000.0
    now = 3000.0
    assert found.withdraw("ann").withdrawn == 2000.0
    assert (found.known(secret), found.holder("ann")) == (None, None)
    assert [each.name for each in found.all()] == ["ann"]
    again = found.make("ann")
    assert found.known(again).scope == "submit"
    assert found.known(secret) is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a b",), "name = 'a b'; allowed are up to 64"),
        (("",), "name = ''"),
        (("x" * 65,), "name = "),
        (("-a",), "name = '-a'"),
        (("local",), "choose another name"),
        (("a", "write"), "scope = 'write'; allowed are read, submit, admin"),
        (("a", "read", -1), "quota = -1; allowed are"),
        (("a", "read", 501), "quota = 501"),
        (("ann",), "there is a token 'ann'"),
    ],
)
def test_tokens_that_are_not_made(queue, arguments, told):
    Tokens(queue).make("ann")
    with pytest.raises(StudyError, match=told):
        Tokens(queue).make(*arguments)
    assert len(Tokens(queue).all()) == 1


def test_nobody_is_withdrawn(queue):
    with pytest.raises(NoTokenError, match="there is no token 'ann'; there are none yet"):
        Tokens(queue).withdraw("ann")
    Tokens(queue).make("anna")
    with pytest.raises(NoTokenError, match="did you mean anna"):
        Tokens(queue).withdraw("ann")


def test_the_owner_has_a_token_in_a_file_of_its_own(place, queue):
    with pytest.raises(NoTokenError, match="bpsearch serve starts one"):
        tokens.find(place)
    old = os.umask(0)
    try:
        secret = tokens.local(place)
    finally:
        os.umask(old)
    assert stat.S_IMODE(place.token.stat().st_mode) == 0o600
    assert tokens.find(place) == secret == tokens.local(place)
    assert Tokens(queue).known(secret).scope == ADMIN
    assert secret not in place.database.read_bytes().decode("latin-1")


def test_a_token_that_was_withdrawn_is_made_anew_at_the_next_start(place, queue):
    first = tokens.local(place)
    Tokens(queue).withdraw("local")
    second = tokens.local(place)
    assert first != second
    assert Tokens(queue).known(first) is None
    assert tokens.find(place) == second


def test_the_token_of_somebody_else_in_the_file_is_not_that_of_the_owner(place, queue):
    secret = Tokens(queue).make("eve", "read")
    place.token.write_text(secret)
    place.token.chmod(0o600)
    assert tokens.local(place) != secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_file_that_others_can_read_is_refused(place, mode):
    tokens.local(place)
    place.token.chmod(mode)
    for ask in (tokens.find, tokens.local):
        with pytest.raises(StudyError, match="can be read by others"):
            ask(place)


def test_a_link_in_the_place_of_the_file_is_refused(place, tmp_path):
    tokens.local(place)
    place.token.rename(tmp_path / "elsewhere")
    place.token.symlink_to(tmp_path / "elsewhere")
    for ask in (tokens.find, tokens.local):
        with pytest.raises(StudyError, match="is a link"):
            ask(place)


def test_scopes_have_those_before_them():
    found = {scope: [s for s in tokens.SCOPES if tokens.Token("a", scope, 0, 0.0).may(s)] for scope in tokens.SCOPES}
    assert found == {"read": ["read"], "submit": ["read", "submit"], "admin": ["read", "submit", "admin"]}


def test_buckets_forget_who_has_done_nothing_for_longest():
    bucket = Bucket(rate=0.001, burst=1, most=2, clock=lambda: 0.0)
    assert [bucket.take(name) > 0 for name in ("a", "b", "a", "c", "a", "b")] == [
        False,
        False,
        True,
        False,
        True,
        False,
    ]


def test_a_bucket_is_never_fuller_than_at_first():
    now = 0.0
    bucket = Bucket(rate=1.0, burst=2.0, clock=lambda: now)
    assert bucket.take("a") == 0.0
    now = 1000.0
    assert [bucket.take("a") for _ in range(3)] == [0.0, 0.0, 1.0]


def test_rights_on_studies(queue):
    for name, owner in (("a", "ann"), ("b", "bob"), ("c", "")):
        queue.submit(name, "", "x", owner=owner)
    only = Rights(only_of="ann", most=1, most_of_all=3)
    assert queue.act("a", "pause", rights=only).state == "paused"
    for name in ("b", "c"):
        with pytest.raises(OwnerError):
            queue.act(name, "pause", rights=only)
        with pytest.raises(OwnerError):
            queue.submit(name, "", "x", owner="ann", rights=only)
    with pytest.raises(QuotaError, match="ann has 1 studies"):
        queue.submit("d", "", "x", owner="ann", rights=only)
    queue.act("a", "cancel", rights=only)
    queue.submit("d", "", "x", owner="ann", rights=only)
    with pytest.raises(QuotaError, match="ann has 1 studies"):
        queue.act("a", "submit", rights=only)
    with pytest.raises(QuotaError, match="the queue has 3 studies"):
        queue.submit("e", "", "x", owner="eve", rights=Rights(most_of_all=3))
    queue.act("d", "cancel", rights=Rights(only_of="ann", most=0))
