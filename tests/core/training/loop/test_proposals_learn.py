"""What is proposed for the demo's models teaches them small sets."""

import dataclasses

import pytest

from vit_core.catalog.index import load_demo
from vit_core.catalog.query import fine_tunes
from vit_core.checkpoints.restore import read_config
from vit_core.datasets.upload import take_zip
from vit_core.settings import bundled_data_dir
from vit_core.training.defaults import propose


@pytest.fixture(scope="module")
def practice(tmp_path_factory):
    """The bundled practice set."""
    return take_zip(
        bundled_data_dir() / "demo" / "practice.zip", tmp_path_factory.mktemp("data") / "set", name="practice"
    )


def learn(bench, dataset, folder, listener, **more):
    proposal = propose(
        checkpoint=bench.source.stem,
        model=read_config(bench.source),
        num_train=len(dataset.of("train")),
        num_test=len(dataset.of("test")),
        num_classes=len(dataset.classes),
        sisters=fine_tunes(load_demo().frame, bench.source.stem),
        **more,
    )
    assert proposal.config.total_steps <= 500
    return dataclasses.replace(bench, dataset=dataset).train(proposal.config, folder, listener).best_accuracy


def test_two_dozen_drawn_images_are_learned(bench, tmp_path, listener):
    assert learn(bench, bench.dataset, tmp_path / "run", listener) >= 0.9


def test_the_practice_set_is_learned(bench, practice, tmp_path, listener):
    assert learn(bench, practice, tmp_path / "run", listener) >= 0.85


def test_the_practice_set_is_learned_by_the_head_alone(bench, practice, tmp_path, listener):
    assert learn(bench, practice, tmp_path / "run", listener, trainable="head") >= 0.7
