"""The library's front door: a name or a file in, logits, features, classes and attention out."""

import dataclasses
import functools
import http.server
import subprocess
import sys
import threading

import jax
import numpy as np
import pytest

import vit_core
from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.errors import BadCheckpoint, BadImage, BadInput, BadSetting, ObjectMissing
from vit_core.inference.predictor import Prediction, load_predictor
from vit_core.preprocess import normalise, read_image, to_model_input
from vit_core.store.store import Store


@pytest.fixture
def predictor(tiny_checkpoint, cpu_settings):
    return load_predictor(tiny_checkpoint, settings=cpu_settings)


@pytest.fixture
def pictures(picture, tmp_path):
    paths = [tmp_path / f"{seed}.png" for seed in range(3)]
    for seed, path in enumerate(paths):
        path.write_bytes(picture(seed))
    return paths


def inputs(predictor, items):
    return np.stack([normalise(to_model_input(read_image(item), predictor.resolution)) for item in items])


@pytest.mark.parametrize("model", ["ViT-Ti_16", "R+ViT-Ti_16"])
def test_logits_and_features_are_those_of_the_original(
    model, reference_weights, reference_images, golden, cpu_settings
):
    predictor = load_predictor(reference_weights(model), settings=cpu_settings)
    expected = golden(f"logits_{model}")
    images = reference_images(224)
    np.testing.assert_allclose(predictor.logits(images), expected["logits_224"], atol=3e-5)
    np.testing.assert_allclose(predictor.features(images), expected["features_224"], atol=3e-5)


def test_another_resolution_gives_the_logits_of_the_original(reference_weights, reference_images, golden, cpu_settings):
    predictor = load_predictor(reference_weights("ViT-Ti_16"), 384, settings=cpu_settings)
    assert predictor.resolution == 384
    expected = golden("logits_ViT-Ti_16")["logits_384"]
    np.testing.assert_allclose(predictor.logits(reference_images(384)), expected, atol=3e-5)


def test_it_says_what_it_is(predictor):
    assert predictor.name.endswith("tiny-0.npz")
    assert (predictor.resolution, predictor.device, predictor.config.num_classes) == (16, "CPU", 10)
    assert predictor.labels.names[9] == "class 9"
    assert predictor.notes == ()
    assert predictor.seconds["load"] > 0
    assert predictor.size_bytes == 4 * predictor.config.num_params


def test_classes_are_the_softmax_of_the_logits_best_first(predictor, pictures):
    answers = predictor.classify(pictures, top_k=10)
    logits = predictor.logits(inputs(predictor, pictures)).astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert [len(answer) for answer in answers] == [10, 10, 10]
    for answer, row in zip(answers, expected, strict=True):
        assert [prediction.index for prediction in answer] == np.argsort(-row).tolist()
        # The bytes are scaled on the device here and on the host there.
        np.testing.assert_allclose([prediction.probability for prediction in answer], np.sort(row)[::-1], atol=1e-5)
        assert answer[0].label == f"class {answer[0].index}"


def test_bytes_and_paths_are_the_same_to_it(predictor, pictures):
    assert predictor.classify([pictures[0].read_bytes()]) == predictor.classify([str(pictures[0])])


def test_five_classes_are_given_unless_told_otherwise(predictor, pictures):
    assert len(predictor.classify(pictures[:1])[0]) == 5
    assert len(predictor.classify(pictures[:1], 2)[0]) == 2
    assert len(predictor.classify(pictures[:1], 99)[0]) == 10


def test_an_image_has_the_same_classes_in_any_company(predictor, picture):
    images = [picture(seed) for seed in range(41)]
    together = predictor.classify(images, 1)
    for index in (0, 7, 31, 32, 40):
        [alone] = predictor.classify([images[index]], 1)
        assert alone[0].index == together[index][0].index
        assert alone[0].probability == pytest.approx(together[index][0].probability, abs=1e-5)


def test_no_images_give_no_answers(predictor):
    assert predictor.classify([]) == []
    assert predictor.logits(np.zeros((0, 16, 16, 3), np.float32)).shape == (0, 10)


def test_the_preprocessing_can_be_chosen(predictor, picture):
    resized, cropped = (predictor.classify([picture(0)], 10, preprocessing=method)[0] for method in ("resize", "crop"))
    assert resized != cropped


def test_attention_has_a_map_for_each_layer_and_head(predictor, pictures):
    attention = predictor.attention(inputs(predictor, pictures))
    assert attention.heads.shape == (3, 2, 2, 4, 4)
    assert attention.rollout.shape == (3, 2, 4, 4)
    assert attention.heads.dtype == attention.rollout.dtype == np.float32
    assert (attention.heads >= 0).all()
    assert (attention.heads.sum(axis=(-2, -1)) <= 1 + 1e-5).all()


def test_an_image_that_is_none_is_named(predictor, pictures):
    pictures[1].write_bytes(b"<html>")
    with pytest.raises(BadImage, match=r"1\.png' is an HTML or XML page"):
        predictor.classify(pictures)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"top_k": 0}, "top_k is 0"), ({"preprocessing": "squash"}, "no preprocessing 'squash'")],
)
def test_an_impossible_option_is_refused(predictor, pictures, options, message):
    with pytest.raises(BadInput, match=message):
        predictor.classify(pictures, **options)


def test_images_of_another_size_are_refused_with_both_shapes(predictor):
    with pytest.raises(BadInput, match=r"shape \(1, 8, 8, 3\); this model wants \[B, 16, 16, 3\]"):
        predictor.logits(np.zeros((1, 8, 8, 3), np.float32))


def test_a_resolution_off_the_patches_is_refused_with_the_nearest(tiny_checkpoint, cpu_settings):
    with pytest.raises(BadInput, match=r"18 is not a multiple of 4.*nearest that is: 16"):
        load_predictor(tiny_checkpoint, 18, settings=cpu_settings)


def test_any_multiple_of_the_patch_size_is_a_resolution(tiny_checkpoint, cpu_settings, picture):
    predictor = load_predictor(tiny_checkpoint, 24, settings=cpu_settings)
    assert predictor.resolution == 24
    assert predictor.attention(inputs(predictor, [picture(0)])).rollout.shape == (1, 2, 6, 6)
    assert "interpolated from 16 to 24 px" in predictor.notes[0]


def test_a_device_that_is_not_there_is_refused(tiny_checkpoint, cpu_settings):
    with pytest.raises(BadSetting, match="The device is set to 'tpu', but JAX finds only"):
        load_predictor(tiny_checkpoint, device="tpu", settings=cpu_settings)


def test_a_missing_file_is_named(cpu_settings, tmp_path):
    with pytest.raises(ObjectMissing, match=r"nothing\.npz"):
        load_predictor(tmp_path / "nothing.npz", settings=cpu_settings)


def test_a_file_that_is_no_checkpoint_is_refused(cpu_settings, tmp_path):
    (tmp_path / "page.npz").write_bytes(b"<html>404</html>")
    with pytest.raises(BadCheckpoint, match=r"page\.npz"):
        load_predictor(tmp_path / "page.npz", settings=cpu_settings)


@pytest.fixture
def bucket(cpu_settings, tmp_path):
    """Serve a folder over HTTP; give the folder and the settings of a user of it."""
    folder = tmp_path / "bucket"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        yield folder, dataclasses.replace(cpu_settings, bucket=url, cache_dir=tmp_path / "cache")
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_a_name_is_downloaded_and_loaded(bucket, tiny_checkpoint, picture):
    folder, settings = bucket
    (folder / "Tiny_4-demo.npz").write_bytes(tiny_checkpoint.read_bytes())
    predictor = load_predictor("Tiny_4-demo", settings=settings)
    assert predictor.name == "Tiny_4-demo"
    assert predictor.classify([picture(0)])


def test_a_file_damaged_in_the_cache_is_fetched_once_more(bucket, tiny_checkpoint):
    folder, settings = bucket
    (folder / "Tiny_4-demo.npz").write_bytes(tiny_checkpoint.read_bytes())
    cached = Store(settings).fetch("Tiny_4-demo")
    cached.write_bytes(bytes(cached.stat().st_size))
    assert load_predictor("Tiny_4-demo", settings=settings).config.num_classes == 10


@pytest.mark.parametrize("num_heads", [7, 0])
def test_an_impossible_wish_costs_no_good_file_of_the_cache(bucket, tiny_checkpoint, num_heads):
    folder, settings = bucket
    (folder / "Tiny_4-demo.npz").write_bytes(tiny_checkpoint.read_bytes())
    cached = Store(settings).fetch("Tiny_4-demo")
    (folder / "Tiny_4-demo.npz").unlink()  # so that it could not come back
    with pytest.raises(BadInput, match=f"shows 2 attention heads and not {num_heads}"):
        load_predictor("Tiny_4-demo", settings=settings, num_heads=num_heads)
    assert cached.read_bytes() == tiny_checkpoint.read_bytes()


def test_the_name_of_a_file_decides_its_classes(tiny_config, cpu_settings, tmp_path):
    config = dataclasses.replace(tiny_config, num_classes=37)
    name = "B_16-i21k-300ep-lr_0.001-aug_none-wd_0.1-do_0.0-sd_0.0--oxford_iiit_pet-steps_0k-lr_0.01-res_224"
    save_npz(tmp_path / f"{name}.npz", config, init_params(config, seed=0))
    predictor = load_predictor(tmp_path / f"{name}.npz", settings=cpu_settings)
    assert predictor.labels.names[0] == "Abyssinian"
    assert predictor.labels.source == "The 37 classes of Oxford-IIIT Pets."


@pytest.mark.parametrize("as_file", [True, False])
def test_the_users_own_names_are_used(tiny_checkpoint, cpu_settings, tmp_path, picture, as_file):
    names = [f"animal {index}" for index in range(10)]
    (tmp_path / "names.txt").write_text("\n".join(names))
    predictor = load_predictor(
        tiny_checkpoint, settings=cpu_settings, labels=tmp_path / "names.txt" if as_file else names
    )
    best = predictor.classify([picture(0)])[0][0]
    assert best == Prediction(best.index, f"animal {best.index}", best.probability)


def test_too_few_names_are_refused(tiny_checkpoint, cpu_settings):
    with pytest.raises(BadInput, match="2 class names from the caller and 10 outputs"):
        load_predictor(tiny_checkpoint, settings=cpu_settings, labels=["a", "b"])


def test_a_file_without_a_head_gives_features_and_says_so(tiny_config, cpu_settings, tmp_path, picture):
    config = dataclasses.replace(tiny_config, num_classes=0)
    save_npz(tmp_path / "headless.npz", config, init_params(config, seed=0))
    predictor = load_predictor(tmp_path / "headless.npz", settings=cpu_settings)
    images = inputs(predictor, [picture(0)])
    assert predictor.features(images).shape == (1, 16)
    assert "no head" in predictor.notes[0]
    for call in (lambda: predictor.logits(images), lambda: predictor.classify([picture(0)])):
        with pytest.raises(BadCheckpoint, match="has no head, so it knows no classes; it gives features and att"):
            call()


@pytest.fixture
def zeroed(tiny_config, cpu_settings, tmp_path):
    """A checkpoint whose head is all zeros, as `init_params` makes it."""
    save_npz(tmp_path / "zeroed.npz", tiny_config, init_params(tiny_config, seed=0))
    return load_predictor(tmp_path / "zeroed.npz", settings=cpu_settings)


def test_a_head_of_zeros_names_no_classes_and_says_why(zeroed, picture):
    assert zeroed.head == "zeroed"
    with pytest.raises(
        BadCheckpoint, match=r"has a head of zeros, .* every class would get the same share; .* fine-tune"
    ):
        zeroed.classify([picture(0)])


def test_a_head_of_zeros_leaves_features_and_attention(zeroed, picture):
    images = inputs(zeroed, [picture(0)])
    assert zeroed.features(images).shape == (1, 16)
    assert zeroed.attention(images).heads.shape == (1, 2, 2, 4, 4)
    assert not zeroed.logits(images).any()  # what the file says


def test_weights_too_large_to_compute_with_give_no_classes(predictor, picture):
    huge = dataclasses.replace(predictor, _params=jax.tree.map(lambda leaf: leaf * 1e30, predictor._params))
    with pytest.raises(BadCheckpoint, match="not finite"):
        huge.classify([picture(0)])


def test_imagenet_21k_classes_come_with_a_caveat(tiny_config, cpu_settings, tmp_path):
    config = dataclasses.replace(tiny_config, num_classes=21_843)
    save_npz(tmp_path / "large.npz", config, init_params(config, seed=0))
    predictor = load_predictor(tmp_path / "large.npz", settings=cpu_settings)
    assert predictor.labels.dataset == "i21k"
    assert any("overlap" in note for note in predictor.notes)


def test_it_is_given_by_the_package_itself():
    assert vit_core.load_predictor is load_predictor
    assert vit_core.Prediction is Prediction


def test_a_second_process_compiles_traces_and_imports_nothing_that_it_does_not_need(tiny_checkpoint, tmp_path, picture):
    script = """
import pathlib, sys
from vit_core import load_predictor
from vit_core.settings import Settings
settings = Settings(cache_dir=pathlib.Path(sys.argv[2]), device="cpu")
print(load_predictor(sys.argv[1], settings=settings).classify([sys.argv[3]]))
heavy = {"flax", "google", "gcsfs", "httpx", "optax", "orbax", "pandas", "pyarrow", "requests", "scipy"}
print(*heavy & {*sys.modules})
"""
    (tmp_path / "x.png").write_bytes(picture(0))
    command = [sys.executable, "-c", script, str(tiny_checkpoint), str(tmp_path / "cache"), str(tmp_path / "x.png")]
    first = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    programs = sorted((tmp_path / "cache" / "compile").glob("jax-*/*"))
    assert {path.name.partition("-")[0] for path in programs} >= {"forward", "jit__replay"}

    second = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    assert second == [first[0], ""]
    assert sorted((tmp_path / "cache" / "compile").glob("jax-*/*")) == programs


def test_importing_the_package_configures_nothing():
    script = (
        "import jax, vit_core.inference.predictor as p; assert jax.config.values['jax_compilation_cache_dir'] is None"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
