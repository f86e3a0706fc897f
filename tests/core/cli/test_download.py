"""`download`: from a name to a file in a folder."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from vit_core.settings import PUBLIC_BUCKET, bundled_data_dir

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


def test_a_name_that_the_public_bucket_cannot_hold_is_refused_without_asking_it(
    run: Run, assert_refused: Refused, fault_proxy
):
    asked = fault_proxy.environment(VIT_BUCKET=PUBLIC_BUCKET)
    for words in (["download", B16, f"{B16}x"], ["classify", "--checkpoint", f"{B16}x", "photo.jpg"]):
        assert_refused(run(*words, **asked), f"There is no checkpoint '{B16}x'", f"Did you mean '{B16}'")
    assert fault_proxy.log == []


def test_the_file_whose_name_was_never_published_is_asked_of_the_public_bucket(run: Run, fault_proxy):
    result = run("download", B16.replace("B_16", "B_8"), **fault_proxy.environment(VIT_BUCKET=PUBLIC_BUCKET))
    assert result.returncode == 1
    assert fault_proxy.log != []


def test_a_name_that_no_table_has_is_asked_of_another_bucket(run: Run, fault_proxy):
    result = run("download", "mine", **fault_proxy.environment(VIT_BUCKET=fault_proxy.http_url))
    assert result.returncode == 1
    assert "There is no http://" in result.stderr
    assert fault_proxy.log != []
