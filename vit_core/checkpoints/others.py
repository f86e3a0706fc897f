"""Files of weights of families that are not read here, told by their names, so that the refusal says what they are.

Sources of the names: big_vision/models/bit_paper.py, models/proj/image_text, vit_jax/models_lit.py; timm's resnetv2.py,
deit.py, naflexvit.py; modeling_clip.py and modeling_siglip.py of transformers.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping

from vit_core.checkpoints.layout import Shape

_READ = "Vision Transformers, hybrids and MLP-Mixers are read here"


@dataclasses.dataclass(frozen=True)
class _Family:
    """Attributes: a pattern that one of its names matches as a whole, one that none may, and what to say."""

    name: str
    unless: str
    sentence: str


_FAMILIES = (
    _Family(
        r"(?:params/)?(?:root_block/conv_root/kernel|resnet/root_block/.+|norm-pre-head/.+)",
        "",
        f"is a ResNet of Big Transfer (BiT), without a Transformer; {_READ}.",
    ),
    _Family(
        r"(?:stages\.0\.blocks\.0|layer1\.0)\.conv1\.weight",
        r"blocks\.0\.attn\..+",
        f"is a ResNet, without a Transformer; {_READ}.",
    ),
    _Family(
        r"(?:.*/)?(?:Embed_0/embedding|BertEncoder_0/.+)|(?:bert\.|text_model\.)?embeddings\.(?:word|token)_embeddings?\..+",
        r"(?:params/)?(?:img/)?embedding/kernel|vision_model\..+",
        "is a model of texts alone: it has no image tower.",
    ),
    _Family(
        r"(?:.*\.)?vision_model\.embeddings\.patch_embedding\.weight",
        "",
        "has the image tower of CLIP or SigLIP in the names of transformers, which are not read; take the file of the "
        "same model from big_vision (.npz) or from timm.",
    ),
    _Family(r"embeds\.proj\.weight", "", "is a NaFlex model of timm, which sees pictures in patches of any number."),
    _Family(
        r"dist_token|(?:.*\.)?distillation_token",
        "",
        "is a distilled DeiT: it has a second class token, which no model here has.",
    ),
    _Family(r"reg_token|(?:.*\.)?register_tokens", "", "has register tokens, which no model here has."),
)


def other_family(names: Iterable[str]) -> str | None:
    """Give what a file is where its names are those of a family that is not read; goes on from "The file …".

    Example:
        >>> other_family(["norm-pre-head/bias"]).partition(";")[0]
        'is a ResNet of Big Transfer (BiT), without a Transformer'
    """
    names = list(names)
    return next((family.sentence for family in _FAMILIES if _is(family, names)), None)


def other_shape(shapes: Mapping[str, Shape]) -> str | None:
    """Give what a file is where its names are ours and its shapes those of a family that is not read.

    Args:
        shapes: of its arrays, by our paths.
    """
    if len(shapes.get("embedding/kernel", ())) == 2 and len(shapes.get("pos_embedding", ())) == 3:
        side = shapes["pos_embedding"][0]
        if side > 1:  # position embeddings by row and column, without an axis of 1 in front
            return (
                "is a NaFlex model: it sees pictures in patches of any number and their places, and not squares of "
                "one size as the models here."
            )
    return None


def _is(family: _Family, names: list[str]) -> bool:
    found = any(re.fullmatch(family.name, name) for name in names)
    return found and not any(re.fullmatch(family.unless, name) for name in names)
