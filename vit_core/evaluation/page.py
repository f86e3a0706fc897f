"""The report as one HTML file: no scripts, no network, light and dark, readable on a phone.

Every text of the user goes through `html.escape`; pictures are made from decoded pixels alone, so that no place, date
or camera of an original goes along.
"""

import base64
import html
import string
from collections.abc import Iterable, Sequence

from vit_core.datasets.thumbnails import thumbnail
from vit_core.errors import BadImage
from vit_core.evaluation.drawing import reliability_diagram
from vit_core.evaluation.figures import Evaluation, mistakes, most_confused, weakest
from vit_core.evaluation.sheet import PAGE
from vit_core.training.report import Answered

_PICTURES = 24  # 5 kB each
_PICTURE_SIDE = 160
_MOST_IN_MATRIX = 30  # classes; more are a list of the most frequent confusions
_MOST_CLASSES = 1000
_MOST_LINES = 200  # of confusions and of files left out; the rest is in report.json


def to_html(evaluation: Evaluation) -> str:
    """Give the page; the images of the mistakes are read for it, and those that are gone have no picture."""
    how = evaluation.how
    return string.Template(PAGE).substitute(
        title=html.escape(f"{how.checkpoint} on {how.data}"),
        checkpoint=html.escape(how.checkpoint),
        data=html.escape(how.data),
        tiles="\n".join(_tiles(evaluation)),
        how=_table(("", ""), _how(evaluation)),
        notes="".join(f"<p>{html.escape(note)}</p>" for note in how.notes),
        mistakes=_mistakes(evaluation),
        diagram=reliability_diagram(evaluation.bins),
        bins=_table(("confidence", "answers", "mean confidence", "accuracy"), _bins(evaluation)),
        error=f"{evaluation.calibration_error:.4f}",
        confusion=_confusion(evaluation),
        classes=_classes(evaluation),
        left_out=_left_out(evaluation),
    )


def percent(share: float | None) -> str:
    """Write a share for people; a dash where it is unknown."""
    return "–" if share is None else f"{100 * share:.2f} %"


def _tiles(evaluation: Evaluation) -> Iterable[str]:
    low, high = evaluation.top1_interval
    low_k, high_k = evaluation.topk_interval
    among = f"{percent(low_k)} to {percent(high_k)}"
    if evaluation.places < 5:
        among += f"; of {evaluation.how.num_classes} classes, not top-5"
    yield _tile("top-1", percent(evaluation.top1), f"{percent(low)} to {percent(high)} (95 %)")
    yield _tile(f"top-{evaluation.places}", percent(evaluation.topk), among)
    yield _tile("mean of the classes", percent(evaluation.mean_class_accuracy), f"{len(evaluation.classes):,} classes")
    yield _tile("calibration error", f"{evaluation.calibration_error:.4f}", "ECE, 15 bins; 0 is best")
    yield _tile("negative log-likelihood", f"{evaluation.loss:.4f}", "nats; 0 is best")
    yield _tile("images", f"{evaluation.num_images:,}", f"{len(evaluation.how.left_out):,} left out")
    yield _tile("images per second", f"{evaluation.images_per_second:.4g}", html.escape(evaluation.how.device))


def _tile(name: str, value: str, below: str) -> str:
    return f'<div class="tile"><div>{name}</div><strong>{value}</strong><small>{below}</small></div>'


def _how(evaluation: Evaluation) -> list[Sequence[str]]:
    how = evaluation.how
    return [
        ("Model", how.architecture),
        ("Images", how.part),
        ("Classes", how.matching),
        (f"Preprocessing “{how.preprocess}”", how.preprocessing),
        ("Computed", f"on {how.device} in {how.precision}, {how.batch} images at a time"),
        ("Speed", "from the first file to the last answer: reading, decoding, resizing and computing; not loading the "
         f"checkpoint and compiling ({how.load_seconds:.1f} s)"),
    ]  # fmt: skip


def _bins(evaluation: Evaluation) -> list[Sequence[str]]:
    return [
        (f"{each.low:.0%} to {each.high:.0%}", f"{each.count:,}", percent(each.confidence), percent(each.accuracy))
        for each in evaluation.bins
    ]


def _mistakes(evaluation: Evaluation) -> str:
    chosen = mistakes(evaluation, _PICTURES)
    if not chosen:
        return "<p>There are none: every image was answered rightly.</p>"
    return f'<div class="pictures">{"".join(_picture(evaluation, each) for each in chosen)}</div>'


def _picture(evaluation: Evaluation, each: Answered) -> str:
    try:
        data = base64.b64encode(thumbnail(evaluation.root / each.file, side=_PICTURE_SIDE)).decode()
        picture = f'<img src="data:image/jpeg;base64,{data}" alt="">'
    except BadImage:  # it was there when it was judged; the figures stand without it
        picture = '<div class="gone">no picture</div>'
    label, predicted = (html.escape(evaluation.names[output]) for output in (each.label, each.predicted))
    return (
        f"<figure>{picture}<figcaption><b>{predicted}</b> {percent(each.probability)}<br>is {label} "
        f"({percent(each.true_probability)})<small>{html.escape(each.name)}</small></figcaption></figure>"
    )


def _confusion(evaluation: Evaluation) -> str:
    if len(evaluation.names) <= _MOST_IN_MATRIX:
        return _matrix(evaluation)
    rows = [
        (evaluation.names[true], evaluation.names[predicted], f"{count:,}")
        for true, predicted, count in most_confused(evaluation, _MOST_LINES)
    ]
    shown = f"<p>The {len(rows)} most frequent mistakes; all are in report.json.</p>"
    return shown + _table(("is", "was answered with", "images"), rows)


def _matrix(evaluation: Evaluation) -> str:
    """Draw rows of true classes and columns of answers; a darker cell has a larger share of its row."""
    counts = {(true, predicted): count for true, predicted, count in evaluation.confusion}
    totals = dict(zip(evaluation.outputs, (each.num_test for each in evaluation.classes), strict=True))
    names = {output: html.escape(name) for output, name in evaluation.names.items()}
    head = "".join(f'<th scope="col"><span>{name}</span></th>' for name in names.values())
    lines = []
    for true in evaluation.outputs:
        cells = []
        for predicted in names:
            count = counts.get((true, predicted), 0)
            kind = "right" if true == predicted else "wrong"
            tint = f' class="{kind}" style="--share:{count / totals[true]:.3f}"' if count else ""
            cells.append(f"<td{tint}>{count or '·'}</td>")
        lines.append(f'<tr><th scope="row">{names[true]}</th>{"".join(cells)}</tr>')
    return (
        "<p>Rows are the true classes, columns the answers.</p>"
        f'<div class="scroll"><table class="matrix"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _classes(evaluation: Evaluation) -> str:
    chosen = weakest(evaluation, _MOST_CLASSES)
    rows = [
        (each.name, f"{each.num_test:,}", percent(each.recall), percent(each.precision), percent(each.f1))
        for each in chosen
    ]
    hidden = len(evaluation.classes) - len(chosen)
    more = f"<p>The {hidden:,} best are in report.json alone.</p>" if hidden else ""
    return _table(("class", "images", "recall", "precision", "F1"), rows) + more


def _left_out(evaluation: Evaluation) -> str:
    out = evaluation.how.left_out
    if not out:
        return "<p>None.</p>"
    lines = "".join(f"<li>{html.escape(each.reason)}</li>" for each in out[:_MOST_LINES])
    hidden = len(out) - _MOST_LINES
    return f"<ul>{lines}</ul>" + (f"<p>And {hidden:,} more, in report.json.</p>" if hidden > 0 else "")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Make a table of texts; the first column is left, the others are numbers unless there are only two columns."""
    kind = "facts" if len(head) == 2 else "figures"
    titles = "".join(f'<th scope="col">{html.escape(title)}</th>' for title in head)
    thead = f"<thead><tr>{titles}</tr></thead>" if any(head) else ""
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table class="{kind}">{thead}<tbody>{body}</tbody></table></div>'
