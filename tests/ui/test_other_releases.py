"""The files of the releases beside AugReg in the pages: the facet, the counts, their card, and beside one of AugReg."""

import pytest

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0--imagenet2012-steps_20k-lr_0.03-res_384"
ZEROED = "gs://vit_models/imagenet21k/ViT-B_16.npz"
TUNED = "gs://vit_models/imagenet21k+imagenet2012/ViT-B_16.npz"
SAM = "gs://vit_models/sam/ViT-B_16.npz"
PICKLE = (
    "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/vit_small_p16_224-15ec54c9.pth"
)


def html(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def test_a_release_narrows_the_table_to_what_is_known_of_its_files(open_page, texts):
    page = open_page("explore", release="SAM", tab="find")

    table = page.dataframe[0].value
    assert "5 of 101 pre-trained files** of other releases" in texts(page)
    assert set(table["Release"]) == {"SAM"}
    assert "sam/ViT-B_16" in set(table["Name"])
    assert "Decay" not in table


def test_where_nothing_is_left_all_releases_are_named(open_page, texts):
    page = open_page("explore", search="nothing-is-called-so", tab="find")

    assert "0 of 759 pre-trained files** of AugReg, and **0 of" in texts(page)
    assert "with 0 fine-tunes" not in texts(page)


def test_files_and_fine_tunes_are_counted_apart_as_the_facet_and_the_table_count_them(open_page, texts):
    page = open_page("explore", release="timm", tab="find")

    rows = len(page.dataframe[0].value)
    (facet,) = [pills for pills in page.button_group if pills.label == "Release"]
    assert f"{rows} of" in texts(page)
    assert f"timm ({rows})" in facet.options
    assert "fine-tunes of other releases" in texts(page)


def test_other_releases_are_sorted_by_what_is_known_of_them(open_page):
    page = open_page("explore", release="timm", tab="find")

    accuracies = page.dataframe[0].value["Fine-tuned"].dropna()
    (sort,) = [box for box in page.selectbox if box.label == "Sort by"]
    assert sort.value == "best_adapt_test"
    assert "Upstream accuracy" not in sort.options
    assert accuracies.is_monotonic_decreasing
    assert "deit3_medium_patch16_224.fb_in22k_ft_in1k" in set(page.dataframe[0].value["Name"])


def test_the_findings_of_the_paper_are_not_asked_of_other_releases(open_page):
    page = open_page("explore", release="SAM", tab="paper")

    assert not page.exception


@pytest.mark.parametrize(
    ("file", "checkpoint", "said"),
    [
        (ZEROED, TUNED, ("84.20 %", "86.9 M", "111.1", "results-imagenet.csv", "Used as is")),
        (ZEROED, ZEROED, ("103.2 M", "head of zeros", "vit_base_patch16_224.orig")),
        (SAM, SAM, ("80.24 %", "the middle 90 % of the picture", "2106.01548")),
        (PICKLE, PICKLE, ("77.85 %", "PyTorch pickle", "No licence of this file is known")),
    ],
)
def test_the_card_says_what_is_known_of_a_file(open_page, texts, file, checkpoint, said):
    page = open_page("explore", file=file, checkpoint=checkpoint)

    everything = f"{html(page)}\n{texts(page)}".replace("\\", "")
    assert not page.exception
    for part in said:
        assert part in everything


def test_the_card_of_a_file_without_classes_offers_only_what_it_can_do(open_page, texts):
    page = open_page("explore", file=ZEROED, checkpoint=ZEROED)

    assert page.button(key="card classify").disabled
    page.session_state["card tab"] = "Use it"
    page.run()
    assert page.button(key="card hub copy").label == "Fine-tune this copy"
    assert not any("vit-explorer classify" in code.value for code in page.code)


def test_the_classes_that_a_checkpoint_knows_have_no_recipe(open_page, texts):
    page = open_page("classify", checkpoint=SAM)

    assert "It knows 1,000 classes of ImageNet-1k. Used" in texts(page).replace("\\", "")


def test_one_of_another_release_is_compared_with_one_of_augreg(open_page, texts):
    page = open_page("compare", compare=f"{B16},{TUNED},{SAM}")

    assert not page.exception
    assert "ImageNet-21k + ImageNet" in html(page)
    assert "84.2 %" in html(page)
    assert "80.2 %" in html(page)
    assert "A difference of half a point means nothing" in texts(page)
    assert "not comparable" not in html(page).split("Test accuracy")[1].split("</tr>")[0]


def test_fine_tune_starts_from_one(open_page, texts):
    page = open_page("finetune", checkpoint=TUNED)

    assert not page.exception
    assert "B/16 · ImageNet-21k + ImageNet → ImageNet-1k · 384 px" in texts(page).replace("\\", "")


def test_a_zeroed_head_is_said_before_it_is_asked_to_classify(open_page, texts):
    page = open_page("classify", checkpoint=ZEROED)

    assert "has a head of zeros" in texts(page)
