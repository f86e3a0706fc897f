"""The device by the name in the settings, and the folder of compiled programs."""

import os

import jax
import pytest

from vit_core.devices import describe_device, enable_compile_cache, pick_device, pick_devices, trim_compile_cache
from vit_core.errors import BadSetting


@pytest.fixture
def cpu():
    return pick_device("cpu")


def test_the_cpu_is_called_so(cpu):
    assert describe_device(cpu) == "CPU"
    assert pick_device("auto") in jax.devices()


def test_all_devices_of_a_kind_are_given_the_picked_one_first(cpu):
    assert pick_devices("cpu") == tuple(jax.devices("cpu"))
    assert pick_devices("cpu")[0] == cpu


@pytest.mark.parametrize("setting", ["gpu", "tpu"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(setting):
    if setting.upper() in {device.platform.upper() for device in jax.devices()}:
        pytest.skip("this machine has one")
    with pytest.raises(BadSetting, match=f"The device is set to '{setting}', but JAX finds only .*CPU"):
        pick_device(setting)


def test_a_compile_cache_of_the_users_own_is_left_alone(tmp_path):
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "mine"))
    try:
        enable_compile_cache(tmp_path / "ours")
        assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "mine")
        assert not (tmp_path / "ours").exists()
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_of_the_kept_programs_the_oldest_go_first(tmp_path):
    for version, age in (("jax-0.9.0", 3), ("jax-0.10.0", 2), ("jax-0.10.0", 1)):
        path = tmp_path / "compile" / version / f"program-{age}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    trim_compile_cache(tmp_path, limit_bytes=250)
    assert sorted(path.name for path in (tmp_path / "compile").glob("*/*")) == ["program-1", "program-2"]


def test_an_empty_cache_needs_no_trimming(tmp_path):
    trim_compile_cache(tmp_path)
    assert not (tmp_path / "compile").exists()


def test_a_cache_folder_that_cannot_be_written_is_done_without(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    before = jax.config.values["jax_compilation_cache_dir"]
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        enable_compile_cache(tmp_path / "file")
        assert jax.config.values["jax_compilation_cache_dir"] is None
        assert "programs are compiled anew in each process" in caplog.text
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
