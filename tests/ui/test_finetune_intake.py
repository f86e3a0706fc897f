"""Pictures on their way in belong to no visit: they go on without the page, and whoever has the link sees them."""

import io
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from app import resources
from app.training_intake import intake_of_zip
from app.training_register import KEPT_ENDED, Intakes
from app.training_spool import fate_of, sweep_abandoned


@pytest.fixture
def data():
    return resources.training_data()


@pytest.fixture
def begin(open_page, slow_zip):
    """Give a function that uploads so many photos and gives the page right after; what is not through is cancelled."""

    def upload(count):
        page = open_page("finetune")
        uploader = next(each for each in page.file_uploader if "zip" in each.label)
        return uploader.set_value(("photos.zip", slow_zip(count), "application/zip")).run()

    yield upload
    for intake in resources.intakes().under_way():
        intake.cancel()
    wait_until(lambda: not resources.intakes().under_way())


@pytest.fixture
def begun(begin):
    """A page right after an upload that takes much longer than the test."""
    return begin(500)


@pytest.fixture
def refused(data):
    """Give a function that starts an intake which is refused."""

    def start():
        rar = b"Rar!\x1a\x07\x00"
        return intake_of_zip(data, io.BytesIO(rar), name="photos.rar", size_bytes=len(rar))

    return start


def wait_until(condition):
    ends_at = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def id_of(page):
    return page.query_params["data"]


def button(page, label):
    return next(each for each in page.button if each.label == label)


def left_behind(data):
    return sorted(path.name for path in data.parent.iterdir())


def test_a_second_visit_sees_the_same_progress_and_ends_it_for_both(begun, open_page, texts, data):
    other = open_page("finetune", data=id_of(begun))
    assert "photos.zip" in other.get("progress")[0].proto.text.replace("\\", "")

    button(other, "Cancel").click().run()
    wait_until(lambda: not resources.intakes().under_way())

    for page in (begun.run(), other.run()):
        assert "cancelled" in page.info[0].value
        assert "One folder per class" in texts(page)
    assert left_behind(data) == []


def test_pictures_come_in_though_nobody_looks_on(begin, open_page, texts, data):
    data_id = id_of(begin(150))
    wait_until(lambda: not resources.intakes().under_way())

    assert "150 pictures of 2 classes" in texts(open_page("finetune", data=data_id))
    assert left_behind(data) == [data_id]


def test_a_run_has_to_wait_for_pictures_that_are_being_checked(begun, texts):
    assert "Wait until your pictures are checked" in texts(begun)
    assert button(begun, "Start").disabled


def test_what_is_being_checked_is_found_without_its_link(begun, open_page, texts):
    page = open_page("finetune")
    page.session_state["earlier pictures"] = True

    listed = texts(page.run())
    page = button(page, "See how far it is").click().run()

    assert "being checked now" in listed
    assert page.get("progress")
    assert id_of(page) == id_of(begun)


def test_every_visit_reads_the_same_refusal(refused, open_page):
    intake = refused()
    resources.intakes().add(intake)
    wait_until(lambda: intake.state().ended)

    first, second = (open_page("finetune", data=intake.data_id).error[0].value for _ in range(2))

    assert first == second
    assert "RAR" in first


def test_only_the_last_ended_ones_are_remembered_and_no_thread_stays(refused):
    intakes = Intakes()
    ended = []
    for _ in range(KEPT_ENDED + 6):
        ended.append(refused())
        wait_until(lambda: ended[-1].state().ended)
        intakes.add(ended[-1])

    known = [intake for intake in ended if intakes.get(intake.data_id)]

    assert known == ended[-KEPT_ENDED:]
    assert intakes.under_way() == ()
    assert not [thread for thread in threading.enumerate() if thread.name == "intake of pictures"]


KILLED = """
import io, sys
from pathlib import Path
from app.training_data import TrainingData
from app.training_intake import intake_of_zip
content = Path(sys.argv[2]).read_bytes()
intake = intake_of_zip(TrainingData(Path(sys.argv[1])), io.BytesIO(content), name="photos.zip", size_bytes=len(content))
while not intake.state().done:
    pass
print(intake.data_id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_server(slow_zip, tmp_path):
    """Another server of the same folder in the midst of an intake; gives its process and the id."""
    path = tmp_path / "photos.zip"
    path.write_bytes(slow_zip(400))
    folder = resources.settings().runs_dir / ".data"
    command = [sys.executable, "-c", KILLED, folder, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process, process.stdout.readline().strip()
        process.kill()


def test_the_link_of_pictures_that_died_with_their_server_says_so_and_what_they_left_is_gone(
    other_server, open_page, texts
):
    process, data_id = other_server
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    folder = resources.settings().runs_dir / ".data"
    assert any(path.name.startswith(".taking-") for path in folder.iterdir())

    page = open_page("finetune", data=data_id)

    assert "not fully taken in, because the server stopped" in page.error[0].value
    assert "photos.zip" in page.error[0].value.replace("\\", "")
    assert "One folder per class" in texts(page)
    assert [path.name for path in folder.rglob("*")] == [f".intake-{data_id}", "name.txt"]


def test_what_another_server_is_at_is_left_alone(other_server, open_page, data):
    _, data_id = other_server

    sweep_abandoned(data.parent)
    page = open_page("finetune", data=data_id)

    assert fate_of(data.parent, data_id) == ("under way", "photos.zip")
    assert "still being checked" in page.error[0].value
