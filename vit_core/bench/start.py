"""`bench start`: from the start of a process to its first prediction, with and without programs compiled before."""

import functools
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vit_core.bench.conditions import Conditions
from vit_core.bench.options import Options
from vit_core.bench.photos import photo
from vit_core.bench.report import Report, Row
from vit_core.bench.weights import model_config, random_checkpoint
from vit_core.bench.windows import Window, interleave
from vit_core.errors import Failure

_LIBRARY, _COMMAND = "warm compile cache, from Python", "warm compile cache, classify on the command line"
_IMPORT, _COLD = "of these, Python and import jax", "empty compile cache, from Python"
_LIMIT_S = 600


def measure(options: Options) -> Report:
    """Measure one model, each time in a new process.

    Raises:
        UnknownName: no such model.
        BadInput: the resolution does not suit the model.
        Failure: a process did not end well.
    """
    conditions = Conditions()
    config = model_config(options.model, resolution=options.resolution)
    with tempfile.TemporaryDirectory(prefix="vit-bench-") as name:
        folder = Path(name)
        file, image = random_checkpoint(config, folder / "model.npz"), folder / "photo.jpg"
        image.write_bytes(photo(500, 375))
        environment = os.environ | {"VIT_CACHE_DIR": str(folder / "cache"), "VIT_DEVICE": options.device}
        library = (sys.executable, "-m", "vit_core.bench.first_prediction", str(file), str(image))
        command = (sys.executable, "-m", "vit_core", "classify", "--checkpoint", str(file), str(image))
        processes = {
            _LIBRARY: _process(library, environment),
            _COMMAND: _process(command, environment),
            _IMPORT: _process((sys.executable, "-c", "import jax; print(jax.devices())"), environment),
        }
        # The first one fills the cache that the others find. Compiling is not what one waits for daily: two are enough.
        cold = [process_seconds(library, environment)]
        figures = interleave(processes, windows=options.windows, warm_up=False)
        if options.windows > 1:
            cold.append(process_seconds(library, environment | {"VIT_CACHE_DIR": str(folder / "empty")}))
    tasks = {**figures, _COLD: cold}
    return Report(
        bench="start",
        subject=f"{options.model}, {options.resolution} px",
        options=options.to_plain(),
        measured=conditions.to_plain(),
        rows=[Row(task=task, unit="s", better="less", figures=tuple(values)) for task, values in tasks.items()],
    )


def _process(command: Sequence[str], environment: Mapping[str, str]) -> Window:
    return functools.partial(process_seconds, command, environment)


def process_seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Run a process to its end and give the seconds to its first line.

    Raises:
        Failure: it did not end well.
    """
    return process_output(command, environment)[1]


def process_output(command: Sequence[str], environment: Mapping[str, str]) -> tuple[str, float]:
    """Run a process to its end and give what it printed, and the seconds to its first line: what a person waits for.

    Python takes 0.2 s more to end a process that imported JAX.

    Raises:
        Failure: it did not end well.
        OSError: there is no such program.
    """
    began = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as problems,
        subprocess.Popen(  # noqa: S603  # a list of words, no shell
            list(command), env=dict(environment), stdout=subprocess.PIPE, stderr=problems, text=True
        ) as process,
    ):
        overdue = threading.Timer(_LIMIT_S, process.kill)
        overdue.start()
        assert process.stdout is not None  # noqa: S101  # it was asked for
        printed = process.stdout.readline()
        seconds = time.perf_counter() - began
        printed += process.stdout.read()
        process.wait()
        overdue.cancel()
        problems.seek(0)
        if process.returncode:
            told = problems.read().strip()[-300:]
            raise Failure(f"{' '.join(command[1:4])} ended with {process.returncode}: {told}")
    return printed, seconds
