"""The files of gs://big_vision: position embeddings at the root, layers of a block numbered by kind.

Source: big_vision/models/vit.py. The image tower of a two-tower model lies under `img` and has the same names. There is
no LayerScale in that code: the DeiT III files of its zoo have it multiplied into the kernels.
"""

import dataclasses

from vit_core.checkpoints.generations.vit_jax import PREFIXES, RESNET_ROWS
from vit_core.checkpoints.table import Generation, Row

TOWERS = ("params/img/", "img/")
_MAP = "MAPHead_0"


def _block_rows(block: str, ours: str, *, stacked: bool) -> tuple[Row, ...]:
    pairs = (
        ("LayerNorm_0/{leaf}", "norm1/{leaf}"),
        ("MultiHeadDotProductAttention_0/{qkvo}/{leaf}", "attention/{qkvo}/{leaf}"),
        ("LayerNorm_1/{leaf}", "norm2/{leaf}"),
        ("MlpBlock_0/Dense_0/{leaf}", "mlp/dense1/{leaf}"),
        ("MlpBlock_0/Dense_1/{leaf}", "mlp/dense2/{leaf}"),
    )
    return tuple(
        Row(f"{block}/{theirs}", f"{ours}/{mine}", pieces="stacked" if stacked else None) for theirs, mine in pairs
    )


def _rows(blocks: tuple[Row, ...]) -> tuple[Row, ...]:
    return (
        Row("cls", "cls"),
        Row("embedding/{leaf}", "embedding/{leaf}"),
        Row("pos_embedding", "pos_embedding"),
        Row("Transformer/pos_embedding", "pos_embedding"),  # before 2022, as `fix_old_checkpoints` tells
        *blocks,
        Row("Transformer/encoder_norm/{leaf}", "norm/{leaf}"),
        Row(_MAP + "/probe", "map_head/probe"),
        Row(_MAP + "/MultiHeadDotProductAttention_0/{qkvo}/{leaf}", "map_head/attention/{qkvo}/{leaf}"),
        Row(_MAP + "/LayerNorm_0/{leaf}", "map_head/norm/{leaf}"),
        Row(_MAP + "/MlpBlock_0/Dense_0/{leaf}", "map_head/mlp/dense1/{leaf}"),
        Row(_MAP + "/MlpBlock_0/Dense_1/{leaf}", "map_head/mlp/dense2/{leaf}"),
        Row("pre_logits/{leaf}", "pre_logits/{leaf}"),
        Row("head/{leaf}", "head/{leaf}"),
        *RESNET_ROWS,
    )


_BLOCKS = _block_rows("Transformer/encoderblock_{block}", "blocks/{block}", stacked=False)

BIG_VISION = Generation(
    name="big_vision",
    prefixes=(*PREFIXES, *TOWERS),
    rows=_rows(_BLOCKS),
    class_position="folded",
    sincos=True,
)
"""One array for each layer."""

BIG_VISION_SCANNED = dataclasses.replace(
    BIG_VISION,
    name="big_vision, scanned",
    rows=_rows(_block_rows("Transformer/encoderblock", "blocks/{block*}", stacked=True)),
)
"""All layers in one array with a leading axis of depth, as `nn.scan` keeps them."""

LINEN = Generation(
    name="vit_jax, Linen",
    prefixes=BIG_VISION.prefixes,
    rows=(Row("Transformer/posembed_input/pos_embedding", "pos_embedding"), *_rows(_BLOCKS)),
)
"""What vit_jax itself holds and writes since it uses Linen: the layers of a block numbered by kind, and positions where
they were before (vit_jax/models_vit.py; `convert_pre_linen` in vit_jax/checkpoint.py). LiT's image towers are such."""
