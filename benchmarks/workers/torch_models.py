"""timm on PyTorch, eager or compiled, as a contestant; in the peers' environment, or in any that has both.

Inference gets its images as PyTorch likes them, float32 [B, 3, H, W] already scaled, before the clock starts; ours
starts from uint8 and scales inside the window.
"""

import importlib.metadata
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.workers.loop import serve

_STEPS = 3
_OPERATORS: list[torch.library.Library] = []  # a library unregisters its names when it is collected


class Timm:
    """Does whatever the spec's "kind" says; `compiled` by torch.compile or not."""

    def __init__(self, *, compiled: bool) -> None:
        self._compiled = compiled

    def prepare(self, spec: dict[str, Any]) -> None:
        """See `benchmarks.peers.Cell`."""
        if spec["threads"]:
            torch.set_num_threads(spec["threads"])
        self._device = torch.device("cuda" if spec["device"] == "gpu" else "cpu")
        self._dtype = torch.bfloat16 if spec.get("dtype") == "bfloat16" else torch.float32
        getattr(self, f"_prepare_{spec['kind']}")(spec)

    def answers(self) -> np.ndarray:
        """Give logits, the losses of the first steps, or classes."""
        return self._answers

    def work(self) -> None:
        """Run a batch, make a step, or classify files."""
        self._work()

    def _prepare_infer(self, spec: dict[str, Any]) -> None:
        model = self._model(spec).eval().to(self._dtype)
        images = scaled(np.load(spec["images"])).to(self._device, self._dtype)
        run = torch.compile(model) if self._compiled else model

        def work() -> np.ndarray:
            with torch.inference_mode():
                return run(images).float().cpu().numpy()

        work()
        self._answers, self._work = work(), work

    def _prepare_train(self, spec: dict[str, Any]) -> None:
        """Train as `vit_core.bench.train` does: SGD with momentum, gradients clipped to length 1, a rate per step."""
        model = self._model(spec).train()
        images = scaled(np.load(spec["images"])).to(self._device)
        classes = torch.arange(len(images), device=self._device) % spec["num_classes"]
        optimizer = torch.optim.SGD(model.parameters(), lr=spec["learning_rate"], momentum=0.9)
        run = torch.compile(model) if self._compiled else model

        def work() -> float:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cuda", torch.bfloat16, enabled=self._dtype == torch.bfloat16):
                loss = torch.nn.functional.cross_entropy(run(images).float(), classes)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return float(loss)

        self._answers, self._work = np.array([work() for _ in range(_STEPS)]), work

    def _prepare_files(self, spec: dict[str, Any]) -> None:
        """Name what is on JPEG files as a script of a dozen lines does: Pillow one by one, then the model."""
        from PIL import Image

        model, resolution = self._model(spec).eval(), spec["resolution"]
        run = torch.compile(model) if self._compiled else model

        def read(name: str) -> np.ndarray:
            with Image.open(name) as image:
                square = image.convert("RGB").resize((resolution, resolution), Image.Resampling.BILINEAR)
            return np.asarray(square)

        def work() -> np.ndarray:
            pixels = scaled(np.stack([read(name) for name in spec["files"]]))
            with torch.inference_mode():
                best: np.ndarray = run(pixels).softmax(-1).topk(5).indices.numpy()
            return best

        work()
        self._answers, self._work = work(), work

    def _model(self, spec: dict[str, Any]) -> torch.nn.Module:
        import_torchvision()
        import timm

        model = timm.create_model(f"local-dir:{spec['timm']}", pretrained=True)
        if spec["activation"] == "gelu_tanh":
            _use_tanh(model)
        return model.to(self._device)


def scaled(images: np.ndarray) -> torch.Tensor:
    """Give float32 [B, 3, H, W] in [-1, 1] of uint8 [B, H, W, 3]."""
    return ((torch.from_numpy(images).permute(0, 3, 1, 2).float() - 127.5) / 127.5).contiguous()


def import_torchvision() -> None:
    """Make timm importable beside a PyTorch without CUDA: see tests/oracle/conftest.py, which explains it."""
    if torch.version.cuda is not None or _OPERATORS:
        return
    files = importlib.metadata.files("torchvision") or []
    path = next(file.locate() for file in files if file.name == "_meta_registrations.py")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in sorted(set(re.findall(r"""["']torchvision::(\w+)["']""", Path(str(path)).read_text()))):
        library.define(f"{name}(Tensor unused) -> Tensor")
    _OPERATORS.append(library)


def _use_tanh(model: torch.nn.Module) -> None:
    """Compute GELU as the original does; timm lets one choose that for transformers, and not for Mixers."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.GELU):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))


if __name__ == "__main__":
    serve(Timm(compiled=sys.argv[1:] == ["compiled"]))
