"""The quick look at drawn classes."""

import dataclasses

import pytest

from vit_core.errors import BadDataset
from vit_core.training.probe import quick_look


@pytest.fixture
def look(bench, tmp_path):
    def look(config, dataset=bench.dataset, **more):
        return quick_look(config, dataset, source=bench.source, device="cpu", cache_dir=tmp_path, **more)

    return look


def test_it_beats_guessing_and_says_how_sure_it_is(look, nano_config, bench):
    found = look(nano_config)
    assert found.num_test == len(bench.dataset.of("test")) == 12
    assert found.interval[0] < found.accuracy <= found.interval[1]
    assert found.accuracy > 1 / 3
    assert found.device == "CPU"


def test_its_curve_rises_to_its_accuracy(look, nano_config):
    curve = look(nano_config).curve
    assert [updates for updates, _ in curve] == [1, 2, 5, 10, 20, 50, 100, 200]
    assert curve[-1][1] == look(nano_config).accuracy


def test_it_counts_the_images(look, nano_config):
    counted = []
    look(nano_config, progress=lambda done, total: counted.append((done, total)))
    assert counted[-1] == (36, 36)


def test_it_leaves_nothing_in_the_cache_folder(look, nano_config, tmp_path):
    look(nano_config)
    assert list(tmp_path.iterdir()) == []


def test_without_test_images_there_is_nothing_to_look_at(look, nano_config, bench):
    alone = dataclasses.replace(bench.dataset, examples=bench.dataset.of("train"))
    with pytest.raises(BadDataset, match="needs images to learn from and images to test on"):
        look(nano_config, alone)
