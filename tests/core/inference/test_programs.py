"""Few batch sizes, each compiled once, whatever the number of images."""

import dataclasses

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vit_core.checkpoints.restore import load_checkpoint
from vit_core.devices import pick_device
from vit_core.inference import programs
from vit_core.inference.programs import BATCH_SIZES, CPU_BATCH_SIZES, Spec, is_compiled, plan_batches, program


@pytest.fixture
def cpu():
    return pick_device("cpu")


@pytest.mark.parametrize(
    ("count", "batches"),
    [
        (0, []),
        (1, [1]),
        (2, [1, 1]),
        (3, [4]),
        (4, [4]),
        (5, [4, 1]),
        (23, [4] * 6),
        (200, [4] * 50),
    ],
)
def test_on_a_cpu_padding_is_kept_small(count, batches):
    assert plan_batches(count, (1, 4), fill=0.75) == batches


@pytest.mark.parametrize(("count", "batches"), [(1, [1]), (2, [8]), (8, [32]), (9, [32]), (40, [32, 32])])
def test_on_an_accelerator_calls_are_kept_few(count, batches):
    assert plan_batches(count, BATCH_SIZES, fill=0.25) == batches


@settings(deadline=None, derandomize=True)
@given(st.integers(0, 1000), st.sampled_from([(1,), (1, 4), (1, 8, 32)]), st.floats(0.01, 1))
def test_every_image_has_a_place_and_no_batch_is_all_padding(count, sizes, fill):
    batches = plan_batches(count, sizes, fill=fill)
    assert set(batches) <= set(sizes)
    assert sum(batches) >= count
    assert sum(batches[:-1]) < max(count, 1)


@pytest.fixture
def traced(monkeypatch):
    """Count how often JAX is asked to compile, by its own event."""
    events = []

    def listen(event, duration, **_):
        if event == "/jax/core/compile/backend_compile_duration":
            events.append(duration)

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield events
    jax.monitoring.unregister_event_duration_listener(listen)


def test_a_second_checkpoint_of_an_architecture_is_not_compiled(write_checkpoint, tiny_config, cpu, traced):
    config = dataclasses.replace(tiny_config, num_classes=11)
    first, second = (load_checkpoint(write_checkpoint(config, name="eleven", seed=seed)) for seed in (1, 2))
    images = np.zeros((1, 16, 16, 3), np.uint8)
    one, seconds = programs.run(first.config, jax.device_put(first.params, cpu), images, cpu)
    assert seconds > 0
    assert traced
    traced.clear()
    other, seconds = programs.run(second.config, jax.device_put(second.params, cpu), images, cpu)
    assert seconds == 0
    assert not traced
    assert not np.array_equal(one.logits, other.logits)


def test_no_number_of_images_makes_a_new_program(write_checkpoint, tiny_config, cpu, traced):
    checkpoint = load_checkpoint(write_checkpoint(tiny_config))
    params = jax.device_put(checkpoint.params, cpu)
    for count in CPU_BATCH_SIZES:
        programs.run(checkpoint.config, params, np.zeros((count, 16, 16, 3), np.uint8), cpu)
    traced.clear()
    for count in (2, 7, 9, 31, 40):
        outputs, seconds = programs.run(checkpoint.config, params, np.zeros((count, 16, 16, 3), np.uint8), cpu)
        assert (len(outputs.logits), seconds) == (count, 0)
    assert not traced


def test_batches_side_by_side_give_each_image_its_own_answer(write_checkpoint, tiny_config, cpu):
    checkpoint = load_checkpoint(write_checkpoint(tiny_config))
    params = jax.device_put(checkpoint.params, cpu)
    images = np.random.default_rng(0).integers(0, 256, (39, 16, 16, 3), np.uint8)
    together, _ = programs.run(checkpoint.config, params, images, cpu)
    alone = [programs.run(checkpoint.config, params, images[i : i + 1], cpu)[0].logits[0] for i in range(39)]
    np.testing.assert_allclose(together.logits, np.stack(alone), rtol=0, atol=1e-5)
    assert len(np.unique(together.logits[:, 0])) == 39


def test_a_batch_that_is_asked_for_is_not_exceeded(write_checkpoint, tiny_config, cpu, traced):
    config = dataclasses.replace(tiny_config, num_classes=16)
    checkpoint = load_checkpoint(write_checkpoint(config, name="sixteen"))
    images = np.zeros((5, 16, 16, 3), np.uint8)
    outputs, _ = programs.run(config, jax.device_put(checkpoint.params, cpu), images, cpu, batch=3)
    assert len(outputs.logits) == 5
    assert is_compiled(Spec(config, 1, "uint8", attention=False, device=cpu))
    assert not is_compiled(Spec(config, 4, "uint8", attention=False, device=cpu))


def test_a_program_knows_whether_it_is_compiled(tiny_config, cpu):
    config = dataclasses.replace(tiny_config, num_classes=12, num_layers=1)
    spec = Spec(config, 1, "uint8", attention=False, device=cpu)
    assert not is_compiled(spec)
    made = program(spec)
    assert is_compiled(spec)
    assert program(spec) is made


def test_it_is_told_when_a_program_is_compiled_and_when_it_computes(write_checkpoint, tiny_config, cpu):
    config = dataclasses.replace(tiny_config, num_classes=13, num_layers=1)
    checkpoint = load_checkpoint(write_checkpoint(config, name="thirteen"))
    said = []
    for _ in range(2):
        programs.run(
            checkpoint.config,
            jax.device_put(checkpoint.params, cpu),
            np.zeros((2, 16, 16, 3), np.uint8),
            cpu,
            on_compile=lambda: said.append("compile"),
            on_compute=lambda: said.append("compute"),
        )
    assert said == ["compile", "compute", "compute", "compute", "compute"]


def test_oldest_programs_are_dropped_when_there_are_many(tiny_config, cpu, monkeypatch):
    monkeypatch.setattr(programs, "_KEPT", 1)
    first, second = (
        Spec(
            dataclasses.replace(tiny_config, num_classes=classes, num_layers=1), 1, "uint8", attention=False, device=cpu
        )
        for classes in (14, 15)
    )
    program(first)
    program(second)
    assert is_compiled(second)
    assert not is_compiled(first)
