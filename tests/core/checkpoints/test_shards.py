"""Weights in several files beside an index: read as one, or refused in one sentence."""

import json

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vit_core.checkpoints.arrays import Limits
from vit_core.checkpoints.containers import open_arrays
from vit_core.checkpoints.conversion import to_file
from vit_core.checkpoints.generations.timm import TIMM
from vit_core.checkpoints.shards import stored_bytes
from vit_core.errors import BadCheckpoint, BadInput
from vit_core.inference.predictor import load_predictor
from vit_core.models.build import build, flatten
from vit_core.store.folder import weights_in

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"
ARRAYS = {"a": np.arange(6, dtype=np.float32), "b": np.ones((2, 2), np.float32), "c": np.zeros(1, np.float32)}
HOMES = {"a": FIRST, "b": SECOND, "c": SECOND}


@pytest.fixture
def shards(tmp_path):
    """Write parts and their index, and give the folder."""

    def write(parts=None, homes=HOMES, metadata=None):
        parts = parts or {FIRST: ("a",), SECOND: ("b", "c")}
        for part, names in parts.items():
            safetensors.numpy.save_file({name: ARRAYS[name] for name in names}, tmp_path / part)
        text = homes if isinstance(homes, str) else json.dumps({"metadata": metadata or {}, "weight_map": homes})
        (tmp_path / INDEX).write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize("name", ["", INDEX, FIRST, SECOND])
def test_index_folder_and_any_part_mean_the_whole(shards, name):
    opened = open_arrays(shards(metadata={"total_size": 44}) / name)

    assert sorted(opened) == ["a", "b", "c"]
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(opened.read(name), array, strict=True)


def test_model_in_parts_answers_by_the_path_of_its_folder(tmp_path, tiny_config, monkeypatch):
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    flat = {
        path: random.standard_normal(leaf.shape, np.float32) for path, leaf in flatten(build(tiny_config)[1]).items()
    }
    arrays = {name: np.ascontiguousarray(array) for name, array in to_file(TIMM, flat).items()}
    homes = {name: (FIRST, SECOND)[index % 2] for index, name in enumerate(arrays)}
    folder = tmp_path / "model"
    folder.mkdir()
    for part in (FIRST, SECOND):
        safetensors.numpy.save_file({name: arrays[name] for name in homes if homes[name] == part}, folder / part)
    (folder / INDEX).write_text(json.dumps({"weight_map": homes}))
    arguments = {"num_heads": 2, "act_layer": "gelu_tanh"}
    told = {"model_args": arguments, "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
    (folder / "config.json").write_text(json.dumps(told))

    predictor = load_predictor(folder, device="cpu")

    assert (predictor.config, predictor.notes) == (tiny_config, ())
    assert predictor.logits(np.zeros((1, 16, 16, 3), np.float32)).shape == (1, 10)


def test_size_on_the_disk_is_that_of_all_parts(shards):
    folder = shards()

    assert stored_bytes(folder / INDEX) == sum((folder / part).stat().st_size for part in (FIRST, SECOND))
    assert stored_bytes(folder / FIRST) == (folder / FIRST).stat().st_size
    assert stored_bytes(folder / "none.npz") == 0


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"parts": {FIRST: ("a",)}}, f"needs 2 parts beside it, and '{SECOND}' is missing"),
        ({"parts": {FIRST: ("a", "b"), SECOND: ("b", "c")}}, f"has the array 'b' in two parts, '{FIRST}' and"),
        ({"parts": {FIRST: ("a", "c"), SECOND: ("b",)}}, f"says that 'c' lies in '{SECOND}', and it does not"),
        ({"homes": {"a": FIRST, "b": SECOND}}, f"does not list 'c', which lies in '{SECOND}'"),
        ({"homes": {**HOMES, "d": SECOND}}, f"says that 'd' lies in '{SECOND}', and it does not"),
        ({"homes": {"a": f"../{FIRST}"}}, r"names the part '\.\./model.*in the folder of its index"),
        ({"homes": {"a": "/etc/passwd"}}, "names the part '/etc/passwd'"),
        ({"homes": {"a": "pytorch_model-00001-of-00002.bin"}}, "a part is a .safetensors file"),
        ({"homes": {"a": 3}}, "names the part '3'"),
        ({"homes": {}}, "has no .weight_map"),
        ({"homes": "[]"}, "has no .weight_map"),
        ({"homes": "{"}, "it is no JSON"),
        ({"homes": "[" * 100_000}, "it is no JSON"),
        ({"homes": '{"weight_map": {"a": "x", "a": "y"}}'}, "two arrays named 'a'"),
        ({"metadata": {"total_size": 45}}, "tells of 45 bytes of arrays, and its parts hold 44"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(shards, made, reason):
    folder = shards(**made)

    with pytest.raises(BadCheckpoint, match=rf"^The file '.*{INDEX}' .*{reason}"):
        open_arrays(folder / INDEX)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=40), "of arrays; the limit is"),
        (Limits(max_members=2), "lists 3 arrays; the limit is 2"),
        (Limits(max_directory_bytes=100), "an index of more than 100 bytes"),
    ],
)
def test_limits_hold_for_all_parts_together(shards, limits, reason):
    with pytest.raises(BadCheckpoint, match=reason):
        open_arrays(shards() / INDEX, limits=limits)


def test_damaged_part_is_named(shards):
    folder = shards()
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes()[:-1])

    with pytest.raises(BadCheckpoint, match=f"{SECOND}' is cut short"):
        open_arrays(folder)


def test_part_without_its_index_says_what_is_wanted(shards):
    folder = shards()
    (folder / INDEX).unlink()

    with pytest.raises(BadCheckpoint, match=f"one of 2 parts of a model, .* '{INDEX}' into one folder"):
        open_arrays(folder / FIRST)


def test_folder_of_several_files_of_weights_wants_one_of_them(tmp_path):
    for name in ("x.npz", "y.safetensors"):
        (tmp_path / name).touch()

    with pytest.raises(BadInput, match=r"several files of weights \('x.npz', 'y.safetensors' …\)"):
        weights_in(tmp_path)


def test_folder_without_weights_says_so(tmp_path):
    with pytest.raises(BadCheckpoint, match="is a folder without weights"):
        open_arrays(tmp_path)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    homes=st.recursive(
        st.none() | st.integers() | st.text(max_size=20) | st.sampled_from([FIRST, SECOND, "..", "a/b"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), inner),
        max_leaves=6,
    )
)
def test_any_index_is_read_or_refused(shards, homes):
    folder = shards(homes=homes if isinstance(homes, dict) else json.dumps({"weight_map": homes}))

    try:
        opened = open_arrays(folder)
    except BadCheckpoint:
        return
    assert sorted(opened) == ["a", "b", "c"]
