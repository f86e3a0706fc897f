"""The states of a run on disk: written beside the training, each all or nothing, the best and the last kept.

Orbax gives the order of things: a folder under a temporary name, filled by a thread, renamed when complete. What fills
it is our own `.npz`, whose checksums are compared on every read: a state that a disk has damaged is never taken for
a good one. Frozen parameters are not written; they come from the checkpoint that the run started from.
"""

import dataclasses
import json
import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import PyTree

from vit_core.checkpoints.npz import Limits, open_npz
from vit_core.checkpoints.writing import write_npz
from vit_core.errors import BadCheckpoint, BadRun, shorten
from vit_core.models.build import Params
from vit_core.training.disk import keeping, write_whole
from vit_core.training.step import TrainState
from vit_core.training.trainable import join

_ARRAYS, _ABOUT = "state.npz", "about.json"
_WHAT = "the state of the run"
_UNFINISHED = re.compile(r"(\d+)\.orbax-checkpoint-tmp.*|(\d+)\.deleted-tmp")
_LIMITS = Limits(max_bytes=100 * 1000**3)  # our own files: H/14 with AdamW and an average is 10 GB


class SavedStates:
    """The folder `checkpoints` of a run; one process at a time.

    Attributes:
        notes: sentences on states that could not be used.
    """

    def __init__(self, folder: Path) -> None:
        """Look at what is there; the folder is made if need be.

        Raises:
            StorageFull: there is no room.
            Failure: the folder cannot be written.
        """
        # Orbax tells every detail of its work, and every traceback of a failure that we say in a sentence.
        logging.getLogger("absl").setLevel(logging.CRITICAL)
        self._folder = folder.absolute()
        with keeping(_WHAT, self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        self.notes: tuple[str, ...] = ()
        self._accuracies = {step: _read_accuracy(self._folder / str(step)) for step in self._find_steps()}
        for path in sorted(self._folder.iterdir()):
            if (match := _UNFINISHED.fullmatch(path.name)) and match[1]:
                self._note(f"The state of step {int(match[1]):,} was not written to its end and is left out.")
        self._checkpointer = ocp.AsyncCheckpointer(_Handler())

    @property
    def best_step(self) -> int | None:
        """The step with the highest accuracy, the first of several; None while no state has one."""
        known = [(accuracy, -step) for step, accuracy in self._accuracies.items() if accuracy is not None]
        return -max(known)[1] if known else None

    def save(self, step: int, state: TrainState, *, accuracy: float | None) -> None:
        """Write a state; returns when the arrays are copied to the host, and a thread does the rest.

        A state of that step that is there already stays, and learns its accuracy if it had none.

        Args:
            step: updates done.
            state: of that step.
            accuracy: a fraction, where the state was tested.

        Raises:
            StorageFull: there is no room, for this state or the one before.
            Failure: the folder cannot be written.
        """
        self.wait()
        if step in self._accuracies:
            if accuracy is not None:
                self._accuracies[step] = accuracy
                with keeping(_WHAT, self._folder):
                    write_whole(self._folder / str(step) / _ABOUT, _about(accuracy))
            return
        arrays = {name: np.array(leaf).view(_stored_dtype(leaf)) for name, leaf in _named(_moving(state)).items()}
        with keeping(_WHAT, self._folder):
            self._checkpointer.save(self._folder / str(step), args=_Save(arrays, accuracy))
        self._accuracies[step] = accuracy

    def restore(self, like: TrainState) -> tuple[TrainState, int] | None:
        """Give the newest state that can be read, and its step; None where there is none.

        Args:
            like: a state of the same settings, such as `Trainer.init` gives: its shapes, its devices, and its frozen
                parameters, which are taken over.

        Raises:
            BadRun: a state was made with other settings.
        """
        self.wait()
        for step in sorted(self._accuracies, reverse=True):
            try:
                restored = self._read(step, _moving(like))
            except BadCheckpoint as error:
                self._note(f"The state of step {step:,} is damaged and is left out. {error}")
                del self._accuracies[step]
                continue
            placed = jax.tree.map(lambda array, leaf: jax.device_put(array, leaf.sharding), restored, _moving(like))
            return like._replace(**placed), step
        return None

    def restore_params(self, step: int, like: TrainState) -> Params:
        """Give the parameters of one state as float32 numpy arrays, averaged where the run averages.

        Args:
            step: such as `best_step`.
            like: as for `restore`.

        Raises:
            BadCheckpoint: there is no such state, or it is damaged.
            BadRun: it was made with other settings.
        """
        self.wait()
        part = "trained" if like.ema is None else "ema"
        trained = self._read(step, {part: getattr(like, part)})[part]
        whole: Params = jax.tree.map(np.array, join(trained, like.frozen))
        return whole

    def wait(self) -> None:
        """Return when all is written, and delete what is neither the best nor the last.

        Raises:
            StorageFull: there was no room; the state before is whole.
            Failure: the folder cannot be written.
        """
        try:
            with keeping(_WHAT, self._folder):
                self._checkpointer.wait_until_finished()
        finally:
            self._tidy()

    def close(self) -> None:
        """Wait, and end the thread.

        Raises:
            StorageFull: there was no room; the state before is whole.
            Failure: the folder cannot be written.
        """
        try:
            self.wait()
        finally:
            self._checkpointer.close()

    def _read(self, step: int, like: dict[str, Any]) -> dict[str, Any]:
        """Give a tree of numpy arrays in the shape of `like`."""
        stored = open_npz(self._folder / str(step) / _ARRAYS, limits=_LIMITS)
        arrays = {name: stored.read(name) for name in _named(like) if name in stored}
        for name, leaf in _named(like).items():
            if name not in arrays or (arrays[name].shape, arrays[name].dtype) != (leaf.shape, _stored_dtype(leaf)):
                raise BadRun(
                    f"The state of step {step:,} in {str(self._folder)!r} was made with other settings "
                    f"({shorten(name)} differs); start a new run for changed settings."
                )
            arrays[name] = arrays[name].view(leaf.dtype)
        tree: dict[str, Any] = jax.tree.unflatten(jax.tree.structure(like), arrays.values())
        return tree

    def _find_steps(self) -> set[int]:
        names = (path.name for path in self._folder.iterdir())
        return {int(name) for name in names if name.isascii() and name.isdigit()}

    def _tidy(self) -> None:
        """Delete what is neither the best nor the last, and what nobody will finish, while nothing is being written."""
        there = self._find_steps()
        self._accuracies = {step: accuracy for step, accuracy in self._accuracies.items() if step in there}
        kept = {self.best_step, max(self._accuracies, default=None)}
        with keeping(_WHAT, self._folder):
            for step in there - kept:
                # Under another name first, so that half of a state never looks like one.
                (self._folder / str(step)).rename(self._folder / f"{step}.deleted-tmp")
            for path in self._folder.iterdir():
                if _UNFINISHED.fullmatch(path.name):
                    shutil.rmtree(path)
        self._accuracies = {step: accuracy for step, accuracy in self._accuracies.items() if step in kept}

    def _note(self, sentence: str) -> None:
        self.notes = (*self.notes, sentence)


class _Handler(ocp.AsyncCheckpointHandler):  # type: ignore[misc]  # Orbax has no types
    """Fills the folder of one state."""

    async def async_save(self, directory: Path, *, args: "_Save") -> list[ocp.future.Future]:
        """Start writing."""
        writing = ocp.future.CommitFutureAwaitingContractedSignals(_fill(Path(directory), args), name="save_state")
        return [writing]

    def save(self, directory: Path, *, args: "_Save") -> None:
        """Write at once."""
        _write_state(Path(directory), args)

    def restore(self, directory: Path, *, args: ocp.args.CheckpointArgs | None = None) -> Mapping[str, np.ndarray]:
        """Give the arrays by name."""
        stored = open_npz(Path(directory) / _ARRAYS, limits=_LIMITS)
        return {name: stored.read(name) for name in stored}


@ocp.args.register_with_handler(_Handler, for_save=True, for_restore=True)
@dataclasses.dataclass
class _Save(ocp.args.CheckpointArgs):  # type: ignore[misc]  # Orbax has no types
    arrays: Mapping[str, np.ndarray]
    accuracy: float | None


async def _fill(directory: Path, args: _Save) -> None:
    _write_state(directory, args)


def _write_state(directory: Path, args: _Save) -> None:
    write_npz(directory / _ARRAYS, args.arrays)
    (directory / _ABOUT).write_text(_about(args.accuracy))


def _about(accuracy: float | None) -> str:
    return json.dumps({"accuracy": accuracy})


def _read_accuracy(folder: Path) -> float | None:
    """Give the accuracy of a state; one whose note of it is damaged counts as not tested."""
    try:
        accuracy = json.loads((folder / _ABOUT).read_bytes())["accuracy"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(accuracy) if isinstance(accuracy, int | float) else None


def _moving(state: TrainState) -> dict[str, Any]:
    """Give the part of a state that is written."""
    return {name: getattr(state, name) for name in ("step", "trained", "opt_state", "ema")}


def _stored_dtype(leaf: np.ndarray | jax.Array) -> np.dtype:
    """Give what an array is written as: numpy's format has no bfloat16."""
    return np.dtype(np.uint16) if leaf.dtype == jnp.bfloat16 else np.dtype(leaf.dtype)


def _named(tree: PyTree) -> dict[str, Any]:
    """Give the arrays of a tree by path, in the order of `jax.tree.leaves`."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}
