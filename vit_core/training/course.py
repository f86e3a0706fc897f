"""When a run is tested and saved, which test was best, and when it is over: a pure function of settings and tests."""

import math
from collections.abc import Mapping

from vit_core.training.config import TrainConfig

_TESTS = 10  # a run
_COST_OF_ANSWER = 1 / 3  # of what learning from an image costs: no way back
_MOST_TESTING = 0.25  # of the time of training, where the test part is large


def test_interval(config: TrainConfig, *, num_test: int) -> int:
    """Give the steps between tests: as told, else about ten tests a run, fewer where testing would take over.

    Example:
        >>> settings = {"checkpoint": "x", "resolution": 32, "learning_rate": 0.1, "warmup_steps": 0}
        >>> config = TrainConfig(total_steps=95, batch=8, **settings)
        >>> test_interval(config, num_test=30), test_interval(config, num_test=1200)
        (10, 95)
    """
    if config.eval_every:
        return min(config.eval_every, config.total_steps)
    worthwhile = math.ceil(num_test * _COST_OF_ANSWER / _MOST_TESTING / config.batch)
    return min(max(math.ceil(config.total_steps / _TESTS), worthwhile), config.total_steps)


class Course:
    """Keeps the tests of a run, those of earlier processes too."""

    def __init__(self, config: TrainConfig, *, num_test: int, tests: Mapping[int, float]) -> None:
        """Begin, or go on.

        Args:
            config: the settings.
            num_test: test images; without any there are no tests.
            tests: accuracies by step, as far as the state goes that the run continues from.
        """
        self._config, self._num_test = config, num_test
        self._interval = test_interval(config, num_test=num_test)
        self._tests = dict(tests)

    @property
    def best(self) -> tuple[int, float] | None:
        """The step and the accuracy of the best test, the first of equal ones; None before any."""
        if not self._tests:
            return None
        step = min(self._tests, key=lambda step: (-self._tests[step], step))
        return step, self._tests[step]

    @property
    def last(self) -> float | None:
        """The accuracy of the last test."""
        return self._tests[max(self._tests)] if self._tests else None

    def needs_test(self, step: int) -> bool:
        """Tell whether the state after `step` is to be tested and was not."""
        due = step % self._interval == 0 or step == self._config.total_steps
        return self._num_test > 0 and step > 0 and due and step not in self._tests

    def record(self, step: int, accuracy: float) -> bool:
        """Take a test in; tells whether it is the best so far."""
        self._tests[step] = accuracy
        return self.best == (step, accuracy)

    def needs_save(self, step: int) -> bool:
        """Tell whether the state after `step` is to be saved, whatever its test."""
        every = self._config.checkpoint_every
        return step > 0 and (step == self._config.total_steps or (every > 0 and step % every == 0))

    def is_over(self, step: int) -> bool:
        """Tell whether nothing is left to do after `step` and its test."""
        return step >= self._config.total_steps or self.stopped_early

    @property
    def stopped_early(self) -> bool:
        """Whether as many tests in a row as the settings allow brought nothing better."""
        best, patience = self.best, self._config.early_stop
        if best is None or not patience:
            return False
        return sum(step > best[0] for step in self._tests) >= patience

    def tests_left(self, step: int) -> int:
        """Give how many tests are to come, if the run goes to its end."""
        if not self._num_test:
            return 0
        total = self._config.total_steps
        return total // self._interval - step // self._interval + (total % self._interval > 0)
