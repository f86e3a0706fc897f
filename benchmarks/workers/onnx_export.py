"""timm's model as a file for ONNX Runtime: `python -m benchmarks.workers.onnx_export FOLDER IMAGES ACTIVATION FILE`."""

import sys

import numpy as np
import torch

from benchmarks.workers.torch_models import Timm, scaled


def main(folder: str, images: str, activation: str, target: str) -> None:
    """Export for the batch size of the images, which lets the runtime fold all shapes."""
    timm = Timm(compiled=False)
    timm._device = torch.device("cpu")
    model = timm._model({"timm": folder, "activation": activation}).eval()
    with torch.inference_mode(False), torch.no_grad():
        torch.onnx.export(model, (scaled(np.load(images)),), target, dynamo=True, external_data=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
