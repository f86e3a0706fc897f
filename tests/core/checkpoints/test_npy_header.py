"""The header of an array, from numpy and from strangers."""

import io

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vit_core.checkpoints.npy_header import parse_header
from vit_core.errors import BadCheckpoint


def start_of(array, version=None):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=version)
    return buffer.getvalue()


def handmade(text, *, version=1):
    """Write a header with this text for a dict."""
    content = text.encode("latin-1")
    return b"\x93NUMPY" + bytes([version, 0]) + len(content).to_bytes(2 if version == 1 else 4, "little") + content


def parse(start):
    return parse_header(start, max_bytes=10_000)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_format_is_read(version):
    array = np.zeros((2, 3), np.float32)

    header = parse(start_of(array, version))

    assert (header.dtype, header.shape, header.fortran_order) == (np.float32, (2, 3), False)
    assert header.length == len(start_of(array, version)) - array.nbytes


@settings(max_examples=60)
@given(
    shape=hnp.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=5),
    dtype=st.sampled_from(["<f2", "<f4", ">f4", "<f8", "|i1", "<i8", "|u1", ">u2"]),
    order=st.sampled_from("CF"),
)
def test_what_numpy_writes_is_understood(shape, dtype, order):
    array = np.zeros(shape, dtype, order=order)

    header = parse(start_of(array))

    assert (header.dtype, header.shape) == (array.dtype, shape)
    assert header.fortran_order == (array.flags.f_contiguous and not array.flags.c_contiguous)


def test_two_byte_void_is_bfloat16():
    header = parse(handmade("{'descr': '|V2', 'fortran_order': False, 'shape': (3,)}"))

    assert header.dtype == ml_dtypes.bfloat16


def test_what_numpy_writes_for_bfloat16_is_bfloat16():
    assert parse(start_of(np.zeros(3, ml_dtypes.bfloat16))).dtype == ml_dtypes.bfloat16


def test_python_objects_are_refused_before_any_unpickling():
    with pytest.raises(BadCheckpoint, match="Python objects, which are never unpickled"):
        parse(handmade("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}"))


@pytest.mark.parametrize(
    "descr", ["'<U8'", "'|S5'", "'<c8'", "'|b1'", "'<M8[s]'", "'|V3'", "[('a', '<f4')]", "'<f16'", "'f4'", "4", "None"]
)
def test_other_dtypes_are_refused(descr):
    with pytest.raises(BadCheckpoint, match="is no floating-point or whole number"):
        parse(handmade(f"{{'descr': {descr}, 'fortran_order': False, 'shape': (3,)}}"))


@pytest.mark.parametrize(
    "shape", ["(-1,)", "(1.0,)", "(True,)", "[3]", "3", "('3',)", "(1,) * 3", "(2**60,)", f"({10**30},)", str((1,) * 9)]
)
def test_shapes_that_are_none_are_refused(shape):
    with pytest.raises(BadCheckpoint, match=r"has the shape|no plain description"):
        parse(handmade(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"))


def test_an_axis_of_zero_does_not_hide_an_impossible_one():
    with pytest.raises(BadCheckpoint, match="has the shape"):
        parse(handmade(f"{{'descr': '<f4', 'fortran_order': False, 'shape': (0, {2**60})}}"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "{'descr': '<f4', 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (3,)}",
        "__import__('os').system('true')",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (len('abc'),)}",
        "(" * 5000,
        "[" * 3000 + "]" * 3000,
        "'\\d'",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",)}",
    ],
    ids=range(12),
)
def test_headers_that_are_no_plain_description_are_refused_and_nothing_runs(text):
    with pytest.raises(BadCheckpoint, match=r"^(has|does not) "):
        parse(handmade(text))


def test_long_header_is_refused_by_its_stated_length():
    with pytest.raises(BadCheckpoint, match="header of 20000 bytes; the limit is 10000"):
        parse(handmade(" " * 20_000))


def test_unknown_version_is_refused():
    with pytest.raises(BadCheckpoint, match="format version 4"):
        parse(handmade("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", version=4))


@pytest.mark.parametrize("length", [0, 5, 11, 60])
def test_header_cut_short_is_refused(length):
    with pytest.raises(BadCheckpoint, match=r"cut short|does not start like a numpy array"):
        parse(start_of(np.zeros((2, 3), np.float32))[:length])


@settings(max_examples=300)
@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=120))
@example("{'descr': '<f4', 'fortran_order': False, 'shape': (1or 2,)}")
@example("\0")
def test_any_text_is_a_header_or_refused(text):
    try:
        parse(handmade(text))
    except BadCheckpoint as error:
        assert str(error).endswith(".")  # noqa: PT017 - either outcome is right
