"""Code to copy for one checkpoint: this project's Python and command line, PyTorch with timm, and the bare download.

Every snippet runs as it stands once the named packages are there and a `photo.jpg` lies in the folder. Names are
quoted for the language they stand in, because a table may hold any text.
"""

import dataclasses
import shlex
from collections.abc import Mapping
from urllib.parse import quote

from vit_core.catalog.collection import MODEL_FACTS, PRETRAINING_SETS, TRANSFER_SETS
from vit_core.catalog.describe import family_of_row, is_fine_tuned
from vit_core.catalog.families import SOURCE, Family
from vit_core.catalog.naming import is_published
from vit_core.errors import VitError
from vit_core.settings import PUBLIC_BUCKET
from vit_core.store.location import Location, object_location

INPUT_LINE = "RGB in [-1, 1]: (x - 127.5) / 127.5, that is mean = std = 0.5"

# Mean and deviation by `Family.scaling`; ImageNet's as in timm/data/constants.py.
_SCALINGS = {
    "": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
}
_GOOGLES_TAG = "orig_in21k_ft_in1k"  # timm's word for Google's first weights


@dataclasses.dataclass(frozen=True)
class Snippet:
    """Code for one way to use a checkpoint.

    Attributes:
        key: "python", "cli", "timm", "download" or "convert".
        title: words for a tab.
        language: for highlighting: "python" or "bash".
        code: the text to copy.
    """

    key: str
    title: str
    language: str
    code: str


def snippets(row: Mapping[str, object], *, bucket: str = PUBLIC_BUCKET) -> tuple[Snippet, ...]:
    """Give the snippets for a row of a catalogue or of `pretrained_files`.

    Args:
        row: with at least filename, or adapt_ds and adapt_filename for a fine-tuned file.
        bucket: where the file lies.

    Returns:
        Python and command line for every file that has a name, for features and fine-tuning where it names no
        classes; timm and download for AugReg's architectures and
        files of a bucket; the way to safetensors for a PyTorch pickle. A placeholder for a name that was never
        published gives none.
    """
    family = family_of_row(row)
    if family is not None:
        return _family_snippets(family, row)
    name = str(row["adapt_filename"] if is_fine_tuned(row) else row["filename"])
    if not is_published(name):
        return ()
    made = [_python(name, bucket, row), _command_line(name, bucket, row)]
    if _is_augreg(row):
        made.append(_timm(name, row))
    if row.get("source") != "demo" and (download := _download(name, bucket)):
        made.append(download)
    return tuple(made)


def _family_snippets(family: Family, row: Mapping[str, object]) -> tuple[Snippet, ...]:
    if family.is_pickle:
        return (_convert(family),)
    made = (_python(family.name, PUBLIC_BUCKET, row), _command_line(family.name, PUBLIC_BUCKET, row))
    if family.head != "kept":
        made = (_features(family.name), _commands_without_classes(family.name))
    if not family.name.startswith("gs://"):
        return made
    return (*made, Snippet("download", "Download", "bash", _download_code(Location(family.name, family.name, "gs"))))


def _convert(family: Family) -> Snippet:
    file = family.name.rpartition("/")[2]
    folder = file.removesuffix(".pth")
    mean, deviation = _SCALINGS[family.scaling]
    tag = f'"tag": {_GOOGLES_TAG!r}, ' if family.paper == "vit" else ""
    code = f"""# pip install torch safetensors; download the file first:
#   curl -fLO {family.name}
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

# weights_only: nothing of the pickle is run
weights = torch.load({file!r}, map_location="cpu", weights_only=True)
folder = Path({folder!r})
folder.mkdir(exist_ok=True)
save_file({{name: array.contiguous() for name, array in weights.items()}}, folder / "model.safetensors")
# what no weight tells: how pixels were scaled, and who trained
told = {{{tag}"mean": {mean}, "std": {deviation}}}
config = {{"architecture": {family.label!r}, "pretrained_cfg": told}}
(folder / "config.json").write_text(json.dumps(config))
# then: vit-explorer classify --checkpoint {folder}/model.safetensors photo.jpg --top-k 5
"""
    return Snippet("convert", "PyTorch pickle to safetensors", "python", code)


def _python(name: str, bucket: str, row: Mapping[str, object]) -> Snippet:
    elsewhere = _is_elsewhere(bucket, row)
    given = ", settings=Settings(bucket=BUCKET)" if elsewhere else ""
    imports = "from vit_core.settings import Settings\n" if elsewhere else ""
    constant = f"BUCKET = {bucket!r}\n" if elsewhere else ""
    code = f"""from vit_core import load_predictor
{imports}
{constant}predictor = load_predictor({name!r}{given})

for prediction in predictor.classify(["photo.jpg"], top_k=5)[0]:
    print(f"{{prediction.probability:6.1%}}  {{prediction.label}}")

# predictor.logits(images) takes arrays of your own: float32 [B, H, W, 3],
# {INPUT_LINE}
"""
    return Snippet("python", "Python", "python", code)


def _command_line(name: str, bucket: str, row: Mapping[str, object]) -> Snippet:
    flag = f" --bucket {shlex.quote(bucket)}" if _is_elsewhere(bucket, row) else ""
    code = f"vit-explorer classify --checkpoint {shlex.quote(name)} photo.jpg --top-k 5{flag}\n"
    return Snippet("cli", "Command line", "bash", code)


def _features(name: str) -> Snippet:
    code = f"""from vit_core import load_predictor
from vit_core.preprocess import normalise, read_model_input

predictor = load_predictor({name!r})

# It names no classes; its features say what is on a picture, for a classifier of your own.
pixels = read_model_input("photo.jpg", predictor.resolution)
print(predictor.features(normalise(pixels[None]))[0])

# predictor.features(images) takes arrays of your own: float32 [B, H, W, 3],
# {INPUT_LINE}
"""
    return Snippet("python", "Python", "python", code)


def _commands_without_classes(name: str) -> Snippet:
    quoted = shlex.quote(name)
    code = f"""# It names no classes: teach it yours, from a folder of photos/CLASS/x.jpg
vit-explorer finetune --checkpoint {quoted} --data photos/ --name my-photos
# or take it to other programs, for its features
vit-explorer export --checkpoint {quoted} --to my-model
"""
    return Snippet("cli", "Command line", "bash", code)


def _timm(name: str, row: Mapping[str, object]) -> Snippet:
    resolution = int(float(str(row["adapt_resolution"]))) if is_fine_tuned(row) else 224
    architecture = f"{MODEL_FACTS[str(row['name'])].timm}_{resolution}"
    code = f"""# pip install timm pillow; download the file first (torch.load cannot read it, timm converts it)
import timm
import torch
from PIL import Image

model = timm.create_model(
    {architecture!r},
    num_classes={_num_classes(row)},
    act_layer="gelu_tanh",  # the approximation of GELU that the checkpoint was trained with
    checkpoint_path={f"{name}.npz"!r},
).eval()

# {INPUT_LINE};
# the whole picture squeezed into a square, as in the original evaluation
transform = timm.data.create_transform(
    input_size=(3, {resolution}, {resolution}),
    interpolation="bilinear",
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    crop_pct=1.0,
    crop_mode="squash",
)
with torch.inference_mode():
    logits = model(transform(Image.open("photo.jpg").convert("RGB")).unsqueeze(0))
print(logits.softmax(-1).topk({min(5, _num_classes(row))}))
"""
    return Snippet("timm", "PyTorch (timm)", "python", code)


def _download(name: str, bucket: str) -> Snippet | None:
    try:
        location = object_location(bucket, name)
    except VitError:
        return None  # a name that no object can have; the table may hold any text
    return Snippet("download", "Download", "bash", _download_code(location))


def _download_code(location: Location) -> str:
    if location.kind == "file":
        return f"cp {shlex.quote(location.url)} .\n"
    if location.kind == "http":
        return f"curl -fLO {shlex.quote(location.url)}\n"
    path = quote(location.url.removeprefix("gs://"), safe="/")
    return (
        f"curl -fLO {shlex.quote(f'https://storage.googleapis.com/{path}')}\n"
        "# or, with the Google Cloud SDK:\n"
        f"gsutil cp {shlex.quote(location.url)} .\n"
    )


def _num_classes(row: Mapping[str, object]) -> int:
    if is_fine_tuned(row):
        return TRANSFER_SETS[str(row["adapt_ds"])].num_classes
    return PRETRAINING_SETS[str(row["ds"])].num_classes


def _is_augreg(row: Mapping[str, object]) -> bool:
    """Tell whether the architecture and the width of the head are known from the tables of AugReg."""
    known = str(row.get("name")) in MODEL_FACTS and str(row.get("ds")) in PRETRAINING_SETS
    if not is_fine_tuned(row):
        return known
    resolution = row.get("adapt_resolution")
    return known and str(row.get("adapt_ds")) in TRANSFER_SETS and resolution in (224, 384)


def _is_elsewhere(bucket: str, row: Mapping[str, object]) -> bool:
    return bucket != PUBLIC_BUCKET and row.get("source") not in ("demo", SOURCE)
