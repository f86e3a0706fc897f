"""The card of a model: README.md with the front matter that the Hugging Face Hub reads, and plain words for people.

Says what the model learned from in numbers; never the names of a user's files. Knows words only, no weights.
"""

import dataclasses
import math
from collections.abc import Iterable, Sequence

from vit_core.catalog.collection import LICENCE
from vit_core.datasets.dataset import DataSet
from vit_core.export.markdown import escape, table
from vit_core.export.origin import Origin, read_origin
from vit_core.export.timm import timm_problem
from vit_core.models.config import ModelConfig
from vit_core.training.config import FIELDS, TrainConfig
from vit_core.training.report import Report

_MOST_CLASSES = 200  # rows of a table; the report has all
_MOST_NAMED = 20
_FEW_TESTS = 100
_PUBLISHED_BATCH = 512
_ALWAYS = ("resolution", "total_steps", "batch", "learning_rate", "warmup_steps")
# These change where and how often something is computed, not what.
_NO_RECIPE = frozenset({"checkpoint", "eval_every", "checkpoint_every", "accum_steps", "remat", "seed", *_ALWAYS})

_PYTHON = """```python
from vit_core import load_predictor

predictor = load_predictor("model.npz")  # beside labels.json, which names its classes
print(predictor.classify(["photo.jpg"], top_k=5)[0])
```"""

_SHELL = """```bash
python -m vit_core classify --checkpoint ./model.npz photo.jpg
```"""

_TIMM = """```python
# pip install timm pillow
import timm
import torch
from PIL import Image

model = timm.create_model("local-dir:.", pretrained=True).eval()  # or the path of the folder for "."
transform = timm.data.create_transform(**timm.data.resolve_model_data_config(model))
names = model.pretrained_cfg["label_names"]
with torch.inference_mode():
    probs = model(transform(Image.open("photo.jpg").convert("RGB")).unsqueeze(0)).softmax(-1)[0]
for probability, index in zip(*probs.topk(min(5, len(names)))):
    print(f"{float(probability):.1%}  {names[index]}")
```"""

_INPUT = (
    "Pictures are squeezed into a square of {0} x {0} px whatever their shape (bilinear, nothing cut off), and scaled "
    "to [-1, 1]: mean and deviation 0.5. Cropped or scaled otherwise, answers get worse."
)
_NUMERICS = (
    "GELU in its tanh form and LayerNorm with an epsilon of 1e-6, as the original code computes. config.json says so "
    "to timm, whose own default is the exact GELU."
)
_CLOSED_WORLD = (
    "It answers with one of its classes, also for a picture of none of them. A probability says how the model weighs "
    "them against each other, not how often it is right."
)


def model_card(*, name: str, config: TrainConfig, model: ModelConfig, dataset: DataSet, report: Report) -> str:
    """Give the card of a fine-tuned model.

    Args:
        name: of the run.
        config: the settings of the run.
        model: its architecture.
        dataset: what it learned from and was tested on.
        report: how the test went.
    """
    origin = read_origin(config.checkpoint)
    return _join(
        _front_matter(model, origin),
        f"# {escape(name)}",
        f"{_kind(model)} that tells {_classes(dataset.classes)}.",
        "## What it learned from",
        _learned(dataset),
        _started(origin),
        "## How good it is",
        _judged(report),
        *_loading(model),
        "## How it was trained",
        _trained(config, report),
        "## What to know before relying on it",
        _bullets([*_test_caveats(report), _CLOSED_WORLD, *_input_notes(model)]),
    )


def checkpoint_card(*, name: str, model: ModelConfig, labels: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Give the card of a checkpoint that is written out as it is.

    Args:
        name: of the checkpoint, or its path.
        model: its architecture.
        labels: names of the classes; empty for a model without a head.
        notes: what is unusual about it, as sentences.
    """
    origin = read_origin(name)
    return _join(
        _front_matter(model, origin),
        f"# {escape(origin.title)}",
        f"{_kind(model)} that tells {_classes(labels)}."
        if labels
        else f"{_kind(model)} without a head: it has no classes and gives features.",
        f"This is {origin.sentence}",
        *_loading(model),
        "## What to know before relying on it",
        _bullets([*map(escape, notes), *([_CLOSED_WORLD] if labels else []), *_input_notes(model)]),
    )


def _front_matter(model: ModelConfig, origin: Origin) -> str:
    """Give the YAML block; only words of ours stand in it, so none needs quoting."""
    library = "jax" if timm_problem(model) else "timm"
    task = "image-classification" if model.num_classes else "image-feature-extraction"
    lines = [f"license: {LICENCE.lower()}"] if origin.is_apache else []
    lines += [f"library_name: {library}", f"pipeline_tag: {task}"]
    lines += [f"base_model: {origin.hub}"] if origin.hub else []
    lines += ["tags:", *(f"- {tag}" for tag in (task, library, "vision-transformer", "vit-explorer"))]
    return "\n".join(["---", *lines, "---"])


def _kind(model: ModelConfig) -> str:
    return f"A Vision Transformer ({model.variant}, {model.num_params:,} parameters, {model.resolution} px)"


def _classes(labels: Sequence[str]) -> str:
    named = ", ".join(escape(label) for label in labels[:_MOST_NAMED])
    more = f" and {len(labels) - _MOST_NAMED:,} more" if len(labels) > _MOST_NAMED else ""
    return f"{len(labels):,} classes of pictures apart: {named}{more}"


def _learned(dataset: DataSet) -> str:
    train, test = dataset.of("train"), dataset.of("test")
    how = (
        "The user had put aside the pictures to test on."
        if dataset.split == "folders"
        else f"The pictures to test on were drawn from every class: {dataset.test_share:.0%}, with the seed "
        f"{dataset.seed}."
    )
    left = f" {len(dataset.left_out):,} files were left out." if dataset.left_out else ""
    return (
        f"From {len(train):,} pictures; {len(test):,} others were kept to test on. {how}{left} "
        "The pictures are not part of this folder."
    )


def _started(origin: Origin) -> str:
    return f"It started from {origin.sentence}"


def _judged(report: Report) -> str:
    if not report.num_test:
        return "It was not tested: there were no pictures to test on."
    correct = sum(row[place] for place, row in enumerate(report.confusion))
    low, high = report.interval
    sentence = (
        f"**{_percent(report.accuracy)} right: {correct:,} of {report.num_test:,} test pictures.** On further pictures "
        f"like these the share lies between {_percent(low)} and {_percent(high)} (95 % confidence, Wilson). "
        f"Always answering the most frequent class would get {_percent(report.majority)}."
    )
    rows = [
        [escape(each.name), f"{each.num_test:,}", *map(_percent, (each.precision, each.recall, each.f1))]
        for each in report.classes[:_MOST_CLASSES]
    ]
    more = len(report.classes) - len(rows)
    lines = [sentence, table(["class", "test pictures", "precision", "recall", "F1"], rows)]
    lines += [f"{more:,} more classes are in report.json."] if more > 0 else []
    lines += [
        "Precision: of the pictures answered with the class, the share that are of it. Recall: of the pictures of the "
        "class, the share that were found. A dash: no such picture."
    ]
    return _join(*lines).rstrip()


def _loading(model: ModelConfig) -> list[str]:
    problem = timm_problem(model)
    ways = "Two ways" if problem else "Three ways"
    parts = ["## How to load it", f"{ways}, each run inside this folder. `load.py` is the first as a program."]
    parts += ["With ViT Explorer, in Python:", _PYTHON, "On its command line:", _SHELL]
    parts += [f"There are no files for PyTorch: {problem}"] if problem else ["With timm, in PyTorch:", _TIMM]
    return parts


def _trained(config: TrainConfig, report: Report) -> str:
    defaults = {field.name: field.default for field in dataclasses.fields(TrainConfig)}
    always = [(field, getattr(config, field)) for field in _ALWAYS]
    changed = [
        (field, value)
        for field, value in ((field, getattr(config, field)) for field in FIELDS if field not in _NO_RECIPE)
        if value != defaults[field]
    ]
    lines = [f"{FIELDS[field].label}: {_value(value)}" for field, value in always]
    recipe = (
        "The recipe is that of the published fine-tunes (SGD with momentum 0.9, cosine schedule, gradients clipped at "
        "1, a new head of zeros, random crops and mirroring, neither weight decay nor dropout; arXiv 2106.10270)"
    )
    differs = [f"{FIELDS[field].label} ({field}): {_value(value)}" for field, value in changed]
    if config.batch != _PUBLISHED_BATCH:
        differs.append(f"Batch: {config.batch} pictures; the published fine-tunes took {_PUBLISHED_BATCH}")
    ending = f"{recipe}, except for:" if differs else f"{recipe}."
    kept = f"The weights are those after step {report.best_step:,} of {report.steps:,}"
    took = f"{kept}. Training took {_duration(report.seconds)} on {escape(report.device)}."
    return _join(_bullets(lines), ending, *([_bullets(differs)] if differs else []), took).rstrip()


def _test_caveats(report: Report) -> list[str]:
    caveats = [
        "The step whose weights were kept was chosen by the same test pictures, so new ones may go a little worse."
    ]
    if 0 < report.num_test < _FEW_TESTS:
        caveats.insert(
            0,
            f"{report.num_test} test pictures are few: the accuracy is known no better than the interval above says, "
            "and the figures of a class much less well.",
        )
    return caveats


def _input_notes(model: ModelConfig) -> list[str]:
    notes = [_INPUT.format(model.resolution), _NUMERICS]
    if model.resnet and not timm_problem(model):
        notes.append(
            "In model.safetensors the kernels of the convolutions are rescaled, because timm standardises them a "
            "little differently. Answers are the same; to train on, start from model.npz."
        )
    return notes


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _join(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else escape(f"{value:,}" if isinstance(value, int) else str(value))


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
