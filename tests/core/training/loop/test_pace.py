"""Speed of late and time left, against a clock of the test's own."""

from vit_core.training.pace import Pace


def test_nothing_is_known_before_two_updates():
    pace = Pace(batch=8, total_steps=100)
    pace.mark(1, 5.0)
    assert (pace.images_per_second, pace.seconds_left(1, tests_left=3)) == (None, None)


def test_speed_is_images_over_time():
    pace = Pace(batch=8, total_steps=100)
    for step in range(1, 6):
        pace.mark(step, step * 0.5)
    assert pace.images_per_second == 16
    assert pace.seconds_left(5, tests_left=0) == 95 * 0.5


def test_old_updates_are_forgotten():
    pace = Pace(batch=1, total_steps=10_000)
    for second in range(100):
        pace.mark(second, float(second))
    for step in range(100, 500):
        pace.mark(step, 99 + (step - 99) / 10)
    assert pace.images_per_second == 10


def test_a_test_between_updates_is_no_slow_update_but_counts_for_the_time_left():
    pace = Pace(batch=1, total_steps=10)
    pace.mark(1, 1.0)
    pace.mark(2, 2.0)
    pace.tested(20.0)
    pace.pause()
    pace.mark(3, 23.0)
    assert pace.images_per_second == 1
    pace.mark(4, 24.0)
    assert pace.images_per_second == 1
    assert pace.seconds_left(4, tests_left=2) == 6 + 40
