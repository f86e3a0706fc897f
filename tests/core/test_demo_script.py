"""The script behind the demo bucket: what it draws, how it splits, alters and trains."""

import hashlib
import importlib
import sys
import types
from collections.abc import Iterator

import jax
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from vit_core.checkpoints.restore import init_params
from vit_core.image_file import decode_image
from vit_core.models.config import ModelConfig
from vit_core.preprocess import to_model_input
from vit_core.settings import bundled_data_dir

TINY = ModelConfig(patch_size=8, hidden_size=16, num_layers=1, mlp_dim=32, num_heads=2, num_classes=2, resolution=16)
OPERATIONS = (
    *("AutoContrast", "Equalize", "Invert", "Rotate", "Posterize", "Solarize", "SolarizeAdd", "Color"),
    *("Contrast", "Brightness", "Sharpness", "ShearX", "ShearY", "TranslateX", "TranslateY", "Cutout"),
)


def script_module(name: str) -> Iterator[types.ModuleType]:
    """Import a module of the script; it stands beside the data, outside every package."""
    folder = str(bundled_data_dir() / "demo")
    sys.path.insert(0, folder)
    yield importlib.import_module(name)
    sys.path.remove(folder)


@pytest.fixture(scope="module")
def pictures() -> Iterator[types.ModuleType]:
    yield from script_module("pictures")


@pytest.fixture(scope="module")
def picture_sets() -> Iterator[types.ModuleType]:
    yield from script_module("picture_sets")


@pytest.fixture(scope="module")
def augment() -> Iterator[types.ModuleType]:
    yield from script_module("augment")


@pytest.fixture(scope="module")
def training() -> Iterator[types.ModuleType]:
    yield from script_module("training")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    """Something with edges and all tones, uint8 [32, 32, 3]."""
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((32, 32), Image.Resampling.BICUBIC))


# --- pictures


def test_a_generator_in_the_same_state_draws_the_same_picture(pictures):
    first, second = (pictures.draw_shape(np.random.default_rng(3), "star") for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_every_drawing_is_a_picture_with_something_on_it(picture_sets, rng):
    for drawn in picture_sets.DRAWN.values():
        for draw in drawn.draw.values():
            picture = draw(rng)
            assert (picture.size, picture.mode) == ((96, 96), "RGB")
            assert np.asarray(picture).std(axis=(0, 1)).max() > 5


def test_shapes_of_one_class_differ(pictures, rng):
    assert len({pictures.draw_shape(rng, "heart").tobytes() for _ in range(5)}) == 5


def test_a_digit_is_dark_on_white_and_keeps_its_margin(pictures):
    digit = np.asarray(pictures.draw_digit(np.full((8, 8), 16)))
    assert digit.shape == (96, 96, 3)
    assert digit[48, 48].max() < 40
    assert digit[0].min() == digit[:, -1].min() == 255


def test_an_empty_digit_is_white_paper(pictures):
    assert np.asarray(pictures.draw_digit(np.zeros((8, 8)))).min() == 255


# --- data sets


def test_target_classes_are_new_to_a_pretrained_model(picture_sets):
    known = set(picture_sets.class_names("glyphs"))
    assert not known & {*picture_sets.class_names("digits"), *picture_sets.class_names("shapes")}


@pytest.mark.parametrize(("ds", "count"), [("glyphs", 40), ("digits", 10), ("shapes", 12)])
def test_class_names_are_distinct(picture_sets, ds, count):
    assert len(set(picture_sets.class_names(ds))) == count


def test_digits_are_split_into_runs_of_their_own_order(picture_sets):
    target = load_digits().target
    training, validation, held_out = (picture_sets.make_split("digits", split).labels for split in picture_sets.SPLITS)
    assert (len(training), len(validation), len(held_out)) == (1197, 200, 400)
    assert np.array_equal(np.concatenate([training, validation, held_out]), target)


def test_a_drawn_split_has_equally_many_pictures_of_each_class(picture_sets):
    split = picture_sets.make_split("shapes", "val")
    assert np.bincount(split.labels).tolist() == [40] * 12
    assert len(split.files) == 480


def test_a_split_can_be_made_again(picture_sets):
    first, second = (picture_sets.make_split("shapes", "val") for _ in range(2))
    assert first.files == second.files


def test_no_picture_is_in_two_splits(picture_sets):
    validation, held_out = (picture_sets.make_split("shapes", split).files for split in ("val", "test"))
    hashes = [{hashlib.sha256(file).digest() for file in files} for files in (validation, held_out)]
    assert (len(hashes[0]), len(hashes[1]), len(hashes[0] & hashes[1])) == (480, 960, 0)


def test_pictures_are_files_that_the_product_decodes(picture_sets):
    file = picture_sets.make_split("digits", "val").files[0]
    assert decode_image(file).shape == (96, 96, 3)


def test_class_names_are_written_one_per_line(picture_sets, tmp_path):
    picture_sets.write_labels(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"glyphs.txt", "digits.txt", "shapes.txt"}
    assert (tmp_path / "digits.txt").read_text().splitlines()[3] == "digit 3"


# --- augmentation


def test_a_crop_of_the_whole_picture_is_the_evaluation_resize(augment, photo):
    class Whole(np.random.Generator):
        """Draws all of the area, and for the ratio of the sides the middle between its bounds: a square."""

        def uniform(self, low, high, size):
            return np.full(size, high if high == 1 else 0.0)

    crops = augment.random_crops(Whole(np.random.PCG64(0)), photo[None], 12, least_area=0.5)
    difference = crops[0].astype(int) - to_model_input(photo, 12)
    assert np.abs(difference).max() <= 1  # a half may be rounded either way


def test_crops_show_at_least_the_share_asked_for(augment, rng):
    ramp = np.broadcast_to(np.arange(100, dtype=np.uint8)[None, None, :, None], (200, 100, 100, 3))
    crops = augment.random_crops(rng, ramp, 50, least_area=0.8).astype(int)
    shown = crops[:, 0, -1, 0] - crops[:, 0, 0, 0]
    assert shown.min() >= 100 * np.sqrt(0.8 * 3 / 4) - 4  # the narrowest crop, less the half pixels at its edges
    assert len(set(shown.tolist())) > 5


def test_about_half_of_the_pictures_are_mirrored(augment, rng, photo):
    mirrored = augment.random_mirrors(rng, np.stack([photo] * 200))
    same = sum(np.array_equal(image, photo) for image in mirrored)
    assert all(np.array_equal(image, photo) or np.array_equal(image, photo[:, ::-1]) for image in mirrored)
    assert 70 < same < 130


def test_rand_augment_knows_the_operations_of_the_original(augment):
    assert sorted(augment.OPERATIONS) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "Solarize"])
def test_each_operation_alters_a_picture_and_keeps_its_size(augment, rng, photo, name):
    altered = augment.OPERATIONS[name](rng, Image.fromarray(photo), 1.0)
    assert (altered.size, altered.mode) == ((32, 32), "RGB")
    assert not np.array_equal(np.asarray(altered), photo)


def test_solarize_leaves_all_tones_at_magnitude_ten_as_in_the_original(augment, rng, photo):
    altered = augment.OPERATIONS["Solarize"](rng, Image.fromarray(photo), 1.0)
    assert np.array_equal(np.asarray(altered), photo)


def test_posterize_leaves_four_bits_at_magnitude_ten(augment, rng, photo):
    altered = np.asarray(augment.OPERATIONS["Posterize"](rng, Image.fromarray(photo), 1.0))
    assert np.array_equal(altered, photo & 0xF0)


def test_a_translation_moves_as_far_as_100_of_224_pixels(augment, rng, photo):
    moved = np.asarray(augment.OPERATIONS["TranslateX"](rng, Image.fromarray(photo), 1.0))
    assert np.array_equal(moved[:, :18], photo[:, 14:]) or np.array_equal(moved[:, 14:], photo[:, :18])


def test_no_layers_leave_a_picture_as_it_is(augment, rng, photo):
    assert np.array_equal(augment.rand_augment(rng, photo, layers=0, magnitude=10), photo)


def test_mixup_blends_pictures_and_targets_alike(augment, rng):
    images = np.stack([np.zeros((2, 2, 3)), np.full((2, 2, 3), 200)]).astype(np.uint8)
    mixed, targets = augment.mixup(rng, images, np.eye(2, dtype=np.float32), alpha=0.2)
    assert np.allclose(targets.sum(axis=1), 1)
    assert targets.argmax(axis=1).tolist() == [0, 1]  # the larger share stays
    assert np.allclose(mixed[:, 0, 0, 0], 200 * targets[:, 1], atol=0.5)


# --- training


@pytest.fixture(scope="module")
def dark_and_light(training) -> object:
    tones = np.where(np.arange(128) % 2, 220, 30).astype(np.uint8)
    images = np.broadcast_to(tones[:, None, None, None], (128, 16, 16, 3)).copy()
    return training.Pictures(images, np.arange(128) % 2)


def train_tiny(training, pictures, **changes) -> tuple[dict, list[float]]:
    recipe = training.Recipe(steps=12, warmup_steps=2, learning_rate=0.05, optimizer="sgd", **changes)
    return training.train(
        TINY,
        init_params(TINY, seed=0),
        recipe,
        pictures,
        evaluate=lambda params: training.accuracy(TINY, params, pictures),
        evaluations=2,
    )


def test_training_learns_to_tell_dark_from_light(training, dark_and_light):
    params, accuracies = train_tiny(training, dark_and_light)
    assert len(accuracies) == 2
    assert accuracies[-1] == training.accuracy(TINY, params, dark_and_light) == 1.0


def test_training_with_one_seed_gives_equal_parameters(training, dark_and_light):
    first, second = (train_tiny(training, dark_and_light, aug="light1", mirror=True, seed=4)[0] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def test_pretraining_decays_kernels_and_nothing_else(training):
    recipe = training.Recipe(steps=10, warmup_steps=0, learning_rate=0.01, optimizer="adam", weight_decay=0.1)
    params = {"kernel": np.ones(3, np.float32), "bias": np.ones(3, np.float32)}
    optimizer = training.make_optimizer(recipe)
    updates, _ = optimizer.update(jax.tree.map(np.zeros_like, params), optimizer.init(params), params)
    assert np.allclose(updates["kernel"], -0.01 * 0.1)
    assert np.allclose(updates["bias"], 0)


def test_large_gradients_are_clipped_to_a_length_of_one(training):
    recipe = training.Recipe(steps=10, warmup_steps=0, learning_rate=1.0, optimizer="sgd")
    params = {"kernel": np.zeros(4, np.float32)}
    optimizer = training.make_optimizer(recipe)
    updates, _ = optimizer.update({"kernel": np.full(4, 1e6, np.float32)}, optimizer.init(params), params)
    assert np.linalg.norm(updates["kernel"]) == pytest.approx(1)


def test_a_new_head_is_blank_and_the_trunk_stays(training):
    params = init_params(TINY, seed=0)
    config, renewed = training.with_new_head(TINY, params, 7)
    assert (config.num_classes, renewed["head"]["kernel"].shape) == (7, (16, 7))
    assert not renewed["head"]["kernel"].any()
    assert renewed["pos_embedding"] is params["pos_embedding"]


def test_pictures_are_decoded_and_resized_as_users_pictures_are(training, picture_sets):
    split = picture_sets.make_split("digits", "val")
    decoded = training.decode(split, resolution=32)
    assert decoded.images.shape == (200, 32, 32, 3)
    assert np.array_equal(decoded.images[0], to_model_input(decode_image(split.files[0]), 32))
