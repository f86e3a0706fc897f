"""The update rule: the learning rate over the steps, and what is done with a gradient."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from vit_core.training.config import TrainConfig

MOMENTUM = 0.9  # of the published fine-tunes (arXiv 2106.10270, section 3.3); also the first beta of AdamW
_ADAM_B2 = 0.999


def learning_rate(config: TrainConfig) -> optax.Schedule:
    """Give the learning rate as a function of the steps done before: a linear warm-up, times a cosine that ends at 0.

        rate(t) = peak * min(1, t / warmup) * (1 + cos(pi * max(0, t - warmup) / (total - warmup))) / 2

    Source: vit_jax/utils.py, `create_learning_rate_schedule` with `decay_type="cosine"`. With a warm-up the first step
    (t = 0) has rate 0, as there.
    """
    peak, warmup, total = config.learning_rate, config.warmup_steps, config.total_steps

    def rate(count: jax.typing.ArrayLike) -> jax.Array:
        done = jnp.asarray(count, jnp.float32)
        progress = jnp.clip((done - warmup) / (total - warmup), 0, 1)
        cosine = peak * 0.5 * (1 + jnp.cos(jnp.pi * progress))
        return cosine * jnp.minimum(1, done / warmup) if warmup else cosine

    return rate


def make_optimizer(config: TrainConfig, *, momentum_dtype: str) -> optax.GradientTransformation:
    """Give the update rule: clip by the norm of the whole gradient, momentum, decay, times the learning rate.

    SGD keeps `m = 0.9 m + g` and goes `-rate * m`, as published. AdamW has betas 0.9 and 0.999. The weight decay is
    decoupled, `-rate * weight_decay * w`, and pulls kernels only: no biases, scales, embeddings or class token
    (big_vision/configs: `wd_mults = (".*/kernel$", 1.0)`).

    Args:
        config: the settings.
        momentum_dtype: what the momentum is kept in: "bfloat16" halves it, as published; "float32" on a CPU. The
            second moment of AdamW is float32 always.
    """
    parts = [optax.clip_by_global_norm(config.clip_norm)] if config.clip_norm else []
    if config.optimizer == "adamw":
        parts.append(optax.scale_by_adam(b1=MOMENTUM, b2=_ADAM_B2, mu_dtype=momentum_dtype))
    else:
        parts.append(optax.trace(decay=MOMENTUM, accumulator_dtype=momentum_dtype))
    if config.weight_decay:
        parts.append(optax.add_decayed_weights(config.weight_decay, mask=_is_kernel))
    return optax.chain(*parts, optax.scale_by_learning_rate(learning_rate(config)))


def _is_kernel(params: PyTree) -> PyTree:
    """Tell for each array whether it is decayed."""
    return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)
