"""From the names of files to classes and parts: `CLASS/x.jpg`, `train/CLASS/x.jpg`, either inside one more folder.

Knows names only; no byte of a file is looked at. Names are text of the user: NFC, kept for people, never used as paths.
"""

import dataclasses
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from vit_core.datasets.dataset import LeftOut, Part
from vit_core.datasets.part_folders import part_folders, part_of
from vit_core.errors import shorten

Kind = Literal["image", "other picture", "archive", "clutter", "other"]

_IMAGES = frozenset({"jpg", "jpeg", "jpe", "jfif", "png", "webp"})
_OTHER_PICTURES = frozenset(
    {"gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "svg", "psd", "raw", "cr2", "nef", "dng"}
)
_ARCHIVES = frozenset({"zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "zst"})
_CLUTTER = frozenset({".ds_store", "thumbs.db", "desktop.ini", "__macosx", ".localized", "ehthumbs.db", ".picasa.ini"})


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where one file belongs.

    Attributes:
        index: of its name in what `lay_out` was given.
        name: for people, below the wrapping folder; no two files have the same.
        class_name: its class.
        part: what its folder says; None where no folder says it.
    """

    index: int
    name: str
    class_name: str
    part: Part | None


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where all files belong.

    Attributes:
        places: of the images, in the order of the given names.
        classes: names of all class folders, the empty ones too, sorted.
        left_out: files without a place.
        notes: sentences on what was assumed.
    """

    places: tuple[Place, ...]
    classes: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


def plain_name(name: str) -> str:
    r"""Give a name as text that can be kept and compared: NFC, forward slashes, no half characters.

    Example:
        >>> plain_name("cafe\u0301\\1.jpg")
        'café/1.jpg'
    """
    whole = name.encode("utf-8", errors="replace").decode()
    return unicodedata.normalize("NFC", whole).replace("\\", "/")


def kind_of(name: str) -> Kind:
    """Tell by its name what a file may be; what is clutter of a file browser is worth no word."""
    parts = plain_name(name).casefold().split("/")
    if any(part in _CLUTTER or part.startswith("._") for part in parts):
        return "clutter"
    _, dot, suffix = parts[-1].rpartition(".")
    suffix = suffix if dot else ""
    if suffix in _IMAGES:
        return "image"
    if suffix in _OTHER_PICTURES:
        return "other picture"
    return "archive" if suffix in _ARCHIVES else "other"


def why_unsafe(name: str) -> str | None:
    """Give why a name could point outside a folder, as a sentence; None if it does not."""
    plain = plain_name(name)
    shown = f"{shorten(name)!r}"
    if ".." in plain.split("/"):
        return f"{shown} points out of the folder with '..', which is not accepted."
    if plain.startswith("/"):
        return f"{shown} is an absolute path, which is not accepted; names start with the class folder."
    if re.match(r"[A-Za-z]:(/|[^/]*$)", plain):
        return f"{shown} names a drive, which is not accepted; names start with the class folder."
    if "\0" in plain:
        return f"{shown} has a NUL character in its name, which is not accepted."
    return None


def sort_out(names: Iterable[str], *, inside: str) -> tuple[tuple[int, ...], tuple[LeftOut, ...], tuple[str, ...]]:
    """Part the names that may be images from all others.

    Args:
        names: of files.
        inside: what they are in, for sentences: "zip", "folder", "upload".

    Returns:
        Places of the possible images among the names; what is left out, each with its reason; notes on the rest.
    """
    images, left_out, others = [], [], []
    for index, name in enumerate(names):
        kind = kind_of(name)
        shown = f"{shorten(plain_name(name))!r}"
        if kind == "clutter":
            continue
        if reason := why_unsafe(name):
            left_out.append(LeftOut(plain_name(name), reason))
        elif kind == "image":
            images.append(index)
        elif kind == "archive":
            left_out.append(
                LeftOut(
                    plain_name(name), f"{shown} is an archive inside the {inside}; it was ignored, unpack it first."
                )
            )
        elif kind == "other picture":
            left_out.append(
                LeftOut(plain_name(name), f"{shown} is of a picture format not taken here; save it as JPEG or PNG.")
            )
        else:
            others.append(plain_name(name))
    notes = []
    if others:
        what = (
            f"1 file that is no image, {shorten(others[0])!r},"
            if len(others) == 1
            else (f"{len(others)} files that are no images, such as {shorten(others[0])!r},")
        )
        notes.append(f"{what} {'was' if len(others) == 1 else 'were'} ignored.")
    return tuple(images), tuple(left_out), tuple(notes)


def lay_out(names: Sequence[str], *, folders: Iterable[str] = ()) -> Layout:
    """Find the class and the part of each image from its name.

    The first folder of a name is the class, after one wrapping folder and a train or test folder, where all images have
    such; folders below a class belong to it.

    Args:
        names: of the images, safe by `why_unsafe`.
        folders: names of the folders, so that a class without images is known.
    """
    paths = [_components(name) for name in names]
    depth = _wrapping(paths)
    wrapper, paths = (paths[0][:depth] if paths else ()), [path[depth:] for path in paths]
    parts, notes = part_folders(paths)
    places: list[Place] = []
    left_out = []
    used: set[str] = set()
    for index, path in enumerate(paths):
        below = path[1:] if len(path) > 1 and path[0] in parts else path
        if reason := _why_no_place(path, below, parts):
            left_out.append(LeftOut("/".join(path), f"{shorten('/'.join(path))!r} {reason}"))
        else:
            places.append(Place(index, distinct("/".join(path), used), below[0], parts.get(path[0])))
    inside = [_components(folder) for folder in folders]
    empty = _classes_of([path[depth:] for path in inside if path[:depth] == wrapper], parts)
    classes = sorted({place.class_name for place in places} | (empty if places else set()))
    return Layout(tuple(places), tuple(classes), tuple(left_out), (*notes, *_look_alikes(classes)))


def distinct(name: str, used: set[str]) -> str:
    """Give a name that is not used yet, with a number behind it if need be, and count it as used."""
    candidate, number = name, 1
    while candidate in used:
        number += 1
        candidate = f"{name} ({number})"
    used.add(candidate)
    return candidate


def _components(name: str) -> tuple[str, ...]:
    return tuple(part for part in plain_name(name).split("/") if part not in ("", "."))


def _wrapping(paths: Sequence[tuple[str, ...]]) -> int:
    """Count the folders around everything: those that all images share and that leave a class below."""
    depth = 0
    while paths and max(map(len, paths)) - depth > 2:
        shared = {path[depth] if len(path) > depth + 1 else "" for path in paths}
        if len(shared) > 1 or shared == {""} or part_of(next(iter(shared))):
            break
        depth += 1
    return depth


def _why_no_place(path: tuple[str, ...], below: tuple[str, ...], parts: Mapping[str, Part]) -> str | None:
    """Give the end of a sentence that starts with the name; None for an image in a class folder."""
    if parts and len(path) > 1 and path[0] not in parts:
        among = " and ".join(map(repr, parts))
        return f"is in none of the folders {among}; put it into a class folder of one of them."
    return "is in no class folder; put it into a folder that is named after its class." if len(below) < 2 else None


def _classes_of(folders: Iterable[tuple[str, ...]], parts: Mapping[str, Part]) -> set[str]:
    """Give the classes of folders, the empty ones too; where there are parts, only those within them."""
    inside = (path[1:] if parts else path for path in folders if path and (not parts or path[0] in parts))
    return {path[0] for path in inside if path}


def _look_alikes(classes: Iterable[str]) -> list[str]:
    """Warn of classes that differ only in case or spaces; they may be meant as one."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault("".join(name.casefold().split()), []).append(name)
    return [
        f"The classes {' and '.join(repr(shorten(name, 60)) for name in names)} differ only in case or spaces; "
        "they are kept apart."
        for names in alike.values()
        if len(names) > 1
    ]
