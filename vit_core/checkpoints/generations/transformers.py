"""The names of Hugging Face transformers: `ViTForImageClassification` and the bare `ViTModel`.

Source: modeling_vit.py in transformers/models/vit; what became of the published names: convert_vit_timm_to_pytorch.py.
"""

from vit_core.checkpoints.generations.timm import convolution_rows, linear_rows, norm_rows
from vit_core.checkpoints.layout import HEADS_BIAS, HEADS_IN_TURNED, HEADS_OUT_TURNED
from vit_core.checkpoints.table import Generation, Row


def _rows(trunk: str) -> tuple[Row, ...]:
    layer, block = trunk + "encoder.layer.{block}", "blocks/{block}"
    return (
        Row(trunk + "embeddings.cls_token", "cls"),
        Row(trunk + "embeddings.position_embeddings", "pos_embedding"),
        *convolution_rows(trunk + "embeddings.patch_embeddings.projection", "embedding"),
        *norm_rows(layer + ".layernorm_before", block + "/norm1"),
        Row(layer + ".attention.attention.{qkv}.weight", block + "/attention/{qkv}/kernel", HEADS_IN_TURNED),
        Row(layer + ".attention.attention.{qkv}.bias", block + "/attention/{qkv}/bias", HEADS_BIAS),
        Row(layer + ".attention.output.dense.weight", block + "/attention/out/kernel", HEADS_OUT_TURNED),
        Row(layer + ".attention.output.dense.bias", block + "/attention/out/bias"),
        *norm_rows(layer + ".layernorm_after", block + "/norm2"),
        *linear_rows(layer + ".intermediate.dense", block + "/mlp/dense1"),
        *linear_rows(layer + ".output.dense", block + "/mlp/dense2"),
        *norm_rows(trunk + "layernorm", "norm"),
        *linear_rows(trunk + "pooler.dense", "pre_logits"),  # a dense layer and tanh after the class token
        *linear_rows("classifier", "head"),
    )


TRANSFORMERS = Generation(name="transformers", prefixes=("", "module."), rows=_rows("vit."), origin="transformers")
"""With the head, as `ViTForImageClassification` saves it."""

TRANSFORMERS_BARE = Generation(
    name="transformers, no prefix", prefixes=("", "module."), rows=_rows(""), origin="transformers"
)
"""The trunk alone, as `ViTModel` saves it."""
