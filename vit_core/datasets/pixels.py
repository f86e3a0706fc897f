"""The pixels of a data set's images: decoded once into a file where they fit, else each time one is asked for.

    file --check, decode--> picture --+-- "crops": shrunk to a little over training size, to cut parts from
                                      +-- "whole": resized to the model's input, exactly as predictions see it

What is given does not depend on whether it was kept: a run that is resumed without its cache sees the same. Knows
nothing of order and of random choices.
"""

import contextlib
import hashlib
import importlib.metadata
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int32, UInt8

from vit_core.datasets.crops import resized
from vit_core.datasets.dataset import Example
from vit_core.datasets.pixel_cache import PixelCache, open_cache
from vit_core.datasets.threads import Allowance
from vit_core.errors import BadDataset, BadImage, shorten
from vit_core.preprocess import Method, decode_image, sufficient_side, to_model_input

Keep = Literal["crops", "whole"]

LIMIT_BYTES = 12 * 1000**3  # 45,000 photos for training at 224 px
_DECODERS = ("pillow", "simplejpeg", "opencv-python-headless")  # whose versions may decide a pixel
_MARGIN = 8 / 7  # 256 of 224: what the shorter side keeps for crops
_PIXELS_AT_ONCE = 128_000_000  # decoded by all threads together; each takes about a dozen bytes on the way


class Pixels:
    """Images by number, in the order of the examples; safe to ask from several threads.

    Attributes:
        examples: what the numbers stand for.
        resolution: side in pixels of what the model sees.
        keep: which form is kept, if any is.
    """

    def __init__(self, examples: Sequence[Example], root: Path, *, resolution: int, keep: Keep) -> None:
        """Describe the images; nothing is read. See `open_pixels`."""
        self.examples = tuple(examples)
        self.resolution = resolution
        self.keep = keep
        self._root = root
        self._cache: PixelCache | None = None
        self._at_once = Allowance(_PIXELS_AT_ONCE)
        self._labels = np.array([example.label for example in self.examples], np.int32)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def labels(self) -> Int32[np.ndarray, " n"]:
        """Give the place of each image's class among the classes."""
        return self._labels

    @property
    def cached(self) -> bool:
        """Whether the images are read from a cache file."""
        return self._cache is not None

    def image(self, number: int) -> UInt8[np.ndarray, "H W 3"]:
        """Give an image to cut parts from, upright; not to be written to.

        The shorter side is 8/7 of the resolution, or all there is.

        Raises:
            BadDataset: the file is gone, changed since it was checked, or broken; the message names it.
        """
        kept = self._kept(number) if self.keep == "crops" else None
        return self._for_crops(number) if kept is None else kept

    def whole(
        self, number: int, resolution: int | None = None, *, method: Method = "resize", share: float | None = None
    ) -> UInt8[np.ndarray, "res res 3"]:
        """Give an image as the model sees it in a test: `vit_core.preprocess.read_model_input` of the file.

        Args:
            number: which one.
            resolution: side in pixels, if another one than that of the object; such are never kept.
            method: of `to_model_input`; others than "resize" are never kept.
            share: of `to_model_input`.

        Raises:
            BadDataset: as `image`.
        """
        resolution = resolution or self.resolution
        as_kept = self.keep == "whole" and resolution == self.resolution and method == "resize"
        kept = self._kept(number) if as_kept else None
        if kept is not None:
            return kept
        at_least = sufficient_side(resolution, method=method, share=share)
        with self._decoded(number, at_least=at_least) as image:
            return to_model_input(image, resolution, method=method, share=share)

    def close(self) -> None:
        """Let the cache file go; images are decoded from then on."""
        self._cache = None

    def keep_in(self, folder: Path, *, limit_bytes: int, progress: Callable[[int, int], None] | None = None) -> None:
        """Read from a cache file from now on, if there is one or one may be made; see `open_pixels`."""
        make = self._for_crops if self.keep == "crops" else self.whole
        sizes = [self._size(example) for example in self.examples]
        key = _key(self.examples, self.resolution, self.keep)
        self._cache = open_cache(folder, key, sizes, make, limit_bytes=limit_bytes, progress=progress)

    def _kept(self, number: int) -> np.ndarray | None:
        return self._cache.read(number) if self._cache else None

    def _size(self, example: Example) -> tuple[int, int]:
        """Give height and width of what is kept of an example."""
        if self.keep == "whole":
            return self.resolution, self.resolution
        return _size_for_crops(example, self.resolution)

    def _for_crops(self, number: int) -> np.ndarray:
        size = _size_for_crops(self.examples[number], self.resolution)
        with self._decoded(number, at_least=min(size)) as image:
            return resized(image, *size)

    @contextlib.contextmanager
    def _decoded(self, number: int, *, at_least: int = 0) -> Iterator[np.ndarray]:
        """Give the picture, as large as suffices; threads wait rather than fill the memory with large ones."""
        example = self.examples[number]
        with self._at_once.taken(example.width * example.height):
            yield _decode(self._root / example.file, example, at_least)


def open_pixels(
    examples: Sequence[Example],
    root: Path,
    *,
    resolution: int,
    cache: Path | None,
    keep: Keep | None = None,
    limit_bytes: int = LIMIT_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Pixels:
    """Give the pixels of examples, decoding them now into a file that later runs use again, if it may be that large.

    Args:
        examples: the images, in the order of their numbers.
        root: folder that their files are relative to.
        resolution: side in pixels of what the model sees.
        cache: folder of the cache files; None decodes each time.
        keep: "crops" for training on random parts, "whole" for tests, features and training on whole images. None
            takes "whole" where every example is a test image, else "crops". The other form is decoded when asked for.
        limit_bytes: size that all cache files of the folder have together; the one used longest ago makes room. Half
            of the free disk is a limit, too. An image at 224 px takes about 260 kB for crops and 150 kB whole.
        progress: told how many images are decoded, and of how many.

    Raises:
        BadDataset: a file is gone, changed since it was checked, or broken; the message names it.
        StorageFull: the disk filled up on the way; nothing is left behind.
        StoreError: the cache folder cannot be written.
    """
    if keep is None:
        keep = "whole" if examples and all(example.part == "test" for example in examples) else "crops"
    pixels = Pixels(examples, root, resolution=resolution, keep=keep)
    if cache is not None and examples:
        pixels.keep_in(cache, limit_bytes=limit_bytes, progress=progress)
    return pixels


def _decode(path: Path, example: Example, at_least: int) -> np.ndarray:
    try:
        image = decode_image(_read(path, example), name=example.name, at_least=at_least)
    except BadImage as error:
        raise BadDataset(str(error)) from error
    scales = (1, 2, 4, 8) if at_least else (1,)
    if image.shape[:2] not in [(-(-example.height // scale), -(-example.width // scale)) for scale in scales]:
        raise BadDataset(
            f"{shorten(example.name)!r} is {image.shape[1]}x{image.shape[0]} pixels, and the data set says "
            f"{example.width}x{example.height}. Check the data set again."
        )
    return image


def _read(path: Path, example: Example) -> bytes:
    try:
        # The size first: a path that has become something else, a pipe say, must not be waited for.
        data = path.read_bytes() if path.stat().st_size == example.size_bytes else b""
    except OSError as error:
        raise BadDataset(
            f"{shorten(example.name)!r} cannot be read any more: {error.strerror or error}. "
            "Put it back, or check the data set again."
        ) from error
    if hashlib.sha256(data).hexdigest() != example.sha256:
        raise BadDataset(f"{shorten(example.name)!r} has changed since it was checked. Check the data set again.")
    return data


def _size_for_crops(example: Example, resolution: int) -> tuple[int, int]:
    short = math.ceil(resolution * _MARGIN)
    scale = min(short / max(1, min(example.height, example.width)), 1)
    return round(example.height * scale), round(example.width * scale)


def _key(examples: Sequence[Example], resolution: int, keep: Keep) -> bytes:
    """Give 32 bytes that differ whenever the kept pixels may."""
    told = "".join(f"\n{example.sha256} {example.height} {example.width}" for example in examples)
    decoders = [f"{name} {importlib.metadata.version(name)}" for name in _DECODERS]
    return hashlib.sha256(f"{keep} {resolution} {_MARGIN} {decoders}{told}".encode()).digest()
