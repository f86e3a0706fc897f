"""What the models said about one visitor's pictures: asked in small portions, kept small, bounded.

One ticket of a visitor is under way at a time, so that visitors take turns and nothing piles up behind a moved control.
A large batch is asked in portions; the picture in focus is asked first and with its attention.
"""

import collections
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from app.pictures import Picture, PictureBox
from vit_core.errors import PredictorBusy, VitError
from vit_core.inference.service import Answer, Prediction, PredictionService, Request, Ticket

TOP_K = 20  # kept of each answer, so that showing more classes asks nothing again
PORTION = 16
KEPT_QUESTIONS = 6
KEPT_DETAILS = 8
THUMBNAIL_SIDE = 176


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of each picture: by which file, cut how, at which resolution, with which names (None: its own)."""

    checkpoint: str
    path: Path
    preprocessing: str = "resize"
    resolution: int | None = None
    labels: Path | None = None


@dataclasses.dataclass(frozen=True)
class Facts:
    """What holds for all pictures of an answer."""

    device: str
    resolution: int
    num_classes: int
    label_set: str
    label_source: str
    notes: tuple[str, ...]
    seconds: Mapping[str, float]
    no_classes: str = ""  # why the checkpoint names none


@dataclasses.dataclass(frozen=True)
class PictureAnswer:
    """The kept part of an answer: a thumbnail (JPEG) of what the model saw, and the guesses, or why there are none."""

    picture: Picture
    predictions: tuple[Prediction, ...]
    error: str | None
    thumbnail: bytes | None
    facts: Facts


@dataclasses.dataclass(frozen=True)
class Detail:
    """The large part of an answer, kept for a few pictures only: what the model saw and where it looked."""

    crop: UInt8[np.ndarray, "res res 3"]
    heads: Float[np.ndarray, "L H h w"] | None
    rollout: Float[np.ndarray, "L h w"] | None


class AnswerBook:
    """All answers of one visit, the ticket under way, and the last failure."""

    def __init__(self) -> None:
        self._answers: collections.OrderedDict[Question, dict[str, PictureAnswer]] = collections.OrderedDict()
        self._details: collections.OrderedDict[tuple[Question, str], Detail] = collections.OrderedDict()
        self._asked: tuple[Question, tuple[Picture, ...]] | None = None
        self.ticket: Ticket | None = None
        self.failure: VitError | None = None
        self.busy: str | None = None

    def answers(self, question: Question, pictures: Sequence[Picture]) -> tuple[PictureAnswer, ...]:
        """Give the answers that are there, in the order of `pictures`."""
        known = self._answers.get(question, {})
        return tuple(known[picture.digest] for picture in pictures if picture.digest in known)

    def detail(self, question: Question, picture: Picture) -> Detail | None:
        """Give crop and attention of one picture where they are kept."""
        return self._details.get((question, picture.digest))

    def is_complete(self, question: Question, pictures: Sequence[Picture], focus: Picture | None) -> bool:
        """Whether nothing is left to ask."""
        return not self._next_portion(question, pictures, focus)

    def advance(
        self,
        service: PredictionService,
        box: PictureBox,
        question: Question,
        focus: Picture | None,
    ) -> bool:
        """Take the answer that is ready, and ask the next portion when none is under way. Never waits.

        Returns:
            Whether there is something new to show.
        """
        news = self._collect()
        if self.ticket and self._asked and self._asked[0] != question:
            self.cancel()
        portion = self._next_portion(question, box.pictures, focus)
        if self.ticket is None and portion and self.failure is None:
            self._ask(service, box, question, portion, attention=len(portion) == 1)
        return news or self.failure is not None

    @property
    def waits(self) -> bool:
        """Whether an answer is awaited, or a place in the queue."""
        return self.ticket is not None or self.busy is not None

    def place(self) -> int:
        """Give the place in the queue; 0 when it is being computed or nothing is asked."""
        return self.ticket.place() if self.ticket else 0

    def cancel(self) -> None:
        """Drop the ticket under way: nobody waits for it any more."""
        if self.ticket:
            self.ticket.cancel()
        self.ticket, self._asked = None, None

    def forgive(self) -> None:
        """Forget the failure, so that the next `advance` asks again."""
        self.failure = None

    def _next_portion(
        self, question: Question, pictures: Sequence[Picture], focus: Picture | None
    ) -> tuple[Picture, ...]:
        known = self._answers.get(question, {})
        if focus and self._needs_detail(question, focus):
            return (focus,)
        return tuple(picture for picture in pictures if picture.digest not in known)[:PORTION]

    def _needs_detail(self, question: Question, picture: Picture) -> bool:
        answer = self._answers.get(question, {}).get(picture.digest)
        broken = answer is not None and answer.thumbnail is None
        return not broken and (question, picture.digest) not in self._details

    def _ask(
        self,
        service: PredictionService,
        box: PictureBox,
        question: Question,
        portion: tuple[Picture, ...],
        *,
        attention: bool,
    ) -> None:
        request = Request(
            checkpoint=question.checkpoint,
            path=question.path,
            images=tuple(box.read(picture) for picture in portion),
            names=tuple(picture.name for picture in portion),
            top_k=TOP_K,
            resolution=question.resolution,
            preprocessing=question.preprocessing,
            attention=attention,
            labels=question.labels,
        )
        try:
            self.ticket = service.submit(request)
        except PredictorBusy as error:
            self.busy = str(error)
        except VitError as error:
            self.failure = error
        else:
            self.busy, self._asked = None, (question, portion)

    def _collect(self) -> bool:
        if self.ticket is None or self._asked is None or not self.ticket.done():
            return False
        ticket, (question, portion) = self.ticket, self._asked
        self.ticket, self._asked = None, None
        try:
            answer = ticket.result(timeout_s=0.0)
        except VitError as error:
            self.failure = error
        else:
            self._keep(question, portion, answer)
        return True

    def _keep(self, question: Question, portion: tuple[Picture, ...], answer: Answer) -> None:
        facts = Facts(
            device=answer.device,
            resolution=answer.resolution,
            num_classes=answer.num_classes,
            label_set=answer.label_set,
            label_source=answer.label_source,
            notes=answer.notes,
            seconds=dict(answer.seconds),
            no_classes=answer.no_classes,
        )
        known = self._answers.setdefault(question, {})
        self._answers.move_to_end(question)
        for picture, image in zip(portion, answer.images, strict=True):
            known[picture.digest] = PictureAnswer(
                picture=picture,
                predictions=image.predictions,
                error=image.error,
                thumbnail=None if image.crop is None else _thumbnail(image.crop),
                facts=facts,
            )
            if len(portion) == 1 and image.crop is not None:
                detail = Detail(crop=image.crop, heads=image.heads, rollout=image.rollout)
                self._keep_detail(question, picture, detail)
        while len(self._answers) > KEPT_QUESTIONS:
            self._answers.popitem(last=False)

    def _keep_detail(self, question: Question, picture: Picture, detail: Detail) -> None:
        self._details[question, picture.digest] = detail
        while len(self._details) > KEPT_DETAILS:
            self._details.popitem(last=False)


def _thumbnail(crop: UInt8[np.ndarray, "res res 3"]) -> bytes:
    picture = Image.fromarray(crop)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
