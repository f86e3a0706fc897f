"""Many users, one predictor process: a real one in every test here."""

import dataclasses
import gc
import os
import signal
import threading

import numpy as np
import pytest

from vit_core.checkpoints.restore import init_params, save_npz
from vit_core.errors import (
    BadCheckpoint,
    BadInput,
    Cancelled,
    ObjectMissing,
    PredictorBusy,
)
from vit_core.inference.predictor import load_predictor
from vit_core.inference.service import PredictionService
from vit_core.preprocess import read_image, to_model_input


def test_the_web_process_never_imports_jax(killed_web_process):
    heavy, _ = killed_web_process
    assert heavy == "[]"


def test_the_answer_is_that_of_the_library(service, ask, tiny_checkpoint, cpu_settings, picture):
    answer = service.submit(ask(0, 1, 2)).result()
    expected = load_predictor(tiny_checkpoint, settings=cpu_settings).classify([picture(seed) for seed in range(3)])
    assert [image.name for image in answer.images] == ["0.png", "1.png", "2.png"]
    for image, predictions in zip(answer.images, expected, strict=True):
        assert [prediction.index for prediction in image.predictions] == [p.index for p in predictions]
        np.testing.assert_allclose(
            [prediction.probability for prediction in image.predictions],
            [p.probability for p in predictions],
            atol=1e-6,
        )


def test_the_answer_says_how_it_came_about(service, ask):
    answer = service.submit(ask(0)).result()
    assert (answer.device, answer.resolution, answer.preprocessing, answer.num_classes) == ("CPU", 16, "resize", 10)
    assert (answer.label_set, answer.notes) == ("", ())
    assert answer.label_source.startswith("The name of the checkpoint does not tell")
    assert set(answer.seconds) == {"queue", "load", "compile", "decode", "run"}
    assert all(value >= 0 for value in answer.seconds.values())


def test_the_answer_shows_what_the_model_saw(service, ask, picture):
    [image] = service.submit(ask(0, preprocessing="crop")).result().images
    np.testing.assert_array_equal(image.crop, to_model_input(read_image(picture(0)), 16, method="crop"))


def test_attention_comes_only_when_asked_for(service, ask):
    [without] = service.submit(ask(0)).result().images
    assert without.heads is None
    assert without.rollout is None
    [image] = service.submit(ask(0, attention=True)).result().images
    assert (image.heads.shape, image.heads.dtype) == ((2, 2, 4, 4), np.float16)
    assert (image.rollout.shape, image.rollout.dtype) == ((2, 4, 4), np.float32)


def test_the_number_of_classes_and_the_resolution_can_be_chosen(service, ask):
    answer = service.submit(ask(0, top_k=3, resolution=24)).result()
    assert len(answer.images[0].predictions) == 3
    assert answer.images[0].crop.shape == (24, 24, 3)
    assert "interpolated from 16 to 24 px" in answer.notes[0]


def test_the_users_own_class_names_are_used(service, ask, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(f"animal {index}" for index in range(10)))
    named = service.submit(ask(0, labels=tmp_path / "names.txt")).result()
    assert named.images[0].predictions[0].label.startswith("animal ")
    numbered = service.submit(ask(0)).result()
    assert numbered.images[0].predictions[0].label.startswith("class ")


def test_a_bad_image_fails_alone(service, ask, picture):
    images = (picture(0), b"", b"<html>", picture(1)[:-40], picture(1))
    answer = service.submit(dataclasses.replace(ask(0), images=images, names=("a", "b", "c", "d", "e"))).result()
    assert [bool(image.predictions) for image in answer.images] == [True, False, False, False, True]
    assert answer.images[1].error == "'b' is empty."
    assert "'c' is an HTML" in answer.images[2].error
    assert "'d' is truncated" in answer.images[3].error
    assert answer.images[1].crop is None
    alone = service.submit(ask(1)).result().images[0]
    assert alone.predictions[0].index == answer.images[4].predictions[0].index


def test_images_that_are_all_bad_still_get_an_answer(service, ask):
    answer = service.submit(dataclasses.replace(ask(0), images=(b"",), names=("a",))).result()
    assert answer.images[0].error == "'a' is empty."


def test_a_second_request_neither_loads_nor_compiles(service, ask):
    service.submit(ask(0)).result()
    seconds = service.submit(ask(1)).result().seconds
    assert (seconds["load"], seconds["compile"]) == (0, 0)


def test_a_file_that_was_replaced_is_loaded_anew(service, ask, write_checkpoint, tiny_config, tmp_path):
    path = tmp_path / "mine.npz"
    answers = []
    for seed in (1, 2):
        fresh = tmp_path / "fresh.npz"
        fresh.write_bytes(write_checkpoint(tiny_config, seed=seed).read_bytes())
        fresh.replace(path)
        answers.append(service.submit(ask(0, path=path, top_k=10)).result().images[0].predictions)
    assert answers[0] != answers[1]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"resolution": 18}, BadInput, "18 is not a multiple of 4"),
        ({"path": "page.npz"}, BadCheckpoint, "page.npz"),
        ({"path": "nothing.npz"}, (BadCheckpoint, ObjectMissing), "nothing.npz"),
        ({"labels": "nothing.txt"}, BadInput, r"nothing\.txt' cannot be read"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_one_sentence(service, ask, tmp_path, options, kind, message):
    (tmp_path / "page.npz").write_bytes(b"<html>404</html>")
    options = {key: tmp_path / value if isinstance(value, str) else value for key, value in options.items()}
    with pytest.raises(kind, match=message):
        service.submit(ask(0, **options)).result()
    assert service.submit(ask(0)).result().images[0].predictions  # and the next one is none the worse


def test_a_checkpoint_without_a_head_gives_attention_and_says_why_there_are_no_classes(
    service, ask, write_checkpoint, tiny_config
):
    path = write_checkpoint(dataclasses.replace(tiny_config, num_classes=0), name="headless")
    answer = service.submit(ask(0, path=path, name="headless", attention=True)).result()
    assert answer.no_classes.startswith("The checkpoint 'headless' has no head")
    assert answer.images[0].predictions == ()
    assert answer.images[0].heads.shape == (2, 2, 4, 4)


def test_a_head_of_zeros_gives_attention_and_no_share_for_every_class(service, ask, tiny_config, tmp_path):
    save_npz(tmp_path / "zeroed.npz", tiny_config, init_params(tiny_config, seed=0))
    answer = service.submit(ask(0, path=tmp_path / "zeroed.npz", name="zeroed", attention=True)).result()
    assert "a head of zeros" in answer.no_classes
    assert answer.images[0].predictions == ()
    assert answer.images[0].heads is not None


def test_a_checkpoint_that_names_classes_has_no_such_reason(service, ask):
    assert service.submit(ask(0)).result().no_classes == ""


def test_requests_that_wait_together_are_computed_together(running, ask, paused, wait_until):
    alone = {seed: running.submit(ask(seed)).result().images[0].predictions[0].index for seed in range(8)}
    with paused(running):
        first = running.submit(ask(99))
        wait_until(lambda: first.place() == 0)
        tickets = {}
        threads = [
            threading.Thread(target=lambda seed=seed: tickets.__setitem__(seed, running.submit(ask(seed))))
            for seed in alone
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(ticket.place() for ticket in tickets.values()) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert running.status().queued == 8
    answers = {seed: ticket.result() for seed, ticket in tickets.items()}
    assert {answer.batch_images for answer in answers.values()} == {8}
    assert {seed: answer.images[0].predictions[0].index for seed, answer in answers.items()} == alone


def test_requests_for_other_checkpoints_or_options_are_kept_apart(
    running, ask, write_checkpoint, tiny_config, paused, wait_until
):
    other = write_checkpoint(tiny_config, seed=5)
    with paused(running):
        running.submit(ask(99))
        wait_until(lambda: running.status().queued == 0)
        tickets = [
            running.submit(request)
            for request in (ask(0), ask(0, path=other), ask(0, preprocessing="crop"), ask(0, top_k=2))
        ]
    answers = [ticket.result() for ticket in tickets]
    assert [answer.batch_images for answer in answers] == [2, 1, 1, 2]  # only the number of classes may differ
    assert len(answers[3].images[0].predictions) == 2
    assert answers[0].images[0].predictions != answers[1].images[0].predictions


def test_a_large_request_goes_in_parts_and_lets_others_in_between(running, ask, paused, wait_until):
    with paused(running):
        large = running.submit(ask(*range(70)))
        wait_until(lambda: large.place() == 0)
        small = running.submit(ask(0, preprocessing="crop"))
    small.result()
    done, total = large.progress()
    assert total == 70
    assert done < 70  # two parts of it come after the small one
    answer = large.result()
    assert [image.name for image in answer.images] == [f"{seed}.png" for seed in range(70)]
    assert all(image.predictions for image in answer.images)
    assert large.progress() == (70, 70)
    assert answer.batch_images == 32


def test_past_the_bound_it_is_busy_and_says_the_place(cpu_settings, ask, worker_pid, wait_until):
    with PredictionService(cpu_settings, queue_limit=2) as service:
        first = service.submit(ask(0))  # the process takes seconds to start, and is stopped before it has
        wait_until(lambda: first.place() == 0 and service.status().state == "starting")
        os.kill(worker_pid(service), signal.SIGSTOP)
        waiting = [service.submit(ask(seed)) for seed in (1, 2)]
        with pytest.raises(PredictorBusy, match="The predictor is busy, place 3; try again"):
            service.submit(ask(3))
        waiting[0].cancel()
        waiting.append(service.submit(ask(3)))  # there is room again
        assert [ticket.place() for ticket in waiting[1:]] == [1, 2]


def test_the_bytes_that_wait_are_bounded_too(cpu_settings, ask, worker_pid, wait_until):
    with PredictionService(cpu_settings, queue_bytes=2 * ask(0).size_bytes) as service:
        first = service.submit(ask(0))
        wait_until(lambda: first.place() == 0 and service.status().state == "starting")
        os.kill(worker_pid(service), signal.SIGSTOP)
        second = service.submit(ask(0))
        with pytest.raises(PredictorBusy, match="place 2"):
            service.submit(ask(0))
        second.cancel()
        assert service.submit(ask(0)).place() == 1


def test_a_cancelled_request_is_dropped(running, ask, paused, wait_until):
    with paused(running):
        first = running.submit(ask(0))
        wait_until(lambda: first.place() == 0)
        second = running.submit(ask(1))
        first.cancel()
        second.cancel()
        second.cancel()
        assert first.done()
        assert second.done()
        for ticket in (first, second):
            with pytest.raises(Cancelled, match=r"^The request was cancelled\.$"):
                ticket.result()
        assert running.status().queued == 0
    assert running.submit(ask(2)).result().images[0].predictions


def test_cancelling_after_the_answer_changes_nothing(service, ask):
    ticket = service.submit(ask(0))
    answer = ticket.result()
    ticket.cancel()
    assert ticket.result() is answer


def test_a_ticket_that_nobody_holds_is_dropped(running, ask, paused, wait_until):
    with paused(running):
        first = running.submit(ask(0))
        wait_until(lambda: first.place() == 0)
        running.submit(ask(1))
        gc.collect()
        assert running.status().queued == 0
        last = running.submit(ask(2))
        assert last.place() == 1
    last.result()


def test_waiting_has_a_time_limit_of_its_own(running, ask, paused):
    with paused(running):
        ticket = running.submit(ask(0))
        with pytest.raises(TimeoutError, match=r"no answer yet after 0\.01 s"):
            ticket.result(timeout_s=0.01)
        assert not ticket.done()
    assert ticket.result(timeout_s=60.0).images[0].predictions
    assert ticket.done()


def test_a_ticket_says_what_happens(service, first_stages):
    order = ["queued", "starting the predictor", "loading checkpoint", "compiling (first time)", "computing", "done"]
    assert [stage for stage in order if stage in first_stages] == first_stages  # no other ones, and none out of order
    assert "starting the predictor" in first_stages
    assert "compiling (first time)" in first_stages


def test_afterwards_a_ticket_says_that_it_is_done(running, ask):
    ticket = running.submit(ask(0))
    ticket.result()
    assert (ticket.stage(), ticket.place(), ticket.progress()) == ("done", 0, (1, 1))
