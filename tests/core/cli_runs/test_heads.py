"""A checkpoint that does not tell its attention heads: refused with the flag, then a run that keeps the number."""

import json
import shutil

import numpy as np
import pytest
from weight_files import FORMATS

from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.timm import TIMM
from vit_core.checkpoints.recognise import recognise
from vit_core.models.build import flatten
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params


@pytest.fixture
def untold(place):
    """Such a file: timm's names, nothing beside it, and of a model that nobody published."""
    shape = {"patch_size": 8, "hidden_size": 24, "num_layers": 1, "mlp_dim": 40, "num_heads": 3, "num_classes": 2}
    params = init_params(ModelConfig(**shape, resolution=32), seed=0)
    path = place.folder / "mine.safetensors"
    arrays = to_file(TIMM, flatten(params))
    path.write_bytes(FORMATS["safetensors"]({name: np.ascontiguousarray(array) for name, array in arrays.items()}))
    return path


def test_a_run_takes_and_keeps_the_number_of_heads_that_it_was_given(place, untold, photos, assert_refused):
    words = ("finetune", "--checkpoint", untold, "--data", photos, "--name", "one", "--resolution", "32")
    words += ("--total-steps", "2", "--warmup-steps", "0", "--batch", "8", "--learning-rate", "0.01")

    assert_refused(place.run(*words), "does not tell how many attention heads", "--num-heads")
    shutil.rmtree(place.runs, ignore_errors=True)
    done = place.run(*words, "--num-heads", "3", "--format", "json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"]["num_heads"] == 3
    assert recognise(place.runs / "one" / "result" / "model.npz").config.num_heads == 3
