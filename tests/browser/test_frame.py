"""The frame in a real browser: navigation, the two chips, both themes, a phone."""

import re

import pytest
from playwright.sync_api import expect

PAGES = {
    "Explore": "Which checkpoint",
    "Compare": "Compare",
    "Classify": "What does it see?",
    "About": "About ViT Explorer",
}
PHONE = (390, 844)


def test_each_page_is_reached_by_a_click(visit, offline_app, still):
    page = visit(offline_app)

    for name, title in PAGES.items():
        page.get_by_test_id("stTopNavLink").filter(has_text=name).click()
        still(page)
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def test_on_a_phone_the_pages_are_in_the_menu(visit, offline_app, still):
    page = visit(offline_app, "/about", size=PHONE)

    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Classify").click()
    still(page)

    expect(page.get_by_role("heading", level=1)).to_contain_text("What does it see?")


def test_the_catalogue_chip_says_where_the_table_comes_from_and_opens_the_demo(visit, offline_app):
    page = visit(offline_app, "/about")
    chip = page.get_by_role("button", name=re.compile("Catalogue: published table, 51,509 rows"))

    chip.click()
    source = page.get_by_role("dialog")
    expect(source).to_contain_text("The published facts, which come with the app: 51,509 checkpoints.")
    page.get_by_text("Demo models", exact=True).click()

    expect(page.get_by_role("button", name=re.compile("Demo models, "))).to_be_visible()
    expect(page).to_have_url(re.compile("catalogue=demo"))


def test_the_device_chip_says_who_computes(visit, offline_app):
    page = visit(offline_app, "/about")

    page.get_by_role("button", name=re.compile("asleep|free|answering|waking up")).click()

    expect(page.get_by_text("What computes")).to_be_visible()


def test_no_network_is_said_with_the_next_step_and_the_page_stays(visit, start_app):
    page = visit(start_app(VIT_BUCKET="http://127.0.0.1:1/augreg"), "/about")

    page.get_by_role("button", name=re.compile("Catalogue: ")).click()

    expect(page.get_by_text("The bucket gives no answer.")).to_be_visible()
    expect(page.get_by_role("button", name="Ask the bucket again")).to_be_visible()


def test_a_closed_bucket_is_said_with_the_next_step(visit, start_app, module_fault_proxy):
    module_fault_proxy.reset()
    module_fault_proxy.answer(403)
    page = visit(start_app(STORAGE_EMULATOR_HOST=module_fault_proxy.url), "/about")

    page.get_by_role("button", name=re.compile("Catalogue: ")).click()

    expect(page.get_by_text("The bucket is closed to visitors without an account.")).to_be_visible()


def test_the_page_follows_when_the_bucket_answers(visit, start_app, module_fault_proxy, index_csv):
    module_fault_proxy.reset()
    module_fault_proxy.put("index.csv", index_csv)
    page = visit(start_app(STORAGE_EMULATOR_HOST=module_fault_proxy.url), "/about")

    expect(page.get_by_role("button", name=re.compile(r"Catalogue: bucket, 3 rows"))).to_be_visible(timeout=60_000)


def test_a_table_of_ones_own_is_opened_from_a_file(visit, offline_app, index_csv):
    page = visit(offline_app, "/about")
    page.get_by_role("button", name=re.compile("Catalogue: ")).click()
    page.get_by_text("Open another table").click()

    field = page.locator('.st-key-own-index input[type="file"]')
    field.set_input_files([{"name": "mine.csv", "mimeType": "text/csv", "buffer": index_csv}])

    expect(page.get_by_role("button", name=re.compile("Your table, 3 rows"))).to_be_visible()


def test_an_address_outside_the_list_is_refused(visit, offline_app):
    page = visit(offline_app, "/about")
    page.get_by_role("button", name=re.compile("Catalogue: ")).click()
    page.get_by_text("Open another table").click()

    page.get_by_label("Or its https address").fill("http://169.254.169.254/latest")
    page.get_by_role("button", name="Load", exact=True).click()

    expect(page.get_by_text("is refused").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_frame_has_no_serious_accessibility_fault(visit, offline_app, faults, scheme):
    page = visit(offline_app, "/about", scheme=scheme)
    assert faults(page) == []

    page.get_by_role("button", name=re.compile("Catalogue: ")).click()
    expect(page.get_by_text("Open another table")).to_be_visible()

    assert faults(page) == []


def test_nothing_is_wider_than_a_phone(visit, offline_app, overflow):
    assert overflow(visit(offline_app, "/about", size=PHONE)) <= 0
