"""`python -m app.launch run app/server.py …`: Streamlit's own command line, with an end that leaves nothing behind.

uvicorn, which serves the pages, shuts down in order when it is told to (SIGTERM, as `docker stop` sends it), and then
raises the signal once more. With the system's own way to take it the process would die there, and with it whatever is
deleted at the end of a process: the pictures, tables and evaluations of the visits.
"""

import functools
import signal
import sys
from types import FrameType

import uvicorn
from streamlit.web import cli

_GRACE_S = 5  # for answers under way; `docker stop` kills after ten seconds


def main() -> None:
    """Run Streamlit's command line until it is stopped; SIGTERM is a good end, with exit code 0."""
    signal.signal(signal.SIGTERM, _end_well)
    # Streamlit has no setting for it, and without one a browser that reads nothing more keeps the server from ending.
    patient = functools.partial(uvicorn.Config, timeout_graceful_shutdown=_GRACE_S)
    uvicorn.Config = patient  # type: ignore[misc, assignment]  # what Streamlit calls to make its server
    cli.main(prog_name="streamlit")


def _end_well(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
