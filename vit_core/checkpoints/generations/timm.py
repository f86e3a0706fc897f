"""The names of timm 1.0: `vision_transformer.py`, `vision_transformer_hybrid.py`, `mlp_mixer.py`.

Linear kernels are [out, in], convolutions [out, in, height, width]; query, key and value are one array.
"""

from vit_core.checkpoints.layout import (
    CONVOLUTION,
    HEADS_BIAS,
    HEADS_IN_TURNED,
    HEADS_OUT_TURNED,
    SAME,
    STANDARDISED,
    TURNED,
)
from vit_core.checkpoints.table import Generation, Row

_PREFIXES = ("", "module.", "model.", "timm_model.")  # the last is that of transformers' TimmWrapper
_BACKBONE = "patch_embed.backbone"
_STAGE, _OUR_STAGE = _BACKBONE + ".stages.{stage}.blocks.{unit}", "resnet/stages/{stage}/{unit}"


def norm_rows(theirs: str, ours: str) -> tuple[Row, Row]:
    """Give the rows of a normalisation in PyTorch's names."""
    return Row(theirs + ".weight", ours + "/scale"), Row(theirs + ".bias", ours + "/bias")


def linear_rows(theirs: str, ours: str) -> tuple[Row, Row]:
    """Give the rows of a dense layer in PyTorch's names."""
    return Row(theirs + ".weight", ours + "/kernel", TURNED), Row(theirs + ".bias", ours + "/bias")


def convolution_rows(theirs: str, ours: str) -> tuple[Row, Row]:
    """Give the rows of a convolution in PyTorch's names."""
    return Row(theirs + ".weight", ours + "/kernel", CONVOLUTION), Row(theirs + ".bias", ours + "/bias")


def _attention_rows(fused: str, projection: str, ours: str, *, which: str) -> tuple[Row, ...]:
    return (
        Row(fused + ".weight", f"{ours}/{which}/kernel", HEADS_IN_TURNED, pieces="joined"),
        Row(fused + ".bias", f"{ours}/{which}/bias", HEADS_BIAS, pieces="joined"),
        Row(projection + ".weight", f"{ours}/out/kernel", HEADS_OUT_TURNED),
        Row(projection + ".bias", f"{ours}/out/bias", SAME),
    )


_VIT_ROWS = (
    Row("cls_token", "cls"),
    Row("pos_embed", "pos_embedding"),
    *convolution_rows("patch_embed.proj", "embedding"),
    *norm_rows("blocks.{block}.norm1", "blocks/{block}/norm1"),
    *_attention_rows("blocks.{block}.attn.qkv", "blocks.{block}.attn.proj", "blocks/{block}/attention", which="{qkv*}"),
    Row("blocks.{block}.ls1.gamma", "blocks/{block}/layer_scale1/scale"),
    *norm_rows("blocks.{block}.norm2", "blocks/{block}/norm2"),
    *linear_rows("blocks.{block}.mlp.fc1", "blocks/{block}/mlp/dense1"),
    *linear_rows("blocks.{block}.mlp.fc2", "blocks/{block}/mlp/dense2"),
    Row("blocks.{block}.ls2.gamma", "blocks/{block}/layer_scale2/scale"),
    *norm_rows("norm", "norm"),
    # Attention pooling keeps key and value in one array and the query beside it.
    Row("attn_pool.latent", "map_head/probe"),
    Row("attn_pool.q.weight", "map_head/attention/query/kernel", HEADS_IN_TURNED),
    Row("attn_pool.q.bias", "map_head/attention/query/bias", HEADS_BIAS),
    *_attention_rows("attn_pool.kv", "attn_pool.proj", "map_head/attention", which="{kv*}"),
    *norm_rows("attn_pool.norm", "map_head/norm"),
    *linear_rows("attn_pool.mlp.fc1", "map_head/mlp/dense1"),
    *linear_rows("attn_pool.mlp.fc2", "map_head/mlp/dense2"),
    *linear_rows("pre_logits.fc", "pre_logits"),  # dropped from timm in 2022; older files have it
    *linear_rows("head", "head"),
)
_UNIT_ROWS = (
    Row(_STAGE + ".downsample.conv.weight", _OUR_STAGE + "/conv_proj/kernel", STANDARDISED),
    *norm_rows(_STAGE + ".downsample.norm", _OUR_STAGE + "/gn_proj"),
    Row(_STAGE + ".conv{i}.weight", _OUR_STAGE + "/conv{i}/kernel", STANDARDISED),
    *norm_rows(_STAGE + ".norm{i}", _OUR_STAGE + "/gn{i}"),
)


def _stem_rows(theirs: str) -> tuple[Row, ...]:
    return (
        Row(theirs + ".conv.weight", "resnet/conv_root/kernel", STANDARDISED),
        *norm_rows(theirs + ".norm", "resnet/gn_root"),
    )


TIMM = Generation(
    name="timm",
    prefixes=_PREFIXES,
    rows=(*_VIT_ROWS, *_stem_rows(_BACKBONE + ".stem"), *_UNIT_ROWS),
    class_position="either",
    origin="timm",
)
"""Vision Transformers, and hybrids with a ResNet."""

TIMM_STEM = Generation(
    name="timm, stem alone",
    prefixes=_PREFIXES,
    rows=(*_VIT_ROWS, *_stem_rows(_BACKBONE)),
    class_position="either",
    origin="timm",
)
"""Hybrids whose whole backbone is the stem of a ResNet."""

TIMM_MIXER = Generation(
    name="timm Mixer",
    prefixes=_PREFIXES,
    rows=(
        *convolution_rows("stem.proj", "embedding"),
        *norm_rows("blocks.{block}.norm1", "blocks/{block}/norm1"),
        *linear_rows("blocks.{block}.mlp_tokens.fc1", "blocks/{block}/token_mlp/dense1"),
        *linear_rows("blocks.{block}.mlp_tokens.fc2", "blocks/{block}/token_mlp/dense2"),
        *norm_rows("blocks.{block}.norm2", "blocks/{block}/norm2"),
        *linear_rows("blocks.{block}.mlp_channels.fc1", "blocks/{block}/mlp/dense1"),
        *linear_rows("blocks.{block}.mlp_channels.fc2", "blocks/{block}/mlp/dense2"),
        *norm_rows("norm", "norm"),
        *linear_rows("head", "head"),
    ),
    origin="timm",
)
"""MLP-Mixers."""
