"""The AugReg files that timm distributes too, under its own names: a way to the weights where the bucket is closed.

timm chose by ImageNet and ImageNet-V2 test accuracy, so its choice is not always the file that the authors recommend.

Source: the `url` fields of timm 1.0.31 (Apache-2.0), `vision_transformer.py` and `vision_transformer_hybrid.py`.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class _Family:
    """One pre-trained file in timm.

    Attributes:
        filename: the pre-trained file.
        architecture: timm's name without the resolution.
        pretrained: whether timm has the pre-trained file itself.
        learning_rates: of its ImageNet fine-tunes in timm, by resolution.
    """

    filename: str
    architecture: str
    pretrained: bool
    learning_rates: dict[int, float]


_FAMILIES = (
    _Family(
        "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0", "vit_tiny_patch16", True, {224: 0.03, 384: 0.03}
    ),
    _Family(
        "S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.03-do_0.0-sd_0.0", "vit_small_patch32", True, {224: 0.03, 384: 0.03}
    ),
    _Family(
        "S_16-i21k-300ep-lr_0.001-aug_light1-wd_0.03-do_0.0-sd_0.0", "vit_small_patch16", True, {224: 0.03, 384: 0.03}
    ),
    _Family("B_32-i21k-300ep-lr_0.001-aug_medium1-wd_0.03-do_0.0-sd_0.0", "vit_base_patch32", True, {224: 0.03}),
    _Family("B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0", "vit_base_patch32", False, {384: 0.03}),
    _Family(
        "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0", "vit_base_patch16", True, {224: 0.01, 384: 0.01}
    ),
    _Family("B_8-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0", "vit_base_patch8", True, {224: 0.01}),
    _Family(
        "L_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.1-sd_0.1", "vit_large_patch16", True, {224: 0.01, 384: 0.01}
    ),
    _Family(
        "R_Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0", "vit_tiny_r_s16_p8", True, {224: 0.03, 384: 0.03}
    ),
    _Family("R26_S_32-i21k-300ep-lr_0.001-aug_light0-wd_0.03-do_0.1-sd_0.1", "vit_small_r26_s32", False, {224: 0.03}),
    _Family("R26_S_32-i21k-300ep-lr_0.001-aug_medium2-wd_0.03-do_0.0-sd_0.0", "vit_small_r26_s32", True, {384: 0.03}),
    _Family("R50_L_32-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.1-sd_0.1", "vit_large_r50_s32", False, {224: 0.01}),
    _Family("R50_L_32-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0", "vit_large_r50_s32", True, {384: 0.01}),
    _Family(
        "S_16-i1k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0", "vit_small_patch16", False, {224: 0.01, 384: 0.01}
    ),
    _Family(
        "B_32-i1k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.1-sd_0.1", "vit_base_patch32", False, {224: 0.01, 384: 0.01}
    ),
    _Family(
        "B_16-i1k-300ep-lr_0.001-aug_strong2-wd_0.1-do_0.1-sd_0.1", "vit_base_patch16", False, {224: 0.01, 384: 0.01}
    ),
)


def _tags(family: _Family) -> dict[str, str]:
    ending = "augreg_in21k_ft_in1k" if "-i21k-" in family.filename else "augreg_in1k"
    tags = {family.filename: f"{family.architecture}_224.augreg_in21k"} if family.pretrained else {}
    for resolution, rate in family.learning_rates.items():
        name = f"{family.filename}--imagenet2012-steps_20k-lr_{rate}-res_{resolution}"
        tags[name] = f"{family.architecture}_{resolution}.{ending}"
    return tags


TIMM_TAGS: dict[str, str] = {name: tag for family in _FAMILIES for name, tag in _tags(family).items()}
