"""Which parameters a run changes."""

import dataclasses

import pytest

from vit_core.errors import BadSetting
from vit_core.models.build import build, flatten
from vit_core.training.trainable import join, partition


@pytest.fixture
def paths(abstract_params):
    return set(flatten(abstract_params))


def test_all_trains_everything(abstract_params, paths):
    trained, frozen = partition(abstract_params, "all", 2)

    assert set(flatten(trained)) == paths
    assert frozen == {}


def test_head_trains_the_head_alone(abstract_params, paths):
    trained, frozen = partition(abstract_params, "head", 2)

    assert set(flatten(trained)) == {"head/kernel", "head/bias"}
    assert set(flatten(frozen)) == paths - {"head/kernel", "head/bias"}


def test_last_block_comes_with_the_layers_after_it(abstract_params):
    trained, frozen = partition(abstract_params, "last-1", 2)

    assert {path.split("/")[0] for path in flatten(trained)} == {"blocks", "norm", "head"}
    assert {path.split("/")[1] for path in flatten(trained) if path.startswith("blocks/")} == {"1"}
    assert {path.split("/")[0] for path in flatten(frozen)} == {"blocks", "embedding", "cls", "pos_embedding"}


def test_all_blocks_still_leave_the_embedding_alone(abstract_params):
    _, frozen = partition(abstract_params, "last-2", 2)

    assert {path.split("/")[0] for path in flatten(frozen)} == {"embedding", "cls", "pos_embedding"}


def test_attention_pooling_is_trained_with_the_last_blocks(tiny_config):
    params = build(dataclasses.replace(tiny_config, classifier="map"))[1]

    trained, frozen = partition(params, "last-1", 2)

    assert {path.split("/")[0] for path in flatten(trained)} == {"blocks", "norm", "map_head", "head"}
    assert "map_head" not in frozen


def test_last_block_of_a_mixer_comes_with_both_of_its_mlps(tiny_mixer_config):
    trained, frozen = partition(build(tiny_mixer_config)[1], "last-1", 2)

    assert {path.split("/")[2] for path in flatten(trained) if path.startswith("blocks/")} == {
        "norm1", "token_mlp", "norm2", "mlp"
    }  # fmt: skip
    assert {path.split("/")[0] for path in flatten(frozen)} == {"blocks", "embedding"}


def test_last_blocks_are_counted_as_numbers_and_not_as_text(tiny_config):

    params = build(dataclasses.replace(tiny_config, num_layers=12))[1]

    trained, _ = partition(params, "last-3", 12)

    assert {path.split("/")[1] for path in flatten(trained) if path.startswith("blocks/")} == {"9", "10", "11"}


@pytest.mark.parametrize("trainable", ["all", "head", "last-1", "last-2"])
def test_joining_gives_the_whole_back(abstract_params, trainable):
    assert join(*partition(abstract_params, trainable, 2)) == abstract_params


def test_more_blocks_than_there_are_are_refused(abstract_params):
    with pytest.raises(BadSetting, match='trainable is "last-3", and this model has 2 blocks'):
        partition(abstract_params, "last-3", 2)
