"""`load.py`: the few lines that load a model from its folder and name what is on pictures, or give their features."""

_CLASSES = '''"""Names what is on pictures, with the model in this folder: python load.py photo.jpg other.png

Needs ViT Explorer: the project whose run made this folder.
"""

import sys
from pathlib import Path

from vit_core import load_predictor

folder = Path(__file__).resolve().parent
predictor = load_predictor(folder / "model.npz")  # the names of the classes are in labels.json beside it

if len(sys.argv) < 2:
    print(f"{predictor.config.variant} at {predictor.resolution} px, {len(predictor.labels.names)} classes:")
    print(", ".join(predictor.labels.names[:20]))

for path in sys.argv[1:]:
    best = predictor.classify([path], top_k=1)[0][0]
    print(f"{path}: {best.label} ({best.probability:.1%})")
'''


_FEATURES = '''"""Gives the features of pictures, with the model in this folder: python load.py photo.jpg other.png

Needs ViT Explorer: the project that made this folder.
"""

import sys
from pathlib import Path

from vit_core import load_predictor
from vit_core.preprocess import normalise, read_model_input

folder = Path(__file__).resolve().parent
predictor = load_predictor(folder / "model.npz")

if len(sys.argv) < 2:
    print(f"{predictor.config.variant} at {predictor.resolution} px, {predictor.config.num_features} features")

for path in sys.argv[1:]:
    pixels = read_model_input(path, predictor.resolution)
    print(f"{path}: {predictor.features(normalise(pixels[None]))[0]}")
'''


def load_snippet(*, has_classes: bool = True) -> str:
    """Give the code; it takes everything from the files beside it.

    Args:
        has_classes: whether the model names classes; else it gives features.
    """
    return _CLASSES if has_classes else _FEATURES
