"""Arrays as the bytes of a file of weights, by each format's own library."""

import io
import json

import flax.serialization
import numpy as np
import safetensors.numpy


def as_npz(arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


FORMATS = {
    "npz": as_npz,
    "safetensors": safetensors.numpy.save,
    "msgpack": flax.serialization.msgpack_serialize,
}


def timm_repository(labels=("disc", "bar", "frame")):
    """The files of a tiny model as timm puts them on the Hugging Face Hub: 16 px, two layers, two heads."""
    from vit_core.checkpoints.restore import init_params
    from vit_core.export.timm import to_timm
    from vit_core.models.config import ModelConfig

    config = ModelConfig(
        patch_size=4, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=len(labels), resolution=16
    )
    params = init_params(config, seed=0)
    params["head"]["kernel"] = np.eye(16, len(labels), dtype=np.float32)  # fresh heads are zeros, and name no classes
    arrays = {name: np.ascontiguousarray(array) for name, array in to_timm(config, params).items()}
    about = {
        "architecture": "vit_base_patch16_224",
        "num_classes": len(labels),
        "model_args": {"num_heads": 2},
        "pretrained_cfg": {"tag": "augreg_in21k_ft_in1k", "mean": [0.5] * 3, "std": [0.5] * 3},
        "label_names": list(labels),
    }
    return {
        "model.safetensors": safetensors.numpy.save(arrays),
        "config.json": json.dumps(about).encode(),
        "README.md": b"---\nlibrary_name: timm\n---\n",
        "pytorch_model.bin": b"never read",
    }
