"""`catalog` and `show`: tables, cards and what is refused, as a person runs them."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
Refused = Callable[..., None]


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


def test_an_order_across_fine_tuning_sets_is_said_not_to_compare(run: Run):
    said = run("catalog", "--sort", "adapt_final_test").stderr
    assert "adapt_final_test compares only within one data set, and these are of " in said
    one = run("catalog", "--sort", "adapt_final_test", "--where", 'adapt_ds == "cifar100"').stderr
    assert "compares only" not in one


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
def test_a_bad_flag_is_one_line_that_names_the_value(run: Run, assert_refused: Refused, words: list[str], part: str):
    assert_refused(run("catalog", *words), part)


def test_columns_may_have_spaces_and_repeat(run: Run):
    result = run("catalog", "--demo", "--columns", "name, ds,,name", "--format", "csv", "--limit", 1)
    assert result.stdout.splitlines()[0] == "name,ds"


def test_a_condition_that_nothing_meets_is_said(run: Run):
    result = run("catalog", "--demo", "--where", 'name == "none"', "--format", "json")
    assert (result.returncode, json.loads(result.stdout)) == (0, [])
    assert "No pre-trained files match." in result.stderr


def test_cells_of_an_own_index_that_were_left_blank_are_said(run: Run, demo_rows: list[dict[str, str]], tmp_path: Path):
    rows = [demo_rows[0] | {"final_val": "abc"}, *demo_rows[1:]]
    with (tmp_path / "own.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(demo_rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = run("catalog", "--index", "own.csv")
    assert result.returncode == 0, result.stderr
    assert "left blank: final_val: 1 (the first is 'abc' in row 1)" in result.stderr


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


def test_show_says_what_becomes_of_the_head(run: Run, demo_name: str):
    lines = run("show", B16).stdout
    assert "To classify: Used as is: it keeps its head, so it answers with the 21,843 classes" in lines
    assert "To fine-tune: A new task: its head for 21,843 classes is replaced by a new one for your classes" in lines
    card = json.loads(run("show", demo_name, "--format", "json").stdout)
    assert card["head"]["To fine-tune"].startswith("A new task: its head is replaced")


def test_show_lists_close_names_for_a_misspelt_one(run: Run, assert_refused: Refused):
    assert_refused(run("show", B16.replace("medium1", "medium9")), "medium1")


def test_a_release_is_listed_by_its_name_in_any_case(run: Run):
    result = run("catalog", "--release", "sam", "--format", "json", "--offline")
    assert {row["release"] for row in json.loads(result.stdout)} == {"SAM"}


def test_an_unknown_release_lists_those_that_there_are(run: Run, assert_refused: Refused):
    assert_refused(run("catalog", "--release", "jft", "--offline"), "ImageNet-21k + ImageNet, SAM, GSAM, MLP-Mixer")


def test_files_of_another_release_are_shown_with_what_is_known_of_them(run: Run):
    result = run("catalog", "--release", "timm", "--level", "fine-tunes", "--sort", "adapt_final_test", "--offline")
    assert "top5 %" in result.stdout
    assert "hf:timm/deit3_large_patch16_384.fb_in22k_ft_in1k" in result.stdout
    assert "87.7" in result.stdout


def test_show_explains_a_file_of_another_release(run: Run):
    result = run("show", "gs://vit_models/imagenet21k/ViT-B_16.npz", "--offline")
    assert "has a head of zeros" in " ".join(result.stdout.split())
    assert "hf:timm/vit_base_patch16_224.orig_in21k" in result.stdout
    assert "curl -fLO https://storage.googleapis.com/vit_models/imagenet21k/ViT-B_16.npz" in result.stdout
