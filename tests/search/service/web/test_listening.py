"""Where a service may listen: everything that is refused, and what is just allowed."""

import socket

import pytest

from search.errors import StudyError
from search.service.web import listening
from search.service.web.listening import Listening


@pytest.fixture
def known(tokens):
    """Tokens with one for somebody else."""
    tokens.make("ann")
    return tokens


def refused(tokens, told, **how):
    with pytest.raises(StudyError, match=told) as found:
        Listening(**how).check(tokens)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_needs_neither_tokens_nor_tls(tokens, host):
    made = Listening(host)
    made.check(tokens)
    assert made.is_local
    assert made.scheme == "http"
    assert made.hosts == [host]


@pytest.mark.parametrize("host", ["192.0.2.1", "0.0.0.0", "::", "127.0.0.2", "2001:db8::1"])
def test_others_need_tls(known, host):
    refused(known, rf"--host {host}: others could read tokens on the way", host=host, names=("search.example.org",))


def test_with_tls_others_need_tokens(tokens, certificate):
    crt, key = certificate()
    how = {"host": "192.0.2.1", "certificate": crt, "key": key}
    refused(tokens, "--host 192.0.2.1: there are no tokens for others yet; make one with: bpsearch token make", **how)
    tokens.make("ann")
    made = Listening(**how)
    made.check(tokens)
    assert (made.scheme, made.hosts) == ("https", ["192.0.2.1"])
    tokens.withdraw("ann")
    refused(tokens, "there are no tokens for others yet", **how)
    tokens.make("bob")
    made.check(tokens)


def test_the_token_of_whoever_started_it_is_none_for_others(queue, tokens, certificate):
    tokens.of_owner(queue.place)
    crt, key = certificate()
    refused(tokens, "no tokens for others", host="192.0.2.1", certificate=crt, key=key)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_behind_a_proxy_it_needs_tokens_and_no_certificate(tokens, host):
    where = "--behind-proxy" if host == "127.0.0.1" else f"--host {host}"
    refused(tokens, f"^{where}: there are no tokens", host=host, behind_proxy=True)
    tokens.make("ann")
    Listening(host, behind_proxy=True).check(tokens)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_needs_names(known, host):
    refused(known, f"--host {host}: name what others call this service", host=host, behind_proxy=True)
    made = Listening(host, behind_proxy=True, names=("search.example.org", "10.0.0.7"))
    made.check(known)
    assert made.hosts == ["10.0.0.7", "search.example.org"]


@pytest.mark.parametrize(
    "name",
    [
        *("https://search.example.org", "search.example.org:443", "search.example.org/x", "", "*", "a..b", "me@x"),
        *("[2001:db8::1]", "2001:db8:0::1", "-x", "a b", "x" * 64, "suche.exämple"),
    ],
)  # fmt: skip
def test_names_that_no_browser_sends(tokens, name):
    refused(tokens, "^--names .*allowed are names and addresses alone", names=(name,))


@pytest.mark.parametrize("name", ["search", "Search.Example.ORG", "10.0.0.7", "2001:db8::1", "a_b.c-d", "x" * 63])
def test_names_that_one_sends(tokens, name):
    Listening(names=("search.example.org", name)).check(tokens)


def test_a_certificate_needs_its_key_and_the_other_way_round(tokens, certificate):
    crt, key = certificate()
    refused(tokens, "^--certificate needs --key, too$", certificate=crt)
    refused(tokens, "^--key needs --certificate, too$", key=key)
    Listening(certificate=crt, key=key).check(tokens)


def test_files_that_cannot_be_used(tokens, certificate, tmp_path):
    crt, key = certificate()
    _, other = certificate("other")
    _, locked = certificate("locked", b"password")
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").write_text("")
    for pair, told in (
        ((crt, locked), "the key has a password; allowed are keys without one"),
        ((crt, other), "MISMATCH"),
        ((tmp_path / "none", key), "No such file"),
        ((crt, tmp_path / "none"), "No such file"),
        ((tmp_path, key), "Is a directory"),
        ((tmp_path / "text", key), "."),
        ((crt, tmp_path / "empty"), "."),
        ((key, crt), "."),
    ):
        where = f"--certificate {pair[0]}, --key {pair[1]}: cannot be used: .*"
        refused(tokens, where + told, certificate=pair[0], key=pair[1])


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StudyError, match=f"--port {port}: address already in use; allowed are free ports on 127"):
            Listening(port=port).opened()


def test_the_next_port_that_is_free(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        first = min(taken.getsockname()[1], 65_000)
        monkeypatch.setattr(listening, "DEFAULT_PORT", first)
        monkeypatch.setattr(listening, "FURTHER", 1)
        with pytest.raises(StudyError, match=f"--port {first}: address already in use"):
            Listening().opened()
        monkeypatch.setattr(listening, "FURTHER", 50)
        with Listening().opened() as found:
            assert first < found.getsockname()[1] < first + 50


@pytest.mark.parametrize("port", [6000, 6697, 10080])
def test_ports_that_browsers_refuse(port):
    with pytest.raises(StudyError, match=f"--port {port}: browsers refuse this port"):
        Listening(port=port).opened()


@pytest.mark.parametrize("host", ["example.org", "", "127.0.0.1:8000", "*", "[::1]", "256.0.0.1"])
def test_what_is_no_address_of_this_machine(host):
    with pytest.raises(StudyError, match="allowed are addresses of this machine"):
        Listening(host, 0).opened()


def test_an_address_of_another_machine():
    with pytest.raises(StudyError, match=r"--port 0: .*; allowed are free ports on 192\.0\.2\.1"):
        Listening("192.0.2.1", 0).opened()


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("localhost", socket.AF_INET)])
def test_it_listens_from_then_on(host, family):
    with Listening(host, 0).opened() as found:
        assert found.family == family
        assert found.getsockname()[0] == "127.0.0.1"
        socket.create_connection(found.getsockname()[:2], timeout=10).close()


def test_the_other_protocol_of_the_internet():
    """Systems without it say so in one line."""
    if not _has_ipv6():
        with pytest.raises(StudyError, match=r"^--port 0: .*; allowed are free ports on ::1$"):
            Listening("::1", 0).opened()
        return
    with Listening("::1", 0).opened() as found:
        assert found.family == socket.AF_INET6
        assert found.getsockname()[0] == "::1"
        socket.create_connection(found.getsockname()[:2], timeout=10).close()


def _has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
