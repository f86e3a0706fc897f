"""The zip of a finished run, made while it is sent."""

import contextlib
import io
import socket
import threading
import time
import urllib.error
import urllib.request
import zipfile

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request

from app import resources, result_zip
from app.result_zip import is_served, zip_chunks, zip_link, zip_route
from vit_core.errors import BadRun

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _served_by_nobody(monkeypatch):
    """Whatever a test serves, the next one's pages have no route to lead to."""
    monkeypatch.setattr(result_zip, "_served", threading.Event())


@pytest.fixture
def ask(make_run, monkeypatch, tmp_path):
    """Give a function that asks the server for an address, and gives the response."""
    monkeypatch.setenv("VIT_LOCK_DIR", str(resources.settings().lock_dir))
    route = Starlette(routes=[zip_route()]).routes[0]

    def get(name, method="GET"):
        scope = {"type": "http", "method": method, "path": f"/{zip_link(name)}", "headers": [], "query_string": b""}
        _, found = route.matches(scope)
        return route.endpoint(Request({**scope, **found}))

    return get


@pytest.fixture
def serve(make_run, monkeypatch):
    """Give a function that serves the zips from a real server of this process, and gives its port."""
    monkeypatch.setenv("VIT_LOCK_DIR", str(resources.settings().lock_dir))
    with contextlib.ExitStack() as ends:

        def start(**options):
            listener = socket.create_server(("127.0.0.1", 0))
            config = uvicorn.Config(
                Starlette(routes=[zip_route(**options)]), lifespan="off", log_config=None, timeout_graceful_shutdown=1
            )
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            ends.callback(thread.join, PATIENCE_S)
            ends.callback(setattr, server, "should_exit", True)
            return listener.getsockname()[1]

        yield start


@pytest.fixture
def large_run(make_run):
    """A finished run whose zip no socket takes at once."""
    make_run("pets", state="done")
    (resources.runs().get("pets").folder / "result" / "model.npz").write_bytes(bytes(50_000_000))


def makers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("zip of")]


def wait_until(happened):
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextlib.contextmanager
def reader(port):
    """Ask for the zip, take its first bytes, and nothing more."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET /results/pets.zip HTTP/1.1\r\nHost: here\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        yield connection


def test_the_pieces_are_the_whole_zip(make_run):
    make_run("pets", state="done")

    content = b"".join(zip_chunks(resources.runs().get("pets").folder))

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert "pets/model.npz" in archive.namelist()


def test_whoever_stops_asking_ends_the_making(make_run):
    make_run("pets", state="done")
    folder = resources.runs().get("pets").folder
    (folder / "result" / "model.npz").write_bytes(bytes(5_000_000))
    pieces = zip_chunks(folder)
    next(pieces)
    assert makers()

    pieces.close()

    for thread in makers():
        thread.join(60)
    assert not makers()


def test_a_result_that_cannot_be_read_ends_with_an_error_and_not_as_if_it_were_whole(tmp_path):
    with pytest.raises(BadRun, match="has no result yet"):
        list(zip_chunks(tmp_path))


def test_the_zip_of_a_finished_run_is_a_file_to_keep(ask, make_run):
    make_run("pets", state="done")

    response = ask("pets")

    assert response.status_code == 200
    assert response.headers["content-disposition"] == 'attachment; filename="pets.zip"'


@pytest.mark.parametrize("name", ["nothing", "cars", "..", "Pets", ".data"])
def test_other_names_have_no_zip(ask, make_run, name):
    make_run("cars", state="stopped")

    assert ask(name).status_code == 404


def test_a_question_about_the_zip_makes_none(ask, make_run):
    make_run("pets", state="done")

    response = ask("pets", "HEAD")

    assert (response.status_code, response.body) == (200, b"")
    assert "content-length" not in response.headers


def test_a_reader_that_goes_away_ends_the_making(serve, large_run):
    with reader(serve()):
        wait_until(makers)

    wait_until(lambda: not makers())


def test_a_reader_that_takes_nothing_is_given_up(serve, large_run, monkeypatch):
    monkeypatch.setattr(result_zip, "_PATIENCE_S", 0.5)

    with reader(serve()):
        wait_until(makers)
        wait_until(lambda: not makers())


def test_of_too_many_at_once_the_last_is_told_to_come_again(serve, large_run):
    port = serve()
    with contextlib.ExitStack() as readers:
        for _ in range(8):
            readers.enter_context(reader(port))
        with pytest.raises(urllib.error.HTTPError, match="503") as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/results/pets.zip", timeout=PATIENCE_S)
        assert "try again when one is through" in refusal.value.read().decode()
        refusal.value.close()
    wait_until(lambda: not makers())

    with reader(port):  # the places are free again
        pass
    wait_until(lambda: not makers())


def test_below_a_base_path_the_zip_is_below_it_too(serve, make_run):
    make_run("pets", state="done")

    with urllib.request.urlopen(f"http://127.0.0.1:{serve(below='/models/')}/models/results/pets.zip") as answer:
        content = answer.read()

    assert zipfile.is_zipfile(io.BytesIO(content))


def test_whatever_goes_wrong_in_the_making_breaks_the_download(tmp_path, monkeypatch):
    def go_wrong(folder, target):
        target.write(b"the first half")
        raise ValueError("no such thing")

    monkeypatch.setattr(result_zip, "zip_result", go_wrong)

    with pytest.raises(ValueError, match="no such thing"):
        list(zip_chunks(tmp_path))


def test_where_the_zip_is_served_the_page_links_to_it(open_page, make_run, html):
    make_run("pets", state="done")
    zip_route()

    page = open_page("runs", run="pets")

    assert 'href="results/pets.zip"' in html(page)
    assert not [button for button in page.get("download_button") if "zip" in button.label]


def test_where_nobody_serves_the_zip_the_page_has_a_button_of_its_own_for_it(open_page, make_run, html):
    make_run("pets", state="done")

    page = open_page("runs", run="pets")

    assert not is_served()
    assert [button for button in page.get("download_button") if button.label.startswith("Download zip")]
    assert "results/pets.zip" not in html(page)
