"""The filter bar: live search, model and pre-training as pills with counts, the rest behind buttons, and what is on.

Shows a `Filters` and hands a changed one to `on_change`; holds no state of its own. Every number beside a choice counts
the files that all *other* filters leave.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from app.components.plain_text import plain
from vit_core.catalog.collection import AUGMENTATIONS, OTHER_SETS, PRETRAINING_SETS, TRANSFER_SETS, label_of
from vit_core.catalog.query import Filters
from vit_core.checkpoints.needs import RULE, Room, memory_words

OnChange = Callable[[Filters], None]


@dataclasses.dataclass(frozen=True)
class Facet:
    """One set of choices: the field of `Filters`, the column behind it, and words for people."""

    field: str
    column: str
    label: str
    help: str


@dataclasses.dataclass(frozen=True)
class Limit:
    """One number with a bound: the field of `Filters`, the steps offered, words, and screen units per unit."""

    field: str
    label: str
    steps: tuple[float, ...]
    unit: str
    scale: float
    bound: str
    help: str


def _listed(sentences: Mapping[str, str]) -> str:
    return "\n".join(f"- **{code}**: {sentence}" for code, sentence in sentences.items())


RELEASE = Facet(
    "releases",
    "release",
    "Release",
    "What a file was published with. AugReg is the large collection with a known recipe for every file; the others are "
    "single files of the same families. Only AugReg's have upstream accuracies and speeds.",
)
MODEL = Facet(
    "names",
    "name",
    "Model",
    "Size (Ti, S, B, L) / patch side in pixels. R… has a ResNet in front. Smaller patches: better and slower.",
)
UPSTREAM = Facet(
    "ds",
    "ds",
    "Pre-trained on",
    _listed({each.label: each.sentence for each in (PRETRAINING_SETS | OTHER_SETS).values()}),
)
AUGMENTATION = Facet(
    "augs",
    "aug",
    "Augmentation",
    "How strongly pre-training images were altered.\n"
    + _listed({code: each.sentence for code, each in AUGMENTATIONS.items()}),
)
FAMILY = Facet(
    "families",
    "family",
    "Family",
    "A plain ViT cuts the image into patches; a hybrid lets a small ResNet look first; a Mixer has no attention.",
)
REGULARISATION = Facet(
    "regularisations",
    "regularisation",
    "Regularisation",
    "Whether activations and layers were dropped at random in pre-training.",
)
WEIGHT_DECAY = Facet(
    "weight_decays", "wd", "Weight decay", "How strongly pre-training pulled the weights towards zero."
)
TARGET = Facet(
    "adapt_ds",
    "adapt_ds",
    "Classes of",
    "What it answers with: the classes of the set that it was fine-tuned on, or trained on from the start.\n"
    + _listed({each.label: each.sentence for each in TRANSFER_SETS.values()}),
)
RESOLUTION = Facet(
    "resolutions",
    "adapt_resolution",
    "Image side, px",
    "A fine-tune at 384 px is more accurate and about three to five times slower than at 224 px.",
)
FACETS = (MODEL, RELEASE, UPSTREAM, FAMILY, AUGMENTATION, REGULARISATION, WEIGHT_DECAY, TARGET, RESOLUTION)

SPEED = Limit(
    "min_speed",
    "Speed at least",
    (100, 250, 500, 1000, 2000, 5000),
    "img/s",
    1.0,
    "≥",
    "Images per second on a V100 with 16 GB at 224 px.",
)
PARAMETERS = Limit(
    "max_params",
    "Parameters at most",
    (10, 30, 50, 100, 350),
    "M",
    1e6,
    "≤",
    "Millions of parameters, with a head of 1,000 classes.",
)
FILE_SIZE = Limit(
    "max_size_bytes", "File at most", (50, 100, 200, 500, 1500), "MB", 1e6, "≤", "Size of the download, 10^6 bytes."
)
ACCURACY = Limit(
    "min_final_val",
    "Upstream accuracy at least",
    (30, 35, 40, 45, 50, 60, 70, 80),
    "%",
    0.01,
    "≥",
    "Measured on the pre-training set itself: compare only within one set.",
)
LIMITS = (SPEED, PARAMETERS, FILE_SIZE, ACCURACY)

FITS = {"classify": "to classify", "fine-tune": "to fine-tune"}


def filter_bar(filters: Filters, counts: Mapping[str, pd.Series], on_change: OnChange, room: Room) -> None:
    """Draw the bar.

    Args:
        filters: what is on.
        counts: for each facet, by its field, the number of files for each of its values.
        on_change: called with the new filters before the page runs again.
        room: the memory of this machine.
    """
    with st.container(horizontal=True, gap="xsmall", key="filters"):
        _search(filters, on_change)
        _behind_button("Release", (RELEASE,), (), filters, counts, on_change)
        _behind_button("Pre-trained on", (UPSTREAM,), (), filters, counts, on_change)
        _behind_button("Augmentation", (AUGMENTATION,), (), filters, counts, on_change)
        _behind_button("Regularisation", (REGULARISATION, WEIGHT_DECAY), (), filters, counts, on_change)
        _behind_button("Classes of", (TARGET, RESOLUTION), (), filters, counts, on_change)
        _behind_button("Family", (FAMILY,), (), filters, counts, on_change)
        _behind_button("Speed, size, accuracy", (), LIMITS, filters, counts, on_change)
        _fits(filters, room, on_change)
    _pills(MODEL, filters, counts, on_change)


def filters_on(filters: Filters, on_change: OnChange, *, prefix: str = "on") -> None:
    """Draw one button for each filter that is on, to take it off, and one for all of them."""
    active = list(_active(filters))
    for number, (words, without) in enumerate(active):
        st.button(
            f"{plain(words)} ✕",
            key=f"{prefix}-{number}-{words}",
            on_click=on_change,
            args=(without,),
            help="Take this filter off",
        )
    if len(active) > 1:
        st.button("Clear all", key=f"{prefix}-all", type="tertiary", on_click=on_change, args=(Filters(),))


def words_of(facet: Facet, value: object) -> str:
    """Give a choice in words, short enough for a pill."""
    if facet in (MODEL, AUGMENTATION, FAMILY):
        return str(value)
    words = f"{value:g}" if isinstance(value, float) else label_of(facet.column, value)
    return f"{words} px" if facet is RESOLUTION else words


def _search(filters: Filters, on_change: OnChange) -> None:
    key = "filter search"
    st.session_state[key] = filters.search
    st.text_input(
        "Search",
        key=key,
        type="search",
        live=True,
        max_chars=200,
        label_visibility="collapsed",
        placeholder="Search names, for example: B/16 medium1 wd_0.1",
        on_change=lambda: on_change(dataclasses.replace(filters, search=str(st.session_state[key]))),
    )


def _pills(facet: Facet, filters: Filters, counts: Mapping[str, pd.Series], on_change: OnChange) -> None:
    key = f"filter {facet.field}"
    chosen = getattr(filters, facet.field)
    found = counts[facet.field]
    options = [*found.index, *(value for value in chosen if value not in found.index)]
    st.session_state[key] = list(chosen)
    st.pills(
        facet.label,
        options,
        key=key,
        selection_mode="multi",
        format_func=lambda value: f"{plain(words_of(facet, value))} ({int(found.get(value, 0)):,})",
        help=facet.help,
        on_change=lambda: on_change(_with(filters, facet.field, tuple(st.session_state[key]))),
    )


def _limit(limit: Limit, filters: Filters, on_change: OnChange) -> None:
    key = f"filter {limit.field}"
    value = getattr(filters, limit.field)
    steps = sorted({*limit.steps, *(() if value is None else (round(value / limit.scale, 6),))})
    st.session_state[key] = None if value is None else round(value / limit.scale, 6)

    def changed() -> None:
        step = st.session_state[key]
        on_change(_with(filters, limit.field, None if step is None else step * limit.scale))

    st.selectbox(
        limit.label,
        steps,
        key=key,
        index=None,
        placeholder="any",
        format_func=lambda step: f"{limit.bound} {step:g} {limit.unit}",
        help=limit.help,
        on_change=changed,
    )


def _behind_button(
    label: str,
    facets: Sequence[Facet],
    limits: Sequence[Limit],
    filters: Filters,
    counts: Mapping[str, pd.Series],
    on_change: OnChange,
) -> None:
    active = sum(len(getattr(filters, facet.field)) for facet in facets)
    active += sum(getattr(filters, limit.field) is not None for limit in limits)
    with st.popover(
        f"{label} ({active})" if active else label, key=f"filters {label}", type="primary" if active else "secondary"
    ):
        for facet in facets:
            _pills(facet, filters, counts, on_change)
        for limit in limits:
            _limit(limit, filters, on_change)


def _fits(filters: Filters, room: Room, on_change: OnChange) -> None:
    key = "filter fits"
    st.session_state[key] = filters.fits or None
    with st.popover(
        "Fits here (1)" if filters.fits else "Fits here",
        key="filters Fits here",
        type="primary" if filters.fits else "secondary",
    ):
        st.pills(
            "Only what this machine has memory for",
            list(FITS),
            key=key,
            format_func=FITS.__getitem__,
            on_change=lambda: on_change(dataclasses.replace(filters, fits=st.session_state[key] or "")),
        )
        free = "free on this machine" if room.on_cpu else "the memory of the accelerator"
        st.markdown(f"**{memory_words(room.free_bytes)}** ({plain(room.device)}) is {free}.")
        st.caption(RULE)


def _active(filters: Filters) -> list[tuple[str, Filters]]:
    """Give each filter that is on, in words, with the filters that are left without it."""
    active: list[tuple[str, Filters]] = []
    if filters.search:
        active.append((f"“{filters.search}”", dataclasses.replace(filters, search="")))
    for facet in FACETS:
        chosen: tuple[Any, ...] = getattr(filters, facet.field)
        for value in chosen:
            rest = tuple(other for other in chosen if other != value)
            words = f"{facet.label}: {words_of(facet, value)}"
            active.append((words, _with(filters, facet.field, rest)))
    if filters.fits:
        active.append((f"Fits here: {FITS[filters.fits]}", dataclasses.replace(filters, fits="")))
    for limit in LIMITS:
        value = getattr(filters, limit.field)
        if value is not None:
            words = f"{limit.label} {value / limit.scale:g} {limit.unit}"
            active.append((words, _with(filters, limit.field, None)))
    return active


def _with(filters: Filters, field: str, value: object) -> Filters:
    change: dict[str, Any] = {field: value}
    return dataclasses.replace(filters, **change)


def nothing_left(filters: Filters, on_change: OnChange) -> None:
    """Say that no file passes, and offer each way out."""
    st.markdown("**No checkpoint matches all of these filters.** Take one off:")
    with st.container(horizontal=True, gap="xsmall"):
        filters_on(filters, on_change, prefix="nothing left")
