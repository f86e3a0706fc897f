"""The accelerator of this machine has one owner at a time: a run, the trial before one, or the predictor.

Runs and trials take numbered tickets and are served in order; each waiter holds the lock of its own ticket, so a waiter
that dies leaves the queue. The predictor takes what nobody wants. On a machine without an accelerator runs take turns
just the same: two at once on one CPU would each take twice as long.

    LOCKS/accelerator.lock          held by the owner
    LOCKS/queue.lock                held while tickets are given out or cleared away
    LOCKS/queue/000000000012        a ticket, held by who waits; numbers are never given twice
"""

import contextlib
import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vit_core.store.holder import Holder
from vit_core.store.owners import Ownership, adopt, alone, own, owner_note

_POLL_S = 0.25
_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Waiting:
    """Who waits, and at which place; 1 is next."""

    place: int
    number: int
    holder: Holder


class Ticket:
    """A place in the queue, held until `leave` or the end of the process."""

    def __init__(self, queue: "Accelerator", number: int, ownership: Ownership) -> None:
        """Keep a ticket that `Accelerator` gave out."""
        self._queue = queue
        self.number = number
        self.ownership = ownership

    @property
    def place(self) -> int:
        """1 is next."""
        return 1 + sum(1 for each in self._queue.waiting() if each.number < self.number)

    def rename(self, holder: Holder) -> None:
        """Say who waits, when a child took the place over."""
        self.ownership.write_note(holder.to_note())

    def leave(self) -> None:
        """Give the place up; once."""
        with contextlib.suppress(OSError):
            self.ownership.path.unlink()
        self.ownership.release()


class Accelerator:
    """The queue for the accelerator, and its lock, in one folder of locks."""

    def __init__(self, lock_dir: Path) -> None:
        """Describe it; touches nothing."""
        self._lock = lock_dir / "accelerator.lock"
        self._queue_lock = lock_dir / "queue.lock"
        self._queue = lock_dir / "queue"

    def join(self, holder: Holder) -> Ticket:
        """Take the last place.

        Raises:
            StorageFull, Failure: the folder of locks cannot be written.
        """
        with alone(self._queue_lock) as lock:
            counter = os.pread(lock.descriptor, _DIGITS, 0)
            number = 1 + max([int(counter) if counter.isdigit() else 0, *self._numbers()])
            ownership = own(self._path(number))
            assert ownership is not None  # noqa: S101 - nobody else knows the number
            lock.write_note(f"{number:0{_DIGITS}d}".encode())
        ownership.write_note(holder.to_note())
        return Ticket(self, number, ownership)

    def take_over(self, number: int, descriptor: int) -> Ticket | None:
        """Go on holding a ticket that a parent process took and passed on."""
        ownership = adopt(self._path(number), descriptor)
        return Ticket(self, number, ownership) if ownership else None

    def waiting(self) -> tuple[Waiting, ...]:
        """List who waits, in order."""
        alive = [(number, note) for number in self._numbers() if (note := owner_note(self._path(number))) is not None]
        return tuple(
            Waiting(place, number, Holder.from_note(note)) for place, (number, note) in enumerate(alive, start=1)
        )

    def holder(self) -> Holder | None:
        """Say who owns the accelerator now; None when nobody does."""
        note = owner_note(self._lock)
        return None if note is None else Holder.from_note(note)

    def is_wanted(self) -> bool:
        """Tell whether a run or a trial waits for it or owns it."""
        holder = self.holder()
        return (holder is not None and holder.kind != "predictor") or bool(self.waiting())

    def await_turn(self, ticket: Ticket, holder: Holder, *, stop: Callable[[], bool]) -> Ownership | None:
        """Wait until the accelerator is ours.

        Args:
            ticket: our place; to be left by the caller, once it has said that it no longer waits.
            holder: who we are.
            stop: asked four times a second; True ends the wait.

        Returns:
            The ownership; None when `stop` said so, and the ticket was left.
        """
        while not stop():
            ticket.ownership.keep()
            if ticket.place == 1 and (ownership := own(self._lock, patience_s=0.0)):
                ownership.write_note(holder.to_note())
                return ownership
            time.sleep(_POLL_S)
        ticket.leave()
        return None

    def take_idle(self, holder: Holder) -> Ownership | None:
        """Take it if nobody owns it or waits for it."""
        if self.waiting():
            return None
        ownership = own(self._lock)
        if ownership:
            ownership.write_note(holder.to_note())
        return ownership

    def clear_away(self) -> None:
        """Delete the tickets of waiters that died."""
        with alone(self._queue_lock):
            for number in self._numbers():
                path = self._path(number)
                if owner_note(path) is None:
                    path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._queue / f"{number:0{_DIGITS}d}"

    def _numbers(self) -> list[int]:
        return sorted(self._listed())

    def _listed(self) -> Iterator[int]:
        with contextlib.suppress(OSError), os.scandir(self._queue) as entries:
            for entry in entries:
                if entry.name.isdigit() and len(entry.name) == _DIGITS:
                    yield int(entry.name)
