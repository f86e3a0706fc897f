"""What the tests of exports share: a finished run of a tiny model, and a disk that is too small."""

import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params
from vit_core.export.result import write_result
from vit_core.models.config import ModelConfig
from vit_core.training.config import TrainConfig
from vit_core.training.report import Effort, make_report

CLASSES = 3


@pytest.fixture(scope="session")
def trained_config():
    """A model of 4 x 4 patches for the three drawn classes."""
    return ModelConfig(
        patch_size=4, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=CLASSES, resolution=16
    )


@pytest.fixture(scope="session")
def finished(trained_config, drawn_dataset):
    """What `write_result` is told of a run of the drawn classes; the weights are drawn too."""
    params = init_params(trained_config, seed=0)
    rng = np.random.default_rng(0)
    params["head"]["kernel"] = rng.normal(size=params["head"]["kernel"].shape).astype(np.float32)
    logits = rng.normal(size=(len(drawn_dataset.of("test")), CLASSES))
    effort = Effort(steps=20, best_step=10, seconds=75.0, device="CPU", images_per_second=12.0)
    config = TrainConfig(
        checkpoint="Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0",
        resolution=16,
        total_steps=20,
        batch=8,
        learning_rate=0.03,
        warmup_steps=2,
    )
    report = make_report(drawn_dataset, logits, effort=effort)
    return {
        "model": trained_config,
        "params": params,
        "config": config,
        "dataset": drawn_dataset,
        "report": report,
    }


@pytest.fixture
def run_folder(finished, tmp_path):
    """The folder of a finished run "my-run", with its result."""
    folder = tmp_path / "runs" / "my-run"
    folder.mkdir(parents=True)
    write_result(folder, **finished)
    return folder
