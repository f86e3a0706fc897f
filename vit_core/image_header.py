"""What the bytes of an image file say about it, read without decoding: format, size, number of scans.

Knows signatures, and the markers and chunks around the pixels. Takes no memory and no time worth speaking of, whatever
the bytes are, so that dangerous files are refused here.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

Format = Literal["JPEG", "PNG", "WebP", "GIF", "BMP"]

_SIGNATURES: dict[Format, re.Pattern[bytes]] = {
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
    "an SVG drawing": re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!DOCTYPE svg[^>]*>\s*)?<svg", re.IGNORECASE),
    "an HTML or XML page": re.compile(rb"(?:\xef\xbb\xbf)?\s*<[!?a-z]", re.IGNORECASE),
}
_HEAD = 1024


def format_of(data: bytes) -> Format | None:
    """Tell the format by the first bytes; None for anything that is not read here."""
    return next((kind for kind, signature in _SIGNATURES.items() if signature.match(data[:_HEAD])), None)


def what_else(data: bytes) -> str | None:
    """Name what is not read here, with an article, as far as it is known."""
    return next((other for other, signature in _OTHER_SIGNATURES.items() if signature.match(data[:_HEAD])), None)


def size_of(data: bytes, kind: Format) -> tuple[int, int] | None:
    """Give width and height in pixels as the header states them; None where it does not."""
    return _SIZES[kind](data)


# --- JPEG (ITU T.81, annex B) -------------------------------------------------------------------------------------


class _Segment(NamedTuple):
    marker: int
    start: int  # of what follows the length


_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # none that stands without a length, nor a fill byte
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
# All frame headers; C4, C8 and CC, in between, are tables.
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


_SEQUENTIAL = {0xC0, 0xC1}  # the frame headers of Huffman-coded pictures: baseline, extended
_PLAIN = _SEQUENTIAL | {0xC2}  # and progressive
_APP1, _APP2 = 0xE1, 0xE2


class JpegHeader(NamedTuple):
    """What stands before the pixels of a JPEG.

    Attributes:
        size: width and height in pixels; None where it does not say.
        is_plain: whether it is what cameras, sites and editors write: Huffman-coded, 8 bits, grey or three channels,
            one picture.
        is_one_scan: whether all pixels come in one pass, so that a decoder stops after it.
        may_be_turned: whether metadata are there that may hold an orientation (EXIF, XMP).
    """

    size: tuple[int, int] | None
    is_plain: bool
    is_one_scan: bool
    may_be_turned: bool


def jpeg_header(data: bytes) -> JpegHeader | None:
    """Read what stands before the pixels of a JPEG; None where no scan begins."""
    position, frame, components = 2, 0, 0
    size: tuple[int, int] | None = None
    is_plain, may_be_turned, several = False, False, False
    while segment := _next_segment(data, position):
        start = segment.start
        if segment.marker == _START_OF_SCAN:
            is_one_scan = frame in _SEQUENTIAL and data[start : start + 1] == bytes([components])
            return JpegHeader(size, is_plain and not several, is_one_scan, may_be_turned)
        if segment.marker in _FRAME_HEADERS:
            body = data[start : start + 6]
            size = size or _frame_size(body)
            frame, components = segment.marker, body[5] if len(body) == 6 else 0
            is_plain = frame in _PLAIN and components in (1, 3) and body[0] == 8
        may_be_turned |= segment.marker == _APP1
        several |= segment.marker == _APP2 and data.startswith(b"MPF\0", start)
        position = _end(data, segment)
    return None


def count_scans(data: bytes, stop: int) -> int:
    """Count the scans of a JPEG that a decoder passes over, at most `stop`; metadata are stepped over.

    A decoder passes over all pixels once per scan, and 82 bytes suffice for one. Of a picture whose header says
    `is_one_scan` it passes over the first alone, whatever follows.
    """
    scans, position = 0, 2
    while scans < stop and (segment := _next_segment(data, position)):
        scans += segment.marker == _START_OF_SCAN
        position = _end(data, segment)
    return scans


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    position = 2
    while segment := _next_segment(data, position):
        if segment.marker in _FRAME_HEADERS:
            return _frame_size(data[segment.start : segment.start + 5])
        position = _end(data, segment)
    return None


def _frame_size(body: bytes) -> tuple[int, int] | None:
    return (int.from_bytes(body[3:5]), int.from_bytes(body[1:3])) if len(body) >= 5 else None


def _next_segment(data: bytes, position: int) -> _Segment | None:
    match = _MARKER.search(data, position)
    if match is None or match.end() + 2 > len(data) or data[match.end() - 1] == _END_OF_IMAGE:
        return None
    return _Segment(data[match.end() - 1], match.end() + 2)


def _end(data: bytes, segment: _Segment) -> int:
    return segment.start + max(int.from_bytes(data[segment.start - 2 : segment.start]) - 2, 0)


# --- PNG (ISO/IEC 15948) --------------------------------------------------------------------------------------------

# What decides the pixels, and EXIF for the orientation. Texts and colour profiles are not used, and Pillow refuses a
# file for one that is too large when unpacked. Without the animation's chunks the default image remains.
_PNG_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"}


def essential_png(data: bytes) -> bytes:
    """Leave out what does not decide the pixels of a PNG."""
    kept, position = [data[:8]], 8
    while position + 8 <= len(data):
        end = position + 12 + int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] in _PNG_CHUNKS:
            kept.append(data[position:end])
        position = end
    return b"".join(kept)


def _png_size(data: bytes) -> tuple[int, int] | None:
    return (_big(data, 16, 4), _big(data, 20, 4)) if data[12:16] == b"IHDR" and len(data) >= 24 else None


# --- the others ---------------------------------------------------------------------------------------------------


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Read the canvas, RFC 9649 sections 2.5 to 2.7."""
    kind = data[12:16]
    if len(data) < 30:
        return None
    if kind == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if kind == b"VP8L":
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    return None


def _gif_size(data: bytes) -> tuple[int, int] | None:
    return (_little(data, 6, 2), _little(data, 8, 2)) if len(data) >= 10 else None


def _bmp_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 26:
        return None
    if _little(data, 14, 4) == 12:  # the header of OS/2
        return _little(data, 18, 2), _little(data, 20, 2)
    height = int.from_bytes(data[22:26], "little", signed=True)  # negative: the first row is the top one
    return _little(data, 18, 4), abs(height)


def _little(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _big(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size])


_SIZES: dict[Format, Callable[[bytes], tuple[int, int] | None]] = {
    "JPEG": _jpeg_size,
    "PNG": _png_size,
    "WebP": _webp_size,
    "GIF": _gif_size,
    "BMP": _bmp_size,
}
