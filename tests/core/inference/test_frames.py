"""What is sent arrives; what is not a frame is refused before memory is taken for it."""

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vit_core.errors import PredictorError
from vit_core.inference.frames import MAX_BLOBS_BYTES, MAX_HEADER_BYTES, Frame, FrameError, read_frame, write_frame


def written(frame):
    stream = io.BytesIO()
    write_frame(stream, frame)
    return stream.getvalue()


def raw(header, rest=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return b"VITF" + len(text).to_bytes(4) + text + rest


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)
blobs = st.binary(max_size=50) | arrays.arrays(
    st.sampled_from(["uint8", "float16", "float32"]), arrays.array_shapes(min_dims=0, max_dims=4, max_side=4)
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(), st.dictionaries(st.text(), json_values), st.lists(blobs, max_size=4))
def test_what_is_written_is_read(kind, fields, sent):
    fields = {name: value for name, value in fields.items() if name not in ("kind", "blobs")}
    received = read_frame(io.BytesIO(written(Frame(kind, fields, sent))))
    assert received.kind == kind
    assert received.fields == fields
    assert len(received.blobs) == len(sent)
    for ours, theirs in zip(sent, received.blobs, strict=True):
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs)


def test_frames_follow_one_another_until_the_stream_ends():
    stream = io.BytesIO(written(Frame("one", {}, [b"x"])) + written(Frame("two")))
    assert read_frame(stream).kind == "one"
    assert read_frame(stream).kind == "two"
    assert read_frame(stream) is None


def test_an_array_that_is_not_contiguous_arrives_whole():
    array = np.arange(24, dtype=np.uint8).reshape(4, 6)[:, ::2]
    np.testing.assert_array_equal(read_frame(io.BytesIO(written(Frame("x", {}, [array])))).blobs[0], array)


def test_an_array_of_another_kind_is_refused():
    sent = written(Frame("x", {}, [np.zeros(3, np.complex64)]))
    with pytest.raises(FrameError, match=r"array that is not allowed.*complex64"):
        read_frame(io.BytesIO(sent))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_not_sent(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        written(Frame("x", {"value": value}))


def test_a_frame_cut_anywhere_is_refused():
    whole = written(Frame("x", {"a": 1}, [b"12345"]))
    for end in range(1, len(whole)):
        with pytest.raises(FrameError):
            read_frame(io.BytesIO(whole[:end]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GET / HTTP/1.1\r\n", "not a message"),
        (b"VITF" + (MAX_HEADER_BYTES + 1).to_bytes(4), "over the limit"),
        (raw(b"{"), "not JSON"),
        (raw(b"[" * 100_000), "not JSON"),
        (raw([1]), "no kind"),
        (raw({"blobs": []}), "no kind"),
        (raw({"kind": "x"}), "what follows"),
        (raw({"kind": "x", "blobs": [{"bytes": -1}]}), "not allowed"),
        (raw({"kind": "x", "blobs": [{"dtype": "object", "shape": [1]}]}), "not allowed"),
        (raw({"kind": "x", "blobs": [{"dtype": "uint8", "shape": [-1]}]}), "not allowed"),
        (raw({"kind": "x", "blobs": [{"dtype": "uint8", "shape": [10**13]}]}), "not allowed"),
        (raw({"kind": "x", "blobs": [{"dtype": "uint8", "shape": "12"}]}), "not allowed"),
        (raw({"kind": "x", "blobs": ["a"]}), "not allowed"),
        (raw({"kind": "x", "blobs": [{"bytes": MAX_BLOBS_BYTES}, {"bytes": 1}]}), "over the limit"),
        (raw({"kind": "x", "blobs": [{"dtype": "float32", "shape": [10**5, 10**5]}]}), "over the limit"),
    ],
)
def test_bytes_that_are_no_frame_are_refused(data, message):
    with pytest.raises(FrameError, match=message) as caught:
        read_frame(io.BytesIO(data))
    assert isinstance(caught.value, PredictorError)
