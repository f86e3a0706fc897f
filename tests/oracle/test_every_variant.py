"""Every variant of the table: a file as it was published, opened by its path alone, answers as timm does.

With two layers in place of the depth, but where the depth is what tells the heads. Files of Google's releases are
written by `save_npz` and read by timm's own loader for them; those that come from PyTorch are timm's own.
"""

import dataclasses
import functools
import json
import re

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from drawn_weights import drawn
from timm.layers import GroupNormAct
from timm.layers.activations import GELUTanh

from vit_core.checkpoints.pixels import IMAGENET, OURS
from vit_core.checkpoints.restore import save_npz
from vit_core.inference.predictor import load_predictor
from vit_core.models.build import unflatten
from vit_core.models.config import VARIANTS

NUM_CLASSES = 21
PLAIN_TOLERANCE = 3e-5  # logits of order 1; timm computes in float64 here, so that rounding is ours alone
HYBRID_TOLERANCE = 1e-4
HYBRIDS = {
    "R+Ti/16": "vit_tiny_r_s16_p8_224",
    "R26+S/32": "vit_small_r26_s32_224",
    "R50+L/32": "vit_large_r50_s32_224",
    "R26+B/32": "vit_base_r26_s32_224",
    "R50+B/16": "vit_base_r50_s16_224",
}
# Of vit_jax/models_mixer.py, in timm's names.
MIXER_NAMES = (
    (r"^stem/", "stem.proj/"),
    (r"^MixerBlock_(\d+)/", r"blocks.\1."),
    (r"LayerNorm_0", "norm1"),
    (r"LayerNorm_1", "norm2"),
    (r"token_mixing/Dense_0", "mlp_tokens.fc1"),
    (r"token_mixing/Dense_1", "mlp_tokens.fc2"),
    (r"channel_mixing/Dense_0", "mlp_channels.fc1"),
    (r"channel_mixing/Dense_1", "mlp_channels.fc2"),
    (r"pre_head_layer_norm", "norm"),
    (r"/(kernel|scale)$", ".weight"),
    (r"/bias$", ".bias"),
)
OF_PYTORCH = [name for name, config in VARIANTS.items() if config.activation == "gelu"]
OF_GOOGLE = [name for name in VARIANTS if name not in OF_PYTORCH]
TOLD_BY_DEPTH = {"timm-S/16", "DeiT3-S/16"}


def shortened(name):
    num_layers = VARIANTS[name].num_layers if name in TOLD_BY_DEPTH else 2
    return dataclasses.replace(VARIANTS[name], num_layers=num_layers, num_classes=NUM_CLASSES)


def vit_of_timm(config, **arguments):
    return timm.create_model(
        "vit_base_patch16_224",
        num_classes=NUM_CLASSES,
        patch_size=config.patch_size,
        embed_dim=config.hidden_size,
        depth=config.num_layers,
        num_heads=config.num_heads,
        mlp_ratio=config.mlp_dim / config.hidden_size + 1e-9,
        class_token=config.classifier == "token",
        global_pool={"token": "token", "gap": "avg", "map": "map"}[config.classifier],
        fc_norm=False,
        **arguments,
    )


def of_google(name, config):
    """Give the model of timm for a file of Google's, without its weights."""
    if config.is_mixer:
        ratios = (config.tokens_mlp_dim / config.hidden_size, config.mlp_dim / config.hidden_size)
        return timm.models.mlp_mixer.MlpMixer(
            num_classes=NUM_CLASSES,
            patch_size=config.patch_size,
            num_blocks=config.num_layers,
            embed_dim=config.hidden_size,
            mlp_ratio=ratios,
            act_layer=GELUTanh,
        )
    if name in HYBRIDS:
        arguments = {"num_classes": NUM_CLASSES, "depth": config.num_layers, "act_layer": "gelu_tanh"}
        model = timm.create_model(HYBRIDS[name], **arguments)
        for module in model.modules():
            if isinstance(module, GroupNormAct):
                module.eps = 1e-6  # as in the original and ours; timm's is 1e-5
        return model
    return vit_of_timm(config, act_layer="gelu_tanh")


def load(model, config, path):
    """Fill a model of timm from a file of Google's; timm reads those of Vision Transformers and hybrids itself."""
    if not config.is_mixer:
        model.load_pretrained(str(path))
        return
    state = {}
    for name, array in np.load(path).items():
        for theirs, timms in MIXER_NAMES:
            name = re.sub(theirs, timms, name)
        turned = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
        state[name] = torch.from_numpy(np.ascontiguousarray(turned))
    model.load_state_dict(state, strict=True)


def of_pytorch(name, config):
    if name != "timm-S/16":
        return vit_of_timm(config, init_values=1.0, no_embed_class=True)
    model = vit_of_timm(config, qkv_bias=False, norm_layer=functools.partial(torch.nn.LayerNorm, eps=config.norm_eps))
    for block in model.blocks:
        block.attn.fused_attn = False  # PyTorch's own attention takes no other scale from here
        block.attn.scale = config.qk_scale
    return model


def randomised(model):
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=random)
            if parameter.ndim >= 2 and name.endswith("weight"):
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.add_(0.1 * noise)
    return model


def check(path, model, config, tolerance, *, scaling=OURS):
    predictor = load_predictor(path, device="cpu")

    pixels = np.random.default_rng(1).uniform(-1, 1, size=(1, 224, 224, 3)).astype(np.float32)
    theirs = ((pixels.astype(float) + 1) / 2 - scaling.mean) / scaling.deviation
    with torch.inference_mode():
        expected = model.double().eval()(torch.from_numpy(theirs.transpose(0, 3, 1, 2))).numpy()
    assert predictor.config == config
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(predictor.logits(pixels), expected, atol=tolerance)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", OF_GOOGLE)
def test_published_file_answers_as_timm_by_its_path_alone(name, tmp_path):
    config, path = shortened(name), tmp_path / "model.npz"
    save_npz(path, config, unflatten(drawn(config)))
    model = of_google(name, config)
    load(model, config, path)

    check(path, model, config, HYBRID_TOLERANCE if name in HYBRIDS else PLAIN_TOLERANCE)


@pytest.mark.parametrize("name", OF_PYTORCH)
def test_file_of_timm_answers_as_timm_by_its_path_alone(name, tmp_path):
    config = shortened(name)
    model = randomised(of_pytorch(name, config))
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({key: array.contiguous() for key, array in model.state_dict().items()}, path)
    if name not in TOLD_BY_DEPTH:
        told = {"model_args": {"num_heads": config.num_heads}, "pretrained_cfg": {"tag": "fb_in1k"}}
        (tmp_path / "config.json").write_text(json.dumps(told))

    check(path, model, config, PLAIN_TOLERANCE, scaling=IMAGENET if name in TOLD_BY_DEPTH else OURS)
