"""Explains one checkpoint in words: where it comes from, how it was trained, how well it does, what to beware of.

Written for people who never read the paper. Knows the fields of a row and the published facts; decides nothing. A
field that is missing is left out or said to be unknown, so rows of any catalogue can be described.
"""

import dataclasses
import re
from collections.abc import Mapping

from vit_core.catalog.collection import (
    AUGMENTATIONS,
    CITATION,
    LICENCE,
    MODEL_FACTS,
    TRANSFER_SETS,
    label_of,
    pretraining_set,
)
from vit_core.catalog.families import PAPERS, SOURCE, Family, family_of
from vit_core.catalog.family_words import family_caveats, family_facts, family_lineage, family_metrics, family_title
from vit_core.catalog.schema import EXACT, ROUNDED
from vit_core.catalog.timm_tags import TIMM_TAGS

UNKNOWN_TEXT = "not published"
INPUT_SCALING = "RGB, scaled to [-1, 1]: (x - 127.5) / 127.5"
PRETRAINING_RESOLUTION = 224  # of every AugReg pre-training (arXiv 2106.10270, section 3)

Row = Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Description:
    """A checkpoint in words.

    Attributes:
        title: one short line.
        lineage: what it is and what it was trained on, a sentence.
        recipe: how it was trained, a sentence or two.
        caveats: what to beware of, sentences.
        metrics: label, value as text ("50.6 %"), and what to know about the value or None.
        facts: label and text.
        licence: SPDX identifier, or "" if not known.
        citation: of the paper, or "".
    """

    title: str
    lineage: str
    recipe: str
    caveats: tuple[str, ...]
    metrics: tuple[tuple[str, str, str | None], ...]
    facts: tuple[tuple[str, str], ...]
    licence: str
    citation: str


def describe(row: Row) -> Description:
    """Explain a row of a catalogue (a fine-tuned file) or of `pretrained_files` (a pre-trained one).

    Example:
        >>> describe({"name": "B/16", "ds": "i21k", "aug": "medium1", "wd": 0.1, "do": 0.0, "sd": 0.0}).title
        'B/16 · ImageNet-21k · medium1 · wd 0.1 · no dropout'
    """
    family = family_of_row(row)
    if family is not None:
        return _describe_family(family)
    published = _text(row, "source") in ("", "augreg")
    return Description(
        title=title_of(row),
        lineage=_lineage(row),
        recipe=_recipe(row),
        caveats=_caveats(row),
        metrics=_metrics(row),
        facts=_facts(row),
        licence=LICENCE if published else "",
        citation=CITATION if published else "",
    )


def family_of_row(row: Row) -> Family | None:
    """Give the facts of a row of a release beside AugReg, None for a row of any other catalogue."""
    if _text(row, "source") != SOURCE:
        return None
    return family_of(_text(row, "adapt_filename") if is_fine_tuned(row) else _text(row, "filename"))


def title_of(row: Row) -> str:
    """Give the short title of a pre-trained or fine-tuned file.

    Example:
        >>> title_of({"name": "S/16", "ds": "i1k", "adapt_ds": "kitti", "adapt_resolution": 384})
        'S/16 · ImageNet-1k → KITTI distance · 384 px'
    """
    family = family_of_row(row)
    if family is not None:
        return family_title(family)
    parts = [_text(row, "name"), label_of("ds", _text(row, "ds")), _text(row, "aug")]
    weight_decay, dropout, depth = (_number(row, key) for key in ("wd", "do", "sd"))
    parts.append(f"wd {weight_decay:g}" if weight_decay is not None else "")
    if dropout is not None and depth is not None:
        parts.append("no dropout" if not dropout and not depth else f"dropout {max(dropout, depth):g}")
    title = " · ".join(part for part in parts if part)
    if not is_fine_tuned(row):
        return title
    side = _number(row, "adapt_resolution")
    return f"{title} → {label_of('adapt_ds', _text(row, 'adapt_ds'))}" + (f" · {side:.0f} px" if side else "")


def is_fine_tuned(row: Row) -> bool:
    """Tell a fine-tuned file's row from a pre-trained file's."""
    return bool(_text(row, "adapt_ds"))


def percent(value: float | None, *, whole: bool = False) -> str:
    """Write a fraction as per cent, with one decimal, or none where more is not known.

    Example:
        >>> percent(0.506055), percent(0.51, whole=True), percent(None)
        ('50.6 %', '51 %', 'not published')
    """
    if value is None or value != value:
        return UNKNOWN_TEXT
    return f"{100 * value:.0f} %" if whole else f"{100 * value:.1f} %"


def _describe_family(family: Family) -> Description:
    return Description(
        title=family_title(family),
        lineage=family_lineage(family),
        recipe="",
        caveats=family_caveats(family),
        metrics=family_metrics(family),
        facts=family_facts(family),
        licence=family.licence,
        citation=PAPERS[family.paper],
    )


def _lineage(row: Row) -> str:
    name, ds = _text(row, "name"), _text(row, "ds")
    model, upstream = MODEL_FACTS.get(name), pretraining_set(ds)
    kind = {"ViT": "a Vision Transformer", "Hybrid": "a ResNet and Vision Transformer in one"}
    what = f"{name}, {kind[model.family]} ({model.label})" if model else f"{name or 'A model'}"
    on = f"{upstream.label.split(',')[0]}: {upstream.sentence}" if upstream else label_of("ds", ds)
    sentence = f"{what}, pre-trained on {on}" if on else what
    if not is_fine_tuned(row):
        return f"{sentence}."
    adapt_ds = _text(row, "adapt_ds")
    target = TRANSFER_SETS.get(adapt_ds)
    on = f"{target.label} ({target.sentence})" if target else adapt_ds
    steps, side = _number(row, "adapt_steps"), _number(row, "adapt_resolution")
    how = (f" for {steps:,.0f} steps" if steps else "") + (f" at {side:.0f} px" if side else "")
    return f"{sentence}; then fine-tuned on {on}{how}."


def _recipe(row: Row) -> str:
    published = _is_published(row)
    # The words for a level are AugReg's; others may mean something else by its name.
    level = AUGMENTATIONS.get(_text(row, "aug")) if published else None
    weight_decay, dropout, depth = (_number(row, key) for key in ("wd", "do", "sd"))
    parts = []
    if level is not None:
        parts.append(f"altered its images by {level.sentence} (level {_text(row, 'aug')})")
    elif _text(row, "aug"):
        parts.append(f"used augmentation level {_text(row, 'aug')}")
    if weight_decay is not None:
        parts.append(f"held the weights small with weight decay {weight_decay:g}")
    if dropout is not None and depth is not None:
        dropped = dropout or depth
        parts.append(
            f"left out {dropout:.0%} of the activations (dropout) and up to {depth:.0%} of the layers "
            "(stochastic depth) at random".replace("%", " %")
            if dropped
            else "left out no activations or layers (no dropout, no stochastic depth)"
        )
    recipe = f"Pre-training {_listed(parts)}." if parts else "The recipe of the pre-training is not known."
    rate = _number(row, "adapt_lr")
    if is_fine_tuned(row) and rate is not None:
        recipe += (
            f" Fine-tuning: SGD with momentum, learning rate {rate:g}{', crop and flip only' if published else ''}."
        )
    return recipe


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def _caveats(row: Row) -> tuple[str, ...]:
    aug, name = _text(row, "aug"), _text(row, "name")
    caveats = [each for each in re.split(r"(?<=\.) (?=[A-Z])", _text(row, "note")) if each]
    level = AUGMENTATIONS.get(aug)
    if level is not None and level.paper != aug:
        caveats.append(f"{aug} in file names is what the paper calls {level.paper}; light0 is not 'no augmentation'.")
    if name == "B/8" and _text(row, "source") in ("", "augreg"):
        caveats.append("B/8 was fine-tuned at 224 px only, and its speed was not published.")
    if _is_inflated(row) and _number(row, "adapt_final_val") is not None:
        caveats.append(
            "Its ImageNet validation accuracy is too high: ImageNet-21k contains ImageNet's training images, from "
            "which the validation images were taken. Compare test accuracies."
        )
    return tuple(caveats)


def _is_inflated(row: Row) -> bool:
    return _text(row, "adapt_ds") == "imagenet2012" and _text(row, "ds").startswith("i21k")


def _metrics(row: Row) -> tuple[tuple[str, str, str | None], ...]:
    upstream = pretraining_set(_text(row, "ds"))
    rounded = _text(row, "final_val_source") == ROUNDED
    about = []
    if upstream:
        about.append(f"on {upstream.validation}; compare only with files pre-trained on {upstream.label}")
    if rounded:
        about.append("read from figure 4 of the paper, a whole per cent")
    metrics: list[tuple[str, str, str | None]] = [
        ("Upstream accuracy", percent(_number(row, "final_val"), whole=rounded), "; ".join(about) or None)
    ]
    if is_fine_tuned(row):
        target = TRANSFER_SETS.get(_text(row, "adapt_ds"))
        where = label_of("adapt_ds", _text(row, "adapt_ds"))
        validation = _number(row, "adapt_final_val")
        about_it = f"on {target.validation_images:,} images" if target else None
        if _is_inflated(row) and validation is not None:
            about_it = "too high: the images were in the pre-training"
        metrics += [
            (f"Validation accuracy, {where}", percent(validation), about_it),
            (
                f"Test accuracy, {where}",
                percent(_number(row, "adapt_final_test")),
                f"on {target.test_images:,} images" if target else None,
            ),
        ]
    for key in row:
        best = str(key).removeprefix("best_")
        if best != key and best not in ("val", "adapt_test") and (value := _number(row, str(key))) is not None:
            label = f"Best known test accuracy, {label_of('adapt_ds', best)}"
            metrics.append((label, percent(value), "the best of its fine-tunes by test accuracy"))
    return tuple(metrics)


def _facts(row: Row) -> tuple[tuple[str, str], ...]:
    name, filename = _text(row, "name"), _text(row, "filename")
    own = _text(row, "adapt_filename") if is_fine_tuned(row) else filename
    published = _is_published(row)
    side = _number(row, "adapt_resolution") or (PRETRAINING_RESOLUTION if published else None)
    speed, params, size = (_number(row, key) for key in ("infer_samples_per_sec", "params", "size_bytes"))
    model = MODEL_FACTS.get(name)
    facts = [
        ("File", own),
        ("Pre-trained file", filename if own != filename else ""),
        ("Model", f"{name}: {model.label}" if model else name),
        ("Parameters", _count(params, published=published) if params else ""),
        ("File size", f"{size / 1e6:,.{0 if size >= 1e7 else 1}f} MB" if size else ""),
        ("Speed", f"{speed:,.0f} img/s at {side or 0:.0f} px (one V100, timm)" if speed and published else ""),
        ("Input", (f"{side:.0f} × {side:.0f} px, " if side else "") + INPUT_SCALING),
        ("Head", _head(row)),
        ("In timm", TIMM_TAGS.get(own, "") if published else ""),
        ("Upstream accuracy from", _text(row, "final_val_source") if _text(row, "final_val_source") != EXACT else ""),
    ]
    return tuple((label, text) for label, text in facts if text)


def _is_published(row: Row) -> bool:
    return _text(row, "source") in ("", "augreg")


def _count(params: float, *, published: bool) -> str:
    if published:
        return f"{params / 1e6:,.1f} million with 1,000 classes"
    return f"{params / 1e6:,.1f} million" if params >= 1e6 else f"{params:,.0f}"


def _head(row: Row) -> str:
    if is_fine_tuned(row):
        target = TRANSFER_SETS.get(_text(row, "adapt_ds"))
        return f"{target.num_classes:,} classes of {target.label}" if target else ""
    upstream = pretraining_set(_text(row, "ds"))
    # The older gs://vit_models/imagenet21k files have heads of zeros; people expect the same here.
    return f"{upstream.num_classes:,} classes of {upstream.label.split(',')[0]}, trained" if upstream else ""


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None or value != value else str(value)


def _number(row: Row, key: str) -> float | None:
    value = row.get(key)
    if isinstance(value, str) or value is None or value != value:
        return None
    return float(value)  # type: ignore[arg-type]  # numpy's scalars are numbers, too
