"""Our parameters in the layout of timm, the PyTorch library, and the config.json from which it builds the model.

Knows the names, axis orders and arguments of timm 1.0 (`vision_transformer.py`, `vision_transformer_hybrid.py`), and
which models it has no layers for. Writes no file.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vit_core.catalog.collection import MODEL_FACTS
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
}
_ONLY_AT_224 = {"B/8", "S/8", "H/14", "R26+B/32"}
# For shapes of one's own: a model of timm takes every size as an argument, except for those of its convolutions.
_PLAIN = "vit_base_patch16_224"
_HYBRIDS = {
    (): "vit_tiny_r_s16_p8_224",
    (2, 2, 2, 2): "vit_small_r26_s32_224",
    (3, 4, 9): "vit_base_r50_s16_224",
    (3, 4, 6, 3): "vit_large_r50_s32_224",
}
_RESNET_WIDTH = 64


def timm_problem(config: ModelConfig) -> str | None:
    """Give why timm cannot build a model, as a sentence, or None where it can."""
    if config.representation_size:
        return "timm has no layer between the features and the head (pre_logits) since 2022, and this model has one."
    resnet = config.resnet
    if resnet and (resnet.width != _RESNET_WIDTH or resnet.num_blocks not in _HYBRIDS):
        return f"timm has no hybrid with the convolutions of this model ({config.variant})."
    return None


def to_timm(config: ModelConfig, params: Params) -> Arrays:
    """Give the arrays of timm's `state_dict`, float32.

    Linear kernels become [out, in], convolutions [out, in, height, width]; query, key and value are one array; there is
    no LayerScale. Many are views: a writer has to put them into C order.

    Args:
        config: a model without `timm_problem`.
        params: arrays in the shape of `build(config)`'s parameters.
    """
    if problem := timm_problem(config):
        raise ValueError(problem)
    flat = {path: np.asarray(leaf, dtype=np.float32) for path, leaf in flatten(params).items()}
    arrays = {"cls_token": flat["cls"]} if config.classifier == "token" else {}
    arrays["pos_embed"] = flat["pos_embedding"]
    if config.resnet:
        arrays |= _resnet(config.resnet, flat)
    arrays |= {
        "patch_embed.proj.weight": _conv(flat["embedding/kernel"]),
        "patch_embed.proj.bias": flat["embedding/bias"],
    }
    for index in range(config.num_layers):
        arrays |= _block(f"blocks/{index}", f"blocks.{index}", flat)
    arrays |= _norm("norm", "norm", flat)
    return arrays | (_linear("head", "head", flat) if config.num_classes else {})


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
        "global_pool": "token" if config.classifier == "token" else "avg",
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
    if name not in _NAMES:
        return _HYBRIDS[config.resnet.num_blocks] if config.resnet else _PLAIN
    resolution = 384 if config.resolution == 384 and name not in _ONLY_AT_224 else 224
    return f"{_NAMES[name]}_{resolution}"


def _model_args(config: ModelConfig) -> dict[str, Any]:
    # timm's own default is the exact GELU; its LayerNorm has our epsilon, 1e-6.
    arguments: dict[str, Any] = {"img_size": config.resolution, "act_layer": "gelu_tanh"}
    if config.classifier == "gap":
        arguments |= {"class_token": False, "global_pool": "avg", "fc_norm": False}
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
    if config.resnet is None:
        return "patch_embed.proj"
    return f"patch_embed.backbone.{_stem(config.resnet)}conv"


def _stem(resnet: ResNetConfig) -> str:
    return "stem." if resnet.num_blocks else ""  # a stem alone is the whole backbone in timm


def _block(ours: str, theirs: str, flat: Arrays) -> Arrays:
    attention = f"{ours}/attention"
    width = len(flat[f"{attention}/out/bias"])
    kernels = [flat[f"{attention}/{name}/kernel"].reshape(width, -1) for name in ("query", "key", "value")]
    biases = [flat[f"{attention}/{name}/bias"].reshape(-1) for name in ("query", "key", "value")]
    return {
        **_norm(f"{ours}/norm1", f"{theirs}.norm1", flat),
        f"{theirs}.attn.qkv.weight": np.concatenate(kernels, axis=1).T,
        f"{theirs}.attn.qkv.bias": np.concatenate(biases),
        f"{theirs}.attn.proj.weight": flat[f"{attention}/out/kernel"].reshape(-1, width).T,
        f"{theirs}.attn.proj.bias": flat[f"{attention}/out/bias"],
        **_norm(f"{ours}/norm2", f"{theirs}.norm2", flat),
        **_linear(f"{ours}/mlp/dense1", f"{theirs}.mlp.fc1", flat),
        **_linear(f"{ours}/mlp/dense2", f"{theirs}.mlp.fc2", flat),
    }


def _resnet(config: ResNetConfig, flat: Arrays) -> Arrays:
    theirs = "patch_embed.backbone"
    stem = f"{theirs}.{_stem(config)}"
    arrays = {f"{stem}conv.weight": _standardised_conv(flat["resnet/conv_root/kernel"])}
    arrays |= _norm("resnet/gn_root", f"{stem}norm", flat)
    for stage, units in enumerate(config.num_blocks):
        for unit in range(units):
            ours = f"resnet/stages/{stage}/{unit}"
            for part, name in _unit_parts(ours, flat):
                block = f"{theirs}.stages.{stage}.blocks.{unit}.{name}"
                arrays[block.format("conv") + ".weight"] = _standardised_conv(flat[f"{ours}/conv{part}/kernel"])
                arrays |= _norm(f"{ours}/gn{part}", block.format("norm"), flat)
    return arrays


def _unit_parts(ours: str, flat: Arrays) -> Iterator[tuple[str, str]]:
    """Give the ending of our names and the pattern of timm's for each convolution of a unit."""
    if f"{ours}/conv_proj/kernel" in flat:
        yield "_proj", "downsample.{}"
    for number in ("1", "2", "3"):
        yield number, "{}" + number


def _norm(ours: str, theirs: str, flat: Arrays) -> Arrays:
    return {f"{theirs}.weight": flat[f"{ours}/scale"], f"{theirs}.bias": flat[f"{ours}/bias"]}


def _linear(ours: str, theirs: str, flat: Arrays) -> Arrays:
    return {f"{theirs}.weight": flat[f"{ours}/kernel"].T, f"{theirs}.bias": flat[f"{ours}/bias"]}


def _conv(kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(3, 2, 0, 1)


def _standardised_conv(kernel: np.ndarray) -> np.ndarray:
    """Rescale each output channel so that timm's weight standardisation gives what ours gives.

    Ours divides the centred kernel by `deviation + 1e-5` (vit_jax/models_resnet.py), timm by the root of
    `variance + 1e-8`. A kernel whose deviation `s` is multiplied by `sqrt(1e-8 / (1e-5 (2 s + 1e-5)))` comes out of the
    second as it does of the first. Left as they are, kernels of real models change logits in the third digit.
    """
    deviation = kernel.std(axis=(0, 1, 2), dtype=np.float64)
    gain = np.sqrt(1e-3 / (2 * deviation + 1e-5)).astype(np.float32)
    return _conv(kernel * gain)
