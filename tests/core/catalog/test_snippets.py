import ast
import shlex

import pytest

from vit_core.catalog.collection import MODEL_FACTS
from vit_core.catalog.lookup import find_row
from vit_core.catalog.naming import UNPUBLISHED_NAME
from vit_core.catalog.snippets import snippets

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
TUNE = f"{B16}--oxford_iiit_pet-steps_0k-lr_0.003-res_384"


def by_key(row, **options):
    return {snippet.key: snippet for snippet in snippets(row, **options)}


@pytest.fixture
def made(frame):
    return by_key(find_row(frame, TUNE))


def test_there_are_four_ways_to_use_a_file(made):
    assert list(made) == ["python", "cli", "timm", "download"]


@pytest.mark.parametrize("key", ["python", "timm"])
def test_python_snippets_are_python(made, key):
    tree = ast.parse(made[key].code)
    assert made[key].language == "python"
    assert tree.body


@pytest.mark.parametrize("key", ["cli", "download"])
def test_shell_snippets_are_words_of_a_shell(made, key):
    for line in made[key].code.splitlines():
        assert shlex.split(line, comments=True) or line.startswith("#")


def test_the_whole_name_stands_in_every_snippet(made):
    assert all(TUNE in snippet.code for snippet in made.values())


@pytest.mark.parametrize("key", ["python", "timm"])
def test_the_input_scaling_is_stated(made, key):
    assert "[-1, 1]: (x - 127.5) / 127.5" in made[key].code


@pytest.mark.parametrize(
    ("name", "architecture", "classes"),
    [
        (TUNE, "vit_base_patch16_384", 37),
        (B16, "vit_base_patch16_224", 21_843),
        ("R26_S_32-i1k-300ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0", "vit_small_r26_s32_224", 1000),
        ("R_Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0", "vit_tiny_r_s16_p8_224", 21_843),
    ],
)
def test_timm_builds_the_same_architecture_and_head(frame, name, architecture, classes):
    code = by_key(find_row(frame, name))["timm"].code
    call = next(
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "create_model"
    )
    options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert ast.literal_eval(call.args[0]) == architecture
    assert options == {"num_classes": classes, "act_layer": "gelu_tanh", "checkpoint_path": f"{name}.npz"}


@pytest.mark.parametrize("name", MODEL_FACTS)
def test_every_model_has_a_name_in_timm(name):
    assert MODEL_FACTS[name].timm.startswith("vit_")


def test_the_download_has_an_address_for_a_browser_and_one_for_the_sdk(made):
    assert f"https://storage.googleapis.com/vit_models/augreg/{TUNE}.npz" in made["download"].code
    assert f"gsutil cp gs://vit_models/augreg/{TUNE}.npz ." in made["download"].code


@pytest.mark.parametrize(
    ("bucket", "line"),
    [
        ("https://mirror.example/vit", f"curl -fLO https://mirror.example/vit/{TUNE}.npz"),
        ("/data/my models", f"cp '/data/my models/{TUNE}.npz' ."),
    ],
)
def test_another_bucket_is_used_everywhere(frame, bucket, line):
    made = by_key(find_row(frame, TUNE), bucket=bucket)
    assert line in made["download"].code
    assert "Settings(bucket=BUCKET)" in made["python"].code
    assert f"--bucket {shlex.quote(bucket)}" in made["cli"].code


def test_a_demo_file_needs_no_bucket_and_no_timm():
    row = {
        "name": "Nano/4",
        "ds": "digits",
        "source": "demo",
        "filename": "nano",
        "adapt_ds": "x",
        "adapt_filename": "nano--x",
    }
    assert list(by_key(row, bucket="gs://other")) == ["python", "cli"]


def test_a_name_that_was_never_published_has_no_snippet(frame):
    assert snippets(find_row(frame, UNPUBLISHED_NAME)) == ()


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\", "$(id)", "`id`", "a b;c", "../../x", "é", "a\u202eb"])
def test_hostile_names_stay_one_word(name):
    made = by_key({"name": "B/16", "ds": "i21k", "filename": name})
    strings = [node.value for node in ast.walk(ast.parse(made["python"].code)) if isinstance(node, ast.Constant)]
    assert name in strings
    assert name in shlex.split(made["cli"].code)
