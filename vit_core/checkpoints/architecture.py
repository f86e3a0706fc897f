"""The architecture of a file, read from the shapes of its arrays; the name of the file plays no part.

Knows which axis of which array shows what. A file that contradicts itself still gets a configuration here, and
`restore` then lists what does not fit it.
"""

import re
from collections.abc import Mapping

from vit_core.checkpoints.names import VIT_JAX, to_published
from vit_core.errors import BadCheckpoint
from vit_core.models.config import MAX_GRID, ModelConfig, ResNetConfig, square_side

Shape = tuple[int, ...]

# Far above every published model; beyond, a file is nonsense and not worth describing a model for.
_MOST = {
    "patch_size": 256,
    "hidden_size": 8192,
    "num_layers": 64,
    "mlp_dim": 32_768,
    "num_heads": 128,
    "num_classes": 1_000_000,
    "representation_size": 8192,
}
_MOST_STAGES, _MOST_UNITS, _MOST_WIDTH = 4, 64, 1024


def infer_config(shapes: Mapping[str, Shape]) -> ModelConfig:
    """Read the configuration.

    Args:
        shapes: of the arrays of a file, by our paths; GroupNorm arrays may have their leading ones.

    Raises:
        BadCheckpoint: an array that shows the architecture is missing, has another number of axes, or shows a model
            that cannot be; the message goes on from "The file …".
    """
    patch_size, _, _, hidden_size = _axes(shapes, "embedding/kernel", 4)
    config = ModelConfig(
        patch_size=patch_size,
        hidden_size=hidden_size,
        num_layers=_num_layers(shapes),
        mlp_dim=_axes(shapes, "blocks/0/mlp/dense1/kernel", 2)[1],
        num_heads=_axes(shapes, "blocks/0/attention/query/kernel", 3)[1],
        num_classes=_axes(shapes, "head/kernel", 2)[1] if "head/kernel" in shapes else 0,
        resolution=0,
        classifier="token" if "cls" in shapes else "gap",
        representation_size=_axes(shapes, "pre_logits/kernel", 2)[1] if "pre_logits/kernel" in shapes else None,
        resnet=_resnet(shapes),
    )
    _check_plausible(config)
    return config.with_resolution(_grid(shapes, config) * config.stride)


def _axes(shapes: Mapping[str, Shape], path: str, count: int) -> Shape:
    name = to_published(VIT_JAX, path)
    if path not in shapes:
        raise BadCheckpoint(f"is no Vision Transformer in a known layout: it has no array {name!r}.")
    shape = shapes[path]
    if len(shape) != count:
        raise BadCheckpoint(f"is no Vision Transformer in a known layout: {name!r} has {len(shape)} axes, not {count}.")
    return shape


def _check_plausible(config: ModelConfig) -> None:
    for field, most in _MOST.items():
        value = getattr(config, field)
        least = 0 if field == "num_classes" else 1
        if value is not None and not least <= value <= most:
            raise BadCheckpoint(f"shows a {field} of {value}; models have {least} to {most}.")
    if config.hidden_size % config.num_heads:
        raise BadCheckpoint(
            f"shows {config.num_heads} attention heads for a width of {config.hidden_size}, which they do not divide."
        )


def _num_layers(shapes: Mapping[str, Shape]) -> int:
    found = (re.match(r"blocks/(\d+)/", path) for path in shapes)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def _grid(shapes: Mapping[str, Shape], config: ModelConfig) -> int:
    _, tokens, _ = _axes(shapes, "pos_embedding", 3)
    patches = tokens - (config.classifier == "token")
    grid = square_side(patches)
    if grid is None or grid > MAX_GRID:
        raise BadCheckpoint(
            f"has position embeddings for {patches} patches, which is not a square grid of at most {MAX_GRID} a side."
        )
    return grid


def _resnet(shapes: Mapping[str, Shape]) -> ResNetConfig | None:
    if "resnet/conv_root/kernel" not in shapes:
        return None
    width = _axes(shapes, "resnet/conv_root/kernel", 4)[3]
    units: dict[int, int] = {}
    for path in shapes:
        if match := re.match(r"resnet/stages/(\d+)/(\d+)/", path):
            stage, unit = int(match[1]), int(match[2])
            units[stage] = max(units.get(stage, 0), unit + 1)
    stages = 1 + max(units, default=-1)
    if stages > _MOST_STAGES or sum(units.values()) > _MOST_UNITS or not 0 < width <= _MOST_WIDTH or width % 32:
        raise BadCheckpoint(
            f"shows a ResNet of {stages} stages, {sum(units.values())} units and width {width}; models have up to "
            f"{_MOST_STAGES} stages, {_MOST_UNITS} units and a width that is a multiple of 32, up to {_MOST_WIDTH}."
        )
    return ResNetConfig(num_blocks=tuple(units.get(stage, 1) for stage in range(stages)), width=width)
