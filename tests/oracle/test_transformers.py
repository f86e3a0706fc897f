"""Folders that transformers writes itself, loaded here by their path alone, answer as transformers does."""

import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor, ViTModel

from vit_core.inference.predictor import load_predictor

TOLERANCE = 3e-5  # logits of order 1; transformers computes in float64 here, so that rounding is ours alone
NUM_CLASSES = 21
SIDE = 32


def randomised(model):
    """Leave nothing at 0 or 1, and the logits of order 1."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if parameter.ndim == 2 and name.endswith("weight"):
                parameter.copy_(noise / parameter.shape[1] ** 0.5)
            else:
                parameter.add_(0.1 * noise)
    return model.eval()


def config(**changes):
    small = {"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 100}
    return ViTConfig(**{**small, "image_size": SIDE, "patch_size": 8, "num_labels": NUM_CLASSES, **changes})


def pictures():
    """Draw two pictures in [0, 1]."""
    return np.random.default_rng(1).uniform(0, 1, size=(2, SIDE, SIDE, 3))


def theirs(model, pixels):
    images = torch.from_numpy(pixels.transpose(0, 3, 1, 2)).double()
    with torch.inference_mode():
        return model.double()(pixel_values=images)


def ours(folder, monkeypatch):
    monkeypatch.setenv("VIT_CACHE_DIR", str(folder / "cache"))
    return load_predictor(folder, device="cpu")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden_act": "gelu_pytorch_tanh"},
        {"layer_norm_eps": 1e-5},
        {"qkv_bias": False},
        {"num_attention_heads": 2, "image_size": 64},
    ],
    ids=str,
)
def test_classifier_that_transformers_saved_answers_as_there(changes, tmp_path, monkeypatch):
    model = randomised(ViTForImageClassification(config(**changes)))
    model.save_pretrained(tmp_path)
    side = changes.get("image_size", SIDE)
    pixels = np.random.default_rng(1).uniform(-1, 1, size=(2, side, side, 3)).astype(np.float32)

    predictor = ours(tmp_path, monkeypatch)

    expected = theirs(model, pixels).logits.numpy()
    assert np.ptp(expected, axis=0).max() > 0.5
    np.testing.assert_allclose(predictor.logits(pixels), expected, atol=TOLERANCE)


def test_trunk_alone_gives_the_features_of_transformers(tmp_path, monkeypatch):
    model = randomised(ViTModel(config(), add_pooling_layer=False))
    model.save_pretrained(tmp_path)
    pixels = (2 * pictures() - 1).astype(np.float32)

    features = ours(tmp_path, monkeypatch).features(pixels)

    np.testing.assert_allclose(features, theirs(model, pixels).last_hidden_state[:, 0], atol=TOLERANCE)


def test_trunk_with_its_pooler_gives_what_that_gives(tmp_path, monkeypatch):
    model = randomised(ViTModel(config()))
    model.save_pretrained(tmp_path)
    pixels = (2 * pictures() - 1).astype(np.float32)

    features = ours(tmp_path, monkeypatch).features(pixels)

    np.testing.assert_allclose(features, theirs(model, pixels).pooler_output, atol=TOLERANCE)


def test_picture_prepared_by_another_image_processor_gets_the_same_answer(tmp_path, monkeypatch):
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    model = randomised(ViTForImageClassification(config()))
    model.save_pretrained(tmp_path)
    ViTImageProcessor(image_mean=mean, image_std=deviation, size=SIDE).save_pretrained(tmp_path)

    given = ours(tmp_path, monkeypatch).logits((2 * pictures() - 1).astype(np.float32))

    expected = theirs(model, (pictures() - mean) / deviation).logits
    np.testing.assert_allclose(given, expected, atol=TOLERANCE)


def test_shards_that_transformers_wrote_are_one_model(tmp_path, monkeypatch):
    model = randomised(ViTForImageClassification(config()))
    model.save_pretrained(tmp_path, max_shard_size="100KB")
    pixels = (2 * pictures() - 1).astype(np.float32)

    given = ours(tmp_path, monkeypatch).logits(pixels)

    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 1
    np.testing.assert_allclose(given, theirs(model, pixels).logits, atol=TOLERANCE)
