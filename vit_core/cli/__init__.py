"""The command line: `python -m vit_core COMMAND …`, also installed as `vit-explorer`.

Results go to standard output, everything else to standard error. Exit codes: 0 done; 2 bad input, one line on standard
error; 1 the input was fine and something else failed; 130 stopped by Ctrl+C. Flags win over the environment.
"""

import argparse
import contextlib
import dataclasses
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence

from vit_core.cli.words import EXIT_BAD_INPUT, build_parser
from vit_core.errors import BadInput, Failure, VitError, shorten
from vit_core.settings import Settings, parse_path, parse_size

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130  # 128 and the number of the signal, as shells count

Run = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; those of the process when None.

    Returns:
        The exit code.
    """
    try:
        _prepare_output()
        parsed = build_parser().parse_args(arguments)
        settings = _settings(parsed)
        module, _, function = parsed.run.partition(":")
        run: Run = getattr(importlib.import_module(module), function)
        code = run(parsed, settings)
        sys.stdout.flush()
    except VitError as error:
        print(f"vit-explorer: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT if isinstance(error, BadInput) else EXIT_FAILURE
    except KeyboardInterrupt:
        print("vit-explorer: stopped.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _forget_output()  # the reader (head, less) has what it wants
        return EXIT_OK
    except OSError as error:
        _forget_output()
        where = f" ({shorten(str(error.filename))!r})" if error.filename is not None else ""
        print(f"vit-explorer: The command was broken off: {error.strerror or error}{where}.", file=sys.stderr)
        return EXIT_FAILURE
    return code


def _prepare_output() -> None:
    """See that whatever is printed can be: in a terminal or file of any encoding, file names of any bytes.

    Raises:
        Failure: standard output is closed.
    """
    if sys.stdout is None:
        raise Failure("Standard output is closed, so there is nowhere to print to.")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Write what can still be written and send the rest to nowhere; flushing it at exit would complain again."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _settings(parsed: argparse.Namespace) -> Settings:
    settings = Settings.from_environment(os.environ)
    changes: dict[str, object] = {}
    if parsed.bucket:
        changes["bucket"] = parsed.bucket
    if parsed.index:
        changes["index"] = parsed.index
    if parsed.cache_dir:
        changes["cache_dir"] = parse_path("--cache-dir", parsed.cache_dir).absolute()
    if parsed.cache_limit:
        changes["cache_limit_bytes"] = parse_size("--cache-limit", parsed.cache_limit)
    if parsed.runs_dir:
        changes["runs_dir"] = parse_path("--runs-dir", parsed.runs_dir).absolute()
    if parsed.device:
        changes["device"] = parsed.device
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]  # names and types are those above
