"""Which files count as damaged, so that a fresh copy may help, and which were written so."""

import numpy as np
import pytest
import safetensors.numpy
from weight_files import FORMATS, as_npz

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.timm import TIMM
from vit_core.checkpoints.generations.vit_jax import VIT_JAX
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.errors import BadCheckpoint, DamagedCheckpoint
from vit_core.models.build import build, flatten

WEIGHTS = {"head": np.ones((4, 3), np.float32), "bias": np.arange(3, dtype=np.float32)}


@pytest.fixture
def file(tmp_path):
    """Write bytes, and give the path."""

    def write(content):
        (tmp_path / "weights").write_bytes(content)
        return tmp_path / "weights"

    return write


@pytest.mark.parametrize("kind", FORMATS)
def test_file_that_is_cut_short_or_overwritten_is_damaged(file, kind):
    content = FORMATS[kind](WEIGHTS)

    for damaged in (content[: len(content) // 2], bytes(len(content)), b""):
        with pytest.raises(DamagedCheckpoint, match=r"^The file "):
            load_checkpoint(file(damaged))


def test_array_whose_header_was_overwritten_is_damaged(file):
    with pytest.raises(DamagedCheckpoint, match="unusable array"):
        load_checkpoint(file(as_npz(WEIGHTS).replace(b"fortran_order", b"fortran\0order", 1)))


def test_array_that_does_not_match_its_checksum_is_damaged(file, tiny_config):
    flat = {path: np.ones(leaf.shape, np.float32) for path, leaf in flatten(build(tiny_config)[1]).items()}
    content = as_npz(to_file(VIT_JAX, flat))

    with pytest.raises(DamagedCheckpoint, match="does not match its checksum"):
        load_checkpoint(file(content.replace(np.float32(1).tobytes() * 2, bytes(8), 1)))


def test_number_that_is_not_finite_is_damage(file, tiny_config):
    flat = {path: np.zeros(leaf.shape, np.float32) for path, leaf in flatten(build(tiny_config)[1]).items()}
    flat["head/bias"][3] = np.inf
    arrays = {name: np.asarray(array, order="C") for name, array in to_file(TIMM, flat).items()}

    with pytest.raises(DamagedCheckpoint, match=r"1 not finite: head\.bias"):
        load_checkpoint(file(safetensors.numpy.save(arrays)), num_heads=2)


@pytest.mark.parametrize("kind", FORMATS)
def test_whole_file_of_no_known_model_is_not_damaged(file, kind):
    with pytest.raises(BadCheckpoint) as caught:
        load_checkpoint(file(FORMATS[kind](WEIGHTS)))

    assert not isinstance(caught.value, DamagedCheckpoint)


@pytest.mark.parametrize("content", [b"<html>", b"\x80\x02cos\n", as_npz({"a": np.array([None])})], ids=range(3))
def test_file_that_was_written_as_something_else_is_not_damaged(file, content):
    with pytest.raises(BadCheckpoint) as caught:
        load_checkpoint(file(content))

    assert not isinstance(caught.value, DamagedCheckpoint)
