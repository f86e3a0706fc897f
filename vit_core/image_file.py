"""Image files to pixels, and every reason why not.

    bytes --decode_image--> uint8 [H, W, 3], upright, RGB

Knows limits, orientation and colour modes. What is dangerous is refused before decoding, from what
`vit_core.image_header` reads. Pillow decodes, except plain JPEGs, which `vit_core.plain_jpeg` gives as Pillow would but
sooner. Knows nothing of models or of the size they want.
"""

import dataclasses
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from vit_core.errors import BadImage, shorten
from vit_core.image_header import Format, count_scans, essential_png, format_of, jpeg_header, size_of, what_else
from vit_core.plain_jpeg import decode_plain_jpeg


@dataclasses.dataclass(frozen=True)
class ImageLimits:
    """What is refused before decoding.

    Attributes:
        size_bytes: of the file.
        pixels: width times height; 40 million decode to 120 MB.
        side: longest width or height, in pixels.
        scans: of a progressive JPEG. Each scan costs a pass over all pixels and 82 bytes suffice for one; cameras and
            editors write about ten.
    """

    size_bytes: int = 20_000_000
    pixels: int = 40_000_000
    side: int = 16_384
    scans: int = 100


def read_image(
    source: bytes | str | Path, *, name: str | None = None, limits: ImageLimits | None = None, at_least: int = 0
) -> UInt8[np.ndarray, "H W 3"]:
    """Decode a file or its bytes; see `decode_image`.

    Args:
        source: the bytes of a file, or its path.
        name: how messages call it; the path, or "The image" when not given.
        limits: what is refused.
        at_least: as in `decode_image`.

    Raises:
        BadImage: the file cannot be read, or is not an image within the limits.
    """
    limits = limits or ImageLimits()
    if isinstance(source, bytes):
        return decode_image(source, name=name or "The image", limits=limits, at_least=at_least)
    path = Path(source)
    name = name or str(source)
    try:
        _check_size(path.stat().st_size, name, limits)
        data = path.read_bytes()
    except OSError as error:
        raise BadImage(f"{_quote(name)} cannot be read: {error.strerror or error}.") from error
    return decode_image(data, name=name, limits=limits, at_least=at_least)


def decode_image(
    data: bytes, *, name: str = "The image", limits: ImageLimits | None = None, at_least: int = 0
) -> UInt8[np.ndarray, "H W 3"]:
    """Decode an image upright, in RGB.

    Args:
        data: the bytes of a file.
        name: how messages call it.
        limits: what is refused.
        at_least: shorter side in pixels that suffices; of a picture of twice, four or eight times that, squares of 2, 4
            or 8 pixels become one by averaging: see `shrinking`. 0 gives all there is.

    The EXIF orientation is applied; other metadata and colour profiles are ignored, as in the original evaluation.
    Transparent parts become white, as on a page; of an animation the first frame counts; of 16 bits per channel the
    upper 8. What the file's name says about its format does not matter.

    Raises:
        BadImage: empty, not an image of a known format, truncated, broken, or over a limit; the message names the
            image, the value and the rule.
    """
    limits = limits or ImageLimits()
    _check_size(len(data), name, limits)
    kind = _format_of(data, name)
    header = jpeg_header(data) if kind == "JPEG" else None
    if size := header.size if header else size_of(data, kind):
        _check_dimensions(*size, name, limits)
    if kind == "JPEG" and not (header and header.is_one_scan):
        _check_scans(data, name, limits)
    if kind == "PNG":
        data = essential_png(data)
    if header and header.is_plain and size:
        pixels = _decoded_plainly(data, size, at_least, may_be_turned=header.may_be_turned)
        if pixels is not None:
            return pixels
    try:
        with _OPENERS[kind](io.BytesIO(data)) as image:
            _check_dimensions(*image.size, name, limits)  # a GIF's frame may be larger than its header says
            factor = shrinking(image.size, at_least)
            if kind == "JPEG" and factor > 1:
                image.draft(None, (image.width // factor, image.height // factor))
            image.load()
            upright = _to_rgb(_turned(image, _orientation(image)))
            return np.asarray(upright if kind == "JPEG" or factor == 1 else upright.reduce(factor))
    except _DECODER_ERRORS as error:
        raise BadImage(_why_not_decoded(name, kind, error)) from error


def shrinking(size: tuple[int, int], at_least: int) -> int:
    """Give by how much a picture is shrunk: 1, 2, 4 or 8, so that its shorter side keeps `at_least` pixels.

    A JPEG is decoded at that scale, which computes the averages without the pixels, several times as fast.

    Example:
        >>> shrinking((4000, 3000), 375), shrinking((500, 375), 375), shrinking((4000, 3000), 0)
        (8, 1, 1)
    """
    return next((factor for factor in (8, 4, 2) if at_least and min(size) >= factor * at_least), 1)


# Pillow's own dispatcher is not used: it would try every codec it has.
_OPENERS: dict[Format, Callable[[io.BytesIO], Image.Image]] = {
    "JPEG": JpegImagePlugin.jpeg_factory,  # also the first picture of a multi-picture JPEG
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
_ACCEPTED = "JPEG, PNG, WebP, GIF and BMP are accepted"

# Whatever a decoder may raise on bytes that somebody made up.
_DECODER_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def _format_of(data: bytes, name: str) -> Format:
    if kind := format_of(data):
        return kind
    if other := what_else(data):
        raise BadImage(f"{_quote(name)} is {other}, which is not a picture format read here; {_ACCEPTED}.")
    start = " ".join(f"{byte:02X}" for byte in data[:8])
    raise BadImage(f"{_quote(name)} is not an image (it starts with the bytes {start}); {_ACCEPTED}.")


def _quote(name: str) -> str:
    return name if name == "The image" else f"{shorten(name)!r}"


def _why_not_decoded(name: str, kind: Format, error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return f"{_quote(name)} needs more memory to decode than there is."
    text = str(error)
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"{_quote(name)} is truncated: the {kind} data end too early; copy or download it again."
    return f"{_quote(name)} is a broken {kind} image and cannot be decoded ({shorten(text) or type(error).__name__})."


def _check_size(size_bytes: int, name: str, limits: ImageLimits) -> None:
    if size_bytes == 0:
        raise BadImage(f"{_quote(name)} is empty.")
    if size_bytes > limits.size_bytes:
        raise BadImage(
            f"{_quote(name)} has {size_bytes / 1e6:.1f} MB, over the limit of {limits.size_bytes / 1e6:g} MB per image."
        )


def _check_dimensions(width: int, height: int, name: str, limits: ImageLimits) -> None:
    what = f"{_quote(name)} is {width}x{height} pixels"
    if width < 1 or height < 1:
        raise BadImage(f"{what}, so there is nothing to see.")
    if max(width, height) > limits.side:
        raise BadImage(f"{what}; a side over {limits.side} pixels is not accepted.")
    if width * height > limits.pixels:
        raise BadImage(f"{what}, over the limit of {limits.pixels / 1e6:g} million pixels.")


def _check_scans(data: bytes, name: str, limits: ImageLimits) -> None:
    if count_scans(data, limits.scans + 1) > limits.scans:
        raise BadImage(
            f"{_quote(name)} is a progressive JPEG of more than {limits.scans} scans, too slow to decode; "
            "save it again as an ordinary JPEG."
        )


_EXIF_ORIENTATION = 0x0112
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _decoded_plainly(data: bytes, size: tuple[int, int], at_least: int, *, may_be_turned: bool) -> np.ndarray | None:
    """Decode a plain JPEG without Pillow; None where Pillow has to judge it."""
    pixels = decode_plain_jpeg(data, size, factor=shrinking(size, at_least))
    if pixels is None or not may_be_turned:
        return pixels
    try:
        with _OPENERS["JPEG"](io.BytesIO(data)) as image:  # reads the metadata alone
            orientation = _orientation(image)
    except _DECODER_ERRORS:
        return None
    return np.asarray(_turned(Image.fromarray(pixels), orientation)) if orientation in _TRANSPOSES else pixels


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
    except _DECODER_ERRORS:  # broken metadata of a good picture are not the user's problem
        return 1
    return orientation if isinstance(orientation, int) else 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    transpose = _TRANSPOSES.get(orientation)
    return image if transpose is None else image.transpose(transpose)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow would clip it at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
