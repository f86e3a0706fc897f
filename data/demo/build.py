"""Makes the demo bucket: `python data/demo/build.py [--output FOLDER] [--quick]`.

Draws the pictures, pre-trains a model for each architecture and augmentation, fine-tunes each four times, measures
them through the predictor that users have, and writes `index.csv`, `NAME.npz`, `samples/` and the class names.
Every number in the index is measured here. Seeded: on one machine with one number of threads the files come out equal,
except for the measured speed.
"""

import argparse
import csv
import dataclasses
import functools
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from picture_sets import PictureSet, Split, class_names, make_split, write_labels
from training import BATCH, Pictures, Recipe, accuracy, decode, train, with_new_head

from vit_core.catalog.naming import CheckpointName, format_name, model_token, steps_token
from vit_core.catalog.schema import PUBLISHED
from vit_core.checkpoints.restore import init_params, load_checkpoint, save_npz
from vit_core.inference.predictor import Predictor, open_predictor
from vit_core.models.build import Params
from vit_core.models.config import ModelConfig

HERE = Path(__file__).resolve().parent
SAMPLES_PER_CLASS = {"digits": 2, "shapes": 1}
LICENCES = {"digits": "CC BY 4.0, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository", "shapes": "Apache-2.0"}
SAMPLE_COLUMNS = ("file", "label", "adapt_ds", "split", "number", "licence")

UPSTREAM = "glyphs"
RESOLUTION = 32
EPOCHS = 16
LEARNING_RATE = 0.003
WEIGHT_DECAY = 0.1
AUGMENTATIONS = ("none", "light1")
PATCH_SIZES = {"N/4": 4, "N/8": 8}  # "N" for nano


@dataclasses.dataclass(frozen=True)
class Tuning:
    """One way of fine-tuning, applied to each pre-trained model.

    Attributes:
        ds: the set.
        steps: batches of `training.BATCH` pictures.
        learning_rate: the highest.
        resolution: side of the input in pixels.
    """

    ds: str
    steps: int
    learning_rate: float
    resolution: int


TUNINGS = (
    Tuning("digits", 500, 0.1, 32),
    Tuning("digits", 500, 0.03, 32),
    Tuning("shapes", 750, 0.1, 32),
    Tuning("shapes", 500, 0.1, 48),
)


@dataclasses.dataclass(frozen=True)
class Workshop:
    """Where files go and how thoroughly the work is done.

    Attributes:
        folder: of the bucket.
        shorten: divides all numbers of steps; 1 for the real thing.
    """

    folder: Path
    shorten: int = 1

    def path(self, name: CheckpointName) -> Path:
        """Give the file of a checkpoint."""
        return self.folder / f"{format_name(name)}.npz"

    def steps(self, count: int) -> int:
        """Give the number of steps to take."""
        return max(count // self.shorten, 2)


Row = dict[str, str | int | float]


def main() -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description="Train the demo bucket.")
    parser.add_argument("--output", type=Path, default=HERE, help="folder of the bucket; the default is this script's")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the steps, to try the script out")
    chosen = parser.parse_args()
    jax.config.update("jax_platforms", "cpu")
    chosen.output.mkdir(parents=True, exist_ok=True)
    started, cpu = time.perf_counter(), time.process_time()
    build_bucket(Workshop(chosen.output, shorten=50 if chosen.quick else 1))
    print(f"{time.perf_counter() - started:.0f} s, {time.process_time() - cpu:.0f} s of CPU time")


def build_bucket(workshop: Workshop) -> None:
    """Write checkpoints, index, samples and class names."""
    labels = HERE.parent / "labels" if workshop.folder == HERE else workshop.folder
    write_labels(labels)
    write_samples(workshop.folder / "samples")
    rows: list[Row] = []
    for number, (model, aug) in enumerate((model, aug) for model in PATCH_SIZES for aug in AUGMENTATIONS):
        upstream = CheckpointName(
            model_token(model), model, UPSTREAM, EPOCHS, LEARNING_RATE, aug, WEIGHT_DECAY, do=0.0, sd=0.0
        )
        figures = pretrain(workshop, upstream, seed=number)
        rows += [{**figures, **finetune(workshop, upstream, tuning, seed=number)} for tuning in TUNINGS]
    speeds = {key: measure_speed(workshop.folder, rows, *key) for key in _kinds(rows)}
    for row in rows:
        row["infer_samples_per_sec"] = speeds[str(row["name"]), int(row["adapt_resolution"])]
    write_index(workshop.folder / "index.csv", rows)


def pretrain(workshop: Workshop, name: CheckpointName, *, seed: int) -> Row:
    """Train a model from scratch, save it, and give the columns of the index that are known then."""
    config = ModelConfig(
        patch_size=PATCH_SIZES[name.name],
        hidden_size=48,
        num_layers=3,
        mlp_dim=192,
        num_heads=3,
        num_classes=len(class_names(UPSTREAM)),
        resolution=RESOLUTION,
    )
    pictures = _pictures(UPSTREAM, "train")
    steps = workshop.steps(name.epochs * len(pictures.files) // BATCH)
    recipe = Recipe(
        steps=steps,
        warmup_steps=steps // 10,
        learning_rate=name.lr,
        optimizer="adam",
        weight_decay=name.wd,
        aug=name.aug,
        seed=seed,
    )
    history = _train_and_save(workshop, name, config, init_params(config, seed=seed), recipe, UPSTREAM)
    final_val = measure_accuracy(workshop.path(name), _pictures(UPSTREAM, "val"))
    final_test = measure_accuracy(workshop.path(name), _pictures(UPSTREAM, "test"))
    print(f"{format_name(name)}: validation {final_val:.4f}, test {final_test:.4f}", flush=True)
    return {
        **{column: getattr(name, column) for column in ("name", "ds", "lr", "aug", "wd", "do", "sd")},
        "epochs": float(name.epochs),
        "best_val": max([*history, final_val]),
        "final_val": final_val,
        "final_test": final_test,
        "filename": format_name(name),
    }


def finetune(workshop: Workshop, upstream: CheckpointName, tuning: Tuning, *, seed: int) -> Row:
    """Fine-tune a saved model, save the result, and give the remaining columns of the index but for the speed."""
    name = dataclasses.replace(
        upstream,
        adapt_ds=tuning.ds,
        adapt_steps_token=steps_token(tuning.steps),
        adapt_lr=tuning.learning_rate,
        adapt_resolution=tuning.resolution,
    )
    checkpoint = load_checkpoint(workshop.path(upstream), resolution=tuning.resolution)
    config, params = with_new_head(checkpoint.config, checkpoint.params, len(class_names(tuning.ds)))
    recipe = Recipe(
        steps=workshop.steps(tuning.steps),
        warmup_steps=workshop.steps(tuning.steps) // 10,
        learning_rate=tuning.learning_rate,
        optimizer="sgd",
        mirror=tuning.ds == "shapes",
        seed=seed,
    )
    _train_and_save(workshop, name, config, params, recipe, tuning.ds)
    final_val = measure_accuracy(workshop.path(name), _pictures(tuning.ds, "val"))
    final_test = measure_accuracy(workshop.path(name), _pictures(tuning.ds, "test"))
    print(f"    {format_name(name)}: validation {final_val:.4f}, test {final_test:.4f}", flush=True)
    return {
        "adapt_ds": tuning.ds,
        "adapt_lr": tuning.learning_rate,
        "adapt_steps": tuning.steps,
        "adapt_resolution": tuning.resolution,
        "adapt_final_val": final_val,
        "adapt_final_test": final_test,
        "params": config.num_params,
        "adapt_filename": format_name(name),
    }


def measure_accuracy(path: Path, pictures: PictureSet) -> float:
    """Give the share of picture files whose class the predictor names first, as a user would see it."""
    answers = _open(path).classify(pictures.files, top_k=1)
    right = sum(answer[0].index == label for answer, label in zip(answers, pictures.labels, strict=True))
    return right / len(pictures.files)


def measure_speed(folder: Path, rows: list[Row], model: str, resolution: int) -> float:
    """Give images per second of the predictor, the best of several tries: others may use the machine too."""
    name = next(row["adapt_filename"] for row in rows if (row["name"], row["adapt_resolution"]) == (model, resolution))
    predictor = _open(folder / f"{name}.npz")
    images = np.zeros((320, resolution, resolution, 3), np.uint8)
    predictor.run(images)  # compiles
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        predictor.run(images)
        seconds.append(time.perf_counter() - start)
    return round(len(images) / min(seconds), 1)


def write_index(path: Path, rows: list[Row]) -> None:
    """Write the table with the published columns, a row per fine-tuned file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, PUBLISHED, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_samples(folder: Path) -> None:
    """Write the first test pictures of each class, whether a model gets them right or not, and a table of them."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    with (folder / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(SAMPLE_COLUMNS)
        for ds in SAMPLES_PER_CLASS:
            pictures = _pictures(ds, "test")
            for number in sample_numbers(ds, pictures.labels):
                label = pictures.names[pictures.labels[number]]
                name = f"{label.replace(' ', '-')}-{number:03d}.jpg"
                (folder / name).write_bytes(pictures.files[number])
                writer.writerow([name, label, ds, "test", number, LICENCES[ds]])


def sample_numbers(ds: str, labels: np.ndarray) -> Iterator[int]:
    """Give the places in the test split of its first pictures of each class."""
    for label in range(len(class_names(ds))):
        yield from (int(number) for number in np.flatnonzero(labels == label)[: SAMPLES_PER_CLASS[ds]])


def _train_and_save(
    workshop: Workshop, name: CheckpointName, config: ModelConfig, params: Params, recipe: Recipe, ds: str
) -> list[float]:
    validation = _decoded(ds, "val", config.resolution)
    params, history = train(
        config,
        params,
        recipe,
        _decoded(ds, "train"),
        evaluate=lambda params: accuracy(config, params, validation),
    )
    save_npz(workshop.path(name), config, params)
    return history


@functools.lru_cache(maxsize=9)
def _pictures(ds: str, split: Split) -> PictureSet:
    return make_split(ds, split)


@functools.lru_cache(maxsize=9)
def _decoded(ds: str, split: Split, resolution: int | None = None) -> Pictures:
    return decode(_pictures(ds, split), resolution=resolution)


def _open(path: Path) -> Predictor:
    return open_predictor(path, name=path.stem, device=jax.devices("cpu")[0])


def _kinds(rows: list[Row]) -> list[tuple[str, int]]:
    return list(dict.fromkeys((str(row["name"]), int(row["adapt_resolution"])) for row in rows))


if __name__ == "__main__":
    main()
