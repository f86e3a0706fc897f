"""Images of the demo bucket's test sets, as the files that its index was measured on."""

import csv
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vit_core.evaluation import Evaluation, evaluate
from vit_core.inference.labels import Labels
from vit_core.settings import Settings, bundled_data_dir

DEMO = bundled_data_dir() / "demo"


@pytest.fixture(scope="session")
def picture_sets() -> Iterator[types.ModuleType]:
    """The script's module that makes the pictures; it stands beside the data, outside every package."""
    sys.path.insert(0, str(DEMO))
    yield importlib.import_module("picture_sets")
    sys.path.remove(str(DEMO))


@pytest.fixture(scope="session")
def test_set(picture_sets: types.ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Give a function that writes the test set of "digits" or "shapes" into class folders, once."""
    root = tmp_path_factory.mktemp("sets")

    def write(ds: str) -> Path:
        folder = root / ds
        if not folder.exists():
            pictures = picture_sets.make_split(ds, "test")
            for number, (data, label) in enumerate(zip(pictures.files, pictures.labels, strict=True)):
                path = folder / pictures.names[label] / f"{number:04d}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return folder

    return write


@pytest.fixture(scope="session")
def demo_rows() -> dict[str, dict[str, str]]:
    """The lines of the demo bucket's index by the name of the fine-tune."""
    with (DEMO / "index.csv").open(newline="", encoding="utf-8") as file:
        return {row["adapt_filename"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="session")
def digits_checkpoint(demo_rows: dict[str, dict[str, str]]) -> Path:
    """The demo fine-tune that is worst on the digits, so that there are mistakes."""
    digits = [row for row in demo_rows.values() if row["adapt_ds"] == "digits"]
    name = min(digits, key=lambda row: (float(row["adapt_final_test"]), row["adapt_filename"]))["adapt_filename"]
    return DEMO / f"{name}.npz"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        bucket=str(tmp_path / "nothing"), cache_dir=tmp_path / "cache", runs_dir=tmp_path / "runs", device="cpu"
    )


@pytest.fixture(scope="session")
def whole_evaluation(
    digits_checkpoint: Path, test_set: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Evaluation:
    """That of `digits_checkpoint` on all 400 test images."""
    folder = tmp_path_factory.mktemp("whole")
    settings = Settings(bucket=str(folder), cache_dir=folder / "cache", runs_dir=folder / "runs", device="cpu")
    return evaluate(digits_checkpoint, test_set("digits"), settings=settings)


@pytest.fixture
def labels_of() -> Callable[..., Labels]:
    def make(*names: str, dataset: str = "") -> Labels:
        return Labels(names, "for a test", dataset)

    return make


@pytest.fixture
def few_digits(test_set: Callable[..., Path], tmp_path: Path) -> Path:
    """Four test images of each digit, in a folder of the test's own."""
    folder = tmp_path / "few"
    for path in sorted(test_set("digits").glob("*/*.jpg")):
        target = folder / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(list(target.parent.iterdir())) < 4:
            target.write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def random_logits() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def draw(n: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(0)
        return random.normal(size=(n, num_classes)).astype(np.float32), random.integers(0, num_classes, n)

    return draw
