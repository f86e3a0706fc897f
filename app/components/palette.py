"""One colour and one mark for each model, the same in every chart, legible on white and on black.

The colour says the size (Tiny, Small, Base, Large), the mark says how images become patches. Hues are those of Okabe
and Ito, told apart with any colour vision; each keeps a contrast of 3 to 1 against both themes' backgrounds.
"""

import dataclasses

from vit_core.catalog.collection import MODEL_FACTS


@dataclasses.dataclass(frozen=True)
class Look:
    """How a model looks in a chart: a CSS colour and a plotly symbol, and the words for both."""

    colour: str
    symbol: str
    size: str


TINY, SMALL, BASE, LARGE, OTHER = "#D55E00", "#008F68", "#3A82C8", "#B9589F", "#7F8794"
ACCENT = "#6C72E8"
NEUTRAL = "#7F8794"
_SIZES = {"Ti": ("Tiny", TINY), "S": ("Small", SMALL), "B": ("Base", BASE), "L": ("Large", LARGE)}
_PATCH_SYMBOLS = {"8": "triangle-up", "16": "circle", "32": "square"}


def look_of(name: str) -> Look:
    """Give the look of a model by its published name; models outside AugReg are grey circles.

    Example:
        >>> look_of("R26+S/32").size, look_of("R26+S/32").symbol, look_of("Micro/8").colour
        ('Small', 'diamond', '#7F8794')
    """
    backbone, _, patch = name.rpartition("+")[2].partition("/")
    size, colour = _SIZES.get(backbone, ("Other", OTHER))
    symbol = "diamond" if "+" in name else _PATCH_SYMBOLS.get(patch, "circle")
    return Look(colour, symbol, size)


def size_order(name: str) -> int:
    """Give the rank of a model by size; models outside AugReg come last."""
    facts = MODEL_FACTS.get(name)
    return facts.order if facts else len(MODEL_FACTS)
