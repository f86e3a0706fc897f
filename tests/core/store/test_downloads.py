"""Downloads in the background of a page: started once, looked at often, bounded."""

import time

import pytest

from vit_core.store.downloads import Downloads


@pytest.fixture
def bucket_url(fault_proxy):
    """One kind of bucket is enough here."""
    return fault_proxy.gs_url


@pytest.fixture
def downloads(store):
    return Downloads(store, at_once=2)


def wait_until(condition, what):
    """Wait for a condition that other threads bring about."""
    ends_at = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends_at, what
        time.sleep(0.01)


def end_of(downloads, name):
    """Wait until a download is over and give its state."""
    wait_until(lambda: downloads.state(name).status != "running", f"{name} still runs")
    return downloads.state(name)


def test_a_download_runs_and_is_done(downloads, name, data):
    assert downloads.start(name).status == "running"

    state = end_of(downloads, name)

    assert (state.name, state.status, state.error) == (name, "done", None)
    assert state.path.read_bytes() == data


def test_a_download_that_was_never_started_has_no_state(downloads):
    assert downloads.state("Ti_16-i21k") is None


def test_the_state_tells_the_progress(downloads, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=400_000)
    downloads.start(name)

    wait_until(lambda: downloads.state(name).progress and downloads.state(name).progress.done_bytes, "no progress")

    assert downloads.state(name).progress.total_bytes == len(data)
    end_of(downloads, name)


def test_starting_a_running_download_again_changes_nothing(downloads, fault_proxy, name):
    fault_proxy.slow(bytes_per_s=800_000)
    for _ in range(5):
        downloads.start(name)

    end_of(downloads, name)

    assert len(fault_proxy.media(f"{name}.npz")) == 1


def test_a_cancelled_download_says_so_and_can_start_again(downloads, fault_proxy, name, data):
    fault_proxy.slow(bytes_per_s=50_000, times=1)
    downloads.start(name)
    fault_proxy.wait_for(1)
    downloads.cancel(name)
    assert end_of(downloads, name).status == "cancelled"

    downloads.start(name)

    assert end_of(downloads, name).path.read_bytes() == data


def test_a_failed_download_keeps_its_sentence_and_can_start_again(downloads, fault_proxy, name):
    fault_proxy.answer(403, times=1)
    downloads.start(name)
    failed = end_of(downloads, name)
    assert failed.status == "failed"
    assert "VIT_BUCKET" in str(failed.error)

    downloads.start(name)

    assert end_of(downloads, name).status == "done"


def test_a_name_that_can_be_none_fails_with_its_sentence(downloads):
    downloads.start("a\nb")

    state = end_of(downloads, "a\nb")

    assert state.status == "failed"
    assert "cannot be the name" in str(state.error)


def test_cancelling_what_does_not_run_is_no_error(downloads):
    downloads.cancel("Ti_16-i21k")


def test_only_so_many_run_at_once_and_the_others_wait(downloads, fault_proxy, data):
    for name in "abc":
        fault_proxy.put(f"{name}.npz", data)
    fault_proxy.slow(bytes_per_s=100_000)
    for name in "abc":
        downloads.start(name)
    fault_proxy.wait_for(2)
    wait_until(lambda: sum(state.progress is not None for state in downloads.states()) == 2, "two do not run")
    waiting = [state for state in downloads.states() if state.progress is None]

    assert len(waiting) == 1
    assert waiting[0].status == "running"
    for name in "abc":
        downloads.cancel(name)
        assert end_of(downloads, name).status == "cancelled"


def test_a_download_that_waits_for_its_turn_can_be_cancelled(downloads, fault_proxy, data):
    for name in "abc":
        fault_proxy.put(f"{name}.npz", data)
    fault_proxy.slow(bytes_per_s=100_000)
    downloads.start("a")
    downloads.start("b")
    fault_proxy.wait_for(2)
    downloads.start("c")

    downloads.cancel("c")

    assert end_of(downloads, "c").status == "cancelled"
    for name in "ab":
        downloads.cancel(name)
        end_of(downloads, name)


def test_too_many_waiting_downloads_are_refused_at_once(downloads, fault_proxy):
    fault_proxy.stall(after=-1, on="any", times=99)
    states = [downloads.start(f"n{number}") for number in range(40)]

    assert [state.status for state in states].count("failed") == 8
    assert "try again" in str(states[-1].error)
    for state in states:
        downloads.cancel(state.name)
    wait_until(lambda: all(state.status == "cancelled" for state in downloads.states()), "some still run")


def test_states_that_are_over_are_forgotten_after_many_others(downloads):
    for number in range(250):
        downloads.start(f"a b\n{number}")
        end_of(downloads, f"a b\n{number}")

    assert len(downloads.states()) <= 200
    assert downloads.state("a b\n0") is None
    assert downloads.state("a b\n249").status == "failed"
