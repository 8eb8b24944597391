"""Certificates of a private cluster: made once, complete, and good for both sides."""

import datetime
import ssl
import stat

import pytest
from cryptography import x509

from search import cli
from search.errors import StudyError
from search.service.cluster import certificates
from search.service.cluster.certificates import AUTHORITY, CERTIFICATE, KEY


def test_a_set_is_three_files_whose_key_is_its_owners(tmp_path, capsys):
    keys = tmp_path / "keys"
    assert cli.main(["certificates", str(keys), "--days", "10"]) == 0
    assert sorted(path.name for path in keys.iterdir()) == sorted([AUTHORITY, CERTIFICATE, KEY])
    assert stat.S_IMODE((keys / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=10)
    assert f"valid until {end:%Y-%m-%d}" in capsys.readouterr().out
    assert b"PRIVATE" not in (keys / AUTHORITY).read_bytes() + (keys / CERTIFICATE).read_bytes()


def test_the_certificate_is_signed_by_the_authority_and_signs_nothing(tmp_path):
    certificates.make(tmp_path, 30)
    authority, node = (
        x509.load_pem_x509_certificate((tmp_path / name).read_bytes()) for name in (AUTHORITY, CERTIFICATE)
    )
    node.verify_directly_issued_by(authority)
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not node.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert node.public_key() != authority.public_key()
    for each in (authority, node):
        assert each.not_valid_after_utc - each.not_valid_before_utc == datetime.timedelta(days=31)
    ssl.create_default_context(cafile=tmp_path / AUTHORITY).load_cert_chain(tmp_path / CERTIFICATE, tmp_path / KEY)


@pytest.mark.parametrize("name", [AUTHORITY, CERTIFICATE, KEY])
def test_a_set_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(StudyError, match=f"{name} exists; a cluster has one set"):
        certificates.make(tmp_path, 10)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StudyError, match="file/keys cannot be made: Not a directory"):
        certificates.make(tmp_path / "file" / "keys", 10)


def test_a_set_that_lacks_a_file_is_told(tmp_path):
    certificates.make(tmp_path, 10)
    access = certificates.access("tls://a:1", tmp_path)
    assert access.tls_client_key == str(tmp_path / KEY)
    (tmp_path / KEY).unlink()
    with pytest.raises(StudyError, match=r"there is no file .*key\.pem; bpsearch certificates .* makes a set"):
        certificates.access("tls://a:1", tmp_path)
