"""The command line, as a person runs it: real processes, their output and their exit codes."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from vit_core.settings import bundled_data_dir

Run = Callable[..., subprocess.CompletedProcess[str]]
B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
SAMPLES = sorted((bundled_data_dir() / "demo" / "samples").glob("*.jpg"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a cache of its own and a bucket that nobody serves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIT_")}
    return kept | {
        "VIT_CACHE_DIR": str(tmp_path / "cache"),
        "VIT_BUCKET": str(tmp_path / "nothing"),
        "VIT_DEVICE": "cpu",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    def run_command(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vit_core", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment | variables, cwd=tmp_path, timeout=240
        )

    return run_command


@pytest.fixture(scope="session")
def demo_rows() -> list[dict[str, str]]:
    with (bundled_data_dir() / "demo" / "index.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def demo_name(demo_rows: list[dict[str, str]]) -> str:
    """The demo fine-tune that is best on the digits."""
    digits = [row for row in demo_rows if row["adapt_ds"] == "digits"]
    return max(digits, key=lambda row: float(row["adapt_final_test"]))["adapt_filename"]


def assert_refused(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit code 2, nothing on standard output, one line that has the parts."""
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    line = result.stderr.strip().splitlines()[-1]
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in line


@pytest.mark.parametrize("command", [[], ["catalog"], ["show"], ["download"], ["classify"], ["app"]])
def test_every_command_has_help_with_an_example(run: Run, command: list[str]):
    result = run(*command, "--help")
    assert result.returncode == 0
    assert "Example" in result.stdout
    assert "vit-explorer" in result.stdout


def test_an_unknown_command_is_one_line_and_exit_code_2(run: Run):
    result = run("clasify")
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "clasify" in result.stderr


# --- catalog


def test_where_sort_and_limit_give_the_best_files_of_a_model(run: Run):
    result = run(
        "catalog", "--where", 'ds == "i21k" and name == "B/16"', "--sort", "final_val", "--limit", 3, "--format", "json"
    )
    rows = json.loads(result.stdout)
    assert result.returncode == 0
    assert len(rows) == 3
    assert {(row["ds"], row["name"]) for row in rows} == {("i21k", "B/16")}
    assert len({row["filename"] for row in rows}) == 3
    assert rows[0]["filename"] == B16
    # Some values are rounded to a whole per cent, so the order holds in whole per cents.
    values = [round(100 * row["final_val"]) for row in rows]
    assert values == sorted(values, reverse=True)


def test_accuracies_on_different_sets_are_said_not_to_compare(run: Run):
    assert "compare only within one pre-training set" in run("catalog", "--where", 'name == "B/16"').stderr
    assert "compare only" not in run("catalog", "--where", 'name == "B/16" and ds == "i21k"').stderr


def test_a_rounded_accuracy_shows_no_decimal_that_nobody_knows(run: Run):
    result = run(
        "catalog", "--where", "name == 'L/16' and ds == 'i21k'", "--columns", "filename,final_val", "--limit", 1
    )
    assert result.stdout.split()[-1] == "51"


def test_a_fine_tuning_column_lists_fine_tunes(run: Run):
    result = run("catalog", "--where", f'filename == "{B16}" and adapt_ds == "imagenet2012"', "--format", "json")
    rows = json.loads(result.stdout)
    assert len(rows) == 4
    assert {row["adapt_resolution"] for row in rows} == {224, 384}


def test_the_recommended_files_are_the_published_ten(run: Run):
    result = run("catalog", "--recommended", "--format", "json")
    assert B16 in {row["filename"] for row in json.loads(result.stdout)}
    assert len(json.loads(result.stdout)) == 10


def test_csv_is_a_table_that_reads_back(run: Run):
    result = run("catalog", "--search", "B/16 pets", "--level", "fine-tunes", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) > 100
    assert {row["adapt_ds"] for row in rows} == {"oxford_iiit_pet"}


def test_the_table_for_people_shows_per_cent_and_says_what_was_cut(run: Run):
    result = run("catalog", "--where", 'name == "B/16" and ds == "i21k"', "--limit", 2)
    assert B16 in result.stdout
    assert "50.6" in result.stdout
    assert "2 of" in result.stderr


def test_the_demo_bucket_is_listed_with_its_own_figures(run: Run, demo_rows: list[dict[str, str]]):
    result = run("catalog", "--demo", "--level", "fine-tunes", "--format", "json")
    assert {row["adapt_filename"] for row in json.loads(result.stdout)} == {row["adapt_filename"] for row in demo_rows}


def test_the_source_of_the_table_and_why_it_is_not_another_one_are_said(run: Run):
    result = run("catalog", "--limit", 1)
    assert "51,509 rows" in result.stderr
    assert "nothing" in result.stderr  # the bucket that could not be read


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--where", "final_vall > 0.5"], "final_val"),
        (["--where", "__import__('os').system('id')"], "__import__('os').system('id')"),
        (["--where", "@settings"], "'@settings'"),
        (["--where", "name.str.len() > 1"], "'name.str.len() > 1'"),
        (["--where", "name =="], "'name =='"),
        (["--sort", "speed"], "'speed'"),
        (["--columns", "name,nmae"], "'nmae'"),
        (["--limit", "-1"], "-1"),
        (["--limit", "many"], "many"),
        (["--index", "missing.csv"], "missing.csv"),
    ],
)
def test_a_bad_flag_is_one_line_that_names_the_value(run: Run, words: list[str], part: str):
    assert_refused(run("catalog", *words), part)


# --- show


def test_show_explains_a_pretrained_file_in_words(run: Run):
    result = run("show", B16)
    assert result.returncode == 0
    for part in ("B/16", "ImageNet-21k", "load_predictor", "timm", "50.6"):
        assert part in result.stdout


def test_show_gives_json(run: Run, demo_name: str):
    result = run("show", demo_name, "--format", "json")
    card = json.loads(result.stdout)
    assert card["row"]["adapt_filename"] == demo_name
    assert card["snippets"]


def test_show_lists_close_names_for_a_misspelt_one(run: Run):
    assert_refused(run("show", B16.replace("medium1", "medium9")), "medium1")


# --- download


def test_download_copies_a_demo_checkpoint_to_a_folder(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "here").mkdir()
    result = run("download", demo_name, "--to", "here")
    path = tmp_path / "here" / f"{demo_name}.npz"
    assert Path(result.stdout.strip()) == Path("here") / path.name
    assert path.read_bytes() == (bundled_data_dir() / "demo" / path.name).read_bytes()


def test_download_into_a_missing_folder_is_refused(run: Run, demo_name: str):
    assert_refused(run("download", demo_name, "--to", "nowhere"), "'nowhere'")


def test_a_name_that_the_bucket_lacks_fails_with_one_sentence(run: Run, tmp_path: Path):
    (tmp_path / "bucket").mkdir()
    result = run("download", B16, "--bucket", tmp_path / "bucket")
    assert result.returncode == 1
    assert B16 in result.stderr
    assert "Traceback" not in result.stderr


# --- classify


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


def test_classify_prints_a_table_for_people(run: Run, demo_name: str):
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--top-k", 1)
    assert SAMPLES[0].name in result.stdout
    assert "%" in result.stdout


def test_a_file_of_any_name_is_a_checkpoint(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "weights.npz").write_bytes((bundled_data_dir() / "demo" / f"{demo_name}.npz").read_bytes())
    result = run("classify", "--checkpoint", "weights.npz", SAMPLES[0], "--format", "json")
    assert result.returncode == 0
    assert json.loads(result.stdout)["images"][0]["predictions"][0]["label"].startswith("class ")


@pytest.mark.parametrize("command", [["download"], ["classify", SAMPLES[0], "--checkpoint"]])
def test_a_checkpoint_file_that_is_not_there_is_bad_input(run: Run, command: list[object]):
    assert_refused(run(*command, "missing.npz"), "missing.npz")


def test_own_class_names_are_used(run: Run, demo_name: str, tmp_path: Path):
    (tmp_path / "names.txt").write_text("\n".join(f"name {i}" for i in range(10)))
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--labels", "names.txt", "--format", "json")
    assert json.loads(result.stdout)["images"][0]["predictions"][0]["label"].startswith("name ")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--resolution", "33"], "33"),
        (["--top-k", "0"], "0"),
        (["--labels", "missing.txt"], "missing.txt"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_a_bad_classify_flag_is_one_line(run: Run, demo_name: str, words: list[str], part: str):
    assert_refused(run("classify", "--checkpoint", demo_name, SAMPLES[0], *words), part)


def test_a_file_that_is_no_checkpoint_is_refused(run: Run, tmp_path: Path):
    (tmp_path / "page.npz").write_text("<html>404</html>")
    assert_refused(run("classify", "--checkpoint", "page.npz", SAMPLES[0]), "page.npz")


# --- app


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def started_app(
    environment: dict[str, str], free_port: int, tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "vit_core", "app", "--port", str(free_port)]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        yield process, free_port
        process.terminate()


def test_app_prints_its_address_and_serves(started_app: tuple[subprocess.Popen[str], int]):
    process, port = started_app
    assert process.stderr is not None
    assert f"http://127.0.0.1:{port}" in process.stderr.readline()
    assert wait_for(f"http://127.0.0.1:{port}/_stcore/health") == b"ok"


def test_app_on_a_taken_port_says_how_to_take_another(run: Run, free_port: int):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", free_port))
        holder.listen()
        result = run("app", "--port", free_port)
    assert result.returncode == 1
    assert f"--port {free_port + 1}" in result.stderr


def wait_for(url: str) -> bytes:
    """Ask until somebody answers, at most a minute."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"nobody answers at {url}")


def test_text_that_the_terminal_cannot_show_is_escaped(run: Run):
    result = run("show", B16, "--offline", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert result.stdout.startswith("B/16 \\xb7 ImageNet-21k")
    assert run("catalog", "--help", PYTHONIOENCODING="ascii").returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_stays_json_in_any_encoding(run: Run, demo_name: str, tmp_path: Path, encoding: str):
    name = os.fsdecode("é".encode() + b"\xff.jpg")  # a file name that is no text
    (tmp_path / name).write_bytes(SAMPLES[0].read_bytes())
    result = run(
        *("classify", "--checkpoint", demo_name, name, "--format", "json"), PYTHONIOENCODING=f"{encoding}:strict"
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["images"][0]["image"] == name


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
@pytest.mark.parametrize("style", ["table", "json", "csv"])
def test_a_full_disk_under_the_output_is_one_sentence(environment: dict[str, str], style: str):
    command = [sys.executable, "-m", "vit_core", "catalog", "--demo", "--format", style]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.strip().splitlines()[-1].endswith("No space left on device.")


def test_a_closed_output_is_one_sentence(environment: dict[str, str]):
    command = f"exec {sys.executable} -m vit_core catalog --demo >&-"
    result = subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.PIPE, text=True, check=False, env=environment)
    assert result.returncode == 1
    assert result.stderr.splitlines() == ["vit-explorer: Standard output is closed, so there is nowhere to print to."]


def test_the_home_of_nobody_is_refused_wherever_a_path_is_given(run: Run, demo_name: str):
    nowhere = "~nobody-of-this-name/x"
    assert_refused(run("catalog", "--cache-dir", nowhere), "--cache-dir", nowhere)
    assert_refused(run("catalog", VIT_CACHE_DIR=nowhere), "VIT_CACHE_DIR", nowhere)
    assert_refused(run("catalog", "--index", nowhere, "--offline"), nowhere)
    assert_refused(run("download", demo_name, "--to", nowhere), "--to", nowhere)
    assert_refused(run("classify", "--checkpoint", demo_name, "--labels", nowhere, SAMPLES[0]), "--labels", nowhere)


def test_columns_may_have_spaces_and_repeat(run: Run):
    result = run("catalog", "--demo", "--columns", "name, ds,,name", "--format", "csv", "--limit", 1)
    assert result.stdout.splitlines()[0] == "name,ds"


def test_a_condition_that_nothing_meets_is_said(run: Run):
    result = run("catalog", "--demo", "--where", 'name == "none"', "--format", "json")
    assert (result.returncode, json.loads(result.stdout)) == (0, [])
    assert "No pre-trained files match." in result.stderr


def test_an_error_is_the_only_line(run: Run, demo_name: str):
    result = run("classify", "--checkpoint", demo_name, SAMPLES[0], "--resolution", 7)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("word", ["", "x" * 5000])
def test_an_impossible_image_name_is_refused(run: Run, demo_name: str, word: str):
    assert_refused(run("classify", "--checkpoint", demo_name, word))


def test_a_folder_gives_every_format_that_is_read_and_no_folder(run: Run, demo_name: str, tmp_path: Path):
    folder = tmp_path / "mixed"
    (folder / "nested.jpg").mkdir(parents=True)
    for suffix in ("jpg", "png", "webp", "gif", "bmp"):
        with Image.open(SAMPLES[0]) as image:
            image.save(folder / f"a.{suffix}")
    result = run("classify", "--checkpoint", demo_name, folder, "--format", "json")
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)["images"]) == 5


def test_cells_of_an_own_index_that_were_left_blank_are_said(run: Run, demo_rows: list[dict[str, str]], tmp_path: Path):
    rows = [demo_rows[0] | {"final_val": "abc"}, *demo_rows[1:]]
    with (tmp_path / "own.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(demo_rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = run("catalog", "--index", "own.csv")
    assert result.returncode == 0, result.stderr
    assert "left blank: final_val: 1 (the first is 'abc' in row 1)" in result.stderr
