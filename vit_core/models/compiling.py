"""What XLA is asked for when it compiles a model, beside its defaults."""

import functools
import logging

import jax

from vit_core.models.config import ModelConfig

logger = logging.getLogger(__name__)

# XLA's own choice for CPUs is the same list with convolutions on it.
_WITHOUT_CONVOLUTIONS: dict[str, str | bool] = {
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"
}


def compiler_options(config: ModelConfig, platform: str) -> dict[str, str | bool] | None:
    """Give the options for `compile`, or None for XLA's defaults.

    On a CPU, XLA gives convolutions to YNNPACK, which computes the stem of a hybrid on one core. Eigen takes all of
    them: R26+S/32 at batch 8 becomes a sixth faster on two cores, R+Ti/16 an eighth (JAX 0.10; the stem alone a quarter
    with JAX 0.12). An XLA that has no such option keeps its defaults.
    """
    if platform != "cpu" or config.resnet is None or not _are_known():
        return None
    return dict(_WITHOUT_CONVOLUTIONS)


@functools.cache
def _are_known() -> bool:
    try:
        jax.jit(lambda: 0).lower().compile(dict(_WITHOUT_CONVOLUTIONS))
    except jax.errors.JaxRuntimeError as error:
        logger.info("XLA computes convolutions its own way: %s", error)
        return False
    return True
