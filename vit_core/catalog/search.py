"""Live search in a catalogue: every word must occur in a row's names or in its description, as plain text.

No pattern language: what a user types is text, so "(a+)+$" looks for those six characters and costs nothing.
"""

import functools

import numpy as np
import numpy.typing as npt
import pandas as pd

from vit_core.catalog.collection import label_of
from vit_core.catalog.hub_copies import bare_name, other_names
from vit_core.catalog.timm_tags import TIMM_TAGS

Mask = npt.NDArray[np.bool_]
LONGEST_TEXT = 500
MOST_WORDS = 32
_SHORTEST_NAME = 4  # letters of a word that is sought in other names: most begin with "vit", which means a family
_DESCRIBED = ("release", "name", "family", "ds", "aug", "regularisation", "adapt_ds")


def matches(frame: pd.DataFrame, text: str) -> Mask:
    """Tell which rows hold every word of `text`, whatever the case.

    A text longer than any row's (over 500 characters, or over 32 different words) matches nothing.
    """
    keep = np.ones(len(frame), dtype=bool)
    if len(text) > LONGEST_TEXT:
        return np.zeros_like(keep)
    # The dot joins the parts of a checkpoint's title on screens; a pasted title must find its checkpoint.
    words = sorted(set(text.casefold().replace("·", " ").split()), key=len, reverse=True)
    if len(words) > MOST_WORDS:
        return np.zeros_like(keep)
    for word in words:
        keep &= _described(frame, word) | _named(frame, word, keep) | _named_elsewhere(frame, word)
    return keep


def _described(frame: pd.DataFrame, word: str) -> Mask:
    """Tell which rows hold the word in a code or in its words for people; looks at categories, not at rows."""
    found = np.zeros(len(frame), dtype=bool)
    for column in _DESCRIBED:
        values = frame[column]
        hits = [word in _words(column, str(each)) for each in values.cat.categories]
        if any(hits):
            found |= np.append(hits, False).astype(bool)[values.cat.codes.to_numpy()]
    for resolution in frame["adapt_resolution"].dropna().unique() if word.endswith("px") else ():
        if word in ("px", f"{resolution:.0f}px"):
            found |= (frame["adapt_resolution"] == resolution).to_numpy()
    return found


def _named(frame: pd.DataFrame, word: str, rows: Mask) -> Mask:
    """Tell which of `rows` hold the word in their file name; the others are out already and need no reading."""
    names = frame["adapt_filename"]
    if rows.all():
        return names.str.contains(word, case=False, regex=False).to_numpy(dtype=bool)
    found = np.zeros(len(frame), dtype=bool)
    found[rows] = names[rows].str.contains(word, case=False, regex=False).to_numpy(dtype=bool)
    return found


def _named_elsewhere(frame: pd.DataFrame, word: str) -> Mask:
    """Tell which rows are of a file that timm or the hub calls so."""
    bare = bare_name(word)
    meant = [name for name, others in other_names().items() if any(bare in other.casefold() for other in others)]
    if len(bare) < _SHORTEST_NAME or not meant:
        return np.zeros(len(frame), dtype=bool)
    files = frame["filename"]
    # Of a file that was fine-tuned by others, its own name; of a pre-trained one of AugReg, all that was made from it.
    pretrained = files.cat.categories.isin([name for name in meant if name in TIMM_TAGS])
    found = np.append(pretrained, False)[files.cat.codes.to_numpy()]
    return np.asarray(found | frame["adapt_filename"].isin(meant).to_numpy(), dtype=bool)


@functools.lru_cache(maxsize=4096)
def _words(column: str, value: str) -> str:
    return f"{value} {label_of(column, value)}".casefold()
