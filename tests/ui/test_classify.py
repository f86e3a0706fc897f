"""The Classify page, with a real predictor process and the models that come with the app."""

import time

import pandas as pd
import pytest
from answering_page import answered

from vit_core.settings import bundled_data_dir

REAL = "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0--imagenet2012-steps_20k-lr_0.01-res_384"


def drop(page, *files):
    uploader = next(uploader for uploader in page.file_uploader if uploader.label.startswith("Drop"))
    return uploader.set_value([(name, data, "image/jpeg") for name, data in files]).run()


def bring(page, data):
    uploader = next(uploader for uploader in page.file_uploader if ".npz" in uploader.label)
    return uploader.set_value(("mine.npz", data, "application/zip")).run()


def button(page, label):
    return next(button for button in page.button if button.label.startswith(label))


def guesses(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def test_without_a_choice_the_best_demo_model_is_in_hand(open_page, texts):
    page = open_page("classify")
    index = pd.read_csv(bundled_data_dir() / "demo" / "index.csv")
    best = index.sort_values(["adapt_final_test", "adapt_filename"], ascending=[False, True]).iloc[0]

    assert not page.exception
    assert best["adapt_filename"] in texts(page)
    assert "the best of the demo models" in texts(page)


def test_an_empty_page_says_what_to_do(open_page, texts):
    assert "click a sample" in texts(open_page("classify"))


@pytest.mark.parametrize("view", ["classify", "compare"])
def test_no_picture_larger_than_the_limit_is_taken_from_the_browser(open_page, view):
    demo = [path.stem for path in sorted((bundled_data_dir() / "demo").glob("*--*.npz"))[:2]]
    page = open_page(view, **({"compare": ",".join(demo)} if view == "compare" else {}))
    drop_zone = next(each for each in page.file_uploader if each.label.startswith("Drop pictures"))
    assert drop_zone.proto.max_upload_size_mb == 20


def test_one_click_on_a_sample_gives_an_answer_without_a_network(open_page):
    page = open_page("classify")

    sample = next(one for one in page.button if (one.key or "").startswith("sample "))
    page = answered(sample.click().run())

    assert "<ol" in guesses(page)
    assert not page.error


def test_all_samples_at_once_become_a_gallery(open_page, texts):
    page = open_page("classify")

    page = answered(button(page, "Take all").click().run())

    assert len([one for one in page.button if (one.key or "").startswith("card ")]) >= 10
    assert not page.error


def test_a_broken_file_among_good_ones_gets_its_sentence(open_page, texts, jpeg):
    page = drop(open_page("classify"), ("good.jpg", jpeg(1)), ("bad.jpg", b"<html>"), ("fine.jpg", jpeg(2)))

    page = answered(page)

    assert "1 file left out" in texts(page)
    assert r"bad\.jpg" in texts(page)
    assert "2 pictures" in texts(page)


def test_the_same_picture_twice_is_said(open_page, texts, jpeg):
    page = answered(drop(open_page("classify"), ("a.jpg", jpeg(1)), ("b.jpg", jpeg(1))))

    assert "is the same picture as" in texts(page)


def test_more_guesses_ask_nothing_again(open_page, jpeg):
    page = answered(drop(open_page("classify"), ("a.jpg", jpeg(1))))
    before = guesses(page).count("<li>")

    page.segmented_control(key="top k").set_value(3).run()

    assert (before, guesses(page).count("<li>")) == (5, 3)
    assert not page.get("skeleton")


def test_attention_is_shown_layer_by_layer(open_page, jpeg):
    page = answered(drop(open_page("classify"), ("a.jpg", jpeg(1))))

    page.segmented_control(key="attention view").set_value("layer").run()
    page.slider(key="attention layer").set_value(1).run()

    assert not page.exception
    assert page.selectbox(key="attention head").options[0] == "Mean of all heads"


def test_a_hostile_name_is_shown_letter_by_letter(open_page, texts, jpeg):
    name = "<img src=x onerror=alert(1)> [a](http://evil.example) \u202egpj.exe"

    page = answered(drop(open_page("classify"), (name, jpeg(1))))

    assert r"\<img src\=x onerror\=alert\(1\)\>" in texts(page)
    assert "\u202e" not in texts(page)
    assert "](http" not in texts(page)


def test_clearing_takes_everything_away(open_page, texts, jpeg):
    page = answered(drop(open_page("classify"), ("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))))

    button(page, "Clear all").click().run()

    assert "click a sample" in texts(page)
    assert "<ol" not in guesses(page)


def test_an_unknown_checkpoint_in_a_link_is_named_and_the_demo_answers(open_page, texts):
    page = open_page("classify", checkpoint=REAL.replace("light1", "light9"))

    assert "light9" in texts(page)
    assert "A demo model answers instead" in texts(page)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../pyproject.toml", "pyproject.toml", "x.npz", "own-0000000000000000"]
)
def test_a_link_opens_no_file_of_the_server(open_page, texts, name):
    assert "A demo model answers instead" in texts(open_page("classify", checkpoint=name))


def test_a_checkpoint_that_is_not_here_is_offered_with_its_size(open_page, texts):
    page = open_page("classify", checkpoint=REAL)

    assert "not on this machine yet" in texts(page)
    assert button(page, "Download").label == "Download 353 MB"


def test_a_bucket_without_the_file_says_so_and_offers_the_demo(open_page, texts):
    page = open_page("classify", checkpoint=REAL)

    button(page, "Download").click().run()
    ends_at = time.monotonic() + 30
    while not page.error:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
        page.run()

    assert "has no such file" in page.error[0].value
    button(page, "Use the demo model").click().run()
    assert "the best of the demo models" in texts(page)


def test_a_checkpoint_of_ones_own_answers_with_numbered_classes(open_page, texts, tiny_checkpoint, jpeg):
    page = open_page("classify")
    page = bring(page, tiny_checkpoint.read_bytes())

    page = answered(drop(page, ("a.jpg", jpeg(1))))

    assert "Your own file" in texts(page)
    assert "class 0" in guesses(page)


def test_a_head_of_zeros_is_said_and_shown_as_no_bars_and_attention_still_works(
    open_page, texts, zeroed_checkpoint, jpeg
):
    page = open_page("classify")
    page = bring(page, zeroed_checkpoint.read_bytes())

    page = answered(drop(page, ("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))))

    assert "has a head of zeros" in page.info[0].value
    assert "<ol" not in guesses(page)
    assert page.segmented_control(key="attention view")
    assert not page.error


def bring_names(page, name, data):
    uploader = next(uploader for uploader in page.file_uploader if "labels.txt" in uploader.label)
    return uploader.set_value((name, data, "text/plain")).run()


@pytest.mark.parametrize(
    ("name", "data"), [("labels.txt", b"cat\ndog\nfox\n"), ("names.json", b'["cat", "dog", "fox"]')]
)
def test_class_names_of_ones_own_answer_until_they_are_taken_back(open_page, texts, tiny_checkpoint, jpeg, name, data):
    page = bring(open_page("classify"), tiny_checkpoint.read_bytes())
    page = answered(drop(bring_names(page, name, data), ("a.jpg", jpeg(1))))

    assert f"the names of “{name.replace('.', chr(92) + '.')}”" in texts(page)
    assert all(label in guesses(page) for label in ("cat", "dog", "fox"))
    page = answered(button(page, "Use the checkpoint's own names").click().run())
    assert "class 0" in guesses(page)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"cat\ndog\n", "has 2 class names and this classifier 3 outputs"),
        (b"cat\n\nfox\n", "is empty"),
        (b"\xff\xfe\x00", "not UTF\\-8"),
    ],
)
def test_class_names_that_cannot_be_used_are_said_in_one_sentence_and_the_classes_keep_their_numbers(
    open_page, tiny_checkpoint, jpeg, data, reason
):
    page = bring(open_page("classify"), tiny_checkpoint.read_bytes())
    page = bring_names(page, "labels.txt", data)

    assert reason in page.error[0].value
    assert "class 0" in guesses(answered(drop(page, ("a.jpg", jpeg(1)))))


def test_the_card_says_that_the_head_is_kept(open_page, texts):
    assert "it keeps its head" in texts(open_page("classify"))


def test_a_file_of_ones_own_that_is_no_checkpoint_is_refused(open_page):
    page = open_page("classify")

    page = bring(page, b"not a zip")

    assert "is no file of weights" in page.error[0].value


def test_a_zip_that_is_no_checkpoint_is_said_by_the_predictor(open_page, jpeg):
    page = open_page("classify")
    page = bring(page, b"PK\x03\x04 nothing")

    page = answered_or_failed(drop(page, ("a.jpg", jpeg(1))))

    assert "npz" in page.error[0].value
    assert button(page, "Try again")


def answered_or_failed(page):
    ends_at = time.monotonic() + 120
    while not page.error:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
        page.run()
    return page
