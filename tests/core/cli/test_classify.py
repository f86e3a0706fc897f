"""`classify`: images to named answers, and every input that is none."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.inference.labels import definitions_for
from vit_core.models.config import ModelConfig
from vit_core.settings import bundled_data_dir

Write = Callable[..., Path]
Run = Callable[..., subprocess.CompletedProcess[str]]
SAMPLES = sorted((bundled_data_dir() / "demo" / "samples").glob("*.jpg"))
Refused = Callable[..., None]


@pytest.fixture
def write_model(tmp_path: Path) -> Write:
    """Give a function that writes a tiny model of any number of classes, with a head of zeros where asked for."""

    def write(*, num_classes: int = 3, zeroed: bool = False) -> Path:
        config = ModelConfig(
            patch_size=4, hidden_size=16, num_layers=1, mlp_dim=16, num_heads=2, num_classes=num_classes, resolution=16
        )
        params = init_params(config, seed=0)  # whose head is zeros
        if not zeroed:
            drawn = np.random.default_rng(0).standard_normal((16, num_classes))
            params["head"]["kernel"] = drawn.astype(np.float32)
        save_npz(tmp_path / "model.npz", config, params)
        return tmp_path / "model.npz"

    return write


def test_classify_names_the_bundled_samples(run: Run, demo_name: str, demo_rows: list[dict[str, str]]):
    digits = [path for path in SAMPLES if path.name.startswith("digit")]
    result = run("classify", "--checkpoint", demo_name, *digits, "--format", "json")
    answers = json.loads(result.stdout)
    assert result.returncode == 0
    assert [Path(answer["image"]).name for answer in answers["images"]] == [path.name for path in digits]
    top = [answer["predictions"][0] for answer in answers["images"]]
    right = sum(path.name.split("-")[1] in guess["label"] for path, guess in zip(digits, top, strict=True))
    # The samples are drawn from the test split: as many right as its accuracy says, within two standard deviations.
    rate = next(float(row["adapt_final_test"]) for row in demo_rows if row["adapt_filename"] == demo_name)
    assert right >= len(digits) * rate - 2 * (len(digits) * rate * (1 - rate)) ** 0.5
    assert all(0 < guess["probability"] <= 1 for guess in top)


def test_one_bad_image_is_named_and_the_others_are_answered(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "broken.jpg").write_bytes(SAMPLES[0].read_bytes()[:200])
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "broken.jpg", SAMPLES[1], "--format", "json")
    answers = json.loads(result.stdout)["images"]
    assert result.returncode == 2
    assert [len(answer["predictions"]) for answer in answers] == [5, 0, 5]
    assert "broken.jpg" in answers[1]["error"]
    assert "broken.jpg" in result.stderr


def test_a_folder_stands_for_the_images_in_it(run: Run, demo_name: str):
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0].parent, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {Path(row["image"]).name for row in rows} == {path.name for path in SAMPLES}


def test_a_folder_gives_every_format_that_is_read_and_no_folder(run: Run, demo_name: str, tmp_path: Path):
    folder = tmp_path / "mixed"
    (folder / "nested.jpg").mkdir(parents=True)
    for suffix in ("jpg", "png", "webp", "gif", "bmp"):
        with Image.open(SAMPLES[0]) as image:
            image.save(folder / f"a.{suffix}")
    result = run("classify", "--checkpoint", demo_name, folder, "--format", "json")
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["images"]) == 5


def test_classify_prints_a_table_for_people(run: Run, demo_name: str):
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--top-k", 1)
    assert SAMPLES[0].name in result.stdout
    assert "%" in result.stdout


def test_a_file_of_any_name_is_a_checkpoint(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "weights.npz").write_bytes((bundled_data_dir() / "demo" / f"{demo_name}.npz").read_bytes())
    result = run("classify", "--checkpoint", "weights.npz", SAMPLES[0], "--format", "json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["images"][0]["predictions"][0]["label"].startswith("class ")


def test_own_class_names_are_used(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "names.txt").write_text("\n".join(f"name {i}" for i in range(10)))
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--labels", "names.txt", "--format", "json")
    assert json.loads(result.stdout)["images"][0]["predictions"][0]["label"].startswith("name ")


def test_names_that_do_not_fit_are_said_and_the_classes_are_numbered(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "names.json").write_text(json.dumps([f"name {i}" for i in range(1000)]))
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--labels", "names.json", "--format", "json")
    assert json.loads(result.stdout)["images"][0]["predictions"][0]["label"].startswith("class ")
    assert "'names.json' has 1,000 class names and this classifier 10 outputs" in result.stderr


def test_json_says_what_each_class_of_imagenet_means_and_what_becomes_of_the_head(run: Run, write_model: Write):
    result = run(
        "classify", "--checkpoint", write_model(num_classes=1000), SAMPLES[0], "--format", "json", "--top-k", 1
    )
    answer = json.loads(result.stdout)
    guess = answer["images"][0]["predictions"][0]
    assert guess["definition"] == definitions_for("imagenet2012")[guess["index"]]
    assert answer["labels"].startswith("The 1,000 classes of ImageNet-1k, by the number of classes")
    assert answer["head"].startswith("Used as is: it keeps its head")


def test_a_class_without_a_dictionary_has_no_definition(run: Run, demo_name: str):
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--format", "json")
    assert json.loads(result.stdout)["images"][0]["predictions"][0]["definition"] is None


@pytest.mark.parametrize("style", ["table", "json", "csv"])
def test_a_head_of_zeros_is_one_sentence_and_no_share(
    run: Run, assert_refused: Refused, write_model: Write, style: str
):
    result = run("classify", "--checkpoint", write_model(zeroed=True), SAMPLES[0], "--format", style)
    assert_refused(result, "has a head of zeros", "fine-tune it")


def test_a_table_says_what_becomes_of_the_head(run: Run, demo_name: str):
    assert "Used as is: it keeps its head" in run("classify", "--checkpoint", demo_name, SAMPLES[0]).stderr


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--resolution", "33"], "33"),
        (["--top-k", "0"], "0"),
        (["--labels", "missing.txt"], "missing.txt"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_a_bad_classify_flag_is_one_line(
    run: Run, assert_refused: Refused, demo_name: str, words: list[str], part: str
):
    assert_refused(run("classify", "--checkpoint", demo_name, SAMPLES[0], *words), part)


def test_an_error_is_the_only_line(run: Run, demo_name: str):
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--resolution", 7)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("word", ["", "x" * 5000])
def test_an_impossible_image_name_is_refused(run: Run, assert_refused: Refused, demo_name: str, word: str):
    assert_refused(run("classify", "--checkpoint", demo_name, word))


def test_a_file_that_is_no_checkpoint_is_refused(run: Run, assert_refused: Refused, tmp_path: Path):
    (tmp_path / "page.npz").write_text("<html>404</html>")
    assert_refused(run("classify", "--checkpoint", "page.npz", SAMPLES[0]), "page.npz")


@pytest.mark.parametrize("command", [["download"], ["classify", SAMPLES[0], "--checkpoint"]])
def test_a_checkpoint_file_that_is_not_there_is_bad_input(run: Run, assert_refused: Refused, command: list[object]):
    assert_refused(run(*command, "missing.npz"), "missing.npz")
