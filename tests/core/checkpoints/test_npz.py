"""Files of arrays from numpy, from other programs and from strangers."""

import io
import pathlib
import tracemalloc
import zipfile

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vit_core.checkpoints.npz import Limits, open_npz
from vit_core.errors import BadCheckpoint

MIB = 2**20


def write_zip(path, files, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def npy(array, **kwargs):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **kwargs)
    return buffer.getvalue()


def header_only(shape, descr="<f4"):
    """Write the header of an array whose values are not there."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


@pytest.fixture
def weights():
    random = np.random.RandomState(0)
    return {"head/kernel": random.normal(size=(4, 3)).astype(np.float32), "head/bias": np.arange(3, dtype=np.float32)}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_numpy_are_read_back(tmp_path, weights, save):
    save(tmp_path / "x.npz", **weights)

    file = open_npz(tmp_path / "x.npz")

    assert list(file) == list(weights)
    assert file["head/kernel"].shape == (4, 3)
    for name, array in weights.items():
        np.testing.assert_array_equal(file.read(name), array, strict=True)


def test_stored_array_is_a_read_only_view_and_deflated_one_a_copy(tmp_path, weights):
    np.savez(tmp_path / "stored.npz", **weights)
    np.savez_compressed(tmp_path / "deflated.npz", **weights)

    stored, deflated = open_npz(tmp_path / "stored.npz"), open_npz(tmp_path / "deflated.npz")

    assert stored["head/kernel"].mapped
    assert not deflated["head/kernel"].mapped
    assert not stored.read("head/kernel").flags.writeable


def test_reading_a_stored_array_takes_no_memory(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(4 * MIB, np.float32))
    file = open_npz(tmp_path / "x.npz")

    tracemalloc.start()
    file.read("a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < MIB


def test_array_outlives_file_object_and_file(tmp_path, weights):
    np.savez(tmp_path / "x.npz", **weights)
    array = open_npz(tmp_path / "x.npz").read("head/kernel")

    (tmp_path / "x.npz").unlink()

    np.testing.assert_array_equal(array, weights["head/kernel"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=st.sampled_from(["<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "|u1", "<i4", ">i8"]).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    order=st.sampled_from("CF"),
    save=st.sampled_from([np.savez, np.savez_compressed]),
)
def test_every_layout_is_read_in_c_order_and_native_bytes(tmp_path, array, order, save):
    save(tmp_path / "x.npz", a=np.asarray(array, order=order))

    read = open_npz(tmp_path / "x.npz").read("a")

    np.testing.assert_array_equal(read, array)
    assert read.shape == array.shape
    assert read.dtype == array.dtype.newbyteorder("=")
    assert read.flags.c_contiguous


def test_bfloat16_is_read_as_such(tmp_path):
    array = np.array([1.5, -2.25, 3e38], ml_dtypes.bfloat16)
    np.savez(tmp_path / "x.npz", a=array)

    read = open_npz(tmp_path / "x.npz").read("a")

    np.testing.assert_array_equal(read.astype(np.float32), array.astype(np.float32))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><title>404", "looks like a web page"),
        (b"\n <html>", "looks like a web page"),
        (b"\x80\x04\x95\x00\x00", "looks like a pickle, which is never opened"),
        (npy(np.zeros(3)), r"is a single numpy array \(\.npy\)"),
        (b"\x1f\x8b\x08\x00", "is gzip-compressed"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b'{"error": 404}', "looks like JSON"),
        (b"\xff", r"it starts with b'\\xff'"),
        (b"PK\3\4", "cut short"),
    ],
    ids=range(10),
)
def test_other_files_are_told_apart(tmp_path, content, reason):
    (tmp_path / "x.npz").write_bytes(content)

    with pytest.raises(BadCheckpoint, match=reason):
        open_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["absent.npz", "", "nul\0byte"])
def test_path_that_cannot_be_read_says_so(tmp_path, name):
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        open_npz(tmp_path / name)


@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_truncated_file_is_refused(tmp_path, weights, part):
    np.savez(tmp_path / "x.npz", **weights)
    content = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(content[: int(len(content) * part)])

    with pytest.raises(BadCheckpoint, match="cut short"):
        open_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_changed_value_does_not_match_its_checksum(tmp_path, save):
    values = np.random.RandomState(0).randint(0, 255, 4000).astype(np.uint8)
    save(tmp_path / "x.npz", a=values)
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[2000] ^= 1
    (tmp_path / "x.npz").write_bytes(content)

    with pytest.raises(BadCheckpoint, match=r"'a' (does not match its checksum|does not inflate|inflates to)"):
        open_npz(tmp_path / "x.npz").read("a")


def test_deflated_array_that_does_not_inflate_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.arange(400))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    start = 30 + content[26] + content[28]
    content[start : start + 20] = b"\xff" * 20
    (tmp_path / "x.npz").write_bytes(content)

    with pytest.raises(BadCheckpoint, match="an array does not inflate"):
        open_npz(tmp_path / "x.npz")


def test_object_arrays_are_refused_and_not_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pathlib.Path.touch, (tmp_path / "opened",))

    np.savez(tmp_path / "x.npz", a=np.array([Trap()], dtype=object))

    with pytest.raises(BadCheckpoint, match="Python objects, which are never unpickled"):
        open_npz(tmp_path / "x.npz")
    assert not (tmp_path / "opened").exists()


def test_members_that_are_no_arrays_are_refused(tmp_path):
    write_zip(tmp_path / "x.npz", {"README.txt": b"hello"})

    with pytest.raises(BadCheckpoint, match=r"'README\.txt', which is not an array"):
        open_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("shape", [(10**13,), (2**31, 2**20), (3, 2**40)])
def test_impossible_size_is_refused_from_the_header_alone(tmp_path, shape):
    write_zip(tmp_path / "x.npz", {"a.npy": header_only(shape)})

    tracemalloc.start()
    with pytest.raises(BadCheckpoint, match=r"needs \d+ bytes and has 0|has the shape"):
        open_npz(tmp_path / "x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < MIB


@pytest.mark.parametrize("surplus", [b"", b"\0" * 5, b"\0" * 12])
def test_shape_that_does_not_fit_the_bytes_is_refused(tmp_path, surplus):
    write_zip(tmp_path / "x.npz", {"a.npy": header_only((2,)) + surplus})

    with pytest.raises(BadCheckpoint, match=rf"'a' of shape \(2,\) needs 8 bytes and has {len(surplus)}"):
        open_npz(tmp_path / "x.npz")


def test_bomb_of_deflated_zeros_is_refused_without_inflating_it(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.zeros(100 * MIB, np.uint8))

    tracemalloc.start()
    with pytest.raises(BadCheckpoint, match=r"inflates to \d+ times its size"):
        open_npz(tmp_path / "x.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < MIB


def test_member_that_inflates_past_its_stated_size_is_refused(tmp_path):
    # The directory claims the 8 bytes that the header needs; the stream holds a thousand.
    content = npy(np.zeros(2, np.float32))
    path = write_zip(tmp_path / "x.npz", {"a.npy": content + bytes(1000)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = len(content).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(BadCheckpoint, match="inflates to more than it states"):
        open_npz(path).read("a")


def test_member_that_inflates_to_less_than_stated_is_refused(tmp_path):
    content = header_only((1000,)) + bytes(400)
    path = write_zip(tmp_path / "x.npz", {"a.npy": content}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = (len(content) + 3600).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(BadCheckpoint, match="inflates to less than it states"):
        open_npz(path).read("a")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=59), "holds 0.0 GB of arrays; the limit is"),
        (Limits(memory_share=0.0), "of memory are free"),
        (Limits(max_members=1), "holds 2 arrays; the limit is 1"),
        (Limits(max_header_bytes=10), "header of 118 bytes; the limit is 10"),
    ],
    ids=["bytes", "memory", "members", "header"],
)
def test_limits_are_named_with_the_value(tmp_path, weights, limits, reason):
    np.savez(tmp_path / "x.npz", **weights)

    with pytest.raises(BadCheckpoint, match=reason):
        open_npz(tmp_path / "x.npz", limits=limits)


def test_message_names_the_file(tmp_path):
    (tmp_path / "weights of mine.npz").write_bytes(b"no")

    with pytest.raises(BadCheckpoint, match=r"^The file '.*weights of mine\.npz' is no file of weights"):
        open_npz(tmp_path / "weights of mine.npz")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_changed_bytes_give_the_same_values_or_a_refusal(tmp_path, data):
    save = data.draw(st.sampled_from([np.savez, np.savez_compressed]))
    values = np.linspace(0, 1, 40, dtype=np.float32)
    save(tmp_path / "x.npz", a=values, b=values[:3])
    content = bytearray((tmp_path / "x.npz").read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    (tmp_path / "x.npz").write_bytes(content)

    try:
        file = open_npz(tmp_path / "x.npz")
        read = {name: file.read(name) for name in file}
    except BadCheckpoint:
        return

    # Names and times are outside the checksum; values and headers are inside.
    assert sorted(array.tobytes() for array in read.values()) == sorted([values.tobytes(), values[:3].tobytes()])


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\3\4", b"PK\5\6"]))
def test_any_bytes_are_refused_with_one_sentence(tmp_path, content, start):
    (tmp_path / "x.npz").write_bytes(start + content)

    with pytest.raises(BadCheckpoint, match=r"^The file .*\.$"):
        open_npz(tmp_path / "x.npz")
