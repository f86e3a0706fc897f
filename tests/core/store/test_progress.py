"""Speed and time left from byte counts and a clock that the test turns."""

import pytest

from vit_core.store.progress import SpeedMeter


def test_the_first_sample_has_no_speed():
    progress = SpeedMeter("a").measure(0, 100, now=0.0)
    assert (progress.bytes_per_s, progress.seconds_left) == (None, None)


def test_speed_and_time_left_follow_from_two_samples():
    meter = SpeedMeter("a")
    meter.measure(0, 100, now=0.0)

    progress = meter.measure(20, 100, now=2.0)

    assert progress.bytes_per_s == pytest.approx(10)
    assert progress.seconds_left == pytest.approx(8)


def test_the_speed_is_that_of_the_last_seconds():
    meter = SpeedMeter("a", window_s=5)
    for second in range(20):
        meter.measure(second * 100, 10_000, now=float(second))
    for second in range(20, 30):
        progress = meter.measure(2000 + (second - 20) * 10, 10_000, now=float(second))

    assert progress.bytes_per_s == pytest.approx(10)


def test_bytes_of_an_earlier_download_do_not_count_as_speed():
    meter = SpeedMeter("a")
    meter.measure(1_000_000, 2_000_000, now=0.0)

    assert meter.measure(1_000_010, 2_000_000, now=1.0).bytes_per_s == pytest.approx(10)


def test_a_download_that_starts_over_starts_a_new_window():
    meter = SpeedMeter("a")
    meter.measure(1000, 2000, now=0.0)

    assert meter.measure(0, 2000, now=1.0).bytes_per_s is None


def test_an_unknown_size_has_no_time_left():
    meter = SpeedMeter("a")
    meter.measure(0, None, now=0.0)

    assert meter.measure(10, None, now=1.0).seconds_left is None


def test_a_standstill_has_no_time_left():
    meter = SpeedMeter("a")
    meter.measure(10, 100, now=0.0)

    progress = meter.measure(10, 100, now=1.0)

    assert (progress.bytes_per_s, progress.seconds_left) == (0, None)
