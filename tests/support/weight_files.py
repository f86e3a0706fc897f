"""Arrays as the bytes of a file of weights, by each format's own library."""

import io

import flax.serialization
import numpy as np
import safetensors.numpy


def as_npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


FORMATS = {
    "npz": as_npz,
    "safetensors": safetensors.numpy.save,
    "msgpack": flax.serialization.msgpack_serialize,
}
