"""Where workers come from, and what is refused."""

import argparse
import sys
from pathlib import Path

import pytest
from distributed import LocalCluster
from distributed.security import Security

from search.commands import verbs
from search.errors import AwayError, StudyError
from search.service.cluster import certificates, sources, standing
from search.service.cluster.access import Access, connected
from search.service.cluster.sources import Wanted, given, reached


@pytest.fixture
def keys(tmp_path) -> Path:
    certificates.make(tmp_path / "keys", 10)
    return tmp_path / "keys"


NO_ADDRESSES = (
    *("host:8786", "http://host:1", "tls://host", "tls://:8786", "tls://host:x", "", "tls://h:65536"),
    *("tls://::1:8786", "tls://[::1:8786", "tls://a@b:1", "tls://a b:1"),
)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(StudyError, match=r"scheduler = '.*'; allowed are addresses as tls://host:8786"):
        given(address, None, unencrypted=False)


@pytest.mark.parametrize(
    "address", ["tcp://host:1", "tcp://10.0.0.1:65535", "tcp://[::1]:8786", "tcp://a-b.example.org:8786"]
)
def test_names_and_addresses_of_both_kinds_are_allowed(address):
    assert given(address, None, unencrypted=True) == Access(address)


def test_connections_are_encrypted_unless_somebody_says_otherwise(keys):
    with pytest.raises(StudyError, match=r"tcp://h:1 are not encrypted: .* --unencrypted"):
        given("tcp://h:1", None, unencrypted=False)
    assert given("tcp://h:1", None, unencrypted=True) == Access("tcp://h:1")
    with pytest.raises(StudyError, match=r"--tls is for tls://, not for tcp://h:1"):
        given("tcp://h:1", keys, unencrypted=True)
    with pytest.raises(StudyError, match="tls://h:1 needs certificates: --tls FOLDER, or Dask's own settings"):
        given("tls://h:1", None, unencrypted=True)
    assert given("tls://h:1", keys, unencrypted=False).tls_ca_file == str(keys / "ca.pem")


def test_the_certificates_of_dasks_own_settings_count(keys):
    import dask

    files = {"ca-file": "ca.pem", "client.key": "key.pem", "client.cert": "certificate.pem"}
    with dask.config.set({f"distributed.comm.tls.{name}": str(keys / file) for name, file in files.items()}):
        found = given("tls://h:1", None, unencrypted=False)
    assert found == Access("tls://h:1", str(keys / "ca.pem"), str(keys / "key.pem"), str(keys / "certificate.pem"))
    assert Access.read(found.written()) == found


def test_a_scheduler_that_is_not_there_is_away(free_port, monkeypatch):
    from search.service.cluster import access

    monkeypatch.setattr(access, "CONNECT_SECONDS", 1)
    with (
        pytest.raises(AwayError, match=r"the scheduler tcp://127\.0\.0\.1:\d+ cannot be reached"),
        connected(Access(f"tcp://127.0.0.1:{free_port()}")),
    ):
        pass


def made() -> LocalCluster:
    return LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the current folder that makes clusters; its clusters are the ones in `module.made`."""
    name = f"clusters_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "from distributed import LocalCluster\nmade = []\n"
        "def make():\n"
        "    made.append(LocalCluster(n_workers=1, processes=False, dashboard_address='127.0.0.1:0', protocol='tcp'))\n"
        "    return made[0]\n"
        "def nothing():\n    return 5\n"
        "def fail():\n    raise RuntimeError('no\\n nodes')\n"
    )
    monkeypatch.chdir(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_a_cluster_object_is_used_and_closed(module):
    with reached(Wanted(cluster=f"{module}:make", unencrypted=True)) as found:
        assert found.title.startswith("the cluster tcp://")
        assert "(1 worker now)" in found.title
        with connected(found.access) as client:
            assert client.submit(sum, [1, 2]).result(timeout=60) == 3
    assert sys.modules[module].made[0].status.name == "closed"
    assert str(Path.cwd()) not in sys.path


def test_a_cluster_object_that_is_not_encrypted_is_refused_and_closed(module):
    with pytest.raises(StudyError, match="are not encrypted"), reached(Wanted(cluster=f"{module}:make")):
        pass
    assert sys.modules[module].made[0].status.name == "closed"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("module", r"allowed is MODULE:FUNCTION"),
        (":make", r"allowed is MODULE:FUNCTION"),
        ("no_such_module:make", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("{module}:no", "AttributeError: .*no"),
        ("{module}:fail", "RuntimeError: no nodes$"),
        ("{module}:nothing", "returns int; allowed is a cluster of Dask"),
    ],
)
def test_what_makes_no_cluster_is_refused(module, named, told):
    with pytest.raises(StudyError, match=told), reached(Wanted(cluster=named.format(module=module))):
        pass


def test_a_worker_with_other_versions_keeps_the_service_from_starting(monkeypatch):
    with LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp") as cluster:
        wanted = Wanted(scheduler=cluster.scheduler_address, unencrypted=True)
        with reached(wanted) as found:
            assert "(1 worker now)" in found.title
        own = standing.versions()
        monkeypatch.setattr(standing, "versions", lambda: own | {"numpy": "2.3.0"})
        needs = sources.Needs
        monkeypatch.setattr(sources, "Needs", lambda: needs(versions=own))
        told = rf"worker tcp://[\d.:]+ has numpy 2\.3\.0 \(the service has {own['numpy']}\)"
        with pytest.raises(StudyError, match=told), reached(wanted):
            pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of connections that are refused
def test_nobody_without_the_keys_gets_in():
    import urllib.error
    import urllib.request

    from distributed import Client

    from search.service.cluster import local

    with local.started(1) as (made, access):
        with Client(access.address, security=access.security, set_as_default=False) as client:
            assert client.submit(sum, [1, 2]).result(timeout=60) == 3
        assert access.address.startswith("tls://127.0.0.1:")
        assert Access.read(access.written()) == access
        with pytest.raises(OSError, match="in <TCP"):
            Client(access.address.replace("tls", "tcp"), timeout=5, set_as_default=False)
        with pytest.raises(OSError, match="TLS certificate does not match"):
            Client(access.address, security=Security.temporary(), timeout=5, set_as_default=False)
        port = made.scheduler.http_server.port
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/info/main/workers.html", timeout=10)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--workers 2 --scheduler tls://a:1", "--workers and --scheduler exclude each other"),
        ("--scheduler tls://a:1 --cluster a:b", "--scheduler and --cluster exclude each other"),
        ("--tls keys", "--tls and --unencrypted are for a cluster"),
        ("--unencrypted", "--tls and --unencrypted are for a cluster"),
        ("--cluster a:b --tls keys", "--tls is for --scheduler; a cluster object has certificates of its own"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, told, folder):
    parser = argparse.ArgumentParser()
    serve = verbs()["serve"]
    serve.add_arguments(parser)
    with pytest.raises(StudyError, match=told):
        serve.run(parser.parse_args(arguments.split()), None)
