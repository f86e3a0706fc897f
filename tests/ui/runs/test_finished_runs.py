"""Runs: the page of a finished run, and the run as a checkpoint."""

import dataclasses
import re
import shutil

import pytest

from app import resources
from app.components.checkpoint_in_hand import choose, here_already, run_in_hand
from app.components.run_samples import samples_for
from vit_core.catalog.index import load_demo
from vit_core.errors import BadRun, UnknownName
from vit_core.export.bundle import zip_result

CHECKPOINT = "N_8-glyphs-16ep-lr_0.003-aug_none-wd_0.1-do_0.0-sd_0.0"


def test_a_finished_run_says_accuracy_interval_and_what_guessing_would_give(open_page, make_run, texts, html):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert "91.7 %" in html(page)
    assert "always the most frequent class" in html(page)
    assert "12 test pictures that it had not learned from" in texts(page)


def test_the_most_frequent_mistake_is_open(open_page, make_run, texts, html):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert "1 test picture of disc answered as bar." in texts(page).replace("\\", "")
    assert "is disc" in html(page)


def test_two_boxes_open_another_cell(open_page, make_run, texts):
    make_run("pets", state="done")
    page = open_page("runs", run="pets")

    page.selectbox(key="true class pets").set_value(2)
    page.selectbox(key="answered with pets").set_value(2).run()

    assert "4 test pictures of frame answered rightly." in texts(page).replace("\\", "")


def test_pictures_that_are_gone_are_said_to_be_gone(open_page, make_run, drawn_dataset, tmp_path, html):
    make_run("pets", state="done", dataset=dataclasses.replace(drawn_dataset, root=tmp_path / "gone"))

    page = open_page("runs", run="pets")

    assert "is no longer there" in html(page)


def test_names_of_classes_are_shown_letter_by_letter(open_page, make_run, drawn_dataset, texts, html):
    evil = dataclasses.replace(drawn_dataset, name="<b>x</b>", classes=("[a](b)", "<img src=x>", "$x$ **c**"))
    make_run("pets", state="done", dataset=evil)

    page = open_page("runs", run="pets")

    assert "<img src=x>" not in html(page)
    assert "&lt;img src=x&gt;" in html(page)
    assert "[a](b)" not in texts(page)


def test_a_finished_run_is_a_checkpoint_with_its_classes(make_run):
    make_run("pets", state="done")
    demo = load_demo().frame

    hand, refusal = choose("run:pets", [demo], demo)

    assert refusal is None
    assert hand.knows == "only bar, disc, frame"
    assert resources.checkpoint_path(hand.name) == resources.settings().runs_dir / "pets" / "result" / "model.npz"
    assert hand.name in {each.name for each in here_already([demo], demo)}


def test_its_own_test_pictures_are_there_to_try(make_run):
    make_run("pets", state="done")

    assert [sample.label for sample in samples_for(run_in_hand("run:pets"))] == ["bar", "disc", "frame"]


def test_a_run_under_way_is_no_checkpoint_yet(make_run):
    make_run("pets")

    with pytest.raises(BadRun, match="is not done"):
        run_in_hand("run:pets")


def test_a_run_that_is_not_there_is_no_checkpoint():
    with pytest.raises(UnknownName):
        run_in_hand("run:nothing")


def test_classify_takes_a_finished_run(open_page, make_run, texts):
    make_run("pets", state="done")

    page = open_page("classify", checkpoint="run:pets")

    assert "only bar, disc, frame" in texts(page).replace("\\", "")
    assert page.query_params["checkpoint"] == "run:pets"


def test_explore_lists_finished_runs_only(open_page, make_run, texts, links):
    make_run("pets", state="done")
    make_run("cars")

    page = open_page("explore", tab="runs")

    assert "1 finished run" in texts(page)
    assert links(page).count("Classify with this") == 1
    assert "**pets**" in texts(page)
    assert "**cars**" not in texts(page)


def test_the_checkpoint_in_hand_survives_explore_and_compare(open_page, make_run):
    make_run("pets", state="done")

    assert open_page("explore", checkpoint="run:pets").query_params["checkpoint"] == "run:pets"


def test_compare_puts_a_run_beside_a_published_file(open_page, make_run, texts, html):
    make_run("pets", state="done")

    page = open_page("compare", compare=f"run:pets,{CHECKPOINT}", catalogue="demo")

    assert "Your run pets" in html(page)


def test_the_zip_holds_every_file_of_the_result(make_run, tmp_path):
    make_run("pets", state="done")

    zip_result(resources.runs().get("pets").folder, tmp_path / "pets.zip")

    assert (tmp_path / "pets.zip").stat().st_size > 1000


EVIL = "**x** <img src=x onerror=alert(1)> $y$ :red[z]"


def test_the_head_says_what_is_learned_and_from_which_model_before_the_file(open_page, make_run, texts, html):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert "Tells 3 classes apart: bar, disc, frame" in texts(page).replace("\\", "")
    assert "From N/8 pre-trained on glyphs" in html(page)
    assert page.code[0].value == CHECKPOINT


def test_a_note_is_shown_letter_by_letter_on_every_page(open_page, make_run, texts, html):
    make_run("pets", state="done", note=EVIL)

    for page in (open_page("runs"), open_page("runs", run="pets"), open_page("explore", tab="runs")):
        assert EVIL not in texts(page)
        assert "<img src=x" not in html(page)
    assert "**x** &lt;img src=x onerror=alert(1)&gt; $y$ :red[z]" in html(page)


def test_small_files_have_their_size_in_bytes(open_page, make_run, texts):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert re.search(r"`labels.json` .* \| \d\d bytes \|", texts(page))
    assert "| 0 kB |" not in texts(page)


def test_each_class_is_in_a_table_that_fits_and_the_hardest_comes_first(open_page, make_run, html):
    make_run("pets", state="done")

    table = html(open_page("runs", run="pets")).split("vx-classes")[1].split("</table>")[0]

    assert "F1" in table
    assert "<span>75.0</span>" in table


def test_a_result_that_is_gone_can_be_made_again(open_page, make_run, texts, tmp_path, buttons):
    make_run("pets", state="done")
    shutil.rmtree(tmp_path / "runs" / "pets" / "result")

    page = open_page("runs", run="pets")

    assert "its result is no longer there" in page.error[0].value
    assert "Resume" in buttons(page)
