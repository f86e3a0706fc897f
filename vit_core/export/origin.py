"""Where a model's weights come from, in words that can be shown to others: no path and no file name of a user."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import PurePath

from vit_core.catalog.collection import CITATION, LICENCE, MODEL_FACTS, PRETRAINING_SETS
from vit_core.catalog.families import PAPERS, Family, families
from vit_core.catalog.hub_copies import original_of
from vit_core.catalog.naming import CheckpointName, parse_name
from vit_core.catalog.timm_tags import TIMM_TAGS
from vit_core.errors import BadInput
from vit_core.settings import PUBLIC_BUCKET, Settings
from vit_core.store.address import address_location, is_address, read_hub_name
from vit_core.store.hub_name import HUB_PREFIX
from vit_core.store.location import RUN_PREFIX


@dataclasses.dataclass(frozen=True)
class Origin:
    """What is known of a checkpoint by its name.

    Attributes:
        title: its name where that was published, else a word for it.
        sentence: where it comes from and under what licence, going on from "This is …"; ends with a full stop.
        is_apache: whether it is known to be under the licence Apache-2.0.
        hub: its name on the Hugging Face Hub, or None.
    """

    title: str
    sentence: str
    is_apache: bool = False
    hub: str | None = None


_OWN_FILE = Origin("A checkpoint", "a file of the user's own.")


def read_origin(checkpoint: str) -> Origin:
    """Read the origin from a checkpoint's name or path, however a person wrote it.

    Example:
        >>> read_origin("/home/ada/cats.npz").sentence
        "a file of the user's own."
    """
    if checkpoint.startswith(RUN_PREFIX):
        return Origin(checkpoint, "the result of an earlier run.")
    checkpoint = _as_named(checkpoint)
    checkpoint = original_of(checkpoint) or checkpoint
    if is_address(checkpoint) and not checkpoint.startswith(f"{PUBLIC_BUCKET}/"):
        return _at_address(checkpoint)
    name = PurePath(checkpoint).name.removesuffix(".npz")
    try:
        parsed = parse_name(name)
    except BadInput:  # a file may have any name
        return _OWN_FILE
    return _named(name, parsed)


def _as_named(checkpoint: str) -> str:
    """Give the name in the catalogue's spelling where the text is an address that means the same file."""
    if not is_address(checkpoint.strip()):
        return checkpoint
    try:
        hub = read_hub_name(checkpoint)
        return str(hub) if hub else address_location(checkpoint, Settings()).name
    except BadInput:  # of a host that only its operator knows
        return checkpoint


@functools.lru_cache(maxsize=1)
def _copied() -> Mapping[str, Family]:
    """Give the listed files by the names of their copies on the hub; of several, the first that was published."""
    return {family.hub: family for family in reversed(list(families().values())) if family.hub}


def _at_address(address: str) -> Origin:
    family = families().get(address) or _copied().get(address)
    hub = address if address.startswith(HUB_PREFIX) else family.hub if family else ""
    repo = hub.removeprefix(HUB_PREFIX).partition("@")[0]
    if family is None:  # a host may be known to its operator alone
        return Origin(address, f"`{address}`.", hub=repo) if repo else _OWN_FILE
    licence = f" (licence {family.licence})" if family.licence else ""
    return Origin(
        address,
        f"`{address}`, published with {family.release}{licence}: {PAPERS[family.paper]}",
        is_apache=family.licence == LICENCE,
        hub=repo or None,
    )


# The pre-training set of the models that come with this project; see data/demo/README.md.
_DEMO_SET = "glyphs"


def _named(name: str, parsed: CheckpointName) -> Origin:
    if parsed.ds == _DEMO_SET:
        return Origin(
            name, f"`{name}`, a small model of ViT Explorer's demo bucket (licence {LICENCE}).", is_apache=True
        )
    if parsed.name not in MODEL_FACTS or parsed.ds not in PRETRAINING_SETS:
        return Origin(name, f"`{name}`.")
    tag = TIMM_TAGS.get(name)
    return Origin(
        name,
        f"`{name}` of the AugReg collection (licence {LICENCE}), pre-trained on {PRETRAINING_SETS[parsed.ds].label}: "
        f"{CITATION}",
        is_apache=True,
        hub=f"timm/{tag}" if tag else None,
    )
