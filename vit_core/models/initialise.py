"""Fresh weights for training from scratch: ONE table of the original's initialisers.

Drawn with numpy, so that a seed gives the same weights with every version of JAX and on every device, at once and
without compiling anything. Models whose weights come from a file never get here.
Sources: vit_jax/models_vit.py, models_resnet.py, models_mixer.py and, for attention pooling, big_vision/models/vit.py,
with the defaults of flax.linen that they use.
"""

import math
import re
import zlib
from collections.abc import Callable

import numpy as np

from vit_core.models.config import ModelConfig
from vit_core.models.shapes import param_shapes
from vit_core.models.tree import Params, unflatten

_Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

_TRUNCATED_DEVIATION = 0.87962566103423978  # of a standard normal cut at two deviations


def init_params(config: ModelConfig, *, seed: int) -> Params:
    """Draw float32 parameters in the shape of `build(config)`'s; the head starts at zero.

    Args:
        config: the architecture.
        seed: equal seeds give equal weights; each array depends on the seed and its own path only.
    """
    rules = _MIXER_RULES + _RULES if config.is_mixer else _RULES
    drawn = {}
    for path, shape in param_shapes(config).items():
        generator = np.random.default_rng([seed, zlib.crc32(path.encode())])
        draw = next(draw for pattern, draw in rules if re.search(pattern, path))
        drawn[path] = draw(generator, shape).astype(np.float32)
    return unflatten(drawn)


def _constant(value: float) -> _Draw:
    return lambda _, shape: np.full(shape, value)


def _normal(deviation: float) -> _Draw:
    return lambda generator, shape: generator.normal(scale=deviation, size=shape)


def _xavier_uniform(input_axes: int) -> _Draw:
    """Uniform with the variance 2 / (inputs + outputs)."""

    def draw(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        fans = math.prod(shape[:input_axes]) + math.prod(shape[input_axes:])
        return generator.uniform(-1, 1, size=shape) * math.sqrt(6 / fans)

    return draw


def _lecun_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal with the variance 1 / inputs, cut at two deviations; all axes but the last are inputs."""
    values = generator.normal(size=shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = generator.normal(size=int(outside.sum()))
    return values / (_TRUNCATED_DEVIATION * math.sqrt(math.prod(shape[:-1])))


# The first pattern found in a path decides.
_RULES: tuple[tuple[str, _Draw], ...] = (
    (r"^head/", _constant(0)),
    (r"^cls$", _constant(0)),
    (r"^pos_embedding$", _normal(0.02)),  # as in BERT
    (r"^map_head/probe$", _xavier_uniform(1)),
    (r"attention/(query|key|value)/kernel$", _xavier_uniform(1)),
    (r"attention/out/kernel$", _xavier_uniform(2)),
    (r"mlp/\w+/kernel$", _xavier_uniform(1)),
    (r"mlp/\w+/bias$", _normal(1e-6)),
    (r"gn3/scale$", _constant(0)),  # a fresh unit is the identity
    (r"layer_scale[12]/scale$", _constant(1e-6)),  # and a fresh block of DeiT III nearly so: timm/models/deit.py
    (r"scale$", _constant(1)),
    (r"bias$", _constant(0)),
    (r"kernel$", _lecun_normal),
)
# An MLP-Mixer leaves its MLPs to the defaults of flax.linen.
_MIXER_RULES: tuple[tuple[str, _Draw], ...] = (
    (r"mlp/\w+/kernel$", _lecun_normal),
    (r"mlp/\w+/bias$", _constant(0)),
)
