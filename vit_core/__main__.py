"""`python -m vit_core …`, and the program `vit-explorer`: the command line.

Ctrl+C while the modules are still being imported ends the process as it ends any program that does not listen to it:
without a traceback, with 130 in a shell.
"""

import gc
import signal
import sys


def main() -> int:
    """Run the command line; gives its exit code."""
    listens = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where a script runs us behind itself
    if listens:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from vit_core import cli
    from vit_core.imports import keep_opencv_single_threaded

    keep_opencv_single_threaded()

    if listens:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = cli.main()
    gc.freeze()  # the collection at the end of the process has a million objects of libraries to walk through: 0.15 s
    return code


if __name__ == "__main__":
    sys.exit(main())
