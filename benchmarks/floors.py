"""What some aims are made of, measured alone: `python -m benchmarks.floors`. `benchmarks.answers` reads it.

An aim below the time of its smallest part is out of reach, whatever the rest takes: of a first prediction the import of
JAX, of a checkpoint's way to the device the copy of its bytes, of one image the products of its matrices.
"""

import argparse
import functools
import itertools
import operator
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from benchmarks.results_index import RESULTS, results_folder
from vit_core.bench.ceilings import MATRIX, matrix_product
from vit_core.bench.conditions import Conditions
from vit_core.bench.report import Report, Row, write_report
from vit_core.bench.start import process_seconds
from vit_core.bench.weights import model_config, random_images, random_params
from vit_core.bench.windows import Window, duration, interleave, rate
from vit_core.devices import pick_device
from vit_core.inference import programs
from vit_core.models.compiling import compile_forward
from vit_core.models.config import VARIANTS, ModelConfig
from vit_core.models.convolution import convolve

IMPORT, FORWARD, COPY = (
    "Python and import jax",
    "one image through B/16",
    "copy of B/16's weights in memory, one core",
)
STEM = "first convolution of one image in R+Ti/16"
_PRODUCT_S = 0.3
_BLOCKS = 12


class Chain(NamedTuple):
    """Products of matrices that one image needs in each block of a model, one after the other.

    Attributes:
        model: whose.
        what: they are.
        tokens: rows of what is multiplied.
        widths: of the matrices.
    """

    model: str
    what: str
    tokens: int
    widths: tuple[int, ...]

    def task(self, library: Literal["XLA", "NumPy"]) -> str:
        """Give the name of the row of the chain, computed by a library."""
        return f"products of one image in {self.model}, {self.what}, {library}"


CHAINS = (
    Chain("Ti/16", "the MLPs", 197, (192, 768, 192)),
    Chain("Ti/16", "query, key, value and output", 197, (192, 192, 192, 192, 192)),
    Chain("S/16", "the MLPs", 197, (384, 1536, 384)),
    Chain("B/16", "the MLPs", 197, (768, 3072, 768)),
    Chain("R+Ti/16", "the MLPs", 50, (192, 768, 192)),
    Chain("Mixer-B/16", "the MLPs of the patches", 768, (196, 384, 196)),
)


def main(words: Sequence[str] | None = None) -> None:
    """Measure all and write `floors.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=7)
    parser.add_argument("--folder", type=results_folder, default=RESULTS, help="where the result goes")
    parsed = parser.parse_args(words)
    conditions, device, config = Conditions(), pick_device("cpu"), model_config("B/16", resolution=224)
    seconds: dict[str, Window] = {IMPORT: _import, FORWARD: _forward(config, device), COPY: _copy(config)}
    product = matrix_product(device, dtype="float32", at_least_s=_PRODUCT_S)
    rates: dict[str, Window] = {MATRIX: product, STEM: _stem(device)}
    for chain in CHAINS:
        rates |= _chain(chain, device)
    figures = interleave(seconds | rates, windows=parsed.windows)
    report = Report(
        bench="floors",
        subject="what some aims are made of, each alone",
        options={"windows": parsed.windows},
        measured=conditions.to_plain(),
        rows=[
            Row(
                task=task,
                unit="s" if task in seconds else "GFLOP/s",
                better="less" if task in seconds else "more",
                figures=tuple(values),
            )
            for task, values in figures.items()
        ],
    )
    write_report(parsed.folder / "floors.json", report)
    for row in report.rows:
        print(f"{row.task}: {row.spread.median:.4g} {row.unit}")


def _import() -> float:
    return process_seconds((sys.executable, "-c", "import jax; print(jax.devices())"), os.environ)


def _forward(config: ModelConfig, device: jax.Device) -> Window:
    params = jax.device_put(random_params(config), device)
    images = random_images(1, config.resolution)
    return duration(lambda: programs.run(config, params, images, device), at_least_s=1.0)


def _copy(config: ModelConfig) -> Window:
    source = np.ones(config.num_params, np.float32)
    target = np.empty_like(source)
    return duration(lambda: np.copyto(target, source), at_least_s=_PRODUCT_S)


def _chain(chain: Chain, device: jax.Device) -> dict[str, Window]:
    random = np.random.default_rng(0)
    shapes = list(itertools.pairwise(chain.widths)) * _BLOCKS
    weights = [random.normal(0, shape[0] ** -0.5, shape).astype(np.float32) for shape in shapes]
    tokens = random.normal(size=(chain.tokens, chain.widths[0])).astype(np.float32)

    def multiply(tokens: Any, weights: list[Any]) -> Any:  # noqa: ANN401 - arrays of NumPy or of JAX
        return functools.reduce(operator.matmul, weights, tokens)

    placed = jax.device_put((tokens, weights), device)
    lowered = jax.jit(multiply).lower(*placed)
    compiled = compile_forward(lowered, VARIANTS[chain.model], device.platform, batch=1)
    work: dict[str, Callable[[], object]] = {
        chain.task("XLA"): lambda: compiled(*placed).block_until_ready(),
        chain.task("NumPy"): lambda: multiply(tokens, weights),
    }
    gflop = sum(2 * chain.tokens * inner * columns for inner, columns in shapes) / 1e9
    return {task: rate(each, amount=gflop, at_least_s=_PRODUCT_S) for task, each in work.items()}


def _stem(device: jax.Device) -> Window:
    """Give a window of GFLOP/s of the first convolution of R+Ti/16 on one image."""
    config = model_config("R+Ti/16", resolution=224)
    assert config.resnet is not None  # noqa: S101 - it is a hybrid
    kernel = np.ones((7, 7, 3, config.resnet.width), np.float32)
    placed = jax.device_put((np.ones((1, 224, 224, 3), np.float32), kernel), device)
    lowered = jax.jit(functools.partial(convolve, stride=2)).lower(*placed)
    compiled = compile_forward(lowered, config, device.platform, batch=1)
    gflop = 2 * 112 * 112 * kernel.size / 1e9
    return rate(lambda: compiled(*placed).block_until_ready(), amount=gflop, at_least_s=_PRODUCT_S)


if __name__ == "__main__":
    main()
