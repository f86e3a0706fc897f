"""The settings of a fine-tuning run for people: label, explanation, range. The values are in `config`. No JAX here.

The command line's flags and the page's form are made from `FIELDS`, so that a setting is explained in one place.
"""

import dataclasses
import types
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Field:
    """One setting, for people.

    Attributes:
        label: what a form calls it.
        help: one sentence; what it does and when to change it.
        least: smallest value, for numbers.
        most: largest value, for numbers.
        open_ended: whether `least` itself is not allowed.
        choices: the values of a choice, with a phrase for each.
        basic: shown without unfolding "advanced".
    """

    label: str
    help: str
    least: float | int | None = None
    most: float | int | None = None
    open_ended: bool = False
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    basic: bool = False


_AUG_CHOICES = types.MappingProxyType(
    {
        "none": "none: crop and mirror only, as in the published fine-tunes",
        "light0": "light0: RandAugment 2 operations at magnitude 0",
        "light1": "light1: RandAugment 2 at 10, Mixup 0.2",
        "medium1": "medium1: RandAugment 2 at 15, Mixup 0.2",
        "medium2": "medium2: RandAugment 2 at 15, Mixup 0.5",
        "strong1": "strong1: RandAugment 2 at 20, Mixup 0.5",
        "strong2": "strong2: RandAugment 2 at 20, Mixup 0.8",
    }
)

FIELDS: Mapping[str, Field] = types.MappingProxyType(
    {
        "checkpoint": Field("Checkpoint", "A name in the catalogue, a file, or run:NAME, to start from.", basic=True),
        "resolution": Field(
            "Resolution (px)",
            "Side of the square the model sees; larger sees more detail and costs more than its square.",
            least=16,
            most=1024,
            basic=True,
        ),
        "total_steps": Field(
            "Steps",
            "Updates of the weights; each sees one batch. More steps help large sets and overfit tiny ones.",
            least=1,
            most=1_000_000,
            basic=True,
        ),
        "batch": Field(
            "Batch (images)",
            "Images per update. The published fine-tunes used 512; small sets want fewer.",
            least=1,
            most=65_536,
            basic=True,
        ),
        "learning_rate": Field(
            "Learning rate",
            "Highest step size, reached after the warm-up; too high diverges, too low learns nothing.",
            least=0.0,
            most=10.0,
            open_ended=True,
            basic=True,
        ),
        "warmup_steps": Field(
            "Warm-up steps",
            "Updates in which the learning rate rises from 0, so that the new head does not wreck the old weights.",
            least=0,
            most=1_000_000,
        ),
        "optimizer": Field(
            "Optimizer",
            "SGD with momentum 0.9 is what the paper fine-tuned with; AdamW wants about a 30th of the learning rate.",
            choices=types.MappingProxyType(
                {"sgd": "SGD, momentum 0.9 (as published)", "adamw": "AdamW, decoupled weight decay"}
            ),
        ),
        "weight_decay": Field(
            "Weight decay",
            "Pull of the kernels towards 0, times the learning rate; the published fine-tunes used none.",
            least=0.0,
            most=1.0,
        ),
        "trainable": Field(
            "What is trained",
            '"all"; "head" the new head alone, on features computed once; "last-4" the last four blocks and the head.',
        ),
        "aug": Field(
            "Augmentation",
            "Extra distortion of the training images by the levels of the paper; for larger sets and longer runs.",
            choices=_AUG_CHOICES,
        ),
        "crop": Field(
            "Crop",
            "A random part of each training image, as in the original recipe, or the whole, as in evaluation.",
            choices=types.MappingProxyType(
                {"inception": "random part (as published)", "resize": "the whole image, always"}
            ),
        ),
        "min_crop_area": Field(
            "Smallest crop",
            "Share of an image that a random part keeps at least; raise it where a part no longer shows the class.",
            least=0.01,
            most=1.0,
        ),
        "mirror": Field(
            "Mirror", "Swap left and right at random; switch it off where the side matters, as in writing."
        ),
        "label_smoothing": Field(
            "Label smoothing",
            "Share of each target spread over all classes; helps with noisy labels.",
            least=0.0,
            most=0.9,
        ),
        "class_weights": Field(
            "Class weights",
            "Whether a rare class counts as much as a frequent one.",
            choices=types.MappingProxyType(
                {"none": "every image counts the same", "balanced": "every class counts the same"}
            ),
        ),
        "dropout": Field(
            "Dropout",
            "Share of activations blanked while training; off in the published fine-tunes.",
            least=0.0,
            most=0.9,
        ),
        "stochastic_depth": Field(
            "Stochastic depth",
            "Chance that the last block is skipped while training, less for earlier ones; off as published.",
            least=0.0,
            most=0.9,
        ),
        "clip_norm": Field(
            "Gradient clip",
            "Longest gradient; a longer one is shortened to it. 0 switches it off.",
            least=0.0,
            most=1000.0,
        ),
        "ema_decay": Field(
            "Averaging",
            "Decay of a running average of the weights that is tested and kept, 0.999 say; 0 is off.",
            least=0.0,
            most=0.99999,
        ),
        "early_stop": Field(
            "Early stop", "End after this many tests without a better accuracy; 0 never ends early.", least=0, most=1000
        ),
        "eval_every": Field(
            "Test every (steps)", "Steps between tests; 0 tests about ten times a run.", least=0, most=1_000_000
        ),
        "checkpoint_every": Field(
            "Save every (steps)", "Steps between saved states; 0 saves at each test.", least=0, most=1_000_000
        ),
        "accum_steps": Field(
            "Parts per batch",
            "A batch is computed in this many parts, with the same result in less memory.",
            least=1,
            most=4096,
        ),
        "remat": Field(
            "Recompute", "Compute activations twice instead of keeping them: a third more time, far less memory."
        ),
        "num_heads": Field(
            "Attention heads",
            "Of a checkpoint whose file does not tell them; 0 takes what the file, or what lies beside it, tells.",
            least=0,
            most=128,
        ),
        "seed": Field("Seed", "Decides the order of the images and all random choices.", least=0, most=2**31 - 1),
    }
)
