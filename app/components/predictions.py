"""What the model guesses for one picture: names, probabilities, and in plain words how sure it is."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app.answers import Facts
from app.components.plain_text import one_line, plain, plain_html
from app.components.reading_options import preprocessing_words
from vit_core.inference.labels import definitions_for
from vit_core.inference.service import Prediction

SURE_ENOUGH = 0.35
CLEAR_LEAD = 0.10
RULE = (
    f"“Not sure” means: the best guess has under {SURE_ENOUGH:.0%}, or leads the second by less than "
    f"{CLEAR_LEAD * 100:.0f} points. A rule of thumb: the probabilities are the model's own and are not calibrated."
)


def show_predictions(predictions: Sequence[Prediction], facts: Facts, *, top_k: int) -> None:
    """Show the best `top_k` guesses as bars, with a word of caution where the model is not sure.

    A checkpoint that knows no classes gets a sentence that says why, and no bars.

    Args:
        predictions: best first.
        facts: of the answer that they are of.
        top_k: how many to show.
    """
    if facts.no_classes:
        st.info(plain(facts.no_classes, limit=600))
        return
    if doubt := doubt_about(predictions):
        st.warning(doubt)
    st.html(guesses_html(predictions[:top_k], _definitions(predictions[:top_k], facts.label_set)))
    shown = sum(prediction.probability for prediction in predictions[:top_k])
    others = facts.num_classes - min(top_k, len(predictions))
    if others > 0:
        st.caption(f"The other {others:,} classes share the remaining {percent(max(0.0, 1 - shown))}.", help=RULE)


def _definitions(predictions: Sequence[Prediction], label_set: str) -> dict[int, str]:
    """Give what the classes mean, by their index, where a dictionary tells."""
    meanings = definitions_for(label_set)
    return {guess.index: meanings[guess.index] for guess in predictions if guess.index < len(meanings)}


def doubt_about(predictions: Sequence[Prediction]) -> str | None:
    """Give a sentence when the model is not sure by `RULE`, else None.

    Example:
        >>> doubt_about([Prediction(0, "cat", 0.9), Prediction(1, "dog", 0.1)])
    """
    if not predictions:
        return None
    best = predictions[0].probability
    if best < SURE_ENOUGH:
        return f"**Not sure.** Its best guess has only {percent(best)}. The true answer may not be in the list at all."
    lead = best - predictions[1].probability if len(predictions) > 1 else best
    if lead < CLEAR_LEAD:
        return f"**Not sure.** Torn between the first two guesses: they are {lead * 100:.1f} points apart."
    return None


def percent(share: float) -> str:
    """Give a probability for a screen.

    Example:
        >>> percent(0.8314), percent(0.99999), percent(0.00001)
        ('83.1 %', '> 99.9 %', '< 0.1 %')
    """
    if share > 0.9995:
        return "> 99.9 %" if share < 1 else "100 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{share * 100:.1f} %"


def guesses_html(predictions: Sequence[Prediction], definitions: Mapping[int, str]) -> str:
    """Give the guesses as a list; names and definitions are shown letter by letter."""
    items = "".join(_items(predictions, definitions))
    return f'<ol class="vx-guesses" aria-label="Best guesses, most likely first">{items}</ol>'


def _items(predictions: Sequence[Prediction], definitions: Mapping[int, str]) -> list[str]:
    items = []
    for prediction in predictions:
        definition = definitions.get(prediction.index, "")
        meaning = f'<div class="vx-definition">{plain_html(definition)}</div>' if definition else ""
        items.append(
            f'<li><div class="vx-line"><span class="vx-name">{plain_html(prediction.label, limit=120)}</span>'
            f'<span class="vx-share">{percent(prediction.probability)}</span></div>{meaning}'
            f'<div class="vx-track" aria-hidden="true">'
            f'<div class="vx-bar" style="width:{100 * prediction.probability:.2f}%"></div></div></li>'
        )
    return items


def how_it_was_made(facts: Facts, preprocessing: str) -> str:
    """Give device, resolution and times as one line."""
    seconds = facts.seconds
    parts = [
        f"{one_line(facts.device)}",
        f"{facts.resolution} × {facts.resolution} px",
        preprocessing_words(preprocessing).lower(),
        f"{duration(seconds.get('run', 0.0))} to compute",
    ]
    for key, words in (("load", "to load the file"), ("compile", "to compile"), ("queue", "in the queue")):
        if seconds.get(key, 0.0) >= 0.05:
            parts.append(f"{duration(seconds[key])} {words}")
    return " · ".join(parts)


def duration(seconds: float) -> str:
    """Give a time for a screen.

    Example:
        >>> duration(0.0384), duration(5.13)
        ('38 ms', '5.1 s')
    """
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
