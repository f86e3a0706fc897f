"""Names become URLs; what could reach elsewhere is refused; secrets are never shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.errors import BadInput, BadSetting
from vit_core.settings import Settings
from vit_core.store.location import (
    Location,
    check_name,
    check_public_url,
    is_inner_host,
    object_location,
    operator_hosts,
    shown_url,
)

NAME = "R26_S_32-i21k-300ep-lr_0.001-aug_light0-wd_0.1-do_0.1-sd_0.1--imagenet2012-steps_20k-lr_0.03-res_224"


@pytest.mark.parametrize(
    ("bucket", "kind", "url"),
    [
        ("gs://vit_models/augreg", "gs", f"gs://vit_models/augreg/{NAME}.npz"),
        ("gs://vit_models/augreg/", "gs", f"gs://vit_models/augreg/{NAME}.npz"),
        ("gs://mirror", "gs", f"gs://mirror/{NAME}.npz"),
        ("https://host/a/b", "http", f"https://host/a/b/{NAME}.npz"),
        ("http://host:8080", "http", f"http://host:8080/{NAME}.npz"),
        ("https://host/a?sig=x", "http", f"https://host/a/{NAME}.npz?sig=x"),
        ("/data/mirror", "file", f"/data/mirror/{NAME}.npz"),
        ("file:///data/mirror", "file", f"/data/mirror/{NAME}.npz"),
        ("file:///data/my%20mirror", "file", f"/data/my mirror/{NAME}.npz"),
    ],
)
def test_a_name_becomes_a_url_in_each_kind_of_bucket(bucket, kind, url):
    assert object_location(bucket, NAME) == Location(NAME, url, kind)


def test_a_folder_given_relatively_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert object_location("mirror", "a").path == tmp_path / "mirror" / "a.npz"


def test_the_index_has_its_own_suffix():
    assert object_location("gs://b-1/x", "index", ".csv").url == "gs://b-1/x/index.csv"


@pytest.mark.parametrize(
    "bucket", ["s3://bucket/x", "gs://", "gs://Bucket/x", "https://", "file://host/x", "http://[/"]
)
def test_a_bucket_of_no_known_kind_is_refused(bucket):
    with pytest.raises(BadSetting, match="of no known kind; use gs://BUCKET/FOLDER"):
        object_location(bucket, "a")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "  ",
        " a",
        "a ",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "a..b",
        ".hidden",
        "-flag",
        "a\nb",
        "a\x00b",
        "a\x7f",
        "a\u202eb",
        "<img>",
        "a?b",
        "a#b",
        "a%2fb",
        "a*",
        "$(id)",
        "a;b",
        "x" * 201,
        "é" * 101,
        "\ud800",
    ],
)
def test_a_name_that_can_be_no_object_is_refused(name):
    with pytest.raises(BadInput):
        object_location("gs://vit_models/augreg", name)


@given(st.text(max_size=300))
def test_a_name_that_passes_stays_one_component_of_a_path(name):
    try:
        check_name(name)
    except BadInput:
        return
    assert name
    assert not set(name) & set("/\\\0\n")
    assert ".." not in name
    assert len(name.encode()) <= 200


@pytest.mark.parametrize(
    "url",
    [
        "https://storage.googleapis.com/vit_models/augreg/index.csv",
        "https://storage.googleapis.com:443/vit_models/index.csv",
        "  https://storage.googleapis.com/a.csv ",
    ],
)
def test_the_public_host_may_be_opened_from_a_page(url):
    assert check_public_url(url) == url.strip()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "only https"),
        ("http://storage.googleapis.com/a", "only https"),
        ("gs://vit_models/augreg/index.csv", "only https"),
        ("ftp://host/a", "only https"),
        ("javascript:alert(1)", "only https"),
        ("//storage.googleapis.com/a", "only https"),
        ("/etc/passwd", "only https"),
        ("", "only https"),
        ("https://example.com/a", "not on the list"),
        ("https://169.254.169.254/computeMetadata/v1", "the inner address"),
        ("https://metadata.google.internal/", "the inner address"),
        ("https://127.0.0.1/a", "the inner address"),
        ("https://[::1]/a", "the inner address"),
        ("https://10.0.0.1/a", "the inner address"),
        ("https://2130706433/a", "the inner address"),
        ("https://localhost/a", "the inner address"),
        ("https://intranet/a", "the inner address"),
        ("https://storage.googleapis.com.evil.com/a", "not on the list"),
        ("https://storage.googleapis.com:8443/a", "not on the list"),
        ("https://storage.googleapis.com:99999/a", "not a URL"),
        ("https://[bad/a", "not a URL"),
        ("https://me:word@storage.googleapis.com/a", "a user or a password"),
        ("https://storage.googleapis.com@evil.com/a", "a user or a password"),
        ("https://storage.googleapis.com\\@evil.com/a", "not a URL"),
        ("https://storage.googleapis.com/a b", "not a URL"),
        ("https://storage.googleapis.com/a\x00", "not a URL"),
        ("https://storage.googleapis.com/../a", r"may not contain '\.\.'"),
        ("https://storage.googleapis.com/%2e%2e/a", r"may not contain '\.\.'"),
        ("https://storage.googleapis.com/" + "a" * 3000, "not a URL"),
        ("\\\\server\\share", "not a URL"),
    ],
)
def test_any_other_address_is_refused_with_the_reason(url, reason):
    with pytest.raises(BadInput, match=reason):
        check_public_url(url)


def test_the_hosts_of_the_operator_may_be_opened_too():
    settings = Settings(bucket="https://mirror.example.org/augreg", index="https://tables.example.org/index.csv")
    hosts = operator_hosts(settings)

    assert check_public_url("https://mirror.example.org/x.csv", allowed_hosts=hosts)
    assert check_public_url("https://tables.example.org/x.csv", allowed_hosts=hosts)


@pytest.mark.parametrize("bucket", ["gs://vit_models/augreg", "/data/mirror", "http://10.0.0.1/x", "https://["])
def test_only_https_buckets_add_a_host(bucket):
    assert operator_hosts(Settings(bucket=bucket)) == frozenset()


def test_a_refusal_repeats_no_secret():
    with pytest.raises(BadInput) as caught:
        check_public_url("https://me:topsecret@example.com/a.csv?X-Goog-Signature=abcdef#frag")

    assert "example.com" in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("topsecret", "abcdef", "me:", "frag"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@h/a?b#c", "https://h/a"),
        ("https://u@p@h/a", "https://h/a"),
        ("https://h", "https://h"),
        ("https://h?sig=1", "https://h"),
        ("/a/path?really", "/a/path?really"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url, shown):
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "0x7f.1",
        "2130706433",
        "localhost.",
        "169.254.169.254.",
        "metadata.google.internal.",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "fe80::1%eth0",
    ],
)
def test_an_inner_host_is_known_however_it_is_written(host):
    assert is_inner_host(host)


@pytest.mark.parametrize("host", ["hf.co", "8.8.8.8", "64:ff9b::808:808", "4chan.example"])
def test_a_public_host_is_no_inner_one(host):
    assert not is_inner_host(host)
