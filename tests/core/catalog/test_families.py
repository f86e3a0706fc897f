"""The files of the releases beside AugReg: their table, their words, and their place in the catalogue."""

import ast
import json
import re

import pandas as pd
import pytest

from vit_core.catalog.collection import OTHER_SETS, TRANSFER_SETS
from vit_core.catalog.describe import describe
from vit_core.catalog.families import PAPERS, RELEASES, families, family_of
from vit_core.catalog.index import read_index, with_others
from vit_core.catalog.lookup import counterfactual, find_row
from vit_core.catalog.query import Filters, apply_filters, facet_counts, fine_tunes, pretrained_files
from vit_core.catalog.recommend import recommend
from vit_core.catalog.releases import is_other, with_other_releases
from vit_core.catalog.schema import COLUMNS, to_csv_bytes
from vit_core.catalog.snippets import snippets
from vit_core.catalog.timm_tags import TIMM_TAGS
from vit_core.checkpoints.beside import read_beside
from vit_core.checkpoints.family_shape import family_shape
from vit_core.checkpoints.needs import needs_of_row
from vit_core.checkpoints.pixels import IMAGENET, OURS
from vit_core.inference.head import policy_of
from vit_core.models.cost import gflops

ZEROED = "gs://vit_models/imagenet21k/ViT-B_16.npz"
TUNED = "gs://vit_models/imagenet21k+imagenet2012/ViT-B_16.npz"
SAM = "gs://vit_models/sam/ViT-B_16.npz"
ADDRESS = re.compile(
    r"gs://(vit_models|mixer_models|big_vision)/[\w+/.-]+\.npz|hf:timm/[\w.]+"
    r"|https://github\.com/rwightman/pytorch-image-models/releases/download/[\w./-]+\.pth"
)
# As published with timm's first release of Vision Transformers: top-1 and top-5 in per cent.
ORIGINAL_TIMM = {
    "vit_large_patch16_384": (85.17, 97.36),
    "vit_base_resnet50_384": (84.99, 97.30),
    "vit_base_patch16_384": (84.20, 97.22),
    "vit_large_patch16_224": (83.06, 96.44),
    "vit_base_patch16_224": (81.78, 96.13),
    "vit_base_patch32_384": (81.66, 96.13),
    "vit_small_patch16_224": (77.85, 93.42),
}


@pytest.fixture(scope="module")
def whole(frame) -> pd.DataFrame:
    return with_other_releases(frame)


@pytest.fixture(params=sorted(families()))
def family(request):
    return families()[request.param]


class TestTable:
    def test_a_file_is_named_by_its_address_and_its_codes_are_known(self, family):
        assert ADDRESS.fullmatch(family.name)
        assert family.release in RELEASES
        assert family.ds in OTHER_SETS
        assert family.adapt_ds in ("", *TRANSFER_SETS)
        assert family.paper in PAPERS
        assert family.pretrained in families()

    def test_parameters_and_cost_are_those_of_the_architecture(self, family):
        shape = family_shape(family)
        assert shape.num_params == family.params
        assert gflops(shape) == pytest.approx(family.gflops, abs=0.006)

    def test_a_printed_size_is_that_of_the_weights(self, family):
        # The listing rounds to a MiB or a hundredth of a GiB. One file is three times as large, and its note says so.
        times = 3 if "three times" in family.note else 1
        exact = family.size_source == "computed"
        assert family.size_bytes == pytest.approx(times * 4 * family.params, rel=0 if exact else 5e-3)

    def test_every_accuracy_has_a_source_and_every_copy_a_difference(self, family):
        assert (family.top1 is None) == (not family.accuracy_source)
        assert family.top5 is None or family.top1 is not None
        assert bool(family.hub) == bool(family.hub_difference)
        assert family.size_source

    def test_a_head_without_classes_has_no_accuracy(self, family):
        if family.head != "kept":
            assert family.top1 is None
            assert family.note
        assert (family.classes == 0) == (family.head == "missing")

    @pytest.mark.parametrize("label", ORIGINAL_TIMM)
    def test_the_models_of_timms_first_release_have_the_accuracies_of_then(self, label):
        (found,) = [each for each in families().values() if each.release == "timm" and each.label == label]
        top1, top5 = ORIGINAL_TIMM[label]
        assert found.top1 == pytest.approx(top1 / 100)
        assert found.top5 == pytest.approx(top5 / 100)

    def test_flexivit_says_that_its_buffers_are_no_setting_it_was_trained_with(self):
        (flexible,) = {
            each.note.rpartition(". ")[0]
            for each in families().values()
            if "big_vision/flexivit/flexivit_" in each.name
        }
        assert "buffers of 32 px patches and 7 × 7 positions" in flexible
        assert "trained at 240 px" in flexible

    @pytest.mark.parametrize("size", ["B", "L"])
    def test_timms_mixer_of_imagenet_is_the_copy_of_the_file_trained_on_it_alone(self, size):
        copy = families()[f"hf:timm/mixer_{size.lower()}16_224.goog_in21k_ft_in1k"]
        assert families()[f"gs://mixer_models/imagenet1k/Mixer-{size}_16.npz"].hub == copy.name
        assert (copy.ds, copy.adapt_ds) == ("imagenet2012", "")
        assert "pytorch-image-models#651" in copy.note

    def test_a_copy_says_which_gelu_it_is_computed_with(self, family):
        if family.hub:
            exact = "exact form of GELU" in family.hub_difference
            assert exact == (family.hub.startswith("hf:google/") or "deit3" in family.hub)
            assert exact or "tanh form of GELU" in family.hub_difference

    def test_a_copy_that_timm_has_is_a_file_of_the_table_itself(self, family):
        if family.hub.startswith("hf:timm/"):
            copy = families()[family.hub]
            assert (copy.release, copy.ds, copy.adapt_ds) == ("timm", family.ds, family.adapt_ds)

    def test_every_release_is_there(self):
        assert {each.release for each in families().values()} == set(RELEASES)


class TestCatalogue:
    def test_the_rows_of_augreg_stay_as_they_were(self, frame, whole):
        kept = whole[~is_other(whole)]
        assert len(kept) == 51_509
        for column in ("name", "ds", "adapt_filename", "final_val", "adapt_resolution", "size_bytes"):
            assert kept[column].astype("object").equals(frame[column].astype("object")), column

    def test_every_column_has_its_type(self, whole):
        for column in COLUMNS:
            found = str(whole[column.name].dtype)
            assert found in ({"string": "str"}.get(column.dtype, column.dtype), "float64"), column.name

    def test_no_upstream_accuracy_is_claimed(self, whole):
        assert whole.loc[is_other(whole), "final_val"].isna().all()

    def test_a_release_is_a_facet(self, whole):
        left = apply_filters(whole, Filters(releases=("SAM",)))
        assert set(left["release"]) == {"SAM"}
        counts = facet_counts(whole, Filters(names=("B/16",)))["releases"]
        assert (counts["AugReg"], counts["SAM"]) == (84, 1)

    def test_a_file_trained_on_imagenet_alone_is_found_among_those_that_name_its_classes(self, whole):
        chosen = Filters(adapt_ds=("imagenet2012",), releases=("SAM", "ImageNet-21k"))
        assert set(apply_filters(whole, chosen)["release"]) == {"SAM"}
        left = apply_filters(whole, Filters(adapt_ds=("imagenet2012",)))
        counted = facet_counts(whole, Filters())["adapt_ds"]["imagenet2012"]
        assert counted == left["filename"].nunique()
        assert SAM not in set(apply_filters(whole, Filters(adapt_ds=("kitti",)))["adapt_filename"])

    def test_a_fine_tuned_file_stands_under_the_file_it_was_made_from(self, whole):
        assert TUNED in set(fine_tunes(whole, ZEROED)["adapt_filename"])
        files = pretrained_files(whole).set_index("filename")
        assert files.loc[ZEROED, "n_fine_tunes"] == 2
        assert files.loc[ZEROED, "best_adapt_test"] == pytest.approx(0.842)
        assert files.loc[SAM, "n_fine_tunes"] == 0
        assert files.loc[SAM, "best_adapt_test"] == pytest.approx(0.8024)

    def test_what_is_of_augreg_alone_leaves_them_out(self, frame, whole):
        assert recommend(whole)["filename"].tolist() == recommend(frame)["filename"].tolist()
        assert counterfactual(whole, SAM).empty
        assert not is_other(pretrained_files(whole).head(759)).any()

    @pytest.mark.parametrize("words", ["mixer", "deit3 large", "SAM B/16", "flexivit 1200ep"])
    def test_a_search_finds_them(self, whole, words):
        assert is_other(apply_filters(whole, Filters(search=words))).any()

    @pytest.mark.parametrize(
        "text",
        [
            TUNED,
            "https://storage.googleapis.com/vit_models/imagenet21k%2Bimagenet2012/ViT-B_16.npz",
            "imagenet21k+imagenet2012/ViT-B_16",
        ],
    )
    def test_a_file_is_found_by_its_address_or_the_end_of_it(self, whole, text):
        assert find_row(whole, text)["adapt_filename"] == TUNED

    def test_an_ending_of_several_lists_them(self, whole):
        with pytest.raises(Exception, match=re.escape("gs://vit_models/sam/ViT-B_16.npz")):
            find_row(whole, "ViT-B_16.npz")

    @pytest.mark.parametrize("label", ORIGINAL_TIMM)
    def test_a_model_of_timms_first_release_is_found_by_its_name(self, whole, label):
        (found,) = [each for each in families().values() if each.release == "timm" and each.label == label]
        assert find_row(whole, label)["adapt_filename"] == found.name
        assert found.name in set(apply_filters(whole, Filters(search=label))["adapt_filename"])

    @pytest.mark.parametrize("before", ["", "timm/", "hf:timm/", "https://huggingface.co/timm/"])
    @pytest.mark.parametrize("tag", ["vit_base_patch16_224.augreg_in21k_ft_in1k", "vit_base_patch16_224.augreg_in21k"])
    def test_a_file_of_augreg_is_found_by_the_name_that_timm_has_for_it(self, whole, before, tag):
        (name,) = [name for name, other in TIMM_TAGS.items() if other == tag]
        row = find_row(whole, before + tag)
        assert name in (row["filename"], row.get("adapt_filename"))
        found = apply_filters(whole, Filters(search=before + tag))
        assert name in {*found["filename"], *found["adapt_filename"]}
        assert set(found["filename"]) == {name.partition("--")[0]}

    @pytest.mark.parametrize("copy", ["hf:google/vit-large-patch16-384", "vit-large-patch16-384"])
    def test_a_file_is_found_by_its_copy_on_the_hub(self, whole, copy):
        original = "gs://vit_models/imagenet21k+imagenet2012/ViT-L_16.npz"
        assert find_row(whole, copy)["adapt_filename"] == original
        assert original in set(apply_filters(whole, Filters(search=copy))["adapt_filename"])

    def test_timm_stands_for_the_release_and_not_for_every_file_that_it_has_too(self, whole):
        assert "AugReg" not in set(apply_filters(whole, Filters(search="timm"))["release"])

    def test_a_table_of_ones_own_stays_as_it_is(self, small_csv):
        own = read_index(small_csv, location="mine.csv")
        assert with_others(own) is own

    def test_the_table_taken_home_is_read_again(self, whole):
        some = whole[whole["release"].isin(["SAM", "GSAM", "ImageNet-21k + ImageNet"])]
        again = read_index(to_csv_bytes(some), location="export.csv").frame
        assert again["release"].tolist() == some["release"].tolist()
        assert again["adapt_final_test"].tolist() == pytest.approx(some["adapt_final_test"].tolist(), nan_ok=True)


class TestWords:
    def test_every_file_is_described(self, whole, family):
        row = find_row(whole, family.name).to_dict()
        description = describe(row)
        assert family.release in description.title
        assert family.architecture in description.lineage
        assert "nan" not in f"{description} {policy_of(row)}".lower().split()
        assert description.citation == PAPERS[family.paper]
        assert needs_of_row(row).params == family.params
        assert snippets(row)

    def test_titles_tell_files_apart(self, whole):
        titles = [describe(find_row(whole, name).to_dict()).title for name in families()]
        assert len(set(titles)) == len(titles)

    def test_accuracies_name_their_source_and_their_crop(self, whole):
        (top1, top5) = describe(find_row(whole, TUNED).to_dict()).metrics
        assert top1[:2] == ("Top-1 accuracy, ImageNet-1k", "84.20 %")
        assert "results-imagenet.csv" in top1[2]
        assert "the whole picture" in top1[2]
        assert top5[1] == "97.22 %"

    def test_a_zeroed_head_is_said(self, whole):
        row = find_row(whole, ZEROED).to_dict()
        assert "head of zeros" in dict(policy_of(row))["To classify"]
        assert any("set to zero" in caveat for caveat in describe(row).caveats)

    def test_a_file_without_a_head_gets_a_new_one(self, whole):
        row = find_row(whole, "hf:timm/vit_base_patch16_224.orig_in21k").to_dict()
        assert "it has no head" in dict(policy_of(row))["To fine-tune"]

    def test_a_pickle_comes_with_the_way_to_safetensors(self, whole):
        (way,) = snippets(find_row(whole, "vit_small_p16_224-15ec54c9.pth").to_dict())
        assert "weights_only=True" in way.code
        compile(way.code, "snippet", "exec")

    def test_no_way_to_use_a_file_without_classes_classifies(self, whole, family):
        code = "\n".join(way.code for way in snippets(find_row(whole, family.name).to_dict()))
        assert ("classify" in code) == (family.head == "kept")

    def test_pixels_that_were_scaled_otherwise_go_in_as_all_others(self, whole):
        row = find_row(whole, "hf:timm/deit3_small_patch16_224.fb_in1k").to_dict()
        told = dict(describe(row).facts)["Input"]
        assert "trained on pixels scaled by ImageNet's means" in told
        assert "here pictures go in as RGB in [-1, 1]" in told

    def test_a_pickle_does_nothing_until_it_is_converted(self, whole):
        for _, sentence in policy_of(find_row(whole, "vit_small_p16_224-15ec54c9.pth").to_dict()):
            assert sentence.startswith("Not until it is converted")

    @pytest.mark.parametrize(
        ("file", "scaling", "activation"),
        [
            ("vit_small_p16_224-15ec54c9.pth", IMAGENET, None),
            ("jx_vit_large_p16_384-b3be5167.pth", OURS, "gelu_tanh"),
        ],
    )
    def test_a_converted_pickle_is_told_its_scaling_and_who_trained_it(
        self, whole, tmp_path, file, scaling, activation
    ):
        (way,) = snippets(find_row(whole, file).to_dict())
        written = dict(re.findall(r"^(told|config) = (.+)$", way.code, flags=re.MULTILINE))
        config = ast.literal_eval(written["config"].replace("told", written["told"]))
        (tmp_path / "config.json").write_text(json.dumps(config))
        told = read_beside(tmp_path / "model.safetensors", origin="timm")
        assert (told.scaling, told.activation) == (scaling, activation)

    def test_a_plus_in_an_address_is_written_for_the_web(self, whole):
        ways = {way.key: way.code for way in snippets(find_row(whole, TUNED).to_dict())}
        assert "vit_models/imagenet21k%2Bimagenet2012/ViT-B_16.npz" in ways["download"]
        assert family_of(TUNED).name in ways["python"]
