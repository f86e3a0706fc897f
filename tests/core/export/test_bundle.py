"""One zip with all of a result."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from vit_core.errors import BadRun, StorageFull
from vit_core.export.bundle import zip_result


class Pipe(io.RawIOBase):
    """A target that cannot go back, such as a socket."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.data += data
        return len(data)


def test_the_zip_holds_every_file_below_the_name_of_the_run(run_folder, tmp_path):
    zip_result(run_folder, tmp_path / "my.zip")
    with zipfile.ZipFile(tmp_path / "my.zip") as archive:
        assert archive.testzip() is None
        for path in (run_folder / "result").iterdir():
            assert archive.read(f"my-run/{path.name}") == path.read_bytes()
        assert len(archive.namelist()) == 7


def test_weights_are_stored_and_text_is_packed(run_folder, tmp_path):
    zip_result(run_folder, tmp_path / "my.zip")
    with zipfile.ZipFile(tmp_path / "my.zip") as archive:
        stored = {each.filename for each in archive.infolist() if each.compress_type == zipfile.ZIP_STORED}
    assert stored == {"my-run/model.npz", "my-run/model.safetensors"}


def test_equal_results_give_equal_zips(run_folder):
    first, second = io.BytesIO(), io.BytesIO()
    zip_result(run_folder, first)
    (run_folder / "result" / "load.py").touch()
    zip_result(run_folder, second)
    assert first.getvalue() == second.getvalue()


def test_a_target_that_cannot_go_back_will_do(run_folder):
    pipe = Pipe()
    zip_result(run_folder, pipe)
    with zipfile.ZipFile(io.BytesIO(pipe.data)) as archive:
        assert archive.testzip() is None
        assert archive.read("my-run/load.py") == (run_folder / "result" / "load.py").read_bytes()


def test_weights_never_lie_in_memory_as_a_whole(tmp_path):
    (tmp_path / "run" / "result").mkdir(parents=True)
    np.zeros(8 << 20, np.float32).tofile(tmp_path / "run" / "result" / "model.npz")  # 32 MiB
    tracemalloc.start()
    zip_result(tmp_path / "run", tmp_path / "my.zip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_run_without_a_result_is_named(tmp_path):
    (tmp_path / "early").mkdir()
    with pytest.raises(BadRun, match="The run 'early' has no result yet"):
        zip_result(tmp_path / "early", tmp_path / "my.zip")


def test_a_full_disk_leaves_no_half_zip(tmp_path, no_file_past):
    (tmp_path / "run" / "result").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "run" / "result" / f"{number}.npz").write_bytes(bytes(5000))
    with no_file_past(8192), pytest.raises(StorageFull, match="no room on the disk for the zip file"):
        zip_result(tmp_path / "run", tmp_path / "my.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
