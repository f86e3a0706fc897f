"""How large libraries are imported: without the garbage collector, and OpenCV without threads of its own."""

import contextlib
import gc
import os
from collections.abc import Iterator


def keep_opencv_single_threaded() -> None:
    """Tell OpenCV, before it is imported, to resize in the thread that asks; what the user set before stays.

    For programs of our own, which resize several pictures at a time: with two threads a picture of 500x375 takes twice
    the processor time. In a process that is not ours, how many threads OpenCV has is not our choice.
    """
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")


@contextlib.contextmanager
def without_collecting() -> Iterator[None]:
    """Import within this block: what modules are made of stays; looking for garbage among it takes a fifth of the time.

    Afterwards all objects count as old, as after many collections, without one having been made. Of a process that
    collects nothing, or has frozen its objects, nothing is changed.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if gc.get_freeze_count() == 0:
            gc.freeze()
            gc.unfreeze()
        gc.enable()
