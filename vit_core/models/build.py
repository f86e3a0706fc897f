"""Models as functions: a hashable graph definition beside a plain tree of parameters.

`build` makes both without allocating a single weight; `forward` is compiled once per architecture, input size and
batch size, and every further checkpoint of that architecture reuses the program.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, PyTree

from vit_core.models.config import ModelConfig
from vit_core.models.vit import Output, VisionTransformer

Params = dict[str, Any]  # nested; the leaves are arrays, lists of modules have whole numbers as keys
GraphDef = nnx.GraphDef[VisionTransformer]


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
    model = functools.partial(VisionTransformer, config, dtype=jnp.dtype(dtype), rngs=_SameKey())
    abstract: VisionTransformer = nnx.eval_shape(model)
    return _split(abstract)


def init_params(config: ModelConfig, *, seed: int) -> Params:
    """Draw fresh float32 parameters for training from scratch, with the original's initialisers.

    Xavier for attention and MLP, LeCun for convolutions and patch embedding, normal 0.02 for position embeddings, zero
    for class token and head (vit_jax/models_vit.py).

    Returns:
        A tree of numpy arrays like the abstract one of `build`.
    """
    _, params = _split(VisionTransformer(config, dtype=jnp.dtype("float32"), rngs=nnx.Rngs(seed)))
    arrays: Params = jax.tree.map(np.asarray, params)
    return arrays


@functools.partial(jax.jit, static_argnames=("graphdef", "capture_attention"))
def forward(
    graphdef: GraphDef,
    params: PyTree,
    images: Float[Array | np.ndarray, "B H W 3"],
    *,
    capture_attention: bool = False,
) -> Output:
    """Run a model; differentiable in `params`, and free to be called inside another `jax.jit`.

    Args:
        graphdef: from `build`.
        params: arrays in the shape of `build`'s abstract parameters.
        images: RGB in [-1, 1], of the resolution that `params` were made for.
        capture_attention: also return the attention probabilities. They are large ([L, H, N, N] per image): reduce
            them inside the same `jax.jit`, layer by layer (`attention[:, l]`), so that they are never kept whole.

    Returns:
        float32 logits [B, K], features [B, D] and, when asked for, attention [B, L, H, N, N].
    """
    model = nnx.merge(graphdef, params)
    return model(jnp.asarray(images), capture_attention=capture_attention)


class _SameKey(nnx.Rngs):
    """Gives one key for ever, where shapes are all that is wanted: counting keys is most of an abstract build."""

    def __init__(self) -> None:
        self.key = jax.random.key(0)

    def params(self) -> Array:
        return self.key


def _split(model: VisionTransformer) -> tuple[GraphDef, Params]:
    graphdef, state = nnx.split(model)
    params: Params = nnx.to_pure_dict(state)
    return graphdef, params
