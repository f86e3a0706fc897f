"""Text of users and files, shown letter by letter."""

import pytest

from app.components.plain_text import bullets, one_line, plain, plain_html

RTL_OVERRIDE = "\u202e"


def test_long_names_are_cut():
    assert one_line("x" * 300, limit=20) == "x" * 19 + "…"


def test_lines_become_one():
    assert one_line("a\n\tb\r\nc") == "a b c"


@pytest.mark.parametrize("character", [RTL_OVERRIDE, "\u2066", "\u200b", "\x00", "\x1b", "\ud800"])
def test_hidden_characters_become_visible(character):
    assert one_line(f"cat{character}gpj") == "cat\N{REPLACEMENT CHARACTER}gpj"


def test_joined_emoji_stay_one_picture():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert one_line(family) == family


@pytest.mark.parametrize("mark", list("\\`*_{}[]()#+-.!|~$<>&:=^"))
def test_each_mark_of_markdown_is_escaped(mark):
    assert f"\\{mark}" in plain(f"a{mark} b")


@pytest.mark.parametrize("text", ["http://evil.example", "www.evil.example", "me@evil.example", ":smile:", ":red[x]"])
def test_what_streamlit_replaces_later_is_parted_by_a_character_without_width(text):
    assert "\N{WORD JOINER}" in plain(text)


def test_html_is_escaped_in_text_and_attributes():
    assert plain_html("<img src=\"x\" onerror='y'>") == "&lt;img src=&quot;x&quot; onerror=&#x27;y&#x27;&gt;"


def test_bullets_keep_each_sentence_on_its_line():
    assert bullets(["a\nb", "c"]) == "- a b\n- c"
