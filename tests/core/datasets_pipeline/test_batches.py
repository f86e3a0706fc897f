"""Batches: what is in them, that they do not depend on threads or resuming, how they end."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vit_core.datasets.batches import eval_batches, example_weights, train_batches
from vit_core.datasets.crops import inception_crop, mirrored
from vit_core.datasets.mixing import mixup
from vit_core.datasets.order import Order, generator
from vit_core.datasets.pixels import open_pixels
from vit_core.datasets.rand_augment import rand_augment
from vit_core.datasets.recipe import Recipe
from vit_core.errors import BadDataset
from vit_core.preprocess import read_image, to_model_input


def same(first, second):
    """Tell whether two rows of batches are equal to the bit."""
    pairs = list(zip(first, second, strict=True))
    fields = [field.name for field in dataclasses.fields(pairs[0][0])]
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for a, b in pairs for name in fields)


# --- training


def test_the_settings_of_a_run_are_a_recipe(recipe):
    assert isinstance(recipe(), Recipe)


def test_a_run_has_a_batch_per_step(pixels_of, recipe):
    batches = list(train_batches(pixels_of(), recipe(total_steps=5, batch=7), 3))
    assert len(batches) == 5
    assert (batches[0].images.shape, batches[0].images.dtype) == ((7, 32, 32, 3), np.uint8)
    assert (batches[0].targets.shape, batches[0].targets.dtype) == ((7, 3), np.float32)
    assert (batches[0].weights.shape, batches[0].weights.dtype) == ((7,), np.float32)


def test_whole_images_come_in_the_order_of_the_run(pixels_of, recipe):
    pixels = pixels_of()
    batches = train_batches(pixels, recipe(crop="resize", mirror=False, seed=4), 3)
    for step, batch in enumerate(batches):
        _, indices = Order(24, seed=4).places(step * 10, step * 10 + 10)
        assert np.array_equal(batch.images, np.stack([pixels.whole(int(index)) for index in indices]))
        assert np.array_equal(batch.targets.argmax(axis=1), pixels.labels[indices])


def test_a_batch_with_everything_is_made_of_the_parts_it_says(pixels_of, recipe):
    pixels, batch, step = pixels_of(), 40, 3  # larger than the data set, and than what a thread makes at a time
    config = recipe(aug="medium2", batch=batch, seed=1, min_crop_area=0.3)
    made = next(train_batches(pixels, config, 3, first_step=step))

    images, labels = [], []
    for epoch, index in zip(*Order(24, seed=1).places(step * batch, (step + 1) * batch), strict=True):
        rng = generator(1, "image", int(epoch), int(index))
        image = mirrored(rng, inception_crop(rng, pixels.image(int(index)), 32, min_area=0.3))
        images.append(rand_augment(rng, image, layers=2, magnitude=15))
        labels.append(pixels.labels[index])
    targets = np.eye(3, dtype=np.float32)[labels]
    images, targets = mixup(generator(1, "mixup", step), np.stack(images), targets, alpha=0.5)

    assert np.array_equal(made.images, images)
    assert np.array_equal(made.targets, targets)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(pixels_of, recipe, workers):
    config = recipe(aug="strong1", class_weights="balanced", batch=20)
    expected = list(train_batches(pixels_of(), config, 3, workers=3))
    assert same(train_batches(pixels_of(), config, 3, workers=workers), expected)


@pytest.mark.parametrize("first_step", [1, 5, 11])
def test_a_resumed_run_sees_what_it_would_have_seen(pixels_of, recipe, first_step):
    config = recipe(aug="medium1")
    whole = list(train_batches(pixels_of(), config, 3))
    assert same(train_batches(pixels_of(), config, 3, first_step=first_step), whole[first_step:])


def test_a_cache_changes_nothing(pixels_of, recipe, tmp_path):
    config = recipe(aug="light1")
    kept = train_batches(pixels_of(cache=tmp_path), config, 3)
    assert same(kept, list(train_batches(pixels_of(), config, 3)))


def test_a_run_that_has_ended_has_no_more_batches(pixels_of, recipe):
    assert list(train_batches(pixels_of(), recipe(), 3, first_step=12)) == []


def test_another_seed_is_another_run(pixels_of, recipe):
    first, second = (next(train_batches(pixels_of(), recipe(seed=seed), 3)) for seed in (0, 1))
    assert not np.array_equal(first.images, second.images)


def test_an_image_is_cropped_anew_in_every_epoch(pixels_of, recipe):
    batches = train_batches(pixels_of(), recipe(batch=24, total_steps=2), 3)
    orders = [Order(24, seed=0).places(start, start + 24)[1].tolist() for start in (0, 24)]
    seen = [batch.images[order.index(0)] for batch, order in zip(batches, orders, strict=True)]
    assert not np.array_equal(*seen)


def test_no_batch_changes_after_it_was_given(pixels_of, recipe):
    batches = train_batches(pixels_of(), recipe(), 3)
    first = next(batches)
    before = first.images.copy()
    list(batches)
    assert np.array_equal(first.images, before)


def test_balanced_batches_weigh_rare_classes_more(drawn_dataset, recipe):
    few = [example for example in drawn_dataset.of("train") if example.label or example.file.endswith("1.jpg")]
    pixels = open_pixels(few, drawn_dataset.root, resolution=32, cache=None)
    batch = next(train_batches(pixels, recipe(class_weights="balanced", batch=len(few)), 3))
    by_class = [batch.weights[batch.targets.argmax(axis=1) == label] for label in range(3)]
    assert [weights.sum() for weights in by_class] == pytest.approx([len(few) / 3] * 3)
    assert batch.weights.mean() == pytest.approx(1)


def test_mixup_blends_the_weights_with_the_targets(drawn_dataset, recipe):
    few = [example for example in drawn_dataset.of("train") if example.label or example.file.endswith("1.jpg")]
    pixels = open_pixels(few, drawn_dataset.root, resolution=32, cache=None)
    batch = next(train_batches(pixels, recipe(class_weights="balanced", aug="medium2", batch=len(few)), 3))
    of_class = [len(few) / (3 * count) for count in np.bincount(pixels.labels)]
    assert batch.weights == pytest.approx(batch.targets @ of_class, rel=1e-5)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=200))
def test_weights_are_one_on_average_and_equal_in_sum_over_classes(labels):
    labels = np.array(labels, np.int32)
    weights = example_weights(labels, balanced=True)
    sums = np.bincount(labels, weights)
    assert weights.mean() == pytest.approx(1, rel=1e-5)
    assert sums[sums > 0] == pytest.approx(len(labels) / np.count_nonzero(sums), rel=1e-5)


def test_no_images_are_refused(tmp_path, recipe):
    with pytest.raises(BadDataset, match="no images to learn from"):
        train_batches(open_pixels([], tmp_path, resolution=32, cache=None), recipe(), 3)


# --- ends


def test_closing_in_the_middle_ends_the_threads(pixels_of, recipe, pixel_threads):
    batches = train_batches(pixels_of(), recipe(total_steps=1000), 3, workers=4)
    next(batches)
    assert pixel_threads()
    batches.close()
    assert pixel_threads() == []


def test_the_end_of_a_run_ends_the_threads(pixels_of, recipe, pixel_threads):
    for _ in train_batches(pixels_of(), recipe(), 3, workers=4):
        pass
    assert pixel_threads() == []


def test_an_image_that_breaks_in_a_thread_is_told_to_the_caller(drawn_dataset, recipe, pixel_threads):
    examples = list(drawn_dataset.of("train"))
    examples[5] = dataclasses.replace(examples[5], file="bar/gone.jpg", name="bar/gone.jpg")
    pixels = open_pixels(examples, drawn_dataset.root, resolution=32, cache=None)
    with pytest.raises(BadDataset, match=r"'bar/gone.jpg' cannot be read any more"):
        list(train_batches(pixels, recipe(), 3))
    assert pixel_threads() == []


# --- tests


def test_test_images_are_what_predictions_are_made_from(pixels_of, drawn_dataset, tmp_path):
    examples = drawn_dataset.of("test")
    expected = np.stack([to_model_input(read_image(drawn_dataset.path(example)), 32) for example in examples])
    for pixels in (pixels_of("test"), pixels_of("test", cache=tmp_path)):
        images = np.concatenate([batch.images for batch in eval_batches(pixels, 32, 5, 3)])
        assert np.array_equal(images[:12], expected)


def test_images_kept_for_crops_are_tested_on_whole(pixels_of, tmp_path):
    kept = eval_batches(pixels_of(cache=tmp_path), 32, 8, 3)
    assert same(kept, list(eval_batches(pixels_of(keep="whole"), 32, 8, 3)))


def test_the_last_batch_is_filled_up_with_images_that_do_not_count(pixels_of, drawn_dataset):
    batches = list(eval_batches(pixels_of("test"), 32, 5, 3))
    weights = np.concatenate([batch.weights for batch in batches])
    targets = np.concatenate([batch.targets for batch in batches])
    assert weights.tolist() == [1] * 12 + [0] * 3
    assert targets[:12].argmax(axis=1).tolist() == [example.label for example in drawn_dataset.of("test")]
    assert not targets[12:].any()
    assert not batches[-1].images[2:].any()


@pytest.mark.parametrize("batch", [1, 12, 50])
def test_every_test_image_counts_once_in_batches_of_any_size(pixels_of, batch):
    batches = list(eval_batches(pixels_of("test"), 32, batch, 3))
    assert len(batches) == -(-12 // batch)
    assert sum(each.weights.sum() for each in batches) == 12


def test_no_test_images_are_no_batches(tmp_path):
    assert list(eval_batches(open_pixels([], tmp_path, resolution=32, cache=None), 32, 4, 3)) == []


def test_a_test_that_is_cut_short_ends_the_threads(pixels_of, pixel_threads):
    batches = eval_batches(pixels_of("test"), 32, 1, 3)
    list(itertools.islice(batches, 2))
    batches.close()
    assert pixel_threads() == []
