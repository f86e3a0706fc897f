"""A Mixer from a file: classes and features like any other, and a sentence where attention is asked for."""

import dataclasses

import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.errors import BadInput
from vit_core.inference.predictor import load_predictor


@pytest.fixture(scope="module")
def mixer_file(tiny_mixer_config, tmp_path_factory):
    params = init_params(tiny_mixer_config, seed=0)
    params["head"]["kernel"] = np.random.RandomState(0).normal(size=(16, 10)).astype(np.float32)
    path = tmp_path_factory.mktemp("mixer") / "mixer.npz"
    save_npz(path, tiny_mixer_config, params)
    return path


@pytest.fixture
def predictor(mixer_file, cpu_settings):
    return load_predictor(mixer_file, settings=cpu_settings)


def test_logits_and_features_are_those_of_the_original(reference_weights, reference_images, golden, cpu_settings):
    predictor = load_predictor(reference_weights("Mixer-B_32"), settings=cpu_settings)
    expected = golden("logits_Mixer-B_32")
    np.testing.assert_allclose(predictor.logits(reference_images(224)), expected["logits_224"], atol=3e-5)
    np.testing.assert_allclose(predictor.features(reference_images(224)), expected["features_224"], atol=3e-5)
    assert predictor.config.variant == "Mixer-B/32"


def test_a_picture_gets_its_classes(predictor, picture):
    answers = predictor.classify([picture(0), picture(1)], top_k=3)

    assert [len(answer) for answer in answers] == [3, 3]


def test_asking_for_attention_is_answered_with_a_sentence(predictor):
    with pytest.raises(BadInput, match=r"is an MLP-Mixer, which has no attention to show"):
        predictor.attention(np.zeros((1, 16, 16, 3), np.float32))


def test_another_resolution_is_refused_with_its_own(mixer_file, cpu_settings):
    with pytest.raises(BadInput, match=r"resolution 32 does not suit .*use its own resolution, 16"):
        load_predictor(mixer_file, 32, settings=cpu_settings)


def test_a_request_with_attention_gets_classes_and_no_maps(service, ask, mixer_file):
    request = dataclasses.replace(ask(0), checkpoint="mixer", path=mixer_file, attention=True)

    image = service.submit(request).result(timeout_s=60.0).images[0]

    assert image.error is None
    assert len(image.predictions) == 5
    assert (image.heads, image.rollout) == (None, None)
