"""From files to parameters and back, against the numbers of the original code."""

import dataclasses
import time

import jax
import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vit_core.checkpoints.npz import Limits
from vit_core.checkpoints.restore import load_checkpoint, read_config, save_npz
from vit_core.errors import BadCheckpoint, BadInput, DamagedCheckpoint
from vit_core.models.build import build, flatten, forward, unflatten
from vit_core.models.config import VARIANTS
from vit_core.models.initialise import init_params
from vit_core.store.checked import Checked

QUERY = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel"


def random_params(config, seed=0):
    random = np.random.RandomState(seed)
    return unflatten(
        {
            path: random.normal(size=leaf.shape).astype(np.float32) / 4
            for path, leaf in flatten(build(config)[1]).items()
        }
    )


def run(checkpoint, images):
    return forward(build(checkpoint.config)[0], checkpoint.params, images)


@pytest.fixture
def arrays(tmp_path, tiny_config):
    """The arrays of a tiny model under their published names."""
    save_npz(tmp_path / "arrays.npz", tiny_config, random_params(tiny_config))
    with np.load(tmp_path / "arrays.npz") as loaded:
        return dict(loaded)


@pytest.fixture
def write(tmp_path):
    """Write arrays as numpy does, and give the file."""

    def save(arrays, *, compress=False):
        (np.savez_compressed if compress else np.savez)(tmp_path / "model.npz", **arrays)
        return tmp_path / "model.npz"

    return save


@pytest.fixture
def images():
    return np.random.RandomState(3).uniform(-1, 1, size=(2, 16, 16, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("model", "resolution", "tolerance"),
    [
        # float32 sums in another order: 4e-6 here.
        ("ViT-Ti_16", 224, 3e-5),
        ("ViT-Ti_16", 384, 3e-5),
        ("ViT-S_32-gap-norep", 224, 3e-5),
        ("R+ViT-Ti_16", 224, 1e-4),
    ],
)
def test_logits_are_those_of_the_original_code(
    golden, reference_weights, reference_images, model, resolution, tolerance
):
    expected = golden(f"logits_{model}")[f"logits_{resolution}"]

    checkpoint = load_checkpoint(reference_weights(model), resolution=resolution)

    np.testing.assert_allclose(run(checkpoint, reference_images(resolution)).logits, expected, atol=tolerance)


@pytest.mark.parametrize("model", ["ViT-Ti_16", "ViT-S_32-gap-norep", "R+ViT-Ti_16"])
def test_features_are_those_of_the_original_code(golden, reference_weights, reference_images, model):
    expected = golden(f"logits_{model}")["features_224"]

    output = run(load_checkpoint(reference_weights(model)), reference_images(224))

    np.testing.assert_allclose(output.features, expected, atol=3e-5)


def test_position_embeddings_for_another_size_are_those_of_the_original_code(golden, reference_weights):
    expected = golden("logits_ViT-Ti_16")["posemb_384"]

    checkpoint = load_checkpoint(reference_weights("ViT-Ti_16"), resolution=384)

    # One unit in the last place of float32.
    np.testing.assert_allclose(checkpoint.params["pos_embedding"], expected, atol=1e-8)
    assert checkpoint.config == dataclasses.replace(VARIANTS["Ti/16"], num_classes=21, resolution=384)
    assert checkpoint.notes == (
        "Position embeddings were interpolated from 224 to 384 px (14 x 14 to 24 x 24 patches).",
    )


@pytest.mark.parametrize("model", ["ViT-Ti_16", "R+ViT-Ti_16", "ViT-S_32-gap-norep"])
def test_saving_a_published_file_again_gives_the_same_arrays(reference_weights, tmp_path, model):
    checkpoint = load_checkpoint(reference_weights(model))

    save_npz(tmp_path / "again.npz", checkpoint.config, checkpoint.params)

    with np.load(reference_weights(model)) as before, np.load(tmp_path / "again.npz") as after:
        assert set(after.files) == set(before.files)
        for name in before.files:
            np.testing.assert_array_equal(after[name], before[name], strict=True)


def test_bottleneck_units_survive_the_round_trip(tmp_path, tiny_hybrid_config):
    params = random_params(tiny_hybrid_config)

    save_npz(tmp_path / "x.npz", tiny_hybrid_config, params)
    checkpoint = load_checkpoint(tmp_path / "x.npz")

    assert checkpoint.config == tiny_hybrid_config
    jax.tree.map(np.testing.assert_array_equal, checkpoint.params, params)


def test_configuration_is_read_from_headers_alone(reference_weights):
    assert read_config(reference_weights("R+ViT-Ti_16")) == dataclasses.replace(VARIANTS["R+Ti/16"], num_classes=21)


def test_loaded_weights_need_no_copy_for_the_device(tmp_path, tiny_config):
    save_npz(tmp_path / "x.npz", tiny_config, random_params(tiny_config))

    params = load_checkpoint(tmp_path / "x.npz").params

    assert all(not array.flags.owndata and array.flags.aligned for array in jax.tree.leaves(params))


@pytest.mark.parametrize(
    ("dtype", "order"),
    [("<f8", "C"), (">f4", "C"), ("<f4", "F"), (">f8", "F")],
    ids=["float64", "big-endian", "Fortran", "both"],
)
@pytest.mark.parametrize("compress", [False, True])
def test_other_layouts_of_the_same_values_give_the_same_logits(arrays, write, images, dtype, order, compress):
    expected = run(load_checkpoint(write(arrays)), images).logits
    changed = {name: np.asarray(array, dtype, order=order) for name, array in arrays.items()}

    checkpoint = load_checkpoint(write(changed, compress=compress))

    np.testing.assert_array_equal(run(checkpoint, images).logits, expected)
    assert {array.dtype for array in jax.tree.leaves(checkpoint.params)} == {np.dtype("float32")}


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=["float16", "bfloat16"])
def test_half_precision_is_widened(arrays, write, dtype):
    halved = {name: array.astype(dtype) for name, array in arrays.items()}

    params = load_checkpoint(write(halved)).params

    np.testing.assert_array_equal(params["head"]["kernel"], halved["head/kernel"].astype(np.float32))


@pytest.mark.parametrize("prefix", ["opt/target/", "params/"])
def test_weights_below_a_prefix_are_found(arrays, write, prefix):
    nested = {prefix + name: array for name, array in arrays.items()} | {"opt/state/step": np.int64(7)}

    checkpoint = load_checkpoint(write(nested))

    np.testing.assert_array_equal(checkpoint.params["cls"], arrays["cls"])
    assert checkpoint.notes == (f"Left out for not being under {prefix!r}, where the weights are: 1 of the arrays.",)


def test_missing_head_gives_features_only(arrays, write, images):
    headless = {name: array for name, array in arrays.items() if not name.startswith("head")}

    checkpoint = load_checkpoint(write(headless))

    assert checkpoint.head == "missing"
    assert checkpoint.config.num_classes == 0
    assert checkpoint.notes == ("This file has no head: it gives features, and no classes.",)
    assert run(checkpoint, images).features.shape == (2, 16)


def test_head_of_zeros_is_noted(tmp_path, tiny_config):
    save_npz(tmp_path / "x.npz", tiny_config, init_params(tiny_config, seed=0))

    checkpoint = load_checkpoint(tmp_path / "x.npz")

    assert checkpoint.head == "zeroed"
    assert "all zeros" in checkpoint.notes[0]


def test_ordinary_file_has_a_head_and_nothing_to_note(arrays, write):
    checkpoint = load_checkpoint(write(arrays))

    assert (checkpoint.head, checkpoint.notes) == ("kept", ())


def test_every_difference_is_reported_at_once(arrays, write):
    del arrays["Transformer/encoder_norm/scale"]
    arrays["head/kernel"] = arrays["head/kernel"].T.copy()
    arrays["head/momentum"] = np.zeros(3, np.float32)
    arrays["Transformer/encoderblock_1/LayerNorm_0/bias"] = np.array([np.nan] * 16, np.float32)
    arrays["embedding/bias"] = np.zeros(16, np.uint32)

    with pytest.raises(BadCheckpoint) as caught:
        load_checkpoint(write(arrays))

    message = str(caught.value)
    assert "cannot be used as the custom 16x2/4 that its arrays suggest" in message
    assert "1 missing: Transformer/encoder_norm/scale (16,);" in message
    assert "1 not expected: head/momentum;" in message
    assert "head/kernel is (10, 16) instead of (16, 16)" in message
    assert "embedding/bias is uint32 instead of floating-point" in message
    assert "1 not finite: Transformer/encoderblock_1/LayerNorm_0/bias." in message


def test_long_lists_are_cut_to_five_with_the_count(arrays, write):
    arrays |= {f"extra_{index}": np.zeros(1, np.float32) for index in range(12)}

    with pytest.raises(BadCheckpoint, match=r"12 not expected: extra_0, extra_1, extra_2, extra_3, extra_4 and 7 more"):
        load_checkpoint(write(arrays))


def test_missing_block_is_reported_as_sixteen_arrays(arrays, write):
    arrays = {name.replace("encoderblock_1", "encoderblock_2"): array for name, array in arrays.items()}

    with pytest.raises(BadCheckpoint, match=r"16 missing: Transformer/encoderblock_1/"):
        load_checkpoint(write(arrays))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_value_that_is_not_finite_is_refused(arrays, write, value):
    arrays[QUERY][1, 1, 1] = value

    with pytest.raises(BadCheckpoint, match=f"1 not finite: {QUERY}"):
        load_checkpoint(write(arrays))


def test_large_values_whose_sum_overflows_are_fine(arrays, write):
    arrays["embedding/kernel"][:] = 3e38

    assert load_checkpoint(write(arrays)).head == "kept"


def test_float64_value_past_float32_is_not_finite(arrays, write):
    arrays["cls"] = np.full((1, 1, 16), 1e300)

    with pytest.raises(BadCheckpoint, match="1 not finite: cls"):
        load_checkpoint(write(arrays))


def test_file_of_other_arrays_says_what_it_holds(write):
    path = write({"weight_of_something": np.zeros(3, np.float32)})

    with pytest.raises(BadCheckpoint, match=r"no array 'embedding/kernel'\. It holds 'weight_of_something'"):
        load_checkpoint(path)


def test_file_without_arrays_is_refused(write):
    with pytest.raises(BadCheckpoint, match="It holds nothing"):
        load_checkpoint(write({}))


def test_resolution_off_the_patches_is_refused_with_the_rule(arrays, write):
    with pytest.raises(BadInput, match="17 is not a multiple of 4"):
        load_checkpoint(write(arrays), resolution=17)


def test_smaller_resolution_works_too(arrays, write):
    checkpoint = load_checkpoint(write(arrays), resolution=8)

    assert checkpoint.params["pos_embedding"].shape == (1, 5, 16)


def test_limits_are_passed_on(arrays, write):
    with pytest.raises(BadCheckpoint, match="the limit is"):
        load_checkpoint(write(arrays), limits=Limits(max_bytes=10))


def test_saving_parameters_of_another_model_is_refused(tmp_path, tiny_config):
    params = random_params(tiny_config)
    wider = dataclasses.replace(tiny_config, num_classes=11)
    deeper = dataclasses.replace(tiny_config, num_layers=3)

    with pytest.raises(ValueError, match="'head/bias' has the shape"):
        save_npz(tmp_path / "x.npz", wider, params)
    with pytest.raises(ValueError, match="differ in"):
        save_npz(tmp_path / "x.npz", deeper, params)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_set_of_shapes_loads_or_is_refused(arrays, tmp_path, data):
    names = data.draw(st.lists(st.sampled_from(sorted(arrays)), max_size=4, unique=True))
    shape = st.lists(st.integers(0, 5), max_size=5).map(tuple)
    changed = arrays | {name: np.ones(data.draw(shape), np.float32) for name in names}
    for name in data.draw(st.lists(st.sampled_from(sorted(arrays)), max_size=2, unique=True)):
        del changed[name]
    np.savez(tmp_path / "x.npz", **changed)

    try:
        checkpoint = load_checkpoint(tmp_path / "x.npz")
    except BadCheckpoint:
        return

    assert {path: leaf.shape for path, leaf in flatten(checkpoint.params).items()} == {
        path: leaf.shape for path, leaf in flatten(build(checkpoint.config)[1]).items()
    }


def test_a_file_that_was_found_good_and_is_damaged_afterwards_is_refused(arrays, write, tmp_path):
    path, checked = write(arrays), Checked(tmp_path / "checked")
    time.sleep(0.05)  # past a tick of the file system's clock
    first = flatten(load_checkpoint(path, checked=checked).params)
    assert checked.known_good(path)
    known = flatten(load_checkpoint(path, checked=checked).params)
    np.testing.assert_equal(known, first)
    whole = path.read_bytes()
    at = whole.index(arrays[QUERY].tobytes()) + 2

    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])

    with pytest.raises(DamagedCheckpoint, match="checksum"):
        load_checkpoint(path, checked=checked)


def test_a_file_with_a_value_that_is_not_finite_never_counts_as_good(arrays, write, tmp_path):
    path, checked = write({**arrays, "cls": np.full_like(arrays["cls"], np.nan)}), Checked(tmp_path / "checked")
    time.sleep(0.05)

    for _ in range(2):
        with pytest.raises(DamagedCheckpoint, match="not finite"):
            load_checkpoint(path, checked=checked)
