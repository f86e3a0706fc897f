"""The About page: what runs here, what it keeps, what the checkpoints are."""

from app.components.about_facts import versions
from vit_core.inference.service import ServiceStatus
from vit_core.settings import Settings


def test_page_says_that_data_goes_nowhere(open_page, texts):
    page = open_page("about")

    assert "**Nowhere.**" in texts(page)
    assert not page.exception


def test_versions_and_the_device_are_named(open_page):
    facts = open_page("about").table[0].value

    assert {"vit-explorer", "streamlit", "jax", "Python", "Device", "Machine"} <= set(facts.index)
    assert "not installed" not in facts.to_string()


def test_a_predictor_that_sleeps_has_no_device_yet():
    facts = versions(ServiceStatus("cold", None, (), 0), Settings(device="gpu"))

    assert facts["Device"] == "not started (asked for: gpu)"


def test_limits_follow_the_settings(open_page, texts, monkeypatch):
    monkeypatch.setenv("VIT_MAX_UPLOAD_MB", "7")

    assert "7 MB" in texts(open_page("about"))


def test_an_empty_cache_is_said_to_be_empty(open_page, texts, monkeypatch, tmp_path):
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path / "new"))

    assert "0 files" in texts(open_page("about"))


def test_deleting_the_cache_says_what_was_freed(open_page, texts, monkeypatch, tmp_path):
    monkeypatch.setenv("VIT_CACHE_DIR", str(tmp_path))
    own = tmp_path / "own" / "own-0123456789abcdef.npz"
    own.parent.mkdir()
    own.write_bytes(b"0" * 3_000_000)
    page = open_page("about")

    done = next(button for button in page.button if button.label == "Delete them").click().run()

    assert not own.exists()
    assert "3.0 MB freed" in texts(done)


def test_a_link_with_an_unknown_part_earns_a_note(open_page, texts):
    assert "colour" in texts(open_page("about", colour="red"))


def test_an_impossible_setting_is_shown_as_one_sentence(open_page, texts, monkeypatch):
    monkeypatch.setenv("VIT_CACHE_LIMIT", "-1")
    page = open_page("about")

    assert "VIT" in texts(page)
    assert not page.exception
