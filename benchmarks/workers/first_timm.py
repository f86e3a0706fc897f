"""One prediction by timm, timed from outside: `python -m benchmarks.workers.first_timm SPEC IMAGE`."""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.workers.torch_models import Timm, scaled


def main(spec_path: str, image_path: str) -> None:
    """Print the number of the likeliest class."""
    spec = json.loads(Path(spec_path).read_text())
    timm = Timm(compiled=False)
    timm._device = torch.device("cpu")
    model = timm._model(spec).eval()
    with Image.open(image_path) as image:
        pixels = np.asarray(image.convert("RGB"))[None]
    with torch.inference_mode():
        print(int(model(scaled(pixels.copy())).argmax()))


if __name__ == "__main__":
    main(*sys.argv[1:])
