"""The shape of every parameter of a model, by arithmetic: known before JAX and Flax are, so that a file can be checked.

The tests hold it to what `build` makes of each published model and of each option.
"""

from collections.abc import Iterator

from vit_core.models.dimensions import Dimensions
from vit_core.models.resnet_config import ResNetConfig
from vit_core.models.tree import flatten, unflatten

Shape = tuple[int, ...]
_Named = Iterator[tuple[str, Shape]]


def param_shapes(config: Dimensions) -> dict[str, Shape]:
    """Give the shapes by path, in the order of `flatten(build(config)[1])`; all parameters are float32.

    Example:
        >>> from vit_core.models.config import VARIANTS
        >>> param_shapes(VARIANTS["B/16"])["blocks/0/attention/query/kernel"]
        (768, 12, 64)
    """
    return flatten(unflatten(dict(_model(config))))


def _model(config: Dimensions) -> _Named:
    D, K, R = config.hidden_size, config.num_classes, config.representation_size
    if config.resnet is not None:
        yield from _resnet(config.resnet)
    channels = config.resnet.out_channels if config.resnet else 3
    yield from _dense("embedding", (config.patch_size, config.patch_size, channels), (D,))
    for index in range(config.num_layers):
        yield from _block(f"blocks/{index}", config)
    yield from _norm("norm", D)
    if config.is_mixer:
        yield from _dense("head", (D,), (K,)) if K else ()
        return
    yield "pos_embedding", (1, config.num_positions, D)
    if config.classifier == "token":
        yield "cls", (1, 1, D)
    if config.classifier == "map":
        yield "map_head/probe", (1, 1, D)
        yield from _attention("map_head/attention", config, qkv_bias=True)
        yield from _norm("map_head/norm", D)
        yield from _mlp("map_head/mlp", D, config.mlp_dim)
    yield from _dense("pre_logits", (D,), (R,)) if R else ()
    yield from _dense("head", (config.num_features,), (K,)) if K else ()


def _block(path: str, config: Dimensions) -> _Named:
    D = config.hidden_size
    yield from _norm(f"{path}/norm1", D)
    if config.tokens_mlp_dim is not None:
        yield from _mlp(f"{path}/token_mlp", config.num_tokens, config.tokens_mlp_dim)
    else:
        yield from _attention(f"{path}/attention", config, qkv_bias=config.qkv_bias)
    yield from _norm(f"{path}/norm2", D)
    yield from _mlp(f"{path}/mlp", D, config.mlp_dim)
    if config.layer_scale and not config.is_mixer:
        yield f"{path}/layer_scale1/scale", (D,)
        yield f"{path}/layer_scale2/scale", (D,)


def _attention(path: str, config: Dimensions, *, qkv_bias: bool) -> _Named:
    D = config.hidden_size
    heads = config.num_heads, D // config.num_heads
    for part in ("query", "key", "value"):
        yield from _dense(f"{path}/{part}", (D,), heads, bias=qkv_bias)
    yield from _dense(f"{path}/out", heads, (D,))


def _mlp(path: str, width: int, hidden: int) -> _Named:
    yield from _dense(f"{path}/dense1", (width,), (hidden,))
    yield from _dense(f"{path}/dense2", (hidden,), (width,))


def _resnet(config: ResNetConfig) -> _Named:
    yield "resnet/conv_root/kernel", (7, 7, 3, config.width)
    yield from _norm("resnet/gn_root", config.width)
    channels = config.width
    for stage, units in enumerate(config.num_blocks):
        features = config.width << stage
        for unit in range(units):
            path = f"resnet/stages/{stage}/{unit}"
            yield from _conv(path, 1, size=1, shape=(channels, features))
            yield from _conv(path, 2, size=3, shape=(features, features))
            yield from _conv(path, 3, size=1, shape=(features, 4 * features))
            if channels != 4 * features or (stage > 0 and unit == 0):
                yield f"{path}/conv_proj/kernel", (1, 1, channels, 4 * features)
                yield from _norm(f"{path}/gn_proj", 4 * features)
            channels = 4 * features


def _conv(path: str, number: int, *, size: int, shape: Shape) -> _Named:
    yield f"{path}/conv{number}/kernel", (size, size, *shape)
    yield from _norm(f"{path}/gn{number}", shape[1])


def _dense(path: str, inputs: Shape, outputs: Shape, *, bias: bool = True) -> _Named:
    yield f"{path}/kernel", (*inputs, *outputs)
    if bias:
        yield f"{path}/bias", outputs


def _norm(path: str, width: int) -> _Named:
    yield f"{path}/scale", (width,)
    yield f"{path}/bias", (width,)
