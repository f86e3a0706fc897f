"""Time in windows: each contestant in turn, again and again, so that a passing load of the machine falls on all.

A window repeats a piece of work until it is long enough to time. Medians and quartiles are over windows; the fastest is
never quoted alone. The first, untimed turn of each contestant compiles and warms up.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Window = Callable[[], float]  # measures once and gives the figure: a rate or a time


class Spread(NamedTuple):
    """Lower quartile, median and upper quartile."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Give median and quartiles, which lie within the values however few there are.

    Example:
        >>> spread([4.0, 1.0, 3.0, 2.0, 5.0])
        Spread(low=2.0, median=3.0, high=4.0)
        >>> spread([7.0])
        Spread(low=7.0, median=7.0, high=7.0)
    """
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high)


def seconds_each(work: Callable[[], object], *, at_least_s: float) -> float:
    """Repeat a piece of work for a while, at least once; give the mean seconds of one.

    Args:
        work: returns when it is done; asynchronous work has to be waited for inside.
        at_least_s: when to stop repeating.
    """
    times, began = 0, time.perf_counter()
    while True:
        work()
        times += 1
        elapsed = time.perf_counter() - began
        if elapsed >= at_least_s:
            return elapsed / times


def rate(work: Callable[[], object], *, amount: float, at_least_s: float) -> Window:
    """Give a window that measures how much is done per second.

    Args:
        work: does `amount` of something.
        amount: images, FLOP, bytes.
        at_least_s: length of a window.
    """
    return lambda: amount / seconds_each(work, at_least_s=at_least_s)


def duration(work: Callable[[], object], *, at_least_s: float = 0.0) -> Window:
    """Give a window that measures the seconds of a piece of work."""
    return lambda: seconds_each(work, at_least_s=at_least_s)


def interleave(contestants: Mapping[str, Window], *, windows: int, warm_up: bool = True) -> dict[str, list[float]]:
    """Measure all contestants in turn: A B A B.

    Args:
        contestants: by name; their order is kept, and turned round in every other round.
        windows: how many of each.
        warm_up: whether each has an untimed turn first.

    Returns:
        The figures of each contestant, in the order of time.
    """
    if warm_up:
        for measure in contestants.values():
            measure()
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(windows):
        names = list(contestants)
        # Else the same one would always come after the slowest, with the caches and clocks that it leaves behind.
        for name in reversed(names) if number % 2 else names:
            figures[name].append(contestants[name]())
    return figures
