"""The index of a bucket: its bytes and generation, within a deadline, and cheaply when it has not changed."""

import dataclasses
import time

import pytest

from vit_core.errors import AccessDenied, BadInput, CorruptDownload, ObjectMissing, Unreachable
from vit_core.settings import Settings
from vit_core.store import index
from vit_core.store.store import Store

TABLE = b"name,ds\n" + b"Ti/16,i21k\n" * 20_000
OTHER = b"name,ds\n" + b"S/32,i1k\n" * 20_000


@pytest.fixture
def url(settings, fault_proxy):
    fault_proxy.put("index.csv", TABLE)
    return f"{settings.bucket}/index.csv"


@pytest.fixture
def reader(settings, patience):
    """A store whose bucket has an index."""
    return Store(settings, patience=patience)


def test_the_index_is_read_with_its_generation(reader, url):
    read = reader.read_index(url)

    assert read.data == TABLE
    assert read.generation


def test_an_unchanged_index_is_not_read_again(reader, fault_proxy, url):
    known = reader.read_index(url).generation
    fault_proxy.log.clear()

    assert reader.read_index(url, known_generation=known) is None
    assert not any(asked.is_media and asked.status == 200 for asked in fault_proxy.log)


def test_a_changed_index_is_read_again(reader, fault_proxy, url):
    known = reader.read_index(url).generation
    fault_proxy.put("index.csv", OTHER)

    read = reader.read_index(url, known_generation=known)

    assert read.data == OTHER
    assert read.generation != known


@pytest.mark.parametrize(
    ("plan", "deadline_s"),
    [
        (lambda proxy: proxy.answer(503, times=1), 20),
        (lambda proxy: proxy.cut(after=1000), 20),
        (lambda proxy: proxy.stall(after=1000), 20),
        (lambda proxy: proxy.corrupt(at=1000), 20),
        (lambda proxy: proxy.replace("index.csv", TABLE, after=1000), 20),
    ],
)
def test_a_fault_that_passes_ends_in_the_right_bytes(reader, fault_proxy, url, plan, deadline_s):
    plan(fault_proxy)

    assert reader.read_index(url, deadline_s=deadline_s).data == TABLE


@pytest.mark.parametrize(
    ("plan", "error", "message"),
    [
        (lambda proxy: proxy.answer(401), AccessDenied, "does not let us read .*VIT_BUCKET"),
        (lambda proxy: proxy.answer(403), AccessDenied, "does not let us read .*VIT_BUCKET"),
        (lambda proxy: proxy.answer(404), ObjectMissing, r"There is no .*index\.csv"),
        (lambda proxy: proxy.answer(400, body=b"no"), Unreachable, "could not be read"),
        (lambda proxy: proxy.answer(503), Unreachable, "could not be read"),
        (lambda proxy: proxy.answer(507), Unreachable, r"answered 507 \(Insufficient Storage\)|no complete answer"),
        (lambda proxy: proxy.answer(599, body=b'{"error": {"message": 7}}'), Unreachable, "could not be read"),
        (lambda proxy: proxy.answer(429, Retry_After="600"), Unreachable, "could not be read"),
        (lambda proxy: proxy.close(), Unreachable, "could not be read"),
        (lambda proxy: proxy.stall(after=-1, times=99, on="any"), Unreachable, "could not be read"),
        (lambda proxy: proxy.slow(bytes_per_s=2000), Unreachable, "no complete answer within"),
        (lambda proxy: proxy.corrupt(at=9, times=99), CorruptDownload, "its checksum is"),
    ],
)
def test_a_lasting_fault_ends_in_one_sentence_within_the_deadline(
    reader, fault_proxy, url, capfd, plan, error, message
):
    plan(fault_proxy)
    deadline_s = 0.8 if error is Unreachable else 20  # importing gcsfs counts
    began = time.monotonic()

    with pytest.raises(error, match=message) as caught:
        reader.read_index(url, deadline_s=deadline_s)

    assert time.monotonic() - began < deadline_s + 4  # a busy machine may be slow to schedule the thread
    assert "index.csv" in str(caught.value)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("plan", "reason"),
    [
        (lambda proxy: proxy.close(), "connection refused"),
        (lambda proxy: proxy.answer(503), r"answered 503 \(Service Unavailable\)"),
    ],
)
def test_the_sentence_tells_the_reason_behind_the_deadline(reader, fault_proxy, url, capfd, plan, reason):
    plan(fault_proxy)

    with pytest.raises(Unreachable, match=reason):
        reader.read_index(url, deadline_s=2.5)
    assert "Traceback" not in capfd.readouterr().err


def test_without_a_network_the_deadline_is_not_waited_for(settings, hasty, fault_proxy, url):
    fault_proxy.close()
    began = time.monotonic()

    with pytest.raises(Unreachable):
        Store(settings, patience=hasty).read_index(url, deadline_s=60)
    assert time.monotonic() - began < 30


def test_an_index_that_is_missing_is_said_to_be(reader, settings, fault_proxy):
    with pytest.raises(ObjectMissing, match=r"There is no .*index\.csv in the bucket"):
        reader.read_index(f"{settings.bucket}/index.csv", deadline_s=20)


def test_an_index_too_large_to_be_one_is_refused_before_it_is_read(reader, fault_proxy, url, monkeypatch):
    monkeypatch.setattr(index, "MOST_INDEX_BYTES", 1000)

    with pytest.raises(BadInput, match="has 220 kB; an index has at most 1 kB"):
        reader.read_index(url, deadline_s=20)


def test_a_file_is_read_and_its_change_is_seen(tmp_path):
    path = tmp_path / "index.csv"
    path.write_bytes(TABLE)
    store = Store(Settings(index=str(path)))
    first = store.read_index(str(path))

    assert first.data == TABLE
    assert store.read_index(str(path), known_generation=first.generation) is None
    path.write_bytes(OTHER)
    assert store.read_index(str(path), known_generation=first.generation).data == OTHER


def test_the_index_of_a_bucket_that_is_a_folder_is_read(tmp_path):
    (tmp_path / "index.csv").write_bytes(TABLE)
    store = Store(Settings(bucket=str(tmp_path)))

    assert store.read_index(f"{tmp_path}/index.csv").data == TABLE


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(ObjectMissing, match="There is no file"):
        Store(Settings(index=str(tmp_path / "no.csv"))).read_index(str(tmp_path / "no.csv"))
    with pytest.raises(AccessDenied, match="cannot be read: Is a directory"):
        Store(Settings(index=str(tmp_path))).read_index(str(tmp_path))


@pytest.mark.parametrize("url", ["/etc/passwd", "file:///etc/passwd", "https://10.0.0.1/x.csv", "gs://other/index.csv"])
def test_an_address_that_is_not_the_operators_is_checked_like_one_typed_into_a_page(url):
    with pytest.raises(BadInput, match="is refused"):
        Store(Settings()).read_index(url)


@pytest.mark.parametrize("bucket_url", ["http"], indirect=True)
def test_an_address_beside_the_bucket_is_not_the_operators(reader, settings, fault_proxy):
    for address in (f"{settings.bucket}-other/index.csv", f"{settings.bucket}/../../secret/index.csv"):
        with pytest.raises(BadInput, match="is refused"):
            reader.read_index(address)


def test_the_index_that_the_operator_names_is_trusted(settings, fault_proxy, patience, url):
    store = Store(dataclasses.replace(settings, bucket="gs://elsewhere/x", index=url), patience=patience)

    assert store.read_index(url, deadline_s=20).data == TABLE
