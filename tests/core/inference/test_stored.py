"""Traced programs on disk: used as they are, and made anew where they are not what was written."""

import concurrent.futures
import json
import pathlib

import jax
import numpy as np
import pytest

from vit_core.checkpoints.restore import load_checkpoint
from vit_core.devices import pick_device
from vit_core.inference import programs, stored
from vit_core.inference.stored import Stored

SMALL = Stored("module {}", (((1, 2), "float32"),))


@pytest.fixture
def folder(tmp_path):
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.fixture
def answer(tiny_checkpoint):
    """Give all outputs for one image, by a program that this process has not compiled yet."""
    checkpoint, device = load_checkpoint(tiny_checkpoint), pick_device("cpu")
    params = jax.device_put(checkpoint.params, device)
    images = np.random.default_rng(5).integers(0, 256, (1, 16, 16, 3), np.uint8)

    def run():
        programs._PROGRAMS.clear()
        outputs, _ = programs.run(checkpoint.config, params, images, device, attention=True)
        return [outputs.logits, outputs.features, outputs.attention.heads, outputs.attention.rollout]

    return run


def kept_in(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.glob("forward-*.json"))


def test_a_kept_program_answers_bit_by_bit_as_the_traced_one(folder, answer):
    jax.config.update("jax_compilation_cache_dir", None)
    traced = answer()
    jax.config.update("jax_compilation_cache_dir", str(folder))
    first, second = answer(), answer()

    assert len(kept_in(folder)) == 1
    for ours, again, alone in zip(first, second, traced, strict=True):
        np.testing.assert_array_equal(ours, again)
        np.testing.assert_array_equal(ours, alone)


def test_a_damaged_program_is_traced_again_and_replaced(folder, answer):
    before = answer()
    (path,) = kept_in(folder)
    good = path.read_bytes()
    path.write_bytes(good.replace(b"stablehlo.add", b"stablehlo.multiply", 1))

    after = answer()

    assert path.read_bytes() == good
    np.testing.assert_array_equal(before[0], after[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda good: good[: len(good) // 2],
        lambda good: b"",
        lambda good: b"\xff\xfe" + good,
        lambda good: b"[" * 100_000,
        lambda good: b"[1, 2]",
        lambda good: b"null",
        lambda good: json.dumps({**json.loads(good), "text": "module {func.func}"}).encode(),
        lambda good: json.dumps({**json.loads(good), "outputs": [[[9], "float32"]]}).encode(),
        lambda good: json.dumps({**json.loads(good), "outputs": 3}).encode(),
    ],
    ids=["cut", "empty", "no text", "deep", "a list", "null", "another text", "other outputs", "no outputs"],
)
def test_what_was_not_written_so_is_not_used(tmp_path, change):
    path = tmp_path / "forward-0.json"
    stored.keep(path, SMALL)
    path.write_bytes(change(path.read_bytes()))

    assert stored.read(path) is None


def test_many_writers_and_readers_never_see_half_a_file(tmp_path):
    path = tmp_path / "forward-0.json"
    large = Stored("module {}" + " " * 300_000, SMALL.outputs)
    stored.keep(path, large)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            pool.submit(stored.keep, path, large)
        seen = set(pool.map(stored.read, [path] * 40))

    assert seen == {large}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_costs_no_answer(tmp_path):
    (tmp_path / "file").write_text("")

    stored.keep(tmp_path / "file" / "forward-0.json", SMALL)

    assert not (tmp_path / "file").is_dir()


def test_nothing_is_kept_once_the_source_has_changed(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "inference").mkdir()
    for name in ("attention.py", "programs.py", "stored.py"):
        (tmp_path / "inference" / name).write_text("")
    monkeypatch.setattr(stored, "_PACKAGE", tmp_path)  # a change of the package, while this process runs

    stored.keep(tmp_path / "forward-0.json", SMALL)

    assert stored.read(tmp_path / "forward-0.json") is None


def test_each_thing_that_decides_a_program_gives_it_another_place(folder, tiny_config):
    spec = programs.Spec(tiny_config, 1, "uint8", False, pick_device("cpu"))
    others = [
        spec,
        spec._replace(batch=8),
        spec._replace(inputs="float32"),
        spec._replace(attention=True),
        spec._replace(config=tiny_config.with_resolution(32)),
    ]

    assert len({stored.place(programs._facts(each)) for each in others}) == len(others)


def test_nothing_is_kept_without_a_folder_of_this_machine(folder):
    jax.config.update("jax_compilation_cache_dir", "gs://somewhere/else")

    assert stored.place({}) is None
