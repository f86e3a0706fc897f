"""Buckets that are plain web servers, from the most helpful to the simplest."""

import contextlib
import functools
import http.server
import ipaddress
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vit_core.errors import BadInput, Cancelled, CorruptDownload, StorageFull, Unreachable
from vit_core.settings import Settings
from vit_core.store.index import read_index
from vit_core.store.location import Location
from vit_core.store.store import Store


@pytest.fixture
def bucket_url(fault_proxy):
    return fault_proxy.http_url


class QuietServer(http.server.ThreadingHTTPServer):
    """A server that says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """Keep quiet."""


@contextlib.contextmanager
def serving(handler, *, certificate=None):
    """Run a web server on a free port, behind TLS if there is a certificate."""
    server = QuietServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """The server of `python -m http.server`, which knows no ranges and no checksums."""

    def log_message(self, *args):
        """Keep quiet."""


def test_the_web_server_of_python_will_do_as_a_mirror(tmp_path, patience, name, data):
    (tmp_path / f"{name}.npz").write_bytes(data)
    (tmp_path / "index.csv").write_bytes(b"name\nTi/16\n")
    with serving(functools.partial(QuietFiles, directory=tmp_path)) as url:
        store = Store(Settings(bucket=url, cache_dir=tmp_path / "cache"), patience=patience)

        assert store.fetch(name).read_bytes() == data
        index = store.read_index(f"{url}/index.csv")
        assert index.data == b"name\nTi/16\n"
        assert store.read_index(f"{url}/index.csv", known_generation=index.generation) is None


def test_a_server_without_ranges_is_read_from_the_start_again(store, fault_proxy, name, data):
    fault_proxy.plain = True
    fault_proxy.cut(after=300_000)

    assert store.fetch(name).read_bytes() == data
    assert [asked.range for asked in fault_proxy.media(f"{name}.npz")] == [None, None]


def test_a_server_without_ranges_that_always_cuts_is_given_up(hasty_store, fault_proxy, name):
    fault_proxy.plain = True
    fault_proxy.cut(after=300_000, times=1000)

    with pytest.raises(Unreachable, match="the connection was cut"):
        hasty_store.fetch(name)


def test_a_server_that_ignores_ranges_but_pins_versions_is_read_from_the_start_again(store, fault_proxy, name, data):
    fault_proxy.cut(after=300_000)
    fault_proxy.cut(after=0, times=0)
    fault_proxy.hidden = {"Content-Range"}  # then a 206 says not where its bytes belong

    assert store.fetch(name).read_bytes() == data


def test_a_replaced_object_is_seen_by_its_etag_even_without_checksum(store, fault_proxy, name, data, other_data):
    fault_proxy.hidden = {"x-goog-hash"}
    fault_proxy.replace(f"{name}.npz", other_data, after=300_000)

    assert store.fetch(name).read_bytes() == other_data


def test_a_wrong_length_is_seen_without_checksum(store, fault_proxy, name, data):
    fault_proxy.hidden = {"x-goog-hash", "ETag"}
    fault_proxy.cut(after=len(data) - 10)

    assert store.fetch(name).read_bytes() == data


def test_a_sign_in_page_in_place_of_a_checkpoint_is_told_and_not_kept(store, fault_proxy, files_of, name):
    fault_proxy.answer(200, body=b"<!doctype html><title>Sign in</title>")

    with pytest.raises(CorruptDownload, match=r"begins with b'<!doctype html>.*sign-in page"):
        store.fetch(name)
    assert files_of() == []


def test_an_unfriendly_address_in_the_message_has_no_secrets(fault_proxy, tmp_path, hasty, name):
    bucket = fault_proxy.http_url.replace("://", "://me:topsecret@") + "?sig=abcdef"
    fault_proxy.answer(503)

    with pytest.raises(Unreachable) as caught:
        Store(Settings(bucket=bucket, cache_dir=tmp_path / "cache"), patience=hasty).fetch(name)

    assert "topsecret" not in str(caught.value)
    assert "abcdef" not in str(caught.value)
    assert not any("topsecret" in str(path) or "abcdef" in str(path) for path in tmp_path.rglob("*"))


def test_the_operators_credentials_and_query_reach_the_server(fault_proxy, tmp_path, patience, name, data):
    fault_proxy.put(f"{name}.npz", data)
    fault_proxy.private = True
    bucket = fault_proxy.http_url.replace("://", "://me:topsecret@") + "?sig=abcdef"

    path = Store(Settings(bucket=bucket, cache_dir=tmp_path / "cache"), patience=patience).fetch(name)

    assert path.read_bytes() == data
    assert fault_proxy.log[-1].query == {"sig": ["abcdef"]}


def test_a_redirect_within_the_host_is_followed(store, fault_proxy, name, data):
    fault_proxy.put("moved.npz", data)
    fault_proxy.answer(302, match="Ti_16", Location="moved.npz")

    assert store.fetch(name).read_bytes() == data


def test_a_redirect_in_a_circle_ends(store, fault_proxy, name):
    fault_proxy.answer(302, match="Ti_16", Location=f"{name}.npz")

    with pytest.raises(Unreachable, match="redirects more than 5 times"):
        store.fetch(name)


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/x", "http://169.254.169.254/computeMetadata/v1/?token=abcdef", "file:///etc/passwd"]
)
def test_a_redirect_to_an_insecure_or_inner_address_is_not_followed(store, fault_proxy, name, target):
    fault_proxy.answer(302, Location=target)

    with pytest.raises(Unreachable, match=r"redirects to .*, which is not followed") as caught:
        store.fetch(name)
    assert "abcdef" not in str(caught.value)


def test_an_address_from_a_page_may_not_redirect_to_another_host_at_all(fault_proxy, patience):
    fault_proxy.answer(302, Location="https://example.com/x.csv")
    location = Location("index", f"{fault_proxy.http_url}/index.csv", "http")

    with pytest.raises(Unreachable, match=r"redirects to https://example\.com/x\.csv, which is not followed"):
        read_index(location, known_generation=None, deadline_s=10, trusted=False, patience=patience)


def test_a_host_that_does_not_exist_is_named(tmp_path, hasty, name):
    store = Store(Settings(bucket="http://no-such-host.invalid/x", cache_dir=tmp_path), patience=hasty)

    with pytest.raises(Unreachable, match=r"no-such-host\.invalid/.* could not be read: the name of its server"):
        store.fetch(name)


def test_a_bucket_whose_address_is_nonsense_is_named(tmp_path, hasty, name):
    store = Store(Settings(bucket="http://host:99999/x", cache_dir=tmp_path), patience=hasty)

    with pytest.raises((Unreachable, BadInput), match="http://host:99999/x"):
        store.fetch(name)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@pytest.fixture
def tls_url(certificate):
    """A web server behind TLS that sends half of what it announces, and then nothing."""
    released = threading.Event()

    class Stalling(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"PK" + bytes(50_000))
            released.wait(30)

        def log_message(self, *args):
            pass

    with serving(Stalling, certificate=certificate) as url:
        yield url
        released.set()


def test_a_stalled_download_through_tls_can_be_cancelled_at_once(tls_url, certificate, tmp_path, name, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    store = Store(Settings(bucket=tls_url, cache_dir=tmp_path))
    cancel = threading.Event()
    began = time.monotonic()

    with pytest.raises(Cancelled):
        store.fetch(name, cancel=cancel, progress=lambda seen: seen.done_bytes > 40_000 and cancel.set())

    assert time.monotonic() - began < 8  # below the 10 s without a byte after which it would end by itself
    wait_until_no_download_runs()


def test_a_certificate_that_nobody_vouches_for_is_told(tls_url, tmp_path, hasty, name):
    with pytest.raises(Unreachable, match="its certificate is not valid"):
        Store(Settings(bucket=tls_url, cache_dir=tmp_path), patience=hasty).fetch(name)


def wait_until_no_download_runs():
    """Wait until the threads of all downloads are over, which they should be soon after a cancellation."""
    ends_at = time.monotonic() + 3
    while any(thread.name.startswith("download of") for thread in threading.enumerate()):
        assert time.monotonic() < ends_at, threading.enumerate()
        time.sleep(0.01)


class Chunked(http.server.BaseHTTPRequestHandler):
    """Gives 12 MB without saying how many, as Google's buckets do with what is stored compressed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):  # the client went away
            for _ in range(12):
                self.wfile.write(b"F4240\r\nPK" + bytes(999_998) + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        """Keep quiet."""


def test_an_object_of_unstated_size_ends_at_the_limit_of_the_cache(tmp_path, patience, name):
    with serving(Chunked) as url:
        settings = Settings(bucket=url, cache_dir=tmp_path / "cache", cache_limit_bytes=5_000_000)
        with pytest.raises(StorageFull, match=r"has at least 5.* MB, but the whole cache may hold only 5 MB"):
            Store(settings, patience=patience).fetch(name)
    assert not list((tmp_path / "cache" / "checkpoints").glob("*/*.part"))


def test_an_object_of_unstated_size_is_taken_where_there_is_room(tmp_path, patience, name):
    with serving(Chunked) as url:
        settings = Settings(bucket=url, cache_dir=tmp_path / "cache", cache_limit_bytes=13_000_000)
        assert Store(settings, patience=patience).fetch(name).stat().st_size == 12_000_000


def test_passwords_of_netrc_are_not_sent(store, fault_proxy, name, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password topsecret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    store.fetch(name)

    assert fault_proxy.log
    assert all("authorization" not in asked.headers for asked in fault_proxy.log)


def test_a_password_in_the_operators_address_is_sent(fault_proxy, tmp_path, patience, name, data):
    fault_proxy.put(f"{name}.npz", data)
    bucket = fault_proxy.http_url.replace("://", "://me:word@")

    Store(Settings(bucket=bucket, cache_dir=tmp_path / "cache"), patience=patience).fetch(name)

    assert {asked.headers["authorization"] for asked in fault_proxy.log} == {"Basic bWU6d29yZA=="}
