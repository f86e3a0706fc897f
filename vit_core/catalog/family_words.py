"""Explains a file of a release beside AugReg: title, lineage, what to beware of, figures with their sources."""

from vit_core.catalog.collection import OTHER_SETS, label_of
from vit_core.catalog.families import Family

MEASURED_BY_OTHERS = (
    "Accuracies of other releases were not measured as AugReg's were: others looked at another part of the picture, "
    "resized it in another way, or used a conversion of the file. A difference of half a point means nothing."
)
SCALINGS = {
    "": "RGB, scaled to [-1, 1]: (x - 127.5) / 127.5",
    "imagenet": "trained on pixels scaled by ImageNet's means and standard deviations; here pictures go in as RGB in "
    "[-1, 1], (x - 127.5) / 127.5, which is worked into the first layer",
}
ZEROED_HEAD = "21,843 outputs that were set to zero before it was published; a new head is learned in fine-tuning"


def family_title(family: Family) -> str:
    """Give a short title.

    Example:
        >>> from vit_core.catalog.families import families
        >>> family_title(families()["gs://vit_models/sam/ViT-B_16.npz"])
        'B/16 · SAM · ImageNet-1k · 224 px'
    """
    upstream = _short_set(family)
    told = family.release.startswith(upstream)
    parts = (family.architecture, family.release, family.label, "" if told else upstream)
    title = " · ".join(part for part in parts if part)
    target = f" → {label_of('adapt_ds', family.adapt_ds)}" if family.adapt_ds else ""
    return f"{title}{target} · {family.resolution} px"


def family_lineage(family: Family) -> str:
    """Say what it is and what it was trained on, in a sentence."""
    upstream = OTHER_SETS.get(family.ds)
    kind = "an MLP-Mixer" if family.architecture.startswith("Mixer") else "a Vision Transformer"
    kind = "a ResNet and Vision Transformer in one" if "+" in family.architecture else kind
    label = f", {family.label}" if family.label else ""
    of = f"{family.architecture}, {kind} of the release {family.release}{label}"
    on = f", trained on {_short_set(family)}: {upstream.sentence}" if upstream else ""
    length = f", seen {family.epochs:g} times" if family.epochs else ""
    if not family.adapt_ds:
        return f"{of}{on}{length}."
    return f"{of}{on}{length}; then fine-tuned on {label_of('adapt_ds', family.adapt_ds)} at {family.resolution} px."


def family_caveats(family: Family) -> tuple[str, ...]:
    """Say what to beware of, in sentences."""
    return (*((family.note,) if family.note else ()), *((MEASURED_BY_OTHERS,) if family.top1 is not None else ()))


def family_metrics(family: Family) -> tuple[tuple[str, str, str | None], ...]:
    """Give the accuracies: label, value and what to know about it."""
    if family.head != "kept" or family.classes != 1000:
        return ()
    crop = "" if family.crop is None else f"; {_crop_words(family.crop)}"
    about = f"{family.accuracy_source}{crop}" if family.top1 is not None else None
    top1 = ("Top-1 accuracy, ImageNet-1k", _percent(family.top1, family.digits), about)
    return (top1, ("Top-5 accuracy, ImageNet-1k", _percent(family.top5, family.digits), None))


def family_facts(family: Family) -> tuple[tuple[str, str], ...]:
    """Give label and text of everything else."""
    facts = (
        ("File", family.name),
        ("Pre-trained file", family.pretrained if family.pretrained != family.name else ""),
        ("Release", family.release),
        ("Parameters", f"{family.params:,}, counted from the architecture"),
        ("File size", f"{family.size_bytes / 1e6:,.0f} MB ({_size_words(family)})"),
        ("Input", f"{family.resolution} × {family.resolution} px, {SCALINGS[family.scaling]}"),
        ("Head", head_words(family)),
        ("On the Hugging Face Hub", f"{family.hub}: {family.hub_difference}" if family.hub else ""),
    )
    return tuple((label, text) for label, text in facts if text)


def head_words(family: Family) -> str:
    """Say what the last layer gives.

    Example:
        >>> from vit_core.catalog.families import families
        >>> head_words(families()["hf:timm/vit_base_patch16_224.orig_in21k"])
        'none: features and fine-tuning only'
    """
    if family.head == "zeroed":
        return ZEROED_HEAD
    if family.head == "missing":
        return "none: features and fine-tuning only"
    return f"{family.classes:,} classes of {'ImageNet-1k' if family.classes == 1000 else 'ImageNet-21k'}, trained"


def _short_set(family: Family) -> str:
    facts = OTHER_SETS.get(family.ds)
    return facts.label.partition(",")[0] if facts else family.ds


def _crop_words(crop: float) -> str:
    return "the whole picture" if crop == 1 else f"the middle {100 * crop:g} % of the picture"


def _percent(value: float | None, digits: int) -> str:
    return "not published" if value is None else f"{100 * value:.{digits}f} %"


def _size_words(family: Family) -> str:
    return "4 bytes per parameter" if family.size_source == "computed" else family.size_source
