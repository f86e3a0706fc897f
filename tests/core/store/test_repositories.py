"""Repositories in the cache: whole or not there, in use or not, never larger than the cache, each of its own hub."""

import json
import random
import threading

import pytest
from hub_server import running_hub

from vit_core.errors import ObjectMissing, StorageFull
from vit_core.settings import Settings
from vit_core.store.cache import Cache
from vit_core.store.store import Store

REPO, NAME = "me/large", "hf:me/large"
CONFIG = b'{"architecture": "vit_tiny"}'
PART = 200_000
PARTS = {f"model-0000{number}-of-00003.safetensors": random.Random(number).randbytes(PART) for number in (1, 2, 3)}
INDEX = "model.safetensors.index.json"
LISTING = json.dumps({"weight_map": dict(zip("abc", PARTS, strict=True))}).encode()
LARGE = {INDEX: LISTING, "config.json": CONFIG, **PARTS}
LARGE_BYTES = sum(map(len, LARGE.values()))


@pytest.fixture
def make_store(tmp_path, patience):
    """Give a store on the test's cache, as another process would make it."""
    return lambda **settings: Store(
        Settings(bucket=str(tmp_path), cache_dir=tmp_path / "cache", **settings), patience=patience
    )


@pytest.fixture
def shelf(tmp_path):
    """Give the only folder of a repository."""

    def find():
        (folder,) = tmp_path.glob("cache/checkpoints/hub_*")
        return folder

    return find


def coming(hub, make_store):
    """Fetch slowly, beside the test; give the store, the thread, and the list that gets the path in the end."""
    hub.bytes_per_s = 1_000_000
    store, paths = make_store(), []
    thread = threading.Thread(target=lambda: paths.append(store.fetch(NAME)))
    thread.start()
    hub.wait_for("cdn")
    return store, thread, paths


def test_a_repository_larger_than_the_cache_is_refused_before_its_parts_come(hub, make_store):
    hub.put(REPO, LARGE)

    with pytest.raises(StorageFull, match=r"hf:me/large has 600 kB, but the whole cache may hold only 500 kB; raise"):
        make_store(cache_limit_bytes=500_000).fetch(NAME)
    assert not [asked for asked in hub.log if asked.on == "cdn"]


def test_a_repository_makes_room_for_all_its_files_at_once(hub, make_store):
    hub.put("me/old", {"model.safetensors": bytes(300_000)})
    hub.put(REPO, LARGE)
    store = make_store(cache_limit_bytes=700_000)
    store.fetch("hf:me/old")

    store.fetch(NAME)

    assert [entry.name for entry in store.cached()] == [NAME]


def test_of_two_repositories_that_come_at_once_each_keeps_its_room(hub, make_store):
    hub.put(REPO, LARGE)
    hub.put("me/other", {**LARGE, "config.json": CONFIG + b" "})
    hub.bytes_per_s = 1_000_000
    thread = threading.Thread(target=lambda: make_store(cache_limit_bytes=1_000_000).fetch(NAME))
    thread.start()
    hub.wait_for("cdn")

    with pytest.raises(StorageFull, match=r"hf:me/other has 600 kB and does not fit: .* in use"):
        make_store(cache_limit_bytes=1_000_000).fetch("hf:me/other")
    thread.join()
    assert make_store().local_path(NAME)


def test_what_has_come_of_a_repository_is_not_deleted_while_the_rest_comes(hub, make_store):
    hub.put(REPO, LARGE)
    _, thread, paths = coming(hub, make_store)

    while thread.is_alive():
        make_store().clear()
    assert len([asked for asked in hub.log if asked.on == "cdn"]) == 3
    assert len(paths) == 1


def test_what_was_listed_before_the_rest_came_is_deleted_as_a_whole(hub, make_store, tmp_path, monkeypatch):
    hub.put(REPO, LARGE)
    store = make_store()
    path = store.fetch(NAME)
    for part in PARTS:
        path.with_name(part).unlink()
    other = Cache(tmp_path / "cache", limit_bytes=10**9)
    delete = Cache._delete
    monkeypatch.setattr(Cache, "_delete", lambda self, file: (store.fetch(NAME), delete(self, file))[1])

    assert other.clear() == LARGE_BYTES  # with what came since it was listed

    assert not path.exists()
    with pytest.raises(ObjectMissing, match=r"has been deleted from the cache; fetch it again"), store.lease(path):
        pass


def test_a_repository_without_one_of_its_files_is_not_leased_but_fetched_again(hub, make_store):
    hub.put(REPO, LARGE)
    store = make_store()
    path = store.fetch(NAME)
    path.with_name("config.json").unlink()

    with pytest.raises(ObjectMissing), store.lease(path):
        pass
    assert [entry.is_whole for entry in store.cached()] == [False]
    with store.borrow(NAME) as again:
        assert again.with_name("config.json").read_bytes() == CONFIG


def test_discarding_leaves_a_download_alone(hub, make_store, shelf):
    hub.put(REPO, {"model.safetensors": bytes(300_000), "config.json": CONFIG})
    store, thread, paths = coming(hub, make_store)

    while thread.is_alive():
        store.discard(shelf() / "model.safetensors")
    assert len(paths) == 1
    assert len([asked for asked in hub.log if asked.on == "cdn"]) == 1


def test_discarding_keeps_what_is_as_the_hub_states_it(hub, make_store):
    hub.put(REPO, LARGE)
    store = make_store()
    path = store.fetch(NAME)

    assert not store.discard(path)
    path.with_name("config.json").write_bytes(CONFIG.replace(b"tiny", b"TINY"))
    assert store.discard(path)
    assert {each.name for each in store.files_beside(path)} == {*PARTS, INDEX}


def test_another_hub_has_another_repository_of_the_same_name(hub, make_store, monkeypatch):
    hub.put(REPO, {"model.safetensors": b"one"})
    store = make_store()
    first = store.fetch(NAME)
    with running_hub() as other:
        other.put(REPO, {"model.safetensors": b"other"})
        monkeypatch.setenv("HF_ENDPOINT", other.url)

        assert store.local_path(NAME) is None
        assert store.fetch(NAME).read_bytes() == b"other"
    assert first.read_bytes() == b"one"


def test_exactly_the_parts_that_the_list_names_are_taken(hub, make_store):
    mine = {name.replace("model-", "model.fp16-"): data for name, data in PARTS.items()}
    listing = json.dumps({"weight_map": dict(zip("abc", mine, strict=True))}).encode()
    hub.put(REPO, {INDEX: listing, **mine, **PARTS})
    store = make_store()

    path = store.fetch(NAME)

    assert {each.name for each in store.files_beside(path)} == {*mine, INDEX}


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (b"{}", "has a list of parts, model.safetensors.index.json, that names none"),
        (b"nothing", "that names none"),
        (b'{"weight_map": {"a": "model-00009-of-00009.safetensors"}}', "names 'model-00009-of-00009.safetensors'"),
        (
            b'{"weight_map": {"a": "../../x.safetensors"}}',
            r"names '\.\./\.\./x\.safetensors', and the repository has no",
        ),
    ],
)
def test_a_list_of_parts_that_are_not_there_is_refused(hub, make_store, listing, reason):
    hub.put(REPO, {**LARGE, INDEX: listing})

    with pytest.raises(ObjectMissing, match=reason):
        make_store().fetch(NAME)
    assert not [asked for asked in hub.log if asked.on == "cdn"]


def test_names_of_files_reach_no_terminal_as_commands(hub, make_store):
    hub.put(REPO, {"\x1b[2Jmodel.bin": b"x", "notes\u202e.txt": b""})

    with pytest.raises(ObjectMissing, match=r"\\x1b\[2Jmodel.bin") as caught:
        make_store().fetch(NAME)
    assert str(caught.value).isprintable()
