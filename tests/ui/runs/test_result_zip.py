"""The zip of a finished run, made while it is sent."""

import io
import threading
import zipfile

import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from app import resources
from app.result_zip import zip_chunks, zip_link, zip_route
from vit_core.errors import BadRun


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


def makers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("zip of")]


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
