"""Models as functions: a hashable graph definition beside a plain tree of parameters.

`build` makes both without allocating a single weight; `forward` is compiled once per architecture, input size and
batch size, and every further checkpoint of that architecture reuses the program.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, PyTree

from vit_core.models.config import ModelConfig
from vit_core.models.encoder import Output
from vit_core.models.mixer import MlpMixer
from vit_core.models.noise import Noise
from vit_core.models.tree import Params, flatten, unflatten
from vit_core.models.vit import VisionTransformer

__all__ = ["GraphDef", "Noise", "Output", "Params", "build", "flatten", "forward", "unflatten"]

GraphDef = nnx.GraphDef[VisionTransformer | MlpMixer]


@functools.lru_cache(maxsize=64)
def build(config: ModelConfig, *, dtype: str = "float32") -> tuple[GraphDef, Params]:
    """Describe a model.

    Args:
        config: the architecture.
        dtype: what matrix products are computed in: "float32", or "bfloat16" on accelerators. Parameters stay float32;
            LayerNorm statistics, softmax and the head are float32 always.

    Returns:
        The hashable graph definition, and the parameters as `jax.ShapeDtypeStruct`. Do not change the tree: it is
        shared between callers.
    """
    kind: Callable[..., VisionTransformer | MlpMixer] = MlpMixer if config.is_mixer else VisionTransformer
    construct = functools.partial(kind, config, dtype=jnp.dtype(dtype), rngs=_SameKey())
    model: VisionTransformer | MlpMixer = nnx.eval_shape(construct)
    graphdef, state = nnx.split(model)
    params: Params = nnx.to_pure_dict(state)
    return graphdef, params


@functools.partial(jax.jit, static_argnames=("graphdef", "capture_attention", "remat"))
def forward(
    graphdef: GraphDef,
    params: PyTree,
    images: Float[Array | np.ndarray, "B H W 3"],
    *,
    capture_attention: bool = False,
    noise: Noise | None = None,
    remat: bool = False,
) -> Output:
    """Run a model; differentiable in `params`, and free to be called inside another `jax.jit`.

    Args:
        graphdef: from `build`.
        params: arrays in the shape of `build`'s abstract parameters.
        images: RGB in [-1, 1], of the resolution that `params` were made for.
        capture_attention: also return the attention probabilities. They are large ([L, H, N, N] per image): reduce
            them inside the same `jax.jit`, layer by layer (`attention[:, l]`), so that they are never held whole.
        noise: what is blanked at random, for training; without it nothing is.
        remat: compute the inside of each block twice for a gradient instead of keeping it; not together with
            `capture_attention`.

    Returns:
        float32 logits [B, K], features [B, D] and, when asked for, attention [B, L, H, N, N] (None
        for an MLP-Mixer).
    """
    assert not (capture_attention and remat)  # noqa: S101 - attention is exactly what would not be kept
    model = nnx.merge(graphdef, params)
    return model(jnp.asarray(images), capture_attention=capture_attention, noise=noise, remat=remat)


class _SameKey(nnx.Rngs):
    """Gives one key for ever, where shapes are all that is wanted: counting keys is most of an abstract build."""

    def __init__(self) -> None:
        self.key = jax.random.key(0)

    def params(self) -> Array:
        return self.key
