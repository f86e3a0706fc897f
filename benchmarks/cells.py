"""What the peers are compared on: a table of cells, each with its contestants and what it costs to run."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from vit_core.models.config import variant
from vit_core.models.cost import gflops

Kind = Literal["infer", "train", "start", "files", "decode", "latency"]
OURS = "ViT Explorer"
EAGER, COMPILED, ONNX, LINEN = "timm eager", "timm compiled", "ONNX Runtime", "Flax Linen"
PILLOW = "plain Pillow"
SCRIPT = "timm + Pillow script"
PEERS_PYTHON = Path(__file__).resolve().parents[1] / ".venv-peers" / "bin" / "python"

MODELS = ("Ti/16", "S/16", "B/16", "R+Ti/16", "Mixer-B/16")
_GFLOP_PER_S = 110.0  # of two slow cores, for estimates alone
_SETUP_S = {OURS: 6, EAGER: 8, COMPILED: 45, ONNX: 25, LINEN: 5, SCRIPT: 8, PILLOW: 0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One comparison.

    Attributes:
        kind: "infer", "train", "start" (process start to first prediction), "files" (JPEG files to labels), "decode" or
            "latency" (one photo to labels).
        model: a published name; "" for "decode".
        batch: images at a time.
        size: name of the photos' size, for "files" and "decode".
        contestants: ours first.
        resolution: side of the input in pixels.
    """

    kind: Kind
    model: str = ""
    batch: int = 1
    size: str = ""
    contestants: tuple[str, ...] = (OURS, EAGER)
    resolution: int = 224

    @property
    def name(self) -> str:
        """What its result file is called."""
        model = self.model.replace("+", "_").replace("/", "_")
        batch = f"b{self.batch}" if self.kind in ("infer", "train") else ""
        resolution = "" if self.resolution == 224 else f"{self.resolution}px"
        parts = (self.kind, model, batch, self.size.replace(" ", "_"), resolution)
        return "-".join(part for part in parts if part)

    @property
    def subject(self) -> str:
        """What is measured, for people."""
        batch = f"batch {self.batch}" if self.kind != "start" else ""
        return ", ".join(part for part in (self.model, self.size, batch, f"{self.resolution} px") if part)

    def estimate_s(self, *, windows: int, window_s: float) -> float:
        """Give about what running it takes, in seconds."""
        if self.kind == "decode":
            return 2 * windows * window_s + 10
        if self.kind == "start":
            return (windows + 1) * 4.0 * len(self.contestants) + 10
        work = 3 * self.batch if self.kind == "train" else self.batch
        run = work * gflops(variant(self.model)) / _GFLOP_PER_S + (self.batch * 0.15 if "mega" in self.size else 0.0)
        turns = len(self.contestants) * (windows * max(run, window_s) + 3 * run)
        return turns + sum(_SETUP_S[name] for name in self.contestants)


def cells() -> Iterator[Cell]:
    """Give all cells, those first that say most for their time."""
    everyone = (OURS, EAGER, COMPILED, ONNX, LINEN)
    for model in ("Ti/16", "S/16"):
        yield Cell(kind="train", model=model, batch=32)
    for size in ("500x375", "12 megapixels"):
        yield Cell(kind="decode", size=size, contestants=(OURS, PILLOW))
    for model in ("Ti/16", "B/16"):
        yield Cell(kind="start", model=model, contestants=(OURS, LINEN, EAGER))
    for model in MODELS:
        yield Cell(kind="infer", model=model, batch=8, contestants=everyone)
    for model in ("Ti/16", "B/16"):
        yield Cell(kind="infer", model=model, batch=1, contestants=(OURS, EAGER, ONNX, LINEN))
    for size in ("500x375", "12 megapixels"):
        yield Cell(kind="files", model="Ti/16", batch=32, size=size, contestants=(OURS, SCRIPT))
    for model in ("Ti/16", "R+Ti/16", "S/16", "Mixer-B/16", "B/16"):
        yield Cell(kind="infer", model=model, batch=32, contestants=(OURS, EAGER, COMPILED, ONNX))
    for model in ("S/16", "R+Ti/16", "Mixer-B/16"):
        yield Cell(kind="infer", model=model, batch=1, contestants=(OURS, EAGER, ONNX, LINEN))


def command_of(contestant: str) -> list[str]:
    """Give the command that starts a contestant's process."""
    modules = {
        OURS: (sys.executable, "ours"),
        LINEN: (sys.executable, "linen"),
        EAGER: (str(PEERS_PYTHON), "torch_models"),
        SCRIPT: (str(PEERS_PYTHON), "torch_models"),
        COMPILED: (str(PEERS_PYTHON), "torch_models", "compiled"),
        ONNX: (str(PEERS_PYTHON), "onnx_model"),
    }
    python, module, *words = modules[contestant]
    return [python, "-m", f"benchmarks.workers.{module}", *words]
