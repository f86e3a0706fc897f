"""The order of the images, and where random choices come from."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.order import Order, generator


@given(num_images=st.integers(1, 40), epoch=st.integers(0, 9), seed=st.integers(0, 2**31 - 1))
def test_every_epoch_shows_every_image_once(num_images, epoch, seed):
    epochs, indices = Order(num_images, seed=seed).places(epoch * num_images, (epoch + 1) * num_images)
    assert set(epochs.tolist()) == {epoch}
    assert sorted(indices.tolist()) == list(range(num_images))


@given(num_images=st.integers(1, 30), start=st.integers(0, 100), length=st.integers(0, 80), split=st.floats(0, 1))
def test_a_row_in_two_pieces_is_the_row(num_images, start, length, split):
    middle = start + int(split * length)
    whole = Order(num_images, seed=3).places(start, start + length)
    pieces = [Order(num_images, seed=3).places(*piece) for piece in ((start, middle), (middle, start + length))]
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)


def test_going_back_gives_the_same_again():
    order = Order(7, seed=0)
    first = order.places(0, 7)
    order.places(700, 707)
    assert np.array_equal(order.places(0, 7), first)


def test_epochs_and_seeds_have_orders_of_their_own():
    rows = [Order(50, seed=seed).places(start, start + 50)[1] for seed in (0, 1) for start in (0, 50)]
    assert len({row.tobytes() for row in rows}) == 4


def test_images_take_every_place_equally_often():
    _, indices = Order(4, seed=0).places(0, 4 * 4000)
    counts = np.array([np.bincount(column, minlength=4) for column in indices.reshape(4000, 4).T])
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(1000 * 3 / 4)  # five standard deviations


def test_no_two_things_share_their_random_numbers():
    asked = [("order", 1), ("mixup", 1), ("image", 1, 0), ("image", 0, 1), ("image", 1, 1), ("order", 0), ("mixup", 0)]
    drawn = {generator(0, *each).random() for each in asked} | {generator(1, "order", 1).random()}
    assert len(drawn) == len(asked) + 1


def test_the_same_thing_draws_the_same():
    assert generator(5, "image", 2, 3).random() == generator(5, "image", 2, 3).random()
