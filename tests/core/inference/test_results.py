"""A request is checked when it is made, before anything is opened for it."""

import dataclasses

import pytest

from vit_core.errors import BadInput
from vit_core.inference.results import MAX_IMAGES, Request


@pytest.fixture
def request_for_one(tmp_path):
    return Request("tiny", tmp_path / "tiny.npz", (b"x",), ("x.jpg",))


def test_a_plain_request_has_the_defaults_of_the_page(request_for_one):
    assert (request_for_one.top_k, request_for_one.preprocessing, request_for_one.resolution) == (5, "resize", None)
    assert not request_for_one.attention
    assert request_for_one.size_bytes == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": (), "names": ()}, "There is no image to classify"),
        ({"images": (b"x",) * 201, "names": ("x",) * 201}, "201 images at once are too many; at most 200"),
        ({"names": ("a", "b")}, "There are 1 images and 2 names"),
        ({"top_k": 0}, "top_k is 0; at least one"),
        ({"preprocessing": "squash"}, "no preprocessing 'squash'; it is one of resize, crop"),
    ],
)
def test_an_impossible_request_says_the_value_and_the_rule(request_for_one, changes, message):
    with pytest.raises(BadInput, match=message):
        dataclasses.replace(request_for_one, **changes)


def test_too_many_bytes_at_once_are_refused(request_for_one):
    image = bytes(20_000_000)  # one object, many times
    with pytest.raises(BadInput, match="520 MB together; at most 500 MB"):
        dataclasses.replace(request_for_one, images=(image,) * 26, names=("x",) * 26)


def test_the_largest_number_of_images_is_accepted(request_for_one):
    dataclasses.replace(request_for_one, images=(b"x",) * MAX_IMAGES, names=("x",) * MAX_IMAGES)
