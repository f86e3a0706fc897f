"""Explore in a real browser: search, filters, chart, table and card follow each other and the link."""

import csv
import io
import re

import pytest
from playwright.sync_api import expect

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
B16_PETS = f"{B16}--oxford_iiit_pet-steps_0k-lr_0.01-res_224"
PHONE = (390, 844)
TALL = (1440, 1900)
HEADER_PX, ROW_PX = 35, 35
# The place of a file's mark in the window; plotly keeps the figure on its element.
MARK = """
(name) => {
  const plot = document.querySelector('.js-plotly-plot');
  const layout = plot._fullLayout;
  for (const trace of plot.data) {
    const at = (trace.customdata || []).indexOf(name);
    if (at < 0) continue;
    const box = plot.getBoundingClientRect();
    return {
      x: box.x + layout.xaxis._offset + layout.xaxis.d2p(trace.x[at]),
      y: box.y + layout.yaxis._offset + layout.yaxis.d2p(trace.y[at]),
      colour: trace.marker.color,
    };
  }
  return null;
}
"""


@pytest.fixture
def explore(visit, offline_app):
    """Give a function that opens the page on a machine without a network and waits for chart and table."""

    def open_page(query="", **look):
        page = visit(offline_app, f"/{query}", **look)
        expect(page.locator(".stDataFrame canvas").first).to_be_visible()
        expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
        return page

    return open_page


def search(page):
    return page.get_by_placeholder("Search names")


def title(page):
    return page.locator(".st-key-card .vx-title")


def table(page):
    return page.locator(".stDataFrame").first


def cell(page, row, column):
    return table(page).get_by_test_id(f"glide-cell-{column}-{row}")


def tick_row(page, row):
    canvas = table(page).locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + HEADER_PX + ROW_PX * row + ROW_PX / 2)


def test_the_first_screen_shows_the_recommended_ten_and_all_files(explore):
    page = explore()

    expect(page.locator(".st-key-recommended .vx-accuracy")).to_have_count(10)
    expect(page.get_by_text("759 pre-trained files")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/$"))


def test_results_follow_the_typing(explore):
    page = explore()

    search(page).press_sequentially("medium1 wd_0.1")

    expect(page.get_by_text("of 759 pre-trained files")).to_be_visible()
    expect(page).to_have_url(re.compile(r"search=medium1\+wd_0\.1"))
    expect(search(page)).to_be_focused()


def test_filters_add_up_and_are_taken_off_by_a_click(explore):
    page = explore()

    page.get_by_role("button", name=re.compile(r"^S.16 \(\d+\)$")).click()
    expect(page.get_by_text("84 of 759 pre-trained files")).to_be_visible()
    page.get_by_role("button", name="Augmentation").click()
    page.get_by_role("button", name="medium1 (12)").click()
    expect(page.get_by_text("12 of 759 pre-trained files")).to_be_visible()
    page.get_by_role("button", name="strong1 (12)").click()
    expect(page.get_by_text("24 of 759 pre-trained files")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Model: S/16").click()

    expect(page.get_by_text("217 of 759 pre-trained files")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?aug=medium1%2Cstrong1$"))


def test_a_ticked_row_opens_its_card_and_is_ringed_in_the_chart(explore):
    page = explore(size=TALL)

    tick_row(page, 1)

    expect(title(page)).to_contain_text("R50+L/32")
    expect(page).to_have_url(re.compile(r"file=R50_L_32-i21k"))
    page.wait_for_function(
        "() => document.querySelector('.js-plotly-plot').data.some((trace) => trace.name === 'chosen')"
    )


def test_a_clicked_mark_opens_its_card_and_ticks_its_row(explore):
    page = explore("?model=B%2F16&aug=medium1", size=TALL)
    mark = page.evaluate(MARK, B16)

    page.mouse.click(mark["x"], mark["y"])

    expect(page).to_have_url(re.compile(rf"file={re.escape(B16)}"))
    expect(title(page)).to_contain_text("B/16 · ImageNet-21k · medium1 · wd 0.1")
    expect(table(page).locator('[role="row"][aria-selected="true"]')).to_have_count(1)


def test_a_mark_says_what_it_is_under_the_pointer(explore):
    page = explore("?model=B%2F16&aug=medium1", size=TALL)
    mark = page.evaluate(MARK, B16)

    page.mouse.move(mark["x"] - 40, mark["y"] - 40)
    page.mouse.move(mark["x"], mark["y"], steps=4)

    expect(page.locator(".hoverlayer")).to_contain_text("50.6 % upstream")
    expect(page.locator(".hoverlayer")).to_contain_text("659 img/s")


def test_the_same_model_has_the_same_colour_in_chart_and_card(explore):
    page = explore(f"?file={B16}", size=TALL)
    mark = page.evaluate(MARK, B16)

    dot = page.locator(".st-key-card .vx-dot").evaluate("(element) => getComputedStyle(element).backgroundColor")

    red, green, blue = (int(mark["colour"][place : place + 2], 16) for place in (1, 3, 5))
    assert dot == f"rgb({red}, {green}, {blue})"


def test_a_ticked_row_never_becomes_another_file(explore):
    page = explore(size=TALL)
    tick_row(page, 4)
    expect(title(page)).to_contain_text("R50+L/32 · ImageNet-21k")
    chosen = title(page).inner_text()

    search(page).fill("Ti/16 none")
    expect(page.get_by_text("of 759 pre-trained files")).to_be_visible()

    expect(title(page)).to_have_text(chosen)
    expect(table(page).locator('[role="row"][aria-selected="true"]')).to_have_count(0)


def test_a_link_restores_filters_order_and_card(explore):
    page = explore(f"?checkpoint={B16_PETS}&model=B%2F16%2CS%2F16&search=medium1&sort=size_bytes&order=up")

    expect(page.get_by_text("24 of 759 pre-trained files")).to_be_visible()
    expect(search(page)).to_have_value("medium1")
    expect(title(page)).to_contain_text("→ Oxford-IIIT Pets · 224 px")
    expect(cell(page, 0, 1)).to_have_text("S/16")
    expect(page).to_have_url(re.compile(r"sort=size_bytes"))


def test_reload_and_the_back_button_keep_the_state(explore, still):
    page = explore()
    page.get_by_role("button", name=re.compile(r"^B.32 \(\d+\)$")).click()
    expect(page.get_by_text("84 of 759 pre-trained files")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^S.32 \(\d+\)$")).click()
    expect(page.get_by_text("168 of 759 pre-trained files")).to_be_visible()
    still(page)

    page.reload()
    still(page)
    expect(page.get_by_text("168 of 759 pre-trained files")).to_be_visible()

    page.go_back()
    expect(page.get_by_text("84 of 759 pre-trained files", exact=True)).to_be_visible()


def test_what_is_chosen_waits_while_another_page_is_open(explore, still):
    page = explore(f"?file={B16}&model=B%2F16")

    page.get_by_role("link", name="About").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Which checkpoint should I start from?")
    still(page)
    page.get_by_role("link", name="Explore").click()

    expect(title(page)).to_contain_text("B/16 · ImageNet-21k")
    expect(page.get_by_text("84 of 759 pre-trained files")).to_be_visible()


def test_a_wild_link_gives_defaults_and_a_note(explore):
    page = explore(f"?model=B%2F99&sort=price&foo=1&search=a&search=b&max_mb=nan&file={'x' * 5000}")

    expect(page.get_by_text("759 pre-trained files")).to_be_visible()
    expect(page.get_by_test_id("stAlert")).to_contain_text("“B/99”")
    expect(page.get_by_test_id("stAlert")).to_contain_text("more than once")
    expect(page).to_have_url(re.compile(r"/$"))


def test_the_page_is_used_with_the_keyboard_alone(explore):
    page = explore(size=TALL)
    search(page).focus()
    page.keyboard.type("B/16 medium1")
    expect(page.get_by_text("12 of 759 pre-trained files")).to_be_visible()
    # The count stands above the table, which is drawn after it; a choice in the old table would be another file.
    expect(cell(page, 1, 1)).to_have_text("B/16")

    table(page).locator("canvas").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Space")

    expect(title(page)).to_contain_text("B/16")
    page.get_by_role("button", name="Add to comparison").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take out of comparison")).to_be_visible()


def test_the_filtered_table_goes_home_as_csv(explore):
    page = explore("?model=B%2F8&release=AugReg")

    page.get_by_role("button", name="Download CSV").click()
    with page.expect_download() as files:
        page.get_by_role("button", name="CSV of 3 pre-trained files").click()
    with page.expect_download() as tunes:
        page.get_by_role("button", name="CSV of 102 fine-tunes").click()

    assert len(rows(files.value)) == 3
    assert {row["name"] for row in rows(tunes.value)} == {"B/8"}
    assert len(rows(tunes.value)) == 102


def test_what_one_other_choice_would_have_changed_is_one_click_away(explore):
    page = explore(f"?file={B16}", size=TALL)

    page.get_by_role("tab", name="What if?").click()
    sisters = page.locator(".st-key-card .stDataFrame")
    expect(sisters.get_by_test_id("glide-cell-1-2")).to_have_text("Augmentation")
    box = sisters.locator("canvas").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + HEADER_PX + ROW_PX * 2.5)

    expect(title(page)).not_to_contain_text("medium1")
    expect(title(page)).to_contain_text("B/16 · ImageNet-21k")
    expect(title(page)).to_contain_text("wd 0.1 · no dropout")


def test_a_square_of_the_heat_map_filters(visit, offline_app):
    page = visit(offline_app, "/?tab=paper", size=TALL)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    place = (
        page.evaluate(
            """() => {
          const plot = document.querySelector('.js-plotly-plot');
          const layout = plot._fullLayout, box = plot.getBoundingClientRect(), trace = plot.data[0];
          const at = trace.customdata.findIndex((cell) => cell[0] === 'B/16' && cell[1] === 'medium1');
          return [box.x + layout.xaxis._offset + layout.xaxis.d2p(trace.x[at]),
                  box.y + layout.yaxis._offset + layout.yaxis.d2p(trace.y[at])];
        }"""
        )
        if page.locator(".js-plotly-plot").count()
        else None
    )

    page.mouse.click(*place)

    expect(page.get_by_text("2 of 759 pre-trained files")).to_be_visible()
    expect(page).to_have_url(re.compile(r"aug=medium1.*model=B%2F16|model=B%2F16.*aug=medium1"))


def test_from_card_to_comparison_in_three_clicks(explore):
    page = explore(f"?file={B16}")
    page.get_by_role("button", name="Add to comparison").click()
    page.get_by_role("button", name="L/16", exact=True).click()
    expect(title(page)).to_contain_text("L/16")
    page.get_by_role("button", name="Add to comparison").click()

    page.get_by_role("link", name="Compare 2").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Compare checkpoints")
    expect(page.locator(".vx-compare thead th")).to_have_count(2)


@pytest.mark.parametrize("query", ["", f"?file={B16}", "?tab=paper", "?search=nothing-like-this"])
def test_a_phone_shows_the_page_without_a_sideways_scroll(visit, offline_app, overflow, query):
    page = visit(offline_app, f"/{query}", size=PHONE)

    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert overflow(page) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("query", [f"?file={B16}&model=B%2F16&aug=light1", "?tab=paper"])
def test_no_serious_accessibility_fault(visit, offline_app, faults, scheme, query):
    page = visit(offline_app, f"/{query}", scheme=scheme, size=TALL)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()

    assert faults(page) == []


def rows(download):
    return list(csv.DictReader(io.StringIO(download.path().read_text(encoding="utf-8"))))
