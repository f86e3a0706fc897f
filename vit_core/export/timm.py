"""Our parameters in the layout of timm, the PyTorch library, and the config.json from which it builds the model.

Names and axis orders stand in `checkpoints.generations.timm`. Knows the arguments of timm 1.0 (`vision_transformer.py`,
`vision_transformer_hybrid.py`, `mlp_mixer.py`), and which models it has no layers for. Writes no file.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vit_core.catalog.collection import MODEL_FACTS
from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.timm import TIMM, TIMM_MIXER, TIMM_STEM
from vit_core.models.build import Params, flatten
from vit_core.models.config import ModelConfig, ResNetConfig

Arrays = dict[str, np.ndarray]

# Names in timm without the resolution; those of AugReg stand in the catalogue's table.
_NAMES = {name: facts.timm for name, facts in MODEL_FACTS.items()} | {
    "S/8": "vit_small_patch8",
    "L/32": "vit_large_patch32",
    "H/14": "vit_huge_patch14",
    "R26+B/32": "vit_base_r26_s32",
    "R50+B/16": "vit_base_r50_s16",
    "Mixer-S/16": "mixer_s16",
    "Mixer-S/32": "mixer_s32",
    "Mixer-B/16": "mixer_b16",
    "Mixer-B/32": "mixer_b32",
    "Mixer-L/16": "mixer_l16",
}
_ONLY_AT_224 = {"B/8", "S/8", "H/14", "R26+B/32"}
# For shapes of one's own: a model of timm takes every size as an argument, except for those of its convolutions.
_POOLS = {"token": "token", "gap": "avg", "map": "map"}
_PLAIN = "vit_base_patch16_224"
_HYBRIDS = {
    (): "vit_tiny_r_s16_p8_224",
    (2, 2, 2, 2): "vit_small_r26_s32_224",
    (3, 4, 9): "vit_base_r50_s16_224",
    (3, 4, 6, 3): "vit_large_r50_s32_224",
}
_RESNET_WIDTH = 64
_LAYER_SCALE_INIT = 1e-6  # as timm/models/deit.py has it; any number makes the layers, and the file fills them
_LAYER_NORM_EPS = 1e-6  # a smaller one, as transformers has it, changes nothing that shows


def timm_problem(config: ModelConfig) -> str | None:
    """Give why timm cannot build a model, as a sentence, or None where it can."""
    if config.representation_size:
        return "timm has no layer between the features and the head (pre_logits) since 2022, and this model has one."
    if config.is_mixer and config.activation != "gelu":
        # `MlpMixer` wants a class of PyTorch for `act_layer`, which no config.json can hold; ViTs take a name.
        return "timm builds MLP-Mixers with the exact form of GELU alone, and would answer otherwise than this model."
    if config.is_mixer and config.variant not in _NAMES:
        return f"timm has no MLP-Mixer of this size ({config.variant})."
    if config.qk_scale is not None:
        return "timm scales queries by the width of a head, and this model by another number."
    if config.norm_eps > _LAYER_NORM_EPS:
        return f"timm adds {_LAYER_NORM_EPS:g} to the variance in a LayerNorm, and this model {config.norm_eps:g}."
    resnet = config.resnet
    if resnet and (resnet.width != _RESNET_WIDTH or resnet.num_blocks not in _HYBRIDS):
        return f"timm has no hybrid with the convolutions of this model ({config.variant})."
    return None


def to_timm(config: ModelConfig, params: Params) -> Arrays:
    """Give the arrays of timm's `state_dict`, float32.

    Linear kernels become [out, in], convolutions [out, in, height, width]; query, key and value are one array.
    Many are views: a writer has to put them into C order.

    Args:
        config: a model without `timm_problem`.
        params: arrays in the shape of `build(config)`'s parameters.
    """
    if problem := timm_problem(config):
        raise ValueError(problem)
    flat = {path: np.asarray(leaf, dtype=np.float32) for path, leaf in flatten(params).items()}
    if config.is_mixer:
        return to_file(TIMM_MIXER, flat)
    is_stem = config.resnet is not None and not config.resnet.num_blocks
    return to_file(TIMM_STEM if is_stem else TIMM, flat)


def timm_config(config: ModelConfig, labels: Sequence[str], *, name: str) -> dict[str, Any]:
    """Give the content of the config.json from which `timm.create_model("local-dir:FOLDER")` builds the model.

    Args:
        config: a model without `timm_problem`.
        labels: names of the classes, in the order of the head.
        name: what the model is called, for people.
    """
    size = [3, config.resolution, config.resolution]
    return {
        "architecture": _architecture(config),
        "name": name,
        "num_classes": config.num_classes,
        "num_features": config.hidden_size,
        "global_pool": _POOLS[config.classifier],
        "model_args": _model_args(config),
        "label_names": list(labels),
        "pretrained_cfg": {
            "custom_load": False,
            "input_size": size,
            "fixed_input_size": True,
            # The whole picture squeezed into a square, as the model was tested.
            "interpolation": "bilinear",
            "crop_pct": 1.0,
            "crop_mode": "squash",
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
            "num_classes": config.num_classes,
            "pool_size": None,
            "first_conv": _first_conv(config),
            "classifier": "head",
        },
    }


def _architecture(config: ModelConfig) -> str:
    name = config.variant
    if config.is_mixer:
        return f"{_NAMES[name]}_224"
    if name not in _NAMES:
        return _HYBRIDS[config.resnet.num_blocks] if config.resnet else _PLAIN
    resolution = 384 if config.resolution == 384 and name not in _ONLY_AT_224 else 224
    return f"{_NAMES[name]}_{resolution}"


def _model_args(config: ModelConfig) -> dict[str, Any]:
    if config.is_mixer:
        return {"img_size": config.resolution}  # all that its models of a name let one choose
    # timm's own default is the exact GELU; its LayerNorm has our epsilon, 1e-6.
    arguments: dict[str, Any] = {"img_size": config.resolution, "act_layer": config.activation}
    if config.classifier != "token":
        arguments |= {"class_token": False, "global_pool": _POOLS[config.classifier], "fc_norm": False}
    if not config.qkv_bias:
        arguments["qkv_bias"] = False
    if config.layer_scale:
        arguments["init_values"] = _LAYER_SCALE_INIT
    if not config.class_position:
        arguments["no_embed_class"] = True
    if config.variant not in _NAMES:
        arguments |= {
            "patch_size": config.patch_size,
            "embed_dim": config.hidden_size,
            "depth": config.num_layers,
            "num_heads": config.num_heads,
            "mlp_ratio": _ratio(config.mlp_dim, config.hidden_size),
        }
    return arguments


def _ratio(mlp_dim: int, hidden_size: int) -> float:
    """Give the ratio that timm turns back into `mlp_dim` by cutting `hidden_size * ratio` to a whole number."""
    ratio = mlp_dim / hidden_size
    return ratio if int(hidden_size * ratio) == mlp_dim else math.nextafter(ratio, math.inf)


def _first_conv(config: ModelConfig) -> str:
    if config.is_mixer:
        return "stem.proj"
    if config.resnet is None:
        return "patch_embed.proj"
    return f"patch_embed.backbone.{_stem(config.resnet)}conv"


def _stem(resnet: ResNetConfig) -> str:
    return "stem." if resnet.num_blocks else ""  # a stem alone is the whole backbone in timm
