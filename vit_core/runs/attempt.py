"""One attempt at a run, seen from inside its process: own it, wait for the accelerator, work, say how it ended.

    owned -> queued -> running -> done | stopped | failed

What the work is, is the caller's business: nothing here knows of training, and nothing is imported for it before the
accelerator is ours, since many may wait. Whatever goes wrong in the work ends as a sentence in the status, with the
traceback in the log.
"""

import dataclasses
import hashlib
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from vit_core.errors import BadRun, Failure, VitError, shorten
from vit_core.runs.board import Board
from vit_core.runs.files import RunConfig, RunFiles, settings_sha256, sweep
from vit_core.runs.local import begin_attempt, checked_config, take_run
from vit_core.runs.locks import RunLocks
from vit_core.runs.record import Progress
from vit_core.runs.status import Status, read_status
from vit_core.runs.watch import Watch, is_gone
from vit_core.settings import Settings
from vit_core.store.accelerator import Accelerator, Ticket
from vit_core.store.holder import Holder, this_process
from vit_core.store.owners import Ownership, adopt

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Ending:
    """How the work ended, unless it failed.

    Attributes:
        state: whether it is all done, or was stopped on request and can go on.
        reason: a sentence; may be empty.
    """

    state: Literal["done", "stopped"]
    reason: str = ""


class Attempt:
    """What the work is given.

    Attributes:
        files: of the run.
        config: of the run.
        settings: of the process.
    """

    def __init__(self, files: RunFiles, config: RunConfig, settings: Settings, *, board: Board, watch: Watch) -> None:
        """Bring together what `run_attempt` has."""
        self.files = files
        self.config = config
        self.settings = settings
        self._board = board
        self._watch = watch

    @property
    def progress(self) -> Progress:
        """How far the work is; at first, where it goes on from."""
        return self._board.status.progress

    def tell(self, progress: Progress, *, doing: str = "") -> None:
        """Say how far the work is, and what it is doing, as a sentence; costs nothing."""
        self._board.note(progress=progress, reason=doing)

    def computes_on(self, device: str) -> None:
        """Say what it computes on: "CPU", "NVIDIA H200"."""
        self._board.note(device=device)

    def starts_from(self, source: Path) -> None:
        """See that a resumed run starts from the file that it began with, and remember it the first time.

        Raises:
            BadRun: another file; what is not trained would come from another model than what was learned.
        """
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        before = self._board.status.source_sha256
        if before and before != digest:
            raise BadRun(
                f"The checkpoint {shorten(self.config.settings.checkpoint)!r} is no longer the file that the run began "
                "with. Put that file back, or start a new run from this one."
            )
        self._board.note(source_sha256=digest)

    def stop_requested(self) -> bool:
        """Tell whether the work shall save its state and end.

        Raises:
            Failure: it must end at once: its folder or its lock is gone.
        """
        return self._watch.stop_requested()


Work = Callable[[Attempt], Ending]


def run_attempt(folder: Path, settings: Settings, work: Work, *, handover: str = "") -> Status:
    """Own a run until it ends, and give its last status.

    The accelerator stays owned until the process ends, since the memory of the device does.

    Args:
        folder: of the run.
        settings: the folder of locks.
        work: what to do once the accelerator is ours.
        handover: what the engine passed on: descriptors of the run's lock and of a ticket, and the ticket's number.

    Raises:
        BadRun: the run cannot be owned: it runs already, is done, or its folder is a copy; nothing was changed.
        StorageFull, Failure: its folder cannot be written.
    """
    files = RunFiles(folder)
    config = checked_config(files)
    accelerator = Accelerator(settings.lock_dir)
    lock, ticket = _take_over(files, config, settings, accelerator, handover)
    try:
        status = read_status(files) if ticket else begin_attempt(files)
        board = Board(files, status)
        with Watch(files, board) as watch:
            watch.guard(lock)
            attempt = Attempt(files, config, settings, board=board, watch=watch)
            _try(lambda: _take_turn(attempt, work, accelerator, lock, ticket, board=board, watch=watch), board, folder)
    finally:
        lock.release()
    return board.status


def _take_over(
    files: RunFiles, config: RunConfig, settings: Settings, accelerator: Accelerator, handover: str
) -> tuple[Ownership, Ticket | None]:
    """Become the owner: by what the engine passed on, or on our own account."""
    locks = RunLocks(settings.lock_dir)
    if match := re.fullmatch(r"(\d{1,9}),(\d{1,9}),(\d{1,12})", handover):
        lock_descriptor, ticket_descriptor, number = map(int, match.groups())
        lock = adopt(locks.run(config), lock_descriptor)
        ticket = accelerator.take_over(number, ticket_descriptor)
        if lock and ticket:
            return lock, ticket
    return take_run(locks, config, files.folder), None


def _try(work: Callable[[], Ending], board: Board, folder: Path) -> None:
    """Do the work and say how it ended.

    Raises:
        Failure: the folder of the run is gone, so that it can be said nowhere else.
    """
    try:
        ending = work()
        board.end(state=ending.state, reason=ending.reason)
    except Exception as error:
        if problem := is_gone(folder):  # whatever failed, failed for that
            raise Failure(problem) from error
        board.end(state="failed", reason=_why(error))


def _why(error: Exception) -> str:
    """Give the reason of a failure as a sentence, and log it."""
    if isinstance(error, VitError):
        logger.error("%s", error)  # a sentence for people, who need no traceback
        return str(error)
    if isinstance(error, MemoryError):
        logger.exception("out of memory")
        return "The machine has too little memory; take a smaller batch, then start anew."
    logger.exception("the run failed")
    return f"The program failed ({type(error).__name__}: {shorten(str(error), 200)}); the log says where."


def _take_turn(
    attempt: Attempt,
    work: Work,
    accelerator: Accelerator,
    lock: Ownership,
    ticket: Ticket | None,
    *,
    board: Board,
    watch: Watch,
) -> Ending:
    me = Holder("run", str(attempt.files.folder.resolve()), this_process())
    lock.write_note(me.to_note())
    board.beat()  # from here on it has begun
    sweep(attempt.files.folder)
    board.keep_room()
    _check_unchanged(attempt, board)
    ticket = ticket or accelerator.join(me)
    ticket.rename(me)
    mine = accelerator.await_turn(ticket, me, stop=watch.stop_requested)
    if mine is None:
        return Ending("stopped", "It was stopped while it waited for its turn.")
    watch.guard(mine)
    first = time.time() if board.status.attempt <= 1 else attempt.config.created  # of an older version: near enough
    board.say(state="running", reason="The program is being loaded.", begun=board.status.begun or first)
    ticket.leave()  # after that, so that at no time it neither waits nor runs
    return work(attempt)


def _check_unchanged(attempt: Attempt, board: Board) -> None:
    """See that a resumed run goes on with what it began with.

    Raises:
        BadRun: its files were changed.
    """
    digest = settings_sha256(attempt.config)
    before = board.status.config_sha256
    if before and before != digest:
        raise BadRun(
            "The settings in config.json were changed since the run began, and half of it was learned with the old "
            "ones. Put them back, or start a new run with the new ones."
        )
    try:
        data = hashlib.sha256(attempt.files.dataset.read_bytes()).hexdigest()
    except OSError as error:
        raise BadRun(f"dataset.json cannot be read: {error.strerror or error}.") from error
    if data != attempt.config.dataset_sha256:
        raise BadRun(
            "dataset.json was changed since the run was made; what was learned and what is tested would no longer be "
            "kept apart. Put it back, or start a new run."
        )
    board.note(config_sha256=digest)
