"""Image files to pixels, and every reason why not.

    bytes --decode_image--> uint8 [H, W, 3], upright, RGB

Knows formats, limits, orientation and colour modes. Pillow decodes; what is dangerous is refused from the header or
from a walk over the markers, before a pixel is decoded. Knows nothing of models or of the size they want.
"""

import dataclasses
import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from vit_core.errors import BadImage, shorten


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
    source: bytes | str | Path, *, name: str | None = None, limits: ImageLimits | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Decode a file or its bytes; see `decode_image`.

    Args:
        source: the bytes of a file, or its path.
        name: how messages call it; the path, or "The image" when not given.
        limits: what is refused.

    Raises:
        BadImage: the file cannot be read, or is not an image within the limits.
    """
    limits = limits or ImageLimits()
    if isinstance(source, bytes):
        return decode_image(source, name=name or "The image", limits=limits)
    path = Path(source)
    name = name or str(source)
    try:
        _check_size(path.stat().st_size, name, limits)
        data = path.read_bytes()
    except OSError as error:
        raise BadImage(f"{_quote(name)} cannot be read: {error.strerror or error}.") from error
    return decode_image(data, name=name, limits=limits)


def decode_image(
    data: bytes, *, name: str = "The image", limits: ImageLimits | None = None
) -> UInt8[np.ndarray, "H W 3"]:
    """Decode an image upright, in RGB.

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
    if kind == "JPEG":
        _check_scans(data, name, limits)
    if kind == "PNG":
        data = _essential_png(data)
    try:
        with _OPENERS[kind](io.BytesIO(data)) as image:
            _check_dimensions(*image.size, name, limits)
            image.load()
            upright = _upright(image)
            return np.asarray(_to_rgb(upright))
    except _DECODER_ERRORS as error:
        raise BadImage(_why_not_decoded(name, kind, error)) from error


# --- what it is ---------------------------------------------------------------------------------------------------

# Pillow's own dispatcher is not used: it tries every codec it has, and checks sizes only in a way that is global.
_OPENERS: dict[str, Callable[[io.BytesIO], Image.Image]] = {
    "JPEG": JpegImagePlugin.jpeg_factory,  # also the first picture of a multi-picture JPEG
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
_SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "BMP": re.compile(rb"BM....\0\0\0\0", re.DOTALL),
}
_OTHER_SIGNATURES = {
    "a TIFF image": re.compile(rb"II[*+]\0|MM\0[*+]"),
    "a HEIC or AVIF image": re.compile(rb"....ftyp(heic|heix|hevc|heif|mif1|msf1|avif|avis)", re.DOTALL),
    "a Photoshop file": re.compile(rb"8BPS"),
    "a PDF document": re.compile(rb"%PDF"),
    "a zip archive": re.compile(rb"PK\x03\x04|PK\x05\x06"),
    "an SVG drawing": re.compile(
        rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!DOCTYPE svg[^>]*>\s*)*<svg", re.I | re.DOTALL
    ),
    "an HTML or XML page": re.compile(rb"(\xef\xbb\xbf)?\s*<[!?a-z]", re.IGNORECASE),
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
)


def _format_of(data: bytes, name: str) -> str:
    head = data[:1024]
    for kind, signature in _SIGNATURES.items():
        if signature.match(head):
            return kind
    for other, signature in _OTHER_SIGNATURES.items():
        if signature.match(head):
            raise BadImage(f"{_quote(name)} is {other}, which is not a picture format read here; {_ACCEPTED}.")
    start = " ".join(f"{byte:02X}" for byte in head[:8])
    raise BadImage(f"{_quote(name)} is not an image (it starts with the bytes {start}); {_ACCEPTED}.")


def _quote(name: str) -> str:
    return name if name == "The image" else f"{shorten(name)!r}"


def _why_not_decoded(name: str, kind: str, error: BaseException) -> str:
    if isinstance(error, BadImage):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{_quote(name)} needs more memory to decode than there is."
    text = str(error)
    if "truncated" in text.lower() or isinstance(error, EOFError):
        return f"{_quote(name)} is truncated: the {kind} data end too early; copy or download it again."
    return f"{_quote(name)} is a broken {kind} image and cannot be decoded ({shorten(text) or type(error).__name__})."


# --- limits, checked before a pixel is decoded ---------------------------------------------------------------------


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
    scans = _count_scans(data, limits.scans + 1)
    if scans > limits.scans:
        raise BadImage(
            f"{_quote(name)} is a progressive JPEG of more than {limits.scans} scans, too slow to decode; "
            "save it again as an ordinary JPEG."
        )


_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # not a stuffed byte, a restart or a fill byte
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9


def _count_scans(data: bytes, stop: int) -> int:
    """Count the scans of a JPEG by its markers; metadata segments are stepped over, whatever bytes they hold."""
    scans, position = 0, 2
    while scans < stop and (marker := _MARKER.search(data, position)):
        kind, position = data[marker.end() - 1], marker.end()
        if kind == _END_OF_IMAGE or position + 2 > len(data):
            break
        scans += kind == _START_OF_SCAN
        position += int.from_bytes(data[position : position + 2])
    return scans


# IHDR, palette, transparency, EXIF (for the orientation) and the pixels. Texts and colour profiles are left out: they
# are not used, and Pillow refuses a file for one that is too large when unpacked. Without the animation's chunks the
# default image remains.
_PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"}


def _essential_png(data: bytes) -> bytes:
    kept, position = [data[:8]], 8
    while position + 8 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] in _PNG_CHUNKS:
            kept.append(data[position:end])
        position = end
    return b"".join(kept)


# --- pixels -------------------------------------------------------------------------------------------------------

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


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_EXIF_ORIENTATION)
    except _DECODER_ERRORS:  # broken metadata of a good picture are not the user's problem
        return image
    transpose = _TRANSPOSES.get(orientation) if isinstance(orientation, int) else None
    return image if transpose is None else image.transpose(transpose)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey; Pillow would clip it at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
