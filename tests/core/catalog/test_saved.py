from datetime import UTC, datetime

import pandas as pd
import pytest

from vit_core.catalog.saved import CopyError, Saved, copy_path, read_copy, write_copy


@pytest.fixture
def saved(frame) -> Saved:
    return Saved(frame.head(100), "gs://bucket/index.csv", "7", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), ("a note",))


def test_what_is_written_is_read(saved, tmp_path):
    write_copy(tmp_path / "copy.parquet", saved)
    again = read_copy(tmp_path / "copy.parquet")
    assert (again.location, again.generation, again.saved_at, again.notes) == (
        saved.location,
        saved.generation,
        saved.saved_at,
        saved.notes,
    )
    pd.testing.assert_frame_equal(again.frame, saved.frame)


def test_a_missing_copy_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_copy(tmp_path / "none.parquet")


def test_a_copy_of_another_version_is_not_taken(saved, tmp_path, monkeypatch):
    write_copy(tmp_path / "copy.parquet", saved)
    monkeypatch.setattr("vit_core.catalog.saved.FORMAT", 3)
    with pytest.raises(CopyError, match="another version"):
        read_copy(tmp_path / "copy.parquet")


def test_a_copy_without_a_column_is_not_taken(saved, tmp_path):
    short = Saved(saved.frame.drop(columns="note"), saved.location, None, saved.saved_at)
    with pytest.raises(KeyError):
        short.frame["note"]
    write_copy(tmp_path / "copy.parquet", short)
    with pytest.raises(CopyError, match="another version"):
        read_copy(tmp_path / "copy.parquet")


def test_a_failed_write_leaves_the_old_copy_and_no_rubbish(saved, tmp_path, monkeypatch):
    path = tmp_path / "copy.parquet"
    write_copy(path, saved)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyarrow.parquet.write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write_copy(path, saved)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["copy.parquet"]


def test_each_location_has_its_own_copy(tmp_path):
    paths = {copy_path(tmp_path, location) for location in ("gs://a/index.csv", "gs://b/index.csv", "../../x")}
    assert len(paths) == 3
    assert {path.parent for path in paths} == {tmp_path / "index"}
