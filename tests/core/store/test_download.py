"""One download per file, however many ask: progress, waiting, cancelling, dying."""

import signal
import threading
import time

import pytest

from vit_core.errors import AccessDenied, Cancelled, Unreachable
from vit_core.store.store import Store


def test_a_name_becomes_a_file_with_the_bytes_of_the_bucket(store, name, data):
    assert store.fetch(name).read_bytes() == data


def test_a_second_fetch_asks_the_bucket_nothing(store, fault_proxy, name):
    store.fetch(name)
    asked = len(fault_proxy.log)

    store.fetch(name)

    assert len(fault_proxy.log) == asked


def test_progress_ends_at_the_whole_size(store, name, data):
    seen = []

    store.fetch(name, progress=seen.append)

    assert (seen[-1].name, seen[-1].done_bytes, seen[-1].total_bytes) == (name, len(data), len(data))


def test_progress_of_a_slow_download_tells_speed_and_time_left(store, fault_proxy, name):
    fault_proxy.slow(bytes_per_s=400_000)
    seen = []

    store.fetch(name, progress=seen.append)

    under_way = [progress for progress in seen if progress.bytes_per_s and progress.seconds_left]
    assert len(under_way) > 5
    assert all(0 < progress.done_bytes < progress.total_bytes for progress in under_way)


def test_progress_is_reported_in_the_thread_of_the_caller(store, name):
    threads = set()

    store.fetch(name, progress=lambda _: threads.add(threading.current_thread()))

    assert threads == {threading.current_thread()}


@pytest.mark.parametrize("after", [-1, 100_000])
def test_cancelling_a_stalled_download_takes_effect_long_before_the_time_limit(
    store, settings, fault_proxy, name, after
):
    patient = Store(settings)  # the patience for people: 10 s without a byte
    fault_proxy.stall(after=after)
    cancel = threading.Event()
    timer = threading.Timer(0.3, cancel.set)
    timer.start()
    began = time.monotonic()

    with pytest.raises(Cancelled, match=f"{name} was cancelled"):
        patient.fetch(name, cancel=cancel)

    assert time.monotonic() - began < 5
    timer.join()
    fault_proxy.reset()


def test_a_cancelled_download_can_be_taken_up_again_at_once(store, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=200_000, times=1)
    cancel = threading.Event()

    with pytest.raises(Cancelled):
        store.fetch(name, cancel=cancel, progress=lambda seen: seen.done_bytes > 50_000 and cancel.set())

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.media(f"{name}.npz")[-1].range is not None


def test_an_error_in_the_progress_callback_ends_the_download(store, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=200_000, times=1)

    def fail(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch(name, progress=fail)

    assert store.fetch(name).read_bytes() == data


FETCH = """
import json, os, pathlib
from vit_core.errors import VitError
from vit_core.settings import Settings
from vit_core.store.store import Store

settings = Settings.from_environment(os.environ)
seen = []
try:
    path = Store(settings).fetch(os.environ["NAME"], progress=lambda progress: seen.append(progress.done_bytes))
    print(json.dumps({"path": str(path), "seen": seen}))
except VitError as error:
    print(json.dumps({"error": str(error), "kind": type(error).__name__}))
"""


@pytest.fixture
def start_fetch(start_python, settings, fault_proxy, name):
    """Start a process that fetches the file with the patience for people, and prints what came of it."""
    return lambda: start_python(FETCH, **fault_proxy.environment(VIT_BUCKET=settings.bucket, NAME=name))


def test_threads_and_processes_that_ask_for_one_file_share_one_download(
    store, start_fetch, answer_of, fault_proxy, name, data
):
    fault_proxy.slow(bytes_per_s=len(data) / 4)  # long enough for the processes to come in the middle
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(store.fetch(name))) for _ in range(8)]
    processes = [start_fetch() for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = [answer_of(process) for process in processes]

    assert {str(path) for path in paths} == {answer["path"] for answer in answers}
    assert paths[0].read_bytes() == data
    assert [asked.range for asked in fault_proxy.media(f"{name}.npz")] == [None]
    assert any(0 < done < len(data) for answer in answers for done in answer["seen"])


def test_those_who_wait_share_the_failure_instead_of_asking_again(store, fault_proxy, name):
    fault_proxy.stall(after=-1, on="any", times=1)  # while it hangs, the others come; then it is tried again
    fault_proxy.answer(403)
    errors = []

    def fetch():
        with pytest.raises(AccessDenied) as caught:
            store.fetch(name)
        errors.append(str(caught.value))

    threads = [threading.Thread(target=fetch) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(errors) == 5
    assert len(fault_proxy.log) == 2


def test_a_waiter_takes_over_when_the_one_who_downloads_is_cancelled(store, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=100_000, times=1)
    cancel = threading.Event()
    first = threading.Thread(target=_expect_cancelled, args=(store, name, cancel))
    first.start()
    fault_proxy.wait_for(1)
    paths = []
    second = threading.Thread(target=lambda: paths.append(store.fetch(name)))
    second.start()

    cancel.set()
    first.join()
    second.join()

    assert paths[0].read_bytes() == data


def test_a_waiter_can_be_cancelled_without_ending_the_download(store, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=400_000, times=1)
    paths = []
    first = threading.Thread(target=lambda: paths.append(store.fetch(name)))
    first.start()
    fault_proxy.wait_for(1)
    cancel = threading.Event()
    cancel.set()

    _expect_cancelled(store, name, cancel)
    first.join()

    assert paths[0].read_bytes() == data
    assert len(fault_proxy.media(f"{name}.npz")) == 1


def test_a_waiter_gives_up_on_a_process_that_hangs(start_fetch, hasty_store, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=20_000, times=1)
    process = start_fetch()
    fault_proxy.wait_for(1)
    process.send_signal(signal.SIGSTOP)

    with pytest.raises(Unreachable, match="another process is downloading it and got nothing new"):
        hasty_store.fetch(name)


def test_after_kill_9_of_a_downloading_process_the_next_one_goes_on(
    start_fetch, store, fault_proxy, settings, name, data
):
    fault_proxy.stall(after=200_000, times=1)
    process = start_fetch()
    _wait_for_part(settings, 150_000)
    process.kill()
    process.wait()

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.media(f"{name}.npz")[-1].range is not None


def test_a_waiter_takes_over_when_the_downloading_process_is_killed(
    start_fetch, store, fault_proxy, settings, name, data
):
    fault_proxy.stall(after=200_000, times=1)
    process = start_fetch()
    _wait_for_part(settings, 150_000)
    paths = []
    waiter = threading.Thread(target=lambda: paths.append(store.fetch(name)))
    waiter.start()

    process.kill()
    process.wait()
    waiter.join()

    assert paths[0].read_bytes() == data


def test_a_program_can_end_while_a_download_hangs(start_python, settings, fault_proxy, store, name):
    fault_proxy.stall(after=-1, on="any", times=99)
    process = start_python(
        "import os, threading\n"
        "from vit_core.settings import Settings\n"
        "from vit_core.store.store import Store\n"
        "store = Store(Settings.from_environment(os.environ))\n"
        "threading.Thread(target=store.fetch, args=(os.environ['NAME'],), daemon=True).start()\n"
        "input()\n",
        **fault_proxy.environment(VIT_BUCKET=settings.bucket, NAME=name),
    )
    fault_proxy.wait_for(1, on="any")

    process.communicate("\n", timeout=8)  # the patience for people would last longer

    assert process.returncode == 0


def _expect_cancelled(store, name, cancel):
    with pytest.raises(Cancelled):
        store.fetch(name, cancel=cancel)


def _wait_for_part(settings, size):
    ends_at = time.monotonic() + 20
    while not any(path.stat().st_size >= size for path in settings.cache_dir.glob("checkpoints/*/*.part")):
        assert time.monotonic() < ends_at, "the process wrote nothing"
        time.sleep(0.01)
