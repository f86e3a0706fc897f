"""One prediction by the Linen stand-in, timed from outside: `python -m benchmarks.workers.first_linen SPEC IMAGE`."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from benchmarks.workers.linen_model import load_model


def main(spec_path: str, image_path: str) -> None:
    """Print the number of the likeliest class."""
    # As generous as ours: without it, JAX keeps no program that compiles within a second.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    spec = json.loads(Path(spec_path).read_text())
    run, params = load_model(spec["shape"], spec["npz"])
    with Image.open(image_path) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32)[None]
    print(int(np.argmax(run(params, jax.numpy.asarray((pixels - 127.5) / 127.5)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
