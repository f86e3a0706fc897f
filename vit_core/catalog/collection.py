"""What is known of the AugReg collection itself: its models, data sets, augmentation levels and recommendations.

Holds published facts as tables, each with its source; computes nothing. Everything here may be missing for a
checkpoint of another catalogue, so readers use `.get`.
"""

import dataclasses
from collections.abc import Mapping

LICENCE = "Apache-2.0"
CITATION = (
    "A. Steiner, A. Kolesnikov, X. Zhai, R. Wightman, J. Uszkoreit, L. Beyer: How to train your ViT? Data, "
    "Augmentation, and Regularization in Vision Transformers. TMLR 2022, arXiv:2106.10270."
)


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """One of the ten architectures.

    Attributes:
        name: as in the index, "R26+S/32".
        family: "ViT", or "Hybrid" where a ResNet makes the patches.
        label: words for the name.
        order: rank by size, for axes and lists.
        width: number of features that the head reads.
        backbone_params: parameters without the head, by resolution in pixels.
        timm: name of the architecture in timm, to be followed by "_224" or "_384".
    """

    name: str
    family: str
    label: str
    order: int
    width: int
    backbone_params: Mapping[int, int]
    timm: str


# Counted from the shapes of the published layout; with a 1000-class head they agree with the index (rounded to
# 10,000 there), and with a 21,843-class head times 4 bytes with the file sizes in the original's README.
MODEL_FACTS: dict[str, ModelFacts] = {
    facts.name: facts
    for facts in (
        ModelFacts("Ti/16", "ViT", "Tiny, 16 px patches", 0, 192, {224: 5_524_416, 384: 5_597_376}, "vit_tiny_patch16"),
        ModelFacts(
            "R+Ti/16",
            "Hybrid",
            "ResNet stem + Tiny",
            1,
            192,
            {224: 6_144_704, 384: 6_162_944},
            "vit_tiny_r_s16_p8",
        ),
        ModelFacts(
            "S/32", "ViT", "Small, 32 px patches", 2, 384, {224: 22_493_952, 384: 22_530_432}, "vit_small_patch32"
        ),
        ModelFacts(
            "S/16", "ViT", "Small, 16 px patches", 3, 384, {224: 21_665_664, 384: 21_811_584}, "vit_small_patch16"
        ),
        ModelFacts(
            "R26+S/32", "Hybrid", "ResNet-26 + Small", 4, 384, {224: 36_046_912, 384: 36_083_392}, "vit_small_r26_s32"
        ),
        ModelFacts(
            "B/32", "ViT", "Base, 32 px patches", 5, 768, {224: 87_455_232, 384: 87_528_192}, "vit_base_patch32"
        ),
        ModelFacts(
            "B/16", "ViT", "Base, 16 px patches", 6, 768, {224: 85_798_656, 384: 86_090_496}, "vit_base_patch16"
        ),
        ModelFacts("B/8", "ViT", "Base, 8 px patches", 7, 768, {224: 85_807_872}, "vit_base_patch8"),
        ModelFacts(
            "L/16", "ViT", "Large, 16 px patches", 8, 1024, {224: 303_301_632, 384: 303_690_752}, "vit_large_patch16"
        ),
        ModelFacts(
            "R50+L/32",
            "Hybrid",
            "ResNet-50 + Large",
            9,
            1024,
            {224: 327_969_856, 384: 328_067_136},
            "vit_large_r50_s32",
        ),
    )
}


@dataclasses.dataclass(frozen=True)
class PretrainingSet:
    """A data set that models were pre-trained on.

    Attributes:
        label: words for the code.
        epochs: length of the pre-training, 0 where files differ.
        num_classes: width of the pre-trained head.
        sentence: what it is, for people who never read the paper.
        validation: what `final_val` was measured on.
    """

    label: str
    epochs: int
    num_classes: int
    sentence: str
    validation: str


PRETRAINING_SETS: dict[str, PretrainingSet] = {
    "i21k": PretrainingSet(
        "ImageNet-21k",
        300,
        21_843,
        "14 million images of 21,843 classes, seen 300 times",
        "102,400 images of ImageNet-21k",
    ),
    "i21k_30": PretrainingSet(
        "ImageNet-21k, 30 epochs",
        30,
        21_843,
        "14 million images of 21,843 classes, seen 30 times",
        "102,400 images of ImageNet-21k",
    ),
    "i1k": PretrainingSet(
        "ImageNet-1k",
        300,
        1000,
        "1.3 million images of 1,000 classes, seen 300 times",
        "12,812 images kept out of ImageNet-1k's training set",
    ),
}

# Of the releases beside AugReg, whose lengths and recipes differ; their upstream accuracies were not published.
OTHER_SETS: dict[str, PretrainingSet] = {
    "imagenet21k": PretrainingSet(
        "ImageNet-21k, other recipes", 0, 21_843, "14 million images of 21,843 classes", "images of ImageNet-21k"
    ),
    "imagenet2012": PretrainingSet(
        "ImageNet-1k, other recipes", 0, 1000, "1.3 million images of 1,000 classes", "ImageNet's 50,000 images"
    ),
}


def pretraining_set(code: str) -> PretrainingSet | None:
    """Give a set that models were pre-trained on, AugReg's or another release's; None for any other code.

    Example:
        >>> pretraining_set("imagenet2012").num_classes
        1000
    """
    return PRETRAINING_SETS.get(code) or OTHER_SETS.get(code)


@dataclasses.dataclass(frozen=True)
class TransferSet:
    """A data set that models were fine-tuned on; image counts are of the splits the numbers were measured on."""

    label: str
    num_classes: int
    validation_images: int
    test_images: int
    sentence: str


TRANSFER_SETS: dict[str, TransferSet] = {
    "imagenet2012": TransferSet("ImageNet-1k", 1000, 12_812, 50_000, "photographs of 1,000 kinds of things"),
    "cifar100": TransferSet("CIFAR-100", 100, 1_000, 10_000, "32 px pictures of 100 kinds of things"),
    "resisc45": TransferSet("RESISC45", 45, 6_300, 6_300, "aerial views of 45 kinds of land use"),
    "oxford_iiit_pet": TransferSet("Oxford-IIIT Pets", 37, 368, 3_669, "37 breeds of cats and dogs"),
    "kitti": TransferSet("KITTI distance", 4, 423, 711, "how far away the nearest vehicle is, in 4 steps"),
}


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """An augmentation level: RandAugment with `layers` operations of strength `magnitude`, then Mixup.

    Attributes:
        layers: image operations in a row.
        magnitude: strength of each, on RandAugment's scale.
        mixup: Mixup's parameter; 0 mixes nothing.
        paper: the same level's name in the paper's text; the light levels are shifted by one against the files.
        sentence: what it does.
    """

    layers: int
    magnitude: int
    mixup: float
    paper: str
    sentence: str


# arXiv 2106.10270, section 3.4, and big_vision's config; index light1 is the paper's light2: the accuracies of
# the paper's table 6 and of the index agree only with this shift.
AUGMENTATIONS: dict[str, Augmentation] = {
    "none": Augmentation(0, 0, 0.0, "none", "crop and flip only"),
    "light0": Augmentation(2, 0, 0.0, "light1", "RandAugment with 2 operations at magnitude 0, no Mixup"),
    "light1": Augmentation(2, 10, 0.2, "light2", "RandAugment with 2 operations at magnitude 10, Mixup 0.2"),
    "medium1": Augmentation(2, 15, 0.2, "medium1", "RandAugment with 2 operations at magnitude 15, Mixup 0.2"),
    "medium2": Augmentation(2, 15, 0.5, "medium2", "RandAugment with 2 operations at magnitude 15, Mixup 0.5"),
    "strong1": Augmentation(2, 20, 0.5, "strong1", "RandAugment with 2 operations at magnitude 20, Mixup 0.5"),
    "strong2": Augmentation(2, 20, 0.8, "strong2", "RandAugment with 2 operations at magnitude 20, Mixup 0.8"),
}

# The list in the README of google-research/vision_transformer and in its Colab `vit_jax_augreg.ipynb`.
RECOMMENDED: tuple[str, ...] = (
    "R_Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0",
    "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0",
    "S_32-i21k-300ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0",
    "S_16-i21k-300ep-lr_0.001-aug_light1-wd_0.03-do_0.0-sd_0.0",
    "R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0",
    "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0",
    "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0",
    "L_16-i21k-300ep-lr_0.001-aug_strong1-wd_0.1-do_0.0-sd_0.0",
    "R50_L_32-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.1-sd_0.1",
    "B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0",
)

# The fine-tune that the same Colab lists for each: the best by validation accuracy on ImageNet.
RECOMMENDED_FINE_TUNES: dict[str, str] = {
    name: f"imagenet2012-steps_20k-lr_{lr}-res_{224 if name.startswith('B_8') else 384}"
    for name, lr in zip(RECOMMENDED, (0.03, 0.03, 0.01, 0.03, 0.01, 0.01, 0.03, 0.01, 0.01, 0.03), strict=True)
}

NO_DROPOUT = "none"
DROPOUT = "dropout + stochastic depth"

VALUE_LABELS: dict[str, dict[str, str]] = {
    "name": {name: f"{name} ({facts.label})" for name, facts in MODEL_FACTS.items()},
    "ds": {code: facts.label for code, facts in (PRETRAINING_SETS | OTHER_SETS).items()},
    "adapt_ds": {code: facts.label for code, facts in TRANSFER_SETS.items()},
    "aug": {code: f"{code}: {facts.sentence}" for code, facts in AUGMENTATIONS.items()},
    "family": {
        "ViT": "ViT (patches only)",
        "Hybrid": "Hybrid (a ResNet makes the patches)",
        "Mixer": "MLP-Mixer (no attention)",
    },
    "regularisation": {NO_DROPOUT: "no dropout", DROPOUT: "dropout 0.1 + stochastic depth 0.1"},
}


def label_of(column: str, value: object) -> str:
    """Give the words for a code; a code outside AugReg is its own label.

    Example:
        >>> label_of("ds", "i21k_30"), label_of("adapt_ds", "my flowers")
        ('ImageNet-21k, 30 epochs', 'my flowers')
    """
    text = str(value)
    return VALUE_LABELS.get(column, {}).get(text, text)
