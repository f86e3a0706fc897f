"""One checkpoint, loaded and ready: logits, features, named classes, attention maps.

    predictor = load_predictor("Ti_16-i21k-300ep-…--imagenet2012-steps_20k-lr_0.03-res_224")
    predictor.classify(["cat.jpg"])[0][0].label

Knows files, devices and batches; knows nothing of processes and users, which are the service's business.
"""

import contextlib
import dataclasses
import functools
import itertools
import logging
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float32, UInt8

from vit_core.catalog.hub_copies import offering_copy
from vit_core.checkpoints.restore import load_checkpoint
from vit_core.datasets.threads import in_order
from vit_core.devices import describe_device, enable_compile_cache, pick_device
from vit_core.errors import BadCheckpoint, BadInput, DamagedCheckpoint, shorten
from vit_core.inference import programs
from vit_core.inference.attention import Attention
from vit_core.inference.crop import file_input
from vit_core.inference.head import I21K_NOTE, Head, why_no_classes
from vit_core.inference.labels import Labels, choose_labels
from vit_core.inference.placing import place
from vit_core.inference.programs import Outputs
from vit_core.inference.published import as_published
from vit_core.inference.results import Prediction
from vit_core.models.config import ModelConfig
from vit_core.models.tree import Params
from vit_core.preprocess import METHODS
from vit_core.settings import Settings
from vit_core.store.checked import Checked
from vit_core.store.store import Store

__all__ = ["DECODERS", "Attention", "Prediction", "Predictor", "load_predictor", "open_predictor", "relabel"]

logger = logging.getLogger(__name__)

DECODERS = min(4, os.cpu_count() or 1)  # a decode needs up to 250 MB


@dataclasses.dataclass(frozen=True, eq=False)
class Predictor:
    """A checkpoint on a device. Does not change; use it from as many threads as you like.

    Attributes:
        name: of the checkpoint.
        config: its architecture, with the resolution it was loaded for.
        labels: names of the classes.
        head: "kept"; "zeroed" or "missing" where it names no classes.
        file_notes: what is unusual about the file, as sentences.
        load_seconds: what reading it and moving it to the device took.
    """

    name: str
    config: ModelConfig
    labels: Labels
    head: Head
    file_notes: tuple[str, ...]
    load_seconds: float
    _params: Params
    _device: jax.Device
    _file: Path
    _compile_seconds: list[float] = dataclasses.field(default_factory=list)

    @property
    def resolution(self) -> int:
        """Side of the input in pixels."""
        return self.config.resolution

    @property
    def device(self) -> str:
        """What computes, as text: "CPU", "NVIDIA H200"."""
        return describe_device(self._device)

    @property
    def precision(self) -> str:
        """Type of the computation: "float32" on a CPU, "bfloat16" on an accelerator."""
        return programs.precision(self._device)

    @property
    def notes(self) -> tuple[str, ...]:
        """What to know when reading the predictions, as sentences."""
        return self.file_notes + ((I21K_NOTE,) if self.labels.dataset == "i21k" else ())

    @property
    def no_classes(self) -> str:
        """Why it cannot name classes, as a sentence; "" where it can."""
        return why_no_classes(self.head, self.name)

    @property
    def seconds(self) -> Mapping[str, float]:
        """What loading and compiling took so far: "load" and "compile"."""
        return {"load": self.load_seconds, "compile": sum(self._compile_seconds)}

    @property
    def size_bytes(self) -> int:
        """Memory of the weights."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self._params))

    def logits(self, images: Float32[np.ndarray, "B H W 3"]) -> Float32[np.ndarray, "B K"]:
        """Classify images that are ready for the model, before the softmax.

        Args:
            images: RGB in [-1, 1], H = W = `resolution`.

        Raises:
            BadInput: images of another size.
            BadCheckpoint: the checkpoint has no head.
        """
        if self.head == "missing":
            self.check_head()
        return np.asarray(self._run_float(images).logits)

    def features(self, images: Float32[np.ndarray, "B H W 3"]) -> Float32[np.ndarray, "B D"]:
        """Give the input of the head: the class token or the mean of all tokens after the last layer.

        Args:
            images: RGB in [-1, 1], H = W = `resolution`.

        Raises:
            BadInput: images of another size.
        """
        return np.asarray(self._run_float(images).features)

    def attention(self, images: Float32[np.ndarray, "B H W 3"]) -> Attention:
        """Show where each layer and head looks; see `Attention`.

        Args:
            images: RGB in [-1, 1], H = W = `resolution`.

        Raises:
            BadInput: images of another size, or a model that has no attention.
        """
        if self.config.is_mixer:
            raise BadInput(
                f"{self.config.variant} is an MLP-Mixer, which has no attention to show; "
                "take a Vision Transformer to see where a model looks."
            )
        maps = self._run_float(images, attention=True).attention
        assert maps is not None  # noqa: S101 - asked for
        return maps

    def classify(
        self, items: Sequence[bytes | str | Path], top_k: int = 5, *, preprocessing: str = "resize"
    ) -> list[list[Prediction]]:
        """Name what is on images.

        Args:
            items: image files, or their bytes.
            top_k: how many classes to give per image.
            preprocessing: a key of `vit_core.preprocess.METHODS`.

        Returns:
            For each image its most probable classes, best first.

        Raises:
            BadImage: one of them is no image; the message says which.
            BadInput: `top_k` below 1, or no such preprocessing.
            BadCheckpoint: the checkpoint has no head, or one of zeros.
        """
        self.check_head()
        if top_k < 1:
            raise BadInput(f"top_k is {top_k}; at least one class has to be given per image.")
        if preprocessing not in METHODS:
            raise BadInput(f"There is no preprocessing {shorten(preprocessing)!r}; it is one of {', '.join(METHODS)}.")
        answers, largest = [], max(programs.BATCH_SIZES)
        with contextlib.closing(_squares(items, self.config, preprocessing, ahead=largest)) as squares:
            while batch := list(itertools.islice(squares, largest)):
                answers += [self.name_classes(row, top_k) for row in np.asarray(self.run(np.stack(batch)).logits)]
        return answers

    def name_classes(self, logits: Float32[np.ndarray, "K"], top_k: int) -> list[Prediction]:
        """Turn the logits of one image into its most probable classes, best first; of equals the lower index.

        Raises:
            BadCheckpoint: the logits are no finite numbers.
        """
        if not np.isfinite(logits).all():
            raise BadCheckpoint(
                f"The checkpoint {shorten(self.name)!r} answers with numbers that are not finite; "
                "its weights are too large or damaged."
            )
        shifted = np.exp(logits.astype(np.float64) - logits.max())
        probabilities = shifted / shifted.sum()
        best = np.argsort(-probabilities, kind="stable")[:top_k]
        return [Prediction(int(index), self.labels.names[index], float(probabilities[index])) for index in best]

    def check_head(self) -> None:
        """Refuse to name classes without a head that was trained.

        Raises:
            BadCheckpoint: the checkpoint has none, or one of zeros.
        """
        if self.no_classes:
            raise BadCheckpoint(self.no_classes)

    def run(
        self,
        images: UInt8[np.ndarray, "B res res 3"] | Float32[np.ndarray, "B res res 3"],
        *,
        attention: bool = False,
        batch: int | None = None,
        on_compile: Callable[[], None] = lambda: None,
        on_compute: Callable[[], None] = lambda: None,
    ) -> Outputs:
        """Run the model on any number of images.

        Args:
            images: uint8 as `vit_core.preprocess.to_model_input` gives them, a fourth of the bytes to move and scaled
                on the device; or float32 in [-1, 1].
            attention: whether to give attention maps too.
            batch: images of a batch, at most; None chooses.
            on_compile: called before a program is compiled.
            on_compute: called before each batch.

        Raises:
            OutOfMemory: the device has too little memory.
        """
        outputs, compile_seconds = programs.run(
            self.config,
            self._params,
            images,
            self._device,
            attention=attention,
            batch=batch,
            on_compile=on_compile,
            on_compute=on_compute,
        )
        self._compile_seconds.append(compile_seconds)
        return outputs

    def _run_float(self, images: np.ndarray, *, attention: bool = False) -> Outputs:
        wanted = (self.resolution, self.resolution, 3)
        if images.ndim != 4 or images.shape[1:] != wanted:
            raise BadInput(f"The images have the shape {images.shape}; this model wants [B, {str(wanted)[1:-1]}].")
        return self.run(np.asarray(images, np.float32), attention=attention)


def _squares(
    items: Sequence[bytes | str | Path], config: ModelConfig, method: str, *, ahead: int
) -> Generator[np.ndarray, None, None]:
    """Give what the model sees of each item; of those that follow, `ahead` are decoded while the caller computes."""
    tasks = (functools.partial(file_input, item, config, method) for item in items)
    if len(items) == 1:
        yield next(tasks)()  # starting a thread takes longer than decoding a small picture
    else:
        yield from in_order(tasks, workers=DECODERS, ahead=ahead)


def load_predictor(
    name_or_path: str | Path,
    resolution: int | None = None,
    device: str | None = None,
    *,
    settings: Settings | None = None,
    labels: Labels | Sequence[str] | Path | None = None,
    num_heads: int | None = None,
) -> Predictor:
    """Load a checkpoint, downloading it first if needed, and get ready to predict with it.

    Compiled programs are kept in the cache folder for the next process. A file of the cache that was damaged since it
    was verified is fetched once more.

    Args:
        name_or_path: name of a checkpoint in the index, "run:NAME" for the result of a fine-tuning run,
            "hf:OWNER/REPO" of the Hugging Face Hub, an `https://` or `gs://` address (see `Store.locate`), or a file
            of weights: `.npz`, `.safetensors` of timm or transformers, or a `checkpoint_N` of vit_jax.
        resolution: side of the input in pixels, a multiple of the patch size; None takes the checkpoint's own.
        device: "auto", "cpu", "gpu" or "tpu"; None takes the settings'.
        settings: None reads them from the environment.
        labels: class names, or a file of them; None takes those beside the file, or of the checkpoint's data set.
        num_heads: attention heads, for a file that does not tell them.

    Raises:
        BadInput: no such name, file, device or resolution, or class names that do not fit.
        BadCheckpoint: the file is not a checkpoint of a known architecture.
        StoreError: the download failed.
    """
    store = Store(settings := settings or Settings.from_environment(os.environ))
    enable_compile_cache(settings.cache_dir)
    name, where = str(name_or_path), pick_device(device or settings.device)
    load = functools.partial(open_predictor, name=name, device=where, resolution=resolution, labels=labels)
    load = functools.partial(load, num_heads=num_heads, checked=store.checked)
    with offering_copy(name), store.borrow(name_or_path) as path:
        try:
            return load(path)
        except DamagedCheckpoint as error:
            if not store.discard(path):
                raise as_published(error, path, store) from error
            logger.warning("%s; the copy in the cache is deleted and fetched again", error)
    with store.borrow(name_or_path) as path:
        return load(path)


def open_predictor(
    path: Path,
    *,
    name: str,
    device: jax.Device,
    resolution: int | None = None,
    labels: Labels | Sequence[str] | Path | None = None,
    num_heads: int | None = None,
    checked: Checked | None = None,
) -> Predictor:
    """Load a local file; `load_predictor` without store and settings.

    Args:
        path: the file.
        name: what the checkpoint is called; decides the class names where `labels` is None and none lie beside.
        device: where to compute.
        resolution: as in `load_predictor`.
        labels: as in `load_predictor`.
        num_heads: as in `load_predictor`.
        checked: as in `load_checkpoint`.

    Raises:
        BadInput: the resolution or the class names do not fit.
        BadCheckpoint: the file is not a checkpoint of a known architecture.
    """
    start = time.perf_counter()
    checkpoint = load_checkpoint(path, resolution=resolution, num_heads=num_heads, checked=checked)
    config = checkpoint.config
    chosen = choose_labels(labels, name, config.num_classes, file=path)
    params = place(checkpoint.params, device)
    seconds = time.perf_counter() - start
    return Predictor(name, config, chosen, checkpoint.head, checkpoint.notes, seconds, params, device, path)


def relabel(predictor: Predictor, *, name: str, labels: Labels | Sequence[str] | Path | None = None) -> Predictor:
    """Give the same weights another name and other class names.

    Raises:
        BadInput: the class names do not fit.
    """
    chosen = choose_labels(labels, name, predictor.config.num_classes, file=predictor._file)
    return dataclasses.replace(predictor, name=name, labels=chosen)
