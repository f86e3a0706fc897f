"""Pictures to try a checkpoint on: of a finished run, those it was tested on; else the samples of the app."""

from app import resources
from app.components.checkpoint_in_hand import RUN_PREFIX, InHand
from app.samples import Sample, fitting
from vit_core.datasets.dataset import DataSet
from vit_core.errors import VitError

MOST_CLASSES = 12


def samples_for(hand: InHand) -> tuple[Sample, ...]:
    """Give the samples that fit a checkpoint, one of each class or more."""
    if not hand.name.startswith(RUN_PREFIX):
        return fitting(resources.samples(), hand.dataset)
    name = hand.name.removeprefix(RUN_PREFIX)
    try:
        return test_samples(resources.run_dataset(name, resources.runs().get(name).created))
    except VitError:  # deleted a moment ago, or its pictures were: there is nothing to try
        return ()


def test_samples(dataset: DataSet) -> tuple[Sample, ...]:
    """Give one test picture of each class that is still there, no two of one file name."""
    found: dict[int, Sample] = {}
    names: set[str] = set()
    for example in dataset.of("test"):
        path = dataset.path(example)
        if len(found) < MOST_CLASSES and example.label not in found and path.name not in names and path.is_file():
            found[example.label] = Sample(path, dataset.classes[example.label], "")
            names.add(path.name)
    return tuple(found.values())
