"""The predictor's device is lent to a run that wants it."""

import pytest

from vit_core.errors import PredictorError
from vit_core.runs.device_share import DeviceShare


class Service:
    """A predictor that notes what it is told; the first `refusals` times it computes too long."""

    def __init__(self, refusals=0):
        self.told = []
        self.refusals = refusals

    def release_device(self):
        self.refusals -= 1
        if self.refusals >= 0:
            raise PredictorError("It still computes.")
        self.told.append("release")

    def reclaim_device(self):
        self.told.append("reclaim")


@pytest.fixture
def share(runs):
    shares = []

    def start(service):
        shares.append(DeviceShare(service, runs))
        shares[-1].start()
        return service

    yield start
    for each in shares:
        each.close()


def test_the_device_is_given_up_for_a_run_and_taken_back_after(share, submit, reaches, runs, eventually):
    service = share(Service())
    submit("one", steps=5000)
    eventually(lambda: service.told == ["release"])
    runs.stop("one")
    reaches("one", "stopped")
    eventually(lambda: service.told == ["release", "reclaim"])


def test_a_predictor_that_still_computes_is_asked_again(share, submit, eventually):
    service = share(Service(refusals=2))
    submit("one", steps=5000)
    eventually(lambda: service.told == ["release"])


def test_a_share_that_never_started_closes(runs):
    service = Service()
    DeviceShare(service, runs).close()
    assert service.told == []
