"""Checkpoints by their https:// and gs:// addresses: which are opened, where they are kept, what is refused."""

import pytest
from tls_server import running_tls_server

from vit_core.errors import AccessDenied, BadInput, CorruptDownload, ObjectMissing, Unreachable
from vit_core.settings import Settings
from vit_core.store.store import Store

PLUS = "gs://vit_models/imagenet21k+imagenet2012/ViT-B_16.npz"


@pytest.fixture
def plain(tmp_path, patience):
    """A store on the public bucket."""
    return Store(Settings(cache_dir=tmp_path / "cache"), patience=patience)


@pytest.fixture
def web(tmp_path, monkeypatch):
    with running_tls_server(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
        yield server


@pytest.fixture
def allowing(web, tmp_path, hasty):
    """A store whose operator allows the web server."""
    settings = Settings.from_environment({"VIT_ALLOWED_HOSTS": web.host, "VIT_CACHE_DIR": str(tmp_path / "cache")})
    return Store(settings, patience=hasty)


def test_an_object_of_a_public_bucket_is_fetched_by_its_address(fault_proxy, plain, data):
    fault_proxy.put("ViT-B_16.npz", data, folder="imagenet21k+imagenet2012")

    path = plain.fetch(PLUS)

    assert path.read_bytes() == data
    assert plain.local_path(PLUS) == path
    assert [entry.name for entry in plain.cached()] == [PLUS]


def test_equal_names_in_two_folders_are_two_files(fault_proxy, plain, data, other_data):
    fault_proxy.put("ViT-B_16.npz", data, folder="sam")
    fault_proxy.put("ViT-B_16.npz", other_data, folder="gsam")

    assert plain.fetch("gs://vit_models/sam/ViT-B_16.npz").read_bytes() == data
    assert plain.fetch("gs://vit_models/gsam/ViT-B_16.npz").read_bytes() == other_data


def test_an_object_of_the_own_bucket_is_the_checkpoint_of_that_name(plain, name):
    assert plain.locate(f"gs://vit_models/augreg/{name}.npz") == plain.locate(name)


def test_the_web_address_of_a_public_object_is_the_same_file(plain):
    assert plain.locate(PLUS.replace("gs://", "https://storage.googleapis.com/").replace("+", "%2B")).name == PLUS


@pytest.mark.parametrize("host", ["Storage.Googleapis.com", "storage.googleapis.com.", "storage.googleapis.com:443"])
def test_the_host_may_be_written_otherwise(plain, host):
    address = PLUS.replace("gs://", f"https://{host}/").replace("+", "%2B")
    assert plain.locate(address) == plain.locate(PLUS)


def test_the_ending_of_an_image_tower_is_taken_off(plain):
    assert plain.locate("gs://big_vision/siglip/a.npz:img").name == "gs://big_vision/siglip/a.npz"


def test_an_object_that_is_not_there_says_to_check_the_address(fault_proxy, plain):
    with pytest.raises(ObjectMissing, match=r"There is no gs://mixer_models/x/a\.npz; check the address"):
        plain.fetch("gs://mixer_models/x/a.npz")


def test_a_closed_bucket_is_read_without_the_operators_credentials(fault_proxy, plain, monkeypatch):
    fault_proxy.private = True
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/secret.json")

    with pytest.raises(AccessDenied, match=r"The bucket does not let us read gs://vit_models/sam/a\.npz"):
        plain.fetch("gs://vit_models/sam/a.npz")
    assert all("authorization" not in asked.headers for asked in fault_proxy.log)


@pytest.mark.parametrize("address", ["gs://somebodys/a.npz", "gs://vit_models.evil/a.npz", "gs:///a.npz"])
def test_other_buckets_are_refused(plain, address):
    with pytest.raises(BadInput, match="only objects of the buckets big_vision, mixer_models, vit_models"):
        plain.locate(address)


def test_the_operators_own_bucket_is_opened_by_address(tmp_path):
    store = Store(Settings(bucket="gs://mine/models", cache_dir=tmp_path))

    assert store.locate("gs://mine/others/a.safetensors").url == "gs://mine/others/a.safetensors"


@pytest.mark.parametrize(
    "address",
    ["gs://vit_models/../a.npz", "gs://vit_models//a.npz", "gs://vit_models/a b/c.npz", "gs://vit_models/a?b/c.npz"],
)
def test_an_address_of_no_object_is_refused(plain, address):
    with pytest.raises(BadInput, match="is no address of an object"):
        plain.locate(address)


@pytest.mark.parametrize(
    "address", ["gs://vit_models/a.txt", "gs://vit_models/sam/", "https://storage.googleapis.com/vit_models/index.csv"]
)
def test_an_address_of_no_file_of_weights_is_refused(plain, address):
    with pytest.raises(BadInput, match=r"its address ends in \.npz or \.safetensors"):
        plain.locate(address)


def test_a_pickle_is_refused_with_the_way_to_convert_it(plain):
    with pytest.raises(BadInput, match=r"is a PyTorch pickle, .* Convert it to \.safetensors"):
        plain.locate("https://storage.googleapis.com/x/deit.pth")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://storage.googleapis.com/vit_models/a.npz", "only https"),
        ("https://example.org/a.npz", "not on the list"),
        ("https://169.254.169.254/a.npz", "the inner address"),
        ("https://localhost/a.npz", "the inner address"),
        ("https://storage.googleapis.com/others/a.npz?X-Goog-Signature=topsecret", "where secrets may stand"),
        ("file:///etc/passwd.npz", "only https"),
    ],
)
def test_what_is_not_allowed_is_refused_without_its_secrets(plain, address, reason):
    with pytest.raises(BadInput, match=reason) as caught:
        plain.locate(address)
    assert "topsecret" not in str(caught.value)


def test_a_host_that_the_operator_allows_is_opened(web, allowing, data):
    web.files["/models/a+b.npz"] = data

    path = allowing.fetch(f"{web.url}/models/a+b.npz")

    assert path.read_bytes() == data
    assert path.name == "a+b.npz"
    assert [entry.name for entry in allowing.cached()] == [f"{web.url}/models/a+b.npz"]


def test_another_port_of_an_allowed_host_is_refused(web, allowing):
    with pytest.raises(BadInput, match="not on the list"):
        allowing.locate("https://localhost:1/a.npz")


@pytest.mark.parametrize("target", ["https://127.0.0.1:1/secret.npz", "http://169.254.169.254/latest/a.npz"])
def test_a_redirect_to_an_inner_address_is_not_followed(web, allowing, target):
    web.redirects["/a.npz"] = target

    with pytest.raises(Unreachable, match="which is not followed"):
        allowing.fetch(f"{web.url}/a.npz")
    assert web.log == ["/a.npz"]


def test_a_redirect_within_the_host_is_followed(web, allowing, data):
    web.redirects["/latest.npz"] = "/v2/a.npz"
    web.files["/v2/a.npz"] = data

    assert allowing.fetch(f"{web.url}/latest.npz").read_bytes() == data


@pytest.mark.parametrize("file", ["a.npz", "a.safetensors"])
def test_a_sign_in_page_in_place_of_weights_is_said(web, allowing, file):
    web.files[f"/{file}"] = b"<!doctype html><title>Sign in</title>"

    with pytest.raises(CorruptDownload, match=r"is no \.\w+ file: it begins with"):
        allowing.fetch(f"{web.url}/{file}")
