"""Turns on the accelerator: in order, one at a time, and the predictor only when nobody waits."""

import threading

import pytest

from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder

RUN, TRIAL, PREDICTOR = Holder("run", "/runs/one"), Holder("trial"), Holder("predictor")


@pytest.fixture
def accelerator(tmp_path):
    return Accelerator(tmp_path / "locks")


def never():
    return False


def test_nobody_wants_an_accelerator_that_nobody_heard_of(accelerator):
    assert accelerator.waiting() == ()
    assert accelerator.holder() is None
    assert not accelerator.is_wanted()


def test_places_count_those_who_wait_before(accelerator):
    tickets = [accelerator.join(RUN) for _ in range(3)]
    assert [ticket.place for ticket in tickets] == [1, 2, 3]
    tickets[1].leave()
    assert [each.place for each in accelerator.waiting()] == [1, 2]
    assert tickets[2].place == 2
    for ticket in (tickets[0], tickets[2]):
        ticket.leave()


def test_numbers_are_never_given_twice(accelerator):
    first = accelerator.join(RUN)
    first.leave()
    second = accelerator.join(RUN)
    assert second.number == first.number + 1
    second.leave()


def test_the_first_gets_it_and_the_next_when_that_has_gone(accelerator):
    first, second = accelerator.join(RUN), accelerator.join(TRIAL)
    mine = accelerator.await_turn(first, RUN, stop=never)
    first.leave()
    assert accelerator.holder() == RUN
    got = []
    waiter = threading.Thread(target=lambda: got.append(accelerator.await_turn(second, TRIAL, stop=never)))
    waiter.start()
    assert got == []
    mine.release()
    waiter.join()
    assert accelerator.holder() == TRIAL
    second.leave()
    got[0].release()


def test_a_wait_ends_when_it_is_told_to(accelerator):
    owner = accelerator.take_idle(RUN)
    ticket = accelerator.join(TRIAL)
    assert accelerator.await_turn(ticket, TRIAL, stop=lambda: True) is None
    assert accelerator.waiting() == ()
    owner.release()


def test_the_predictor_takes_it_only_while_nobody_waits_or_owns(accelerator):
    ticket = accelerator.join(RUN)
    assert accelerator.take_idle(PREDICTOR) is None
    ticket.leave()
    lock = accelerator.take_idle(PREDICTOR)
    assert accelerator.holder() == PREDICTOR
    assert not accelerator.is_wanted()
    assert accelerator.take_idle(PREDICTOR) is None
    lock.release()


def test_tickets_of_the_dead_are_cleared_away(accelerator, tmp_path):
    ticket = accelerator.join(RUN)
    ticket.ownership.release()  # as the end of its process does
    assert accelerator.waiting() == ()
    accelerator.clear_away()
    assert list((tmp_path / "locks" / "queue").iterdir()) == []
    assert accelerator.join(RUN).number == 2
