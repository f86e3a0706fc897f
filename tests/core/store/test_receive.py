"""Each fault of a bucket ends in the right bytes or in one clear sentence, in time, and leaves nothing half-written.

The faults are real: a server, a proxy that spoils its answers, and both kinds of buckets before it.
"""

import time

import pytest

from vit_core.errors import AccessDenied, CorruptDownload, ObjectMissing, Unreachable

LIMIT_S = 30  # far above what the little patience of these tests allows: a hang, not a slow machine


@pytest.mark.parametrize("status", [503, 500, 408, 429])
def test_an_answer_that_may_pass_is_tried_again(store, fault_proxy, name, data, status):
    fault_proxy.answer(status, times=2)

    assert store.fetch(name).read_bytes() == data


def test_retry_after_is_respected(store, fault_proxy, name, data):
    fault_proxy.answer(429, times=1, Retry_After="1")
    began = time.monotonic()

    assert store.fetch(name).read_bytes() == data
    assert time.monotonic() - began >= 1


def test_a_retry_after_beyond_the_limit_is_not_waited_for(store, fault_proxy, name):
    fault_proxy.answer(429, Retry_After="3600")

    with pytest.raises(Unreachable, match=r"429 \(Too Many Requests\) and asks to wait 3600 s"):
        store.fetch(name)
    assert len(fault_proxy.log) == 1


def test_a_cut_download_goes_on_where_it_ended(store, fault_proxy, name, data):
    fault_proxy.cut(after=len(data) // 2)

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.media(f"{name}.npz")[-1].range == f"bytes={len(data) // 2}-"


def test_many_cuts_are_no_failure_while_each_attempt_brings_something(store, fault_proxy, name, data):
    fault_proxy.cut(after=len(data) // 12, times=11)

    assert store.fetch(name).read_bytes() == data


def test_a_stalled_download_is_dropped_and_goes_on(store, fault_proxy, name, data):
    fault_proxy.stall(after=200_000)

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.media(f"{name}.npz")[-1].range is not None


def test_one_corrupt_byte_is_noticed_and_the_file_read_again(store, fault_proxy, name, data):
    fault_proxy.corrupt(at=123_456)

    assert store.fetch(name).read_bytes() == data
    assert [asked.range for asked in fault_proxy.media(f"{name}.npz")] == [None, None]


def test_a_wrong_length_is_noticed_and_the_file_read_again(store, fault_proxy, name, data):
    fault_proxy.shorten(by=1000)

    assert store.fetch(name).read_bytes() == data


def test_an_object_replaced_during_the_download_arrives_whole_in_its_new_version(
    store, fault_proxy, name, data, other_data
):
    fault_proxy.replace(f"{name}.npz", other_data, after=len(data) // 2)

    assert store.fetch(name).read_bytes() == other_data


@pytest.mark.parametrize(
    ("plan", "error", "message"),
    [
        (lambda proxy: proxy.answer(401), AccessDenied, "does not let us read .*VIT_BUCKET"),
        (lambda proxy: proxy.answer(403), AccessDenied, r"403 \(Forbidden\).*VIT_BUCKET"),
        (lambda proxy: proxy.answer(404), ObjectMissing, "There is no .*check the name"),
        (lambda proxy: proxy.answer(410), ObjectMissing, "There is no .*check the name"),
        (lambda proxy: proxy.answer(400), Unreachable, r"400 \(Bad Request\).*VIT_BUCKET"),
        (lambda proxy: proxy.answer(503), Unreachable, r"503 \(Service Unavailable\), \d+ times in"),
        (lambda proxy: proxy.close(), Unreachable, "connection refused"),
        (lambda proxy: proxy.stall(after=-1, times=99, on="any"), Unreachable, "no bytes came within the time limit"),
        (lambda proxy: proxy.stall(after=0, times=99), Unreachable, "no bytes came within the time limit"),
        (lambda proxy: proxy.cut(after=0, times=99), Unreachable, "the connection was cut"),
        (lambda proxy: proxy.slow(bytes_per_s=400), Unreachable, "bytes came in the last"),
        (lambda proxy: proxy.corrupt(at=9, times=99), CorruptDownload, "damaged twice: its checksum is"),
        (lambda proxy: proxy.shorten(by=9, times=99), CorruptDownload, "damaged twice: "),
    ],
)
def test_a_lasting_fault_ends_in_one_sentence_in_time_and_leaves_no_file(
    hasty_store, fault_proxy, files_of, name, plan, error, message
):
    plan(fault_proxy)
    began = time.monotonic()

    with pytest.raises(error, match=message) as caught:
        hasty_store.fetch(name)

    assert time.monotonic() - began < LIMIT_S
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert f"{name}.npz" not in files_of()


def test_an_object_replaced_again_and_again_is_given_up(hasty_store, fault_proxy, name, data, other_data):
    # Odd sizes, so that the rest of one version never passes for the rest of the other.
    for turn in range(40):
        fault_proxy.replace(f"{name}.npz", (data, other_data)[turn % 2][: -turn - 1], after=1000)

    with pytest.raises((CorruptDownload, Unreachable), match=name):
        hasty_store.fetch(name)


def test_after_a_failure_the_next_fetch_works(store, fault_proxy, name, data):
    fault_proxy.answer(403, times=1)
    with pytest.raises(AccessDenied):
        store.fetch(name)

    assert store.fetch(name).read_bytes() == data
