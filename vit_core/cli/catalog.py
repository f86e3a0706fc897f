"""`catalog` lists checkpoints; `show` explains one."""

import argparse
import ast
import dataclasses
from collections.abc import Hashable, Mapping

import pandas as pd

from vit_core.catalog.describe import describe
from vit_core.catalog.hub_copies import original_of
from vit_core.catalog.index import Catalogue, load_catalogue, load_demo, with_others
from vit_core.catalog.lookup import find_row
from vit_core.catalog.query import Filters, apply_filters, apply_where, pretrained_files, sort_frame
from vit_core.catalog.recommend import RULE, comparability_notes, recommend
from vit_core.catalog.releases import is_other
from vit_core.catalog.schema import COLUMNS, ROUNDED, to_csv_bytes
from vit_core.catalog.snippets import snippets
from vit_core.checkpoints.needs import RULE as FITS_RULE
from vit_core.checkpoints.needs import Room, cost_facts, memory_words, needs_of_row, room_here
from vit_core.cli.output import console, note, print_json, print_table
from vit_core.errors import BadIndex, BadInput, BadSetting, Failure, UnknownName, shorten
from vit_core.inference.head import policy_of
from vit_core.settings import Settings, parse_size
from vit_core.store.location import RUN_PREFIX

# What a person compares; the other columns are one `--columns` or `--format json` away.
FILE_COLUMNS = ("filename", "ds", "aug", "wd", "do", "final_val", "params", "infer_samples_per_sec")
TUNE_COLUMNS = ("adapt_filename", "final_val", "adapt_ds", "adapt_resolution", "adapt_final_val", "adapt_final_test")
# Where all rows are of other releases, which have no upstream accuracy, recipe and speed in print.
OTHER_FILE_COLUMNS = ("filename", "release", "ds", "best_adapt_test", "params", "size_bytes")
OTHER_TUNE_COLUMNS = ("adapt_filename", "release", "adapt_ds", "adapt_resolution", "adapt_final_test", "top5", "params")


def run_catalog(parsed: argparse.Namespace, settings: Settings) -> int:
    """Filter, sort, cut, print."""
    if parsed.limit is not None and parsed.limit < 0:
        raise BadSetting(f"--limit is {parsed.limit}; it must be 0 or more.")
    catalogue = load_demo() if parsed.demo else _load(settings, network=not parsed.offline)
    rows, is_files = _select(parsed, catalogue.frame)
    rows = _sort(rows, parsed, is_files=is_files)
    limit = parsed.limit if parsed.limit is not None else (20 if parsed.format == "table" else None)
    # A file of another release that was not fine-tuned is a row of its own.
    what = "pre-trained files" if is_files else "fine-tunes" if rows["adapt_ds"].notna().all() else "checkpoints"
    shown = rows if limit is None else rows.head(limit)
    if len(shown) < len(rows):
        note(f"{len(shown)} of {len(rows)} {what}; --limit {len(rows)} shows all.")
    if rows.empty:
        note(f"No {what} match.")
    columns = _columns(parsed)
    _known(columns, shown)
    _print(shown, columns=columns, is_files=is_files, style=parsed.format)
    return 0


def _select(parsed: argparse.Namespace, frame: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Give the rows asked for, and whether they are pre-trained files rather than fine-tunes."""
    releases = tuple(_release(frame, text) for text in parsed.release or ())
    filters, room = Filters(search=parsed.search, releases=releases, fits=parsed.fits or ""), _room(parsed)
    if parsed.recommended:
        note(RULE)
        ds = "i21k" if (frame["ds"] == "i21k").any() else str(frame["ds"].iloc[0])
        rows = recommend(frame, ds=ds)
        if parsed.fits:
            rows = rows[rows["filename"].isin(apply_filters(frame, Filters(fits=parsed.fits), room=room)["filename"])]
        return (apply_where(rows, parsed.where) if parsed.where else rows), True
    is_files = parsed.level == "files" or (parsed.level == "auto" and not _about_fine_tunes(parsed))
    rows = apply_filters(frame, filters, room=room)
    if is_files:
        rows = pretrained_files(rows)
    return (apply_where(rows, parsed.where) if parsed.where else rows), is_files


def _release(frame: pd.DataFrame, text: str) -> str:
    """Give a release by its name, whatever the case."""
    known = [str(each) for each in frame["release"].cat.categories]
    for name in known:
        if name.casefold() == text.casefold():
            return name
    raise UnknownName(f"There is no release {shorten(text)!r} in the catalogue; its releases: {', '.join(known)}.")


def _room(parsed: argparse.Namespace) -> Room | None:
    """Give the memory that --fits is about, and say how it is counted; None where it is not asked for."""
    if not parsed.fits:
        if parsed.memory:
            raise BadSetting(f"--memory is {shorten(parsed.memory)!r}, and nothing is to fit it; add --fits classify.")
        return None
    room = Room(parse_size("--memory", parsed.memory)) if parsed.memory else room_here()
    note(f"For {memory_words(room.free_bytes)} of memory and a CPU. {FITS_RULE}")
    return room


def _sort(rows: pd.DataFrame, parsed: argparse.Namespace, *, is_files: bool) -> pd.DataFrame:
    """Sort as asked; pre-trained files already come best first, fair to accuracies known in whole per cents only."""
    column = parsed.sort or "final_val"
    _known([column], rows)
    _say_what_does_not_compare(column, rows)
    if parsed.recommended and not parsed.sort:
        return rows
    if is_files and column == "final_val" and not parsed.ascending:
        return rows
    return sort_frame(rows, column, descending=not parsed.ascending)


def _say_what_does_not_compare(column: str, rows: pd.DataFrame) -> None:
    """Warn of an order across data sets, whose accuracies mean different things."""
    measured_on = {"final_val": "ds", "adapt_final_val": "adapt_ds", "adapt_final_test": "adapt_ds"}.get(column)
    if measured_on is None:
        return
    sets = sorted(map(str, rows.loc[rows[column].notna(), measured_on].dropna().unique()))
    if len(sets) < 2:
        return
    if measured_on == "ds":
        note(comparability_notes()[0])
        return
    note(
        f"{column} compares only within one data set, and these are of {len(sets)} ({', '.join(sets)}); "
        f"add --where 'adapt_ds == \"{sets[0]}\"' for one of them."
    )


def _columns(parsed: argparse.Namespace) -> list[str]:
    """Give the columns asked for, each once; none when the choice is left to us."""
    words = (word.strip() for word in (parsed.columns or "").split(","))
    return list(dict.fromkeys(word for word in words if word))


def _about_fine_tunes(parsed: argparse.Namespace) -> bool:
    try:
        tree = ast.parse(parsed.where or "True", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True  # apply_where says what is wrong with it
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {parsed.sort} if parsed.sort else set()
    names |= set(_columns(parsed))
    return any(name.startswith("adapt_") for name in names)


def _known(columns: list[str], frame: pd.DataFrame) -> None:
    for column in columns:
        if column not in frame.columns:
            raise UnknownName.among("column", column, map(str, frame.columns))


def _load(settings: Settings, *, network: bool) -> Catalogue:
    """Load the catalogue and say which it is; an index that the user named is never replaced by another in silence."""
    catalogue = load_catalogue(settings, network=network)
    if settings.index and catalogue.location != settings.index and catalogue.problems:
        raise (Failure if "://" in settings.index else BadIndex)(catalogue.problems[0])
    for problem in catalogue.problems:
        note(problem)
    catalogue = with_others(catalogue)
    others = catalogue.other_rows
    beside = f" and {others} files of other releases" if others else ""
    note(f"Catalogue: {catalogue.origin}, {catalogue.location}, {len(catalogue.frame) - others:,} rows{beside}.")
    for doubt in (
        catalogue.notes if catalogue.origin != "bundled" else ()
    ):  # what the bundled one lacks, the README says
        note(doubt)
    return catalogue


def _print(rows: pd.DataFrame, *, columns: list[str], is_files: bool, style: str) -> None:
    if style == "csv":
        table = rows[columns] if columns else rows
        print(to_csv_bytes(table).decode(), end="")
    elif style == "json":
        table = rows[columns] if columns else rows
        print_json(table.astype(object).to_dict("records"))
    else:
        chosen = columns or [name for name in _usual_columns(rows, is_files=is_files) if name in rows.columns]
        chosen += ["reason"] if "reason" in rows.columns and not columns else []
        numeric = {name: pd.api.types.is_numeric_dtype(rows[name]) for name in chosen}
        headings = {_heading(name): numeric[name] for name in chosen}
        print_table(headings, [[_cell_of(row, name) for name in chosen] for row in rows.to_dict("records")])


def _usual_columns(rows: pd.DataFrame, *, is_files: bool) -> tuple[str, ...]:
    if not rows.empty and is_other(rows).all():
        return OTHER_FILE_COLUMNS if is_files else OTHER_TUNE_COLUMNS
    return FILE_COLUMNS if is_files else TUNE_COLUMNS


def _cell_of(row: Mapping[Hashable, object], name: str) -> str:
    text = cell(name, row[name])
    # "51", not "51.0", where only the whole per cent is known.
    return text.removesuffix(".0") if name == "final_val" and row.get("final_val_source") == ROUNDED else text


def _heading(name: str) -> str:
    percent = " %" if _is_accuracy(name) else ""
    return name + percent


def _is_accuracy(name: str) -> bool:
    units = {column.name: column.unit for column in COLUMNS}
    return name == "best_adapt_test" or units.get(name, "") == "fraction"


def cell(name: str, value: object) -> str:
    """Write one value for people: accuracies in per cent, parameters in millions, nothing for unknown.

    Example:
        >>> cell("final_val", 0.506055), cell("params", 86570000.0), cell("wd", float("nan"))
        ('50.6', '86.6 M', '')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return ""
    if _is_accuracy(name) and isinstance(value, float):
        return f"{100 * value:.1f}"
    if name in ("params", "size_bytes") and isinstance(value, int | float):
        return f"{value / 1e6:.1f} {'M' if name == 'params' else 'MB'}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def run_show(parsed: argparse.Namespace, settings: Settings) -> int:
    """Print one checkpoint's description and snippets."""
    row = _find(parsed.name, settings, network=not parsed.offline)
    description = describe(row)
    needs = needs_of_row(row)
    code = snippets(row, bucket=settings.bucket)
    if parsed.format == "json":
        print_json(
            {
                "row": row,
                **dataclasses.asdict(description),
                "cost": dataclasses.asdict(needs) if needs else None,
                "head": dict(policy_of(row)),
                "snippets": [dataclasses.asdict(snippet) for snippet in code],
            }
        )
        return 0
    out = console()
    for text in filter(None, (description.title, description.lineage, description.recipe)):
        out.print(text, markup=False, highlight=False, style="bold" if text is description.title else "")
    if description.metrics:
        print_table({"": False, " ": False, "  ": False}, [[a, b, c or ""] for a, b, c in description.metrics])
    print_table({"": False, " ": False}, [list(fact) for fact in description.facts])
    if needs:
        print_table({"": False, " ": False, "  ": False}, [[a, b, c or ""] for a, b, c in cost_facts(needs)])
    for what, sentence in policy_of(row):
        out.print(f"{what}: {sentence}", markup=False, highlight=False)
    for caveat in description.caveats:
        out.print(f"! {caveat}", markup=False, highlight=False)
    for snippet in code:
        out.print(f"\n{snippet.title}", style="bold", markup=False, highlight=False)
        print(snippet.code)
    return 0


def _find(name: str, settings: Settings, *, network: bool) -> Mapping[str, object]:
    """Give the row of a checkpoint, from the demo bucket or the catalogue.

    Raises:
        BadInput: it is the result of a run, which no catalogue holds.
        UnknownName: neither holds it; the message lists the close names.
    """
    if name.startswith(RUN_PREFIX):
        run = shorten(name.removeprefix(RUN_PREFIX))
        raise BadInput(f"{shorten(name)!r} is the result of a run; `vit-explorer runs show {run}` tells of it.")
    name = original_of(name) or name  # timm's copy on the hub has no row of its own
    try:
        row = find_row(load_demo().frame, name)
    except UnknownName:
        row = find_row(_load(settings, network=network).frame, name)
    return {str(key): value for key, value in row.to_dict().items()}
