"""How long the store waits for a bucket, in one place.

Every wait of the store is bounded by one of these figures; tests pass small ones.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Patience:
    """Time limits of a download, in seconds unless the name says otherwise.

    Attributes:
        connect_s: for one connection to be made.
        read_s: without a byte in one response, after which the connection is dropped and the download resumed.
        reach_s: without any answer at all since the start: a refused connection, an unknown host.
        give_up_s: without a byte beyond the furthest one yet, over all attempts together.
        other_s: without a new byte in a download that another thread or process is doing.
        slowest_bytes_per_s: slower than this over `give_up_s` counts as no progress.
        first_pause_s: before the second attempt; doubled for each further one.
        longest_pause_s: limit of that doubling.
        poll_s: how often a caller looks for a cancellation and reports progress.
        sign_in_s: for finding the user's Google credentials after a refusal.
    """

    connect_s: float = 5.0
    read_s: float = 10.0
    reach_s: float = 10.0
    give_up_s: float = 30.0
    other_s: float = 60.0
    slowest_bytes_per_s: float = 1024.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0
    poll_s: float = 0.1
    sign_in_s: float = 3.0

    @property
    def timeout(self) -> tuple[float, float]:
        """The pair (connect, read) as `requests` takes it."""
        return (self.connect_s, self.read_s)

    def pause(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number `attempt`, counted from 0.

        Example:
            >>> [Patience().pause(attempt) for attempt in (0, 1, 2, 9)]
            [0.5, 1.0, 2.0, 8.0]
        """
        return min(self.first_pause_s * 2.0 ** min(attempt, 30), self.longest_pause_s)
