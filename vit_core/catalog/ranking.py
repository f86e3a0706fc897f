"""The order of pre-trained files by upstream accuracy, fair to values of which only a whole per cent is known.

The public table of upstream accuracies is figure 4 of the paper, rounded to a whole per cent; some files have an exact
value. 51 % may stand for 50.5 % or 51.4 %, so neither may be put before an exact 50.6 % as if it were known better.
"""

import pandas as pd

from vit_core.catalog.collection import RECOMMENDED
from vit_core.catalog.naming import other_spelling
from vit_core.catalog.schema import ROUNDED

TIE_ORDER: tuple[str, ...] = (
    "the same pre-training set: accuracies on different sets do not compare (ImageNet-21k first)",
    "higher upstream accuracy; in whole per cents where the table holds values that are rounded to them",
    "higher exact accuracy; a rounded value comes after the exact ones of its per cent",
    "the file that the authors recommend, which by their rule is the best of its model",
    "file name, alphabetically",
)


def ranked(files: pd.DataFrame) -> pd.DataFrame:
    """Sort pre-trained files best first by `TIE_ORDER`; files without a value come last in their set.

    Args:
        files: one row per file with the columns name, ds, filename, final_val, final_val_source.
    """
    keys = pd.DataFrame(
        {
            "ds": files["ds"].cat.codes,
            "point": points(files),
            "known": _known(files),
            "recommended": is_recommended(files["filename"]),
            "filename": files["filename"].astype("str"),
        },
        index=files.index,
    )
    order = keys.sort_values(
        ["ds", "point", "known", "recommended", "filename"],
        ascending=[True, False, False, False, True],
        na_position="last",
        kind="stable",
    )
    return files.loc[order.index]


def points(files: pd.DataFrame) -> pd.Series:
    """Give the accuracies at the precision they are comparable in: whole per cents if any of them is rounded."""
    if not (files["final_val_source"] == ROUNDED).any():
        return files["final_val"].astype("float64")
    # Half up, as the figure was made for people; numpy's half-to-even would send 50.5 % to 50 %.
    return (files["final_val"] * 100 + 0.5).floordiv(1) / 100


def is_recommended(filenames: pd.Series) -> pd.Series:
    """Tell which files the authors of AugReg recommend, a published list of ten."""
    listed = {*RECOMMENDED, *(other for each in RECOMMENDED if (other := other_spelling(each)))}
    return filenames.astype("str").isin(listed)


def _known(files: pd.DataFrame) -> pd.Series:
    """Give the exact value, or for a recommended file its lower bound; NaN where nothing exact is known.

    The authors recommend the highest final_val of each model, so a recommended file whose own value is rounded is at
    least as good as the exact values of its model in the same per cent.
    """
    exact = files["final_val"].where(files["final_val_source"] != ROUNDED)
    groups = [files["name"].astype("str"), files["ds"].astype("str"), points(files)]
    bound = exact.groupby(groups).transform("max")
    return exact.where(exact.notna() | ~is_recommended(files["filename"]), bound)
