"""The card says what is so, in words, and gives nothing of the user away."""

import dataclasses
import re
import subprocess
import sys

import pytest
from huggingface_hub import ModelCard

from vit_core.export.card import checkpoint_card, model_card

AUGREG = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"


@pytest.fixture
def card(finished):
    """Give the card of the finished run, with other settings or other classes if asked."""

    def write(*, classes=None, **changes):
        told = {key: finished[key] for key in ("model", "config", "dataset", "report")}
        told["config"] = dataclasses.replace(told["config"], **changes)
        if classes:
            results = tuple(
                dataclasses.replace(each, name=name) for each, name in zip(told["report"].classes, classes, strict=True)
            )
            told["dataset"] = dataclasses.replace(told["dataset"], classes=tuple(classes))
            told["report"] = dataclasses.replace(told["report"], classes=results)
        return model_card(name="my-run", **told)

    return write


def data_of(text, folder):
    """Read the front matter as the Hub's own library does, which refuses what it does not know."""
    (folder / "README.md").write_text(text)
    return ModelCard.load(folder / "README.md").data


def test_the_front_matter_names_task_library_licence_and_base(card, tmp_path):
    data = data_of(card(), tmp_path)
    assert (data.license, data.library_name, data.pipeline_tag) == ("apache-2.0", "timm", "image-classification")
    assert data.base_model == "timm/vit_tiny_patch16_224.augreg_in21k"
    assert data.tags == ["image-classification", "timm", "vision-transformer", "vit-explorer"]


def test_the_accuracy_stands_where_the_hub_looks_for_it(card, finished, tmp_path):
    data = data_of(card(), tmp_path)
    (result,) = data.eval_results
    assert data.model_name == "my-run"
    assert (result.metric_type, result.metric_value) == ("accuracy", round(finished["report"].accuracy, 4))
    assert (result.dataset_type, result.dataset_split) == ("imagefolder", "test")
    assert result.dataset_name == "12 pictures that were kept to test on"


def test_a_model_that_was_not_tested_claims_no_accuracy(finished, tmp_path):
    untested = dataclasses.replace(finished["report"], num_test=0)
    told = {key: finished[key] for key in ("model", "config", "dataset")}
    text = model_card(name="my-run", report=untested, **told)
    assert "It was not tested" in text
    assert data_of(text, tmp_path).eval_results is None


@pytest.mark.parametrize("name", ["a: b", "- x\n---\nlicense: mit", "{{ 7 * 7 }}", "'\"\\ # !!python/object:os.system"])
def test_no_name_becomes_part_of_the_front_matter_or_of_the_template(finished, tmp_path, name):
    told = {key: finished[key] for key in ("model", "config", "dataset", "report")}
    text = model_card(name=name, **told | {"dataset": dataclasses.replace(told["dataset"], classes=(name, "b", "c"))})
    data = data_of(text, tmp_path)
    assert data.model_name == name
    assert data.license == "apache-2.0"
    assert "49" not in text.split("# ")[1].splitlines()[0]


def test_a_card_costs_the_explorer_nothing_until_it_is_written():
    code = "import sys, vit_core.export.card; sys.exit('huggingface_hub' in sys.modules or 'jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_file_of_the_users_own_claims_no_licence_and_shows_no_path(card):
    text = card(checkpoint="/home/ada/secret/cats.npz")
    assert "license" not in text
    assert "ada" not in text
    assert "cats" not in text
    assert "a file of the user's own" in text


def test_counts_and_accuracy_come_with_their_interval(card, finished):
    text, report = card(), finished["report"]
    correct = round(report.accuracy * 12)
    assert "From 24 pictures; 12 others were kept to test on." in text
    assert f"right: {correct} of 12 test pictures." in text
    assert f"{100 * report.interval[0]:.1f} % and {100 * report.interval[1]:.1f} %" in text
    assert "12 test pictures are few" in text


def test_every_class_has_its_row(card):
    rows = re.findall(r"^\| (bar|disc|frame) \| 4 \|", card(), flags=re.MULTILINE)
    assert rows == ["bar", "disc", "frame"]


def test_the_origin_is_cited_with_its_licence(card):
    text = card()
    assert f"`{AUGREG}` of the AugReg collection (licence Apache-2.0)" in text
    assert "arXiv:2106.10270" in text


def test_only_settings_that_differ_from_the_published_recipe_are_listed_as_such(card):
    text = card(aug="light1", mirror=False, seed=7).split("except for:")[1].split("\n\n")[1]
    assert text.splitlines() == [
        "- Augmentation (aug): light1",
        "- Mirror (mirror): no",
        "- Batch: 8 pictures; the published fine-tunes took 512",
    ]


def test_the_published_recipe_is_said_to_be_that(card):
    assert "arXiv 2106.10270).\n" in card(batch=512)


def test_no_name_of_a_users_file_stands_in_the_card(card, finished):
    text = card()
    for example in finished["dataset"].examples:
        assert example.name not in text
        assert example.file not in text
    assert str(finished["dataset"].root) not in text


def test_names_of_classes_are_shown_and_never_obeyed(card):
    text = card(classes=["<img src=x onerror=alert(1)>", "a|b\n# c", "[x](javascript:y) `z` ![](http://t.co)"])
    names = re.findall(r"^\| (.*) \| 4 \|", text, flags=re.MULTILINE)
    assert names == [
        r"\<img src=x onerror=alert\(1\)\>",
        r"a\|b \# c",
        r"\[x\]\(javascript\:y\) \`z\` \!\[\]\(http\:\/\/t\.co\)",
    ]
    assert f"apart: {', '.join(names)}." in text
    assert text.count("javascript") == 2


def test_the_card_says_how_numbers_are_computed_and_pictures_prepared(card):
    text = card()
    assert "tanh" in text
    assert "1e-6" in text
    assert "16 x 16 px" in text


def test_hundreds_of_classes_are_cut_and_the_rest_is_counted(finished):
    classes = tuple(f"class {number}" for number in range(300))
    results = tuple(dataclasses.replace(finished["report"].classes[0], name=name) for name in classes)
    text = model_card(
        name="my-run",
        config=finished["config"],
        model=finished["model"],
        dataset=dataclasses.replace(finished["dataset"], classes=classes),
        report=dataclasses.replace(finished["report"], classes=results),
    )
    assert "class 199 |" in text
    assert "class 200 |" not in text
    assert "100 more classes are in report.json." in text
    assert "and 280 more" in text


def test_the_card_of_a_checkpoint_without_a_head_promises_no_classes(trained_config):
    text = checkpoint_card(name=AUGREG, model=dataclasses.replace(trained_config, num_classes=0), labels=())
    assert "without a head" in text
    assert "pipeline_tag: image-feature-extraction" in text
    assert "answers with one of its classes" not in text
