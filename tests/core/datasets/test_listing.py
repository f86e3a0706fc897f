"""What a zip may hold is decided from its listing; each refusal names the entry and the rule."""

import io
import stat
import tarfile
import zipfile

import pytest

from vit_core.datasets.limits import IntakeOptions
from vit_core.datasets.listing import open_zip, read_listing
from vit_core.errors import BadDataset
from vit_core.image_file import ImageLimits


def list_zip(path, **limits):
    options = IntakeOptions(**limits)
    with open_zip(path, name="photos.zip", options=options) as archive:
        return read_listing(archive, name="photos.zip", options=options)


def reasons(listing):
    return {each.name: each.reason for each in listing.left_out}


def kept(listing):
    return [entry.filename for entry in listing.entries]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../../x.jpg", "'../../x.jpg' points out of the folder with '..', which is not accepted."),
        ("cat/../../x.jpg", "'cat/../../x.jpg' points out of the folder with '..', which is not accepted."),
        ("..\\x.jpg", "'..\\\\x.jpg' points out of the folder with '..', which is not accepted."),
        ("/abs/x.jpg", "'/abs/x.jpg' is an absolute path, which is not accepted; names start with the class folder."),
        ("C:\\w.jpg", "'C:\\\\w.jpg' names a drive, which is not accepted; names start with the class folder."),
        ("c:/cat/w.jpg", "'c:/cat/w.jpg' names a drive, which is not accepted; names start with the class folder."),
    ],
)
def test_an_entry_that_points_outside_is_refused_by_name_and_the_others_are_kept(zipped, pictures, name, reason):
    listing = list_zip(zipped(pictures() | {name: b"x"}))

    assert [each.reason for each in listing.left_out] == [reason]
    assert kept(listing) == list(pictures())


def test_a_symbolic_link_is_refused(zipped, pictures, special_entry):
    listing = list_zip(zipped([*pictures().items(), (special_entry("cat/link.jpg"), b"/etc/passwd")]))

    assert reasons(listing) == {
        "cat/link.jpg": "'cat/link.jpg' is a symbolic link, which is not accepted; pack the image itself."
    }


def test_a_pipe_is_refused(zipped, pictures, special_entry):
    listing = list_zip(zipped([*pictures().items(), (special_entry("cat/pipe.jpg", stat.S_IFIFO), b"")]))

    assert reasons(listing) == {"cat/pipe.jpg": "'cat/pipe.jpg' is no ordinary file, and is not accepted."}


def test_an_entry_that_grows_too_much_refuses_the_zip(zipped, pictures):
    path = zipped(pictures() | {"cat/bomb.jpg": bytes(5_000_000)}, compression=zipfile.ZIP_DEFLATED)

    with pytest.raises(BadDataset, match=r"The zip 'photos.zip' grows \d+ times .* more than 100 times is not acc"):
        list_zip(path)


def test_many_entries_that_grow_a_little_too_much_together_refuse_the_zip(zipped):
    path = zipped({f"cat/{place}.jpg": bytes(900_000) for place in range(10)}, compression=zipfile.ZIP_DEFLATED)

    with pytest.raises(BadDataset, match="grows"):
        list_zip(path)


def test_a_zip_that_unpacks_to_too_much_is_refused(zipped, pictures):
    with pytest.raises(BadDataset, match=r"unpacks to 0 MB; the limit is 0 MB"):
        list_zip(zipped(pictures()), size_bytes=1000)


def test_a_small_picture_may_shrink_as_much_as_it_likes(zipped, pictures):
    path = zipped(pictures() | {"cat/white.png": bytes(900_000)}, compression=zipfile.ZIP_DEFLATED)

    assert "cat/white.png" in kept(list_zip(path))


def test_too_many_entries_are_refused_with_their_number(zipped):
    path = zipped({f"cat/{place}.jpg": b"" for place in range(30)})

    with pytest.raises(BadDataset, match=r"The zip 'photos.zip' lists 30 entries; the limit is 20"):
        list_zip(path, entries=20)


def test_a_listing_whose_counter_wraps_is_counted_all_the_same(zipped):
    path = zipped({f"cat/{place}.jpg": b"" for place in range(30)})
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 8 : end + 12] = b"\1\0\1\0"
    path.write_bytes(data)

    with pytest.raises(BadDataset, match="lists 30 entries; the limit is 20"):
        list_zip(path, entries=20)


def test_a_hundred_thousand_entries_are_refused(tmp_path):
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for place in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"c/{place}.jpg"), b"")

    with pytest.raises(BadDataset, match="lists 100000 entries; the limit is 20000"):
        list_zip(path)


def test_entries_that_share_bytes_refuse_the_zip(overlapped):
    with pytest.raises(BadDataset, match=r"'cat/1.jpg' shares bytes with another entry"):
        list_zip(overlapped)


def test_a_zip_inside_the_zip_is_ignored_and_said(zipped, pictures):
    listing = list_zip(zipped(pictures() | {"cat/more.zip": b"PK", "old.rar": b"Rar!"}))

    assert reasons(listing) == {
        "cat/more.zip": "'cat/more.zip' is an archive inside the zip; it was ignored, unpack it first.",
        "old.rar": "'old.rar' is an archive inside the zip; it was ignored, unpack it first.",
    }


def test_an_encrypted_zip_is_refused(zipped, edited):
    path = edited(zipped({"cat/1.jpg": b"x"}), "cat/1.jpg", flags=1)

    with pytest.raises(BadDataset, match=r"The zip 'photos.zip' is encrypted; pack it again without a password\."):
        list_zip(path)


def test_an_encrypted_entry_among_others_is_left_out(zipped, edited, pictures):
    path = edited(zipped(pictures()), "cat/1.jpg", flags=1)

    assert reasons(list_zip(path)) == {"cat/1.jpg": "'cat/1.jpg' is encrypted; pack it without a password."}


def test_an_unusual_method_is_left_out(zipped, edited, pictures):
    path = edited(zipped(pictures()), "cat/1.jpg", method=14)

    assert reasons(list_zip(path)) == {
        "cat/1.jpg": "'cat/1.jpg' is packed by an unusual method (number 14); pack it as an ordinary zip."
    }


def test_an_image_over_the_limit_is_left_out_before_it_is_unpacked(zipped, pictures):
    listing = list_zip(zipped(pictures() | {"cat/big.jpg": bytes(3000)}), image=ImageLimits(size_bytes=2000))

    assert reasons(listing)["cat/big.jpg"] == "'cat/big.jpg' has 0.0 MB, over the limit of 0.002 MB per image."


@pytest.mark.parametrize(
    "name", ["__MACOSX/cat/._1.jpg", "cat/.DS_Store", "Thumbs.db", "cat/desktop.ini", "cat/._1.jpg"]
)
def test_clutter_of_file_browsers_is_skipped_in_silence(zipped, pictures, name):
    listing = list_zip(zipped(pictures() | {name: b"clutter"}))

    assert (kept(listing), listing.left_out, listing.notes) == (list(pictures()), (), ())


def test_files_that_are_no_images_are_counted(zipped, pictures):
    listing = list_zip(zipped(pictures() | {"README.txt": b"", "cat/labels.csv": b""}))

    assert listing.notes == ("2 files that are no images, such as 'README.txt', were ignored.",)


def test_pictures_of_other_formats_are_named(zipped, pictures):
    listing = list_zip(zipped(pictures() | {"cat/photo.HEIC": b""}))

    assert reasons(listing) == {
        "cat/photo.HEIC": "'cat/photo.HEIC' is of a picture format not taken here; save it as JPEG or PNG."
    }


def tar(compression):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{compression}") as archive:
        archive.addfile(tarfile.TarInfo("cat/1.jpg"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"Rar!\x1a\x07\x01\x00", "it is a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "it is a 7z archive"),
        (tar(""), "it is a tar archive"),
        (tar("gz"), "it is a gzip archive"),
        (b"%PDF-1.7", "it is a PDF document"),
        (b"\xff\xd8\xff\xe0", "it is a single JPEG image"),
        (b"<!DOCTYPE html><html>", "it is an HTML or XML page"),
    ],
    ids=["rar", "7z", "tar", "gzip", "pdf", "jpeg", "html"],  # a gzip names the second in which it was made
)
def test_another_kind_of_file_is_named(tmp_path, data, what):
    path = tmp_path / "photos.zip"
    path.write_bytes(data)

    with pytest.raises(BadDataset) as caught:
        list_zip(path)

    assert str(caught.value) == f"'photos.zip' is not a zip; {what}. Pack the folder of class folders as .zip."


def test_bytes_of_no_kind_are_no_zip(tmp_path):
    path = tmp_path / "photos.zip"
    path.write_bytes(b"hello")

    with pytest.raises(BadDataset, match=r"'photos.zip' is not a zip. Pack the folder"):
        list_zip(path)


def test_an_empty_file_is_empty(tmp_path):
    path = tmp_path / "photos.zip"
    path.touch()

    with pytest.raises(BadDataset, match=r"'photos.zip' is empty."):
        list_zip(path)


def test_a_zip_cut_in_half_is_cut_short(zipped, pictures):
    path = zipped(pictures())
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(BadDataset, match=r"'photos.zip' is cut short"):
        list_zip(path)


def test_a_listing_with_garbage_is_damaged(zipped, pictures):
    path = zipped(pictures())
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2")
    data[at : at + 4] = b"junk"
    path.write_bytes(data)

    with pytest.raises(BadDataset, match=r"The zip 'photos.zip' is damaged"):
        list_zip(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(BadDataset, match=r"The zip 'photos.zip' cannot be read: No such file or directory"):
        list_zip(tmp_path / "nothing.zip")


def test_a_zip64_zip_is_read(tmp_path, picture):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive, archive.open("cat/1.jpg", "w", force_zip64=True) as entry:
        entry.write(picture())

    assert kept(list_zip(path)) == ["cat/1.jpg"]
