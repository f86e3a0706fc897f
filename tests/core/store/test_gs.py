"""Google's buckets: anonymous first, the user's credentials after a refusal and nowhere else."""

import json
import os

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from vit_core.errors import AccessDenied, CorruptDownload
from vit_core.settings import Settings
from vit_core.store.gs import default_credentials
from vit_core.store.store import Store


@pytest.fixture(scope="module")
def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def account(private_key, fault_proxy, tmp_path, monkeypatch):
    """A service account whose tokens the proxy gives out."""
    fault_proxy.answer(200, match="^/token$", body=b'{"access_token": "let-me-in", "expires_in": 3600}')
    path = tmp_path / "account.json"
    about = {
        "type": "service_account",
        "private_key": private_key,
        "client_email": "reader@example.com",
        "token_uri": f"{fault_proxy.url}/token",
    }
    path.write_text(json.dumps(about))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    # With a token the library asks Google for the regions of the account, in a thread of its own; not from tests.
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    return path


@pytest.fixture
def private_store(fault_proxy, tmp_path, patience, name, data):
    """A store whose bucket refuses anonymous readers."""
    fault_proxy.put(f"{name}.npz", data)
    fault_proxy.private = True
    return Store(Settings(bucket=fault_proxy.gs_url, cache_dir=tmp_path / "cache"), patience=patience)


@pytest.fixture
def not_an_emulator(fault_proxy, monkeypatch):
    """Make the proxy the library's endpoint without calling it an emulator, for which there are no credentials."""
    monkeypatch.delenv("STORAGE_EMULATOR_HOST")
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", fault_proxy.url)


@pytest.mark.usefixtures("not_an_emulator", "account")
def test_a_closed_bucket_is_read_with_the_users_credentials(private_store, fault_proxy, name, data):
    assert private_store.fetch(name).read_bytes() == data
    assert fault_proxy.log[0].headers.get("authorization") is None
    assert fault_proxy.media(f"{name}.npz")[-1].headers["authorization"] == "Bearer let-me-in"


@pytest.mark.usefixtures("not_an_emulator", "account")
def test_an_open_bucket_never_sees_the_users_credentials(private_store, fault_proxy, name):
    fault_proxy.private = False

    private_store.fetch(name)

    assert not any("authorization" in asked.headers for asked in fault_proxy.log)


@pytest.mark.usefixtures("not_an_emulator")
def test_a_closed_bucket_without_credentials_is_a_refusal(private_store, name):
    with pytest.raises(AccessDenied, match=name):
        private_store.fetch(name)


@pytest.mark.usefixtures("not_an_emulator", "account")
def test_credentials_that_do_not_help_are_a_refusal_too(private_store, fault_proxy, name):
    fault_proxy.answer(403, match="Ti_16")

    with pytest.raises(AccessDenied, match="403"):
        private_store.fetch(name)


@pytest.mark.usefixtures("account")
def test_the_server_of_the_emulator_variable_never_sees_the_users_credentials(private_store, fault_proxy, name):
    with pytest.raises(AccessDenied):
        private_store.fetch(name)
    assert not any("authorization" in asked.headers for asked in fault_proxy.log)
    assert not any(asked.path == "/token" for asked in fault_proxy.log)


def test_credentials_that_cannot_be_read_are_none(tmp_path, monkeypatch):
    path = tmp_path / "account.json"
    path.write_text("{")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    assert default_credentials(10) is None


def test_credentials_that_can_be_read_are_found(account):
    assert default_credentials(30) is not None


def test_the_look_for_credentials_has_a_time_limit(tmp_path, monkeypatch):
    path = tmp_path / "account.json"
    os.mkfifo(path)  # opening it waits for a writer
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))

    assert default_credentials(0.2) is None
    path.write_text("{")


def test_nothing_but_the_object_is_asked_for(private_store, fault_proxy, name):
    fault_proxy.private = False

    private_store.fetch(name)

    assert [(asked.is_media, asked.path.rpartition("/")[2]) for asked in fault_proxy.log] == [
        (False, f"{name}.npz"),
        (True, f"{name}.npz"),
    ]


def test_the_bytes_are_pinned_to_the_generation_that_was_announced(private_store, fault_proxy, name):
    fault_proxy.private = False
    generation = fault_proxy.about(f"{name}.npz")["generation"]

    private_store.fetch(name)

    assert fault_proxy.media(f"{name}.npz")[0].query["generation"] == [generation]


def test_an_object_replaced_between_announcement_and_bytes_arrives_in_its_new_version(
    private_store, fault_proxy, name, other_data
):
    fault_proxy.private = False
    fault_proxy.replace(f"{name}.npz", other_data, after=-1)

    assert private_store.fetch(name).read_bytes() == other_data


def test_an_object_replaced_each_time_it_is_asked_for_is_given_up(private_store, fault_proxy, name, data, other_data):
    fault_proxy.private = False
    for turn in range(4):
        fault_proxy.replace(f"{name}.npz", (data, other_data)[turn % 2], after=-1)

    with pytest.raises(CorruptDownload, match="it was replaced in the bucket while it was read"):
        private_store.fetch(name)


def test_the_address_of_an_emulator_may_lack_its_scheme(private_store, fault_proxy, monkeypatch, name, data):
    fault_proxy.private = False
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fault_proxy.url.removeprefix("http://"))

    assert private_store.fetch(name).read_bytes() == data
