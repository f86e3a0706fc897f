"""The Compare page without a browser, with a real predictor process and the models that come with the app."""

import time

import pytest

from app import resources
from app.components.comparison import FACTS, lines, point_words
from app.components.line_up import full_name
from vit_core.catalog.lookup import find_row
from vit_core.settings import bundled_data_dir

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
B16_ON_1K = "B_16-i1k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
L16 = "L_16-i21k-300ep-lr_0.001-aug_strong1-wd_0.1-do_0.0-sd_0.0"
S16 = "S_16-i21k-300ep-lr_0.001-aug_light1-wd_0.03-do_0.0-sd_0.0"
TI16 = "Ti_16-i21k-300ep-lr_0.001-aug_none-wd_0.03-do_0.0-sd_0.0"


@pytest.fixture
def compare(open_page):
    """Give a function that opens Compare with these checkpoints."""
    return lambda *names: open_page("compare", **({"compare": ",".join(names)} if names else {}))


@pytest.fixture
def two_demo_models():
    """The names of two models that come with the app."""
    demo = resources.demo_catalogue().frame
    one_set = demo[demo["adapt_ds"] == demo["adapt_ds"].iloc[0]]
    return one_set.drop_duplicates("filename")["adapt_filename"].head(2).tolist()


@pytest.fixture
def row():
    """Give a function that finds a checkpoint's row."""
    return lambda name: find_row(resources.live_catalogue().current.frame, name).to_dict()


def html(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def button(page, start):
    return next(button for button in page.button if button.label.replace("\\", "").startswith(start))


def take_a_sample(page):
    return page.button(key=f"sample {resources.samples()[0].path.name}").click().run()


def compared(page):
    names = page.query_params.get("compare", "")
    return (names if isinstance(names, str) else names[0]).split(",")


def line(rows, label):
    return next(line for line in lines(rows) if line.label == label)


def answered(page):
    """Run the page again, as its polling would, until nobody has anything left to do."""
    ends_at = time.monotonic() + 120
    while page.get("skeleton"):
        assert time.monotonic() < ends_at
        time.sleep(0.1)
        page.run()
    return page


def test_an_empty_page_teaches_and_offers_comparisons(compare, texts):
    page = compare()

    assert not page.exception
    assert "two to four checkpoints side by side" in texts(page)
    assert button(page, "What does size buy?")
    assert button(page, "Does dropout help?")


def test_a_suggestion_starts_a_comparison(compare):
    page = compare()

    button(page, "What does size buy?").click().run()

    assert compared(page) == [S16, B16, L16]
    assert "<table" in html(page)


def test_one_checkpoint_asks_for_a_second(compare, texts):
    page = compare(B16)

    assert "One more is needed" in texts(page)
    assert "<table" not in html(page)


def test_only_what_differs_is_shown_at_first(compare):
    page = compare(B16, L16)

    assert ">Augmentation</th>" in html(page)
    assert ">Weight decay</th>" not in html(page)


def test_all_facts_are_shown_on_demand(compare):
    page = compare(B16, L16)

    next(toggle for toggle in page.toggle if toggle.label == "Show all facts").set_value(True).run()

    assert all(f">{fact.label}</th>" in html(page) for fact in FACTS)


def test_a_checkpoint_is_added_from_the_list(compare):
    page = compare(B16)

    next(box for box in page.selectbox if box.label == "Add a checkpoint").set_value(L16).run()

    assert compared(page) == [B16, L16]


@pytest.mark.parametrize("typed", [L16, f"{L16}.npz", f"gs://vit_models/augreg/{L16}.npz", f"  {L16} "])
def test_a_full_name_is_understood_in_any_spelling(typed):
    assert full_name(typed, [resources.live_catalogue().current.frame]) == L16


def test_what_is_no_name_stays_as_it_was_typed():
    assert full_name("a, b <b>", [resources.live_catalogue().current.frame]) == "a, b <b>"


def test_a_checkpoint_is_taken_out(compare):
    page = compare(B16, L16, S16)

    button(page, "L/16").click().run()

    assert compared(page) == [B16, S16]


def test_a_fifth_checkpoint_cannot_be_added(compare):
    page = compare(B16, L16, S16, TI16)

    assert not [box for box in page.selectbox if box.label == "Add a checkpoint"]


def test_unknown_checkpoints_of_a_link_are_left_out_with_a_note(compare, texts):
    page = compare(B16, "no_such_file")

    assert compared(page) == [B16]
    assert "“no_such_file”" in texts(page).replace("\\", "")


def test_demo_and_published_checkpoints_can_be_compared(compare, two_demo_models):
    page = compare(B16, two_demo_models[0])

    assert not page.exception
    assert "<table" in html(page)


def test_a_checkpoint_that_is_not_here_is_offered_as_a_download(compare):
    page = compare(TI16, B16)

    page = answered(take_a_sample(page))

    downloads = [button.label for button in page.button if button.label.startswith("Download")]
    assert len([label for label in downloads if "MB" in label]) == 2


def test_one_picture_goes_through_each_checkpoint(compare, two_demo_models, texts):
    page = compare(*two_demo_models)

    page = answered(take_a_sample(page))

    assert html(page).count("<ol") == 2
    assert not page.error
    assert any(word in texts(page) for word in ("agree", "disagree"))


def test_a_broken_picture_is_said_to_be_broken(compare, two_demo_models, texts):
    page = compare(*two_demo_models)
    uploader = next(uploader for uploader in page.file_uploader if uploader.label.startswith("Drop"))

    page = answered(uploader.set_value([("bad.jpg", b"<html>", "image/jpeg")]).run())

    assert "bad" in texts(page)
    assert html(page).count("<ol") == 0


def test_a_checkpoint_file_that_fails_does_not_stop_the_other(compare, two_demo_models, tmp_path, monkeypatch):
    broken = f"{TI16}--kitti-steps_0k-lr_0.01-res_224"
    (tmp_path / "bucket" / f"{broken}.npz").write_bytes(b"PK\x03\x04 no checkpoint")
    page = compare(broken, two_demo_models[0])

    take_a_sample(page)
    if offers := [button for button in page.button if button.label.startswith("Download") and "MB" in button.label]:
        offers[0].click().run()
        ends_at = time.monotonic() + 30
        while resources.downloads().state(broken).status == "running":
            assert time.monotonic() < ends_at
            time.sleep(0.05)
        page.run()
    page = answered(page)

    assert html(page).count("<ol") == 1
    assert len(page.error) == 1


def test_differences_are_held_against_the_first(row):
    speed = line([row(S16), row(B16)], "Speed")

    assert speed.cells == ("1,508 img/s", "659 img/s")
    assert speed.beside == ("", "2.3 × slower")
    assert speed.differs == (False, True)


def test_exact_accuracies_differ_by_tenths_and_rounded_ones_by_points(row):
    assert line([row(S16), row(B16)], "Upstream accuracy").beside == ("", "+3.4 points")
    assert line([row(S16), row(L16)], "Upstream accuracy").beside == ("", "≈ +4 points")


def test_accuracies_on_other_data_are_not_compared(row):
    upstream = line([row(B16), row(B16_ON_1K)], "Upstream accuracy")

    assert upstream.beside == ("not comparable: other data", "")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_checkpoint_without_a_number_leaves_the_others_comparable(row, place):
    rows = [row(S16), row(B16)]
    rows.insert(place, {**row(B16_ON_1K), "final_val": float("nan")})

    beside = line(rows, "Upstream accuracy").beside

    assert not any("not comparable" in words for words in beside)
    assert (place == 0) == ("+3.4 points" not in beside)


def test_a_number_that_is_all_but_the_same_is_not_held_against_the_first(row):
    rows = [{**row(S16), "params": 86_567_656.0}, {**row(S16), "params": 86_415_592.0}]

    assert line(rows, "Parameters").beside == ("", "")


def test_a_fall_is_written_with_a_real_minus():
    assert point_words(-0.012, rounded=False) == "−1.2 points"


def test_markup_in_names_cannot_leave_its_cell(run_function):
    def page():
        from app.components.comparison import comparison_table

        row = {"name": "<img src=x onerror=alert(1)>", "ds": "<script>"}
        comparison_table([row, {"name": "b"}], ["<b>title</b>", "other"], only_differences=True)

    shown = run_function(page)

    assert not shown.exception
    assert "<img" not in html(shown)
    assert "<b>" not in html(shown)


def test_the_demo_is_there(two_demo_models):
    assert len(two_demo_models) == 2
    assert (bundled_data_dir() / "demo" / f"{two_demo_models[0]}.npz").is_file()
