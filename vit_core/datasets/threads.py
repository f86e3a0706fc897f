"""Threads that work ahead of whoever takes the results: decoding, cropping and resizing let go of Python's lock."""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
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


class Allowance:
    """Something that threads share, of which each takes what it needs and gives it back: memory, say."""

    def __init__(self, total: int) -> None:
        """Start with all of it there."""
        self._total = total
        self._left = total
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, amount: int) -> Iterator[None]:
        """Wait until there is enough, and hold it within the block; who needs more than there is waits for all."""
        amount = min(amount, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= amount)
            self._left -= amount
        try:
            yield
        finally:
            with self._changed:
                self._left += amount
                self._changed.notify_all()
