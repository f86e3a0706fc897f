"""The reliability diagram as SVG: bars of accuracy by confidence against the diagonal. Colours are the page's."""

from collections.abc import Sequence

from vit_core.evaluation.calibration import Bin

_SIDE = 300  # of the square, in the units of the drawing
_LEFT, _TOP, _RIGHT, _BOTTOM = 48, 10, 20, 40


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """Draw the diagram; it scales to the width it is given."""
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BOTTOM
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Reliability diagram: accuracy by confidence">',
        *_grid(),
        *(_bar(each) for each in bins),
        f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>',
        f'<text x="{_x(0.5)}" y="{height - 6}" text-anchor="middle">confidence</text>',
        f'<text transform="translate(10 {_y(0.5)}) rotate(-90)" text-anchor="middle">accuracy</text>',
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def _grid() -> list[str]:
    lines = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        lines += [
            f'<line class="grid" x1="{_x(0)}" y1="{_y(share)}" x2="{_x(1)}" y2="{_y(share)}"/>',
            f'<text x="{_x(0) - 6}" y="{_y(share) + 4}" text-anchor="end">{share:.0%}</text>',
            f'<text x="{_x(share)}" y="{_y(0) + 16}" text-anchor="middle">{share:.0%}</text>',
        ]
    return lines


def _bar(each: Bin) -> str:
    if each.accuracy is None or each.confidence is None:
        return ""
    title = (
        f"{each.count:,} answers of {each.low:.0%} to {each.high:.0%}: "
        f"mean confidence {each.confidence:.1%}, accuracy {each.accuracy:.1%}"
    )
    left, wide = _x(each.low) + 1, _x(each.high) - _x(each.low) - 2
    return (
        f'<g><title>{title}</title><rect class="bar" x="{left:.1f}" y="{_y(each.accuracy):.1f}" width="{wide:.1f}" '
        f'height="{_SIDE * each.accuracy:.1f}"/><circle class="mean" cx="{_x(each.confidence):.1f}" '
        f'cy="{_y(each.accuracy):.1f}" r="3"/></g>'
    )


def _x(share: float) -> float:
    return _LEFT + _SIDE * share


def _y(share: float) -> float:
    return _TOP + _SIDE * (1 - share)
