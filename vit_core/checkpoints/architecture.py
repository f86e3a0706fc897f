"""The architecture of a file, read from the shapes of its arrays; the name of the file plays no part.

Knows which axis of which array shows what. A file that contradicts itself still gets a configuration here, and
`restore` then lists what does not fit it.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Literal

from vit_core.checkpoints.names import VIT_JAX, Generation, to_published
from vit_core.checkpoints.pixels import IMAGENET, Scaling
from vit_core.errors import BadCheckpoint, BadInput, UntoldHeads
from vit_core.models.config import MAX_GRID, VARIANTS, ModelConfig, ResNetConfig, square_side

Shape = tuple[int, ...]
Origin = Literal["google", "timm", "transformers"]

# What no shape shows: epsilon of the LayerNorms and kind of GELU. Sources: vit_jax/models_vit.py with the defaults of
# flax.linen; timm/models/vision_transformer.py; ViTConfig of transformers.
_UNSEEN: Mapping[Origin, tuple[float, Literal["gelu_tanh", "gelu"]]] = {
    "google": (1e-6, "gelu_tanh"),
    "timm": (1e-6, "gelu"),
    "transformers": (1e-12, "gelu"),
}

# Far above every published model; beyond, a file is nonsense and not worth describing a model for.
_MOST = {
    "patch_size": 256,
    "hidden_size": 8192,
    "num_layers": 64,
    "mlp_dim": 32_768,
    "num_classes": 1_000_000,
    "representation_size": 8192,
    "tokens_mlp_dim": 32_768,
}
_MOST_HEADS = 128
_QKV_BIAS = re.compile(r"blocks/\d+/attention/(query|key|value)/bias")
_LAYER_SCALE = re.compile(r"blocks/\d+/layer_scale[12]/scale")
_MOST_STAGES, _MOST_UNITS, _MOST_WIDTH = 4, 64, 1024


def infer_config(
    shapes: Mapping[str, Shape],
    *,
    num_heads: int | None = None,
    told_heads: int | None = None,
    generation: Generation = VIT_JAX,
    origin: Origin = "google",
) -> ModelConfig:
    """Read the configuration.

    Args:
        shapes: of the arrays of a file, by our paths; GroupNorm arrays may have their leading ones. Kernels of queries
            are [D, heads, head width], or [D, D] in files that keep the heads as one axis.
        num_heads: for files of the latter kind; without it the number is that of the published model with this width,
            depth and MLP.
        told_heads: what lies beside the file tells of them, for where they are neither shown nor given.
        generation: the naming of the file, for messages.
        origin: the library whose layers the file was written for: what no shape shows is as there.

    Raises:
        BadCheckpoint: an array that shows the architecture is missing, has another number of axes, or shows a model
            that cannot be, as UntoldHeads where it leaves the number of heads open; goes on from "The file …".
        BadInput: `num_heads` is none that the model can have; a whole sentence.
    """
    is_mixer = any("/token_mlp/" in path for path in shapes)
    read = _Reader(shapes, generation, "MLP-Mixer" if is_mixer else "Vision Transformer")
    patch_size, _, _, hidden_size = read.axes("embedding/kernel", 4)
    norm_eps, activation = _UNSEEN[origin]
    config = ModelConfig(
        patch_size=patch_size,
        hidden_size=hidden_size,
        num_layers=_num_layers(shapes),
        mlp_dim=read.axes("blocks/0/mlp/dense1/kernel", 2)[1],
        num_heads=0,
        num_classes=read.axes("head/kernel", 2)[1] if "head/kernel" in shapes else 0,
        resolution=0,
        classifier=_classifier(shapes),
        representation_size=read.axes("pre_logits/kernel", 2)[1] if "pre_logits/kernel" in shapes else None,
        resnet=_resnet(read),
        tokens_mlp_dim=read.axes("blocks/0/token_mlp/dense1/kernel", 2)[1] if is_mixer else None,
        qkv_bias=is_mixer or any(_QKV_BIAS.fullmatch(path) for path in shapes),
        norm_eps=norm_eps,
        activation=activation,
        layer_scale=any(_LAYER_SCALE.fullmatch(path) for path in shapes),
    )
    _check_plausible(config)
    if is_mixer:
        return dataclasses.replace(config, resolution=_grid_of_mixer(read) * config.stride)
    config = _as_published(dataclasses.replace(config, num_heads=_num_heads(read, config, num_heads, told_heads)))
    grid, class_position = _grid(read, config)
    return dataclasses.replace(config, class_position=class_position).with_resolution(grid * config.stride)


@dataclasses.dataclass(frozen=True)
class _Reader:
    """The shapes, and the words for what is wrong with them."""

    shapes: Mapping[str, Shape]
    generation: Generation
    kind: str

    def axes(self, path: str, *counts: int) -> Shape:
        """Give the shape of an array that has one of these numbers of axes."""
        name = to_published(self.generation, path) or path
        if path not in self.shapes:
            raise BadCheckpoint(f"is no {self.kind} in a known layout: it has no array {name!r}.")
        shape = self.shapes[path]
        if len(shape) not in counts:
            wanted = " or ".join(map(str, counts))
            raise BadCheckpoint(f"is no {self.kind} in a known layout: {name!r} has {len(shape)} axes, not {wanted}.")
        return shape


def _classifier(shapes: Mapping[str, Shape]) -> Literal["token", "gap", "map"]:
    if "map_head/probe" in shapes:
        return "map"
    return "token" if "cls" in shapes else "gap"


def _check_plausible(config: ModelConfig) -> None:
    for field, most in _MOST.items():
        value = getattr(config, field)
        least = 0 if field == "num_classes" else 1
        if value is not None and not least <= value <= most:
            raise BadCheckpoint(f"shows a {field} of {value}; models have {least} to {most}.")


def _num_layers(shapes: Mapping[str, Shape]) -> int:
    found = (re.match(r"blocks/(\d+)/", path) for path in shapes)
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def _num_heads(read: _Reader, config: ModelConfig, given: int | None, told: int | None) -> int:
    """Give the number of heads that the file shows, else the one given, else the one told, else the published one."""
    shape = read.axes("blocks/0/attention/query/kernel", 2, 3)
    shown = shape[1] if len(shape) == 3 else None
    if given is not None:
        _check_given_heads(given, shown, config.hidden_size)
    known = next((heads for heads in (shown, given, told) if heads is not None), None)
    heads = _published_heads(config) if known is None else known
    if not 1 <= heads <= _MOST_HEADS:
        raise BadCheckpoint(f"shows a num_heads of {heads}; models have 1 to {_MOST_HEADS}.")
    if config.hidden_size % heads:
        raise BadCheckpoint(
            f"shows {heads} attention heads for a width of {config.hidden_size}, which they do not divide."
        )
    return heads


def _check_given_heads(given: int, shown: int | None, hidden_size: int) -> None:
    """Refuse what the user gave, whatever is wrong with the file."""
    if shown is not None and given != shown:
        raise BadInput(f"The file shows {shown} attention heads and not {given}; leave num_heads (`--num-heads`) out.")
    if not 1 <= given <= _MOST_HEADS:
        raise BadInput(f"A num_heads (`--num-heads`) of {given} is not possible; models have 1 to {_MOST_HEADS}.")
    if hidden_size % given:
        raise BadInput(
            f"A num_heads (`--num-heads`) of {given} does not suit the file: its width of {hidden_size} cannot be "
            f"divided by {given}."
        )


def _published_heads(config: ModelConfig) -> int:
    sizes = (config.hidden_size, config.num_layers, config.mlp_dim)
    found = {
        known.num_heads
        for known in VARIANTS.values()
        if (known.hidden_size, known.num_layers, known.mlp_dim) == sizes and not known.is_mixer
    }
    if len(found) != 1:
        raise UntoldHeads(
            f"does not tell how many attention heads it has: it keeps them as one axis, and no published model has its "
            f"width of {sizes[0]}, {sizes[1]} blocks and MLPs of {sizes[2]}. Give their number: with num_heads in "
            f"Python, with `--num-heads` on the command line, in the field for it on a page."
        )
    return found.pop()


def is_particular(config: ModelConfig) -> bool:
    """Tell whether the table knows what no array shows of a model like this: it is none of Google's."""
    return config.qk_scale is not None or (config.layer_scale and config.variant in VARIANTS)


def usual_scaling(config: ModelConfig) -> Scaling | None:
    """Give what pixels were scaled by for a published model of these shapes, None where files of them differ there.

    Source: timm/models/deit.py, `_cfg`; timm/models/vision_transformer.py of 2021, `_cfg`.
    """
    return IMAGENET if is_particular(config) else None


def _as_published(config: ModelConfig) -> ModelConfig:
    """Give what no shape shows as the published model of these shapes has it, where that differs from its library's."""
    known = VARIANTS.get(config.variant)
    if known is None or not is_particular(known):
        return config
    return dataclasses.replace(config, qk_scale=known.qk_scale, norm_eps=known.norm_eps, activation=known.activation)


def _grid(read: _Reader, config: ModelConfig) -> tuple[int, bool]:
    """Give the patches a side, and whether the class token has a position, too."""
    _, tokens, _ = read.axes("pos_embedding", 3)
    if config.classifier == "token" and read.generation.class_position != "whole" and square_side(tokens) is not None:
        return _side(tokens, f"has position embeddings for {tokens} patches"), False
    patches = tokens - (config.classifier == "token")
    return _side(patches, f"has position embeddings for {patches} patches"), True


def _grid_of_mixer(read: _Reader) -> int:
    patches = read.axes("blocks/0/token_mlp/dense1/kernel", 2)[0]
    return _side(patches, f"has MLPs over {patches} patches")


def _side(patches: int, found: str) -> int:
    grid = square_side(patches)
    if grid is None or grid > MAX_GRID:
        raise BadCheckpoint(f"{found}, which is not a square grid of at most {MAX_GRID} a side.")
    return grid


def _resnet(read: _Reader) -> ResNetConfig | None:
    if "resnet/conv_root/kernel" not in read.shapes:
        return None
    width = read.axes("resnet/conv_root/kernel", 4)[3]
    units: dict[int, int] = {}
    for path in read.shapes:
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
