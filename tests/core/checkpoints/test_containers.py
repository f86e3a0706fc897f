"""Files of weights in each format: told by their bytes, mapped, limited, and never unpickled."""

import io
import json
import tracemalloc
import zipfile

import flax.serialization
import ml_dtypes
import msgpack
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from weight_files import FORMATS

from vit_core.checkpoints.arrays import Limits
from vit_core.checkpoints.containers import open_arrays
from vit_core.checkpoints.restore import read_config
from vit_core.errors import BadCheckpoint

MIB = 2**20
DTYPES = ["float16", "float32", "float64", "bfloat16", "int32", "uint8", "uint16"]


@pytest.fixture
def weights():
    random = np.random.default_rng(0)
    return {"head": random.normal(size=(4, 3)).astype(np.float32), "bias": np.arange(3, dtype=np.float32)}


@pytest.fixture
def file(tmp_path):
    """Write bytes, and give the path."""

    def write(content):
        (tmp_path / "weights").write_bytes(content)
        return tmp_path / "weights"

    return write


def tensors(fields, values=b"", *, metadata=None):
    """Write a safetensors file from the list of its arrays."""
    listed = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return len(listed).to_bytes(8, "little") + listed + values


def entry(shape=(1,), begin=0, end=4, dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def packed_array(shape, dtype, values):
    return msgpack.ExtType(1, msgpack.packb((shape, dtype, values)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_its_arrays_whatever_the_file_is_called(file, kind, dtype):
    arrays = {
        name: np.arange(6).reshape(shape).astype(np.dtype(getattr(ml_dtypes, dtype, dtype)))
        for name, shape in {"a": (6,), "b": (2, 3), "c": (1, 1, 2, 3)}.items()
    }

    opened = open_arrays(file(FORMATS[kind](arrays)))

    assert set(opened) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(opened.read(name), array, strict=True)
        assert opened[name].shape == array.shape


@pytest.mark.parametrize("kind", FORMATS)
def test_reading_takes_no_memory_and_outlives_the_file(file, kind):
    path = file(FORMATS[kind]({"a": np.ones(2 * MIB, np.float32)}))
    opened = open_arrays(path)

    tracemalloc.start()
    array = opened.read("a")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    path.unlink()

    assert peak < MIB
    assert opened["a"].mapped
    assert not array.flags.writeable
    assert array[-1] == 1


def test_what_lies_beside_arrays_in_a_checkpoint_of_flax_is_passed_over(file, weights):
    state = {"0": {"head": weights, "none": None}, "1": {"count": np.int32(3), "name": "sgd", "flags": [True, 1.5, -7]}}

    opened = open_arrays(file(flax.serialization.msgpack_serialize({**state, "2": 20_000})))

    assert sorted(opened) == ["0/head/bias", "0/head/head", "1/count"]
    np.testing.assert_array_equal(opened.read("0/head/head"), weights["head"])


# A pickle that would make a folder "unpickled".
PICKLE = b"\x80\x02cos\nmkdir\nX\x09\x00\x00\x00unpickled\x85R."


def pytorch_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model/data.pkl", PICKLE)
        archive.writestr("model/data/0", b"weights")
    return buffer.getvalue()


@pytest.mark.parametrize("content", [pytorch_zip(), PICKLE], ids=["zip", "bare"])
def test_pytorch_pickle_is_refused_with_the_way_to_convert_it(file, content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadCheckpoint, match=r"pickle.*safetensors\.torch.*save_file.*OUT\.safetensors"):
        open_arrays(file(content))

    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<html>", "looks like a web page"),
        (b'{"error": 404}', "looks like JSON"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
        (b"\x93NUMPY", "single numpy array"),
        (b"\x81", "is no file of weights"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b"hello", "it starts with b'hello'"),
    ],
)
def test_other_files_are_told_apart(file, content, reason):
    with pytest.raises(BadCheckpoint, match=reason):
        open_arrays(file(content))


@pytest.mark.parametrize("path", ["absent", "absent/file", "nul\0byte"])
def test_path_that_cannot_be_read_says_so(tmp_path, path):
    with pytest.raises(BadCheckpoint, match="cannot be read"):
        open_arrays(tmp_path / path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (tensors(b'{"a":1'), "no JSON"),
        (tensors(b'{"a":NaN}'), "has no dtype, shape and place"),
        (tensors(b'{"a":' + b"[" * 100_000), "no JSON"),
        (tensors(b"{}  ")[:10], "cut short"),
        (tensors({"a": {}}), "has no dtype, shape and place"),
        (tensors({"a": entry(dtype="F8_E4M3")}), "dtype 'F8_E4M3'"),
        (tensors({"a": entry(dtype=[1])}), "no floating-point or whole number"),
        (tensors({"a": entry(shape=(10**13,))}), "needs 40000000000000 bytes, and its place is"),
        (tensors({"a": entry(shape=(2**40, 2**40))}), "which is none"),
        (tensors({"a": entry(shape=(-1,))}), "which is none"),
        (tensors({"a": entry(shape=(1.0,))}), "which is none"),
        (tensors({"a": entry(shape=(1,) * 9)}), "which is none"),
        (tensors({"a": entry(shape=(0, 10**18), end=0)}), "which is none"),
        (tensors({"a": entry(begin=4, end=0)}, b"1234"), "its place is"),
        (tensors({"a": entry(), "b": entry()}, b"1234"), "overlaps another array"),
        (tensors({"a": entry(), "b": entry(begin=8, end=12)}, b"123456789012"), "does not follow"),
        (tensors({"a": entry()}, b"123"), "is cut short: its arrays need 4 bytes"),
        (tensors({"a": entry()}, b"123456"), "2 bytes after its last array"),
        (tensors(b'{"a":%s,"a":%s}' % ((json.dumps(entry()).encode(),) * 2), b"1234"), "two arrays named 'a'"),
        (b"\xff" * 5 + bytes(3) + b"{", "cut short"),
    ],
)
def test_damaged_or_hostile_safetensors_are_refused(file, content, reason):
    with pytest.raises(BadCheckpoint, match=reason):
        open_arrays(file(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (msgpack.packb({"a": packed_array([10**13], "float32", b"1234")}), "needs 40000000000000 bytes and has 4"),
        (msgpack.packb({"a": packed_array([2**40, 2**40], "float32", b"")}), "which is none"),
        (msgpack.packb({"a": packed_array([0, 10**18], "float32", b"")}), "which is none"),
        (msgpack.packb({"a": packed_array([-1], "float32", b"")}), "has a shape that is none"),
        (msgpack.packb({"a": packed_array([1] * 9, "float32", b"1234")}), "has no shape, dtype and values"),
        (msgpack.packb({"a": packed_array([1], "object", b"1234")}), "dtype 'object'"),
        (msgpack.packb({"a": packed_array([1], "|O", b"1234")}), "dtype"),
        (msgpack.packb({"a": packed_array([1], "float32", b"12345")}), "has 5"),
        (msgpack.packb({"a": msgpack.ExtType(1, b"\x93")}), "cut short"),
        (msgpack.packb({"a": packed_array([1], "float32", b"1234")}) + b"\0", "goes on after the end"),
        (msgpack.packb({"a": packed_array([1], "float32", b"1234")})[:-1], "cut short"),
        (b"\xdf\xff\xff\xff\xff\xa1a", "cut short"),
        (b"\x81\xa1a" + b"\x91" * 100 + b"\xc0", "nested more than 32 levels"),
        (b"\x81\xa1a\xc1", "not the msgpack that Flax writes"),
        (
            b"\x82\xa1a"
            + msgpack.packb(packed_array([1], "float32", b"1234"))
            + b"\xa1a"
            + msgpack.packb(packed_array([1], "float32", b"1234")),
            "two arrays named 'a'",
        ),
        (b"\x82\xa1a\xc0\x01\xc0", "no short text"),
        (b"\x81\xa1\xff\xc0", "is no text"),
    ],
)
def test_damaged_or_hostile_msgpack_is_refused(file, content, reason):
    with pytest.raises(BadCheckpoint, match=reason):
        open_arrays(file(content))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=10), r"0\.0 GB of arrays; the limit is"),
        (Limits(memory_share=1e-12), "of memory are free"),
        (Limits(max_members=1), "arrays"),
    ],
    ids=["bytes", "memory", "members"],
)
def test_limits_hold_for_every_format(file, weights, kind, limits, reason):
    with pytest.raises(BadCheckpoint, match=reason):
        open_arrays(file(FORMATS[kind](weights)), limits=limits)


def test_number_of_values_beside_arrays_is_bounded(file):
    with pytest.raises(BadCheckpoint, match="more values than a checkpoint has"):
        open_arrays(file(msgpack.packb({"a": [0] * 300})), limits=Limits(max_members=10))


def test_list_of_a_safetensors_file_is_bounded_before_it_is_read(file):
    with pytest.raises(BadCheckpoint, match="list of arrays of 3000000 bytes; the limit is 2000000"):
        open_arrays(file(tensors(b"{" + b" " * 2_999_999)))


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (b"{" + b"".join(b'"%07d":0,' % index for index in range(160_000)) + b'"0159999":0}', "named '0159999'"),
        (b'{"a":{"dtype":"F32","shape":[9' + b",9" * 990_000 + b'],"data_offsets":[0,4]}}', "which is none"),
    ],
    ids=["names", "axes"],
)
def test_as_long_a_list_as_is_allowed_is_judged_and_not_computed_with(file, listed, reason):
    with pytest.raises(BadCheckpoint, match=reason):
        open_arrays(file(tensors(listed)))


def test_names_that_are_paths_are_only_names(file, tmp_path):
    opened = open_arrays(file(safetensors.numpy.save({"../../x": np.ones(1, np.float32)})))

    assert opened.read("../../x") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def judge(path, content):
    """Open a file and read all of it within little memory, or be refused in one sentence."""
    path.write_bytes(content)
    limits = Limits(max_bytes=MIB)
    tracemalloc.start()
    try:
        opened = open_arrays(path, limits=limits)
        assert sum(opened.read(name).nbytes for name in opened) <= MIB
        read_config(path, limits=limits)
    except BadCheckpoint as error:
        assert str(error).startswith("The file ")  # noqa: PT017 - either outcome is right
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * MIB


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300))
@example(b"\xdf\xff\xff\xff\xff\xa1a" + b"\x80" * 50)
@example(b"\x81\xa1a\xc9\xff\xff\xff\xff\x01")
@example(b"\x00" * 8 + b"{")
def test_any_bytes_are_read_or_refused(tmp_path, content):
    judge(tmp_path / "x", content)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    listed=st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.just([0, 4]) | st.just("F32"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["dtype", "shape", "data_offsets", "a", "__metadata__"]), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_any_list_of_a_safetensors_file_is_read_or_refused(tmp_path, listed):
    judge(tmp_path / "x", tensors({"a": listed}, b"1234"))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(sorted(FORMATS)))
def test_changed_bytes_are_read_or_refused(tmp_path, data, kind):
    arrays = {"embedding": np.ones((2, 2), np.float32), "cls": np.zeros(3, np.float32)}
    content = bytearray(FORMATS[kind](arrays))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[at] = data.draw(st.integers(0, 255))

    judge(tmp_path / "x", bytes(content[: data.draw(st.integers(len(content) - 8, len(content)))]))
