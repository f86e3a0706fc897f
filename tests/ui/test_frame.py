"""The frame: the chips, where the catalogue comes from, and what becomes of errors."""

import dataclasses
import time
from datetime import UTC, datetime, timedelta

import pytest
import streamlit as st

from app import resources
from app.components.catalogue_source import age, origin_sentence, source_words, trouble_words
from app.components.errors import UNEXPECTED, shown_errors
from app.components.frame import device_words
from app.own_table import OwnTable
from app.refresh import LiveCatalogue
from vit_core.catalog.index import load_catalogue, load_demo
from vit_core.errors import AccessDenied, BadIndex, BadInput, CorruptDownload, ObjectMissing, Unreachable
from vit_core.inference.service import ServiceStatus
from vit_core.settings import Settings

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    return load_catalogue(Settings(cache_dir=tmp_path_factory.mktemp("cache")), network=False)


def test_every_page_has_both_chips(open_page):
    page = open_page("about")

    assert not page.exception
    chips = [popover.proto.popover.label for popover in page.get("popover")]
    assert any(words in chip for chip in chips for words in ("asleep", "free", "answering", "waking up"))
    assert any("51,509 rows" in chip for chip in chips)


def test_the_chip_says_who_holds_the_device():
    assert device_words(ServiceStatus("cold", None, (), 0)) == "Model engine · asleep"
    assert device_words(ServiceStatus("busy", "CPU", ("x",), 3)) == "CPU · answering, 3 waiting"


def test_the_bundled_table_is_called_published(bundled):
    assert source_words("augreg", bundled, now=NOW) == "Catalogue: published table, 51,509 rows"


def test_a_saved_copy_says_its_age(bundled):
    saved = dataclasses.replace(bundled, origin="saved", location="gs://b/index.csv", saved_at=NOW - timedelta(days=2))

    assert "saved copy (2 days old)" in source_words("augreg", saved, now=NOW)
    assert origin_sentence("augreg", saved, now=NOW) == "A copy of gs://b/index.csv, 2 days old: 51,509 checkpoints."


def test_a_clock_that_went_back_gives_no_negative_age():
    assert age(NOW + timedelta(days=1), NOW) == "just now"


@pytest.mark.parametrize(("minutes", "words"), [(1, "1 minute old"), (59, "59 minutes old"), (60, "1 hour old")])
def test_ages_have_the_unit_that_fits(minutes, words):
    assert age(NOW - timedelta(minutes=minutes), NOW) == words


def test_each_way_in_which_a_bucket_fails_has_its_own_words():
    troubles = [trouble_words(kind("x")) for kind in (AccessDenied, ObjectMissing, Unreachable, CorruptDownload)]

    assert len(set(troubles)) == 4
    assert all(happened and next_step for happened, next_step in troubles)


def test_the_table_is_there_before_the_bucket_answers(tmp_path):
    live = LiveCatalogue(Settings(cache_dir=tmp_path))

    assert len(live.current.frame) == 51_509
    assert not live.asked


def test_an_empty_bucket_leaves_the_table_and_says_what_is_missing(bucket_server, tmp_path):
    live = LiveCatalogue(Settings(bucket=bucket_server.gs_url, cache_dir=tmp_path))

    live.ask()
    live.wait(30)

    assert isinstance(live.problem, ObjectMissing)
    assert len(live.current.frame) == 51_509


def test_a_closed_bucket_leaves_the_table_and_says_that_it_is_closed(fault_proxy, tmp_path):
    fault_proxy.answer(403)
    live = LiveCatalogue(Settings(bucket=fault_proxy.gs_url, cache_dir=tmp_path))

    live.ask()
    live.wait(30)

    assert isinstance(live.problem, AccessDenied)
    assert len(live.current.frame) == 51_509


def test_an_answer_of_the_bucket_replaces_the_table(tmp_path, index_csv):
    live = LiveCatalogue(Settings(bucket=str(tmp_path), cache_dir=tmp_path / "cache"))
    (tmp_path / "index.csv").write_bytes(index_csv)

    live.ask()
    live.wait(30)

    assert live.problem is None
    assert live.current.origin == "bucket"
    assert len(live.current.frame) == 3


def test_asking_twice_at_once_asks_once(tmp_path):
    live = LiveCatalogue(Settings(bucket=str(tmp_path / "nowhere"), cache_dir=tmp_path))

    live.ask()
    live.ask()
    live.wait(30)

    assert not live.asking


def test_a_table_of_ones_own_is_read_from_its_bytes(index_csv):
    own = OwnTable()

    own.read(index_csv, name="mine.csv")

    assert len(own.current.frame) == 3
    assert own.current.location == "mine.csv"


def test_an_upload_that_is_no_index_leaves_the_earlier_table(index_csv):
    own = OwnTable()
    own.read(index_csv, name="mine.csv")

    with pytest.raises(BadIndex):
        own.read(b"<html>503</html>", name="error.csv")

    assert own.current.location == "mine.csv"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://127.0.0.1/index.csv", "https://169.254.169.254/x", "gs://other/x", "nonsense"]
)
def test_addresses_outside_the_list_are_refused_before_anything_is_asked(url):
    own = OwnTable()

    with pytest.raises(BadInput):
        own.load(url, Settings())

    assert not own.loading


def test_a_link_to_somebody_elses_table_shows_the_main_one(open_page):
    page = open_page("about", catalogue="yours")

    assert not page.exception
    assert any("51,509 rows" in popover.proto.popover.label for popover in page.get("popover"))


def test_the_demo_catalogue_needs_nothing():
    assert resources.catalogue("demo").frame.equals(load_demo().frame)


def test_our_errors_become_their_sentence(run_function):
    def page():
        with shown_errors():
            raise BadInput("“[x](http://evil)” is too long.")

    shown = run_function(page).error[0].value

    assert r"\[x\]" in shown


def test_other_errors_become_a_plain_sentence_and_a_log_entry(run_function, caplog):
    def page():
        with shown_errors():
            raise ZeroDivisionError("secret detail")

    page = run_function(page)

    assert page.error[0].value == UNEXPECTED
    assert not page.exception
    assert "secret detail" in caplog.text


def test_a_rerun_asked_for_inside_passes_through(run_function):
    def page():
        with shown_errors():
            if not st.session_state.get("again"):
                st.session_state["again"] = True
                st.rerun()
            st.write("second run")

    assert run_function(page).markdown[0].value == "second run"


def test_the_page_follows_when_the_bucket_has_answered(open_page, index_csv, tmp_path):
    (tmp_path / "bucket" / "index.csv").write_bytes(index_csv)
    page = open_page("about")
    ends_at = time.monotonic() + 30
    while resources.live_catalogue().asking:
        assert time.monotonic() < ends_at
        time.sleep(0.05)

    labels = [popover.proto.popover.label for popover in page.run().get("popover")]

    assert any("bucket, 3 rows" in label for label in labels)
