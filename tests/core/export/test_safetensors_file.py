"""What is written is read by the library itself."""

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from vit_core.export.safetensors_file import write_safetensors


def test_the_library_reads_what_was_written(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "whole": rng.normal(size=(3, 4)).astype(np.float32),
        "turned": rng.normal(size=(2, 3, 4)).astype(np.float32).transpose(2, 0, 1),
        "one": np.float32(2.5).reshape(()),
        "none": np.zeros((0, 5), np.float32),
        "straße": np.ones(7, np.float32),
    }
    write_safetensors(tmp_path / "model.safetensors", arrays)
    read = load_file(tmp_path / "model.safetensors")
    assert read.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(read[name], array)


def test_the_file_says_that_pytorch_may_read_it(tmp_path):
    write_safetensors(tmp_path / "a.safetensors", {"a": np.zeros(1, np.float32)})
    with safe_open(tmp_path / "a.safetensors", framework="np") as file:
        assert file.metadata() == {"format": "pt"}


def test_values_start_at_a_multiple_of_eight_bytes(tmp_path):
    for length in range(1, 9):
        write_safetensors(tmp_path / "a", {"x" * length: np.zeros(1, np.float32)})
        assert int.from_bytes((tmp_path / "a").read_bytes()[:8], "little") % 8 == 0


def test_another_type_is_refused_before_a_byte_is_written(tmp_path):
    with pytest.raises(ValueError, match="'a' is float64"):
        write_safetensors(tmp_path / "a", {"a": np.zeros(2)})
    assert not (tmp_path / "a").exists()
