"""The answers of one visitor: portions, focus, failures, and nothing piling up. A real predictor process answers."""

import time

import pytest

from app.answers import KEPT_DETAILS, PORTION, AnswerBook, Question
from app.pictures import PictureBox
from vit_core.errors import VitError
from vit_core.inference.service import PredictionService
from vit_core.settings import Settings


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with PredictionService(
        Settings(cache_dir=tmp_path_factory.mktemp("cache"), device="cpu"), queue_limit=2
    ) as service:
        yield service


@pytest.fixture
def question(tiny_checkpoint):
    return Question("tiny", tiny_checkpoint)


@pytest.fixture
def box(tmp_path):
    return PictureBox(max_picture_bytes=10**6, parent=tmp_path)


@pytest.fixture
def finish(service):
    """Give a function that advances a book until nothing is left to ask, as the page's polling does."""

    def run(book, box, question, focus=None):
        ends_at = time.monotonic() + 120
        while not book.is_complete(question, box.pictures, focus) and book.failure is None:
            book.advance(service, box, question, focus)
            assert time.monotonic() < ends_at
            time.sleep(0.02)

    return run


def test_the_picture_in_focus_gets_guesses_and_attention(finish, box, question, jpeg):
    book, picture = AnswerBook(), box.add("cat.jpg", jpeg())

    finish(book, box, question, picture)
    answer, detail = book.answers(question, [picture])[0], book.detail(question, picture)

    assert sum(guess.probability for guess in answer.predictions) == pytest.approx(1, abs=1e-5)
    assert [guess.label for guess in answer.predictions if guess.index == 2] == ["class 2"]
    assert detail.crop.shape == (16, 16, 3)
    assert detail.heads.shape == (2, 2, 4, 4)
    assert detail.rollout.shape == (2, 4, 4)


def test_a_batch_is_answered_in_portions_and_in_order(finish, service, box, question, jpeg):
    book = AnswerBook()
    pictures = [box.add(f"{seed}.jpg", jpeg(seed)) for seed in range(PORTION + 3)]

    book.advance(service, box, question, None)
    assert book.place() >= 0
    finish(book, box, question)

    assert [answer.picture for answer in book.answers(question, pictures)] == pictures
    assert book.detail(question, pictures[0]) is None


def test_a_picture_that_is_left_over_alone_gets_its_attention_too(finish, box, question, jpeg):
    book = AnswerBook()
    pictures = [box.add(f"{seed}.jpg", jpeg(seed)) for seed in range(PORTION + 1)]

    finish(book, box, question)

    assert book.detail(question, pictures[-1]).heads is not None


def test_a_broken_file_gets_its_sentence_and_the_others_an_answer(finish, box, question, jpeg):
    book = AnswerBook()
    broken, good = box.add("page.jpg", b"<html>"), box.add("cat.jpg", jpeg())

    finish(book, box, question, broken)
    first, second = book.answers(question, [broken, good])

    assert "page.jpg" in first.error
    assert first.predictions == ()
    assert second.error is None
    assert len(second.predictions) == 3


def test_a_thumbnail_is_a_small_jpeg_of_what_the_model_saw(finish, box, question, jpeg):
    book, picture = AnswerBook(), box.add("cat.jpg", jpeg())

    finish(book, box, question)
    thumbnail = book.answers(question, [picture])[0].thumbnail

    assert thumbnail.startswith(b"\xff\xd8")
    assert len(thumbnail) < 20_000


def test_nothing_is_asked_twice(finish, service, box, question, jpeg):
    book, picture = AnswerBook(), box.add("cat.jpg", jpeg())
    finish(book, box, question, picture)

    assert not book.advance(service, box, question, picture)
    assert not book.waits


def test_only_one_ticket_is_under_way_however_often_the_page_runs(service, box, question, jpeg):
    book = AnswerBook()
    box.add("cat.jpg", jpeg())

    book.advance(service, box, question, None)
    first = book.ticket
    for _ in range(5):
        book.advance(service, box, question, None)

    assert book.ticket in (first, None)
    book.cancel()


def test_another_question_drops_the_ticket_of_the_one_before(service, box, question, tiny_checkpoint, jpeg):
    book = AnswerBook()
    for seed in range(PORTION):
        box.add(f"{seed}.jpg", jpeg(seed))
    book.advance(service, box, question, None)
    before = book.ticket

    book.advance(service, box, Question("tiny", tiny_checkpoint, preprocessing="crop"), None)

    assert book.ticket is not before
    book.cancel()


def test_a_file_that_is_no_checkpoint_is_a_failure_until_forgiven(finish, service, box, tmp_path, jpeg):
    path = tmp_path / "bad.npz"
    path.write_bytes(b"PK\x03\x04 and no more")
    book, picture = AnswerBook(), box.add("cat.jpg", jpeg())
    question = Question("bad", path)

    finish(book, box, question, picture)
    assert isinstance(book.failure, VitError)
    book.advance(service, box, question, picture)
    assert not book.waits

    book.forgive()
    book.advance(service, box, question, picture)
    assert book.waits
    book.cancel()


def test_a_full_queue_is_said_and_tried_again(finish, service, box, question, jpeg):
    others = [AnswerBook() for _ in range(6)]
    for seed in range(PORTION):
        box.add(f"{seed}.jpg", jpeg(seed))
    for other in others:
        other.advance(service, box, question, None)
    busy = [other for other in others if other.busy]

    assert busy
    assert "place" in busy[0].busy
    assert busy[0].waits
    for other in others:
        other.cancel()
    finish(busy[0], box, question)
    assert busy[0].busy is None


def test_details_are_kept_for_a_few_pictures_only(finish, box, question, jpeg):
    book = AnswerBook()
    pictures = [box.add(f"{seed}.jpg", jpeg(seed)) for seed in range(KEPT_DETAILS + 1)]
    for picture in pictures:
        finish(book, box, question, picture)

    assert book.detail(question, pictures[0]) is None
    assert book.detail(question, pictures[-1]) is not None
    assert len(book.answers(question, pictures)) == len(pictures)


def test_cancelling_without_a_ticket_is_nothing():
    book = AnswerBook()

    book.cancel()

    assert book.place() == 0
