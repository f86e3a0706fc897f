"""The proposals: what is followed, how it is scaled, and that every reason is a sentence."""

import dataclasses

import pandas as pd
import pytest

from vit_core.catalog.index import load_demo
from vit_core.catalog.query import fine_tunes
from vit_core.models.config import VARIANTS, ModelConfig
from vit_core.training.config import FIELDS, check
from vit_core.training.defaults import propose

DEMO = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"
NANO = ModelConfig(patch_size=8, hidden_size=48, num_layers=3, mlp_dim=192, num_heads=3, num_classes=40, resolution=32)


@pytest.fixture(scope="module")
def demo_sisters():
    return fine_tunes(load_demo().frame, DEMO)


def row(adapt_ds, lr, steps, resolution, val, *, speed=100.0):
    return {
        "adapt_ds": adapt_ds,
        "adapt_lr": lr,
        "adapt_steps": steps,
        "adapt_resolution": resolution,
        "adapt_final_val": val,
        "adapt_final_test": float("nan"),
        "infer_samples_per_sec": speed,
    }


SISTERS = pd.DataFrame(
    [
        row("oxford_iiit_pet", 0.001, 500, 224, 0.959),
        row("oxford_iiit_pet", 0.003, 500, 224, 0.967),
        row("oxford_iiit_pet", 0.001, 2500, 224, 0.971),
        row("oxford_iiit_pet", 0.03, 500, 384, 0.987, speed=25.0),
        row("cifar100", 0.03, 2500, 224, 0.85),
        row("cifar100", 0.01, 10000, 224, 0.90),
        row("imagenet2012", 0.03, 20000, 224, float("nan")),
    ]
)


def proposal(num_train, *, sisters=SISTERS, model=VARIANTS["B/16"], **more):
    return propose(
        checkpoint="B_16", model=model, num_train=num_train, num_test=20, num_classes=4, sisters=sisters, **more
    )


def test_at_a_published_size_the_published_run_is_repeated():
    config = proposal(3312).config
    assert (config.resolution, config.total_steps, config.batch, config.learning_rate) == (224, 500, 512, 0.003)
    assert (config.warmup_steps, config.min_crop_area, config.optimizer) == (100, 0.05, "sgd")


def test_a_longer_schedule_is_followed_where_it_is_worth_a_point():
    config = proposal(49_000).config
    assert (config.total_steps, config.learning_rate, config.warmup_steps) == (10_000, 0.01, 500)


def test_the_set_nearest_in_size_is_followed_even_without_scores():
    result = proposal(1_200_000)
    assert result.config.learning_rate == 0.01
    assert "ImageNet-1k" in result.reasons["learning_rate"]
    assert "middle" in result.reasons["learning_rate"]


def test_a_small_set_gets_a_small_batch_and_a_lower_rate_and_sees_each_image_forty_times():
    config = proposal(200).config
    assert (config.batch, config.total_steps) == (32, 250)
    assert config.learning_rate == 0.002  # in proportion it were 0.0002, which learns nothing in 250 steps
    assert config.min_crop_area == 0.3


@pytest.mark.parametrize("num_train", [1, 2, 5, 24, 97, 200, 1197, 3312, 40_000, 2_000_000])
@pytest.mark.parametrize("sisters", [SISTERS, SISTERS.iloc[:0], None])
@pytest.mark.parametrize("model", [VARIANTS["Ti/16"], VARIANTS["R50+L/32"], NANO])
@pytest.mark.parametrize("trainable", ["all", "head", "last-2"])
def test_every_proposal_can_be_run(num_train, sisters, model, trainable):
    result = proposal(num_train, sisters=sisters, model=model, trainable=trainable, memory_bytes=4 * 10**9)
    check(result.config, patch_size=model.stride, num_train=num_train)
    assert result.config.total_steps >= 100


def test_every_reason_is_a_sentence_about_a_setting():
    reasons = proposal(200, memory_bytes=10**9).reasons
    assert set(reasons) <= set(FIELDS)
    assert {"resolution", "total_steps", "batch", "learning_rate", "warmup_steps"} <= set(reasons)
    assert all(reason.endswith(".") and len(reason) < 200 for reason in reasons.values())


def test_a_larger_resolution_is_named_with_its_gain_and_its_price():
    reason = proposal(3312).reasons["resolution"]
    assert reason.endswith("its published runs at 384 px are 1.6 points better and 4.0 times slower.")


def test_a_fine_tuned_file_keeps_its_own_resolution():
    assert proposal(200, model=VARIANTS["B/16"].with_resolution(384)).config.resolution == 384


def test_small_images_are_not_enlarged_without_end():
    assert proposal(3312, typical_side=32).config.resolution == 224
    assert proposal(3312, typical_side=20).config.resolution == 128
    assert proposal(3312, typical_side=1).config.resolution == 32


def test_little_memory_means_more_parts():
    tiny, roomy = (proposal(3312, memory_bytes=memory).config for memory in (4 * 10**9, 10**12))
    assert (tiny.accum_steps, roomy.accum_steps) == (128, 1)


def test_the_head_alone_sees_whole_images(demo_sisters):
    config = proposal(200, sisters=demo_sisters, model=NANO, trainable="head").config
    assert (config.trainable, config.crop, config.mirror) == ("head", "resize", False)


def test_mirroring_is_never_guessed_away():
    result = proposal(200)
    assert result.config.mirror
    assert "switch it off where left and right differ" in result.reasons["mirror"]


@pytest.mark.parametrize(("num_train", "rate"), [(24, 0.013), (96, 0.025), (1197, 0.1)])
def test_the_demo_is_scaled_from_its_own_batches_of_64(num_train, rate, demo_sisters):
    config = proposal(num_train, sisters=demo_sisters, model=NANO).config
    assert config.learning_rate == rate
    assert config.batch <= 64
    assert config.min_crop_area == 0.5


def test_a_catalogue_of_unknown_sets_is_as_good_as_none():
    strange = pd.DataFrame([row("my flowers", 0.5, 100, 224, 0.9)])
    assert proposal(200, sisters=strange) == proposal(200, sisters=None)


def test_a_published_fine_tune_of_an_unknown_recipe_is_no_example():
    untold = pd.DataFrame([row("imagenet2012", float("nan"), float("nan"), 384, 0.84)])
    assert proposal(200, sisters=untold) == proposal(200, sisters=None)


def test_the_test_part_counts_where_no_validation_is_known():
    only_test = SISTERS.assign(adapt_final_test=SISTERS["adapt_final_val"], adapt_final_val=float("nan"))
    assert dataclasses.asdict(proposal(3312, sisters=only_test).config) == dataclasses.asdict(proposal(3312).config)
