"""The page of results: every aim has a verdict, every figure its machine, and nothing is met without being measured."""

import json

import pytest

from benchmarks.answers import answers
from benchmarks.cells import COMPILED, EAGER, ONNX, OURS, SCRIPT
from benchmarks.results_index import Results, read_results
from benchmarks.table import FOLDER, main, page
from benchmarks.targets import Target, targets
from vit_core.bench.conditions import Conditions
from vit_core.bench.report import Report, Row, write_report


def row(task, *figures, better="more", **more):
    return Row(task=task, unit="img/s", better=better, figures=figures, **more)


def kept(folder, name, *rows, bench="infer"):
    report = Report(bench=bench, subject=name, options={}, measured=Conditions().to_plain(), rows=rows)
    write_report(folder / f"{name}.json", report)


def test_without_results_no_aim_is_met():
    assert {target.verdict(Results({})) for target in targets()} == {"not measured"}


@pytest.mark.parametrize(
    ("more", "figure", "verdict"),
    [(True, 0.9, "not met"), (True, 1.0, "met"), (True, 1.2, "stretch"), (False, 1.1, "not met"), (False, 0.5, "met")],
)
def test_a_verdict_follows_from_the_figure(more, figure, verdict):
    stretch = 1.1 if more else 0.4
    target = Target(what="x", unit="x", must=1.0, stretch=stretch, more=more, measure=lambda _: figure)

    assert target.verdict(Results({})) == verdict


def test_a_ratio_is_of_windows_side_by_side(tmp_path):
    kept(tmp_path, "infer-S_16-b1", row(OURS, 2.0, 20.0, 6.0), row(EAGER, 1.0, 10.0, 2.0), row(ONNX, 4.0, 10.0, 6.0))

    results = read_results(tmp_path)

    assert results.ratio("infer-S_16-b1", OURS, EAGER).median == 2.0
    assert results.worst_ratio("infer-S_16-b1", OURS, (EAGER, ONNX)) == 1.0


def test_of_times_the_shorter_one_is_the_better(tmp_path):
    kept(tmp_path, "load", row("ours", 1.0, better="less"), row("theirs", 4.0, better="less"))

    assert read_results(tmp_path).ratio("load", "ours", "theirs").median == 4.0


def test_a_peer_without_a_figure_leaves_the_best_of_them_unknown(tmp_path):
    kept(tmp_path, "infer-B_16-b8", row(OURS, 2.0), row(EAGER, 1.0), row(ONNX, refused="It is wrong."))

    assert read_results(tmp_path).worst_ratio("infer-B_16-b8", OURS, (EAGER, ONNX)) is None


def test_the_page_says_what_is_met_what_is_not_measured_and_what_was_refused(tmp_path):
    rows = (row(OURS, 2.0, note="a | b"), row(EAGER, 1.0), row(ONNX, refused="Its answers differ."))
    kept(tmp_path, "infer-Ti_16-b1", *rows)

    main(["--results", str(tmp_path), "--to", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text()

    assert "| inference Ti/16, batch 1, against timm eager | 1.1 x |  | 2 x | met |" in text
    assert "| inference Ti/16, batch 1, against ONNX Runtime | 0.95 x | 1.05 x |  | not measured |" in text
    assert "| ONNX Runtime | no result |" in text
    assert "a \\| b" in text
    assert "load average" in text


def test_the_page_in_the_repository_is_the_one_of_its_results():
    assert (FOLDER / "README.md").read_text() == page(read_results())


def test_every_aim_that_was_not_reached_is_answered():
    assert [target.what for target, reason in answers(list(targets()), read_results()) if not reason] == []


def test_an_answer_whose_figures_are_missing_is_left_out(tmp_path):
    kept(tmp_path, "load", row("second checkpoint to first prediction", 9.0, better="less"))

    main(["--results", str(tmp_path), "--to", str(tmp_path / "page.md")])

    assert (
        "**second checkpoint of B/16 to first prediction.** No reason was found yet."
        in (tmp_path / "page.md").read_text()
    )


def test_the_readme_quotes_what_was_measured():
    results, text = read_results(), " ".join((FOLDER.parent / "README.md").read_text().split())
    peers = (EAGER, COMPILED, ONNX)
    update, photos = (
        results.ratio("train-Ti_16-b32", OURS, EAGER),
        results.ratio("files-Ti_16-12_megapixels", OURS, SCRIPT),
    )
    memory = [results.median("train-Ti_16-b32", f"{name}, peak memory") for name in (OURS, EAGER)]

    assert f"gives {results.worst_ratio('infer-Ti_16-b32', OURS, peers):.2f} times as many answers" in text
    assert f"become labels {photos.median:.2f} times as fast" in text
    assert f"takes {1 / update.median:.2f} of timm's time and {memory[0] / memory[1]:.2f} of its memory" in text
    assert f"gives {results.ratio('infer-Ti_16-b1', OURS, ONNX).median:.2f} of ONNX Runtime's answers" in text


def test_every_result_in_the_repository_names_its_machine():
    for name, result in read_results().files.items():
        assert {"at", "cpu", "cores", "load_average", "versions"} <= set(result["measured"]), name
        for each in result["rows"]:
            assert "refused" in each or each["low"] <= each["median"] <= each["high"], (name, json.dumps(each))
