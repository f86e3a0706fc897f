"""The cache stays within its limit and spares what is in use."""

import pytest

from vit_core.errors import StorageFull
from vit_core.settings import Settings
from vit_core.store.store import Store


def test_an_object_larger_than_the_whole_cache_is_refused_before_its_bytes_come(
    fault_proxy, tmp_path, patience, name, data
):
    fault_proxy.put(f"{name}.npz", data)
    settings = Settings(bucket=fault_proxy.gs_url, cache_dir=tmp_path, cache_limit_bytes=100_000)

    with pytest.raises(
        StorageFull, match="has 400 kB, but the whole cache may hold only 100 kB; raise VIT_CACHE_LIMIT"
    ):
        Store(settings, patience=patience).fetch(name)
    assert fault_proxy.media(f"{name}.npz") == []


def test_a_cache_folder_that_cannot_be_made_is_named(fault_proxy, tmp_path, patience, name, data):
    fault_proxy.put(f"{name}.npz", data)
    (tmp_path / "cache").write_text("a file where the folder should be")
    settings = Settings(bucket=fault_proxy.gs_url, cache_dir=tmp_path / "cache")

    with pytest.raises(Exception, match=r"cannot be written: .*set VIT_CACHE_DIR"):
        Store(settings, patience=patience).fetch(name)
