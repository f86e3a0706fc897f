"""The command line: `python -m vit_core COMMAND …`, also installed as `vit-explorer`.

Results go to standard output, everything else to standard error. Exit codes: 0 done; 2 bad input, one line on standard
error; 1 the input was fine and something else failed. Flags win over the environment.
"""

import argparse
import dataclasses
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from vit_core.cli.words import EXIT_BAD_INPUT, build_parser
from vit_core.errors import BadInput, VitError
from vit_core.settings import Settings, parse_size

EXIT_OK = 0
EXIT_FAILURE = 1

Run = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: the words after the program's name; those of the process when None.

    Returns:
        The exit code.
    """
    parsed = build_parser().parse_args(arguments)
    try:
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
        return EXIT_FAILURE
    except BrokenPipeError:
        # The reader (head, less) has what it wants; flushing again at exit would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    return code


def _settings(parsed: argparse.Namespace) -> Settings:
    settings = Settings.from_environment(os.environ)
    changes: dict[str, object] = {}
    if parsed.bucket:
        changes["bucket"] = parsed.bucket
    if parsed.index:
        changes["index"] = parsed.index
    if parsed.cache_dir:
        changes["cache_dir"] = Path(parsed.cache_dir).expanduser().absolute()
    if parsed.cache_limit:
        changes["cache_limit_bytes"] = parse_size("--cache-limit", parsed.cache_limit)
    if parsed.device:
        changes["device"] = parsed.device
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]  # names and types are those above
