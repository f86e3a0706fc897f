"""The architecture of a published file that `vit_core.catalog.families` lists, with its own head and resolution."""

import dataclasses

from vit_core.catalog.families import Family
from vit_core.models.config import ModelConfig, variant


def family_shape(family: Family) -> ModelConfig:
    """Give what the file's arrays are, told from its facts alone.

    Raises:
        BadInput: the architecture is no variant of `vit_core.models.config`.

    Example:
        >>> from vit_core.catalog.families import families
        >>> family_shape(families()["gs://vit_models/imagenet21k/ViT-B_16.npz"]).num_params
        103186515
    """
    known = variant(family.architecture)
    config = dataclasses.replace(
        known,
        num_classes=family.classes,
        representation_size=known.hidden_size if family.pre_logits else None,
        class_position=known.class_position and family.class_position,
    )
    return config.with_resolution(family.resolution)
