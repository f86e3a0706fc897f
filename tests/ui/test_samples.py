"""The sample pictures and which of them fit a checkpoint."""

from pathlib import Path

import pytest

from app.samples import Sample, fitting, read_samples
from vit_core.settings import bundled_data_dir

SAMPLES = tuple(
    Sample(Path(f"{dataset}-{label}-{number}.jpg"), label, dataset)
    for dataset, labels in (("digits", ("zero", "one")), ("shapes", ("star",)))
    for label in labels
    for number in range(2)
)


def test_samples_of_the_checkpoints_own_set_come_first():
    assert {sample.dataset for sample in fitting(SAMPLES, "digits")} == {"digits"}
    assert len(fitting(SAMPLES, "digits")) == 4


def test_for_other_checkpoints_there_is_one_of_each_class():
    assert [sample.path.name for sample in fitting(SAMPLES, "imagenet2012")] == [
        "digits-zero-0.jpg",
        "digits-one-0.jpg",
        "shapes-star-0.jpg",
    ]


def test_a_folder_without_a_table_has_no_samples(tmp_path):
    assert read_samples(tmp_path) == ()


@pytest.mark.parametrize("sample", read_samples(bundled_data_dir() / "demo" / "samples"), ids=lambda one: one.path.name)
def test_each_bundled_sample_is_there_and_has_a_label(sample):
    assert sample.path.read_bytes().startswith(b"\xff\xd8")
    assert sample.label
    assert sample.dataset
