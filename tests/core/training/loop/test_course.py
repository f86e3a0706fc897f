"""When a run is tested, saved and over."""

import dataclasses

import pytest

from vit_core.training.config import TrainConfig
from vit_core.training.course import Course
from vit_core.training.course import test_interval as interval

CONFIG = TrainConfig(checkpoint="x", resolution=32, total_steps=100, batch=8, learning_rate=0.1, warmup_steps=0)


def course(tests=(), *, num_test=20, **settings):
    return Course(dataclasses.replace(CONFIG, **settings), num_test=num_test, tests=dict(tests))


@pytest.mark.parametrize(
    ("settings", "num_test", "steps"),
    [
        ({}, 20, 10),
        ({"total_steps": 5}, 2, 1),
        ({"total_steps": 95}, 20, 10),
        ({}, 300, 50),  # a test costs as much as learning from 100 images, and that shall be a quarter at most
        ({}, 10_000, 100),
        ({"eval_every": 7}, 10_000, 7),
        ({"eval_every": 500}, 20, 100),
    ],
)
def test_a_run_is_tested_about_ten_times_unless_that_costs_too_much(settings, num_test, steps):
    assert interval(dataclasses.replace(CONFIG, **settings), num_test=num_test) == steps


def test_the_last_step_is_always_tested():
    run = course(total_steps=95)
    assert [step for step in range(96) if run.needs_test(step)] == [*range(10, 91, 10), 95]


def test_a_step_is_tested_once():
    run = course({10: 0.5})
    run.record(20, 0.4)
    assert not run.needs_test(10)
    assert not run.needs_test(20)
    assert run.needs_test(30)


def test_without_test_images_there_are_no_tests():
    run = course(num_test=0)
    assert not any(run.needs_test(step) for step in range(101))
    assert (run.best, run.tests_left(0)) == (None, 0)


def test_of_equal_tests_the_first_is_the_best():
    run = course()
    assert run.record(10, 0.5)
    assert not run.record(20, 0.5)
    assert run.record(30, 0.75)
    assert not run.record(40, 0.6)
    assert (run.best, run.last) == ((30, 0.75), 0.6)


def test_a_run_ends_early_after_so_many_tests_that_were_no_better():
    run = course({10: 0.5, 20: 0.4}, early_stop=2)
    assert not run.is_over(20)
    run.record(30, 0.5)
    assert run.is_over(30)
    assert run.stopped_early


def test_without_early_stop_a_run_goes_to_its_end():
    run = course({step: 0.5 - step / 1000 for step in range(10, 91, 10)})
    assert not run.is_over(90)
    assert run.is_over(100)


def test_a_state_is_saved_as_often_as_told_and_at_the_end():
    run = course(checkpoint_every=40)
    assert [step for step in range(101) if run.needs_save(step)] == [40, 80, 100]


@pytest.mark.parametrize(
    ("total", "step", "left"), [(100, 0, 10), (100, 10, 9), (100, 99, 1), (100, 100, 0), (95, 0, 10), (95, 90, 1)]
)
def test_the_tests_to_come_are_counted(total, step, left):
    assert course(total_steps=total).tests_left(step) == left
