"""Builds the bundled table of the AugReg collection from published facts: `python data/augreg/build.py [OUTPUT]`.

Reads the csv files beside it and the tables of `vit_core.catalog.collection`; needs no network. The design (which
models, sets, augmentations, rates, steps and resolutions were crossed) and the grammar of names give every row; the
numbers come from the few places that print them and stay empty elsewhere. README.md lists sources and licences.
"""

import dataclasses
import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from vit_core.catalog.collection import AUGMENTATIONS, MODEL_FACTS, PRETRAINING_SETS
from vit_core.catalog.naming import (
    MODEL_TOKENS,
    UNPUBLISHED_NAME,
    CheckpointName,
    format_name,
    model_token,
    steps_token,
)
from vit_core.catalog.saved import Saved, write_copy
from vit_core.catalog.schema import EXACT, PUBLISHED, ROUNDED, UNKNOWN, UPSTREAM
from vit_core.catalog.table import add_note, complete, true_params

HERE = Path(__file__).resolve().parent
OUTPUT = HERE / "catalogue.parquet"
COMPILED = datetime(2026, 11, 21, tzinfo=UTC)
LR = 0.001  # of every pre-training whose name was ever printed
WEIGHT_DECAYS = (0.03, 0.1)
REGULARISATIONS = (0.0, 0.1)  # dropout and stochastic depth go together
NAMED_B8 = (("medium1", 0.1, 0.0), ("medium2", 0.1, 0.0))
FIGURE_UPSTREAM = {"i1k": "i1k-300ep", "i21k": "i21k-300ep", "i21k_30": "i21k-30ep"}

# The index has one row less than the design: an ImageNet fine-tune at 384 px with learning rate 0.03 of one of the
# 252 files of ImageNet-21k for 30 epochs. Which one was never printed. Leaving out the one of the file with the lowest
# upstream accuracy hides the least from a user if the choice is wrong, and a note says so at that file.
LEFT_OUT = "R_Ti_16-i21k_30-30ep-lr_0.001-aug_strong2-wd_0.1-do_0.1-sd_0.1--imagenet2012-steps_20k-lr_0.03-res_384"

LEFT_OUT_NOTE = (
    "The index lacks one ImageNet fine-tune (384 px, learning rate 0.03) of the files pre-trained on ImageNet-21k for "
    "30 epochs; which one is not known, and this table leaves out this file's."
)
FIGURE_NOTE = (
    "Upstream accuracy is read from figure 4 of the paper: a whole per cent, presumably of the better of the two "
    "weight decays (0.03 and 0.1), so this file's own may be lower."
)
I21K_30_NOTE = "The second field of this file name was never seen in print; it may be 'i21k' instead of 'i21k_30'."
UNPUBLISHED_NOTE = (
    "A third B/8 file exists, but its name and recipe were never printed: augmentation, weight decay and dropout stay "
    "empty, and the name shown is a placeholder that cannot be downloaded."
)
BEST_NOTE = (
    "The best by validation accuracy of these {count} fine-tunes, which differ in steps and learning rate, has "
    "{accuracies}; which one it is was not printed."
)
TABLE_6_NOTE = "Table 6 of the paper gives its upstream accuracy as 47.7 %."
TABLE_6_FILE = "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"


def build() -> Saved:
    """Put the table together: 51,509 rows with the columns of `vit_core.catalog.schema`."""
    frame = pd.DataFrame(_rows())
    frame = frame[frame["adapt_filename"] != LEFT_OUT].reset_index(drop=True)
    sizes = pd.read_csv(HERE / "params_and_speed.csv")
    frame = frame.merge(sizes, how="left", on=["name", "adapt_resolution"], validate="many_to_one")
    frame["params"] = frame["params_published"].fillna(_counted(frame))
    _fill_upstream(frame)
    _fill_fine_tunes(frame)
    _mark_doubts(frame)
    _fill_best_fine_tunes(frame)
    table = complete(frame[[*PUBLISHED, "final_val_source", "note", "params_published"]], source="augreg")
    return Saved(table, "published facts", "published facts of 2026-11-21", COMPILED, _notes(table))


def _rows() -> Iterator[dict[str, object]]:
    fine_tunes = list(_fine_tune_design())
    for upstream in _pretrained():
        for adapt in fine_tunes:
            if upstream["name"] == "B/8" and adapt["adapt_resolution"] != 224:
                continue
            yield {**upstream, **adapt, "adapt_filename": f"{upstream['filename']}--{_adapt_name(adapt)}"}


def _pretrained() -> Iterator[dict[str, object]]:
    crossed = (name for name in MODEL_TOKENS.values() if name != "B/8")
    for name, ds, aug, wd, do in itertools.product(
        crossed, PRETRAINING_SETS, AUGMENTATIONS, WEIGHT_DECAYS, REGULARISATIONS
    ):
        yield _upstream(name, ds, aug, wd, do)
    for aug, wd, do in NAMED_B8:
        yield _upstream("B/8", "i21k", aug, wd, do)
    unknown = {"lr": np.nan, "aug": "", "wd": np.nan, "do": np.nan, "sd": np.nan}
    yield {"name": "B/8", "ds": "i21k", "epochs": 300.0, **unknown, "filename": UNPUBLISHED_NAME}


def _upstream(name: str, ds: str, aug: str, wd: float, do: float) -> dict[str, object]:
    epochs = PRETRAINING_SETS[ds].epochs
    parts = CheckpointName(model_token(name), name, ds, epochs, LR, aug, wd, do, do)
    recipe = {field: value for field, value in dataclasses.asdict(parts).items() if field in UPSTREAM}
    return {**recipe, "epochs": float(epochs), "filename": format_name(parts)}


def _fine_tune_design() -> Iterator[dict[str, object]]:
    design = pd.read_csv(HERE / "design.csv")
    for resolution in (384, 224):
        for row in design.itertuples():
            for lr in str(row.adapt_lrs).split():
                yield {
                    "adapt_ds": row.adapt_ds,
                    "adapt_lr": float(lr),
                    "adapt_steps": row.adapt_steps,
                    "adapt_resolution": resolution,
                }


def _adapt_name(adapt: dict[str, object]) -> str:
    steps = steps_token(int(str(adapt["adapt_steps"])))
    return f"{adapt['adapt_ds']}-steps_{steps}-lr_{adapt['adapt_lr']}-res_{adapt['adapt_resolution']}"


def _fill_upstream(frame: pd.DataFrame) -> None:
    """Fill final_val from the printed rows, else from figure 4, and say from which."""
    figure = pd.read_csv(HERE / "figure4_upstream_accuracy.csv").set_index(["upstream", "model", "aug", "do=sd"])
    cells = pd.MultiIndex.from_arrays([frame["ds"].map(FIGURE_UPSTREAM), frame["name"], frame["aug"], frame["do"]])
    rounded = figure["val_pct_rounded"].reindex(cells).to_numpy() / 100
    printed = _printed_rows().drop_duplicates("filename").set_index("filename")
    exact = frame["filename"].map(printed["final_val"])
    frame["best_val"] = frame["filename"].map(printed["best_val"])
    frame["final_val"] = exact.fillna(pd.Series(rounded))
    frame["final_test"] = np.nan
    frame["final_val_source"] = np.select(
        [exact.notna(), frame["final_val"].notna()], [EXACT, ROUNDED], default=UNKNOWN
    )


def _counted(frame: pd.DataFrame) -> pd.Series:
    """Count the parameters where the index's number was never printed; B/8 is empty in the index itself."""
    sizes = frame[["name", "adapt_resolution"]].drop_duplicates()
    counts = {(name, side): true_params(name, side) for name, side in sizes.itertuples(index=False) if name != "B/8"}
    pairs = pd.MultiIndex.from_frame(frame[["name", "adapt_resolution"]])
    return pd.Series(pairs.map(counts), index=frame.index, dtype="float64")


def _fill_fine_tunes(frame: pd.DataFrame) -> None:
    printed = _printed_rows().set_index("adapt_filename")
    for column in ("adapt_final_val", "adapt_final_test"):
        frame[column] = frame["adapt_filename"].map(printed[column])


def _fill_best_fine_tunes(frame: pd.DataFrame) -> None:
    """Use values printed for "the best fine-tune by validation accuracy", whose steps and learning rate were not.

    Where a printed row of that set and resolution has the same test accuracy, the value is that row's; elsewhere the
    rows it may belong to get a note.
    """
    for best in pd.read_csv(HERE / "published_best.csv").itertuples():
        rows = (
            (frame["filename"] == best.filename)
            & (frame["adapt_ds"] == best.adapt_ds)
            & (frame["adapt_resolution"] == best.adapt_resolution)
        )
        same = rows & (frame["adapt_final_test"] == best.adapt_final_test)
        if same.any():
            frame.loc[same & frame["adapt_final_val"].isna(), "adapt_final_val"] = best.adapt_final_val
        else:
            accuracies = f"{best.adapt_final_val:.1%} on validation and {best.adapt_final_test:.1%} on test images"
            add_note(frame, rows, BEST_NOTE.format(count=int(rows.sum()), accuracies=accuracies.replace("%", " %")))


def _printed_rows() -> pd.DataFrame:
    return pd.read_csv(HERE / "published_rows.csv")


def _mark_doubts(frame: pd.DataFrame) -> None:
    frame["note"] = ""
    add_note(frame, frame["filename"] == UNPUBLISHED_NAME, UNPUBLISHED_NOTE)
    add_note(frame, frame["filename"] == LEFT_OUT.partition("--")[0], LEFT_OUT_NOTE)
    add_note(frame, frame["ds"] == "i21k_30", I21K_30_NOTE)
    add_note(frame, frame["final_val_source"] == ROUNDED, FIGURE_NOTE)
    add_note(frame, frame["filename"] == TABLE_6_FILE, TABLE_6_NOTE)


def _notes(table: pd.DataFrame) -> tuple[str, ...]:
    files = table.drop_duplicates("filename")
    sources = files["final_val_source"].value_counts()
    tested = int(table["adapt_final_test"].notna().sum())
    return (
        f"Built from published facts: all {len(table):,} file names, recipes, sizes and speeds are here, but only "
        f"{tested} fine-tunes have a published test accuracy; load the collection's index.csv for the others.",
        f"Upstream accuracy is exact for {sources[EXACT]} of {len(files)} pre-trained files, read from figure 4 of the "
        f"paper and rounded to a whole per cent for {sources[ROUNDED]}, and unknown for {sources[UNKNOWN]}.",
        UNPUBLISHED_NOTE,
        LEFT_OUT_NOTE.replace("this file's", f"that of {LEFT_OUT.partition('--')[0]}"),
        I21K_30_NOTE.replace("this file name", "the file names of ImageNet-21k for 30 epochs"),
    )


if __name__ == "__main__":
    if not set(MODEL_TOKENS.values()) == set(MODEL_FACTS):
        raise SystemExit("MODEL_TOKENS and MODEL_FACTS list different models")
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    saved = build()
    write_copy(target, saved)
    print(f"{target}: {len(saved.frame):,} rows, {target.stat().st_size / 1e3:.0f} kB")
