"""What one visitor has on the table while preparing a run: single pictures, changes of the settings, estimates.

Nothing of it is needed to open a data set again, nor to follow one that is on its way in; that is the business of
`training_data` and `training_register`. Estimates end with the visit.
"""

import dataclasses
import secrets
import weakref
from collections.abc import Callable
from typing import Literal

from app.training_data import Choice, Prepared, TrainingData
from app.training_intake import Intake, LoosePictures
from app.training_plan import fingerprint
from vit_core.errors import VitError
from vit_core.runs.estimate import Estimate, EstimateState
from vit_core.settings import Settings
from vit_core.training.config import TrainConfig

Kind = Literal["trial", "quick look"]


@dataclasses.dataclass(frozen=True)
class Asked:
    """An estimate, and what exactly was asked."""

    fingerprint: str
    config: TrainConfig
    estimate: Estimate


class Desk:
    """One visitor's preparations.

    Attributes:
        data: the data sets of this machine.
        problem: why the last pictures did not come in, or could not be opened or changed.
        loose: single pictures that are being gathered.
        added: the class whose single pictures came last, as long as it is there.
        edits: values by field name that the visitor set instead of the proposed ones.
        followed: settings of the run that this one is made after, until the visitor goes back to the proposal.
        as_run: the data set of that run and what it chose of it, where another choice is in hand.
        nonce: makes a submission of this visit differ from all others.
    """

    def __init__(self, data: TrainingData) -> None:
        self.data = data
        self.problem: VitError | None = None
        self.loose: LoosePictures | None = None
        self.added = ""
        self.edits: dict[str, object] = {}
        self.followed: TrainConfig | None = None
        self.as_run: tuple[str, Choice] | None = None
        self.nonce = secrets.token_hex(8)
        self._asked: dict[Kind, Asked] = {}
        self._refused: dict[Kind, VitError] = {}
        self._cancels: dict[str, Callable[[], None]] = {}
        weakref.finalize(self, _cancel_all, self._cancels)

    def start_from(self, config: TrainConfig) -> None:
        """Take over the settings of a run as soon as there is a proposal that they can be told apart from."""
        self.followed, self.edits = config, {"trainable": config.trainable}

    def settle_edits(self, proposed: TrainConfig) -> None:
        """Keep of the settings that were taken over what differs from the proposal."""
        if self.followed:
            names = [field.name for field in dataclasses.fields(TrainConfig) if field.name != "checkpoint"]
            taken = {name: getattr(self.followed, name) for name in names}
            self.edits |= {name: value for name, value in taken.items() if value != getattr(proposed, name)}
            self.followed = None

    def take_in(self, start: Callable[[], Intake]) -> Intake | None:
        """Start to take pictures in, or leave the reason why not in `problem`."""
        self.problem = None
        try:
            return start()
        except VitError as error:
            self.problem = error
            return None

    def ask(self, kind: Kind, config: TrainConfig, prepared: Prepared, settings: Settings) -> None:
        """Start an estimate; one of the same kind that is under way is ended."""
        self.cancel(kind)
        try:
            estimate = Estimate.start(kind, config, self.data.chosen_path(prepared.data_id), settings)
        except VitError as error:
            self._refused[kind] = error
            return
        self._asked[kind] = Asked(_what(kind, config, prepared), config, estimate)
        self._cancels[kind] = estimate.cancel

    def estimate(self, kind: Kind) -> EstimateState | None:
        """Give how far the last estimate of a kind is, None where none was asked for."""
        if error := self._refused.get(kind):
            return EstimateState(error=error, finished=True)
        return self._asked[kind].estimate.state() if kind in self._asked else None

    def still_holds(self, kind: Kind, config: TrainConfig, prepared: Prepared) -> bool:
        """Whether the last estimate of a kind was for exactly these settings and pictures."""
        return kind in self._asked and self._asked[kind].fingerprint == _what(kind, config, prepared)

    def measured_steps(self, config: TrainConfig, prepared: Prepared) -> int | None:
        """Give the steps of the last trial where nothing but their number, and the warm-up, differs; else None."""
        if "trial" not in self._asked:
            return None
        was = self._asked["trial"].config
        same = dataclasses.replace(config, total_steps=was.total_steps, warmup_steps=was.warmup_steps)
        return was.total_steps if self.still_holds("trial", same, prepared) else None

    def cancel(self, kind: Kind) -> None:
        """End an estimate and forget it."""
        self._refused.pop(kind, None)
        self._asked.pop(kind, None)
        if cancel := self._cancels.pop(kind, None):
            cancel()

    def stop_measuring(self) -> None:
        """End what is under way, which a run would have to wait for; answers that are there stay."""
        for kind in tuple(self._asked):
            if not self._asked[kind].estimate.state().finished:
                self.cancel(kind)


def _what(kind: Kind, config: TrainConfig, prepared: Prepared) -> str:
    if kind == "quick look":  # it learns nothing but a head on whole images: only the model and its input size matter
        config = TrainConfig(
            checkpoint=config.checkpoint,
            resolution=config.resolution,
            total_steps=1,
            batch=1,
            learning_rate=1.0,
            warmup_steps=0,
        )
    return fingerprint(config, prepared.dataset)


def _cancel_all(cancels: dict[str, Callable[[], None]]) -> None:
    for cancel in cancels.values():
        cancel()
