"""Makes timm importable beside a PyTorch without CUDA.

torchvision comes from the package index as a CUDA build, whose compiled operators do not load into the CPU build of
torch; its Python part then stops at import because it describes operators that nobody has registered. Registering
their names is enough: timm calls none of them.
"""

import importlib.metadata
import pathlib
import re

import torch

_SCHEMAS = []  # a library unregisters its names when it is collected


def _register_operator_names() -> None:
    files = importlib.metadata.files("torchvision") or []
    path = next(file.locate() for file in files if file.name == "_meta_registrations.py")
    source = pathlib.Path(path).read_text()
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in sorted(set(re.findall(r"""["']torchvision::(\w+)["']""", source))):
        library.define(f"{name}(Tensor unused) -> Tensor")
    _SCHEMAS.append(library)


if torch.version.cuda is None:
    _register_operator_names()
