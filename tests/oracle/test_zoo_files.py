"""State dicts of timm's models, saved as safetensors and loaded here with no flag, answer as timm does."""

import json

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from timm.layers import GroupNormAct
from timm.layers.activations import GELUTanh
from timm.models._hub import save_config_for_hf

from vit_core.checkpoints.pixels import IMAGENET, OURS
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import BadCheckpoint
from vit_core.models.build import build, forward

PLAIN_TOLERANCE = 3e-5  # logits of order 1; float32 sums in another order
HYBRID_TOLERANCE = 1e-4
NUM_CLASSES = 21


def randomise(model):
    """Leave nothing at 0 or 1, and the logits of order 1; kernels of convolutions deviate by 0.002 to 0.3."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if "backbone" in name and parameter.ndim == 4:
                scale = torch.exp(torch.randn(parameter.shape[0], 1, 1, 1, generator=random))
                parameter.copy_(0.03 * noise * scale)
            elif parameter.ndim >= 2 and name.endswith("weight"):
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.add_(0.1 * noise)
    return model.eval()


def with_tanh(model):
    """Give timm's MLP-Mixer the GELU that Google trained with; its arguments cannot name one."""
    for module in model.modules():
        if isinstance(getattr(module, "act", None), torch.nn.GELU):
            module.act = GELUTanh()
    return model


def save(model, folder):
    path = folder / "model.safetensors"
    safetensors.torch.save_file({name: array.contiguous() for name, array in model.state_dict().items()}, path)
    return path


def compare(model, path, resolution, *, scaling=OURS):
    """Give our output for a file, timm's features and timm's logits, all for two random images; timm scales them."""
    pixels = np.random.default_rng(1).uniform(-1, 1, size=(2, resolution, resolution, 3)).astype(np.float32)
    checkpoint = load_checkpoint(path)
    ours = forward(build(checkpoint.config)[0], checkpoint.params, pixels)
    model = model.double()  # so that rounding is ours alone
    with torch.inference_mode():
        scaled = ((pixels.astype(float) + 1) / 2 - scaling.mean) / scaling.deviation
        images = torch.from_numpy(scaled.transpose(0, 3, 1, 2)).double()
        features = model.forward_head(model.forward_features(images), pre_logits=True)
        logits = model(images)
    return checkpoint, ours, features.numpy(), logits.numpy()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("vit_tiny_patch16_224", {"depth": 2}),
        ("vit_small_patch32_224", {"depth": 2, "img_size": 256}),
        ("vit_small_patch16_224", {"depth": 2, "class_token": False, "global_pool": "avg", "fc_norm": False}),
        ("vit_small_patch16_224", {"depth": 2, "no_embed_class": True}),
        ("vit_small_patch16_224", {"depth": 2, "class_token": False, "global_pool": "map", "fc_norm": False}),
        ("vit_base_patch32_224", {"depth": 2, "qkv_bias": False}),
        ("deit3_base_patch16_224", {"depth": 2}),
    ],
    ids=[
        "token",
        "other size",
        "average",
        "class token without position",
        "attention pooling",
        "no qkv bias",
        "LayerScale",
    ],
)
def test_plain_model_of_timm_answers_as_there(name, arguments, tmp_path):
    model = randomise(timm.create_model(name, num_classes=NUM_CLASSES, act_layer="gelu_tanh", **arguments))
    path = save(model, tmp_path)
    # The depth of a published model tells its heads; of two layers nothing does.
    (tmp_path / "config.json").write_text(
        json.dumps({"model_args": {"num_heads": model.blocks[0].attn.num_heads, "act_layer": "gelu_tanh"}})
    )

    checkpoint, ours, features, logits = compare(model, path, arguments.get("img_size", 224))

    assert checkpoint.config.num_classes == NUM_CLASSES
    np.testing.assert_allclose(ours.features, features, atol=PLAIN_TOLERANCE)
    np.testing.assert_allclose(ours.logits, logits, atol=PLAIN_TOLERANCE)


def test_whole_published_model_needs_nothing_beside_it(tmp_path):
    model = randomise(timm.create_model("vit_tiny_patch16_224", num_classes=NUM_CLASSES, act_layer="gelu_tanh"))

    checkpoint, ours, _, logits = compare(model, save(model, tmp_path), 224)

    assert (checkpoint.config.variant, checkpoint.config.num_heads) == ("Ti/16", 3)
    assert "tanh form is taken" in checkpoint.notes[0]
    np.testing.assert_allclose(ours.logits, logits, atol=PLAIN_TOLERANCE)


def test_whole_deit_iii_needs_nothing_beside_it(tmp_path):
    model = randomise(timm.create_model("deit3_small_patch16_224", num_classes=NUM_CLASSES))

    checkpoint, ours, _, logits = compare(model, save(model, tmp_path), 224, scaling=IMAGENET)

    assert checkpoint.config.variant == "DeiT3-S/16"
    assert "it is taken as for DeiT3-S/16" in checkpoint.notes[0]
    assert checkpoint.config.num_params == sum(parameter.numel() for parameter in model.parameters())
    np.testing.assert_allclose(ours.logits, logits, atol=PLAIN_TOLERANCE)


def test_exact_gelu_is_taken_where_the_config_beside_the_file_says_so(tmp_path):
    model = randomise(timm.create_model("vit_tiny_patch16_224", num_classes=NUM_CLASSES))
    path = save(model, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"pretrained_cfg": {"tag": "augreg2_in21k_ft_in1k"}}))

    checkpoint, ours, _, logits = compare(model, path, 224)

    assert checkpoint.config.activation == "gelu"
    np.testing.assert_allclose(ours.logits, logits, atol=PLAIN_TOLERANCE)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("deit3_small_patch16_224.fb_in22k_ft_in1k", {}), ("vit_small_patch14_dinov2.lvd142m", {"img_size": 224})],
)
def test_model_for_the_pixels_of_imagenet_answers_to_the_same_picture_as_there(name, arguments, tmp_path):
    model = randomise(timm.create_model(name, num_classes=NUM_CLASSES, **arguments))
    path = save(model, tmp_path)
    save_config_for_hf(model, tmp_path / "config.json")
    picture = np.random.default_rng(1).uniform(0, 1, size=(2, 224, 224, 3)).astype(np.float32)
    mean, deviation = (np.array(model.pretrained_cfg[key], np.float32) for key in ("mean", "std"))

    checkpoint = load_checkpoint(path)
    ours = forward(build(checkpoint.config)[0], checkpoint.params, 2 * picture - 1).logits
    with torch.inference_mode():
        images = torch.from_numpy(((picture - mean) / deviation).transpose(0, 3, 1, 2))
        logits = model.double()(images.double()).numpy()

    assert any("another mean (0.485, 0.456, 0.406)" in note for note in checkpoint.notes)
    np.testing.assert_allclose(ours, logits, atol=PLAIN_TOLERANCE)


@pytest.mark.parametrize("pool", ["avg", "max"])
def test_pooling_of_timm_that_no_array_shows_is_refused_by_the_config_that_timm_writes(pool, tmp_path):
    model = timm.create_model("vit_tiny_patch16_224", num_classes=NUM_CLASSES, global_pool=pool, fc_norm=False)
    path = save(model, tmp_path)
    save_config_for_hf(model, tmp_path / "config.json")

    with pytest.raises(BadCheckpoint, match=f"the global_pool '{pool}', as config.json beside it says"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", ["vit_tiny_r_s16_p8_224", "vit_small_r26_s32_224"])
def test_hybrid_of_timm_answers_as_there(name, tmp_path):
    model = randomise(timm.create_model(name, num_classes=NUM_CLASSES, act_layer="gelu_tanh"))
    for module in model.modules():
        if isinstance(module, GroupNormAct):
            module.eps = 1e-6  # as in the original and ours; timm's is 1e-5

    checkpoint, ours, features, logits = compare(model, save(model, tmp_path), 224)

    assert checkpoint.config.resnet is not None
    np.testing.assert_allclose(ours.features, features, atol=HYBRID_TOLERANCE)
    np.testing.assert_allclose(ours.logits, logits, atol=HYBRID_TOLERANCE)


@pytest.mark.parametrize("name", ["mixer_s32_224", "mixer_s16_224"])
def test_mixer_of_timm_answers_as_there(name, tmp_path):
    model = with_tanh(randomise(timm.create_model(name, num_classes=NUM_CLASSES)))

    checkpoint, ours, features, logits = compare(model, save(model, tmp_path), 224)

    assert checkpoint.config.is_mixer
    np.testing.assert_allclose(ours.features, features, atol=PLAIN_TOLERANCE)
    np.testing.assert_allclose(ours.logits, logits, atol=PLAIN_TOLERANCE)


def test_checkpoint_of_torch_is_refused_with_a_command_that_converts_it(tmp_path, monkeypatch):
    model = timm.create_model("vit_tiny_patch16_224", num_classes=NUM_CLASSES)
    torch.save(model.state_dict(), tmp_path / "IN.pth")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Exception, match="those are pickles") as refused:
        load_checkpoint("IN.pth")
    command = str(refused.value).split('python -c "')[1].split('"')[0]
    exec(command, {})  # the command that the message gives to the user

    assert load_checkpoint("OUT.safetensors").config.variant == "Ti/16"
