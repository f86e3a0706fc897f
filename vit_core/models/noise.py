"""Randomness while training: dropout, and blocks that are skipped for some images.

Each image has a key of its own, so that its noise does not depend on how a batch is cut into parts or spread over
devices. Prediction knows nothing of this.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


@functools.partial(jax.tree_util.register_dataclass, data_fields=("key",), meta_fields=("dropout", "stochastic_depth"))
@dataclasses.dataclass(frozen=True, kw_only=True)
class Noise:
    """What is blanked at random in one forward pass.

    Attributes:
        key: [B], one random key per image.
        dropout: share of activations that are blanked: after the position embeddings, the attention and each of the
            two layers of an MLP (vit_jax/models_vit.py).
        stochastic_depth: chance that a branch of the last block is skipped for an image; it rises linearly with depth
            from 0 at the first (arXiv 2106.10270; big_vision/models/mlp_mixer.py).
    """

    key: Key[Array, "B"]
    dropout: float = 0.0
    stochastic_depth: float = 0.0

    def in_block(self, index: int, num_layers: int) -> "Noise":
        """Give the noise of one block, whose `stochastic_depth` is the block's own chance."""
        chance = self.stochastic_depth * index / max(num_layers - 1, 1)
        return dataclasses.replace(self, key=_fold(self.key, index + 1), stochastic_depth=chance)

    def drop(self, tokens: Float[Array, "B N D"], *, site: int) -> Float[Array, "B N D"]:
        """Blank activations; the others grow so that the expectation stays. Each place in a model has its `site`."""
        return _blank(tokens, self.key, site, chance=self.dropout, shape=tokens.shape[1:])

    def skip(self, branch: Float[Array, "B N D"], *, site: int) -> Float[Array, "B N D"]:
        """Blank a whole branch for some of the images; for the others it grows so that the expectation stays."""
        return _blank(branch, self.key, site, chance=self.stochastic_depth, shape=(1, 1))


def _blank(
    values: Float[Array, "B N D"], key: Key[Array, "B"], site: int, *, chance: float, shape: tuple[int, ...]
) -> Float[Array, "B N D"]:
    if chance == 0:
        return values
    kept = jax.vmap(lambda one: jax.random.bernoulli(one, 1 - chance, shape))(_fold(key, site))
    return jnp.where(kept, values / (1 - chance), jnp.zeros((), values.dtype))


def _fold(key: Key[Array, "B"], number: int) -> Key[Array, "B"]:
    folded: Array = jax.vmap(jax.random.fold_in, in_axes=(0, None))(key, number)
    return folded
