"""The grammar of AugReg file names: `B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0--cifar100-…`.

Knows how a name is written and read; does not know which names exist. The part before "--" names a pre-trained
file, the whole a fine-tuned one; the object in the bucket is `NAME.npz`.

Source: arXiv 2106.10270, the collection's `index.csv` and the Colab `vit_jax_augreg.ipynb` of
google-research/vision_transformer.
"""

import dataclasses
import re

from vit_core.errors import BadInput, shorten

# "R26_S_32" cannot be turned back into "R26+S/32" by a rule, hence a table.
MODEL_TOKENS = {
    "Ti_16": "Ti/16",
    "S_32": "S/32",
    "B_16": "B/16",
    "L_16": "L/16",
    "R50_L_32": "R50+L/32",
    "R26_S_32": "R26+S/32",
    "S_16": "S/16",
    "B_32": "B/32",
    "R_Ti_16": "R+Ti/16",
    "B_8": "B/8",
}

# One of the three B/8 files was never named in public. Its rows need a key that nobody can take for a file name.
UNPUBLISHED_NAME = "B_8-i21k-name_not_published"

_NUMBER = r"\d+\.\d+|\d+e-\d+"
_WORD = r"[A-Za-z0-9][A-Za-z0-9_.]*"
_GRAMMAR = re.compile(
    rf"(?P<model>{_WORD})-(?P<ds>{_WORD})-(?P<epochs>\d{{1,6}})ep-lr_(?P<lr>{_NUMBER})-aug_(?P<aug>{_WORD})"
    rf"-wd_(?P<wd>{_NUMBER})-do_(?P<do>{_NUMBER})-sd_(?P<sd>{_NUMBER})"
    rf"(?:--(?P<adapt_ds>{_WORD})-steps_(?P<steps>\d{{1,6}}k)-lr_(?P<adapt_lr>{_NUMBER})-res_(?P<res>\d{{1,5}}))?"
)
_LONGEST = 300


@dataclasses.dataclass(frozen=True)
class CheckpointName:
    """What a file name says about a checkpoint.

    Attributes:
        model: the model as file names spell it, "R26_S_32".
        name: the model as the paper spells it, "R26+S/32".
        ds: pre-training set; "i21k_30" also where the name spells it "i21k-30ep".
        epochs: length of the pre-training.
        lr: peak learning rate of the pre-training.
        aug: augmentation level.
        wd: weight decay.
        do: dropout rate.
        sd: stochastic depth rate.
        adapt_ds: fine-tuning set; None, like the next three, for a pre-trained file.
        adapt_steps_token: steps in thousands, rounded down: "0k" is 500 steps.
        adapt_lr: learning rate of the fine-tuning.
        adapt_resolution: image side in pixels.
        ds_token: the pre-training set as the name spells it, if that differs from `ds`.
    """

    model: str
    name: str
    ds: str
    epochs: int
    lr: float
    aug: str
    wd: float
    do: float
    sd: float
    adapt_ds: str | None = None
    adapt_steps_token: str | None = None
    adapt_lr: float | None = None
    adapt_resolution: int | None = None
    ds_token: str | None = None


def parse_name(text: str) -> CheckpointName:
    """Read a file name, with or without ".npz".

    Raises:
        BadInput: the text is not in the grammar; the message shows a name that is.

    Example:
        >>> parse_name("R26_S_32-i1k-300ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0").name
        'R26+S/32'
    """
    bare = text.removesuffix(".npz")
    match = _GRAMMAR.fullmatch(bare) if len(bare) <= _LONGEST else None
    parsed = _from_match(match) if match else None
    if parsed is None or format_name(parsed) != bare:
        raise BadInput(
            f"{shorten(text)!r} is not an AugReg file name; one reads "
            "'B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0', "
            "followed for a fine-tuned file by '--cifar100-steps_10k-lr_0.003-res_384'."
        )
    return parsed


def format_name(parts: CheckpointName) -> str:
    """Write the file name that `parse_name` reads.

    Example:
        >>> format_name(CheckpointName("B_8", "B/8", "i21k", 300, 0.001, "medium1", 0.1, 0.0, 0.0))
        'B_8-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0'
    """
    upstream = (
        f"{parts.model}-{parts.ds_token or parts.ds}-{parts.epochs}ep-lr_{parts.lr}-aug_{parts.aug}"
        f"-wd_{parts.wd}-do_{parts.do}-sd_{parts.sd}"
    )
    if parts.adapt_ds is None:
        return upstream
    return (
        f"{upstream}--{parts.adapt_ds}-steps_{parts.adapt_steps_token}-lr_{parts.adapt_lr}-res_{parts.adapt_resolution}"
    )


def model_token(name: str) -> str:
    """Spell a model as file names do.

    Example:
        >>> model_token("R26+S/32")
        'R26_S_32'
    """
    return name.replace("/", "_").replace("+", "_")


def model_name(token: str) -> str:
    """Spell a model as the paper does; a token outside AugReg gets the slash before its patch size.

    Example:
        >>> model_name("R26_S_32"), model_name("Nano_4")
        ('R26+S/32', 'Nano/4')
    """
    return MODEL_TOKENS.get(token) or re.sub(r"_(\d+)$", r"/\1", token)


def steps_token(steps: int) -> str:
    """Write a number of steps as file names do: whole thousands, rounded down.

    Example:
        >>> steps_token(500), steps_token(2500)
        ('0k', '2k')
    """
    return f"{steps // 1000}k"


def is_published(filename: str) -> bool:
    """Tell whether a name was published, so that a file of that name can be asked for."""
    return not filename.startswith(UNPUBLISHED_NAME)


def other_spelling(text: str) -> str | None:
    """Give the second way of writing an ImageNet-21k 30-epoch name, or None for all other names.

    The literal second field of these names was never seen in print: it is "i21k_30" or "i21k".

    Example:
        >>> other_spelling("S_16-i21k-30ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0")
        'S_16-i21k_30-30ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0'
    """
    for mine, other in (("-i21k_30-30ep-", "-i21k-30ep-"), ("-i21k-30ep-", "-i21k_30-30ep-")):
        if mine in text:
            return text.replace(mine, other, 1)
    return None


def _from_match(match: re.Match[str]) -> CheckpointName:
    ds, ds_token = match["ds"], None
    if ds == "i21k" and match["epochs"] == "30":
        ds, ds_token = "i21k_30", "i21k"
    return CheckpointName(
        model=match["model"],
        name=model_name(match["model"]),
        ds=ds,
        epochs=int(match["epochs"]),
        lr=float(match["lr"]),
        aug=match["aug"],
        wd=float(match["wd"]),
        do=float(match["do"]),
        sd=float(match["sd"]),
        adapt_ds=match["adapt_ds"],
        adapt_steps_token=match["steps"],
        adapt_lr=float(match["adapt_lr"]) if match["adapt_lr"] else None,
        adapt_resolution=int(match["res"]) if match["res"] else None,
        ds_token=ds_token,
    )
