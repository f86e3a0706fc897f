"""A run repeated with changes: what was changed survives a reload, others keep their work, lost pictures are said."""

import dataclasses

import pytest

from vit_core.training.config import TrainConfig

TINY = "N_8-glyphs-16ep-lr_0.003-aug_light1-wd_0.1-do_0.0-sd_0.0"


@pytest.fixture
def drafted(drawn_dataset, runs_without_engine):
    """Give a function that makes a run which has not started, and gives its name."""

    def make(**changes):
        config = TrainConfig(
            checkpoint=TINY, resolution=32, total_steps=77, batch=8, learning_rate=0.01, warmup_steps=3
        )
        return runs_without_engine().submit(config, dataclasses.replace(drawn_dataset, **changes), name="shapes-1").name

    return make


def button(page, label):
    return next(each for each in page.button if each.label == label)


def drop_one(page):
    """Drop the first picture that the page shows."""
    page.session_state["every picture"] = True
    page = page.run()
    return next(each for each in page.button if (each.key or "").startswith("drop every ")).click().run()


def test_what_was_changed_after_a_link_to_a_run_is_there_after_a_reload(open_page, drafted, texts):
    page = drop_one(open_page("finetune", run=drafted()))
    link = {name: page.query_params[name] for name in page.query_params}

    again = open_page("finetune", **link)

    assert set(link) == {"data", "checkpoint"}
    assert "35 pictures of 3 classes" in texts(again)
    assert "changed since that run" not in texts(again)


def test_a_link_to_a_run_leaves_the_work_of_others(open_page, drafted, texts):
    name = drafted()
    first = drop_one(open_page("finetune", run=name))

    other = open_page("finetune", run=name)

    assert "35 pictures of 3 classes" in texts(other)
    assert "changed since that run" in texts(other)
    assert "35 pictures of 3 classes" in texts(first.run())


def test_the_pictures_as_the_run_had_them_are_a_click_away(open_page, drafted, texts):
    name = drafted()
    drop_one(open_page("finetune", run=name))

    page = button(open_page("finetune", run=name), "Use them as the run did").click().run()

    assert "36 pictures of 3 classes" in texts(page)
    assert "changed since that run" not in texts(page)


def test_a_run_whose_pictures_were_deleted_says_so_in_place_of_them(open_page, drafted, tmp_path, texts):
    page = open_page("finetune", run=drafted(root=tmp_path / "gone"))

    assert "The pictures of this run were deleted; bring them again" in page.error[0].value
    assert "One folder per class" in texts(page)
    assert "run" not in page.query_params
