"""The memory of programs by arithmetic, held against what XLA says of the very programs that predictor and runs use.

Small models, at sizes where every term counts; the analysis of XLA's CPU backend, arguments and temporary buffers.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from vit_core.inference import programs
from vit_core.models.build import build
from vit_core.models.config import VARIANTS, ModelConfig
from vit_core.models.memory import to_classify, to_fine_tune
from vit_core.training.config import TrainConfig, num_blocks
from vit_core.training.step import Trainer
from vit_core.training.trainable import partition

TOLERANCE = 0.15
SMALL = dataclasses.replace(VARIANTS["Ti/16"], num_layers=2, num_classes=10)
HYBRID = dataclasses.replace(VARIANTS["R+Ti/16"], num_layers=1, num_classes=10)
SCALED = dataclasses.replace(SMALL, layer_scale=True, class_position=False)
MIXER = dataclasses.replace(VARIANTS["Mixer-S/16"], num_layers=2, num_classes=10)


def bytes_of(compiled):
    analysis = compiled.memory_analysis()
    return analysis.argument_size_in_bytes + analysis.temp_size_in_bytes


def classifying(model: ModelConfig, batch: int) -> int:
    program = programs.program(programs.Spec(model, batch, "uint8", attention=False, device=jax.devices()[0]))
    return bytes_of(program.run)


def prepared(model: ModelConfig, batch: int, *, parts=1, **settings):
    """Give a trainer, and the shapes of what its programs take but for the images."""
    config = TrainConfig(
        checkpoint="x",
        resolution=model.resolution,
        total_steps=10,
        batch=batch * parts,
        learning_rate=0.01,
        warmup_steps=1,
        **settings,
    )
    trainer = Trainer(config, model, devices=jax.devices()[:1], accum_steps=parts, num_classes=model.num_classes)
    trained, frozen = partition(build(model)[1], config.trainable, model.num_layers)
    moving = (jax.ShapeDtypeStruct((), jnp.int32), trained, jax.eval_shape(trainer._optimizer.init, trained), None)
    return trainer, moving, frozen


def images_of(model: ModelConfig, *shape: int):
    side = model.resolution
    pixels = jax.ShapeDtypeStruct((*shape, side, side, 3), np.uint8)
    targets = jax.ShapeDtypeStruct((*shape, model.num_classes), np.float32)
    return pixels, targets, jax.ShapeDtypeStruct(shape, np.float32), jax.ShapeDtypeStruct(shape, np.int32)


def fine_tuning(model: ModelConfig, batch: int, *, parts=1, **settings) -> int:
    trainer, moving, frozen = prepared(model, batch, parts=parts, **settings)
    count = jax.ShapeDtypeStruct((), np.int32)
    return bytes_of(trainer._whole.lower(moving, frozen, images_of(model, parts, batch), count).compile())


def fine_tuning_in_halves(model: ModelConfig, batch: int, *, parts=1, **settings) -> int:
    """Give what two of the programs that a CPU runs hold: the arguments once, all else of both."""
    trainer, moving, frozen = prepared(model, batch, parts=parts, **settings)
    count = jax.ShapeDtypeStruct((), np.int32)
    half = trainer._half.lower(moving, frozen, images_of(model, parts, batch // 2), count).compile().memory_analysis()
    return half.argument_size_in_bytes + 2 * (half.temp_size_in_bytes + half.output_size_in_bytes)


@pytest.mark.parametrize(
    ("model", "batch"),
    [(SMALL, 32), (SMALL.with_resolution(384), 1), (HYBRID, 8), (MIXER, 8)],
    ids=["Ti-32", "Ti-384", "R+Ti-8", "Mixer-8"],
)
def test_classifying_takes_what_xla_plans(model, batch):
    assert to_classify(model, batch=batch).total == pytest.approx(classifying(model, batch), rel=TOLERANCE)


@pytest.mark.parametrize(
    ("model", "batch", "settings"),
    [
        (SMALL, 8, {}),
        (SCALED, 8, {}),
        (SMALL, 4, {"optimizer": "adamw", "trainable": "last-1", "parts": 2}),
        (SMALL, 8, {"remat": True}),
        (HYBRID, 4, {}),
        (MIXER, 4, {}),
    ],
    ids=["Ti", "Ti-LayerScale", "Ti-last-block-adamw-parts", "Ti-recomputed", "R+Ti", "Mixer"],
)
def test_fine_tuning_takes_what_xla_plans(model, batch, settings):
    known = {key: value for key, value in settings.items() if key != "trainable"}
    estimate = to_fine_tune(model, batch=batch, trained_blocks=num_blocks(settings.get("trainable", "all")), **known)

    assert estimate.total == pytest.approx(fine_tuning(model, batch, **settings), rel=TOLERANCE)


@pytest.mark.parametrize("parts", [1, 2])
def test_halves_side_by_side_take_another_gradient(parts):
    estimate = to_fine_tune(SMALL, batch=8, parts=parts, halves=True)

    assert estimate.total == pytest.approx(fine_tuning_in_halves(SMALL, 8, parts=parts), rel=TOLERANCE)


def test_weights_are_counted_exactly():
    leaves = jax.tree.leaves(build(SMALL)[1])
    assert to_classify(SMALL).weights == sum(4 * leaf.size for leaf in leaves)


@pytest.mark.parametrize("trainable", ["all", "last-1", "head"])
def test_gradients_are_counted_exactly(trainable):
    model = dataclasses.replace(SMALL, representation_size=32)
    trained, _ = partition(build(model)[1], trainable, model.num_layers)

    estimate = to_fine_tune(model, batch=1, trained_blocks=num_blocks(trainable))

    assert estimate.gradients == sum(4 * leaf.size for leaf in jax.tree.leaves(trained))


def test_the_second_moment_of_adamw_takes_as_much_as_the_weights():
    sgd, adamw = (to_fine_tune(SMALL, batch=8, optimizer=optimizer) for optimizer in ("sgd", "adamw"))
    assert adamw.total - sgd.total == sgd.weights


def test_recomputing_keeps_little_of_a_deep_model():
    plain, again = (to_fine_tune(VARIANTS["B/16"], batch=8, remat=remat) for remat in (False, True))
    assert again.activations < plain.activations / 10


def test_fewer_trained_blocks_need_less():
    model = VARIANTS["B/16"]
    totals = [to_fine_tune(model, batch=8, trained_blocks=blocks).total for blocks in (0, 1, 4, None)]
    assert totals == sorted(totals)


def test_half_the_width_of_values_halves_what_is_kept():
    wide, narrow = (to_fine_tune(SMALL, batch=8, dtype=dtype) for dtype in ("float32", "bfloat16"))
    assert narrow.activations == wide.activations / 2
    assert narrow.weights == wide.weights


def test_the_first_update_keeps_the_state_it_began_with():
    memory = to_fine_tune(SMALL, batch=8)
    assert memory.first_update - memory.total == 2 * memory.weights
