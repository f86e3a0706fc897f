"""Updates spread over two devices, in a process of its own: how many devices there are is settled when JAX starts."""

import json
import os
import subprocess
import sys

import pytest

# Every step is waited for: two CPU devices that run ahead of one another can wait for each other for ever.
_SCRIPT = """
import dataclasses, json, pathlib, sys, tempfile
import jax, numpy as np
from vit_core.checkpoints.restore import init_params
from vit_core.datasets.batches import Batch
from vit_core.models.config import ModelConfig
from vit_core.training.config import TrainConfig
from vit_core.training.saved import SavedStates
from vit_core.training.step import Trainer

model = ModelConfig(
    patch_size=4, hidden_size=16, num_layers=2, mlp_dim=32, num_heads=2, num_classes=10, resolution=16
)
config = TrainConfig(
    checkpoint="tiny", resolution=16, total_steps=20, batch=8, learning_rate=0.1, warmup_steps=0, clip_norm=0.0,
    dropout=0.2, stochastic_depth=0.3, ema_decay=0.9,
)
draw = np.random.default_rng(0)
params = jax.tree.map(
    lambda leaf: (leaf + 0.2 * draw.normal(size=leaf.shape)).astype(np.float32), init_params(model, seed=0)
)
batches = [
    Batch(
        draw.integers(0, 256, (8, 16, 16, 3), np.uint8),
        np.eye(10, dtype=np.float32)[draw.integers(0, 10, 8)],
        np.ones(8, np.float32),
    )
    for _ in range(3)
]

def trainer(count, accum_steps=1, **changes):
    settings = dataclasses.replace(config, **changes)
    return Trainer(settings, model, devices=jax.devices()[:count], accum_steps=accum_steps, num_classes=10)

def run(trainer, state, batches):
    for batch in batches:
        state, metrics = trainer.step(state, batch)
        jax.block_until_ready((state, metrics))
    return state, [float(value) for value in metrics]

def distance(first, second):
    apart = jax.tree.map(lambda a, b: float(np.abs(np.asarray(a) - np.asarray(b)).max()), first, second)
    return max(jax.tree.leaves(apart))

one, two = trainer(1), trainer(2)
alone, alone_told = run(one, one.init(params), batches)
shared, shared_told = run(two, two.init(params), batches)
answers = distance(one.predict(alone, batches[0].images[:5]), two.predict(alone, batches[0].images[:5]))

with tempfile.TemporaryDirectory() as folder:
    saved = SavedStates(pathlib.Path(folder))
    saved.save(3, shared, accuracy=None)
    saved.wait()
    on_one, _ = saved.restore(one.init(params))
    on_two, _ = saved.restore(two.init(params))
    saved.close()

moved, _ = run(trainer(1, accum_steps=8), shared, batches[:1])  # what running out of memory leads to
print(json.dumps({
    "devices": len(jax.devices()),
    "weights_apart": distance(alone.trained, shared.trained),
    "averages_apart": distance(alone.ema, shared.ema),
    "told_apart": distance(alone_told, shared_told),
    "answers_apart": answers,
    "moved": distance(alone.trained, params),
    "used": {
        "batch 8": len(trainer(2).devices),
        "batch 7": len(trainer(2, batch=7).devices),
        "batch 8 in 8 parts": len(trainer(2, accum_steps=8).devices),
        "batch 6 in 3 parts": len(trainer(2, accum_steps=3, batch=6).devices),
    },
    "restored_on": [len(leaf.sharding.device_set) for leaf in (on_one.trained["cls"], on_two.trained["cls"])],
    "restored_apart": max(distance(on_one.trained, shared.trained), distance(on_two.opt_state, shared.opt_state)),
    "moved_to": len(moved.trained["cls"].sharding.device_set),
}))
"""


@pytest.fixture(scope="module")
def told():
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SCRIPT], capture_output=True, text=True, timeout=280, env=environment
    )
    assert answer.returncode == 0, answer.stderr[-3000:]
    return json.loads(answer.stdout)


def test_two_devices_give_the_update_of_one(told):
    assert told["devices"] == 2
    # The two halves of a batch are summed apart; the unclipped gradients are of size 10.
    assert told["weights_apart"] < 5e-6
    assert told["averages_apart"] < 5e-6
    assert told["moved"] > 0.05


def test_two_devices_tell_the_loss_of_the_whole_batch(told):
    assert told["told_apart"] < 1e-4  # a gradient norm of some 10


def test_two_devices_give_the_answers_of_one_to_an_odd_number_of_images(told):
    assert told["answers_apart"] < 1e-5


def test_only_as_many_devices_are_used_as_divide_a_part_of_the_batch(told):
    assert told["used"] == {"batch 8": 2, "batch 7": 1, "batch 8 in 8 parts": 1, "batch 6 in 3 parts": 2}


def test_saved_state_comes_back_on_the_devices_of_the_trainer_that_asks(told):
    assert told["restored_on"] == [1, 2]
    assert told["restored_apart"] == 0


def test_state_moves_to_a_trainer_with_fewer_devices(told):
    assert told["moved_to"] == 1
