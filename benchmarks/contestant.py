"""A contestant seen from outside: a process that is stopped (SIGSTOP) except while it is asked something.

A stopped process has no thread that spins, polls or collects garbage, whatever its library does between runs; so each
keeps its own defaults, spinning included, and still nobody pays for another's.
"""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Disqualified(Exception):  # as the project names its errors: what happened
    """A contestant cannot take part; the message is a sentence that says why."""


class Contestant:
    """One process; see `benchmarks.workers.loop` for what it is asked."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], *, log: Path) -> None:
        """Start it, in this process's group, and stop it.

        Args:
            command: ends in a module of `benchmarks.workers`.
            environment: all of its variables.
            log: where it may write whatever it likes.

        Raises:
            Disqualified: its interpreter is not there.
        """
        self._log = log
        try:
            with log.open("wb") as file:
                self._process = subprocess.Popen(
                    list(command),
                    cwd=ROOT,
                    env=dict(environment),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=file,
                    text=True,
                )
        except FileNotFoundError as error:
            raise Disqualified(f"There is no {command[0]}; make bench makes it.") from error
        self._stop()

    @property
    def process_id(self) -> int:
        """Of the process."""
        return self._process.pid

    def ask(self, do: str, **more: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
        """Let it run until it has answered.

        Raises:
            Disqualified: it answered with an error, or died.
        """
        assert self._process.stdin is not None  # noqa: S101  # pipes were asked for
        assert self._process.stdout is not None  # noqa: S101
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            end = self._log.read_text(errors="replace").strip().splitlines()
            raise Disqualified(f"It died ({self._process.wait()}): {end[-1][:300] if end else 'no word'}")
        self._stop()
        answer = json.loads(line)
        if "error" in answer:
            raise Disqualified(str(answer["error"]))
        return answer["ok"]

    def _stop(self) -> None:
        """Stop it and wait until it stands still, which takes a moment."""
        self._process.send_signal(signal.SIGSTOP)
        if self._process.poll() is None:
            _, status = os.waitpid(self._process.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):  # it ended at that moment, and was waited for here
                self._process.returncode = os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """End it; a second time does nothing."""
        if self._process.poll() is None:
            self._process.kill()  # which a stopped process hears, too
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
