"""The file of decoded images: made once, used again, refused when damaged, bounded, all or nothing."""

import os
import shutil

import numpy as np
import pytest

from vit_core.datasets.pixels import open_pixels
from vit_core.errors import BadDataset, StorageFull, StoreError
from vit_core.store.locks import FileLock

NUM_TRAIN = 24


@pytest.fixture
def root(drawn_dataset, tmp_path):
    """A copy of the images that a test may take away."""
    return shutil.copytree(drawn_dataset.root, tmp_path / "images")


@pytest.fixture
def open_kept(drawn_dataset, root, tmp_path):
    """Give a function that opens the training images with a cache."""

    def opened(**options):
        options = {"resolution": 32, "cache": tmp_path / "cache", **options}
        return open_pixels(drawn_dataset.of("train"), root, **options)

    return opened


@pytest.fixture
def files(tmp_path):
    """Give a function that lists the cache files, whole and half ones."""
    return lambda: sorted((tmp_path / "cache").glob("*.pixels*"))


def spoil(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 0x55
    path.write_bytes(data)


@pytest.mark.parametrize("keep", ["crops", "whole"])
def test_kept_images_are_the_decoded_ones(open_kept, keep):
    kept, decoded = open_kept(keep=keep), open_kept(cache=None)
    assert (kept.cached, decoded.cached) == (True, False)
    for number in range(NUM_TRAIN):
        assert np.array_equal(kept.image(number), decoded.image(number))
        assert np.array_equal(kept.whole(number), decoded.whole(number))


def test_test_images_are_kept_whole_and_others_for_crops(pixels_of, tmp_path):
    assert [pixels_of(part, cache=tmp_path).keep for part in ("train", "test")] == ["crops", "whole"]


def test_a_later_run_needs_the_images_no_more(open_kept, root):
    first = [open_kept().image(number) for number in range(NUM_TRAIN)]
    shutil.rmtree(root)
    again = open_kept()
    assert all(np.array_equal(again.image(number), image) for number, image in enumerate(first))


def test_images_are_not_for_writing(open_kept):
    with pytest.raises(ValueError, match="read-only"):
        open_kept().image(0)[0, 0, 0] = 1


def test_a_closed_object_decodes(open_kept, root):
    pixels = open_kept()
    pixels.close()
    shutil.rmtree(root)
    with pytest.raises(BadDataset, match="cannot be read any more"):
        pixels.image(0)


def test_another_resolution_form_or_choice_of_images_has_a_file_of_its_own(open_kept, files, drawn_dataset, root):
    open_kept()
    open_kept(resolution=16)
    open_kept(keep="whole")
    open_pixels(drawn_dataset.of("train")[:-1], root, resolution=32, cache=files()[0].parent)
    assert len(files()) == 4


@pytest.mark.parametrize("at", [0, 20, 49, 60, -1])
def test_a_damaged_file_is_not_believed(open_kept, files, at):
    expected = [open_kept().image(number).copy() for number in range(NUM_TRAIN)]
    spoil(files()[0], at)
    pixels = open_kept()
    assert all(np.array_equal(pixels.image(number), image) for number, image in enumerate(expected))


def test_a_file_damaged_in_its_pixels_is_deleted_when_it_is_noticed(open_kept, files):
    open_kept()
    spoil(files()[0], -1)
    open_kept().image(NUM_TRAIN - 1)
    assert files() == []


def test_a_file_that_is_too_short_is_made_again(open_kept, files):
    open_kept()
    path = files()[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    open_kept()
    assert path.read_bytes() == whole


def test_images_over_the_limit_are_decoded_each_time(open_kept, files):
    pixels = open_kept(limit_bytes=90_000)  # 24 images of 37 x 37 pixels are 99 kB
    assert not pixels.cached
    assert pixels.image(0).shape == (37, 37, 3)
    assert files() == []


def test_what_was_used_longest_ago_makes_room(open_kept, files):
    open_kept(resolution=16)
    oldest = files()[0]
    open_kept(resolution=20)
    os.utime(oldest, (1, 1))
    newer = next(path for path in files() if path != oldest)
    open_kept(limit_bytes=99_000 + 44_000)
    assert oldest not in files()
    assert newer in files()


def test_use_is_remembered(open_kept, files):
    open_kept()
    os.utime(files()[0], (1, 1))
    open_kept()
    assert files()[0].stat().st_mtime > 1


def test_what_a_killed_process_left_is_swept(open_kept, files, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "decoded-images-00.pixels.part").write_bytes(b"half")
    open_kept()
    assert [path.suffix for path in files()] == [".pixels"]


def test_a_full_disk_is_told_and_nothing_is_left(open_kept, files, pixel_threads, no_file_past):
    with no_file_past(50_000), pytest.raises(StorageFull, match="There is no room on the disk for decoded-images-"):
        open_kept()
    assert files() == []
    assert pixel_threads() == []


def test_a_cache_folder_that_cannot_be_is_told(open_kept, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be written"):
        open_kept(cache=tmp_path / "file")


def test_a_broken_image_leaves_no_file_behind(open_kept, files, root):
    (root / "disc" / "001.jpg").write_bytes(b"other")
    with pytest.raises(BadDataset, match=r"'disc/001.jpg' has changed"):
        open_kept()
    assert files() == []


def test_progress_is_told(open_kept):
    told = []
    open_kept(progress=lambda done, total: told.append((done, total)))
    assert told == [(done, NUM_TRAIN) for done in range(1, NUM_TRAIN + 1)]


def test_what_progress_raises_ends_the_making(open_kept, files, pixel_threads):
    def stop(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_kept(progress=stop)
    assert files() == []
    assert pixel_threads() == []


def test_one_process_at_a_time_makes_files(open_kept, tmp_path):
    other = FileLock(tmp_path / "cache" / "pixels.lock")
    waited = []

    def release(done, _total):
        if done == 0 and not waited:
            waited.append(True)
            other.release()

    assert open_kept(progress=release).cached
    assert waited
