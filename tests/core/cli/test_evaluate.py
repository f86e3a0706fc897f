"""`evaluate` from a terminal."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
Refused = Callable[..., None]


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """The demo's sample digits in class folders, two of each."""
    folder = tmp_path / "digits"
    for path in sorted((bundled_data_dir() / "demo" / "samples").glob("digit-*.jpg")):
        target = folder / path.name[:7].replace("-", " ") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def test_a_table_for_people_with_the_circumstances_beside_it(run: Run, demo_name: str, digits: Path, tmp_path: Path):
    (digits / "digit 0" / "torn.png").write_bytes(b"no picture")
    result = run("evaluate", "--checkpoint", demo_name, "--data", digits, "--output", "out")
    assert result.returncode == 0, result.stderr
    for part in ("top-1", "top-5", "calibration error (ECE)", "Classes, weakest first", "digit 7"):
        assert part in result.stdout
    for part in ("All of 'digits': 20 images.", "by their exact names", "Preprocessing 'original'", "torn.png"):
        assert part in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "predictions.csv",
        "report.html",
        "report.json",
    ]


def test_json_for_programs_is_the_report(run: Run, demo_name: str, digits: Path, tmp_path: Path):
    words = ("evaluate", "--checkpoint", demo_name, "--data", digits, "--preprocess", "timm", "--limit", 10)
    result = run(*words, "--format", "json", "--output", "out")
    told = json.loads(result.stdout)
    assert (told["num_images"], told["preprocess"], told["device"]) == (10, "timm", "CPU")
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {**written, "output": str(tmp_path / "out")} == told
    stages = [json.loads(line) for line in result.stderr.splitlines()]
    assert "judging the images" in [each["stage"] for each in stages]


def test_the_result_of_a_run_is_evaluated_by_its_own_class_names_and_a_table_for_others(
    run: Run, demo_name: str, digits: Path, tmp_path: Path
):
    result = tmp_path / "runs" / "mine" / "result"
    result.mkdir(parents=True)
    (result / "model.npz").write_bytes((bundled_data_dir() / "demo" / f"{demo_name}.npz").read_bytes())
    (result / "labels.json").write_text(json.dumps([f"my {number}" for number in range(10)]))
    (result / "report.json").write_text("{}")
    (result / "README.md").write_text("# mine\n")
    for folder in list(digits.iterdir()):
        folder.rename(digits / folder.name.replace("digit", "MY"))
    (digits / "MY 9").rename(digits / "neuf")
    (tmp_path / "map.csv").write_text("dataset_class,checkpoint_class\nneuf,9\n")
    answer = run(
        "evaluate", "--checkpoint", "run:mine", "--data", digits, "--map", "map.csv", "--format", "json",
        VIT_RUNS_DIR=str(tmp_path / "runs"),
    )  # fmt: skip
    told = json.loads(answer.stdout)
    assert told["checkpoint"] == "run:mine"
    assert told["classes"][4]["name"] == "my 4"
    assert "without regard to capitals" in told["matching"]
    assert "1 of 10 classes are matched by the table" in told["matching"]


def test_a_class_that_the_checkpoint_lacks_is_refused_in_one_sentence(
    run: Run, assert_refused: Refused, demo_name: str, digits: Path
):
    (digits / "digit 9").rename(digits / "didgit 9")
    result = run("evaluate", "--checkpoint", demo_name, "--data", digits)
    assert_refused(result, "The class 'didgit 9' of the data is none of the 10 classes", "Did you mean 'digit 9'")


def test_a_folder_with_other_things_is_refused_before_anything_is_computed(
    run: Run, assert_refused: Refused, demo_name: str, digits: Path
):
    result = run("evaluate", "--checkpoint", demo_name, "--data", digits, "--output", digits)
    assert_refused(result, "holds 'digit 0' already")
    assert "checking" not in result.stderr


def test_data_that_is_not_there_is_refused(run: Run, assert_refused: Refused, demo_name: str):
    assert_refused(run("evaluate", "--checkpoint", demo_name, "--data", "nowhere"), "There is no 'nowhere'")


def test_ctrl_c_ends_it_with_one_line_and_leaves_no_report(
    environment: dict[str, str], hearing_ctrl_c: list[str], demo_name: str, digits: Path, tmp_path: Path
):
    for folder in list(digits.iterdir()):
        for path in list(folder.iterdir()):
            for copy in range(100):
                shutil.copyfile(path, folder / f"{copy}-{path.name}")
    words = ["evaluate", "--checkpoint", demo_name, "--data", digits, "--output", "out", "--format", "json"]
    with subprocess.Popen(
        [*hearing_ctrl_c, sys.executable, "-m", "vit_core", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
    ) as process:
        assert process.stderr
        for line in process.stderr:
            if "judging" in line:
                break
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert out == ""
    assert said.splitlines()[-1] == "vit-explorer: stopped."
    assert "Traceback" not in said
    assert not list(tmp_path.glob("*out*"))


def test_class_names_of_another_number_are_refused_and_those_that_fit_are_said(
    run: Run, assert_refused: Refused, demo_name: str, digits: Path, tmp_path: Path
):
    (tmp_path / "nine.txt").write_text("".join(f"digit {number}\n" for number in range(9)))
    (tmp_path / "ten.txt").write_text("".join(f"digit {number}\n" for number in range(10)))
    words = ("evaluate", "--checkpoint", demo_name, "--data", digits, "--format", "json", "--labels")
    assert_refused(run(*words, "nine.txt"), "The file 'nine.txt' has 9 class names and this classifier 10 outputs")
    told = json.loads(run(*words, "ten.txt").stdout)
    assert "Class names: The 10 names of the file 'ten.txt'." in told["notes"]


@pytest.mark.parametrize("flag", ["--limit", "--batch"])
def test_impossible_amounts_are_refused_before_anything_is_read(run: Run, assert_refused: Refused, flag: str):
    refused = run("evaluate", "--checkpoint", "none", "--data", "nowhere", flag, 0)
    assert_refused(refused, f"The {flag[2:]} is 0")


def test_an_amount_that_is_no_number_is_refused_in_words(run: Run, assert_refused: Refused):
    refused = run("evaluate", "--checkpoint", "none", "--data", "nowhere", "--batch", "many")
    assert_refused(refused, "'many' is not a whole number, such as 16")


def test_a_table_for_a_class_that_is_not_there_is_refused(
    run: Run, assert_refused: Refused, demo_name: str, digits: Path, tmp_path: Path
):
    (tmp_path / "map.csv").write_text("dataset_class,checkpoint_class\ndigit nine,digit 9\n")
    refused = run("evaluate", "--checkpoint", demo_name, "--data", digits, "--map", "map.csv")
    assert_refused(refused, "has 'digit nine', which is no class of the data", "Did you mean 'digit 9'")


def test_a_file_that_does_not_tell_its_heads_is_evaluated_with_those_given_and_told_without_its_folders(
    run: Run, assert_refused: Refused, demo_name: str, digits: Path, tmp_path: Path
):
    run("export", "--checkpoint", demo_name, "--to", "timm")
    (tmp_path / "private").mkdir()
    shutil.copyfile(tmp_path / "timm" / "model.safetensors", tmp_path / "private" / "mine")
    (tmp_path / "names.txt").write_text("".join(f"digit {number}\n" for number in range(10)))
    words = ("evaluate", "--checkpoint", "private/mine", "--data", digits, "--labels", "names.txt", "--format", "json")
    assert_refused(run(*words), "`--num-heads`")
    told = json.loads(run(*words, "--num-heads", 3).stdout)
    assert told["checkpoint"] == "mine"
