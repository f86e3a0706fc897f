"""The cost of a run, from real steps of it."""

import dataclasses

import pytest

from vit_core.errors import BadDataset
from vit_core.training.trial import measure_cost


@pytest.fixture(scope="module")
def measure(bench, tmp_path_factory):
    def measure(config, dataset=bench.dataset, **more):
        cache_dir = tmp_path_factory.mktemp("trial")
        cost = measure_cost(config, dataset, source=bench.source, device="cpu", cache_dir=cache_dir, **more)
        assert list(cache_dir.iterdir()) == []
        return cost

    return measure


@pytest.fixture(scope="module")
def cost(measure, nano_config):
    """Of the usual settings."""
    return measure(nano_config)


def test_the_whole_is_made_of_its_parts(cost, nano_config):
    assert cost.seconds > cost.compile_seconds + nano_config.total_steps * cost.seconds_per_step
    assert cost.images_per_second == pytest.approx(nano_config.batch / cost.seconds_per_step)
    assert cost.evaluation_seconds > 0
    assert (cost.accum_steps, cost.device) == (1, "CPU")


def test_more_steps_take_longer_and_no_more_room(cost, measure, nano_config):
    long = measure(dataclasses.replace(nano_config, total_steps=1_000_000))
    assert long.seconds > 100 * cost.seconds
    assert long.disk_bytes == cost.disk_bytes


def test_the_head_alone_takes_less_room_than_the_whole_model(cost, measure, nano_config):
    weights = 4 * 95_000  # of N/8
    assert cost.disk_bytes > 2 * 2 * weights  # the best and the last state, each with its momentum
    assert measure(dataclasses.replace(nano_config, trainable="head")).disk_bytes < cost.disk_bytes


def test_it_counts_its_steps(measure, nano_config):
    counted = []
    measure(nano_config, steps=2, progress=lambda done, total: counted.append((done, total)))
    assert counted == [(1, 3), (2, 3), (3, 3)]


def test_the_memory_is_at_least_that_of_a_process_with_jax(cost):
    assert cost.memory_bytes > 100_000_000


def test_without_images_to_learn_from_there_is_no_cost(measure, nano_config, bench):
    alone = dataclasses.replace(bench.dataset, examples=bench.dataset.of("test"))
    with pytest.raises(BadDataset, match="no images to learn from"):
        measure(dataclasses.replace(nano_config, batch=1), alone)
