"""The package as a whole: what an import costs, and that the examples in the docstrings are true."""

import doctest
import importlib
import pkgutil
import subprocess
import sys

import pytest

import vit_core

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(vit_core.__path__, "vit_core.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_knows(name: str):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize(
    "name",
    [
        "vit_core",
        "vit_core.catalog.query",
        "vit_core.store.store",
        "vit_core.models.config",
        "vit_core.inference.service",
    ],
)
def test_the_explorer_side_starts_without_jax(name: str):
    code = f"import sys, {name}; sys.exit(any(module in sys.modules for module in ('jax', 'jaxlib', 'flax', 'optax')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_public_names_come_from_the_package():
    assert vit_core.load_predictor.__name__ == "load_predictor"


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'load_model'"):
        _ = vit_core.load_model
