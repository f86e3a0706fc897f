"""Draws the pictures of the demo's data sets: letters, patterns, shapes, and handwritten digits made large.

Each function takes a random generator and gives one 96x96 RGB picture; the same generator state gives the same picture.
Knows nothing of classes' numbers, splits or files. Only Pillow's own font is used.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIDE = 96  # pixels; a person can see it, and 32 and 48 divide it
SMOOTH = 2  # pictures are drawn this many times as large, then reduced
_BIG = SIDE * SMOOTH

Colour = tuple[int, int, int]
Points = list[tuple[float, float]]


def draw_letter(rng: np.random.Generator, letter: str) -> Image.Image:
    """Draw a capital letter; half of them black on white and as coarse as the handwritten digits."""
    coarse = rng.random() < 0.5
    ink, paper = ((30, 30, 30), (255, 255, 255)) if coarse else _two_colours(rng)
    mask = Image.new("L", (_BIG, _BIG))
    font = ImageFont.load_default(size=rng.uniform(0.75, 1.0) * _BIG)
    stroke = int(rng.integers(0, 7)) * SMOOTH // 2
    centre = (_BIG / 2 + rng.uniform(-0.05, 0.05) * _BIG, _BIG / 2 + rng.uniform(-0.05, 0.05) * _BIG)
    ImageDraw.Draw(mask).text(centre, letter, fill=255, font=font, anchor="mm", stroke_width=stroke)
    mask = _slanted(mask, turn=rng.uniform(-12, 12), shear=rng.uniform(-0.25, 0.25), narrow=rng.uniform(0.85, 1.2))
    if coarse:
        cells = int(rng.integers(10, 15))
        mask = mask.resize((cells, cells), Image.Resampling.BOX)
        mask = mask.resize((_BIG, _BIG), Image.Resampling.BICUBIC)
    return _finish(rng, _filled(mask, ink, paper), noise=6)


def draw_pattern(rng: np.random.Generator, kind: str) -> Image.Image:
    """Draw one of `PATTERNS`, filling the picture."""
    ink, paper = _two_colours(rng)
    angle, period = rng.uniform(0, math.pi), rng.uniform(0.12, 0.3)
    axis = (np.arange(_BIG) + 0.5) / _BIG - 0.5
    x, y = np.meshgrid(axis, axis)
    along = (x * math.cos(angle) + y * math.sin(angle) + rng.uniform(0, 1)) / period
    across = (-x * math.sin(angle) + y * math.cos(angle) + rng.uniform(0, 1)) / period
    shade = PATTERNS[kind](rng, along, across)
    mask = Image.fromarray((np.clip(shade, 0, 1) * 255).astype(np.uint8))
    return _finish(rng, _filled(mask, ink, paper), noise=8)


def draw_shape(rng: np.random.Generator, kind: str) -> Image.Image:
    """Draw one of `SHAPES` or `FIGURES` in any size, place, tilt and colour, before stray lines and spots."""
    ink, paper = _two_colours(rng)
    picture = _filled(_gradient(rng), _shifted(rng, paper, 40), paper)
    _scatter(rng, picture, paper)
    radius = rng.uniform(0.28, 0.44) * _BIG
    room = 0.6 * (_BIG / 2 - radius)
    centre = (_BIG / 2 + rng.uniform(-1, 1) * room, _BIG / 2 + rng.uniform(-1, 1) * room)
    tilt = math.radians(rng.uniform(-15, 15))
    stretch = rng.uniform(0.95, 1.05)
    mask = Image.new("L", (_BIG, _BIG))
    draw = ImageDraw.Draw(mask)
    for points, fill in {**SHAPES, **FIGURES}[kind]():
        draw.polygon(_placed(points, centre, radius, tilt, stretch), fill=fill)
    picture = Image.composite(_filled(_gradient(rng), _shifted(rng, ink, 30), ink), picture, mask)
    return _finish(rng, picture, noise=7)


def draw_digit(pixels: np.ndarray) -> Image.Image:
    """Enlarge a handwritten digit of 8x8 cells with 0 (paper) to 16 (ink): dark on white, with a cell of margin."""
    ink = np.pad(255 - np.clip(np.rint(pixels / 16 * 225), 0, 225), 1, constant_values=255).astype(np.uint8)
    return Image.fromarray(ink).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("RGB")


def _stripes(_rng: np.random.Generator, along: np.ndarray, _across: np.ndarray) -> np.ndarray:
    return _edge(np.sin(2 * math.pi * along))


def _checkerboard(_rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    return _edge(np.sin(math.pi * along) * np.sin(math.pi * across))


def _dots(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    return _edge(rng.uniform(0.25, 0.38) - np.hypot(along % 1 - 0.5, across % 1 - 0.5))


def _grid(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    half_width = rng.uniform(0.08, 0.16)
    return np.maximum(_edge(half_width - np.abs(along % 1 - 0.5)), _edge(half_width - np.abs(across % 1 - 0.5)))


def _rings(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    distance = np.hypot(*_from_middle(rng, along, across))
    return _edge(np.sin(2 * math.pi * (distance + rng.uniform(0, 1))))


def _rays(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    right, down = _from_middle(rng, along, across)
    return _edge(np.sin(int(rng.integers(5, 10)) * np.arctan2(down, right)))


def _waves(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> np.ndarray:
    return _edge(np.sin(2 * math.pi * (along + rng.uniform(0.25, 0.4) * np.sin(math.pi * across))))


Pattern = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]
PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {
        "stripes": _stripes,
        "checkerboard": _checkerboard,
        "dots": _dots,
        "grid": _grid,
        "rings": _rings,
        "rays": _rays,
        "waves": _waves,
    }
)


def _edge(height: np.ndarray) -> np.ndarray:
    """Turn a height field into ink (1) above 0 and paper (0) below, with a short ramp between."""
    return np.clip(height * 6 + 0.5, 0, 1)


def _from_middle(rng: np.random.Generator, along: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shift = rng.uniform(-1, 1, 2)
    return along - along.mean() - shift[0], across - across.mean() - shift[1]


def _regular(corners: int, *, inner: float = 1.0, start: float = -90.0) -> Points:
    """Give corners on the unit circle, the first at the top; `inner` draws every second one in, for stars."""
    count = corners if inner == 1.0 else 2 * corners
    angles = [math.radians(start + 360 * index / count) for index in range(count)]
    radii = [inner if index % 2 and inner != 1.0 else 1.0 for index in range(count)]
    return [(radius * math.cos(angle), radius * math.sin(angle)) for angle, radius in zip(angles, radii, strict=True)]


def _round(radius: float, *, shift: float = 0.0) -> Points:
    return [(radius * x + shift, radius * y) for x, y in _regular(72)]


def _heart() -> Points:
    steps = [math.tau * index / 72 for index in range(72)]
    return [
        (math.sin(t) ** 3, -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16)
        for t in steps
    ]


def _cross() -> Points:
    a = 0.36
    return [
        (-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1), (-a, 1), (-a, a), (-1, a), (-1, -a), (-a, -a),
    ]  # fmt: skip


Polygons = list[tuple[Points, int]]  # drawn in order: 255 is ink, 0 takes ink away
SHAPES: Mapping[str, Callable[[], Polygons]] = MappingProxyType(
    {
        "circle": lambda: [(_round(0.95), 255)],
        "ring": lambda: [(_round(0.95), 255), (_round(0.55), 0)],
        "crescent": lambda: [(_round(0.95), 255), (_round(0.8, shift=0.42), 0)],
        "triangle": lambda: [(_regular(3), 255)],
        "square": lambda: [(_regular(4, start=-45), 255)],
        "diamond": lambda: [([(0, -1), (0.68, 0), (0, 1), (-0.68, 0)], 255)],
        "hexagon": lambda: [(_regular(6), 255)],
        "star": lambda: [(_regular(5, inner=0.42), 255)],
        "heart": lambda: [(_heart(), 255)],
        "cross": lambda: [(_cross(), 255)],
        "arrow": lambda: [
            ([(0, -1), (0.75, -0.1), (0.28, -0.1), (0.28, 1), (-0.28, 1), (-0.28, -0.1), (-0.75, -0.1)], 255)
        ],
        "bolt": lambda: [([(0.3, -1), (-0.6, 0.15), (-0.05, 0.15), (-0.3, 1), (0.6, -0.2), (0.05, -0.2)], 255)],
    }
)

FIGURES: Mapping[str, Callable[[], Polygons]] = MappingProxyType(
    {
        "half disc": lambda: [([(x, y + 0.4) for x, y in _round(0.95) if y <= 0], 255)],
        "sector": lambda: [([(0, 0), *((-y, x) for x, y in _round(0.95) if -y < 0.5)], 255)],
        "trapezium": lambda: [([(-0.45, -0.6), (0.45, -0.6), (0.95, 0.6), (-0.95, 0.6)], 255)],
        "parallelogram": lambda: [([(-0.4, -0.6), (1, -0.6), (0.4, 0.6), (-1, 0.6)], 255)],
        "four-pointed star": lambda: [(_regular(4, inner=0.36), 255)],
        "pentagon": lambda: [(_regular(5), 255)],
        "chevron": lambda: [([(-0.9, -0.5), (0, 0.2), (0.9, -0.5), (0.9, 0.1), (0, 0.8), (-0.9, 0.1)], 255)],
    }
)


def _placed(points: Points, centre: tuple[float, float], radius: float, tilt: float, stretch: float) -> Points:
    cos, sin = math.cos(tilt), math.sin(tilt)
    wide = [(x * stretch, y / stretch) for x, y in points]
    return [(centre[0] + radius * (x * cos - y * sin), centre[1] + radius * (x * sin + y * cos)) for x, y in wide]


def _two_colours(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Give ink and paper far enough apart in lightness to be told from one another."""
    while True:
        ink, paper = (_colour(rng) for _ in range(2))
        if abs(_lightness(ink) - _lightness(paper)) > 80:
            return ink, paper


def _colour(rng: np.random.Generator) -> Colour:
    red, green, blue = (int(value) for value in rng.integers(15, 245, 3))
    return red, green, blue


def _shifted(rng: np.random.Generator, colour: Colour, most: int) -> Colour:
    red, green, blue = (int(np.clip(value + rng.integers(-most, most + 1), 0, 255)) for value in colour)
    return red, green, blue


def _lightness(colour: Colour) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]  # ITU-R BT.601 luma


def _filled(mask: Image.Image, ink: Colour, paper: Colour) -> Image.Image:
    return Image.composite(Image.new("RGB", mask.size, ink), Image.new("RGB", mask.size, paper), mask)


def _gradient(rng: np.random.Generator) -> Image.Image:
    corners = Image.fromarray(rng.integers(0, 256, (2, 2)).astype(np.uint8))
    return corners.resize((_BIG, _BIG), Image.Resampling.BICUBIC)


def _scatter(rng: np.random.Generator, picture: Image.Image, paper: Colour) -> None:
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(0, 5))):
        x, y, far_x, far_y = (float(value) for value in rng.uniform(0, _BIG, 4))
        tone = _shifted(rng, paper, 40)
        if rng.random() < 0.5:
            draw.line((x, y, far_x, far_y), fill=tone, width=int(rng.integers(1, 4)) * SMOOTH)
        else:
            spot = rng.uniform(0.02, 0.08) * _BIG
            draw.ellipse((x - spot, y - spot, x + spot, y + spot), fill=tone)


def _slanted(mask: Image.Image, *, turn: float, shear: float, narrow: float) -> Image.Image:
    """Turn by degrees, lean by `shear` and divide the width by `narrow`, all about the middle."""
    middle = _BIG / 2
    matrix = (narrow, shear, middle * (1 - narrow - shear), 0.0, 1.0, 0.0)
    leaning = mask.transform(mask.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return leaning.rotate(turn, Image.Resampling.BILINEAR)


def _finish(rng: np.random.Generator, picture: Image.Image, *, noise: float) -> Image.Image:
    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
    if rng.random() < 0.3:
        small = small.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 2.0))))
    grain = rng.normal(0, rng.uniform(0, noise), (SIDE, SIDE, 1))
    return Image.fromarray(np.clip(np.asarray(small) + grain, 0, 255).astype(np.uint8))
