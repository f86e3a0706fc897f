import numpy as np
import pytest

from vit_core.catalog.lookup import counterfactual, find_row
from vit_core.errors import UnknownName

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
TUNE = f"{B16}--cifar100-steps_10k-lr_0.003-res_384"


class TestFindRow:
    def test_a_fine_tuned_file_is_found_by_its_name(self, frame):
        assert find_row(frame, TUNE)["adapt_ds"] == "cifar100"

    def test_a_pretrained_file_is_found_by_its_name(self, frame):
        row = find_row(frame, B16)
        assert (row["filename"], row["n_fine_tunes"]) == (B16, 68)

    @pytest.mark.parametrize(
        "text",
        [
            f" {TUNE} ",
            f"{TUNE}.npz",
            f"gs://vit_models/augreg/{TUNE}.npz",
            f"https://storage.googleapis.com/vit_models/augreg/{TUNE}.npz",
        ],
    )
    def test_a_pasted_address_is_understood(self, frame, text):
        assert find_row(frame, text)["adapt_filename"] == TUNE

    def test_either_spelling_of_the_short_pretraining_is_understood(self, frame):
        row = find_row(frame, "S_16-i21k-30ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0")
        assert row["filename"] == "S_16-i21k_30-30ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0"

    def test_a_misspelt_file_lists_close_ones(self, frame):
        with pytest.raises(UnknownName, match=f"Did you mean '{B16}'"):
            find_row(frame, B16.replace("medium1", "mediun1"))

    def test_a_name_with_the_models_own_spelling_is_repeated_and_lists_the_file(self, frame):
        name = B16.replace("B_16", "B/16")
        with pytest.raises(UnknownName, match=f"no checkpoint '{name}' .* Did you mean '{B16}'"):
            find_row(frame, name)

    def test_a_misspelt_fine_tune_lists_close_ones(self, frame):
        with pytest.raises(UnknownName, match=f"Did you mean '{TUNE}'"):
            find_row(frame, TUNE.replace("cifar100", "cifar10"))

    def test_a_name_that_lost_its_hyphens_lists_the_file_too(self, frame):
        with pytest.raises(UnknownName, match=f"Did you mean '{B16}'"):
            find_row(frame, B16.replace("-", "").replace("_", ""))

    @pytest.mark.parametrize("text", ["", "x" * 1_000_000, "../../etc/passwd", "\0", "(a+)+$"])
    def test_what_is_no_name_is_refused_in_one_line(self, frame, text):
        with pytest.raises(UnknownName) as caught:
            find_row(frame, text)
        assert len(str(caught.value)) < 600
        assert "\n" not in str(caught.value)


class TestCounterfactual:
    def test_every_row_differs_in_one_choice(self, frame):
        table = counterfactual(frame, B16)
        counts = table["factor"].value_counts().to_dict()
        assert counts == {
            "model": 9,
            "pre-training set": 2,
            "augmentation": 6,
            "weight decay": 1,
            "regularisation": 1,
        }
        assert B16 not in set(table["filename"])

    def test_exact_values_give_an_exact_difference(self, frame):
        table = counterfactual(frame, B16).set_index("filename")
        row = table.loc[B16.replace("medium1", "light1")]
        assert row["difference"] == pytest.approx(0.503955 - 0.506055)
        assert row["exact"]

    def test_a_rounded_value_gives_a_difference_in_whole_per_cents(self, frame):
        table = counterfactual(frame, B16).set_index("filename")
        row = table.loc[B16.replace("medium1", "none")]
        assert row["difference"] == pytest.approx(0.43 - 0.51)
        assert not row["exact"]
        assert table.loc[B16.replace("wd_0.1", "wd_0.03"), "difference"] == 0

    def test_other_pretraining_sets_have_no_difference(self, frame):
        table = counterfactual(frame, B16)
        assert table.loc[table["factor"] == "pre-training set", "difference"].isna().all()

    def test_choices_are_put_in_words(self, frame):
        table = counterfactual(frame, B16).set_index("filename")
        assert table.loc[B16.replace("B_16", "L_16"), "value"] == "L/16 (Large, 16 px patches)"
        assert table.loc[B16.replace("wd_0.1", "wd_0.03"), "value"] == "0.03"

    def test_a_file_of_unknown_value_has_unknown_differences(self, frame):
        table = counterfactual(frame, "B_8-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0")
        assert np.isnan(table["difference"]).all()

    def test_an_unknown_file_is_refused(self, frame):
        with pytest.raises(UnknownName):
            counterfactual(frame, "B_17")
