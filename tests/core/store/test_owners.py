"""Ownership by lock: one at a time, handed to a child, kept through a deletion of the file."""

import subprocess
import sys

import pytest

from vit_core.errors import Failure
from vit_core.store.holder import Holder, ProcessId
from vit_core.store.owners import adopt, alone, own, owner_note


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "one.lock"


def test_there_is_one_owner_until_it_lets_go(path):
    first = own(path)
    assert own(path, patience_s=0) is None
    first.release()
    second = own(path)
    assert second is not None
    second.release()


def test_the_note_tells_who_owns_it_only_while_somebody_does(path):
    assert owner_note(path) is None
    lock = own(path)
    lock.write_note(b"a long note")
    lock.write_note(b"me")
    assert owner_note(path) == b"me"
    lock.release()
    assert owner_note(path) is None


def test_who_looks_does_not_keep_who_takes_from_it(path):
    own(path).release()
    for _ in range(100):
        assert owner_note(path) is None
        lock = own(path)
        assert lock is not None
        lock.release()


def test_a_child_goes_on_owning_what_it_is_given(path):
    script = """
import sys
from pathlib import Path
from vit_core.store.owners import adopt
lock = adopt(Path(sys.argv[1]), int(sys.argv[2]))
print("mine" if lock else "not mine", flush=True)
sys.stdin.read()
"""
    lock = own(path)
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(lock.descriptor)],
        pass_fds=(lock.descriptor,),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    lock.release()
    with child:
        assert child.stdout.readline() == "mine\n"
        assert own(path, patience_s=0) is None
        child.stdin.close()
        child.wait()
    after = own(path)
    assert after is not None
    after.release()


def test_a_descriptor_that_is_not_the_lock_is_not_adopted(path, tmp_path):
    own(path).release()
    assert adopt(path, 987_654) is None
    with (tmp_path / "other").open("w") as file:
        assert adopt(path, file.fileno()) is None


def test_a_deleted_lock_file_is_taken_again_by_its_owner(path):
    lock = own(path)
    lock.write_note(b"me")
    path.unlink()
    assert lock.keep()
    assert owner_note(path) == b"me"
    assert own(path, patience_s=0) is None
    lock.release()


def test_an_owner_learns_that_another_took_the_deleted_file(path):
    lock = own(path)
    path.unlink()
    thief = own(path)
    assert not lock.keep()
    thief.release()
    assert lock.keep()
    lock.release()


def test_a_folder_that_cannot_be_made_is_named_with_its_variable(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"folder of the locks.*VIT_LOCK_DIR"):
        own(tmp_path / "file" / "one.lock")


def test_a_block_has_it_alone(path):
    with alone(path):
        assert own(path, patience_s=0) is None
    assert path.stat().st_size == 0


@pytest.mark.parametrize("note", [b"", b"x", b"[]", b"{}", b'{"kind": "run", "folder": "", "process": 7}', b"\xff"])
def test_a_note_that_cannot_be_read_is_of_a_holder_of_whom_nothing_is_known(note):
    assert Holder.from_note(note) == Holder("unknown")


def test_a_note_is_read_as_it_was_written():
    for holder in (Holder("run", "/runs/ü", ProcessId(7, 12345, "boot")), Holder("predictor")):
        assert Holder.from_note(holder.to_note()) == holder
