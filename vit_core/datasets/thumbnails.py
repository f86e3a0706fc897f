"""Small pictures for a page: the pixels alone, none of the metadata of the file they come from."""

import io
from pathlib import Path

from PIL import Image

from vit_core.image_file import read_image


def thumbnail(path: Path, *, side: int = 96) -> bytes:
    """Give a JPEG of the whole picture, upright, whose longer side is at most `side` pixels.

    It is made from the decoded pixels, so that no place, date or camera of the original goes along.

    Raises:
        BadImage: the file is gone, broken or over a limit.
    """
    picture = Image.fromarray(read_image(path, name=path.name))
    picture.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
