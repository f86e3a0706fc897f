"""Compare in a real browser: names in, facts and guesses side by side."""

import re

import pytest
from playwright.sync_api import expect

from vit_core.catalog.index import load_demo

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
L16 = "L_16-i21k-300ep-lr_0.001-aug_strong1-wd_0.1-do_0.0-sd_0.0"
PHONE = (390, 844)
SLOW_MS = 90_000


@pytest.fixture
def compare(visit, offline_app):
    """Give a function that opens the page on a machine without a network."""
    return lambda *names, **look: visit(
        offline_app, f"/compare?compare={','.join(names)}" if names else "/compare", **look
    )


@pytest.fixture(scope="module")
def demo_names():
    """Two models that come with the app."""
    demo = load_demo().frame
    one_set = demo[demo["adapt_ds"] == demo["adapt_ds"].iloc[0]]
    return one_set.drop_duplicates("filename")["adapt_filename"].head(2).tolist()


def take_a_sample(page):
    page.locator('.st-key-samples [class*="st-key-sample-"] button').first.click()


def heads(page):
    return page.locator(".vx-compare thead th")


def test_a_question_starts_a_comparison_that_a_link_repeats(compare, visit, offline_app):
    page = compare()
    page.get_by_role("button", name="What does size buy?").click()
    expect(heads(page)).to_have_count(3)
    expect(page).to_have_url(re.compile(r"compare=S_16"))

    again = visit(offline_app, page.url.removeprefix(offline_app.url))

    expect(heads(again)).to_have_text([re.compile("S/16"), re.compile("B/16"), re.compile("L/16")])


def test_a_pasted_name_is_added(compare):
    page = compare(B16)
    box = page.get_by_role("combobox", name="Add a checkpoint")

    box.fill(f"{L16}.npz")
    box.press("Enter")

    expect(heads(page)).to_have_count(2)
    expect(page).to_have_url(re.compile(re.escape(L16) + "$"))


def test_a_pasted_name_that_does_not_exist_is_refused_in_words(compare):
    page = compare(B16)
    box = page.get_by_role("combobox", name="Add a checkpoint")

    box.fill("B_17-nonsense")
    box.press("Enter")

    expect(page.get_by_text("has no checkpoint “B_17-nonsense”")).to_be_visible()


def test_what_differs_from_the_first_is_marked(compare):
    page = compare(B16, L16)
    row = page.locator(".vx-compare tr", has_text="Augmentation")

    expect(row.locator("td").nth(0)).not_to_have_class(re.compile("differs"))
    expect(row.locator("td").nth(1)).to_have_class(re.compile("differs"))


def test_facts_that_are_the_same_appear_on_demand(compare):
    page = compare(B16, L16)
    weight_decay = page.locator(".vx-compare tr", has_text="Weight decay")
    expect(heads(page)).to_have_count(2)
    expect(weight_decay).to_have_count(0)

    page.get_by_text("Show all facts").click()

    expect(weight_decay).to_have_count(1)


def test_one_picture_goes_through_both_models_without_a_network(compare, demo_names):
    page = compare(*demo_names)

    take_a_sample(page)

    expect(page.locator(".vx-guesses")).to_have_count(2, timeout=SLOW_MS)
    expect(page.get_by_text(re.compile("agree"))).to_be_visible()
    page.get_by_text("Show where each one looked").click()
    expect(page.get_by_role("img", name=re.compile("Where the checkpoint looked"))).to_have_count(2)


def test_a_checkpoint_that_cannot_be_had_says_why_and_leaves_the_other_alone(compare, demo_names):
    page = compare(B16, demo_names[0])
    take_a_sample(page)
    expect(page.locator(".vx-guesses")).to_have_count(1, timeout=SLOW_MS)

    page.get_by_role("button", name="Download 410 MB").click()

    expect(page.get_by_role("button", name="Try again")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator(".vx-guesses")).to_have_count(1)


def test_a_phone_shows_the_table_in_its_own_frame(compare, overflow):
    page = compare(B16, L16, size=PHONE)
    expect(heads(page)).to_have_count(2)

    assert overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_fault(compare, faults, scheme):
    page = compare(B16, L16, scheme=scheme)
    expect(heads(page)).to_have_count(2)

    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_accessibility_fault_in_the_empty_page(compare, faults, scheme):
    assert faults(compare(scheme=scheme)) == []
