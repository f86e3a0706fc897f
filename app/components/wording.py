"""Numbers in words for screens: per cent with one decimal, img/s, MB, M; a missing one is said to be missing."""

import math
from typing import TypeGuard

from vit_core.catalog.schema import ROUNDED

MISSING = "not published"


def percent(fraction: float | None, *, source: str = "", missing: str = MISSING) -> str:
    """Give an accuracy in per cent; one that is only known rounded is marked and keeps no false decimal.

    Example:
        >>> percent(0.50605), percent(0.5, source=ROUNDED), percent(None)
        ('50.6 %', '≈ 50 %', 'not published')
    """
    if not _known(fraction):
        return missing
    return f"≈ {fraction:.0%}".replace("%", " %") if source == ROUNDED else f"{fraction * 100:.1f} %"


def speed(images_per_s: float | None, *, missing: str = MISSING) -> str:
    """Give a speed.

    Example:
        >>> speed(9371.0)
        '9,371 img/s'
    """
    return f"{images_per_s:,.0f} img/s" if _known(images_per_s) else missing


def millions(count: float | None, *, missing: str = MISSING) -> str:
    """Give a number of parameters in millions.

    Example:
        >>> millions(86_567_656), millions(48_330)
        ('86.6 M', '0.05 M')
    """
    if not _known(count):
        return missing
    return f"{count / 1e6:,.1f} M" if count >= 1e6 else f"{count / 1e6:.2f} M"


def megabytes(size_bytes: float | None, *, missing: str = MISSING) -> str:
    """Give a file size in 10^6 bytes, of small files in 10^3.

    Example:
        >>> megabytes(410_391_312.0), megabytes(1_933_200.0), megabytes(93_320.0)
        ('410 MB', '1.9 MB', '93 kB')
    """
    if not _known(size_bytes):
        return missing
    if size_bytes < 1e6:
        return f"{size_bytes / 1e3:,.0f} kB"
    return f"{size_bytes / 1e6:,.0f} MB" if size_bytes >= 1e7 else f"{size_bytes / 1e6:.1f} MB"


def counted(count: int, noun: str, plural: str = "") -> str:
    """Give a count with its noun in the right number.

    Args:
        count: of things.
        noun: for one of them.
        plural: for several, where it is not the noun with an "s".

    Example:
        >>> counted(1, "file"), counted(1759, "file"), counted(3, "class", "classes")
        ('1 file', '1,759 files', '3 classes')
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def _known(value: float | None) -> TypeGuard[float]:
    return value is not None and not math.isnan(value)
