"""File locks between holders in one process and in several, and the note that one leaves to the next."""

import os

import pytest

from vit_core.errors import StoreError
from vit_core.store.locks import FileLock, locked, read_note, try_lock

HOLD = """
import os, pathlib
from vit_core.store.locks import FileLock
lock = FileLock(pathlib.Path(os.environ["LOCK"]), shared=os.environ["SHARED"] == "yes")
print("held", flush=True)
input()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "a.lock"


@pytest.fixture
def hold_elsewhere(start_python, path):
    """Hold the lock in another process, and give that process."""

    def hold(*, shared):
        process = start_python(HOLD, **os.environ, LOCK=str(path), SHARED="yes" if shared else "no")
        assert process.stdout.readline() == "held\n"
        return process

    return hold


def test_a_held_lock_is_not_to_be_had_again_even_in_the_same_thread(path):
    lock = FileLock(path)
    assert try_lock(path) is None
    lock.release()

    again = try_lock(path)
    assert again is not None
    again.release()


def test_a_lock_of_another_process_is_respected_and_freed_by_its_death(path, hold_elsewhere):
    process = hold_elsewhere(shared=False)
    assert try_lock(path) is None

    process.kill()
    process.wait()

    lock = try_lock(path)
    assert lock is not None
    lock.release()


def test_shared_holders_go_together_and_keep_a_lone_one_out(path, hold_elsewhere):
    hold_elsewhere(shared=True)

    with locked(path, shared=True), pytest.raises(BlockingIOError):
        FileLock(path, wait=False)


def test_a_note_reaches_the_next_holder(path):
    lock = FileLock(path)
    lock.write_note(b"a long first note")
    lock.write_note(b"short")
    lock.release()

    assert read_note(path) == b"short"


def test_a_lock_that_was_never_taken_has_no_note(path):
    assert read_note(path) == b""


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        FileLock(tmp_path / "file" / "a.lock")
