"""The files of gs://vit_models and gs://mixer_models, and what that code base writes when it fine-tunes.

AugReg, imagenet21k, sam, gsam: vit_jax/models_vit.py and models_resnet.py; Mixers: vit_jax/models_mixer.py. In these
files the layers of a block are numbered together, as Flax did before Linen; Linen numbers each kind by itself
(`generations.big_vision.LINEN`).
"""

from vit_core.checkpoints.layout import GROUP_NORM
from vit_core.checkpoints.table import Generation, Row

# A raw optimizer state of the time keeps the weights under opt/target, a Linen variable dict under params. A
# checkpoint_N is a tuple of the optimizer and the step (before 2022), or of the weights, the optimizer's state and the
# step (vit_jax/train.py).
PREFIXES = ("", "opt/target/", "params/", "target/", "0/", "0/target/", "0/params/", "model/", "model/params/")

_BLOCK = "Transformer/encoderblock_{block}"
_MIXER = "MixerBlock_{block}"

RESNET_ROWS = (
    Row("conv_root/{leaf}", "resnet/conv_root/{leaf}"),
    Row("gn_root/{leaf}", "resnet/gn_root/{leaf}", GROUP_NORM),
    Row("block{stage+1}/unit{unit+1}/conv{i}/{leaf}", "resnet/stages/{stage}/{unit}/conv{i}/{leaf}"),
    Row("block{stage+1}/unit{unit+1}/conv_proj/{leaf}", "resnet/stages/{stage}/{unit}/conv_proj/{leaf}"),
    Row("block{stage+1}/unit{unit+1}/gn{i}/{leaf}", "resnet/stages/{stage}/{unit}/gn{i}/{leaf}", GROUP_NORM),
    Row("block{stage+1}/unit{unit+1}/gn_proj/{leaf}", "resnet/stages/{stage}/{unit}/gn_proj/{leaf}", GROUP_NORM),
)

VIT_JAX = Generation(
    name="vit_jax",
    prefixes=PREFIXES,
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
        *RESNET_ROWS,
    ),
)
"""Vision Transformers and hybrids."""

MIXER = Generation(
    name="vit_jax Mixer",
    prefixes=PREFIXES,
    rows=(
        Row("stem/{leaf}", "embedding/{leaf}"),
        Row(_MIXER + "/LayerNorm_0/{leaf}", "blocks/{block}/norm1/{leaf}"),
        Row(_MIXER + "/token_mixing/Dense_0/{leaf}", "blocks/{block}/token_mlp/dense1/{leaf}"),
        Row(_MIXER + "/token_mixing/Dense_1/{leaf}", "blocks/{block}/token_mlp/dense2/{leaf}"),
        Row(_MIXER + "/LayerNorm_1/{leaf}", "blocks/{block}/norm2/{leaf}"),
        Row(_MIXER + "/channel_mixing/Dense_0/{leaf}", "blocks/{block}/mlp/dense1/{leaf}"),
        Row(_MIXER + "/channel_mixing/Dense_1/{leaf}", "blocks/{block}/mlp/dense2/{leaf}"),
        Row("pre_head_layer_norm/{leaf}", "norm/{leaf}"),
        Row("head/{leaf}", "head/{leaf}"),
    ),
)
"""MLP-Mixers."""
