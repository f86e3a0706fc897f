"""Finding a checkpoint by name or path, and what needs no network."""

import subprocess
import sys
from pathlib import Path

import pytest

from vit_core.errors import BadInput, ObjectMissing
from vit_core.settings import Settings, bundled_data_dir
from vit_core.store.store import Store


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def store(here, tmp_path):
    return Store(Settings(cache_dir=tmp_path / "cache"))


@pytest.fixture
def mirror(tmp_path):
    """A bucket that is a folder, with one checkpoint."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "Ti_16-i21k.npz").write_bytes(b"PK")
    return folder


def test_a_name_lies_in_the_bucket(store):
    location = store.locate("Ti_16-i21k")
    assert (location.kind, location.url) == ("gs", "gs://vit_models/augreg/Ti_16-i21k.npz")


@pytest.mark.parametrize("text", ["mine.npz", "./mine.npz", "folder/mine.npz"])
def test_text_that_looks_like_a_path_is_a_file(store, here, text):
    (here / "folder").mkdir()
    (here / "mine.npz").write_bytes(b"PK")
    (here / "folder" / "mine.npz").write_bytes(b"PK")

    location = store.locate(text)

    assert (location.kind, location.name, location.path) == ("file", "mine", here / text)


def test_a_path_object_is_a_file(store, here):
    (here / "mine").write_bytes(b"PK")
    assert store.locate(Path("mine")).path == here / "mine"


def test_a_file_of_that_very_name_comes_before_the_bucket(store, here):
    (here / "mine").write_bytes(b"PK")
    assert store.locate("mine").path == here / "mine"


def test_a_folder_of_that_name_does_not_hide_the_bucket(store, here):
    (here / "Ti_16-i21k").mkdir()
    assert store.locate("Ti_16-i21k").kind == "gs"


def test_a_file_that_is_not_there_is_named(store):
    with pytest.raises(ObjectMissing, match=r"There is no file 'folder/mine\.npz'; check the path"):
        store.locate("folder/mine.npz")


def test_a_name_of_the_catalogue_with_its_suffix_gets_a_hint(store):
    with pytest.raises(ObjectMissing, match=r"leave out '\.npz'"):
        store.locate("Ti_16-i21k.npz")


def test_a_folder_is_no_checkpoint(store, here):
    (here / "folder").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        store.locate("./folder")


@pytest.mark.parametrize("text", ["~nobody-of-that-name/a.npz", "a/" + "x" * 5000])
def test_text_that_can_be_no_path_is_refused(store, text):
    with pytest.raises(BadInput, match="cannot be a path"):
        store.locate(text)


@pytest.mark.parametrize("text", ["", "..", "a\nb", "x" * 300])
def test_text_that_can_be_neither_name_nor_path_is_refused(store, text):
    with pytest.raises(BadInput):
        store.locate(text)


def test_the_secrets_of_a_refused_address_are_not_repeated(store):
    with pytest.raises(BadInput, match=r"'https://host/a\.npz' is refused") as caught:
        store.locate("https://me:topsecret@host/a.npz?sig=abc")
    assert "topsecret" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_each_name_of_the_demonstration_is_its_bundled_file(store):
    files = sorted((bundled_data_dir() / "demo").glob("*.npz"))
    if not files:
        pytest.skip("the demonstration is not built")

    assert [store.fetch(file.stem) for file in files] == files


@pytest.fixture
def runs(here):
    """A folder of runs: "done" with a result, "early" without."""
    folder = here.parent / "runs"
    (folder / "done" / "result").mkdir(parents=True)
    (folder / "done" / "result" / "model.npz").write_bytes(b"PK")
    (folder / "early").mkdir()
    return Store(Settings(runs_dir=folder, cache_dir=here.parent / "cache"))


def test_a_finished_run_is_a_checkpoint(runs, here):
    path = here.parent / "runs" / "done" / "result" / "model.npz"
    location = runs.locate("run:done")
    assert (location.kind, location.name, location.path) == ("file", "run:done", path)
    assert runs.fetch("run:done") == path
    assert runs.local_path("run:done") == path
    with runs.lease(path) as kept:
        assert kept == path


def test_a_run_without_a_result_is_no_checkpoint_yet(runs):
    with pytest.raises(ObjectMissing, match="The run 'early' has no result yet; `vit-explorer runs show early`"):
        runs.locate("run:early")
    assert runs.local_path("run:early") is None


def test_a_run_that_is_not_there_is_named_with_close_ones(runs):
    with pytest.raises(ObjectMissing, match=r"There is no run 'dome'\. Did you mean 'done'"):
        runs.fetch("run:dome")


@pytest.mark.parametrize(
    "name", ["run:", "run:../done", "run:/etc", "run:Done", "run:.data", "run:a/b.npz", "run:a\nb"]
)
def test_what_can_be_no_run_is_refused(runs, name):
    with pytest.raises(BadInput, match="names no run"):
        runs.locate(name)
    with pytest.raises(BadInput, match="names no run"):
        runs.local_path(name)


def test_a_bucket_that_is_a_folder_is_read_in_place(mirror, tmp_path, here):
    store = Store(Settings(bucket=str(mirror), cache_dir=tmp_path / "cache"))

    assert store.fetch("Ti_16-i21k") == mirror / "Ti_16-i21k.npz"
    assert not (tmp_path / "cache").exists()


def test_a_name_that_a_folder_does_not_hold_is_missing(mirror, here):
    with pytest.raises(ObjectMissing, match="There is no file"):
        Store(Settings(bucket=f"file://{mirror}")).fetch("S_16-i21k")


def test_local_path_tells_what_is_here_without_a_network(mirror, tmp_path, here):
    store = Store(Settings(bucket=str(mirror), cache_dir=tmp_path / "cache"))

    assert store.local_path("Ti_16-i21k") == mirror / "Ti_16-i21k.npz"
    assert store.local_path("S_16-i21k") is None
    assert store.local_path("no/such.npz") is None


def test_local_path_finds_what_was_fetched(bucket_server, tmp_path, here):
    bucket_server.put("Ti_16-i21k.npz", b"PK")
    store = Store(Settings(bucket=bucket_server.gs_url, cache_dir=tmp_path / "cache"))
    assert store.local_path("Ti_16-i21k") is None

    path = store.fetch("Ti_16-i21k")

    assert store.local_path("Ti_16-i21k") == path


def test_importing_the_store_imports_none_of_the_cloud_libraries():
    program = (
        "import sys, vit_core.store.store, vit_core.store.downloads\n"
        "heavy = {'gcsfs', 'aiohttp', 'requests', 'google.cloud.storage', 'google.auth', 'fsspec', 'pandas', 'jax'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "[]"
