"""A command of ours in a process of its own, for pages: how it is started, what it tells, and why it ended.

It tells what it does on standard error, a JSON object per line, and ends when we do: its standard input ends then.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

from vit_core.errors import BadInput, Failure, VitError
from vit_core.runs.local import child_environment
from vit_core.settings import Settings

KEPT_LINES = 50  # of what is no JSON, the sentence that it ends with among it
_PREFIX = "vit-explorer: "  # of that sentence
_EXIT_BAD_INPUT = 2


def start_command(
    words: Sequence[str], *, folder: Path, settings: Settings, what: str, stdout: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Start `python -m vit_core …`, listened to through pipes.

    Args:
        words: the command and its flags.
        folder: where it works.
        settings: of the process.
        what: is being started, as the beginning of a sentence: "The measurement".
        stdout: a pipe that the caller reads, or `subprocess.DEVNULL`.

    Raises:
        Failure: the process cannot be started.
    """
    try:
        return subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "vit_core", *words],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=child_environment(settings),
            start_new_session=True,
        )
    except OSError as error:
        raise Failure(f"{what} could not be started: {error.strerror or error}.") from error


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Give a pipe of such a process, which is there."""
    assert stream is not None  # noqa: S101 - only asked for where there is one
    return stream


def parse_object(text: str) -> dict[str, Any] | None:
    """Give a JSON object, or None where a text is none."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) else None


def told_error(lines: Iterable[str], code: int) -> VitError | None:
    """Give the error that a process ended with, from the last lines it wrote; None where it gave no sentence."""
    sentence = next((line for line in reversed(list(lines)) if line.startswith(_PREFIX)), "")
    kind = BadInput if code == _EXIT_BAD_INPUT else Failure
    return kind(sentence.removeprefix(_PREFIX)) if sentence else None


def how_it_ended(code: int) -> str:
    """Say how a process without a sentence ended, as the middle of one."""
    return "was killed, as the system does when memory runs out" if code < 0 else f"ended with code {code}"
