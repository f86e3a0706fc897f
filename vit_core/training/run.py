"""One call of `train`: from the newest saved state to the end, an early stop, or a request to stop.

Knows the order of things. What an update is, is in `step`; when tests come, in `course`; what lies on disk, in `saved`
and `metrics`.
"""

import collections
import contextlib
import math
import time
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import jax

from vit_core.errors import Diverged, NoMemory
from vit_core.training.course import Course
from vit_core.training.evaluation import evaluate
from vit_core.training.listener import Herald, Outcome
from vit_core.training.material import Images, Material, compute_features, open_images
from vit_core.training.memory import is_out_of_memory, more_parts, peak_memory_bytes
from vit_core.training.metrics import FILE_NAME, MetricsWriter
from vit_core.training.metrics_file import Row, read_metrics
from vit_core.training.pace import Pace
from vit_core.training.saved import SavedStates
from vit_core.training.session import Session, name_devices
from vit_core.training.step import StepMetrics, TrainBatch, TrainState

_BEHIND = 2  # updates that the device is asked for before the figures of one are looked at
_ROW_S = 0.2  # between two points of the curve at first; later a 2000th of the run so far
_SAVE_S = 300.0  # between two saved states, where the settings leave it open
_WHOLE_CURVE_BYTES = 1_000_000_000


class StopAsked(Exception):
    """The listener wants the run to end; never leaves this module."""


class Run:
    """One call of `train`, made for one `run`."""

    def __init__(
        self,
        session: Session,
        folder: Path,
        saved: SavedStates,
        herald: Herald,
        cache_dir: Path,
        stack: contextlib.ExitStack,
    ) -> None:
        """Take the newest saved state, or the start; nothing is decoded or compiled yet.

        Args:
            session: settings, devices and the model as it starts.
            folder: of the run.
            saved: its states.
            herald: told how it goes.
            cache_dir: the product's cache folder.
            stack: closes what the run opens.
        """
        self._session, self._config, self._saved, self._herald = session, session.config, saved, herald
        self._folder, self._cache_dir, self._stack = folder, cache_dir, stack
        self._began = self._saved_at = time.monotonic()
        self._pace = Pace(batch=self._config.batch, total_steps=self._config.total_steps)
        self._waiting: collections.deque[tuple[int, StepMetrics]] = collections.deque()
        self._row: Row = {}  # the newest figures, whether written or not
        self._row_at = 0.0
        self._saved_step = self._written_step = 0
        self._use(session.parts())
        self._begin()

    def run(self) -> Outcome:
        """Do what is left to do.

        Raises:
            Diverged, NoMemory, BadDataset, StorageFull: see `vit_core.training.loop.train`.
        """
        try:
            if not self._is_complete:
                self._open_material()
            while not self._is_complete:
                self._go_on()
            return self._end("done")
        except StopAsked:
            return self._end("stopped")

    @property
    def _is_complete(self) -> bool:
        return self._course.is_over(self._step) and not self._course.needs_test(self._step)

    def _go_on(self) -> None:
        """Test or save if it is time to, else make one more update."""
        if self._settle():
            return
        if self._herald.stop_requested():
            raise StopAsked
        try:
            self._update()
        except (MemoryError, jax.errors.JaxRuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            self._make_room(error)

    def _use(self, accum_steps: int) -> None:
        """Take a trainer that computes a batch in so many parts; nothing is compiled until its first update."""
        self._trainer = self._session.trainer(accum_steps)
        self._is_fresh = True
        if accum_steps > self._config.accum_steps and self._session.on_cpu:
            part = self._config.batch // accum_steps
            self._herald.say(
                f"A batch of {self._config.batch} is computed in {accum_steps} parts of {part}, to bound the memory; "
                "the result is the same."
            )

    def _begin(self) -> None:
        """Take the newest saved state, or the start."""
        start = self._trainer.init(self._session.params)
        told = len(self._saved.notes)
        restored = self._saved.restore(start)
        for note in self._saved.notes[told:]:
            self._herald.say(note)
        self._state: TrainState
        self._state, self._step = restored or (start, 0)
        self._saved_step = self._step
        if restored:
            self._herald.say(f"Going on after step {self._step:,} of {self._config.total_steps:,}.")
        rows = curve_until(self._folder, self._step)
        tests = {int(row["step"]): float(row["test_accuracy"]) for row in rows if "test_accuracy" in row}
        self._course = Course(self._config, num_test=len(self._session.dataset.of("test")), tests=tests)
        self._seconds_before = float(last_of(rows, "seconds") or 0.0)
        self._tell()

    def _open_material(self) -> None:
        """Decode the images, or compute the features; then the batches can come."""
        with self._herald.doing("decoding"):
            self._train, self._test = self._images("train"), self._images("test")
        self._stack.callback(self._train.close)
        self._stack.callback(self._test.close)
        self._material: Material = self._train
        self._test_material: Material = self._test
        if self._session.trains_head_alone:
            self._herald.say(
                "The head alone is trained: features are computed once, each image seen whole, unmirrored."
            )
            with self._herald.doing("computing features"):
                self._material, self._test_material = self._features(self._train), self._features(self._test)
        self._writer = self._stack.enter_context(MetricsWriter(self._folder, first_step=self._step))
        self._batches: Generator[TrainBatch, None, None] | None = None
        self._stack.callback(self._close_batches)

    def _images(self, part: str) -> Images:
        dataset = self._session.dataset
        examples = tuple(example for example in dataset.examples if example.part == part)
        return open_images(dataset, examples, self._config, cache_dir=self._cache_dir, count=self._count)

    def _features(self, images: Images) -> Material:
        params = self._trainer.place(self._session.params)
        return compute_features(
            images,
            lambda batch: self._trainer.features(params, batch),
            self._config,
            self._session.num_classes,
            batch=self._session.test_batch(len(images)),
            count=self._count,
        )

    def _count(self, done: int, total: int) -> None:
        self._herald.count(done, total)
        if self._herald.stop_requested():
            raise StopAsked

    def _settle(self) -> bool:
        """Test and save where it is time to; tells whether there was something to do."""
        if self._course.needs_test(self._step):
            self._look_at(0)
            self._do_test()
            return True
        if self._saved_step != self._step and (self._course.needs_save(self._step) or self._saves_by_the_clock()):
            self._save(None)
            return True
        return False

    def _saves_by_the_clock(self) -> bool:
        return not self._config.checkpoint_every and time.monotonic() - self._saved_at > _SAVE_S

    def _update(self) -> None:
        """Ask for one more update, and look at the figures of an earlier one."""
        if self._batches is None:
            self._batches = self._material.training(self._step)
        batch = next(self._batches)
        with self._herald.doing("compiling") if self._is_fresh else contextlib.nullcontext():
            self._state, metrics = self._trainer.step(self._state, batch)
        if self._is_fresh:
            self._is_fresh = False
            self._herald.update(activity="training")
        self._step += 1
        self._waiting.append((self._step, metrics))
        self._look_at(_BEHIND)

    def _look_at(self, waiting: int) -> None:
        """Take in the figures of updates, until so many are left that the device may still be at."""
        while len(self._waiting) > waiting:
            step, metrics = self._waiting[0]
            values = [float(value) for value in jax.device_get(metrics)]
            self._waiting.popleft()
            row: Row = {"step": step, **dict(zip(StepMetrics._fields, values, strict=True))}
            if not math.isfinite(row["loss"]) or not math.isfinite(row["grad_norm"]):
                raise self._diverged(step)
            self._pace.mark(step, time.monotonic())
            self._herald.alive()
            row["memory_bytes"] = peak_memory_bytes(self._trainer.devices[0])
            if speed := self._pace.images_per_second:
                row["images_per_second"] = round(speed, 3)
            self._row = row
            self._tell(step)
            if time.monotonic() - self._row_at > max(_ROW_S, (time.monotonic() - self._began) / 2000):
                self._write(row)

    def _do_test(self) -> None:
        began = time.monotonic()
        with self._herald.doing("testing"):
            found = evaluate(
                self._trainer,
                self._state,
                self._test_material,
                self._test_material.labels,
                batch=self._session.test_batch(len(self._test_material)),
                count=self._count,
            )
        self._pace.tested(time.monotonic() - began)
        is_best = self._course.record(self._step, found.accuracy)
        row = self._row if self._row.get("step") == self._step else {"step": self._step}
        self._write({**row, "test_accuracy": found.accuracy, "test_loss": found.loss})
        self._tell()
        if is_best or not self._config.checkpoint_every or self._course.needs_save(self._step):
            self._save(found.accuracy)
        self._pace.pause()

    def _save(self, accuracy: float | None) -> None:
        """Keep the state, if all that is known of it is good."""
        self._look_at(0)
        with self._herald.doing("saving"):
            self._saved.save(self._step, self._state, accuracy=accuracy)
        self._saved_at, self._saved_step = time.monotonic(), self._step

    def _write(self, row: Row) -> None:
        row["seconds"] = round(self._seconds, 3)
        self._row_at, self._written_step = time.monotonic(), int(row["step"])
        self._writer.write(row)
        self._herald.metrics(row)

    def _tell(self, step: int | None = None) -> None:
        step = self._step if step is None else step
        best = self._course.best
        self._herald.update(
            step=step,
            seconds_left=self._pace.seconds_left(step, tests_left=self._course.tests_left(step)),
            images_per_second=self._pace.images_per_second,
            accuracy=self._course.last,
            best_accuracy=best[1] if best else None,
            memory_bytes=peak_memory_bytes(self._trainer.devices[0]),
        )

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    def _make_room(self, error: BaseException) -> None:
        """Go on in more parts: with the same state where it is whole, else with the last saved one."""
        parts = more_parts(self._config.batch, self._trainer.accum_steps)
        if parts is None:
            raise NoMemory(
                f"The device ({name_devices(self._trainer.devices)}) has too little memory for a single image of "
                f"{self._session.model.variant} at {self._config.resolution} px; take a smaller model or resolution, "
                "or switch recomputing (remat) on."
            ) from error
        self._herald.say(
            f"Memory ran out at step {self._step + 1:,}; from here on a batch is computed in {parts} parts of "
            f"{self._config.batch // parts}, with the same result."
        )
        is_whole = self._is_fresh  # the first update of a trainer leaves the state it was given as it was
        self._close_batches()
        self._waiting.clear()
        self._use(parts)
        if not is_whole:
            self._saved.wait()
            self._begin()

    def _close_batches(self) -> None:
        if self._batches is not None:
            self._batches.close()
            self._batches = None

    def _diverged(self, step: int) -> Diverged:
        kept = self._course.best
        state = f"The state of step {kept[0]:,} is kept" if kept else "It was too early for a state to be kept"
        return Diverged(
            f"At step {step:,} the loss is no longer a number: the weights ran away. {state}; try again with a lower "
            f"learning rate, such as {self._config.learning_rate / 3:.2g}, or a longer warm-up."
        )

    def _end(self, ended: Literal["done", "stopped"]) -> Outcome:
        """Save what is not saved and say how it ended."""
        if self._step > 0:
            self._save(None)  # a state of this step that is there already stays
            self._saved.wait()
        if self._row.get("step", 0) > self._written_step:
            self._write(self._row)
        best = self._course.best
        if ended == "done" and self._step < self._config.total_steps:
            self._herald.say(
                f"Ended early after step {self._step:,}: {self._config.early_stop} tests in a row were no better."
            )
        return Outcome(
            ended=ended,
            step=self._step,
            best_step=best[0] if best else self._step,
            best_accuracy=best[1] if best else None,
            accum_steps=self._trainer.accum_steps,
            device=name_devices(self._trainer.devices),
            seconds=self._seconds,
        )


def curve_until(folder: Path, step: int) -> tuple[Row, ...]:
    """Give the points of a run's curve up to a step; what lies beyond is of a state that was not saved."""
    rows = read_metrics(folder / FILE_NAME, limit_bytes=_WHOLE_CURVE_BYTES)
    return tuple(row for row in rows if row["step"] <= step)


def last_of(rows: tuple[Row, ...], name: str) -> float | int | None:
    """Give the newest value of a name, None where no row has it."""
    return next((row[name] for row in reversed(rows) if name in row), None)
