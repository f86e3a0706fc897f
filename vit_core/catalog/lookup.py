"""Finds one checkpoint by what a person types, and the checkpoints that differ from it by one choice."""

import difflib
import heapq
import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

import pandas as pd

from vit_core.catalog.collection import label_of
from vit_core.catalog.hub_copies import bare_name, other_names
from vit_core.catalog.naming import other_spelling
from vit_core.catalog.query import pretrained_files
from vit_core.catalog.ranking import points
from vit_core.catalog.releases import is_other
from vit_core.catalog.schema import EXACT
from vit_core.errors import UnknownName, shorten

# Two recipes are compared in these choices; dropout and stochastic depth were always set together.
FACTORS: dict[str, str] = {
    "name": "model",
    "ds": "pre-training set",
    "aug": "augmentation",
    "wd": "weight decay",
    "regularisation": "regularisation",
}
COUNTERFACTUAL = ("factor", "value", "filename", "final_val", "final_val_source", "difference", "exact")
PUBLIC_HOST = "storage.googleapis.com"
_LONGEST = 300  # letters of a name that are compared with others
_COMPARED = 32  # names that are compared letter by letter
_WORDS = re.compile(r"[-_/]+")


def find_row(frame: pd.DataFrame, text: str) -> pd.Series:
    """Give the row of a checkpoint: a row of the catalogue for a fine-tuned file, of `pretrained_files` otherwise.

    Args:
        frame: the catalogue.
        text: a name, with or without ".npz", folder or URL before it; ImageNet-21k 30-epoch names in either spelling;
            of another release the full address, or as much of its end as only one file has; the name that timm or
            the Hugging Face Hub has for it, "vit_base_patch16_224.augreg_in21k_ft_in1k".

    Raises:
        UnknownName: no such checkpoint; the message lists the close names.
    """
    other = _other_release(frame, text.strip())
    if other is not None:
        return other
    name = text.strip().rpartition("/")[2].removesuffix(".npz")
    for spelling in _spellings(name, text.strip()):
        rows = frame[frame["adapt_filename"] == spelling]
        if not rows.empty:
            return rows.iloc[0]
        rows = frame[frame["filename"] == spelling]
        if not rows.empty:
            return pretrained_files(rows).iloc[0]
    # "R26+S/32-…" is meant as the name that files have.
    meant = name if "://" in text else text.strip().removesuffix(".npz").replace("/", "_").replace("+", "_")
    raise UnknownName(f"There is no checkpoint {shorten(text)!r} in the catalogue.{_hint(frame, meant)}")


def _other_release(frame: pd.DataFrame, text: str) -> pd.Series | None:
    """Give the row of another release's file by its address (that of its bucket's web host, too) or the end of it.

    Raises:
        UnknownName: several end so; the message lists them.
    """
    rows = frame[is_other(frame)]
    if rows.empty or not text:
        return None
    address = unquote(text.replace(f"https://{PUBLIC_HOST}/", "gs://"))
    exact = rows[rows["adapt_filename"] == address]
    if exact.empty:
        ends = tuple(f"{mark}{address.removeprefix(mark)}" for mark in ("/", ":"))
        exact = rows[rows["adapt_filename"].str.removesuffix(".npz").str.endswith((*ends, *map(_bare, ends)))]
    if len(exact) > 1:
        several = ", ".join(exact["adapt_filename"].head(6))
        raise UnknownName(f"Several checkpoints end in {shorten(text)!r}; give one of their addresses: {several}.")
    return None if exact.empty else exact.iloc[0]


def _spellings(name: str, text: str) -> Iterator[str]:
    """Give what AugReg's files may be called by: its own names first, then those that timm or the hub calls exactly so.

    Of the latter the published file comes before what was converted from it.
    """
    yield name
    if other := other_spelling(name):
        yield other
    bare = bare_name(text)
    yield from (known for known, others in other_names().items() if bare in others)


def _bare(name: str) -> str:
    return name.removesuffix(".npz")


def counterfactual(frame: pd.DataFrame, filename: str) -> pd.DataFrame:
    """Give the pre-trained files whose recipe differs from that of `filename` in one choice.

    Returns:
        One row per file: `factor` (words), `value` (its choice, in words), `filename`, `final_val`,
        `final_val_source`, `difference` (its final_val less that of `filename`, a fraction; NaN if one is unknown or
        the pre-training sets differ) and `exact`, whether both values are exact; else the difference is in
        whole per cents. By factor, largest difference first.

    Raises:
        UnknownName: no such pre-trained file.
    """
    # The recipes of other releases were not published choice by choice.
    files = pretrained_files(frame[~is_other(frame)])
    own = files[files["filename"] == filename]
    if own.empty:
        if filename in set(frame.loc[is_other(frame), "filename"]):
            return pd.DataFrame(columns=COUNTERFACTUAL)
        raise UnknownName.among("pre-trained file", filename, list(files["filename"].astype("str")))
    recipe = {factor: _filled(files[factor]) for factor in FACTORS}
    mine = own.index[0]
    differs = pd.DataFrame({factor: values != values[mine] for factor, values in recipe.items()})
    sisters = files[differs.sum(axis=1) == 1]
    factor = differs.loc[sisters.index].idxmax(axis=1).astype("str")
    choices = [recipe[column].loc[row] for column, row in zip(factor, sisters.index, strict=True)]
    exact = (sisters["final_val_source"] == EXACT) & (own["final_val_source"].iloc[0] == EXACT)
    # With a rounded value on either side, 50.6 % against 51 % is no difference that anybody knows of.
    whole = points(files)
    difference = (sisters["final_val"] - files["final_val"][mine]).where(exact, whole[sisters.index] - whole[mine])
    table = pd.DataFrame(
        {
            "factor": factor.map(FACTORS),
            "value": [label_of(column, choice) for column, choice in zip(factor, choices, strict=True)],
            "filename": sisters["filename"].astype("str"),
            "final_val": sisters["final_val"],
            "final_val_source": sisters["final_val_source"],
            "difference": difference.where(factor != "ds"),
            "exact": exact,
        }
    )
    table["factor"] = pd.Categorical(table["factor"], list(FACTORS.values()))
    return table.sort_values(["factor", "difference"], ascending=[True, False], kind="stable").reset_index(drop=True)


def _filled(values: pd.Series) -> pd.Series:
    return values.astype("str").fillna("unknown")


def _hint(frame: pd.DataFrame, name: str) -> str:
    """List close names; first the pre-trained part, because comparing with all 51,509 names would take seconds."""
    upstream, _, adapt = name[:_LONGEST].partition("--")
    close = _closest(upstream, [str(each) for each in frame["filename"].cat.categories[:5000]])
    if close and adapt:
        tunes = frame.loc[frame["filename"] == close[0], "adapt_filename"].tolist()
        close = _closest(name[:_LONGEST], tunes) or close
    return f" Did you mean {' or '.join(repr(each) for each in close)}?" if close else ""


def _closest(name: str, known: Sequence[str]) -> list[str]:
    """Give the most similar names: letters are compared only with the names that share the most words.

    That is a tenth of the work: 7 in place of 70 ms for the 759 pre-trained files. A name that shares no word with any
    (its hyphens are missing, say) is compared with all.
    """
    words = set(_WORDS.split(name))
    parts = [set(_WORDS.split(each)) for each in known]
    shares = [len(words & own) / len(words | own) for own in parts]
    best = heapq.nlargest(_COMPARED, zip(shares, known, strict=True), key=lambda pair: pair[0])
    some = [each for share, each in best if share]
    return difflib.get_close_matches(name, some or known, n=3, cutoff=0.6)
