"""Threads that work ahead: order, bound, errors, end."""

import functools
import threading

import pytest

from vit_core.datasets.threads import Allowance, available_cores, in_order


def test_results_come_in_the_order_of_the_tasks():
    second_is_done = threading.Event()

    def first():
        assert second_is_done.wait(60)
        return "first"

    def second():
        second_is_done.set()
        return "second"

    assert list(in_order([first, second], workers=2, ahead=4)) == ["first", "second"]


@pytest.mark.parametrize(("workers", "ahead"), [(1, 0), (1, 3), (4, 1), (4, 100)])
def test_every_task_runs_once(workers, ahead):
    tasks = [functools.partial(int, number) for number in range(50)]
    assert list(in_order(tasks, workers=workers, ahead=ahead)) == list(range(50))


def test_no_more_tasks_are_taken_than_may_be_ahead():
    taken = []
    tasks = (taken.append(number) or functools.partial(int, number) for number in range(100))
    results = in_order(tasks, workers=2, ahead=5)
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) == 15
    results.close()


def test_the_error_of_a_task_reaches_the_caller_in_its_turn(pixel_threads):
    results = in_order([lambda: 1, lambda: 1 // 0, lambda: 3], workers=2, ahead=8)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert pixel_threads() == []


def test_closing_ends_the_threads_and_drops_what_has_not_begun(pixel_threads):
    go_on, started = threading.Event(), []

    def wait(number):
        started.append(number)
        assert go_on.wait(60)

    results = in_order([lambda: 0, *(functools.partial(wait, number) for number in range(50))], workers=2, ahead=40)
    next(results)
    closing = threading.Thread(target=results.close)
    closing.start()
    go_on.set()
    closing.join(60)
    assert pixel_threads() == []
    assert len(started) < 50


def test_nothing_runs_before_the_first_result_is_asked_for(pixel_threads):
    in_order([lambda: 1], workers=2, ahead=8)
    assert pixel_threads() == []


def test_there_is_a_core():
    assert available_cores() >= 1


def test_an_allowance_is_never_overdrawn():
    allowance, lock, held, most = Allowance(10), threading.Lock(), [0], [0]

    def work(amount):
        with allowance.taken(amount):
            with lock:
                held[0] += amount
                most[0] = max(most[0], held[0])
            with lock:
                held[0] -= amount

    list(in_order([functools.partial(work, number % 7 + 1) for number in range(300)], workers=8, ahead=16))
    assert held == [0]
    assert 0 < most[0] <= 10


def test_who_needs_more_than_there_is_takes_all():
    allowance = Allowance(10)
    with allowance.taken(1000):
        pass
    with allowance.taken(10):
        pass


def test_an_error_gives_the_allowance_back():
    allowance = Allowance(10)
    with pytest.raises(ZeroDivisionError), allowance.taken(10):
        _ = 1 // 0
    with allowance.taken(10):
        pass
