"""What XLA is asked for when it compiles a model, beside its defaults."""

import functools
import logging

import jax

from vit_core.models.config import ModelConfig

logger = logging.getLogger(__name__)

_YNNPACK = "xla_cpu_experimental_ynn_fusion_type"  # what XLA gives to that library, by default these and convolutions
_DOT, _REDUCE = "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT", "LIBRARY_FUSION_TYPE_REDUCE"
_NARROW = 192  # channels of a token; at 384 the products of one image are YNNPACK's by a twentieth


def compile_forward(
    lowered: jax.stages.Lowered, config: ModelConfig, platform: str, *, batch: int
) -> jax.stages.Compiled:
    """Compile a forward pass.

    On a CPU, XLA gives convolutions and products of matrices to YNNPACK, which computes the stem of a hybrid on one
    core, and the small products of a single image in a narrow model on one and a half of two. Eigen takes these:
    with JAX 0.10, R26+S/32 at batch 8 becomes a sixth faster so, R+Ti/16 an eighth, and one image through Ti/16 a
    seventh. All other products are YNNPACK's to win. An XLA that has no such option keeps its defaults.

    Args:
        lowered: the traced program.
        config: of the model.
        platform: "cpu", "gpu" or "tpu".
        batch: number of images.

    Returns:
        A function of the program's arguments.
    """
    to_ynnpack = _given_to_ynnpack(config, batch) if platform == "cpu" else None
    if to_ynnpack is None:
        return lowered.compile()
    try:
        return lowered.compile({_YNNPACK: to_ynnpack})
    except jax.errors.JaxRuntimeError as error:
        if _YNNPACK not in str(error):
            raise
        _say(error)
        return lowered.compile()


def _given_to_ynnpack(config: ModelConfig, batch: int) -> str | None:
    """Give what a forward pass leaves to YNNPACK, None for XLA's default."""
    if batch == 1 and config.hidden_size <= _NARROW:
        return _REDUCE
    return f"{_REDUCE},{_DOT}" if config.resnet else None


def training_options(config: ModelConfig, platform: str) -> dict[str, str | bool] | None:
    """Give the options for a step that learns, or None for XLA's defaults; see `compile_forward`."""
    return {_YNNPACK: f"{_REDUCE},{_DOT}"} if platform == "cpu" and config.resnet and _is_known() else None


@functools.cache
def _is_known() -> bool:
    try:
        jax.jit(lambda: 0).lower().compile({_YNNPACK: _REDUCE})
    except jax.errors.JaxRuntimeError as error:
        _say(error)
        return False
    return True


def _say(error: jax.errors.JaxRuntimeError) -> None:
    logger.info("XLA computes products and convolutions its own way: %s", error)
