"""The predictor process: what becomes of requests when it dies, hangs or ends, with a real one in every test here."""

import dataclasses
import os
import pathlib
import resource
import signal
import threading

import pytest

from vit_core.errors import (
    BadSetting,
    OutOfMemory,
    PredictorCrashed,
    PredictorError,
)
from vit_core.inference.service import PredictionService
from vit_core.models.config import ModelConfig
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder


def test_a_killed_process_is_one_sentence_and_the_next_request_gets_a_fresh_one(running, ask, worker_pid, wait_until):
    old = worker_pid(running)
    os.kill(old, signal.SIGSTOP)
    ticket = running.submit(ask(0))
    wait_until(lambda: ticket.place() == 0)
    waiting = running.submit(ask(1))
    os.kill(old, signal.SIGKILL)
    with pytest.raises(PredictorCrashed) as caught:
        ticket.result()
    assert str(caught.value) == (
        "The predictor process died: it was killed, as the system does when memory runs out. "
        "The next request starts a fresh one; try again."
    )
    assert waiting.result().images[0].predictions
    assert worker_pid(running) != old


def test_a_process_killed_while_idle_is_replaced_unnoticed(running, ask, worker_pid, wait_until):
    os.kill(worker_pid(running), signal.SIGKILL)
    wait_until(lambda: running.status().state == "cold")
    assert running.status().loaded == ()
    assert running.submit(ask(0)).result().images[0].predictions


def test_a_process_that_hangs_is_stopped_and_said_so(cpu_settings, ask):
    with PredictionService(cpu_settings, start_limit_s=0.2) as service:  # no JAX starts in that time
        with pytest.raises(PredictorCrashed, match=r"gave no answer for 0\.2 s and was stopped; try again"):
            service.submit(ask(0)).result()
        assert service.status().state == "cold"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits another process's memory, as only Linux can")
def test_too_little_memory_is_one_sentence_and_the_next_request_gets_a_fresh_process(
    running, ask, write_checkpoint, worker_pid
):
    # Few weights, and attention of 32 heads over 4097 tokens: 8.6 GB, which are never touched.
    config = ModelConfig(
        patch_size=1, hidden_size=32, num_layers=4, mlp_dim=4, num_heads=32, num_classes=10, resolution=64
    )
    path = write_checkpoint(config, name="hungry")
    old = worker_pid(running)
    used = int(pathlib.Path(f"/proc/{old}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(old, resource.RLIMIT_AS, (used + 4_000_000_000, resource.RLIM_INFINITY))
    with pytest.raises(OutOfMemory, match=r"The device \(CPU\) has too little memory for custom 32x4/1 at 64 px"):
        running.submit(ask(0, path=path, attention=True)).result()
    assert running.submit(ask(0)).result().images[0].predictions
    assert worker_pid(running) != old


def test_a_process_that_cannot_start_says_why(cpu_settings, ask, monkeypatch, tmp_path):
    (tmp_path / "jax.py").write_text("raise ImportError('libfoo.so is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        PredictionService(cpu_settings) as service,
        pytest.raises(PredictorCrashed, match=r"it ended with 'ImportError: libfoo\.so is missing'"),
    ):
        service.submit(ask(0)).result()


def test_a_device_that_is_not_there_is_one_sentence(cpu_settings, ask):
    with PredictionService(dataclasses.replace(cpu_settings, device="tpu")) as service:
        with pytest.raises(BadSetting, match="The device is set to 'tpu', but JAX finds only CPU here"):
            service.submit(ask(0)).result()
        assert service.status().state == "cold"


def test_its_life_is_told_from_cold_to_closed(cpu_settings, ask, worker_pid, is_running, wait_until):
    service = PredictionService(cpu_settings)
    assert (service.status().state, service.status().device) == ("cold", None)
    service.submit(ask(0)).result()
    wait_until(lambda: service.status().state == "ready")
    assert (service.status().device, service.status().loaded) == ("CPU", ("tiny",))
    pid = worker_pid(service)
    os.kill(pid, signal.SIGSTOP)
    tickets = [service.submit(ask(0)), service.submit(ask(1, preprocessing="crop"))]
    wait_until(lambda: service.status().state == "busy")
    service.close()
    assert service.status().state == "cold"
    assert not is_running(pid)
    for ticket in tickets:
        with pytest.raises(PredictorError, match=r"^The predictor was shut down\.$"):
            ticket.result()
    with pytest.raises(PredictorError, match="shut down; restart the app"):
        service.submit(ask(0))
    service.close()


def test_ctrl_c_in_the_terminal_is_the_web_processs_business(running, worker_pid):
    assert os.getpgid(worker_pid(running)) != os.getpgid(0)


def test_a_service_that_was_never_used_starts_nothing(cpu_settings):
    before = threading.active_count()
    with PredictionService(cpu_settings) as service:
        assert service.status().state == "cold"
        assert threading.active_count() == before


def test_the_process_does_not_outlive_a_web_process_that_is_killed(killed_web_process, is_running, wait_until):
    _, pid = killed_web_process
    wait_until(lambda: not is_running(pid))


def test_without_an_accelerator_there_is_nothing_to_give_up(cpu_settings, ask, worker_pid):
    with PredictionService(dataclasses.replace(cpu_settings, device="auto")) as service:
        service.submit(ask(0)).result()
        process = worker_pid(service)
        service.release_device()
        service.reclaim_device()
        assert worker_pid(service) == process


def test_the_device_is_given_up_and_taken_back(cpu_settings, ask, worker_pid, is_running):
    settings = dataclasses.replace(cpu_settings, device="auto")
    run = Accelerator(settings.lock_dir).take_idle(Holder("run"))
    with PredictionService(settings) as service:
        service.submit(ask(0)).result()
        holder = worker_pid(service)
        service.release_device()
        assert not is_running(holder)
        assert service.submit(ask(0)).result().device == "CPU"
        service.reclaim_device()
        assert service.status().state == "cold"  # until somebody asks again
    run.release()


def test_giving_up_the_device_waits_for_what_is_computed(running, ask, paused, wait_until):
    with paused(running):
        ticket = running.submit(ask(0))
        wait_until(lambda: ticket.place() == 0)
        running.release_device()  # the settings say "cpu" already: there is nothing to give up
    ticket.result()
