"""The names of arrays: ONE table of pairs, published in a file <-> path in our parameter tree.

A generation of files is a list of rows; a further generation is a further list. Rows are patterns with places in
braces: `{block}` stands for a whole number, `{stage+1}` for the same number counted from 1, and `{leaf}` for a word.
Knows names only: shapes and values are checked by `restore`.
"""

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping

_PLACE = re.compile(r"\{(\w+?)(\+1)?\}")
_WORDS = {"leaf": "kernel|bias|scale", "qkvo": "query|key|value|out"}


@dataclasses.dataclass(frozen=True)
class Row:
    """One kind of array.

    Attributes:
        published: pattern of the name in a file.
        ours: pattern of the path in the parameter tree, joined by "/".
        ones: axes of length 1 that the file puts in front: GroupNorm arrays are (1, 1, 1, C) there
            (github.com/google/flax/issues/1721).
    """

    published: str
    ours: str
    ones: int = 0


@dataclasses.dataclass(frozen=True)
class Generation:
    """The naming of one era of files.

    Attributes:
        name: for messages.
        prefixes: what may stand before all names; the first is written, the others are only read.
        rows: the table.
    """

    name: str
    prefixes: tuple[str, ...]
    rows: tuple[Row, ...]


_BLOCK = "Transformer/encoderblock_{block}"

VIT_JAX = Generation(
    name="vit_jax",
    # A raw optimizer state of the time keeps the weights under opt/target, a Linen variable dict under params.
    prefixes=("", "opt/target/", "params/"),
    rows=(
        Row("cls", "cls"),
        Row("embedding/{leaf}", "embedding/{leaf}"),
        Row("Transformer/posembed_input/pos_embedding", "pos_embedding"),
        # Flax before Linen numbered the layers of a block together: 0 norm, 1 attention, 2 norm, 3 MLP.
        Row(_BLOCK + "/LayerNorm_0/{leaf}", "blocks/{block}/norm1/{leaf}"),
        Row(_BLOCK + "/MultiHeadDotProductAttention_1/{qkvo}/{leaf}", "blocks/{block}/attention/{qkvo}/{leaf}"),
        Row(_BLOCK + "/LayerNorm_2/{leaf}", "blocks/{block}/norm2/{leaf}"),
        Row(_BLOCK + "/MlpBlock_3/Dense_0/{leaf}", "blocks/{block}/mlp/dense1/{leaf}"),
        Row(_BLOCK + "/MlpBlock_3/Dense_1/{leaf}", "blocks/{block}/mlp/dense2/{leaf}"),
        Row("Transformer/encoder_norm/{leaf}", "norm/{leaf}"),
        Row("pre_logits/{leaf}", "pre_logits/{leaf}"),
        Row("head/{leaf}", "head/{leaf}"),
        Row("conv_root/{leaf}", "resnet/conv_root/{leaf}"),
        Row("gn_root/{leaf}", "resnet/gn_root/{leaf}", ones=3),
        Row("block{stage+1}/unit{unit+1}/conv{i}/{leaf}", "resnet/stages/{stage}/{unit}/conv{i}/{leaf}"),
        Row("block{stage+1}/unit{unit+1}/conv_proj/{leaf}", "resnet/stages/{stage}/{unit}/conv_proj/{leaf}"),
        Row("block{stage+1}/unit{unit+1}/gn{i}/{leaf}", "resnet/stages/{stage}/{unit}/gn{i}/{leaf}", ones=3),
        Row("block{stage+1}/unit{unit+1}/gn_proj/{leaf}", "resnet/stages/{stage}/{unit}/gn_proj/{leaf}", ones=3),
    ),
)
"""The files of gs://vit_models: AugReg, imagenet21k, sam, gsam (vit_jax/models_vit.py, models_resnet.py)."""


def to_ours(generation: Generation, name: str) -> str | None:
    """Give our path of a published name (without prefix), or None where the table has no row for it.

    Example:
        >>> to_ours(VIT_JAX, "block1/unit2/gn3/scale")
        'resnet/stages/0/1/gn3/scale'
    """
    for row in generation.rows:
        if (places := _match(row.published, name)) is not None:
            return _fill(row.ours, places)
    return None


def to_published(generation: Generation, path: str) -> str | None:
    """Give the published name of our path, or None where the table has no row for it: the inverse of `to_ours`.

    Example:
        >>> to_published(VIT_JAX, "resnet/stages/0/1/gn3/scale")
        'block1/unit2/gn3/scale'
    """
    for row in generation.rows:
        if (places := _match(row.ours, path)) is not None:
            return _fill(row.published, places)
    return None


def published_shape(generation: Generation, path: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give the shape that the file of this generation has for our array of `shape` at `path`."""
    ones = next((row.ones for row in generation.rows if _match(row.ours, path) is not None), 0)
    return (1,) * ones + shape


def find_prefix(generation: Generation, names: Iterable[str]) -> str:
    """Give the prefix under which a file keeps its weights: the one with the most names of the table."""
    names = list(names)

    def known(prefix: str) -> int:
        return sum(to_ours(generation, name[len(prefix) :]) is not None for name in names if name.startswith(prefix))

    return max(generation.prefixes, key=known)


def _match(pattern: str, text: str) -> Mapping[str, str] | None:
    """Read the places of a pattern from a text; numbers come out counted from 0."""
    regex, from_one = _compile(pattern)
    match = regex.fullmatch(text)
    if match is None:
        return None
    return {key: str(int(value) - 1) if key in from_one else value for key, value in match.groupdict().items()}


def _fill(pattern: str, places: Mapping[str, str]) -> str:
    def text(place: re.Match[str]) -> str:
        value = places[place[1]]
        return str(int(value) + 1) if place[2] else value

    return _PLACE.sub(text, pattern)


@functools.cache
def _compile(pattern: str) -> tuple[re.Pattern[str], frozenset[str]]:
    parts = []
    position = 0
    from_one = set()
    for place in _PLACE.finditer(pattern):
        parts.append(re.escape(pattern[position : place.start()]))
        position = place.end()
        # Leading zeros are refused: two names must never mean one array. Four digits are more than any model has.
        number = r"[1-9]\d{0,3}" if place[2] else r"0|[1-9]\d{0,3}"
        parts.append(f"(?P<{place[1]}>{_WORDS.get(place[1], number)})")
        if place[2]:
            from_one.add(place[1])
    parts.append(re.escape(pattern[position:]))
    return re.compile("".join(parts)), frozenset(from_one)
