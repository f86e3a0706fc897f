"""Files of other families than the plain Vision Transformer, brought to the page."""

import dataclasses

import numpy as np
import pytest
from answering_page import answered

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.models.config import ModelConfig, ResNetConfig

PLAIN = ModelConfig(patch_size=4, hidden_size=16, num_layers=1, mlp_dim=32, num_heads=2, num_classes=3, resolution=16)
FAMILIES = {
    "mixer": dataclasses.replace(PLAIN, num_heads=0, classifier="gap", tokens_mlp_dim=8),
    "hybrid": dataclasses.replace(PLAIN, patch_size=2, resnet=ResNetConfig(width=32)),
    "attention pooling": dataclasses.replace(PLAIN, classifier="map"),
}


@pytest.fixture(params=FAMILIES)
def weights(request, tmp_path):
    """The bytes of a tiny model of a family."""
    config = FAMILIES[request.param]
    params = init_params(config, seed=0)
    params["head"]["kernel"] = np.eye(16, 3, dtype=np.float32)  # fresh heads are zeros, and name no classes
    save_npz(tmp_path / "x.npz", config, params)
    return (tmp_path / "x.npz").read_bytes()


def test_file_of_another_family_answers(open_page, texts, jpeg, weights):
    page = open_page("classify")
    uploader = next(uploader for uploader in page.file_uploader if ".safetensors" in uploader.label)
    page = uploader.set_value(("checkpoint_7", weights, "application/octet-stream")).run()
    photos = next(uploader for uploader in page.file_uploader if uploader.label.startswith("Drop"))

    page = answered(photos.set_value([("a.jpg", jpeg(1), "image/jpeg")]).run())

    assert "Your own file" in texts(page)
    assert not page.error
    assert "class 0" in "\n".join(element.proto.body for element in page.get("html"))
