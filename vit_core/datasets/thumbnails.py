"""Small pictures for a page: the pixels alone, none of the metadata of the file they come from."""

import io
from pathlib import Path

from PIL import Image

from vit_core.errors import BadImage, shorten
from vit_core.image_file import decode_image


def thumbnail(path: Path, *, side: int = 96) -> bytes:
    """Give a JPEG of the whole picture, upright, whose longer side is at most `side` pixels.

    It is made from the decoded pixels, so that no place, date or camera of the original goes along.

    Raises:
        BadImage: the file is gone, broken or over a limit.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadImage(f"{shorten(path.name)!r} cannot be read: {error.strerror or error}.") from error
    picture = Image.fromarray(decode_image(data, name=path.name, at_least=2 * side))
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
