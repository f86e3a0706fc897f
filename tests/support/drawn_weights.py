"""Weights for comparisons with another implementation, drawn for an architecture."""

import numpy as np

from vit_core.models.build import build, flatten


def drawn(config):
    """Draw weights by path that keep the activations in range and leave nothing at 0 or 1."""
    random = np.random.default_rng(0)

    def draw(path, shape):
        unit = random.standard_normal(shape, dtype=np.float32)
        if path.startswith("resnet") and path.endswith("kernel"):
            return 10 * unit  # so that the small numbers vanish by which standardisations differ
        if path.endswith("scale"):
            return 1 + 0.2 * unit
        if path.endswith("kernel"):
            inputs = shape[:1] if path.split("/")[-2] in ("query", "key", "value") else shape[:-1]
            return unit / np.sqrt(np.prod(inputs), dtype=np.float32)
        return 0.1 * unit

    return {path: draw(path, leaf.shape) for path, leaf in flatten(build(config)[1]).items()}
