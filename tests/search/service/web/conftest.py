"""Certificates, and the web server of a service in a thread."""

import datetime
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from search.errors import StudyError
from search.service.desk import Desk
from search.service.external.asking import Asking
from search.service.tokens import Tokens
from search.service.web.listening import Listening
from search.service.web.server import WebServer
from search.tracking import default_uri

NAME = "search.example.org"


@pytest.fixture
def certificate(tmp_path) -> Callable[..., tuple[Path, Path]]:
    """Make a certificate for this machine and `NAME`, and its key."""

    def make(name: str = "own", password: bytes | None = None) -> tuple[Path, Path]:
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder(own, own, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        secret = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
        form = serialization.PrivateFormat.PKCS8
        paths = tmp_path / f"{name}.crt", tmp_path / f"{name}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, secret))
        return paths

    return make


@pytest.fixture
def tokens(queue) -> Tokens:
    """The tokens of the queue."""
    return Tokens(queue)


@pytest.fixture
def web(queue) -> Iterator[Callable[..., WebServer]]:
    """Make the web server of the queue's folder, on a free port."""
    with ExitStack() as sockets:

        def make(limits=None, **how) -> WebServer:
            made = WebServer(Desk(queue, default_uri), Asking(queue), Listening(**{"port": 0} | how), limits=limits)
            sockets.enter_context(made._socket)
            return made

        yield make


@pytest.fixture
def serving(monkeypatch) -> Callable:
    """Serve during the body."""

    @contextmanager
    def serving(made: WebServer) -> Iterator[WebServer]:
        servers, told = [], []

        class Kept(uvicorn.Server):
            def __init__(self, config):
                super().__init__(config)
                servers.append(self)

        def run():
            try:
                made.run()
            except StudyError as error:
                told.append(str(error))

        monkeypatch.setattr(uvicorn, "Server", Kept)
        thread = threading.Thread(target=run)
        thread.start()
        try:
            while thread.is_alive() and not (servers and servers[0].started):
                time.sleep(0.005)
            yield made
        finally:
            servers[0].should_exit = True
            thread.join()
        assert told == ["the web server has ended; its reason stands above"]

    return serving


@pytest.fixture
def trusting() -> Callable[[Path], ssl.SSLContext]:
    """Make what verifies a server by its certificate."""
    return lambda path: ssl.create_default_context(cafile=str(path))
