"""The convolutions of the hybrids against plain loops in float64.

The reference logits cover the stem only, and timm standardises weights with another epsilon, so the units are checked
against the formulas of vit_jax/models_resnet.py written out here.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.test_util import check_grads

from vit_core.models.config import ResNetConfig
from vit_core.models.resnet import BottleneckUnit, ResNet, StdConv

FLOAT32 = jnp.dtype("float32")


def randomised(module):
    """Replace every parameter: modules are built with zeros, ones and no thought."""
    random = np.random.RandomState(1)
    graphdef, state = nnx.split(module)

    def draw(tree):
        return {
            key: draw(value) if isinstance(value, dict) else random.normal(size=value.shape).astype(np.float32)
            for key, value in tree.items()
        }

    return nnx.merge(graphdef, draw(nnx.to_pure_dict(state)))


def float64(module):
    def widen(tree):
        return {
            key: widen(value) if isinstance(value, dict) else np.asarray(value, np.float64)
            for key, value in tree.items()
        }

    return widen(nnx.to_pure_dict(nnx.split(module)[1]))


def same_padding(maps, size, stride, fill):
    """Pad as TensorFlow's "SAME": the output has ceil(H / stride) rows, the odd pixel goes right and down."""
    out = -(-maps.shape[1] // stride)
    total = max((out - 1) * stride + size - maps.shape[1], 0)
    side = (total // 2, total - total // 2)
    return np.pad(maps, ((0, 0), side, side, (0, 0)), constant_values=fill), out


def convolve(kernel, maps, stride=1):
    kernel = kernel - kernel.mean(axis=(0, 1, 2))
    kernel = kernel / (np.sqrt((kernel**2).mean(axis=(0, 1, 2))) + 1e-5)
    size = kernel.shape[0]
    padded, out = same_padding(maps, size, stride, 0)
    result = np.zeros((len(maps), out, out, kernel.shape[3]))
    for y in range(out):
        for x in range(out):
            window = padded[:, y * stride : y * stride + size, x * stride : x * stride + size]
            result[:, y, x] = np.tensordot(window, kernel, axes=3)
    return result


def group_norm(params, maps, groups=32):
    B, H, W, C = maps.shape
    grouped = maps.reshape(B, H * W, groups, C // groups)
    grouped = grouped - grouped.mean(axis=(1, 3), keepdims=True)
    grouped = grouped / np.sqrt((grouped**2).mean(axis=(1, 3), keepdims=True) + 1e-6)
    return grouped.reshape(maps.shape) * params["scale"] + params["bias"]


def max_pool(maps):
    padded, out = same_padding(maps, 3, 2, -np.inf)
    windows = [padded[:, y : y + 2 * out - 1 : 2, x : x + 2 * out - 1 : 2] for y in range(3) for x in range(3)]
    return np.max(windows, axis=0)


def relu(maps):
    return np.maximum(maps, 0)


def unit(params, maps, stride):
    shortcut = maps
    if "conv_proj" in params:
        shortcut = group_norm(params["gn_proj"], convolve(params["conv_proj"]["kernel"], maps, stride))
    maps = relu(group_norm(params["gn1"], convolve(params["conv1"]["kernel"], maps)))
    maps = relu(group_norm(params["gn2"], convolve(params["conv2"]["kernel"], maps, stride)))
    return relu(shortcut + group_norm(params["gn3"], convolve(params["conv3"]["kernel"], maps)))


def maps_of(size, channels):
    return np.random.RandomState(2).normal(size=(2, size, size, channels)).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "kernel", "stride"), [(8, 7, 2), (7, 7, 2), (8, 3, 2), (7, 3, 2), (5, 3, 1), (6, 1, 2)]
)
def test_convolution_standardises_its_kernel_and_pads_as_tensorflow(size, kernel, stride):
    conv = randomised(StdConv(4, 6, size=kernel, stride=stride, dtype=FLOAT32))
    maps = maps_of(size, 4)

    expected = convolve(float64(conv)["kernel"], maps, stride)

    np.testing.assert_allclose(conv(jnp.asarray(maps)), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("channels", "stride", "projects"),
    [(128, 1, False), (64, 1, True), (128, 2, True)],
    ids=["plain", "wider", "smaller"],
)
def test_unit_projects_its_shortcut_only_where_the_shape_changes(channels, stride, projects):
    module = randomised(BottleneckUnit(channels, 32, stride=stride, dtype=FLOAT32))
    maps = maps_of(6, channels)
    params = float64(module)

    expected = unit(params, maps, stride)

    assert ("conv_proj" in params) is projects
    np.testing.assert_allclose(module(jnp.asarray(maps)), expected, atol=5e-5)


@pytest.mark.parametrize("size", [32, 30])
def test_stem_and_stages_follow_one_another(size):
    config = ResNetConfig(num_blocks=(1, 2), width=32)
    module = randomised(ResNet(config, dtype=FLOAT32))
    images = maps_of(size, 3)
    params = float64(module)

    maps = max_pool(relu(group_norm(params["gn_root"], convolve(params["conv_root"]["kernel"], images, 2))))
    maps = unit(params["stages"][0][0], maps, 1)
    maps = unit(params["stages"][1][0], maps, 2)
    maps = unit(params["stages"][1][1], maps, 1)

    np.testing.assert_allclose(module(jnp.asarray(images)), maps, atol=2e-4)


def test_pooling_never_takes_the_padding_even_in_bfloat16():
    module = ResNet(ResNetConfig(width=32), dtype=jnp.dtype("bfloat16"))

    maps = module(jnp.asarray(maps_of(32, 3)))

    assert maps.dtype == jnp.bfloat16
    assert np.isfinite(np.asarray(maps, np.float32)).all()


def test_the_gradient_of_the_stem_is_that_of_what_it_computes():
    graphdef, params = nnx.split(randomised(ResNet(ResNetConfig(width=32), dtype=FLOAT32)))
    images = jnp.asarray(maps_of(8, 3))

    def total(images):
        return jnp.sin(nnx.merge(graphdef, params)(jnp.asarray(images))).sum()

    check_grads(total, (images,), order=1, modes=["rev"], atol=2e-2, rtol=2e-2)
