"""`load_predictor` with a model of the Hugging Face Hub, and what becomes of it without a network."""

import json

import numpy as np
import pytest
import safetensors.numpy
from weight_files import timm_repository

from vit_core import load_predictor
from vit_core.catalog.timm_tags import TIMM_TAGS
from vit_core.errors import AccessDenied, BadCheckpoint
from vit_core.settings import Settings

NAME = "hf:timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k"


def test_a_model_of_the_hub_predicts_and_stays_when_the_network_goes(hub, tmp_path):
    hub.put(NAME.removeprefix("hf:"), timm_repository())
    settings = Settings(cache_dir=tmp_path, device="cpu")
    images = np.zeros((1, 16, 16, 3), np.float32)
    first = load_predictor(NAME, settings=settings)
    hub.close()

    again = load_predictor(NAME, settings=settings)

    assert first.labels.names == ("disc", "bar", "frame")
    np.testing.assert_array_equal(first.logits(images), again.logits(images))


def test_a_model_in_shards_loads(hub, tmp_path):
    files = timm_repository()
    arrays = sorted(safetensors.numpy.load(files.pop("model.safetensors")).items())
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    parts = dict(zip(names, (dict(arrays[:10]), dict(arrays[10:])), strict=True))
    listing = {"weight_map": {name: shard for shard, part in parts.items() for name in part}}
    shards = {shard: safetensors.numpy.save(part) for shard, part in parts.items()}
    hub.put("me/large", {**files, **shards, "model.safetensors.index.json": json.dumps(listing).encode()})

    predictor = load_predictor("hf:me/large", settings=Settings(cache_dir=tmp_path, device="cpu"))

    assert predictor.labels.names == ("disc", "bar", "frame")


def test_a_damaged_copy_of_the_cache_is_fetched_once_more(hub, tmp_path):
    hub.put(NAME.removeprefix("hf:"), timm_repository())
    settings = Settings(cache_dir=tmp_path, device="cpu")
    load_predictor(NAME, settings=settings)
    (path,) = tmp_path.glob("checkpoints/hub_*/model.safetensors")
    path.write_bytes(path.read_bytes()[:-100])

    assert load_predictor(NAME, settings=settings).labels.names == ("disc", "bar", "frame")


def test_a_file_that_is_published_damaged_is_said_and_not_fetched_again(hub, tmp_path):
    files = timm_repository()
    hub.put(NAME.removeprefix("hf:"), {**files, "model.safetensors": files["model.safetensors"][:-100]})
    settings = Settings(cache_dir=tmp_path, device="cpu")

    for _ in range(2):
        with pytest.raises(BadCheckpoint, match=r"It is published like this: .* would not help"):
            load_predictor(NAME, settings=settings)
    assert len([asked for asked in hub.log if asked.on == "cdn"]) == 1


def test_a_closed_bucket_names_the_copy(fault_proxy, tmp_path):
    fault_proxy.private = True

    with pytest.raises(AccessDenied, match=r"The same weights are on the Hugging Face Hub: hf:timm/"):
        load_predictor(next(iter(TIMM_TAGS)), settings=Settings(cache_dir=tmp_path, device="cpu"))
