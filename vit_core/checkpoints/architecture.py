"""The architecture of a file, read from the shapes of its arrays; the name of the file plays no part.

Knows which axis of which array shows what. A file that contradicts itself still gets a configuration here, and
`restore` then lists what does not fit it.
"""

import re
from collections.abc import Mapping

from vit_core.errors import BadCheckpoint
from vit_core.models.config import MAX_GRID, ModelConfig, ResNetConfig, square_side

Shape = tuple[int, ...]
MAX_LAYERS = 64


def infer_config(shapes: Mapping[str, Shape]) -> ModelConfig:
    """Read the configuration.

    Args:
        shapes: of the arrays of a file, by our paths; GroupNorm arrays may have their leading ones.

    Raises:
        BadCheckpoint: an array that shows the architecture is missing or has another number of axes; the message goes
            on from "The file …".
    """
    patch_size, _, _, hidden_size = _axes(shapes, "embedding/kernel", 4)
    _, num_heads, _ = _axes(shapes, "blocks/0/attention/query/kernel", 3)
    _, mlp_dim = _axes(shapes, "blocks/0/mlp/dense1/kernel", 2)
    config = ModelConfig(
        patch_size=patch_size,
        hidden_size=hidden_size,
        num_layers=_num_layers(shapes),
        mlp_dim=mlp_dim,
        num_heads=num_heads,
        num_classes=_axes(shapes, "head/kernel", 2)[1] if "head/kernel" in shapes else 0,
        resolution=0,
        classifier="token" if "cls" in shapes else "gap",
        representation_size=_axes(shapes, "pre_logits/kernel", 2)[1] if "pre_logits/kernel" in shapes else None,
        resnet=_resnet(shapes),
    )
    if min(patch_size, hidden_size, mlp_dim, num_heads) < 1 or hidden_size % num_heads:
        raise BadCheckpoint(f"has {num_heads} attention heads for a width of {hidden_size}, which does not divide.")
    return config.with_resolution(_grid(shapes, config) * config.stride)


def _axes(shapes: Mapping[str, Shape], path: str, count: int) -> Shape:
    if path not in shapes:
        raise BadCheckpoint(f"is no Vision Transformer in a known layout: it has no array for {path!r}.")
    shape = shapes[path]
    if len(shape) != count:
        raise BadCheckpoint(
            f"is no Vision Transformer in a known layout: {path!r} has the shape {shape}, not {count} axes."
        )
    return shape


def _num_layers(shapes: Mapping[str, Shape]) -> int:
    found = (re.match(r"blocks/(\d+)/", path) for path in shapes)
    num_layers = 1 + max(int(match[1]) for match in found if match)
    if num_layers > MAX_LAYERS:
        raise BadCheckpoint(f"has {num_layers} encoder blocks; the limit is {MAX_LAYERS}.")
    return num_layers


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
    num_blocks = tuple(units.get(stage, 1) for stage in range(1 + max(units, default=-1)))
    if len(num_blocks) > 4 or sum(num_blocks) > MAX_LAYERS or width % 32:
        raise BadCheckpoint(f"has a ResNet of {num_blocks} units with a width of {width}, which no known model has.")
    return ResNetConfig(num_blocks=num_blocks, width=width)
