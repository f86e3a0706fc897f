"""Products of matrices and convolutions, against PyTorch's counter on timm's models."""

import pytest
import timm
import torch
from timm.layers import set_fused_attn
from torch.utils.flop_counter import FlopCounterMode

from vit_core.models.config import VARIANTS
from vit_core.models.cost import FLOPS_PER_MAC, num_products

MODELS = [
    ("Ti/16", "vit_tiny_patch16_224", (224, 384)),
    ("S/32", "vit_small_patch32_224", (224, 384)),
    ("S/16", "vit_small_patch16_224", (224, 384)),
    ("B/32", "vit_base_patch32_224", (224, 384)),
    ("B/16", "vit_base_patch16_224", (224, 384)),
    ("B/8", "vit_base_patch8_224", (224,)),
    ("L/16", "vit_large_patch16_224", (224, 384)),
    ("L/32", "vit_large_patch32_224", (224, 384)),
    ("H/14", "vit_huge_patch14_224", (224,)),
    ("R+Ti/16", "vit_tiny_r_s16_p8_224", (224, 384)),
    ("R26+S/32", "vit_small_r26_s32_224", (224, 384)),
    ("R50+L/32", "vit_large_r50_s32_224", (224, 384)),
    ("R50+B/16", "vit_base_r50_s16_224", (224, 384)),
    ("Mixer-S/32", "mixer_s32_224", (224,)),
    ("Mixer-S/16", "mixer_s16_224", (224,)),
    ("Mixer-B/32", "mixer_b32_224", (224,)),
    ("Mixer-B/16", "mixer_b16_224", (224,)),
    ("Mixer-L/16", "mixer_l16_224", (224,)),
]


@pytest.mark.parametrize(
    ("variant", "name", "resolution"),
    [(variant, name, resolution) for variant, name, resolutions in MODELS for resolution in resolutions],
)
def test_products_are_those_that_pytorch_counts(variant, name, resolution):
    set_fused_attn(enable=False)  # so that its products are seen
    sized = {} if resolution == 224 else {"img_size": resolution}
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=1000, **sized).eval()
        images = torch.zeros(1, 3, resolution, resolution)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(images)

    counted = counter.get_total_flops() / FLOPS_PER_MAC
    assert num_products(VARIANTS[variant].with_resolution(resolution)) == pytest.approx(counted, rel=0.01)
    assert VARIANTS[variant].with_resolution(resolution).num_params == sum(p.numel() for p in model.parameters())
