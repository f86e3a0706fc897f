"""`download`: from a name to a file in a folder."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
Refused = Callable[..., None]


def test_download_copies_a_demo_checkpoint_to_a_folder(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "here").mkdir()
    result = run("download", demo_name, "--to", "here")
    path = tmp_path / "here" / f"{demo_name}.npz"
    assert Path(result.stdout.strip()) == Path("here") / path.name
    assert path.read_bytes() == (bundled_data_dir() / "demo" / path.name).read_bytes()


def test_download_into_a_missing_folder_is_refused(run: Run, assert_refused: Refused, demo_name: str):
    assert_refused(run("download", demo_name, "--to", "nowhere"), "'nowhere'")


def test_a_name_that_the_bucket_lacks_fails_with_one_sentence(run: Run, tmp_path: Path):
    (tmp_path / "bucket").mkdir()
    result = run("download", B16, "--bucket", tmp_path / "bucket")
    assert result.returncode == 1
    assert B16 in result.stderr
    assert "Traceback" not in result.stderr
