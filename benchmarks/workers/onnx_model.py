"""ONNX Runtime on the model that PyTorch exports, as a contestant; in the peers' environment."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workers.loop import serve


class Onnx:
    """Runs one batch of a fixed size."""

    def prepare(self, spec: dict[str, Any]) -> None:
        """Export in another process, so that PyTorch's threads and memory are not in this one; then load."""
        import onnxruntime

        path = Path(spec["folder"]) / f"batch-{len(np.load(spec['images'], mmap_mode='r'))}.onnx"
        if not path.exists():
            command = [sys.executable, "-m", "benchmarks.workers.onnx_export", spec["timm"], spec["images"]]
            done = subprocess.run(
                [*command, spec["activation"], str(path)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RuntimeError(f"the export ended with {done.returncode}: {done.stderr.strip()[-300:]}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = spec["threads"]
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        pixels = np.load(spec["images"]).transpose(0, 3, 1, 2).astype(np.float32)
        self._feed = {self._session.get_inputs()[0].name: np.ascontiguousarray((pixels - 127.5) / 127.5)}
        self.work()

    def answers(self) -> np.ndarray:
        """Give the logits."""
        logits: np.ndarray = self._session.run(None, self._feed)[0]
        return logits

    def work(self) -> None:
        """Run the batch."""
        self._session.run(None, self._feed)


if __name__ == "__main__":
    serve(Onnx())
