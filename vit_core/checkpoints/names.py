"""The names of arrays: which tables there are, which one a file follows, and names read in both directions.

Knows names only: shapes and values are checked by `restore`. One table for each generation of files, in `generations`;
a further generation is a further table.
"""

from collections.abc import Collection, Iterable

from vit_core.checkpoints.generations.big_vision import BIG_VISION, BIG_VISION_SCANNED, LINEN
from vit_core.checkpoints.generations.timm import TIMM, TIMM_MIXER, TIMM_STEM
from vit_core.checkpoints.generations.transformers import TRANSFORMERS, TRANSFORMERS_BARE
from vit_core.checkpoints.generations.vit_jax import MIXER, VIT_JAX
from vit_core.checkpoints.layout import Shape
from vit_core.checkpoints.table import Generation, names_of, piece_at, pieces_of

__all__ = [
    "GENERATIONS",
    "MIXER",
    "VIT_JAX",
    "Generation",
    "find_generation",
    "find_prefix",
    "published_shape",
    "to_ours",
    "to_published",
]

GENERATIONS = (
    VIT_JAX,
    BIG_VISION,
    BIG_VISION_SCANNED,
    LINEN,
    MIXER,
    TIMM,
    TIMM_STEM,
    TIMM_MIXER,
    TRANSFORMERS,
    TRANSFORMERS_BARE,
)
"""All tables; of two that know as many names of a file the first is meant."""


def to_ours(generation: Generation, name: str) -> str | None:
    """Give our path of a published name (without prefix), or None where the table has no row for it.

    Of an array that holds several of ours, it is the path of the first.

    Example:
        >>> to_ours(VIT_JAX, "block1/unit2/gn3/scale")
        'resnet/stages/0/1/gn3/scale'
    """
    return next(iter(pieces_of(generation, name, (1,)) or ()), None)


def to_published(generation: Generation, path: str) -> str | None:
    """Give the published name of our path, or None where the table has no row for it: the inverse of `to_ours`.

    Example:
        >>> to_published(VIT_JAX, "resnet/stages/0/1/gn3/scale")
        'block1/unit2/gn3/scale'
    """
    piece = piece_at(generation, path)
    return None if piece is None else piece.name


def published_shape(generation: Generation, path: str, shape: Shape) -> Shape:
    """Give the shape that the file of this generation has for our array of `shape` at `path`."""
    piece = piece_at(generation, path)
    return shape if piece is None else piece.row.layout.shape_in_file(shape)


def find_generation(names: Collection[str]) -> tuple[Generation, str]:
    """Give the table and the prefix that know the most names of a file."""
    best, most = (VIT_JAX, ""), 0
    for generation in GENERATIONS:
        prefix = find_prefix(generation, names)
        known = _known(generation, prefix, names)
        if known > most:
            best, most = (generation, prefix), known
        if most == len(names):
            break
    return best


def find_prefix(generation: Generation, names: Iterable[str]) -> str:
    """Give the prefix under which a file keeps its weights: the one with the most names of the table."""
    names = list(names)
    return max(generation.prefixes, key=lambda prefix: _known(generation, prefix, names))


def _known(generation: Generation, prefix: str, names: Iterable[str]) -> int:
    known = names_of(generation).fullmatch
    return sum(known(name, len(prefix)) is not None for name in names if name.startswith(prefix))
