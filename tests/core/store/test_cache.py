"""The cache stays within its limit, deletes what was used longest ago, and spares what is in use."""

import dataclasses
import os
import subprocess
import threading
import time
from datetime import UTC, datetime

import pytest

from vit_core.errors import AccessDenied, ObjectMissing, StorageFull, StoreError
from vit_core.settings import Settings
from vit_core.store.store import Store

SIZE = 100_000
LIMIT = 350_000  # room for three


@pytest.fixture
def settings(bucket_server, tmp_path):
    """A cache with room for three of the four objects of the bucket."""
    for name in "abcd":
        bucket_server.put(f"{name}.npz", b"PK" + name.encode() * (SIZE - 2))
    return Settings(bucket=bucket_server.gs_url, cache_dir=tmp_path / "cache", cache_limit_bytes=LIMIT)


@pytest.fixture
def store(settings, patience):
    return Store(settings, patience=patience)


@pytest.fixture
def fetch_aged(store):
    """Fetch an object and pretend that it was last used so many hours ago."""

    def fetch(name, hours):
        path = store.fetch(name)
        then = time.time() - hours * 3600
        os.utime(path, (then, then))
        return path

    return fetch


def names(store):
    return sorted(entry.name for entry in store.cached())


def test_the_file_used_longest_ago_makes_room_for_a_new_one(store, fetch_aged):
    fetch_aged("a", hours=2)
    fetch_aged("b", hours=3)
    fetch_aged("c", hours=1)

    store.fetch("d")

    assert names(store) == ["a", "c", "d"]


def test_fetching_a_file_again_counts_as_use(store, fetch_aged):
    fetch_aged("a", hours=3)
    fetch_aged("b", hours=2)
    fetch_aged("c", hours=1)
    store.fetch("a")

    store.fetch("d")

    assert names(store) == ["a", "c", "d"]


def test_the_cache_never_holds_more_than_its_limit(store):
    for name in "abcdabcd":
        store.fetch(name)
        assert store.usage().bytes <= LIMIT


def test_a_leased_file_is_never_deleted_for_room(store, fetch_aged):
    path = fetch_aged("a", hours=9)
    fetch_aged("b", hours=2)
    fetch_aged("c", hours=1)

    with store.lease(path):
        os.utime(path, (1, 1))
        store.fetch("d")

    assert names(store) == ["a", "c", "d"]


def test_a_file_leased_by_another_process_is_never_deleted(store, fetch_aged, start_python, settings):
    path = fetch_aged("a", hours=9)
    fetch_aged("b", hours=2)
    fetch_aged("c", hours=1)
    process = start_python(
        "import os, pathlib\n"
        "from vit_core.settings import Settings\n"
        "from vit_core.store.store import Store\n"
        "with Store(Settings.from_environment(os.environ)).lease(pathlib.Path(os.environ['LEASED'])):\n"
        "    print('leased', flush=True)\n"
        "    input()\n",
        **os.environ,
        LEASED=str(path),
    )
    assert process.stdout.readline() == "leased\n"
    os.utime(path, (1, 1))

    store.fetch("d")

    assert names(store) == ["a", "c", "d"]


def test_the_lease_of_a_killed_process_is_over(store, start_python, settings):
    path = store.fetch("a")
    process = start_python(
        "import os, pathlib\n"
        "from vit_core.settings import Settings\n"
        "from vit_core.store.store import Store\n"
        "with Store(Settings.from_environment(os.environ)).lease(pathlib.Path(os.environ['LEASED'])):\n"
        "    print('leased', flush=True)\n"
        "    input()\n",
        **os.environ,
        LEASED=str(path),
    )
    assert process.stdout.readline() == "leased\n"
    process.kill()
    process.wait()

    assert store.clear() == SIZE


def test_when_all_else_is_leased_a_new_file_is_refused_with_the_reason(store):
    with (
        store.lease(store.fetch("a")),
        store.lease(store.fetch("b")),
        store.lease(store.fetch("c")),
        pytest.raises(StorageFull, match=r"d\.npz has 100 kB and does not fit: .*in use.*VIT_CACHE_LIMIT"),
    ):
        store.fetch("d")
    assert names(store) == ["a", "b", "c"]


def test_two_leases_on_one_file_are_both_honoured(store):
    path = store.fetch("a")
    with store.lease(path):
        with store.lease(path):
            pass
        assert store.clear() == 0


def test_a_lease_on_a_deleted_file_says_to_fetch_it_again(store):
    path = store.fetch("a")
    store.clear()

    with pytest.raises(ObjectMissing, match="fetch it again"), store.lease(path):
        pass


def test_a_file_outside_of_the_cache_needs_no_lease(store, tmp_path):
    path = tmp_path / "mine.npz"
    with store.lease(path) as leased:
        assert leased == path


def test_borrow_fetches_and_leases_in_one(store):
    with store.borrow("a") as path:
        assert store.clear() == 0
        assert path.stat().st_size == SIZE


def test_a_borrowed_file_stays_though_the_cache_is_cleared_all_the_time(store):
    over = threading.Event()

    def clear():
        while not over.wait(0.002):
            store.clear()

    cleaner = threading.Thread(target=clear)
    cleaner.start()
    try:
        for _ in range(30):
            with store.borrow("a") as path:
                time.sleep(0.004)
                assert path.stat().st_size == SIZE
    finally:
        over.set()
        cleaner.join()


def test_many_threads_share_a_cache_that_is_too_small_for_all(store):
    wrong = []

    def work(name):
        for _ in range(5):
            with store.borrow(name) as path:
                if path.read_bytes()[2:3] != name.encode():
                    wrong.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc" for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_disk_that_is_full_in_the_middle_of_a_download_is_told_and_nothing_is_left(
    start_python, answer_of, bucket_server, settings
):
    # A limit on the size of files is the fullness of a disk that a test may make: the write fails half-way.
    process = start_python(
        "import json, os, resource\n"
        "from vit_core.errors import StorageFull\n"
        "from vit_core.settings import Settings\n"
        "from vit_core.store.store import Store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "try:\n"
        "    Store(Settings.from_environment(os.environ)).fetch('a')\n"
        "except StorageFull as error:\n"
        "    print(json.dumps(str(error)))\n",
        **bucket_server.environment(),
    )

    assert "There is no room on the disk for a.npz" in answer_of(process)
    assert list(settings.cache_dir.glob("checkpoints/*/*")) == []


def test_a_disk_without_room_is_told_before_the_download(settings, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("may not mount a small disk here")
    try:
        with pytest.raises(StorageFull, match=r"has 100 kB, but the disk of the cache has only .* free"):
            Store(dataclasses.replace(settings, cache_dir=disk)).fetch("a")
        assert list(disk.glob("checkpoints/*/*")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_object_larger_than_the_whole_cache_is_refused(settings):
    small = Store(dataclasses.replace(settings, cache_limit_bytes=50_000))

    with pytest.raises(StorageFull, match="has 100 kB, but the whole cache may hold only 50 kB; raise VIT_CACHE_LIMIT"):
        small.fetch("a")
    assert small.cached() == ()


def test_a_cache_folder_that_cannot_be_made_is_named(settings, tmp_path):
    (tmp_path / "file").write_text("a file where the folder should be")

    with pytest.raises(StoreError, match=r"file/.* cannot be written: .*set VIT_CACHE_DIR"):
        Store(dataclasses.replace(settings, cache_dir=tmp_path / "file")).fetch("a")


def test_usage_counts_files_and_bytes(store):
    store.fetch("a")
    store.fetch("b")

    usage = store.usage()

    assert (usage.files, usage.bytes, usage.limit_bytes) == (2, 2 * SIZE, LIMIT)


def test_an_empty_cache_has_no_usage_and_makes_no_folder(store, settings):
    assert store.usage().files == 0
    assert not settings.cache_dir.exists()


def test_the_list_tells_name_size_and_time_the_latest_first(store, fetch_aged):
    fetch_aged("a", hours=1)
    store.fetch("b")

    latest, older = store.cached()

    assert (latest.name, older.name, older.bytes, older.is_whole) == ("b", "a", SIZE, True)
    assert 3500 < (datetime.now(UTC) - older.used_at).total_seconds() < 3700


def test_clear_frees_the_bytes_and_keeps_what_is_in_use(store):
    with store.lease(store.fetch("a")):
        store.fetch("b")
        assert store.clear() == SIZE
        assert names(store) == ["a"]


def test_discard_deletes_a_bad_file_so_that_it_is_fetched_anew(store):
    path = store.fetch("a")
    path.write_bytes(b"broken")

    assert store.discard(path)
    assert store.fetch("a").stat().st_size == SIZE


def test_discard_leaves_files_of_the_user_alone(store, tmp_path):
    mine = tmp_path / "mine.npz"
    mine.write_bytes(b"PK")

    assert not store.discard(mine)
    assert mine.exists()


def test_an_old_leftover_of_a_download_is_swept(store, settings):
    store.fetch("a")
    (folder,) = settings.cache_dir.glob("checkpoints/*")
    for name, days in (("old", 8), ("new", 1)):
        part = folder / f"{name}.npz.part"
        part.write_bytes(b"PK")
        then = time.time() - days * 86400
        os.utime(part, (then, then))

    store.fetch("b")

    assert not (folder / "old.npz.part").exists()
    assert (folder / "new.npz.part").exists()


def test_leftovers_of_downloads_count_and_make_room(store, settings, fault_proxy):
    fault_proxy.cut(after=60_000)
    fault_proxy.answer(403, on="media")
    with pytest.raises(AccessDenied):
        store.fetch("a")
    assert [(entry.name, entry.is_whole) for entry in store.cached()] == [("a", False)]
    fault_proxy.reset()

    for name in "bcd":
        store.fetch(name)

    assert names(store) == ["b", "c", "d"]


def test_buckets_with_the_same_names_stay_apart(settings, bucket_server):
    one = Store(settings).fetch("a")
    other = Store(dataclasses.replace(settings, bucket=bucket_server.http_url)).fetch("a")

    assert one != other
    assert one.name == other.name


def test_lock_files_outlive_the_files_they_guard(store, settings):
    store.fetch("a")
    with store.lease(store.fetch("a")):
        locks = {path.stat().st_ino for path in settings.cache_dir.glob("locks/*/*")}
    store.clear()

    assert {path.stat().st_ino for path in settings.cache_dir.glob("locks/*/*")} == locks
