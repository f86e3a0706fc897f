"""The whole way from a bucket to an answer, as a person goes it: the command line and Python against a real server.

The bucket holds an index in the published layout and one Ti/16 checkpoint under an AugReg name, whose logits are known.
"""

import dataclasses
import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vit_core.catalog.index import load_catalogue
from vit_core.catalog.lookup import find_row
from vit_core.catalog.schema import PUBLISHED, to_csv_bytes
from vit_core.catalog.snippets import snippets
from vit_core.inference.predictor import load_predictor
from vit_core.settings import Settings

NAME = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0--resisc45-steps_2k-lr_0.01-res_224"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def index() -> bytes:
    """The published rows of Ti/16, as the bucket would hold them."""
    frame = load_catalogue(Settings(bucket="/nowhere", cache_dir=Path("/nowhere")), network=False).frame
    return to_csv_bytes(frame.loc[frame["name"] == "Ti/16", list(PUBLISHED)])


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    waves = np.sin(np.arange(300)[:, None, None] / 20 * np.array([1, 2, 3])) * np.cos(
        np.arange(400)[None, :, None] / 30
    )
    path = tmp_path / "waves.jpg"
    Image.fromarray((waves * 127 + 128).astype(np.uint8)).save(path, quality=90)
    return path


@pytest.fixture
def bucket(fault_proxy, index: bytes, reference_weights: Callable[[str], Path]):
    fault_proxy.put("index.csv", index)
    fault_proxy.put(f"{NAME}.npz", reference_weights("ViT-Ti_16").read_bytes())
    return fault_proxy


@pytest.fixture
def run(bucket, tmp_path: Path) -> Run:
    def run_command(*words: object, url: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = bucket.environment(
            VIT_BUCKET=url or bucket.gs_url, VIT_CACHE_DIR=str(tmp_path / "cache"), VIT_DEVICE="cpu", **variables
        )
        command = [sys.executable, "-m", "vit_core", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=240)

    return run_command


def test_the_catalogue_comes_from_the_bucket_and_stays_when_it_closes(run: Run, bucket):
    first = run("catalog", "--format", "json")
    assert "Catalogue: bucket" in first.stderr
    bucket.answer(403)
    second = run("catalog", "--format", "json")
    assert "Catalogue: saved" in second.stderr
    assert second.stdout == first.stdout
    assert len(_of_augreg(second.stdout)) == 84


def test_a_closed_bucket_is_said_and_the_bundled_table_answers(run: Run, bucket):
    bucket.answer(403)
    result = run("catalog", "--format", "json")
    assert result.returncode == 0
    assert "403" in result.stderr
    assert "Catalogue: bundled" in result.stderr
    assert len(_of_augreg(result.stdout)) == 759


def _of_augreg(stdout: str) -> list[dict[str, object]]:
    """Leave out the files of other releases, which are listed after the index's."""
    return [row for row in json.loads(stdout) if row["release"] == "AugReg"]


def test_an_index_named_by_url_is_used(run: Run, bucket, index: bytes):
    bucket.put("mine.csv", b"\n".join(index.splitlines()[:69]))
    result = run("catalog", "--level", "fine-tunes", "--format", "json", VIT_INDEX=f"{bucket.gs_url}/mine.csv")
    assert "Catalogue: named" in result.stderr
    assert len(json.loads(result.stdout)) == 68


@pytest.mark.parametrize("kind", ["gs", "http"])
def test_a_checkpoint_is_downloaded_once_and_classifies(run: Run, bucket, photo: Path, kind: str):
    url = bucket.gs_url if kind == "gs" else bucket.http_url
    result = run("classify", "--checkpoint", NAME, photo, "--format", "json", url=url)
    again = run("classify", "--checkpoint", NAME, photo, "--format", "json", url=url)
    answer = json.loads(result.stdout)
    assert result.returncode == again.returncode == 0
    assert len(answer["images"][0]["predictions"]) == 5
    assert answer["resolution"] == 224
    assert answer["images"] == json.loads(again.stdout)["images"]
    assert len([asked for asked in bucket.log if asked.is_media and "npz" in asked.path]) == 1


@pytest.mark.parametrize("key", ["python", "cli"])
def test_a_snippet_of_the_card_runs_as_it_is_shown(bucket, photo: Path, tmp_path: Path, key: str):
    frame = load_catalogue(Settings(bucket="/nowhere", cache_dir=Path("/nowhere")), network=False).frame
    code = next(each.code for each in snippets(find_row(frame, NAME)) if each.key == key)
    command = [sys.executable, "-c", code] if key == "python" else [Path(sys.executable).parent / "vit-explorer"]
    if key == "cli":
        command += shlex.split(code)[1:]
    photo.rename(tmp_path / "photo.jpg")
    environment = bucket.environment(VIT_CACHE_DIR=str(tmp_path / "cache"), VIT_DEVICE="cpu")
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path, timeout=240
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("class ") >= 5  # the 21 outputs of the reference are not the 45 of the data set


def test_the_logits_of_a_name_in_the_bucket_are_the_originals(bucket, tmp_path: Path, reference_images, golden):
    settings = dataclasses.replace(Settings(), bucket=bucket.gs_url, cache_dir=tmp_path, device="cpu")
    predictor = load_predictor(NAME, settings=settings)
    logits = predictor.logits(reference_images(224))
    # Float32 on another matrix library: the order of sums differs.
    np.testing.assert_allclose(logits, golden("logits_ViT-Ti_16")["logits_224"], atol=3e-5, rtol=0)


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        (lambda bucket: bucket.answer(403), "403"),
        (lambda bucket: bucket.answer(404), "There is no gs://"),
        (lambda bucket: bucket.corrupt(at=1_000_000, times=9), "damaged"),
    ],
    ids=["403", "404", "corrupt"],
)
def test_a_lasting_fault_is_one_sentence_and_leaves_nothing(run: Run, bucket, tmp_path: Path, fault, part: str):
    fault(bucket)
    result = run("download", NAME)
    assert result.returncode == 1
    assert result.stdout == ""
    assert part in result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert list((tmp_path / "cache").rglob("*.npz")) == []


@pytest.mark.parametrize(
    "fault",
    [
        lambda bucket: bucket.answer(503, times=2),
        lambda bucket: bucket.answer(429, times=1, Retry_After="1"),
        lambda bucket: bucket.cut(after=10_000_000),
    ],
    ids=["503 twice", "429", "cut"],
)
def test_a_passing_fault_ends_in_the_right_bytes(run: Run, bucket, reference_weights, fault):
    fault(bucket)
    result = run("download", NAME)
    assert result.returncode == 0
    assert Path(result.stdout.strip()).read_bytes() == reference_weights("ViT-Ti_16").read_bytes()
