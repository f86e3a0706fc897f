"""The process that owns the accelerator: `python -m vit_core.inference.worker`, started by `service`.

Reads batches from standard input, writes answers to standard output (see `messages`), logs to standard error. One batch
after the other; the last checkpoints stay loaded. Ends when its input does, in the middle of a computation too, so that
it never outlives the web process.
"""

import argparse
import collections
import concurrent.futures
import io
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import jax
import numpy as np

from vit_core.allocator import give_back_freed_memory
from vit_core.checkpoints.shards import stored_bytes
from vit_core.devices import describe_device, enable_compile_cache, pick_device
from vit_core.errors import BadImage, DamagedCheckpoint, Failure, OutOfMemory, PredictorError, VitError
from vit_core.imports import keep_opencv_single_threaded
from vit_core.inference.crop import file_input
from vit_core.inference.frames import Frame, FrameError, read_frame, write_frame
from vit_core.inference.messages import (
    Batch,
    BatchAnswer,
    BatchKey,
    answer_to_frame,
    batch_from_frame,
    error_to_frame,
)
from vit_core.inference.predictor import DECODERS, Predictor, open_predictor, relabel
from vit_core.inference.programs import Outputs
from vit_core.inference.published import as_published
from vit_core.inference.results import ImageAnswer
from vit_core.settings import DEVICES, Settings
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder, this_process
from vit_core.store.store import Store

logger = logging.getLogger(__name__)

Stage = Callable[[str], None]


def main(arguments: list[str] | None = None) -> int:
    """Serve until the input ends.

    Returns:
        The exit code: 0, or 2 where the device does not exist.
    """
    options = _parse(arguments)
    keep_opencv_single_threaded()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    output = claim_output()
    frames = _frames(cast("io.BufferedIOBase", sys.stdin.buffer))
    try:
        device, is_lent = _own_device(options.device, options.lock_dir)
    except VitError as error:
        write_frame(output, error_to_frame(error))
        return 2
    enable_compile_cache(options.cache_dir)
    limit = options.memory_limit or _default_limit(device)
    models = LoadedModels(Store(Settings(cache_dir=options.cache_dir)), device, limit_bytes=limit)
    write_frame(
        output, Frame("ready", {"device": describe_device(device), "lent": is_lent, "memory": _memory_bytes(device)})
    )
    with concurrent.futures.ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
        for frame in frames:
            write_frame(output, _reply(frame, models, pool, output))
    return 0


def _memory_bytes(device: jax.Device) -> int | None:
    """Give the memory of an accelerator that programs may take; None for a CPU, whose memory is the machine's."""
    statistics = None if device.platform == "cpu" else device.memory_stats()
    return int(statistics["bytes_limit"]) if statistics and "bytes_limit" in statistics else None


def _own_device(setting: str, lock_dir: Path) -> tuple[jax.Device, bool]:
    """Give the device to compute on: the accelerator if no run owns it or waits for it, else the CPU.

    It stays owned until the process ends: `PredictionService.release_device` ends it.

    Returns:
        The device, and whether it stands in for one that a run has.
    """
    if setting == "cpu":
        return pick_device(setting), False
    try:
        ownership = Accelerator(lock_dir).take_idle(Holder("predictor", process=this_process()))
    except Failure as error:
        logger.warning("the device is used without a lock: %s", error)
        return pick_device(setting), False
    if ownership is None:
        logger.info("a run has the accelerator; the CPU answers")
        update: Callable[[str, object], None] = jax.config.update
        update("jax_platforms", "cpu")  # opening the accelerator would already take some of it
        return pick_device("cpu"), True
    device = pick_device(setting)
    if device.platform == "cpu":
        ownership.release()
    return device, False


class LoadedModels:
    """The checkpoints in memory; the ones not used for longest make room for new ones."""

    def __init__(self, store: Store, device: jax.Device, *, limit_bytes: int) -> None:
        """Begin empty.

        Args:
            store: whose files are held while they are read.
            device: where the weights go.
            limit_bytes: of all weights; one checkpoint is kept whatever its size.
        """
        self._store = store
        self._device = device
        self._limit_bytes = limit_bytes
        self._models: collections.OrderedDict[tuple[object, ...], Predictor] = collections.OrderedDict()

    def get(self, key: BatchKey, stage: Stage) -> tuple[Predictor, float]:
        """Give the checkpoint, and the seconds that loading took if it was not here.

        Raises:
            BadInput: it cannot be loaded, for this resolution or with these class names.
            ObjectMissing: the file is gone.
        """
        with self._store.lease(key.path):
            identity = (key.path, _version(key.path), key.resolution)
            if identity not in self._models:
                stage("loading checkpoint")
                return self._load(identity, key)
        stage("computing")
        # The same file may go by two names, and its classes by several.
        predictor = relabel(self._models[identity], name=key.checkpoint, labels=key.labels)
        self._models[identity] = predictor
        self._models.move_to_end(identity)
        return predictor, 0.0

    def _load(self, identity: tuple[object, ...], key: BatchKey) -> tuple[Predictor, float]:
        self._make_room(stored_bytes(key.path))
        try:
            predictor = open_predictor(
                key.path,
                name=key.checkpoint,
                device=self._device,
                resolution=key.resolution,
                labels=key.labels,
                checked=self._store.checked,
            )
        except DamagedCheckpoint as error:
            if self._store.discard(key.path):
                raise DamagedCheckpoint(f"{error} The copy in the cache was deleted; download it again.") from error
            raise as_published(error, key.path, self._store) from error
        self._models[identity] = predictor
        return predictor, predictor.load_seconds

    def names(self) -> tuple[str, ...]:
        """List what is loaded, the one used last first, each once."""
        return tuple(dict.fromkeys(predictor.name for predictor in reversed(self._models.values())))

    def _make_room(self, size_bytes: int) -> None:
        must_go = False
        while self._models and self._size_bytes() + size_bytes > self._limit_bytes:
            self._models.popitem(last=False)
            must_go = True
        if must_go:
            give_back_freed_memory()  # what is free on the machine decides whether the next one may be loaded

    def _size_bytes(self) -> int:
        return sum(predictor.size_bytes for predictor in self._models.values())


def _reply(frame: Frame, models: LoadedModels, pool: concurrent.futures.Executor, output: io.BufferedIOBase) -> Frame:
    """Answer a batch; whatever goes wrong is an answer too, and the process stays for the next one."""
    try:
        return answer_to_frame(
            _classify(
                batch_from_frame(frame), models, pool, lambda text: write_frame(output, Frame("stage", {"stage": text}))
            )
        )
    except VitError as error:
        return error_to_frame(error)
    except MemoryError:
        logger.exception("out of memory")
        return error_to_frame(OutOfMemory("The machine has too little memory for this model; take a smaller one."))
    except Exception as error:
        logger.exception("a batch failed")
        return error_to_frame(PredictorError(f"The predictor failed ({type(error).__name__}); its log says why."))


def _classify(batch: Batch, models: LoadedModels, pool: concurrent.futures.Executor, stage: Stage) -> BatchAnswer:
    predictor, load_seconds = models.get(batch.key, stage)
    start = time.perf_counter()
    pixels = list(pool.map(lambda image, name: _prepare(image, name, batch.key, predictor), batch.images, batch.names))
    decoded = time.perf_counter()
    outputs, compile_seconds = _run(
        predictor, [item for item in pixels if not isinstance(item, BadImage)], batch, stage
    )
    seconds = {
        "load": load_seconds,
        "compile": compile_seconds,
        "decode": decoded - start,
        "run": time.perf_counter() - decoded - compile_seconds,
    }
    return BatchAnswer(
        images=tuple(_answers(batch, pixels, outputs, predictor)),
        resolution=predictor.resolution,
        num_classes=predictor.config.num_classes,
        label_set=predictor.labels.dataset,
        label_source=predictor.labels.source,
        notes=predictor.notes,
        seconds=seconds,
        loaded=models.names(),
        no_classes=predictor.no_classes,
    )


def _prepare(image: bytes, name: str, key: BatchKey, predictor: Predictor) -> np.ndarray | BadImage:
    try:
        return file_input(image, predictor.config, key.preprocessing, name=name)
    except BadImage as error:  # the other images of the batch are none the worse
        return error


def _run(predictor: Predictor, pixels: list[np.ndarray], batch: Batch, stage: Stage) -> tuple[Outputs | None, float]:
    if not pixels:
        return None, 0.0
    before = predictor.seconds["compile"]
    outputs = predictor.run(
        np.stack(pixels),
        attention=batch.key.attention,
        on_compile=lambda: stage("compiling (first time)"),
        on_compute=lambda: stage("computing"),
    )
    return outputs, predictor.seconds["compile"] - before


def _answers(
    batch: Batch, pixels: list[np.ndarray | BadImage], outputs: Outputs | None, predictor: Predictor
) -> Iterator[ImageAnswer]:
    row = -1
    for name, top_k, item in zip(batch.names, batch.top_k, pixels, strict=True):
        if isinstance(item, BadImage) or outputs is None:
            yield ImageAnswer(name, error=str(item))
            continue
        row += 1
        maps = outputs.attention
        yield ImageAnswer(
            name,
            () if predictor.no_classes else tuple(predictor.name_classes(np.asarray(outputs.logits[row]), top_k)),
            crop=item,
            # Three digits are more than a screen shows, and the heads of L/16 at 384 px are 221,000 numbers.
            heads=None if maps is None else np.asarray(maps.heads[row], np.float16),
            rollout=None if maps is None else np.asarray(maps.rollout[row]),
        )


def _version(path: Path | None) -> tuple[int, int] | None:
    """Tell a file from one that replaced it."""
    if path is None or not path.exists():
        return None
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _default_limit(device: jax.Device) -> int:
    if device.platform == "cpu":
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4
    memory = device.memory_stats() or {}
    return int(memory.get("bytes_limit", 8_000_000_000)) // 2


def claim_output() -> io.BufferedIOBase:
    """Keep standard output for messages; what a library prints there goes to the log instead."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _frames(stream: io.BufferedIOBase) -> Iterator[Frame]:
    """Give the messages as they come; a thread reads, so that the end of the input is seen during a computation."""
    frames: queue.SimpleQueue[Frame] = queue.SimpleQueue()

    def read() -> None:
        try:
            while (frame := read_frame(stream)) is not None:
                frames.put(frame)
        except (FrameError, OSError):
            logger.exception("the web process sent something that is not a message")
        os._exit(0)  # not sys.exit: nothing may wait for a computation whose answer nobody will read

    threading.Thread(target=read, name="input", daemon=True).start()
    while True:
        yield frames.get()


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vit_core.inference.worker", description=__doc__)
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--cache-dir", type=Path, required=True)
    parser.add_argument("--lock-dir", type=Path, help="folder of the machine's locks (VIT_LOCK_DIR)")
    parser.add_argument("--memory-limit", type=int, help="bytes of weights that stay loaded")
    options = parser.parse_args(arguments)
    options.lock_dir = options.lock_dir or Settings.from_environment(os.environ).lock_dir
    return options


if __name__ == "__main__":
    sys.exit(main())
