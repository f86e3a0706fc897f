"""Which checkpoint answers: found by name in the tables, never a path of the server."""

import pandas as pd
import pytest

from app import resources
from app.components.checkpoint_in_hand import best_demo, check_object_name, choose, here_already, named
from app.components.reading_options import preprocessing_words
from vit_core.catalog.index import load_catalogue, load_demo
from vit_core.errors import BadInput
from vit_core.preprocess import METHODS
from vit_core.settings import Settings

PRETRAINED = "B_32-i21k-300ep-lr_0.001-aug_light1-wd_0.1-do_0.0-sd_0.0"
FINE_TUNED = f"{PRETRAINED}--imagenet2012-steps_20k-lr_0.01-res_384"


@pytest.fixture(scope="module")
def augreg(tmp_path_factory):
    return load_catalogue(Settings(cache_dir=tmp_path_factory.mktemp("cache")), network=False).frame


@pytest.fixture(scope="module")
def demo():
    return load_demo().frame


def test_a_fine_tune_knows_the_classes_it_was_tuned_for(augreg, demo):
    hand, refusal = choose(FINE_TUNED, [augreg, demo], demo)

    assert refusal is None
    assert hand.name == FINE_TUNED
    assert hand.knows == "photographs of 1,000 kinds of things"
    assert hand.dataset == "imagenet2012"
    assert hand.size_bytes == pytest.approx(353e6, rel=0.01)


def test_a_pretrained_file_knows_the_classes_of_its_pretraining(augreg, demo):
    hand, _ = choose(PRETRAINED, [augreg, demo], demo)

    assert hand.name == PRETRAINED
    assert hand.knows == "21,843 classes of ImageNet-21k"


def test_a_name_with_suffix_and_folder_is_understood(augreg, demo):
    assert choose(f"gs://vit_models/augreg/{FINE_TUNED}.npz", [augreg, demo], demo)[0].name == FINE_TUNED


def test_no_wish_takes_the_best_demo_model_without_a_word(augreg, demo):
    assert choose("", [augreg, demo], demo) == (best_demo(demo), None)


def test_a_misspelt_name_is_refused_with_the_close_ones(augreg, demo):
    hand, refusal = choose(PRETRAINED.replace("light1", "light7"), [augreg, demo], demo)

    assert hand == best_demo(demo)
    assert "light7" in refusal


def test_a_demo_model_lists_its_classes(demo):
    hand = named(list(demo["adapt_filename"].astype("str")), [demo])[0]

    assert hand.knows.startswith(f"only {hand.dataset}: ")


def test_of_equally_good_demo_models_the_first_name_wins():
    row = {"name": "N/8", "ds": "a", "adapt_ds": "b", "adapt_resolution": 32, "size_bytes": 1.0}
    table = pd.DataFrame(
        [
            {**row, "adapt_filename": name, "filename": "f", "adapt_final_test": rate}
            for name, rate in (("z", 0.9), ("c", 0.95), ("b", 0.95))
        ]
    )

    assert best_demo(table).name == "b"


def test_the_open_table_comes_before_the_others(augreg, demo):
    twin = augreg[augreg["adapt_filename"] == FINE_TUNED].assign(size_bytes=7.0)

    assert named([FINE_TUNED], [twin, augreg, demo])[0].size_bytes == 7.0


def test_demo_models_are_here_already(demo):
    here = {hand.name for hand in here_already([demo], demo)}

    assert set(demo["adapt_filename"].astype("str")) <= here
    assert set(demo["filename"].astype("str")) <= here


def test_a_downloaded_checkpoint_is_here_already(augreg, demo, bucket_server, monkeypatch, tiny_checkpoint):
    monkeypatch.setenv("VIT_BUCKET", bucket_server.gs_url)
    bucket_server.put(f"{FINE_TUNED}.npz", tiny_checkpoint.read_bytes())
    resources.settings.clear()
    resources.store.clear()
    resources.store().fetch(FINE_TUNED)

    assert FINE_TUNED in {hand.name for hand in here_already([augreg, demo], demo)}


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/b", "x.npz", "", "a\x00b"])
def test_what_the_store_would_take_for_a_path_is_no_objects_name(name):
    with pytest.raises(BadInput):
        check_object_name(name)


def test_a_hostile_name_in_an_uploaded_table_opens_nothing(augreg, demo):
    table = augreg.head(1).assign(adapt_filename=pd.Categorical(["../../etc/passwd"]))

    hand, refusal = choose("../../etc/passwd", [table], demo)

    assert hand == best_demo(demo)
    assert refusal


@pytest.mark.parametrize("method", METHODS)
def test_each_way_to_read_a_picture_has_a_short_name(method):
    assert preprocessing_words(method) != method
