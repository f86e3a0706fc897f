"""`model.stablehlo`: a model with its weights as one program, which JAX runs where this project is not installed.

Made by `jax.export`. Pictures come as bytes and are scaled inside, so that nobody can scale them otherwise.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import psutil
from jax import export

from vit_core.errors import BadInput, Failure
from vit_core.models.build import Params, build, forward
from vit_core.models.config import ModelConfig

FILE = "model.stablehlo"
PLATFORMS = ("cpu", "cuda", "tpu")

_WEIGHT_BYTES = 4
_LARGEST = 2**31  # of a flatbuffer, the format in which JAX writes a program
_REST = 2**24  # what such a file holds besides weights: some 60 kB for 12 layers
# Measured from Ti/16 to L/16: weights, program, two serialised forms and a buffer that doubles are 5.6 to 6.4 times
# the weights.
_COPIES = 6.5


def check_stablehlo(model: ModelConfig) -> None:
    """Refuse what the format cannot hold, or this machine cannot make.

    Raises:
        BadInput: the weights are too large for the format.
        Failure: too little memory is free.
    """
    weights = _WEIGHT_BYTES * model.num_params
    if weights + _REST > _LARGEST:
        raise BadInput(
            f"{FILE} holds at most {_LARGEST / 1e9:.1f} GB, and the weights of {model.variant} are "
            f"{weights / 1e9:.1f} GB; export it without --stablehlo."
        )
    needed, free = _COPIES * weights, psutil.virtual_memory().available
    if needed > free:
        raise Failure(
            f"To make {FILE} of {model.variant} takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are "
            "free; close other programs, or export it without --stablehlo."
        )


def write_stablehlo(folder: Path, *, model: ModelConfig, params: Params, has_classes: bool) -> None:
    """Write `model.stablehlo`.

    The program takes uint8 [b, H, W, 3] with any b, H and W being the model's resolution, and gives a dict of float32:
    "features" [b, D], and "logits" and "probabilities" [b, K] of a model that has classes.

    Args:
        folder: where to.
        model: the architecture.
        params: its weights, in the shape of `build(model)`'s parameters.
        has_classes: whether the head is there and was trained; else there are features alone.

    Raises:
        BadInput: the weights are too large for the format.
        Failure: too little memory is free.
        OSError: the disk refused.
    """
    check_stablehlo(model)
    pictures = np.broadcast_to(np.uint8(0), (1, model.resolution, model.resolution, 3))
    images = export.symbolic_args_specs(pictures, "b, ...")  # any number of them
    with _without_paths():
        program = export.export(jax.jit(_program(model, params, has_classes)), platforms=PLATFORMS)(images)
    (folder / FILE).write_bytes(program.serialize())


def _program(model: ModelConfig, params: Params, has_classes: bool) -> Callable[[jax.Array], dict[str, jax.Array]]:
    graphdef, _ = build(model)
    # What is constant in a program is written into it.
    constants = jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), params)

    def classify(images: jax.Array) -> dict[str, jax.Array]:
        outputs = forward(graphdef, constants, (images.astype(jnp.float32) - 127.5) / 127.5)
        features = {"features": outputs.features.astype(jnp.float32)}
        if not has_classes:
            return features
        logits = outputs.logits.astype(jnp.float32)
        return features | {"logits": logits, "probabilities": jax.nn.softmax(logits)}

    return classify


@contextlib.contextmanager
def _without_paths() -> Iterator[None]:
    """Keep the folders of this machine, in which each line of the program was written, out of it."""
    name = "jax_traceback_in_locations_limit"
    update: Callable[[str, object], None] = jax.config.update  # JAX has no types for it
    before = getattr(jax.config, name)
    update(name, 0)
    try:
        yield
    finally:
        update(name, before)
