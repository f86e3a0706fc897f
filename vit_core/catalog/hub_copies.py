"""Where the same weights lie on the Hugging Face Hub, and what is different there.

Of AugReg, timm has the files of `timm_tags` under names of its own; of the other releases `families` tells. Knows no
network: whether a repository is there is for the store to find out.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping

from vit_core.catalog.families import families
from vit_core.catalog.timm_tags import TIMM_TAGS
from vit_core.errors import AccessDenied
from vit_core.settings import PUBLIC_BUCKET
from vit_core.store.hub_name import HUB_PREFIX

# timm/models/vision_transformer.py and vision_transformer_hybrid.py, `default_cfgs`: each of these tags has the
# classes and the resolution of the file that it was converted from.
_OF_AUGREG = (
    "timm's names and layout, the same weights, head and resolution; timm itself computes them with the exact GELU, "
    "and here they are computed with the tanh form, as they were trained"
)
_OF_HYBRIDS = "; the kernels of its convolutions are rescaled, since timm standardises them otherwise"


@dataclasses.dataclass(frozen=True)
class HubCopy:
    """The same weights on the hub.

    Attributes:
        name: `hf:OWNER/REPO`, as a checkpoint is named.
        difference: what is different there, as a clause.
    """

    name: str
    difference: str

    @property
    def sentence(self) -> str:
        """Say where they are, and what is different.

        Example:
            >>> HubCopy("hf:timm/vit", "timm's names").sentence
            "The same weights are on the Hugging Face Hub: hf:timm/vit (timm's names)."
        """
        return f"The same weights are on the Hugging Face Hub: {self.name} ({self.difference})."


def hub_copy(name: str) -> HubCopy | None:
    """Give the copy of a published file; None where none is known.

    Args:
        name: of a checkpoint, as it is named here; AugReg's files also by their full address.

    Example:
        >>> hub_copy("Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0").name
        'hf:timm/vit_tiny_patch16_224.augreg_in21k'
    """
    file = name.removeprefix(f"{PUBLIC_BUCKET}/").removesuffix(".npz")
    if tag := TIMM_TAGS.get(file):
        hybrid = _OF_HYBRIDS if file.startswith("R") else ""
        return HubCopy(f"{HUB_PREFIX}timm/{tag}", _OF_AUGREG + hybrid)
    family = families().get(name)
    if family is None or not family.hub or family.hub == name:
        return None
    return HubCopy(family.hub, family.hub_difference)


def original_of(name: str) -> str | None:
    """Give the AugReg file that timm's repository is a copy of; None where it is of none.

    Example:
        >>> original_of("hf:timm/vit_tiny_patch16_224.augreg_in21k")
        'Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0'
    """
    return _ORIGINALS.get(name)


_ORIGINALS = {f"{HUB_PREFIX}timm/{tag}": name for name, tag in TIMM_TAGS.items()}


@functools.lru_cache(maxsize=1)
def other_names() -> Mapping[str, tuple[str, ...]]:
    """Give what else published files are called: timm's names, and those of copies, without "hf:" and the owner.

    Returns:
        By the name of a file here: its other names, none of them empty.

    Example:
        >>> other_names()["Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"]
        ('vit_tiny_patch16_224.augreg_in21k',)
    """
    names: dict[str, tuple[str, ...]] = {name: (tag,) for name, tag in TIMM_TAGS.items()}
    for family in families().values():
        copy = family.hub.rpartition("/")[2]
        told = (family.label if family.release == "timm" else "", copy if family.hub != family.name else "")
        if known := tuple(name for name in told if name):
            names[family.name] = known
    return names


def bare_name(text: str) -> str:
    """Give a name of the hub as `other_names` has it.

    Example:
        >>> bare_name("hf:timm/vit_tiny_patch16_224.augreg_in21k"), bare_name("B/16")
        ('vit_tiny_patch16_224.augreg_in21k', 'B/16')
    """
    bare = text.removeprefix("https://huggingface.co/").removeprefix(HUB_PREFIX)
    return bare.removeprefix("timm/").removeprefix("google/")


@contextlib.contextmanager
def offering_copy(name: str) -> Iterator[None]:
    """Let the sentence of a closed bucket name the copy, if there is one, for what is fetched within the block.

    Raises:
        AccessDenied: as within.
    """
    try:
        yield
    except AccessDenied as error:
        copy = hub_copy(name)
        if copy is None:
            raise
        raise AccessDenied(f"{error} {copy.sentence}") from error
