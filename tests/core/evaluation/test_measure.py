"""Figures of real checkpoints on real images: the demo bucket's index, and what must not change them."""

import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from vit_core.cli.words_evaluate import PREPROCESS as WORDS
from vit_core.datasets.folder import read_folder
from vit_core.errors import BadDataset, BadInput
from vit_core.evaluation import evaluate
from vit_core.evaluation.measure import PREPROCESS
from vit_core.inference.predictor import load_predictor
from vit_core.settings import bundled_data_dir

DEMO = bundled_data_dir() / "demo"
TUNED = "N_{patch}-glyphs-16ep-lr_0.003-aug_{aug}-wd_0.1-do_0.0-sd_0.0--{ds}-steps_0k-lr_0.1-res_{res}"


@pytest.fixture
def few_evaluated(digits_checkpoint, few_digits, settings):
    def run(**options):
        return evaluate(digits_checkpoint, few_digits, settings=settings, **options)

    return run


@pytest.mark.parametrize(
    ("patch", "aug", "ds", "res"),
    [(8, "light1", "digits", 32), (4, "none", "shapes", 48)],
)
def test_the_demo_buckets_index_is_reproduced_to_the_digit(test_set, demo_rows, settings, patch, aug, ds, res):
    name = TUNED.format(patch=patch, aug=aug, ds=ds, res=res)
    evaluation = evaluate(DEMO / f"{name}.npz", test_set(ds), settings=settings)
    assert repr(evaluation.top1) == demo_rows[name]["adapt_final_test"]


def test_the_same_pixels_in_another_file_format_give_the_same_figures(few_evaluated, few_digits):
    one = few_evaluated()
    for path in list(few_digits.glob("*/*.jpg")):
        with Image.open(path) as picture:
            picture.save(path.with_suffix(".png"))
        path.unlink()
    other = few_evaluated()
    assert (one.top1, one.loss, one.confusion) == (other.top1, other.loss, other.confusion)


def test_figures_are_those_of_the_predictors_logits(few_evaluated, digits_checkpoint, few_digits):
    evaluation = few_evaluated(batch=7)  # 40 images: the last batch has 5, and 2 of padding
    predictor = load_predictor(digits_checkpoint, device="cpu")
    files = sorted(few_digits.glob("*/*.jpg"))
    answers = predictor.classify(files, top_k=10)
    labels = [int(path.parent.name[-1]) for path in files]
    right = [answer[0].index == label for answer, label in zip(answers, labels, strict=True)]
    true = [
        {each.index: each.probability for each in answer}[label] for answer, label in zip(answers, labels, strict=True)
    ]
    among = [label in [each.index for each in answer[:5]] for answer, label in zip(answers, labels, strict=True)]
    assert (evaluation.num_images, evaluation.num_correct) == (40, sum(right))
    assert evaluation.topk == np.mean(among)
    # Sums of float32 in batches of another size differ in the last digits.
    assert evaluation.loss == pytest.approx(-np.log(true).mean(), rel=1e-4)
    assert [each.predicted for each in evaluation.answered] == [answer[0].index for answer in answers]


def test_classes_have_precision_recall_and_f1(few_evaluated):
    evaluation = few_evaluated()
    counts = np.zeros((10, 10), int)
    for true, predicted, images in evaluation.confusion:
        counts[true, predicted] = images
    for output, each in zip(evaluation.outputs, evaluation.classes, strict=True):
        assert each.num_test == counts[output].sum() == 4
        assert each.recall == counts[output, output] / 4
        assert each.precision == counts[output, output] / counts[:, output].sum()
        assert each.f1 == pytest.approx(2 * each.precision * each.recall / (each.precision + each.recall))
    assert evaluation.mean_class_accuracy == pytest.approx(np.mean([each.recall for each in evaluation.classes]))


def test_nothing_compiles_after_the_first_batch(digits_checkpoint, few_digits, settings):
    predictor = load_predictor(digits_checkpoint, device="cpu")
    evaluate(predictor, few_digits, settings=settings, batch=9)
    compiled = predictor.seconds["compile"]
    evaluate(predictor, few_digits, settings=settings, batch=9, limit=13)
    assert predictor.seconds["compile"] == compiled


def test_broken_files_are_left_out_and_listed(few_evaluated, few_digits):
    (few_digits / "digit 3" / "torn.jpg").write_bytes(b"\xff\xd8\xff but no picture")
    evaluation = few_evaluated()
    assert evaluation.num_images == 40
    assert [each.name for each in evaluation.how.left_out] == ["digit 3/torn.jpg"]


def test_a_file_that_is_gone_since_it_was_checked_is_left_out_and_listed(digits_checkpoint, few_digits, settings):
    dataset = read_folder(few_digits)
    gone = dataset.of("test")[0]
    dataset.path(gone).unlink()
    evaluation = evaluate(digits_checkpoint, dataset, settings=settings)
    assert evaluation.num_images == len(dataset.of("test")) - 1
    assert [each.name for each in evaluation.how.left_out] == [gone.name]


def test_images_that_are_all_gone_are_refused(digits_checkpoint, few_digits, settings):
    dataset = read_folder(few_digits)
    shutil.rmtree(few_digits)
    with pytest.raises(BadDataset, match="No image of 'few' can be judged"):
        evaluate(digits_checkpoint, dataset, settings=settings)


def test_a_zip_and_a_table_give_the_figures_of_their_folder(few_evaluated, few_digits, digits_checkpoint, settings):
    files = sorted(few_digits.glob("*/*.jpg"))
    with zipfile.ZipFile(few_digits.with_suffix(".zip"), "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(few_digits))
    lines = [f"{path.relative_to(few_digits)},{path.parent.name}" for path in files]
    (few_digits / "all.csv").write_text("\n".join(["file,label", *lines]))
    folder = few_evaluated()
    packed = evaluate(digits_checkpoint, few_digits.with_suffix(".zip"), settings=settings)
    listed = evaluate(digits_checkpoint, few_digits / "all.csv", settings=settings)
    assert folder.confusion == packed.confusion == listed.confusion


def test_classes_by_their_numbers_give_the_same_figures(few_evaluated, few_digits):
    named = few_evaluated()
    for folder in list(few_digits.iterdir()):
        folder.rename(few_digits / folder.name[-1])
    numbered = few_evaluated()
    assert numbered.confusion == named.confusion
    assert "by their numbers" in numbered.how.matching


def test_timms_preprocessing_is_named_and_changes_the_pixels(few_evaluated):
    original, timm = few_evaluated(), few_evaluated(preprocess="timm")
    assert (original.how.preprocess, timm.how.preprocess) == ("original", "timm")
    assert "timm" in timm.how.preprocessing
    assert original.loss != timm.loss


def test_the_command_line_and_the_library_know_the_same_preprocessing():
    assert tuple(PREPROCESS) == WORDS


def test_classes_that_the_images_lack_are_said(few_evaluated, few_digits):
    shutil.rmtree(few_digits / "digit 7")
    evaluation = few_evaluated()
    assert 7 not in evaluation.outputs
    assert "9 of the checkpoint's 10 classes" in " ".join(evaluation.how.notes)


def test_progress_tells_each_stage_to_its_end(few_evaluated):
    heard = []
    few_evaluated(batch=16, progress=lambda *told: heard.append(told))
    assert ("checking the images", 40, 40) in heard
    assert [told for told in heard if told[0] == "judging the images"] == [
        ("judging the images", done, 40) for done in (16, 32, 40)
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preprocess": "squash"}, "no preprocessing 'squash'; it is one of original, timm"),
        ({"batch": 0}, "The batch is 0; it must be 1 to 4,096"),
        ({"limit": -1}, "The limit is -1"),
    ],
)
def test_impossible_arguments_are_refused(few_evaluated, options, message):
    with pytest.raises(BadInput, match=message):
        few_evaluated(**options)


def test_a_loaded_predictor_keeps_its_settings(digits_checkpoint, few_digits, settings):
    predictor = load_predictor(digits_checkpoint, device="cpu")
    with pytest.raises(BadInput, match="A predictor that is loaded keeps its resolution"):
        evaluate(predictor, few_digits, settings=settings, resolution=64)
