"""Which file of a folder holds the weights: by names alone, as transformers, timm and our own exports give them."""

from pathlib import Path

from vit_core.errors import BadInput, shorten

_USUAL = ("model.safetensors", "model.safetensors.index.json", "model.npz")
_SUFFIXES = (".safetensors", ".npz")
_LISTED = 3


def weights_in(folder: Path) -> Path:
    """Give the file of weights of a folder.

    Raises:
        BadInput: there is none, or there are several and none has one of the usual names.
        OSError: the folder cannot be read.
    """
    for name in _USUAL:
        if (folder / name).is_file():
            return folder / name
    found = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.is_file())
    if len(found) == 1:
        return found[0]
    shown = shorten(str(folder), 300)
    if not found:
        raise BadInput(f"{shown!r} is a folder without weights; give the path of an .npz or .safetensors file.")
    names = ", ".join(repr(shorten(path.name, 60)) for path in found[:_LISTED])
    raise BadInput(f"{shown!r} is a folder with several files of weights ({names} …); give the path of one of them.")
