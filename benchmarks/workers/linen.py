"""The Linen stand-in for the original code, as a contestant."""

from typing import Any

import jax
import numpy as np

from benchmarks.workers.linen_model import load_model
from benchmarks.workers.loop import serve


class Linen:
    """Runs one batch; images are float32 and scaled before the clock starts."""

    def prepare(self, spec: dict[str, Any]) -> None:
        """See `benchmarks.peers.Cell`."""
        self._run, self._params = load_model(spec["shape"], spec["npz"])
        self._images = (np.load(spec["images"]).astype(np.float32) - 127.5) / 127.5
        self.work()

    def answers(self) -> np.ndarray:
        """Give the logits."""
        return np.asarray(self._run(self._params, jax.numpy.asarray(self._images)))

    def work(self) -> None:
        """Run the batch."""
        self.answers()


if __name__ == "__main__":
    serve(Linen())
