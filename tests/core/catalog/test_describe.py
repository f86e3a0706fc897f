import pytest

from vit_core.catalog.describe import describe, is_fine_tuned, percent, title_of
from vit_core.catalog.lookup import find_row

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
LIGHT = "R26_S_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"
TUNE = f"{B16}--imagenet2012-steps_20k-lr_0.01-res_384"


@pytest.fixture
def told(frame):
    return lambda name: describe(find_row(frame, name))


def value(description, label: str) -> tuple[str, str | None]:
    return next((text, about) for key, text, about in description.metrics if key == label)


def test_a_pretrained_files_title_is_short(told):
    assert told(B16).title == "B/16 · ImageNet-21k · medium1 · wd 0.1 · no dropout"


def test_a_fine_tuned_files_title_adds_the_target(told):
    assert told(TUNE).title == "B/16 · ImageNet-21k · medium1 · wd 0.1 · no dropout → ImageNet-1k · 384 px"


def test_the_lineage_is_a_sentence_without_codes(told):
    assert told(TUNE).lineage == (
        "B/16, a Vision Transformer (Base, 16 px patches), pre-trained on ImageNet-21k: 14 million images of 21,843 "
        "classes, seen 300 times; then fine-tuned on ImageNet-1k (photographs of 1,000 kinds of things) for 20,000 "
        "steps at 384 px."
    )


def test_the_recipe_explains_augmentation_weight_decay_and_dropout(told):
    recipe = told(TUNE).recipe
    for part in ("RandAugment with 2 operations at magnitude 15", "Mixup 0.2", "weight decay 0.1", "no dropout"):
        assert part in recipe
    assert "learning rate 0.01" in recipe


def test_dropout_and_stochastic_depth_are_explained(told):
    recipe = told("R50_L_32-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.1-sd_0.1").recipe
    assert "left out 10 % of the activations (dropout) and up to 10 % of the layers (stochastic depth)" in recipe


def test_the_shifted_name_of_the_light_levels_is_a_caveat(told):
    assert (
        "light1 in file names is what the paper calls light2; light0 is not 'no augmentation'." in told(LIGHT).caveats
    )


def test_other_levels_have_no_such_caveat(told):
    assert not any("the paper calls" in caveat for caveat in told(B16).caveats)


def test_accuracies_are_per_cent_with_one_decimal(told):
    assert value(told(TUNE), "Test accuracy, ImageNet-1k") == ("86.1 %", "on 50,000 images")
    assert value(told(TUNE), "Upstream accuracy")[0] == "50.6 %"


def test_a_rounded_accuracy_claims_no_decimal(told):
    text, about = value(told(LIGHT), "Upstream accuracy")
    assert text == "48 %"
    assert "read from figure 4 of the paper, a whole per cent" in about


def test_the_upstream_accuracy_says_what_it_compares_with(told):
    assert "compare only with files pre-trained on ImageNet-21k" in value(told(B16), "Upstream accuracy")[1]


def test_the_inflated_validation_accuracy_is_a_caveat(told):
    description = told(TUNE)
    assert value(description, "Validation accuracy, ImageNet-1k")[1] == "too high: the images were in the pre-training"
    assert any("validation accuracy is too high" in caveat for caveat in description.caveats)


def test_other_sets_are_not_called_inflated(told):
    assert not any(
        "too high" in caveat for caveat in told(f"{LIGHT}--oxford_iiit_pet-steps_0k-lr_0.003-res_384").caveats
    )


def test_corrected_parameters_are_a_caveat(told):
    description = told("R50_L_32-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.1-sd_0.1")
    assert "The index gives 110,950,000 parameters; the model has 328,990,000." in description.caveats


def test_b8_says_what_it_lacks(told):
    description = told("B_8-i21k-300ep-lr_0.001-aug_medium2-wd_0.1-do_0.0-sd_0.0")
    assert "B/8 was fine-tuned at 224 px only, and its speed was not published." in description.caveats
    assert not any(label == "Speed" for label, _ in description.facts)


def test_unknown_accuracies_are_said_to_be_unpublished(told):
    assert value(told(f"{B16}--kitti-steps_0k-lr_0.01-res_384"), "Test accuracy, KITTI distance")[0] == "not published"


def test_the_facts_state_the_input_scaling_and_the_head(told):
    facts = dict(told(B16).facts)
    assert facts["Input"] == "224 × 224 px, RGB, scaled to [-1, 1]: (x - 127.5) / 127.5"
    assert facts["Head"] == "21,843 classes of ImageNet-21k, trained"
    assert facts["In timm"] == "vit_base_patch16_224.augreg_in21k"


def test_licence_and_citation_are_the_collections(told):
    assert told(B16).licence == "Apache-2.0"
    assert "arXiv:2106.10270" in told(B16).citation


def test_every_row_of_the_table_can_be_described(frame):
    for row in frame.iloc[::211].to_dict("records"):
        description = describe(row)
        texts = [description.title, description.lineage, description.recipe, *description.caveats]
        texts += [text for metric in description.metrics for text in metric if text]
        texts += [text for fact in description.facts for text in fact]
        assert all(texts)
        assert not any("nan" in text.split() or "None" in text for text in texts)


def test_a_row_of_another_catalogue_is_described_with_what_it_has():
    row = {"name": "Nano/4", "ds": "digits", "source": "demo", "adapt_ds": "shapes", "adapt_final_test": 0.9}
    description = describe(row)
    assert description.lineage == "Nano/4, pre-trained on digits; then fine-tuned on shapes."
    assert description.recipe == "The recipe of the pre-training is not known."
    assert description.licence == ""
    assert value(description, "Test accuracy, shapes") == ("90.0 %", None)


def test_an_empty_row_is_described_too():
    assert describe({}).lineage == "A model."


def test_text_from_a_table_stays_text():
    assert "<script>" in title_of({"name": "<script>", "ds": "i21k"})


@pytest.mark.parametrize(
    ("row", "answer"), [({"adapt_ds": "kitti"}, True), ({"adapt_ds": float("nan")}, False), ({"filename": "x"}, False)]
)
def test_fine_tuned_rows_are_told_by_their_target(row, answer):
    assert is_fine_tuned(row) is answer


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.506055, "50.6 %"), (1.0, "100.0 %"), (None, "not published"), (float("nan"), "not published")],
)
def test_fractions_are_written_as_per_cent(fraction, text):
    assert percent(fraction) == text


def test_a_small_file_of_another_collection_claims_nothing_of_augreg():
    row = {
        "name": "N/8",
        "ds": "glyphs",
        "aug": "none",
        "wd": 0.1,
        "do": 0.0,
        "sd": 0.0,
        "source": "demo",
        "adapt_ds": "digits",
        "adapt_filename": "N_8-glyphs--digits",
        "filename": "N_8-glyphs",
        "adapt_lr": 0.1,
        "params": 96_588.0,
        "size_bytes": 403_822.0,
        "infer_samples_per_sec": 14_263.0,
    }
    description = describe(row)
    facts = dict(description.facts)
    assert facts["Parameters"] == "96,588"
    assert facts["File size"] == "0.4 MB"
    assert "Speed" not in facts
    assert "flip" not in description.recipe
    assert "augmentation level none" in description.recipe
