"""What all tests share: shape checks, an environment of their own, a real bucket server, pictures to learn from."""

import contextlib
import hashlib
import io
import os
import resource
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from bucket_server import NOWHERE, Bucket, running_proxy, running_server
from hub_server import running_hub
from jaxtyping import install_import_hook
from PIL import Image, ImageDraw

# Array shapes in signatures are checked on every call, in modules imported from here on: before all others.
install_import_hook(
    [
        "vit_core.models.layers",
        "vit_core.models.resnet",
        "vit_core.models.encoder",
        "vit_core.models.map_head",
        "vit_core.models.mixer",
        "vit_core.models.vit",
        "vit_core.models.build",
        "vit_core.models.noise",
        "vit_core.checkpoints",
        "vit_core.inference",
        "vit_core.image_file",
        "vit_core.image_header",
        "vit_core.plain_jpeg",
        "vit_core.bilinear",
        "vit_core.preprocess",
        "vit_core.datasets",
        "vit_core.training",
        "vit_core.export",
    ],
    "beartype.beartype",
)

from vit_core.datasets.dataset import DataSet, Example  # noqa: E402 - after the switch


@pytest.fixture(scope="session")
def hearing_ctrl_c():
    """The first words of a command that is to hear Ctrl+C: what a script starts in its background ignores it.

    Undone in the new process, which then becomes the command: a function to call between fork and exec would fork
    this one, which JAX's threads do not bear.
    """
    listen = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", listen]


@pytest.fixture(scope="session")
def no_file_past():
    """Give `no_file_past(size)`: a `with` in which files stop growing there, which is told as a full disk is.

    Only a `with` around the call under test: the limit holds for the whole process, and where the tests' own output
    goes to a file, that file is longer.
    """

    @contextlib.contextmanager
    def limited(size):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory):
    """No test sees the user's settings, cache or credentials, and a forgotten bucket is refused, not the internet."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("VIT_")]:
            patch.delenv(name)
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("VIT_CACHE_DIR", str(folder / "cache"))
        patch.setenv("VIT_RUNS_DIR", str(folder / "runs"))
        patch.setenv("VIT_LOCK_DIR", str(folder / "locks"))
        patch.setenv("STORAGE_EMULATOR_HOST", NOWHERE)
        patch.setenv("NO_GCE_CHECK", "true")
        patch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        for name in [name for name in os.environ if name.startswith("HF_")]:
            patch.delenv(name)
        patch.setenv("HF_ENDPOINT", NOWHERE)  # and so is the hub
        patch.setenv("HF_HOME", str(folder / "hf"))
        yield


@pytest.fixture(scope="session")
def _storage_server():
    with running_server() as url:
        yield url


@pytest.fixture
def bucket_server(_storage_server, monkeypatch):
    """An empty bucket gs://vit_models/augreg on a real server; see `Bucket`."""
    bucket = Bucket(_storage_server, _storage_server)
    bucket.empty()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket.url)
    return bucket


@pytest.fixture
def fault_proxy(bucket_server, monkeypatch):
    """The bucket of `bucket_server`, behind a proxy on which a test plans faults; see `FaultProxy`."""
    with running_proxy(bucket_server.server_url) as proxy:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", proxy.url)
        yield proxy


@pytest.fixture
def hub(monkeypatch):
    """An empty hub, which HF_ENDPOINT names; see `Hub`."""
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture(scope="module")
def module_fault_proxy():
    """A bucket and its proxy that live as long as a module of tests, for an app that is started once for all of them.

    Sets no environment: give `proxy.environment()` to the process of the app, and `reset()` between tests.
    """
    with running_server() as url, running_proxy(url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def draw_classes():
    """Give a function that draws JPEGs into CLASS/NUMBER.jpg below a folder: three shapes that a tiny model can learn.

    `draw_classes(folder, per_class=12, size=48, seed=0)` gives the folder. Equal arguments draw equal bytes.
    """

    def draw_all(folder: Path, *, per_class: int = 12, size: int = 48, seed: int = 0) -> Path:
        rng = np.random.default_rng(seed)
        for name, paint in _SHAPES.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number in range(per_class):
                picture = Image.fromarray(rng.integers(0, 60, (size, size, 3), np.uint8))
                ink = tuple(int(value) for value in rng.integers(150, 256, 3))
                left, top = (int(value) for value in rng.integers(2, size // 3, 2))
                paint(ImageDraw.Draw(picture), (left, top, left + size // 2, top + size // 2), ink)
                picture.save(folder / name / f"{number:03d}.jpg", quality=90)
        return folder

    return draw_all


@pytest.fixture(scope="session")
def slow_zip():
    """Give a function that zips photos of two classes which take a while to check: progressive JPEGs of 2400 px.

    `slow_zip(200)` takes two cores several seconds; `more` bytes make it larger without a photo.
    """
    blocks = [np.random.default_rng(seed).integers(0, 255, (9, 9), np.uint8) for seed in range(8)]
    photos = []
    for each in blocks:
        buffer = io.BytesIO()
        Image.fromarray(each).resize((2400, 2400), Image.Resampling.NEAREST).save(
            buffer, "JPEG", quality=30, progressive=True
        )
        photos.append(buffer.getvalue())

    def make(count: int, *, more: int = 0) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for number in range(count):
                # What stands behind the end of a JPEG is no part of the picture, but makes other bytes of it.
                archive.writestr(f"{'ab'[number % 2]}/{number:04d}.jpg", photos[number % 8] + b"%d" % number)
            archive.writestr("notes.bin", bytes(more))
        return buffer.getvalue()

    return make


@pytest.fixture(scope="session")
def drawn_dataset(draw_classes, tmp_path_factory):
    """A data set of three drawn classes: 24 images to learn from and 12 to test on, 48 px each."""
    root = draw_classes(tmp_path_factory.mktemp("drawn"), per_class=12)
    classes = ("bar", "disc", "frame")
    examples = [
        _example(root, path, classes.index(path.parent.name), "test" if int(path.stem) % 3 == 0 else "train")
        for path in sorted(root.glob("*/*.jpg"))
    ]
    return DataSet("drawn", root, classes, tuple(examples), test_share=1 / 3)


def _example(root, path, label, part):
    data = path.read_bytes()
    with Image.open(path) as image:
        width, height = image.size
    name = path.relative_to(root).as_posix()
    digest = hashlib.sha256(data).hexdigest()
    return Example(name, name, label, part, digest, len(data), width, height, digest[:16])


def _bar(pen, box, ink):
    middle = (box[1] + box[3]) // 2
    pen.rectangle((box[0], middle - 3, box[2], middle + 3), fill=ink)


_SHAPES = {
    "bar": _bar,
    "disc": lambda pen, box, ink: pen.ellipse(box, fill=ink),
    "frame": lambda pen, box, ink: pen.rectangle(box, outline=ink, width=3),
}
