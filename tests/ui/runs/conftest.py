"""What the tests of Runs share: a function that leaves the folder of a run as its process would."""

import dataclasses
import json

import numpy as np
import pytest

from app import resources
from vit_core.export.result import write_result
from vit_core.models.config import ModelConfig
from vit_core.models.initialise import init_params
from vit_core.runs.files import RunFiles
from vit_core.runs.library import Runs
from vit_core.runs.record import Progress
from vit_core.runs.status import Status, write_status
from vit_core.training.config import TrainConfig
from vit_core.training.estimates import QuickLook
from vit_core.training.report import Effort, make_report

CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"
CONFIG = TrainConfig(checkpoint=CHECKPOINT, resolution=32, total_steps=60, batch=8, learning_rate=0.03, warmup_steps=5)
LOOK = QuickLook(0.75, (0.47, 0.91), 12, 1.0, ((0, 0.3), (30, 0.75)), "CPU")
MODEL = ModelConfig(patch_size=8, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=3, resolution=32)


class IdleEngine:
    """Starts nothing: the tests of the pages say by themselves what a run has done."""

    def start(self, folder):
        pass

    def stop(self, folder, grace_s):
        pass

    def poll(self, folder):
        return "gone"


@pytest.fixture
def make_run(drawn_dataset):
    """Give a function that makes the folder of a run as its process would leave it."""

    def make(name, *, state="stopped", step=30, reason="", note="", dataset=drawn_dataset, **changes):
        runs = Runs(resources.settings(), engine=IdleEngine())
        config = dataclasses.replace(CONFIG, **changes)
        files = RunFiles(runs.submit(config, dataset, name=name, note=note, quick_look=LOOK).folder)
        rows = [
            {"step": each, "seconds": each / 4, "loss": 1 / each, "learning_rate": 0.1} for each in range(1, step + 1)
        ]
        rows[-1] |= {"test_accuracy": 0.75, "test_loss": 0.6}
        files.metrics.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        files.log.write_text("It began.\n")
        progress = Progress(step, 60, None, 200.0, 0.75, 0.75, 10**9)
        write_status(files, Status(state=state, attempt=1, reason=reason, device="CPU", progress=progress))
        if state == "done":
            _finish(files.folder, config, dataset)
        resources.all_runs.clear()

    return make


@pytest.fixture(scope="session")
def finish_run():
    """Give a function that writes a result in which one disc of twelve pictures was taken for a bar."""
    return _finish


def _finish(folder, config, dataset):
    test = dataset.of("test")
    logits = np.eye(3)[[example.label for example in test]] * 4
    wrong = next(place for place, example in enumerate(test) if example.label == 1)
    logits[wrong] = [3.0, 1.0, 0.0]
    effort = Effort(steps=60, best_step=60, seconds=12.0, device="CPU", images_per_second=200.0)
    report = make_report(dataset, logits, effort=effort)
    write_result(folder, model=MODEL, params=init_params(MODEL, seed=0), config=config, dataset=dataset, report=report)


@pytest.fixture(scope="session")
def buttons():
    """Give a function that gives the labels of a page's buttons."""
    return lambda page: [button.label for button in page.button]


@pytest.fixture(scope="session")
def links():
    """Give a function that gives the labels of a page's links to other pages."""
    return lambda page: [link.proto.label for link in page.get("page_link")]


@pytest.fixture(scope="session")
def html():
    """Give a function that gives the HTML of a page."""
    return lambda page: "\n".join(element.proto.body for element in page.get("html"))
