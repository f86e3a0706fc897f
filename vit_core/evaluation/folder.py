"""The report of an evaluation as a folder of three files, all or nothing."""

import json
from pathlib import Path

from vit_core.errors import BadInput, shorten
from vit_core.evaluation.figures import Evaluation
from vit_core.evaluation.page import to_html
from vit_core.evaluation.report import to_plain, to_table
from vit_core.export.place import whole_folder

FILES = ("predictions.csv", "report.html", "report.json")


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write report.json, predictions.csv and report.html; an older report is replaced.

    Args:
        evaluation: the outcome. Its images are read once more, for the pictures of the page.
        folder: to make; it may be there if it is empty or holds such a report.

    Raises:
        BadInput: the folder holds something else.
        StorageFull: there is no room.
        Failure: the folder cannot be written.
    """
    check_folder(folder)
    page = to_html(evaluation)
    figures = json.dumps(to_plain(evaluation), ensure_ascii=False, allow_nan=False, indent=1)
    with whole_folder(folder, what="the report") as part:
        (part / "report.json").write_text(figures + "\n", encoding="utf-8")
        (part / "predictions.csv").write_bytes(to_table(evaluation))
        (part / "report.html").write_text(page, encoding="utf-8")


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but a report; worth asking before an hour of computing.

    Raises:
        BadInput: the message names what it holds.
    """
    shown = shorten(str(folder), 300)
    try:
        held = sorted(path.name for path in folder.iterdir() if path.name not in FILES or not path.is_file())
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"{shown!r} is no folder to write to: {error.strerror}.") from error
    if held:
        raise BadInput(f"The folder {shown!r} holds {shorten(held[0])!r} already; name an empty or a new one.")
