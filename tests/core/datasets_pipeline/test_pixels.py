"""Pixels of examples: what is given, and what is refused. `test_pixel_cache.py` has what is kept."""

import dataclasses
import hashlib

import numpy as np
import pytest
from PIL import Image

from vit_core.datasets.pixels import open_pixels
from vit_core.errors import BadDataset
from vit_core.preprocess import read_image, to_model_input


@pytest.fixture
def example_of(drawn_dataset, tmp_path):
    """Give a function that writes bytes to a file and describes it as a checked image of 48 x 48 pixels."""

    def describe(data, **changes):
        (tmp_path / "one.jpg").write_bytes(data)
        told = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}
        return dataclasses.replace(drawn_dataset.examples[0], file="one.jpg", name="disc/one.jpg", **told | changes)

    return describe


@pytest.fixture
def jpeg(drawn_dataset):
    return drawn_dataset.path(drawn_dataset.examples[0]).read_bytes()


def picture(folder, width, height):
    Image.new("RGB", (width, height), (200, 30, 30)).save(folder / "drawn.png")
    return (folder / "drawn.png").read_bytes()


def test_there_are_as_many_images_as_examples_with_their_labels(pixels_of, drawn_dataset):
    pixels = pixels_of()
    assert len(pixels) == 24
    assert pixels.labels.dtype == np.int32
    assert pixels.labels.tolist() == [example.label for example in drawn_dataset.of("train")]


def test_whole_images_are_what_predictions_are_made_from(pixels_of, drawn_dataset):
    pixels = pixels_of("test")
    for number, example in enumerate(drawn_dataset.of("test")):
        expected = to_model_input(read_image(drawn_dataset.path(example)), 32)
        assert np.array_equal(pixels.whole(number), expected)


def test_images_for_crops_are_a_little_over_training_size(example_of, tmp_path):
    example = example_of(picture(tmp_path, 400, 300), width=400, height=300)
    pixels = open_pixels([example], tmp_path, resolution=224, cache=None)
    assert pixels.image(0).shape == (256, 341, 3)


def test_small_images_are_not_enlarged(example_of, tmp_path):
    example = example_of(picture(tmp_path, 20, 90), width=20, height=90)
    assert open_pixels([example], tmp_path, resolution=224, cache=None).image(0).shape == (90, 20, 3)


def test_whole_images_of_another_resolution_are_given_too(pixels_of):
    assert pixels_of("test").whole(0, 48).shape == (48, 48, 3)


@pytest.mark.parametrize("cached", [False, True])
def test_a_file_that_changed_is_named(example_of, jpeg, tmp_path, cached):
    example = example_of(jpeg)
    (tmp_path / "one.jpg").write_bytes(jpeg[:-1] + b"\0")
    with pytest.raises(BadDataset, match=r"'disc/one.jpg' has changed since it was checked"):
        open_pixels([example], tmp_path, resolution=32, cache=tmp_path / "cache" if cached else None).image(0)


def test_a_file_of_another_size_is_named(example_of, jpeg, tmp_path):
    example = example_of(jpeg)
    (tmp_path / "one.jpg").write_bytes(jpeg + b"more")
    with pytest.raises(BadDataset, match=r"'disc/one.jpg' has changed"):
        open_pixels([example], tmp_path, resolution=32, cache=None).image(0)


def test_a_file_that_is_gone_is_named(example_of, jpeg, tmp_path):
    example = example_of(jpeg)
    (tmp_path / "one.jpg").unlink()
    with pytest.raises(BadDataset, match=r"'disc/one.jpg' cannot be read any more: No such file"):
        open_pixels([example], tmp_path, resolution=32, cache=None).image(0)


def test_a_broken_image_is_named(example_of, jpeg, tmp_path):
    example = example_of(jpeg[: len(jpeg) // 2])
    with pytest.raises(BadDataset, match=r"'disc/one.jpg' is truncated"):
        open_pixels([example], tmp_path, resolution=32, cache=None).whole(0)


def test_an_image_of_another_size_than_the_data_set_says_is_named(example_of, jpeg, tmp_path):
    example = example_of(jpeg, width=47)
    with pytest.raises(BadDataset, match=r"'disc/one.jpg' is 48x48 pixels, and the data set says 47x48"):
        open_pixels([example], tmp_path, resolution=32, cache=None).image(0)


def test_no_examples_are_no_images(tmp_path):
    assert len(open_pixels([], tmp_path, resolution=32, cache=tmp_path)) == 0
