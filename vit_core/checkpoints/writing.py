"""Arrays into an `.npz` file: stored, aligned, complete or not there at all."""

import io
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

_ALIGNMENT = 64  # what JAX takes over from a memory map without copying
_LOCAL_HEADER = 30  # bytes, before the name
_PADDING_FIELD = b"\x35\xd9"  # the extra field that zipalign uses
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal arrays give equal files


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a file that `numpy.load` reads, values at multiples of 64 bytes so that a memory map needs no copy.

    The file appears under its name when it is complete and on the disk, in place of an older one.

    Raises:
        ValueError: an array of Python objects, which only pickle could write.
        OSError: the folder is missing, or the disk is full; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                for array_name, array in arrays.items():
                    _write_member(archive, file, f"{array_name}.npy", np.asarray(array, order="C"))
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_member(archive: zipfile.ZipFile, file: IO[bytes], name: str, array: np.ndarray) -> None:
    if array.dtype.hasobject:
        raise ValueError(f"{name!r} holds Python objects, which are not written.")
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, np.lib.format.header_data_from_array_1_0(array))
    header = buffer.getvalue()  # numpy pads it to a multiple of 64 itself
    info = zipfile.ZipInfo(name, date_time=_EPOCH)
    info.file_size = len(header) + array.nbytes
    info.external_attr = 0o644 << 16
    wide = info.file_size > zipfile.ZIP64_LIMIT // 2
    before = file.tell() + _LOCAL_HEADER + len(name.encode()) + (20 if wide else 0)
    info.extra = _padding(-before % _ALIGNMENT)
    with archive.open(info, "w", force_zip64=wide) as member:
        member.write(header)
        member.write(array.data.cast("B") if array.size else b"")


def _padding(size: int) -> bytes:
    """Give an extra field of this many bytes modulo 64; a field is at least 4 long."""
    size += _ALIGNMENT if 0 < size < 4 else 0
    return _PADDING_FIELD + (size - 4).to_bytes(2, "little") + bytes(size - 4) if size else b""
