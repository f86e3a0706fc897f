"""Every error that a user can meet, as one tree.

VitError                    the message is one sentence for a person: the item, the value, the rule, the next step
├── BadInput                what the user gave cannot be used; the command line exits with 2
│   ├── UnknownName         no checkpoint, column or variant of that name; lists the close ones
│   ├── BadImage            bytes that are no picture, or a picture over a limit
│   ├── BadIndex            a table that is not an index of checkpoints
│   ├── BadQuery            a filter expression outside the allowed language
│   ├── BadCheckpoint       a file that is no checkpoint, or not of a known architecture
│   │   ├── DamagedCheckpoint  its bytes are not those that were written; a fresh copy helps
│   │   └── UntoldHeads     whole, and nothing tells its number of attention heads; to give it helps
│   ├── BadDataset          a zip, folder or name that gives no images by class
│   ├── BadRun              a run's name, folder or state that does not allow what was asked
│   └── BadSetting          an environment variable or a flag with an impossible value
└── Failure                 the input was fine and something else was not; the command line exits with 1
    ├── StoreError          a bucket, a download or the cache
    │   ├── AccessDenied    the bucket answered 401 or 403
    │   ├── ObjectMissing   the bucket answered, and there is no such object
    │   ├── Unreachable     no answer: no network, a refused connection, a deadline, errors for ever
    │   ├── CorruptDownload the bytes do not match the checksum or the length that the bucket states
    │   ├── StorageFull     the disk or the cache limit has no room
    │   └── Cancelled       the user stopped it
    ├── PredictorError      the process that owns the accelerator
    │   ├── PredictorBusy   the queue is full; says the place
    │   ├── PredictorCrashed the process died; a fresh one takes the next request
    │   └── OutOfMemory     the device has too little memory for this model and batch
    └── TrainingError       a fine-tuning run
        ├── Diverged        the loss is no longer a number
        └── NoMemory        the device has too little memory even for the smallest part of a batch
"""

import difflib
from collections.abc import Iterable


class VitError(Exception):
    """Base of all errors with a message for people."""


class BadInput(VitError):
    """What the user gave cannot be used."""


class UnknownName(BadInput):
    """No such name; the message lists the close ones."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str], *, limit: int = 3) -> "UnknownName":
        """Build the error for `name`, which is not one of `known`.

        Args:
            kind: what was looked for, as a noun: "checkpoint", "column".
            name: what the user wrote.
            known: the names that exist.
            limit: how many close names to list.

        Example:
            >>> str(UnknownName.among("column", "final_vall", ["name", "final_val"]))
            "There is no column 'final_vall'. Did you mean 'final_val'?"
        """
        close = difflib.get_close_matches(name, list(known), n=limit, cutoff=0.6)
        hint = f" Did you mean {' or '.join(repr(match) for match in close)}?" if close else ""
        return cls(f"There is no {kind} {quoted(name)}.{hint}")


class BadImage(BadInput):
    """Bytes that are no picture, or a picture over a limit."""


class BadIndex(BadInput):
    """A table that is not an index of checkpoints."""


class BadQuery(BadInput):
    """A filter expression outside the allowed language."""


class BadCheckpoint(BadInput):
    """A file that is no checkpoint, or not of a known architecture."""


class DamagedCheckpoint(BadCheckpoint):
    """A file whose bytes are not those that were written: cut short, overwritten, not finite; a fresh copy helps."""


class UntoldHeads(BadCheckpoint):
    """A file that nothing is wrong with, of which nothing tells how many attention heads its model has."""


class BadDataset(BadInput):
    """A zip, folder or name that gives no images by class."""


class BadRun(BadInput):
    """A run's name, folder or state that does not allow what was asked."""


class BadSetting(BadInput):
    """An environment variable or a flag with an impossible value."""


class Failure(VitError):
    """The input was fine and something else was not."""


class StoreError(Failure):
    """A bucket, a download or the cache failed."""


class AccessDenied(StoreError):
    """The bucket answered 401 or 403."""


class ObjectMissing(StoreError):
    """The bucket answered, and there is no such object."""


class Unreachable(StoreError):
    """No usable answer within the time limit."""


class CorruptDownload(StoreError):
    """The bytes do not match the checksum or the length that the bucket states."""


class StorageFull(StoreError):
    """The disk or the cache limit has no room."""


class Cancelled(StoreError):
    """The user stopped it."""


class PredictorError(Failure):
    """The process that owns the accelerator failed."""


class PredictorBusy(PredictorError):
    """The queue is full."""


class PredictorCrashed(PredictorError):
    """The process died; a fresh one takes the next request."""


class OutOfMemory(PredictorError):
    """The device has too little memory for this model and batch."""


class TrainingError(Failure):
    """A fine-tuning run failed."""


class Diverged(TrainingError):
    """The loss is no longer a number."""


class NoMemory(TrainingError):
    """The device has too little memory even for the smallest part of a batch."""


def shorten(text: str, limit: int = 120) -> str:
    r"""Cut a value for a message to `limit` characters, on one line.

    Example:
        >>> shorten("a\nb" * 100, limit=8)
        'a ba ba…'
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quoted(text: str, limit: int = 120) -> str:
    r"""Quote what a user typed, cut to `limit` characters, with what cannot be seen written out.

    Example:
        >>> print(quoted("my-run\n"))
        'my-run\n'
    """
    shown = repr(text[: limit + 1])
    return shown if len(shown) <= limit + 2 else f"{shown[:limit]}…{shown[0]}"
