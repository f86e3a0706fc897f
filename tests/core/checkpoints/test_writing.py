"""Files of arrays: aligned, reproducible, never half written."""

import mmap
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vit_core.checkpoints.npz import open_npz
from vit_core.checkpoints.writing import write_npz

NAMES = st.from_regex(r"[A-Za-z0-9_]{1,12}(/[a-z0-9_]{1,12}){0,2}", fullmatch=True)
FLOATS = hnp.arrays(np.float32, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@pytest.fixture
def arrays():
    return {"a": np.arange(5, dtype=np.float32), "long/name": np.zeros((3, 7), np.float32), "b": np.float32(2)}


def test_numpy_reads_the_file(tmp_path, arrays):
    write_npz(tmp_path / "x.npz", arrays)

    with np.load(tmp_path / "x.npz") as loaded:
        assert loaded.files == list(arrays)
        assert all(np.array_equal(loaded[name], array) for name, array in arrays.items())


def test_members_are_stored_and_the_archive_is_sound(tmp_path, arrays):
    write_npz(tmp_path / "x.npz", arrays)

    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_values_start_at_multiples_of_64_bytes(tmp_path):
    arrays = {"n" * length: np.ones(length, np.float32) for length in range(1, 70)}
    write_npz(tmp_path / "x.npz", arrays)

    file = open_npz(tmp_path / "x.npz")
    addresses = [file.read(name).ctypes.data for name in file]

    assert mmap.ALLOCATIONGRANULARITY % 64 == 0
    assert {address % 64 for address in addresses} == {0}


def test_equal_arrays_give_equal_files(tmp_path, arrays):
    write_npz(tmp_path / "x.npz", arrays)
    write_npz(tmp_path / "y.npz", arrays)

    assert (tmp_path / "x.npz").read_bytes() == (tmp_path / "y.npz").read_bytes()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(NAMES, FLOATS, max_size=4))
def test_what_is_written_is_read_back(tmp_path, arrays):
    write_npz(tmp_path / "x.npz", arrays)

    file = open_npz(tmp_path / "x.npz")

    assert list(file) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(file.read(name), array, strict=True)


def test_failure_leaves_the_older_file_and_no_rest(tmp_path, arrays):
    path = tmp_path / "x.npz"
    write_npz(path, arrays)
    before = path.read_bytes()

    with pytest.raises(ValueError, match="Python objects"):
        write_npz(path, {**arrays, "bad": np.array([object()])})

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_is_an_error_and_not_made(tmp_path, arrays):
    with pytest.raises(FileNotFoundError):
        write_npz(tmp_path / "absent" / "x.npz", arrays)
