"""Blocks one after the other, as both kinds of model have them; kept whole for a gradient, or computed twice.

Knows nothing of what a block does: attention in `layers`, an MLP over the patches in `mixer`.
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import jax
from flax import nnx
from jaxtyping import Array, Float, PyTree

from vit_core.models.noise import Noise


class Output(NamedTuple):
    """What a forward pass gives, all in float32.

    Attributes:
        logits: [B, K], the head's answer; K is 0 for a model without a head.
        features: [B, D], the input of the head (after `pre_logits` where there is one).
        attention: [B, L, H, N, N], softmax probabilities of each layer and head; row = query, and token 0 is the class
            token where there is one. None when not asked for, and for an MLP-Mixer.
    """

    logits: Array
    features: Array
    attention: Array | None


@runtime_checkable
class Block(Protocol):
    """What turns tokens into the next tokens, and gives its attention probabilities where it has any."""

    def __call__(
        self, tokens: Float[Array, "B N D"], noise: Noise | None = None
    ) -> tuple[Float[Array, "B N D"], Float[Array, "B H N N"] | None]:
        """Transform the tokens."""
        ...


def run_blocks(
    blocks: Sequence[Block], tokens: Float[Array, "B N D"], *, noise: Noise | None, remat: bool
) -> tuple[Float[Array, "B N D"], list[Array]]:
    """Give the tokens after all blocks, and the attention probabilities of each (none with `remat`)."""
    attention = []
    for index, block in enumerate(blocks):
        own = None if noise is None else noise.in_block(index, len(blocks))
        if remat:
            tokens = _recomputed(block, tokens, own)
            continue
        tokens, probs = block(tokens, own)
        if probs is not None:
            attention.append(probs)
    return tokens, attention


def _recomputed(block: Block, tokens: Float[Array, "B N D"], noise: Noise | None) -> Float[Array, "B N D"]:
    """Run a block of which a gradient keeps the input alone, and computes the rest once more.

    `jax.checkpoint` says the same, and XLA's compiler for CPUs takes it back: it finds the block computed twice and
    keeps the first result. Here the second time starts from tokens that depend on the gradient behind the block.
    """
    graphdef, params = nnx.split(block)
    keys = None if noise is None else noise.key  # alone: JAX fills the trees of arguments with blanks of its own

    def run(params: PyTree, tokens: Array, keys: Array | None) -> Array:
        own = None if noise is None or keys is None else dataclasses.replace(noise, key=keys)
        given: Array = nnx.merge(graphdef, params)(tokens, own)[0]
        return given

    def ahead(params: PyTree, tokens: Array, keys: Array | None) -> tuple[Array, tuple[PyTree, Array, Array | None]]:
        return run(params, tokens, keys), (params, tokens, keys)

    def back(kept: tuple[PyTree, Array, Array | None], slope: Array) -> tuple[PyTree, Array, None]:
        params, tokens, keys = kept
        _, pull = jax.vjp(lambda params, tokens: run(params, tokens, keys), params, tokens + 0 * slope)
        return (*pull(slope), None)

    small = jax.custom_vjp(run)
    small.defvjp(ahead, back)
    given: Array = small(params, tokens, keys)
    return given
