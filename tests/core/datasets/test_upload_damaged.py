"""Images and entries of a zip that are damaged or lie about themselves: named, left out, no harm to the others."""

import zipfile

import pytest


def reasons(dataset):
    return {each.name: each.reason for each in dataset.left_out}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "'cat/bad.jpg' is empty."),
        (b"<html>404</html>", "'cat/bad.jpg' is an HTML or XML page, which is not a picture format read here"),
        (b"GIF89a" + bytes(20), "'cat/bad.jpg' is a GIF image; JPEG, PNG and WebP are accepted."),
        (b"\x89PNG\r\n\x1a\nbroken", "'cat/bad.jpg' is a broken PNG image"),
    ],
)
def test_a_broken_image_is_named_and_left_out(take, pictures, data, reason):
    dataset = take(pictures() | {"cat/bad.jpg": data})

    assert reasons(dataset)["cat/bad.jpg"].startswith(reason)
    assert len(dataset.examples) == 12


def test_a_broken_image_leaves_no_file(take, pictures):
    dataset = take(pictures() | {"cat/bad.jpg": b"nothing"})

    assert len(list((dataset.root / "files").iterdir())) == 12


def test_an_image_cut_in_half_is_truncated(take, pictures, picture):
    dataset = take(pictures() | {"cat/half.jpg": picture(99, size=(200, 200))[:-2000]})

    assert reasons(dataset)["cat/half.jpg"].startswith("'cat/half.jpg' is truncated")


def test_a_wrong_checksum_leaves_the_entry_out(take, zipped, edited, pictures):
    dataset = take(edited(zipped(pictures()), "cat/1.jpg", crc=1))

    assert reasons(dataset) == {"cat/1.jpg": "'cat/1.jpg' is damaged in the zip (its checksum does not fit)."}
    assert len(dataset.examples) == 11


def test_an_entry_larger_than_it_says_is_left_out(take, zipped, edited, pictures):
    dataset = take(edited(zipped(pictures()), "cat/1.jpg", size=100))

    assert reasons(dataset) == {"cat/1.jpg": "'cat/1.jpg' is damaged in the zip (its checksum does not fit)."}


def test_an_entry_smaller_than_it_says_is_left_out(take, tmp_path, edited, pictures):
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in pictures().items():
            archive.writestr(name, data)

    dataset = take(edited(path, "cat/1.jpg", size=5000))

    assert list(reasons(dataset)) == ["cat/1.jpg"]
    assert len(dataset.examples) == 11


def test_an_entry_whose_own_header_is_another_one_is_left_out(take, zipped, pictures):
    path = zipped(pictures())
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\3\4", 10)
    data[at + 30 : at + 33] = b"owl"
    path.write_bytes(data)

    assert list(reasons(take(path))) == ["cat/1.jpg"]


def test_garbage_in_packed_bytes_leaves_the_entry_out(take, tmp_path, pictures):
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in pictures().items():
            archive.writestr(name, data)
        broken = archive.getinfo("dog/0.jpg").header_offset + 30 + len("dog/0.jpg")
    data = bytearray(path.read_bytes())
    data[broken : broken + 20] = b"\xff" * 20
    path.write_bytes(data)

    dataset = take(path)

    assert list(reasons(dataset)) == ["dog/0.jpg"]
    assert len(dataset.examples) == 11
