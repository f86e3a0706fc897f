"""The process of a run: it waits for its turn, trains, tests, writes the result and says how it ended.

Nothing of training is imported before the accelerator is ours: until then the process is a small one.
"""

import dataclasses
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from vit_core.allocator import keep_freed_memory
from vit_core.runs.attempt import Attempt, Ending, run_attempt
from vit_core.runs.record import Progress
from vit_core.settings import Settings
from vit_core.training.metrics_file import read_metrics

if TYPE_CHECKING:
    from vit_core.training.listener import LoopProgress, Outcome

EXIT_NOT_DONE = 1
_LONG_S = 10.0  # for one thing, before it is worth saying how long it takes
_SAY_EVERY_S = 5.0

logger = logging.getLogger(__name__)


def be_the_run(folder: Path, settings: Settings, *, handover: str, style: str) -> int:
    """Do a run from where it is to its end, or until it is told to stop.

    Args:
        folder: of the run.
        settings: of the process.
        handover: what the engine passed on; empty for a person at a terminal, who then reads along.
        style: of the report at the end: "table" or "json".

    Returns:
        The exit code.

    Raises:
        BadRun: the run cannot be owned.
        TrainingError: it failed.
    """
    keep_freed_memory(settings.device)  # before the first thread
    _log_to(folder / "log.txt", terminal=not handover)
    status = run_attempt(folder, settings, _Work(talk=not handover), handover=handover)
    logger.info("%s after step %d. %s", status.state.capitalize(), status.progress.step, status.reason)
    if handover:
        return 0 if status.state == "done" else EXIT_NOT_DONE
    from vit_core.cli.follow import finish
    from vit_core.runs.library import Runs

    runs = Runs(dataclasses.replace(settings, runs_dir=folder.parent))
    return finish(runs, runs.get(folder.name), style=style)


def _log_to(path: Path, *, terminal: bool) -> None:
    """Write the log: standard error is the file already where an engine started us."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if terminal:
        handlers.append(logging.FileHandler(path, encoding="utf-8", errors="replace", delay=True))
    logging.basicConfig(
        level=logging.WARNING, handlers=handlers, format="%(asctime)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S"
    )
    logging.getLogger("vit_core").setLevel(logging.INFO)


class _Work:
    """Trains, tests and writes the result."""

    def __init__(self, *, talk: bool) -> None:
        self._talk = talk

    def __call__(self, attempt: Attempt) -> Ending:
        from vit_core.datasets.saving import load_dataset
        from vit_core.devices import enable_compile_cache, pick_devices
        from vit_core.export.result import write_result
        from vit_core.store.store import Store
        from vit_core.training.loop import finish, train
        from vit_core.training.session import name_devices

        logger.info("It is the turn of the run %s.", attempt.config.name)
        settings, config = attempt.settings, attempt.config.settings
        enable_compile_cache(settings.cache_dir)
        attempt.computes_on(name_devices(pick_devices(settings.device)))
        dataset = load_dataset(attempt.files.dataset)
        listener = _Listener(attempt, talk=self._talk)
        listener.doing("The checkpoint is being fetched.")
        with Store(settings).borrow(config.checkpoint) as source:
            attempt.starts_from(source)
            folder, device, cache_dir = attempt.files.folder, settings.device, settings.cache_dir
            outcome = train(
                config, dataset, folder, source=source, listener=listener, device=device, cache_dir=cache_dir
            )
            attempt.computes_on(outcome.device)
            listener.trained(outcome)
            if outcome.ended == "stopped":
                saved = f"Its state after step {outcome.step} is saved."
                return Ending("stopped", saved if outcome.step else "It had not taken a step yet.")
            finished = finish(
                config, dataset, folder, source=source, listener=listener, device=device, cache_dir=cache_dir
            )
        listener.doing("The result is being written.")
        write_result(
            folder,
            model=finished.model,
            params=finished.params,
            config=config,
            dataset=dataset,
            report=finished.report,
        )
        return Ending("done")


class _Listener:
    """Passes on what training tells: to the status, to the log, and to a person at a terminal."""

    def __init__(self, attempt: Attempt, *, talk: bool) -> None:
        self._attempt = attempt
        self._talk = talk
        self._progress = attempt.progress  # of a resumed run: where it goes on
        self._came_to = max((int(row["step"]) for row in read_metrics(attempt.files.metrics)), default=0)
        self._trained = False  # the test at the end counts from nothing again
        self._said = 0.0

    def metrics(self, row: Mapping[str, float | int]) -> None:
        if "test_accuracy" in row:
            logger.info("Step %d: %.1f %% of the test images are right.", row["step"], 100 * row["test_accuracy"])

    def say(self, text: str) -> None:
        logger.info("%s", text)

    def progress(self, progress: "LoopProgress") -> None:
        found_out = progress.step or progress.activity != "loading"  # before, training says step 0 for want of better
        if not self._trained and found_out:
            if self._came_to and progress.step == 0:
                logger.info(
                    "No saved state can be used: the run begins again at step 0. It had come to step %d.", self._came_to
                )
            self._came_to = 0
            names = Progress.__dataclass_fields__
            self._progress = Progress(**{name: getattr(progress, name) for name in names})
        self.doing(_sentence(progress))

    def stop_requested(self) -> bool:
        return self._attempt.stop_requested()

    def trained(self, outcome: "Outcome") -> None:
        """Keep how far the training came."""
        self._trained = True
        self._progress = dataclasses.replace(
            self._progress, step=outcome.step, best_accuracy=outcome.best_accuracy, seconds_left=None
        )
        self.doing("")

    def doing(self, sentence: str) -> None:
        self._attempt.tell(self._progress, doing=sentence)
        if self._talk and time.monotonic() - self._said >= _SAY_EVERY_S:
            self._said = time.monotonic()
            logger.info("Step %d of %d. %s", self._progress.step, self._progress.total_steps, sentence)


def _sentence(progress: "LoopProgress") -> str:
    """Say what training is doing, where that is more than training."""
    if progress.activity == "training" and progress.activity_seconds < _LONG_S:
        return ""
    count = f": {progress.done:,} of {progress.total:,}" if progress.total else ""
    long = f", for {progress.activity_seconds:.0f} s now" if progress.activity_seconds >= _LONG_S else ""
    return f"{progress.activity.capitalize()}{count}{long}."
