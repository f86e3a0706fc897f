"""The card of a model: README.md with the front matter that the Hugging Face Hub reads, and plain words for people.

Says what the model learned from in numbers; never the names of a user's files. The words stand in `templates`, those on
a run in `learned`. Knows words only, no weights.
"""

import importlib.resources
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vit_core.catalog.collection import LICENCE
from vit_core.datasets.dataset import DataSet
from vit_core.export.learned import RunWords, run_words
from vit_core.export.markdown import escape
from vit_core.export.origin import Origin, read_origin
from vit_core.export.timm import timm_problem
from vit_core.models.config import ModelConfig
from vit_core.training.config import TrainConfig
from vit_core.training.report import Report

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCardData

_MOST_NAMED = 20
# What the Hub calls pictures in a folder per class.
_IMAGE_FOLDER = "imagefolder"


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
    data = _front_matter(model, origin, labels=dataset.classes, name=name, report=report)
    told = run_words(config=config, dataset=dataset, report=report)
    return _rendered(data, title=name, model=model, origin=origin, labels=dataset.classes, run=told)


def checkpoint_card(*, name: str, model: ModelConfig, labels: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Give the card of a checkpoint that is written out as it is.

    Args:
        name: of the checkpoint, or its path.
        model: its architecture.
        labels: names of the classes; empty for a model without a head, or with a head of zeros.
        notes: what is unusual about it, as sentences.
    """
    origin = read_origin(name)
    data = _front_matter(model, origin, labels=labels)
    return _rendered(data, title=origin.title, model=model, origin=origin, labels=labels, notes=notes)


def stablehlo_section(*, model: ModelConfig, has_classes: bool, jax_version: str) -> str:
    """Give what a card says of `model.stablehlo`, to stand at its end.

    Args:
        model: the architecture.
        has_classes: whether the program gives probabilities.
        jax_version: of the JAX that wrote it.
    """
    import jinja2  # not before a card is written, as below

    text: str = jinja2.Template(_template("stablehlo")).render(
        side=model.resolution,
        classes=model.num_classes,
        features=model.num_features,
        classified=has_classes,
        jax_version=jax_version,
    )
    return text + "\n"


def _front_matter(
    model: ModelConfig, origin: Origin, *, labels: Sequence[str], name: str = "", report: Report | None = None
) -> "ModelCardData":
    from huggingface_hub import ModelCardData

    library = "jax" if timm_problem(model) else "timm"
    task = "image-classification" if labels else "image-feature-extraction"
    results = _results(report, task) if report and report.num_test else None
    return ModelCardData(
        license=LICENCE.lower() if origin.is_apache else None,
        library_name=library,
        pipeline_tag=task,
        base_model=origin.hub,
        tags=[task, library, "mlp-mixer" if model.is_mixer else "vision-transformer", "vit-explorer"],
        metrics=["accuracy"] if results else None,
        eval_results=results,
        model_name=name if results else None,
    )


def _results(report: Report, task: str) -> "list[EvalResult]":
    """Give what stands in the card's `model-index`, from which the Hub shows how good a model is."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type=task,
            dataset_type=_IMAGE_FOLDER,
            dataset_name=f"{report.num_test:,} pictures that were kept to test on",
            dataset_split="test",
            metric_type="accuracy",
            metric_name="Accuracy",
            metric_value=round(report.accuracy, 4),
        )
    ]


def _rendered(
    data: "ModelCardData",
    *,
    title: str,
    model: ModelConfig,
    origin: Origin,
    labels: Sequence[str],
    run: RunWords | None = None,
    notes: Sequence[str] = (),
) -> str:
    from huggingface_hub import ModelCard

    card = ModelCard.from_template(
        data,
        template_str=_template("card"),
        md=escape,  # what others have named is shown letter by letter
        title=title,
        model=model,
        origin=origin,
        labels=labels,
        most_named=_MOST_NAMED,
        problem=timm_problem(model),
        run=run,
        notes=notes,
    )
    return str(card).rstrip("\n") + "\n"


def _template(name: str) -> str:
    folder = importlib.resources.files("vit_core.export") / "templates"
    return (folder / f"{name}.md.jinja").read_text(encoding="utf-8")
