"""What our own `.npz` files tell beside the weights: numbers of the model that no array's shape shows.

Written for models that differ there from the published ones, as three arrays of one number each; programs that read the
published layout by its names pass over them.
"""

import dataclasses
import math

import numpy as np

from vit_core.checkpoints.arrays import ArrayFile
from vit_core.errors import BadCheckpoint
from vit_core.models.config import ModelConfig

_FOLDER = "vit_explorer/"
_EXACT, _EPS, _SCALE = _FOLDER + "exact_gelu", _FOLDER + "norm_eps", _FOLDER + "qk_scale"
_NAMES = (_EXACT, _EPS, _SCALE)


def is_setting(name: str) -> bool:
    """Tell whether an array is one of these and no weight."""
    return name in _NAMES


def settings_of(config: ModelConfig) -> dict[str, np.ndarray]:
    """Give the arrays to write beside the weights of a model; none for the models that were published in this layout.

    Example:
        >>> settings_of(ModelConfig(patch_size=4, hidden_size=64, num_layers=4, mlp_dim=128, num_heads=2))
        {}
    """
    usual = (ModelConfig.activation, ModelConfig.norm_eps, ModelConfig.qk_scale)
    if (config.activation, config.norm_eps, config.qk_scale) == usual and config.qkv_bias:
        return {}
    scale = config.qk_scale or 0.0  # 0 for the usual scale, which follows from the width of a head
    return {
        _EXACT: np.array(float(config.activation == "gelu")),
        _EPS: np.array(config.norm_eps),
        _SCALE: np.array(scale),
    }


def apply_settings(config: ModelConfig, arrays: ArrayFile) -> ModelConfig:
    """Give the configuration with what the file tells beside the weights.

    Raises:
        BadCheckpoint: one of the numbers is none that a model can have. Goes on from "The file …".
    """
    if not any(name in arrays for name in _NAMES):
        return config
    exact, eps, scale = (_number(arrays, name) for name in _NAMES)
    if exact not in (0, 1) or not 0 < eps < 1 or not 0 <= scale < 100:
        raise BadCheckpoint(f"tells impossible numbers of its model ({_FOLDER}…: {exact:g}, {eps:g}, {scale:g}).")
    return dataclasses.replace(
        config, activation="gelu" if exact else "gelu_tanh", norm_eps=eps, qk_scale=scale or None
    )


def _number(arrays: ArrayFile, name: str) -> float:
    if name not in arrays or math.prod(arrays[name].shape) != 1 or arrays[name].dtype.kind != "f":
        raise BadCheckpoint(f"does not tell {name!r} as one number.")
    return float(arrays.read(name).reshape(()))
