"""Measures how well the demo's N/8 learns the real digits in 100 steps, with its weights and from scratch.

    python tests/golden/make_fine_tune_digits.py      # about a minute

The training is that of `data/demo/training.py`: plain optax, crops of its own, and none of the product's training. Its
accuracies are what the product's are held against in `tests/core/training/loop/test_digits.py`.
"""

import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "data" / "demo"), str(ROOT)]

import training  # noqa: E402 - found by the line above
from picture_sets import make_split  # noqa: E402
from training import Recipe, accuracy, decode, train, with_new_head  # noqa: E402

from vit_core.checkpoints.restore import init_params, load_checkpoint  # noqa: E402

CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"
STEPS, WARMUP, LEARNING_RATE, SEEDS = 100, 20, 0.1, 5


def main() -> None:
    """Measure and write `fine_tune_digits.json`."""
    checkpoint = load_checkpoint(ROOT / "data" / "demo" / f"{CHECKPOINT}.npz")
    pictures = decode(make_split("digits", "train"))
    questions = decode(make_split("digits", "test"), resolution=checkpoint.config.resolution)
    found: dict[str, list[float]] = {"fine_tuned": [], "from_scratch": []}
    for seed in range(SEEDS):
        starts = {"fine_tuned": checkpoint.params, "from_scratch": init_params(checkpoint.config, seed=seed)}
        for kind, params in starts.items():
            config, params = with_new_head(checkpoint.config, params, 10)
            recipe = Recipe(steps=STEPS, warmup_steps=WARMUP, learning_rate=LEARNING_RATE, optimizer="sgd", seed=seed)
            _, accuracies = train(
                config,
                params,
                recipe,
                pictures,
                evaluate=lambda params, config=config: accuracy(config, params, questions),
                evaluations=1,
            )
            found[kind].append(accuracies[-1])
            print(kind, seed, accuracies[-1])
    measured = {
        "checkpoint": CHECKPOINT,
        "steps": STEPS,
        "warmup_steps": WARMUP,
        "learning_rate": LEARNING_RATE,
        "batch": training.BATCH,
        "min_crop_area": training.LEAST_AREA,
        **{
            kind: {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1)), "accuracies": values}
            for kind, values in found.items()
        },
    }
    Path(__file__).with_name("fine_tune_digits.json").write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
