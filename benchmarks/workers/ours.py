"""This project, as a contestant: its own programs and its own trainer."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.workers.loop import serve
from vit_core.allocator import keep_freed_memory
from vit_core.bench.ceilings import matrix_product
from vit_core.bench.infer import answers
from vit_core.bench.photos import photo
from vit_core.bench.train import Steps
from vit_core.bench.weights import model_config
from vit_core.checkpoints.restore import Checkpoint, load_checkpoint
from vit_core.cli.device import before_jax
from vit_core.devices import pick_device
from vit_core.imports import keep_opencv_single_threaded
from vit_core.inference import programs
from vit_core.inference.predictor import load_predictor

_STEPS = 3  # whose losses are compared


class Ours:
    """Does whatever the spec's "kind" says."""

    def __init__(self) -> None:
        """Wait to be told."""
        self._answers = np.zeros(0)
        self._work: Callable[[], object] = lambda: None

    def prepare(self, spec: dict[str, Any]) -> None:
        """See `benchmarks.peers.Cell`."""
        before_jax(spec["device"])
        if spec["kind"] == "train":
            keep_freed_memory(spec["device"])  # as a run does
        keep_opencv_single_threaded()
        getattr(self, f"_prepare_{spec['kind']}")(spec, pick_device(spec["device"]))

    def answers(self) -> np.ndarray:
        """Give logits, or the losses of the first steps."""
        return self._answers

    def work(self) -> None:
        """Run a batch, make a step, or classify files."""
        self._work()

    def _prepare_infer(self, spec: dict[str, Any], device: jax.Device) -> None:
        checkpoint = load_checkpoint(spec["npz"], resolution=spec["resolution"])
        images = np.load(spec["images"])
        dtype = spec.get("dtype") or programs.precision(device)
        if spec["resident"]:
            self._prepare_resident(checkpoint, images, device)
            return
        run = answers(checkpoint.config, checkpoint.params, device, batch=len(images), dtype=dtype)
        self._answers = run(images)
        self._work = lambda: run(images)

    def _prepare_resident(self, checkpoint: Checkpoint, images: np.ndarray, device: jax.Device) -> None:
        """Run the product's program on images that are on the device already, as the peer's are."""
        what = programs.Spec(checkpoint.config, len(images), "uint8", attention=False, device=device)
        run = programs.program(what).run
        params, placed = jax.device_put((checkpoint.params, images), device)
        self._work = lambda: np.asarray(run(params, placed).logits)
        self._answers = np.asarray(run(params, placed).logits)

    def _prepare_latency(self, spec: dict[str, Any], _: jax.Device) -> None:
        """Classify one photo that has the size of the input, from its bytes to names."""
        data = photo(spec["resolution"], spec["resolution"])
        predictor = load_predictor(spec["npz"])
        self._answers = np.array([[named.index for named in predictor.classify([data])[0]]])
        self._work = lambda: predictor.classify([data])

    def _prepare_train(self, spec: dict[str, Any], device: jax.Device) -> None:
        config = model_config(spec["model"], resolution=spec["resolution"], num_classes=spec["num_classes"])
        steps = Steps(config, batch=spec["batch"], devices=(device,))
        self._answers = np.array([steps.step() for _ in range(_STEPS)])
        self._work = steps.step

    def _prepare_files(self, spec: dict[str, Any], _: jax.Device) -> None:
        predictor = load_predictor(spec["npz"])
        paths = [Path(name) for name in spec["files"]]
        predictor.classify(paths)
        self._answers = np.array([[named.index for named in row] for row in predictor.classify(paths)])
        self._work = lambda: predictor.classify(paths)

    def _prepare_ceiling(self, spec: dict[str, Any], device: jax.Device) -> None:
        """Multiply matrices; a window gives the seconds of one GFLOP."""
        del spec
        self._work = matrix_product(device, dtype=programs.precision(device), at_least_s=0.0)


if __name__ == "__main__":
    os.environ.setdefault("VIT_DEVICE", "cpu")
    serve(Ours())
