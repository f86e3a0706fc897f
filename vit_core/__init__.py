"""Vision Transformer checkpoints: find them, load them, predict with them.

The names at the border are imported on first use, so that `import vit_core.catalog` never starts JAX.

Example:
    >>> import vit_core
    >>> sorted(vit_core.__all__)
    ['Prediction', 'Predictor', 'load_predictor']
"""

import importlib

TYPE_CHECKING = False  # of `typing`, whose import would be a third of the time before Ctrl+C is listened to
if TYPE_CHECKING:
    from vit_core.inference.predictor import Prediction, Predictor, load_predictor

__all__ = ["Prediction", "Predictor", "load_predictor"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name in __all__:
        from vit_core.imports import without_collecting

        with without_collecting():
            return getattr(importlib.import_module("vit_core.inference.predictor"), name)
    raise AttributeError(f"module 'vit_core' has no attribute {name!r}")
