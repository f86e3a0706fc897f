"""The predictor and a run: the process that answers opens no accelerator that a run has or waits for."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from vit_core.inference.service import PredictionService, Request
from vit_core.settings import bundled_data_dir
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder

MODEL = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0--digits-steps_0k-lr_0.1-res_32"


@pytest.fixture
def request_():
    stream = io.BytesIO()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(stream, "JPEG")
    path = bundled_data_dir() / "demo" / f"{MODEL}.npz"
    return Request(checkpoint=MODEL, path=path, images=(stream.getvalue(),), names=("black.jpg",))


@pytest.mark.parametrize("kind", ["owner", "waiter"])
def test_a_predictor_answers_on_the_cpu_while_a_run_has_the_accelerator(settings, request_, kind):
    accelerator = Accelerator(settings.lock_dir)
    owner = accelerator.take_idle(Holder("run")) if kind == "owner" else None
    ticket = accelerator.join(Holder("run")) if kind == "waiter" else None
    with PredictionService(dataclasses.replace(settings, device="auto")) as service:
        answer = service.submit(request_).result(240.0)
        assert answer.device == "CPU"
        assert answer.images[0].error is None
        assert accelerator.holder() == (Holder("run") if owner else None)
    if owner:
        owner.release()
    if ticket:
        ticket.leave()


def test_a_predictor_on_the_cpu_leaves_the_accelerator_to_others(settings, request_):
    accelerator = Accelerator(settings.lock_dir)
    with PredictionService(dataclasses.replace(settings, device="cpu")) as service:
        service.submit(request_).result(240.0)
        assert accelerator.holder() is None
