"""`bench infer`: images per second of a forward pass, through the product's own programs."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree, UInt8

from vit_core.bench.ceilings import MATRIX, matrix_product
from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Dtype, Options
from vit_core.bench.report import Report, Row, with_share
from vit_core.bench.weights import model_config, random_images, random_params
from vit_core.bench.windows import interleave, rate
from vit_core.devices import describe_device, pick_device
from vit_core.inference import programs
from vit_core.models.build import Params, build, forward
from vit_core.models.config import ModelConfig
from vit_core.models.cost import gflops

Answer = Callable[[np.ndarray], np.ndarray]  # from uint8 [B, res, res, 3] to float32 [B, K] on the host


def measure(options: Options) -> Report:
    """Measure one model at one batch size.

    Raises:
        UnknownName: no such model.
        BadInput: the resolution does not suit the model.
        OutOfMemory: the device has too little.
    """
    conditions, device = Conditions(), pick_device(options.device)
    config = model_config(options.model, resolution=options.resolution)
    dtype = programs.precision(device) if options.dtype == "auto" else options.dtype
    answer = answers(config, random_params(config), device, batch=options.batch, dtype=dtype)
    images = random_images(options.batch, options.resolution)
    figures = interleave(
        {
            MATRIX: matrix_product(device, dtype=dtype, at_least_s=min(0.5, options.window_s)),
            "forward pass": rate(lambda: answer(images), amount=options.batch, at_least_s=options.window_s),
        },
        windows=options.windows,
    )
    row = Row(task="forward pass", unit="img/s", better="more", figures=tuple(figures["forward pass"]))
    return Report(
        bench="infer",
        subject=f"{options.model}, batch {options.batch}, {options.resolution} px, {dtype}",
        options=options.to_plain(),
        measured=conditions.to_plain(device=describe_device(device), dtype=dtype),
        rows=(
            with_share(row, of=figures[MATRIX], ceiling=MATRIX, amount=gflops(config)),
            Row(task=MATRIX, unit="GFLOP/s", better="more", figures=tuple(figures[MATRIX])),
        ),
    )


def answers(config: ModelConfig, params: Params, device: jax.Device, *, batch: int, dtype: Dtype) -> Answer:
    """Give the forward pass from pixels on the host to logits on the host.

    Args:
        config: the architecture.
        params: float32 weights.
        device: where to compute.
        batch: images at a time.
        dtype: "float32" or "bfloat16". In the device's own one it is the product's compiled program; in the other, the
            product's model compiled for the purpose, which is how one is judged by the other.
    """
    placed = jax.device_put(params, device)
    if dtype == programs.precision(device):
        return lambda images: np.asarray(programs.run(config, placed, images, device, batch=batch)[0].logits)
    graphdef, _ = build(config, dtype=dtype)

    @jax.jit
    def compute(weights: PyTree, images: UInt8[Array, "B res res 3"]) -> Array:
        scaled = (images.astype(jnp.float32) - 127.5) / 127.5  # as vit_core.preprocess.normalise
        with jax.default_matmul_precision(dtype):  # a GPU would multiply float32 in TF32
            logits: Array = forward(graphdef, weights, scaled).logits
        return logits

    def run(images: np.ndarray) -> np.ndarray:
        parts = [images[start : start + batch] for start in range(0, len(images), batch)]
        return np.concatenate([np.asarray(compute(placed, jax.device_put(part, device))) for part in parts])

    return run
