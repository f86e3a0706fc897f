"""Threads that work ahead of whoever takes the results: decoding, cropping and resizing let go of Python's lock."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def available_cores() -> int:
    """Give how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_order(tasks: Iterable[Callable[[], T]], *, workers: int, ahead: int) -> Generator[T, None, None]:
    """Give the results of tasks in their order, computed by threads.

    Closing the generator drops what has not begun and returns when no thread is left.

    Args:
        tasks: asked for one by one, by the caller's thread.
        workers: threads.
        ahead: tasks that are done or under way, at most, when a result is given.

    Raises:
        Exception: what the first failed task raised; the threads have ended then.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pixels")
    under_way: deque[Future[T]] = deque()
    try:
        for task in tasks:
            under_way.append(pool.submit(task))
            if len(under_way) > ahead:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
