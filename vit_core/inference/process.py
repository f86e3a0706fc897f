"""The predictor process, seen from the web process: start it, talk to it, end it, say why it died.

Knows pipes, environment and exit codes; knows nothing of requests and queues. The process ends by itself when its
standard input does, so it never outlives the web process, however that ends.
"""

import collections
import io
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, cast

import vit_core
from vit_core.allocator import without_frugality
from vit_core.errors import PredictorCrashed, shorten
from vit_core.inference.frames import Frame, FrameError, read_frame, write_frame
from vit_core.inference.messages import error_from_frame
from vit_core.settings import Settings

_LOG_LINES = 200
_GRACE_S = 5.0

logger = logging.getLogger(__name__)


class WorkerProcess:
    """One running `python -m vit_core.inference.worker`.

    Attributes:
        wanted_device: the setting it was started with: "auto", "cpu", "gpu" or "tpu".
        device: what it computes on, as text; "" before `await_ready`.
        owns_nothing: whether it would compute on the CPU in any case; False before `await_ready`.
        memory_bytes: of its accelerator; None on a CPU and before `await_ready`.
    """

    def __init__(self, settings: Settings, *, device: str, memory_limit_bytes: int | None = None) -> None:
        """Start the process; it is ready some seconds later."""
        self.wanted_device = device
        self.device = ""
        self.owns_nothing = False
        self.memory_bytes: int | None = None
        self._log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        command = [sys.executable, "-m", "vit_core.inference.worker", "--device", device]
        command += ["--cache-dir", str(settings.cache_dir), "--lock-dir", str(settings.lock_dir)]
        if memory_limit_bytes is not None:
            command += ["--memory-limit", str(memory_limit_bytes)]
        # A session of its own: Ctrl+C in the terminal is the web process's business, and a kill takes compilers along.
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(device),
            start_new_session=True,
        )
        self._input, self._output = _pipe(self._process.stdin), _pipe(self._process.stdout)
        self._reader = threading.Thread(target=self._read_log, name="predictor log", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def await_ready(self, timeout_s: float) -> None:
        """Wait until the process has its device.

        Raises:
            BadSetting: the device does not exist.
            PredictorCrashed: it died or took longer than `timeout_s`.
        """
        frame = self.receive(timeout_s)
        if frame.kind == "error":
            raise error_from_frame(frame)
        self.device = str(frame.fields["device"])
        self.owns_nothing = self.device == "CPU" and not frame.fields["lent"]
        self.memory_bytes = frame.fields.get("memory")

    def send(self, frame: Frame) -> None:
        """Send a message.

        Raises:
            PredictorCrashed: the process is gone.
        """
        try:
            write_frame(self._input, frame)
        except (OSError, ValueError) as error:  # ValueError: closed by `stop` in another thread
            raise PredictorCrashed(self._obituary()) from error

    def receive(self, timeout_s: float) -> Frame:
        """Wait for a message.

        Raises:
            PredictorCrashed: the process is gone, or was killed because it took longer than `timeout_s`.
        """
        overdue = threading.Event()
        timer = threading.Timer(timeout_s, self._kill_overdue, [overdue])
        timer.daemon = True
        timer.start()
        try:
            frame = read_frame(self._output)
        except (FrameError, OSError, ValueError) as error:
            raise PredictorCrashed(self._obituary()) from error
        finally:
            timer.cancel()
            timer.join()
        if overdue.is_set():
            raise PredictorCrashed(f"The predictor gave no answer for {timeout_s:g} s and was stopped; try again.")
        if frame is None:
            raise PredictorCrashed(self._obituary())
        return frame

    def is_alive(self) -> bool:
        """Tell whether the process runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the process and what it started, at once."""
        if self.is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the process: ask it by closing its input, then kill it. Safe to call twice."""
        try:
            self._input.close()
        except OSError:  # it died with our last message in the pipe
            logger.debug("the predictor process was gone before it was stopped")
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._reader.join()
        self._output.close()

    def _kill_overdue(self, overdue: threading.Event) -> None:
        overdue.set()
        self.kill()

    def _read_log(self) -> None:
        with _pipe(self._process.stderr) as stream:
            for line in stream:
                text = line.decode(errors="replace").rstrip()
                self._log.append(text)
                logger.debug("predictor: %s", text)

    def _obituary(self) -> str:
        """Say in one sentence how the process died."""
        try:
            code = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return (
                "The predictor process sent nonsense and was stopped. The next request starts a fresh one; try again."
            )
        self._reader.join()
        if code == -signal.SIGKILL:
            reason = "it was killed, as the system does when memory runs out"
        elif code < 0:
            reason = f"it crashed with {signal.Signals(-code).name}"
        else:
            last = next((line for line in reversed(self._log) if line.strip()), f"exit code {code}")
            reason = f"it ended with {shorten(last)!r}"
        return f"The predictor process died: {reason}. The next request starts a fresh one; try again."


def _environment(device: str) -> dict[str, str]:
    environment = without_frugality(os.environ)
    # Where the package was found by this process, the other one finds it too.
    folders = [str(Path(vit_core.__file__).resolve().parent.parent), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    # JAX would take 75 % of a GPU's memory at once, and a fine-tuning run needs its share.
    environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if device == "cpu":
        environment["JAX_PLATFORMS"] = "cpu"  # the accelerator is not even opened
    return environment


def _pipe(stream: IO[bytes] | None) -> io.BufferedIOBase:
    assert stream is not None  # noqa: S101 - all three pipes were asked for
    return cast("io.BufferedIOBase", stream)
