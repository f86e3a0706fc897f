"""The Fine-tune page: real pictures come in, are checked, dropped, split and deleted."""

import io
import zipfile

import pytest
from finetune_page import bring, button, html, id_of, number, settled

from app import resources

TINY = "N_8-glyphs-16ep-lr_0.003-aug_light1-wd_0.1-do_0.0-sd_0.0"
REAL = "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"


def test_an_empty_page_says_what_to_bring_and_that_it_stays_here(open_page, texts):
    page = open_page("finetune")

    assert not page.exception
    assert "One folder per class" in texts(page)
    assert "Nothing leaves this machine" in texts(page)
    assert button(page, "Start").disabled
    assert "Bring your pictures" in texts(page)


def test_a_zip_becomes_classes_with_counts_and_pictures(prepared, texts):
    page = prepared()

    assert "36 pictures of 3 classes" in texts(page)
    assert html(page).count("data:image/jpeg") == 36
    assert "to learn from" in html(page)
    assert id_of(page)


def test_a_broken_picture_is_named_and_the_others_are_taken(prepared, texts):
    page = prepared({"disc/broken.jpg": b"\xff\xd8\xff\xe0 and no more", "notes.txt": b"x"})

    assert "36 pictures of 3 classes" in texts(page)
    assert r"disc/broken\.jpg" in texts(page)
    assert any(each.label == "1 file left out" for each in page.expander)


def test_what_is_no_zip_gets_its_sentence_and_the_page_stays_usable(open_page, zipped):
    page = bring(open_page("finetune"), b"Rar!\x1a\x07\x00")
    assert "not a zip" in page.error[0].value

    page = bring(page, zipped())

    assert not page.error


def test_one_class_alone_is_refused_or_blocks_the_start(open_page, jpeg, texts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for seed in range(6):
            archive.writestr(f"rose/{seed}.jpg", jpeg(seed))

    page = bring(open_page("finetune"), buffer.getvalue())

    assert "one class" in texts(page)
    assert button(page, "Start").disabled


def test_all_duplicates_go_with_one_click_and_come_back_with_another(prepared, texts, jpeg):
    page = prepared({"bar/one.jpg": jpeg(1), "bar/two.jpg": jpeg(1), "bar/three.jpg": jpeg(1)})
    assert "39 pictures" in texts(page)

    page = button(page, "Drop all duplicates (2)").click().run()
    fewer = texts(page)
    page = button(page, "Bring back").click().run()

    assert "37 pictures" in fewer
    assert "You dropped 2 pictures" in fewer
    assert "39 pictures" in texts(page)


def test_the_same_picture_in_both_parts_blocks_the_start_until_accepted(open_page, draw_classes, tmp_path, jpeg):
    folder = draw_classes(tmp_path / "drawn")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.glob("*/*.jpg")):
            part = "test" if int(path.stem) % 4 == 0 else "train"
            archive.write(path, f"{part}/{path.parent.name}/{path.name}")
        archive.writestr("train/bar/leak.jpg", jpeg(5))
        archive.writestr("test/bar/leak.jpg", jpeg(5))
    page = bring(open_page("finetune"), buffer.getvalue())
    assert button(page, "Start").disabled

    page = page.checkbox[0].check().run()
    accepted = button(page, "Start").disabled
    page = page.checkbox[0].uncheck().run()
    page = button(page, "Drop them from learning (1)").click().run()

    assert not accepted
    assert not button(page, "Start").disabled
    assert not any("I know" in each.label for each in page.checkbox)


def test_a_single_picture_is_dropped_where_it_is_seen(prepared, texts):
    page = prepared()
    page.session_state["every picture"] = True
    page = page.run()

    page = next(each for each in page.button if (each.key or "").startswith("drop every ")).click().run()

    assert "35 pictures" in texts(page)


def test_another_split_is_drawn_and_shown(prepared, texts):
    page = prepared()
    assert "seed 0" in texts(page)

    number(page, "Seed").set_value(7)
    page = button(page, "Draw the split").click().run()

    assert "seed 7" in texts(page)


def test_a_link_opens_the_same_pictures_in_another_visit(prepared, open_page, texts):
    data_id = id_of(prepared())

    assert "36 pictures of 3 classes" in texts(open_page("finetune", data=data_id))


@pytest.mark.parametrize("data_id", ["0" * 20, "practice", "..%2f..%2fetc"])
def test_a_link_to_no_data_set_says_so_and_offers_the_ways_in(open_page, texts, data_id):
    page = open_page("finetune", data=data_id)

    assert not page.exception
    assert page.error or page.info
    assert "One folder per class" in texts(page)


def test_the_pictures_are_deleted_on_demand(prepared, texts):
    page = prepared()
    folder = resources.settings().runs_dir / ".data" / id_of(page)
    assert folder.is_dir()

    page = button(page, "Delete now").click().run()

    assert not folder.exists()
    assert "One folder per class" in texts(page)


def test_single_pictures_are_gathered_class_by_class(open_page, texts, jpeg):
    page = open_page("finetune")
    for label, seeds in (("rose", range(6)), ("tulip", range(10, 16))):
        page = page.text_input(key="single class").set_value(label).run()
        uploader = next(each for each in page.file_uploader if label in each.label)
        page = uploader.set_value([(f"{seed}.jpg", jpeg(seed), "image/jpeg") for seed in seeds]).run()

    assert page.text_input(key="single class").value == ""
    assert "6 pictures of tulip added. Name the next class, or use these pictures." in texts(page)
    page = settled(button(page, "Use these 12 pictures").click().run())

    assert "12 pictures of 2 classes" in texts(page)


def test_few_test_pictures_are_ready_with_a_word_of_what_they_tell(prepared, texts):
    page = prepared()
    few = texts(page)

    page.slider[0].set_value(50)
    page = button(page, "Draw the split").click().run()

    assert "so few tell whether it learns at all" in few
    assert "so few" not in texts(page)


def test_a_folder_of_the_server_is_offered_only_where_the_operator_opened_one(open_page, texts):
    assert "VIT\\_DATA\\_ROOT" in texts(open_page("finetune")) or "VIT_DATA_ROOT" in texts(open_page("finetune"))


def test_an_open_folder_of_the_server_is_used_without_a_copy(open_page, texts, draw_classes, tmp_path, monkeypatch):
    draw_classes(tmp_path / "open" / "shapes")
    monkeypatch.setenv("VIT_DATA_ROOT", str(tmp_path / "open"))
    resources.settings.clear()
    page = open_page("finetune")

    page = page.selectbox(key="server folder").set_value("shapes").run()
    page = settled(button(page, "Use this folder").click().run())

    assert "36 pictures of 3 classes" in texts(page)


def test_two_visitors_see_only_their_own_pictures(prepared, open_page, texts):
    prepared()

    assert "36 pictures" not in texts(open_page("finetune"))


def test_uploaded_bytes_leave_the_memory_of_the_web_process(prepared):
    page = prepared()

    assert not any(each.value for each in page.file_uploader)
