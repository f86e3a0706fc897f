"""Compiled forward passes: one per architecture, batch size, kind of input and device, made once per process.

A process that finds the traced program of an earlier one (`stored`) neither traces nor imports Flax.
Weights are arguments, so a second checkpoint of an architecture runs the program of the first. Batch sizes are few and
fixed, since every new one would be compiled anew; what is missing to the next one is padded. Two batches are computed
at a time, each by a thread: where one moves data or keeps a single core busy, the other takes the rest of the device.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Num, PyTree, UInt8
from numpy.typing import DTypeLike

from vit_core.datasets.threads import available_cores, in_order
from vit_core.devices import describe_device
from vit_core.errors import OutOfMemory
from vit_core.inference import stored
from vit_core.inference.attention import Attention, summarise
from vit_core.models.compiling import compile_forward
from vit_core.models.config import ModelConfig
from vit_core.models.shapes import param_shapes
from vit_core.models.tree import Params, unflatten

BATCH_SIZES = (1, 8, 32)
_FEW_CORES = 4
# Four images stay in a core's cache where 32 do not: on two cores, 8 x 4 images of Ti/16, two batches at a time, took
# four fifths of the time of 32 at once, and of R+Ti/16 two batches of 4 nine tenths of that of 8. Many cores, on which
# it was not measured, would have little to share out of 4 images.
CPU_BATCH_SIZES = (1, 4) if available_cores() <= _FEW_CORES else BATCH_SIZES
# Attention needs [L, H, N, N] of memory per image until the maps are made: 0.2 GB for B/16 at 384 px, 0.5 GB for L/16.
ATTENTION_BATCH_SIZES = (1, 8)
CPU_ATTENTION_BATCH_SIZES = (1,)
_AT_A_TIME = 2  # batches; with attention maps, one

Inputs = Literal["uint8", "float32"]


class Outputs(NamedTuple):
    """What a forward pass gives.

    Attributes:
        logits: float32 [B, K].
        features: float32 [B, D], the input of the head.
        attention: maps, or None where they were not asked for.
    """

    logits: Array | np.ndarray
    features: Array | np.ndarray
    attention: Attention | None


class Spec(NamedTuple):
    """What decides a program.

    Attributes:
        config: the architecture, input size included.
        batch: number of images.
        inputs: "uint8" pixels, which are scaled on the device, or "float32" in [-1, 1].
        attention: whether attention maps are given too.
        device: where it runs.
    """

    config: ModelConfig
    batch: int
    inputs: Inputs
    attention: bool
    device: jax.Device


class Program(NamedTuple):
    """A compiled forward pass.

    Attributes:
        run: from parameters and images, both on the device or not, to `Outputs` on the device.
        compile_seconds: what making it took.
    """

    run: Callable[[PyTree, Num[Array | np.ndarray, "B H W 3"]], Outputs]
    compile_seconds: float


def program(spec: Spec) -> Program:
    """Give the program, compiled if this process has not done so; one at a time, since compilers take all cores."""
    with _COMPILING:
        if spec not in _PROGRAMS:
            while len(_PROGRAMS) >= _KEPT:
                del _PROGRAMS[next(iter(_PROGRAMS))]
            _PROGRAMS[spec] = _compile(spec)
        return _PROGRAMS[spec]


def is_compiled(spec: Spec) -> bool:
    """Tell whether `program` will return at once."""
    return spec in _PROGRAMS


def precision(device: jax.Device) -> Literal["float32", "bfloat16"]:
    """Give the type that a device computes with: the native one of accelerators, and the exact one of a CPU."""
    return "float32" if device.platform == "cpu" else "bfloat16"


def plan_batches(count: int, sizes: tuple[int, ...], *, fill: float) -> list[int]:
    """Split images into batches of the fixed sizes; the last may be padded.

    Args:
        count: number of images.
        sizes: batch sizes, ascending, the first of them 1.
        fill: a larger batch is taken only if at least this part of it is real. On a CPU padding costs as much as
            images do, on an accelerator next to nothing.

    Example:
        >>> plan_batches(39, (1, 8, 32), fill=0.75), plan_batches(3, (1, 8, 32), fill=0.25)
        ([32, 8], [8])
    """
    batches = []
    while count > 0:
        size = max(size for size in sizes if size == 1 or count >= size * fill)
        batches.append(size)
        count -= size
    return batches


def run(
    config: ModelConfig,
    params: Params,
    images: UInt8[np.ndarray, "B res res 3"] | Float32[np.ndarray, "B res res 3"],
    device: jax.Device,
    *,
    attention: bool = False,
    batch: int | None = None,
    on_compile: Callable[[], None] = lambda: None,
    on_compute: Callable[[], None] = lambda: None,
) -> tuple[Outputs, float]:
    """Run a model on any number of images.

    Args:
        config: the architecture.
        params: its weights, on the device.
        images: uint8 pixels, or float32 in [-1, 1].
        device: where to run.
        attention: whether to give attention maps too.
        batch: images of a batch, at most; an accelerator computes just so many, padding the last batch. None chooses.
        on_compile: called before a program is compiled.
        on_compute: called before each batch.

    Returns:
        numpy outputs, and the seconds that compiling took.

    Raises:
        OutOfMemory: the device has too little memory.
    """
    try:
        return _run(config, params, images, device, attention, batch, on_compile, on_compute)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise OutOfMemory(
            f"The device ({describe_device(device)}) has too little memory for {config.variant} at "
            f"{config.resolution} px; take a smaller model or resolution."
        ) from error


# The one state of this module: JAX's own cache of programs is per process as well.
_PROGRAMS: dict[Spec, Program] = {}
_KEPT = 128
_COMPILING = threading.Lock()


def _compile(spec: Spec) -> Program:
    start = time.perf_counter()
    params = unflatten({path: _blank(shape, np.float32) for path, shape in param_shapes(spec.config).items()})
    images = _blank((spec.batch, spec.config.resolution, spec.config.resolution, 3), spec.inputs)
    with jax.default_device(spec.device):
        # On an accelerator a program depends on what its libraries turn out to have, and may call them by name.
        place = stored.place(_facts(spec)) if spec.device.platform == "cpu" else None
        if place is None:
            lowered = _trace(spec, images)
        else:
            kept = stored.read(place)
            if kept is None:
                kept = stored.Stored.of(_trace(spec, images))
                stored.keep(place, kept)
            lowered = jax.jit(functools.partial(_replay, kept)).lower(params, images)
        run = compile_forward(lowered, spec.config, spec.device.platform, batch=spec.batch)
    return Program(run, time.perf_counter() - start)


def _blank(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    return np.broadcast_to(np.zeros((), dtype), shape)  # takes no memory; only its shape is looked at


def _facts(spec: Spec) -> dict[str, object]:
    return {
        "config": repr(spec.config),
        "batch": spec.batch,
        "inputs": spec.inputs,
        "attention": spec.attention,
        "platform": spec.device.platform,
        "precision": precision(spec.device),
    }


def _trace(spec: Spec, images: np.ndarray) -> jax.stages.Lowered:
    from vit_core.models.build import build, forward  # brings Flax, which a program that is kept needs no more

    graphdef, params = build(spec.config, dtype=precision(spec.device))

    def run(params: Params, images: Num[Array, "B H W 3"]) -> Outputs:
        if images.dtype == jnp.uint8:
            images = _normalise(images)
        output = forward(graphdef, params, images, capture_attention=spec.attention)
        shown = spec.attention and output.attention is not None
        return Outputs(output.logits, output.features, summarise(output.attention, spec.config) if shown else None)

    return jax.jit(run, keep_unused=True).lower(params, images)


def _replay(kept: stored.Stored, params: Params, images: Num[Array, "B H W 3"]) -> Outputs:
    logits, features, *maps = kept(jax.tree.leaves((params, images)))
    return Outputs(logits, features, Attention(*maps) if maps else None)


def _run(
    config: ModelConfig,
    params: Params,
    images: np.ndarray,
    device: jax.Device,
    attention: bool,
    batch: int | None,
    on_compile: Callable[[], None],
    on_compute: Callable[[], None],
) -> tuple[Outputs, float]:
    inputs: Inputs = "uint8" if images.dtype == np.uint8 else "float32"
    sizes = _plan(max(len(images), 1), device, attention, batch)
    programs: dict[int, Program] = {}
    compile_seconds = 0.0
    for size in dict.fromkeys(sizes):
        spec = Spec(config, size, inputs, attention, device)
        if not is_compiled(spec):
            on_compile()
            compile_seconds += program(spec).compile_seconds
        programs[size] = program(spec)

    def compute(part: np.ndarray, size: int) -> Outputs:
        return _to_host(programs[size].run(params, jax.device_put(_pad(part, size), device)), len(part))

    def tasks() -> Iterator[Callable[[], Outputs]]:
        start = 0
        for size in sizes:
            on_compute()
            yield functools.partial(compute, images[start : start + size], size)
            start += size

    if attention or len(sizes) == 1:
        return _concatenate([task() for task in tasks()]), compile_seconds
    return _concatenate(list(in_order(tasks(), workers=_AT_A_TIME, ahead=_AT_A_TIME))), compile_seconds


def _plan(count: int, device: jax.Device, attention: bool, batch: int | None) -> list[int]:
    if device.platform == "cpu":
        sizes = CPU_ATTENTION_BATCH_SIZES if attention else CPU_BATCH_SIZES
        return plan_batches(count, tuple(size for size in sizes if size <= (batch or size)), fill=0.75)
    if batch:
        return [batch] * -(-count // batch)
    return plan_batches(count, ATTENTION_BATCH_SIZES if attention else BATCH_SIZES, fill=0.25)


def _pad(images: np.ndarray, size: int) -> np.ndarray:
    padding = np.zeros((size - len(images), *images.shape[1:]), images.dtype)
    return np.concatenate([images, padding]) if len(padding) else images


def _to_host(outputs: Outputs, count: int) -> Outputs:
    host: Outputs = jax.tree.map(lambda array: np.asarray(array)[:count], outputs)
    return host


def _concatenate(parts: list[Outputs]) -> Outputs:
    joined: Outputs = jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)
    return joined


def _normalise(images: Num[Array, "B H W 3"]) -> Float[Array, "B H W 3"]:
    return (images.astype(jnp.float32) - 127.5) / 127.5  # as vit_core.preprocess.normalise
