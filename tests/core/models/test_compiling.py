"""What XLA is asked for: never more than it knows, and nothing on accelerators."""

import jax
import jax.numpy as jnp
import pytest

from vit_core.models import compiling
from vit_core.models.compiling import compile_forward, training_options
from vit_core.models.config import VARIANTS


@pytest.fixture
def lowered():
    return jax.jit(lambda x: jnp.dot(x, x)).lower(jnp.eye(4))


@pytest.mark.parametrize("name", ["Ti/16", "S/16", "R+Ti/16", "R26+S/32"])
@pytest.mark.parametrize("batch", [1, 4])
def test_products_come_out_the_same(lowered, name, batch):
    compiled = compile_forward(lowered, VARIANTS[name], "cpu", batch=batch)
    assert compiled(2 * jnp.eye(4)).tolist() == (4 * jnp.eye(4)).tolist()


@pytest.mark.parametrize(
    ("name", "batch", "products", "convolutions"),
    [
        ("Ti/16", 1, "Eigen", "Eigen"),
        ("Ti/16", 4, "YNNPACK", "YNNPACK"),
        ("S/16", 1, "YNNPACK", "YNNPACK"),
        ("R+Ti/16", 1, "Eigen", "Eigen"),
        ("R+Ti/16", 4, "YNNPACK", "Eigen"),
        ("R26+S/32", 1, "YNNPACK", "Eigen"),
    ],
)
def test_narrow_models_and_hybrids_leave_less_to_ynnpack(name, batch, products, convolutions):
    given = compiling._given_to_ynnpack(VARIANTS[name], batch)
    assert ("YNNPACK" if given is None or "INDIVIDUAL_DOT" in given else "Eigen") == products
    assert ("YNNPACK" if given is None or "CONVOLUTION" in given else "Eigen") == convolutions


@pytest.fixture
def older_xla(monkeypatch):
    monkeypatch.setattr(compiling, "_YNNPACK", "xla_cpu_not_there_any_more")
    compiling._is_known.cache_clear()
    yield
    compiling._is_known.cache_clear()


@pytest.mark.usefixtures("older_xla")
def test_an_xla_without_the_option_keeps_its_defaults(lowered):
    compiled = compile_forward(lowered, VARIANTS["Ti/16"], "cpu", batch=1)
    assert compiled(jnp.eye(4)).tolist() == jnp.eye(4).tolist()
    assert training_options(VARIANTS["R+Ti/16"], "cpu") is None


def test_accelerators_are_asked_for_nothing():
    assert training_options(VARIANTS["R+Ti/16"], "gpu") is None
    assert training_options(VARIANTS["Ti/16"], "cpu") is None
    assert training_options(VARIANTS["R+Ti/16"], "cpu")
