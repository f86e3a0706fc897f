"""What an interrupted download leaves is used by the next one, if it is still of the same object."""

import pytest

from vit_core.errors import AccessDenied


def test_what_came_before_a_failure_is_used_by_the_next_fetch(store, fault_proxy, name, data):
    fault_proxy.cut(after=300_000, times=1)
    fault_proxy.answer(403, on="media")
    with pytest.raises(AccessDenied):
        store.fetch(name)
    fault_proxy.reset()

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.media(f"{name}.npz")[0].range == "bytes=300000-"


def test_what_is_left_of_an_older_version_is_not_used(store, fault_proxy, name, other_data):
    fault_proxy.cut(after=300_000, times=1)
    fault_proxy.answer(403, on="media")
    with pytest.raises(AccessDenied):
        store.fetch(name)
    fault_proxy.reset()
    fault_proxy.put(f"{name}.npz", other_data)

    assert store.fetch(name).read_bytes() == other_data


def test_a_leftover_with_damaged_bytes_is_found_out(store, fault_proxy, settings, name, data):
    fault_proxy.cut(after=300_000, times=1)
    fault_proxy.answer(403, on="media")
    with pytest.raises(AccessDenied):
        store.fetch(name)
    fault_proxy.reset()
    (part,) = settings.cache_dir.glob("checkpoints/*/*.part")
    part.write_bytes(bytes(300_000))

    assert store.fetch(name).read_bytes() == data


def test_a_leftover_with_an_unreadable_record_is_not_used(store, fault_proxy, settings, name, data):
    fault_proxy.cut(after=300_000, times=1)
    fault_proxy.answer(403, on="media")
    with pytest.raises(AccessDenied):
        store.fetch(name)
    fault_proxy.reset()
    (record,) = settings.cache_dir.glob("checkpoints/*/*.json")
    record.write_text('{"url": ')

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.media(f"{name}.npz")[0].range is None


def test_a_complete_leftover_is_checked_and_taken_without_reading_it_again(store, fault_proxy, settings, name, data):
    fault_proxy.cut(after=300_000, times=1)
    fault_proxy.answer(403, on="media")
    with pytest.raises(AccessDenied):
        store.fetch(name)
    fault_proxy.reset()
    (part,) = settings.cache_dir.glob("checkpoints/*/*.part")
    part.write_bytes(data)

    assert store.fetch(name).read_bytes() == data
    assert fault_proxy.log == []
