"""The figures of Explore: what is drawn where, and what is left out."""

import json
import math

import pandas as pd
import pytest

from app.components.charts import MOST_POINTS, PARAMETERS, SPEED, accuracy_chart, axis_for, hover_text
from app.components.fine_tunes import strip_chart
from app.components.palette import ACCENT, OTHER, look_of, size_order
from app.components.paper_findings import finding, heat_map
from vit_core.catalog.index import load_catalogue
from vit_core.catalog.query import fine_tunes, pretrained_files, upstream_grid
from vit_core.settings import Settings

B16 = "B_16-i21k-300ep-lr_0.001-aug_medium1-wd_0.1-do_0.0-sd_0.0"
WHITE, BLACK = "#FFFFFF", "#10131C"


@pytest.fixture(scope="module")
def frame(tmp_path_factory):
    """The bundled table."""
    return load_catalogue(Settings(cache_dir=tmp_path_factory.mktemp("cache")), network=False).frame


@pytest.fixture(scope="module")
def files(frame):
    """The files pre-trained on ImageNet-21k."""
    table = pretrained_files(frame)
    return table[table["ds"] == "i21k"]


def marks(figure):
    return [trace for trace in figure.data if trace.customdata is not None]


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return sum(weight * each for weight, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_file_with_both_numbers_is_a_mark(files):
    figure = accuracy_chart(files, "", axis=SPEED)

    drawn = [name for trace in marks(figure) for name in trace.customdata]
    known = files.dropna(subset=["infer_samples_per_sec", "final_val"])
    assert sorted(drawn) == sorted(known["filename"])


def test_marks_of_one_model_stay_nearer_to_its_speed_than_to_the_next_model(files):
    figure = accuracy_chart(files, "", axis=SPEED)

    for trace in marks(figure):
        true = files.loc[files["name"] == trace.name, "infer_samples_per_sec"].iloc[0]
        assert all(abs(x / true - 1) < 0.08 for x in trace.x)


def test_no_two_files_of_a_model_share_a_place(files):
    for trace in marks(accuracy_chart(files, "", axis=SPEED)):
        assert len(set(zip(trace.x, trace.y, strict=True))) == len(trace.x)


def test_the_chosen_file_is_ringed_where_its_mark_is(files):
    figure = accuracy_chart(files, B16, axis=SPEED)
    (ring,) = named(figure, "chosen")
    (trace,) = named(figure, "B/16")

    at = list(trace.customdata).index(B16)
    assert ring.y[0] == pytest.approx(trace.y[at], abs=1e-3)
    assert ring.x[0] == pytest.approx(trace.x[at], abs=1e-3)
    assert ring.marker.color == ACCENT


def test_nothing_is_ringed_when_nothing_is_chosen(files):
    assert named(accuracy_chart(files, "", axis=SPEED), "chosen") == []
    assert named(accuracy_chart(files, "elsewhere", axis=SPEED), "chosen") == []


def test_on_the_pareto_line_faster_is_never_better(files):
    (line,) = named(accuracy_chart(files, "", axis=SPEED), "best for its speed")

    assert list(line.x) == sorted(line.x)
    assert list(line.y) == sorted(line.y, reverse=True)


def test_a_large_catalogue_sends_a_bounded_number_of_marks(files):
    many = pd.concat([files] * 12, ignore_index=True)

    figure = accuracy_chart(many, "", axis=SPEED)

    assert sum(len(trace.x) for trace in marks(figure)) <= MOST_POINTS


def test_the_figure_of_the_first_screen_is_small(files):
    assert len(accuracy_chart(files, B16, axis=SPEED).to_json()) < 130_000


def test_a_catalogue_without_speeds_is_drawn_by_parameters(files):
    untimed = files.assign(infer_samples_per_sec=math.nan)

    assert axis_for(files) is SPEED
    assert axis_for(untimed) is PARAMETERS
    assert len(marks(accuracy_chart(untimed, "", axis=PARAMETERS))) == 10


def test_a_table_without_any_number_gives_an_empty_figure(files):
    figure = accuracy_chart(files.assign(final_val=math.nan), "", axis=SPEED)

    assert marks(figure) == []


def test_a_single_file_is_drawn_at_its_own_speed(files):
    figure = accuracy_chart(files[files["filename"] == B16], B16, axis=SPEED)

    assert named(figure, "B/16")[0].x[0] == pytest.approx(658.56)
    assert list(figure.layout.xaxis.ticktext) == ["659"]


def test_labels_of_neighbours_stand_on_different_lines(files):
    labels = {label.text: label for label in accuracy_chart(files, "", axis=SPEED).layout.annotations}

    assert labels["<b>S/16</b>"].yshift != labels["<b>R26+S/32</b>"].yshift


def test_a_tooltip_says_recipe_accuracy_and_cost(files):
    text = hover_text(files[files["filename"] == B16].iloc[0].to_dict())

    for words in (
        "<b>B/16</b>",
        "augmentation medium1",
        "no dropout",
        "weight decay 0.1",
        "50.6 % upstream",
        "659 img/s",
    ):
        assert words in text


def test_markup_in_a_table_never_reaches_a_tooltip(files):
    row = files.iloc[0].to_dict() | {"name": "<img src=x>", "aug": "<script>"}

    assert "<img" not in hover_text(row)
    assert "<script" not in hover_text(row)


def test_a_strip_holds_the_fine_tunes_of_its_data_set(frame):
    known = fine_tunes(frame, B16).dropna(subset="adapt_final_test")
    figure = strip_chart(known, known["adapt_filename"].iloc[0])

    drawn = [name for trace in figure.data if trace.customdata is not None for name in trace.customdata]
    assert sorted(drawn) == sorted(known["adapt_filename"])
    assert "ImageNet-1k" in figure.layout.yaxis.ticktext
    assert figure.data[-1].marker.color == ACCENT


def test_resolutions_are_told_apart_without_colour(frame):
    known = fine_tunes(frame, B16).dropna(subset="adapt_final_test")
    symbols = {trace.name: trace.marker.symbol for trace in strip_chart(known, "").data}

    assert symbols == {"224 px": "circle-open", "384 px": "circle"}


@pytest.mark.parametrize("ds", ["i21k", "i21k_30", "i1k"])
def test_a_heat_map_has_a_square_for_each_recipe_that_has_a_value(frame, ds):
    grid = upstream_grid(frame, ds).dropna(subset="mean")
    figure = heat_map(grid, frame["aug"].cat.categories.tolist())

    assert len(figure.data[0].x) == len(grid)
    assert len(set(zip(figure.data[0].x, figure.data[0].y, strict=True))) == len(grid)


def test_the_best_square_of_each_row_has_the_strongest_colour(frame):
    grid = upstream_grid(frame, "i1k").dropna(subset="mean")
    trace = heat_map(grid, frame["aug"].cat.categories.tolist()).data[0]

    for row in set(trace.y):
        assert max(colour for colour, y in zip(trace.marker.color, trace.y, strict=True) if y == row) == 0


def test_what_the_paper_found_is_computed_from_the_rows(frame):
    small = frame[frame["name"] == "Ti/16"]

    assert "Best on average: none, no dropout" in finding(upstream_grid(small, "i21k").dropna(subset="mean"))


def test_one_side_of_dropout_alone_makes_no_claim_about_dropout(frame):
    without = frame[frame["regularisation"] == "none"]

    assert "changes the mean" not in finding(upstream_grid(without, "i21k").dropna(subset="mean"))


def test_every_colour_can_be_seen_on_both_backgrounds():
    colours = {look_of(name).colour for name in ("Ti/16", "S/16", "B/16", "L/16", "unknown")} | {ACCENT}

    assert len(colours) == 6
    assert min(contrast(colour, ground) for colour in colours for ground in (WHITE, BLACK)) >= 3


def test_no_two_models_look_alike():
    names = ("Ti/16", "R+Ti/16", "S/32", "S/16", "R26+S/32", "B/32", "B/16", "B/8", "L/16", "R50+L/32")

    assert len({(look_of(name).colour, look_of(name).symbol) for name in names}) == len(names)


def test_models_of_other_catalogues_are_grey_and_come_last():
    assert look_of("Micro/4").colour == OTHER
    assert look_of("").colour == OTHER
    assert size_order("Micro/4") > size_order("R50+L/32")


def test_figures_are_plain_json(files):
    assert json.loads(accuracy_chart(files, B16, axis=SPEED).to_json())["data"]
