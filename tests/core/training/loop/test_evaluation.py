"""A test between updates: the same whatever the batches, and the same as the report's."""

import contextlib
import dataclasses

import numpy as np
import pytest

from vit_core.models.config import VARIANTS
from vit_core.training.evaluation import ask, batch_that_fits, evaluate
from vit_core.training.material import open_images
from vit_core.training.report import Effort, make_report
from vit_core.training.session import open_session

EFFORT = Effort(steps=0, best_step=0, seconds=0.0, device="CPU", images_per_second=None)


@pytest.fixture(scope="module")
def session(bench, nano_config):
    return open_session(nano_config, bench.dataset, source=bench.source, device="cpu")


@pytest.fixture
def images(session, bench):
    """The twelve test images."""
    found = open_images(session.dataset, session.dataset.of("test"), session.config, cache_dir=None)
    with contextlib.closing(found):
        yield found


@pytest.fixture(scope="module")
def weights(session):
    """The start, with a head that says something."""
    head = session.params["head"]
    kernel = np.random.default_rng(0).standard_normal(head["kernel"].shape).astype(np.float32)
    return {**session.params, "head": {**head, "kernel": kernel}}


def test_the_batch_does_not_matter_and_padding_is_not_counted(session, images, weights):
    trainer = session.trainer(1)
    one, other = (evaluate(trainer, weights, images, images.labels, batch=batch) for batch in (5, 12))
    np.testing.assert_allclose(
        one.logits, other.logits, rtol=1e-5, atol=1e-5
    )  # products of other sizes round otherwise
    assert (one.logits.shape, one.accuracy) == ((12, 3), other.accuracy)


def test_accuracy_and_loss_are_those_of_the_report(session, images, weights):
    found = evaluate(session.trainer(1), weights, images, images.labels, batch=4)
    report = make_report(session.dataset, found.logits, effort=EFFORT)
    assert found.accuracy == report.accuracy
    assert found.loss == pytest.approx(report.loss)


def test_it_tells_how_far_it_is_and_can_be_ended(session, images, weights):
    told = []

    def count(done, total):
        told.append((done, total))
        if done >= 8:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        evaluate(session.trainer(1), weights, images, images.labels, batch=4, count=count)
    assert told == [(4, 12), (8, 12)]


def test_memory_that_runs_out_halves_the_batch(images):
    sizes = []

    def answer(pixels):
        sizes.append(len(pixels))
        if len(pixels) > 3:
            raise MemoryError
        return np.zeros((len(pixels), 2), np.float32)

    assert ask(answer, images, batch=12).shape == (12, 2)
    assert sizes == [12, 6, 3, 3, 3, 3]


@pytest.mark.parametrize(
    ("name", "resolution", "on_cpu", "num_images", "batch"),
    [
        ("Ti/16", 224, True, 1000, 32),
        ("Ti/16", 224, True, 20, 16),
        ("Ti/16", 224, True, 1, 1),
        ("B/16", 384, True, 1000, 4),
        ("L/16", 384, False, 1000, 32),
        ("Ti/16", 224, False, 100_000, 512),
    ],
)
def test_images_are_asked_about_as_many_at_a_time_as_memory_allows(name, resolution, on_cpu, num_images, batch):
    model = VARIANTS[name].with_resolution(resolution)
    assert batch_that_fits(model, on_cpu=on_cpu, num_images=num_images) == batch


def test_a_machine_without_accelerator_plans_its_memory(session):
    large = dataclasses.replace(
        session, model=VARIANTS["Ti/16"], config=dataclasses.replace(session.config, batch=32, accum_steps=2)
    )
    assert (session.parts(), large.parts()) == (1, 4)
    assert dataclasses.replace(large, config=dataclasses.replace(large.config, accum_steps=8)).parts() == 8
    assert dataclasses.replace(large, config=dataclasses.replace(large.config, trainable="head")).parts() == 2
