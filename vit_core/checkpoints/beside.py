"""What a `config.json` beside a file from PyTorch tells of the model: what its arrays cannot show.

timm writes it with every model on the Hugging Face Hub, transformers with every model. A `NAME.json` beside the file
NAME tells, before it, how many attention heads the model has. Knows their keys and which of
timm's weights Google trained; a file that cannot be read is said so and otherwise passed over.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, Literal

from vit_core.checkpoints.pixels import Scaling, read_scaling
from vit_core.errors import BadCheckpoint, shorten

CONFIG_FILE = "config.json"
OWN_SUFFIX = ".json"  # after the name of a file of weights: what a person told of that file, as {"num_heads": 12}
PICTURES_FILE = "preprocessor_config.json"  # of transformers
_MAX_BYTES = 20_000_000

Activation = Literal["gelu_tanh", "gelu"]
MIXER_CROP = 0.875  # `crop_pct` of timm's Mixers, which the way "crop" of pictures here follows
_TANH: Activation = "gelu_tanh"
_EXACT: Activation = "gelu"
# timm/layers/create_act.py; transformers/activations.py, ACT2FN.
_ACTIVATIONS: dict[str, Activation] = {
    "gelu": _EXACT,
    "gelu_tanh": _TANH,
    "gelu_pytorch_tanh": _TANH,
    "gelu_new": _TANH,
    "gelu_fast": _TANH,
    "gelu_python": _EXACT,
}
# First words of the tags of timm's weights that were converted from Google's files (timm/models/vision_transformer.py
# and mlp_mixer.py, `default_cfgs`); Flax's GELU is the tanh form. "augreg2" was trained in timm itself. FlexiViT is
# "300ep" to "patch30", SigLIP "webli", SigLIP 2 "v2", the towers of PaliGemma "pali" and "pali2".
_OF_GOOGLE = frozenset(
    {"augreg", "orig", "sam", "gsam", "goog"}
    | {"300ep", "600ep", "1200ep", "1000ep", "patch16", "patch30"}
    | {"webli", "v2", "pali", "pali2"}
)


@dataclasses.dataclass(frozen=True)
class Told:
    """What is known beside the arrays; None where it is not told.

    Attributes:
        activation: between the layers of an MLP.
        norm_eps: of every LayerNorm.
        num_heads: of the attention.
        pool: what the head reads, in timm's words: "token", "avg", "map", or what ours has not.
        scaling: of the pixels.
        guess: where the activation is taken from who trained the model, or is not told at all: a sentence on that.
        notes: further sentences on what was decided, and why.
    """

    activation: Activation | None = None
    norm_eps: float | None = None
    num_heads: int | None = None
    pool: str | None = None
    scaling: Scaling | None = None
    guess: str = ""
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person has to know: the guess, if there is one, and the notes."""
        return (self.guess, *self.notes) if self.guess else self.notes

    def without_guess(self) -> "Told":
        """Give the same without an activation that is not told in so many words."""
        return dataclasses.replace(self, activation=None, guess="") if self.guess else self


def read_beside(path: Path, *, origin: Literal["google", "timm", "transformers"]) -> Told:
    """Read what lies beside a file of weights.

    Args:
        path: of the weights.
        origin: the library whose layers the file was written for.

    Raises:
        BadCheckpoint: the model is told to have an activation that ours has not, or pixels that none can have. Goes on
            from "The file …".
    """
    if origin == "google":
        return Told()
    fields, notes = _read(path.with_name(CONFIG_FILE))
    own, more_notes = _read(path.with_name(path.name + OWN_SUFFIX))
    notes += more_notes
    if origin == "timm":
        told = _of_timm(fields)
    else:
        pictures, more = _read(path.with_name(PICTURES_FILE))
        told, notes = _of_transformers(fields, pictures), notes + more
    heads = _count(own.get("num_heads")) or told.num_heads
    return dataclasses.replace(told, num_heads=heads, notes=notes + told.notes)


def class_names(path: Path, num_classes: int) -> tuple[str, ...] | None:
    """Give the class names that the `config.json` beside a file of weights has, or None where it has none that fit.

    Args:
        path: of the weights.
        num_classes: width of the classifier.
    """
    fields, _ = _read(path.with_name(CONFIG_FILE))
    weights = _weights(fields)
    ours = fields.get("label_names", weights.get("label_names", weights.get("labels")))
    by_number = _object(fields.get("id2label"))
    names = [by_number.get(str(index)) for index in range(num_classes)] if by_number else ours
    if not isinstance(names, list) or len(names) != num_classes:
        return None
    # "LABEL_7" is what transformers writes where nobody named the classes.
    if not all(isinstance(name, str) and name and name != f"LABEL_{index}" for index, name in enumerate(names)):
        return None
    return tuple(names)


def _of_timm(fields: dict[str, Any]) -> Told:
    arguments, weights = _object(fields.get("model_args")), _weights(fields)
    pool = arguments.get("global_pool", fields.get("global_pool"))
    told = Told(
        num_heads=_count(arguments.get("num_heads")),
        pool=pool if isinstance(pool, str) and pool else None,
        scaling=read_scaling(weights.get("mean"), weights.get("std"), where=CONFIG_FILE),
        notes=_crop_notes(weights),
    )
    if "act_layer" in arguments:
        return dataclasses.replace(told, activation=_activation(arguments["act_layer"]))
    tag = weights.get("tag")
    if not isinstance(tag, str) or not tag:
        return dataclasses.replace(told, guess=_UNTOLD)
    is_google = tag.split("_")[0] in _OF_GOOGLE
    guess = (_GOOGLE if is_google else _OTHERS).format(shorten(tag, 40))
    return dataclasses.replace(told, activation=_TANH if is_google else _EXACT, guess=guess)


def _weights(fields: dict[str, Any]) -> dict[str, Any]:
    """Give what timm tells of the weights: before its version 0.8 everything stood at the top (timm/models/_hub.py)."""
    return _object(fields["pretrained_cfg"]) if "pretrained_cfg" in fields else fields


_GOOGLE = (
    "Computed with the tanh form of GELU, with which Google trained these weights ({}); where timm takes the exact "
    "form, its answers differ a little."
)
_OTHERS = (
    "Computed with the exact form of GELU, which PyTorch trains with, since these weights ({}) are not known to be "
    "Google's; if they were trained with the tanh form, the answers differ a little."
)
_UNTOLD = (
    "Nothing beside the file tells its GELU: the tanh form is taken, with which Google trained. For weights trained in "
    "PyTorch put timm's config.json, with its tag, beside the file."
)


def _of_transformers(fields: dict[str, Any], pictures: dict[str, Any]) -> Told:
    eps = fields.get("layer_norm_eps", 1e-12)
    plausible = isinstance(eps, float) and 0 < eps < 1
    activation = _activation(fields.get("hidden_act", "gelu"))
    return Told(
        activation,
        norm_eps=eps if plausible else 1e-12,
        num_heads=_count(fields.get("num_attention_heads")),
        scaling=_scaling_of_transformers(pictures),
        notes=(_AS_TRANSFORMERS,) if activation == _EXACT else (),
    )


# Who trained decides for timm only where no form is told. transformers always tells one, as timm does by `act_layer`,
# and not who trained last: a fine-tune in PyTorch keeps the name of Google's model.
_AS_TRANSFORMERS = (
    "Computed with the exact form of GELU, as transformers does; weights as Google trained them (google/vit-…) are "
    "made for the tanh form, and their answers differ a little from the original's."
)


def _activation(told: object) -> Activation:
    name = _ACTIVATIONS.get(told) if isinstance(told, str) else None
    if name is None:
        raise BadCheckpoint(
            f"has the activation {shorten(str(told), 40)!r}, as {CONFIG_FILE} beside it says; Vision Transformers here "
            "have GELU."
        )
    return name


def _scaling_of_transformers(pictures: dict[str, Any]) -> Scaling | None:
    """Read what the image processor does: bytes times a factor, 1/255 unless told, less the mean, by the deviation."""
    factor = 1.0 if pictures.get("do_rescale") is False else pictures.get("rescale_factor", 1 / 255)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1e-6 < factor < 1e6:
        raise BadCheckpoint(
            f"has a rescale_factor of {shorten(str(factor), 40)!r} in {PICTURES_FILE} beside it, which is none."
        )
    mean, deviation = pictures.get("image_mean"), pictures.get("image_std")
    if pictures.get("do_normalize") is False:
        mean, deviation = 0.0, 1.0
    return read_scaling(mean, deviation, where=PICTURES_FILE, white=255 * factor)


def _crop_notes(weights: dict[str, Any]) -> tuple[str, ...]:
    """Say where timm prepares pictures as neither of the ways here does: the whole picture, or timm's usual middle."""
    size, share = weights.get("input_size"), weights.get("crop_pct")
    side = size[1] if isinstance(size, list) and len(size) == 3 and type(size[1]) is int else 224
    squeezed = weights.get("crop_mode") == "squash" and share in (None, 1.0)
    usual = share in (None, 0.9 if side < 384 else 1.0, MIXER_CROP) and weights.get("crop_mode") in (None, "center")
    way = weights.get("interpolation")
    if (squeezed and way in (None, "bilinear")) or (usual and way in (None, "bicubic")):
        return ()
    told = ", ".join(
        shorten(f"{key} {weights[key]}", 40) for key in ("crop_pct", "crop_mode", "interpolation") if key in weights
    )
    return (f"timm prepares pictures for this model in a way of its own ({told}); here they are prepared as always.",)


def _count(value: object) -> int | None:
    return value if type(value) is int and value > 0 else None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        if not path.is_file():
            return {}, ()
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is too large")
        return _object(json.loads(path.read_text(encoding="utf-8"))), ()
    except (OSError, ValueError, RecursionError) as error:
        reason = shorten(getattr(error, "strerror", None) or str(error), 80)
        return {}, (f"The {CONFIG_FILE} beside the file cannot be read and was left out: {reason}.",)
