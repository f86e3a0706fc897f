"""What a command sees to before JAX starts: that it shares the accelerator, and never disturbs who owns it."""

import dataclasses
import logging
import os
from collections.abc import Callable

from vit_core.cli.on_behalf import await_turn
from vit_core.cli.output import note
from vit_core.errors import Failure
from vit_core.settings import Settings
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder, this_process

logger = logging.getLogger(__name__)


def before_jax(device: str) -> None:
    """Set what JAX reads when it starts; what the user set before stays.

    Args:
        device: "auto", "cpu", "gpu" or "tpu".
    """
    # JAX would take 75 % of a GPU's memory at once, and the predictor of a page may have its share already.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if device == "cpu":
        os.environ.setdefault("JAX_PLATFORMS", "cpu")  # the accelerator is not even opened


def own_or_spare(settings: Settings) -> Settings:
    """Find a device for a short computation: the accelerator, or the CPU while a run computes or waits to.

    An answer that takes seconds does not wait for a run that takes hours, unless the accelerator was asked for by
    name. Beside the predictor of a page it may be used: both take only the memory that they need.

    Returns:
        The settings, with the device to compute on. The accelerator stays owned until this process ends.
    """
    if settings.device == "cpu":
        return settings
    if settings.device != "auto":
        await_turn(settings, _said_once())
        return settings
    accelerator = Accelerator(settings.lock_dir)
    if accelerator.is_wanted():
        note("Another computation is under way on this machine, so the CPU answers; --device gpu waits for its turn.")
        return dataclasses.replace(settings, device="cpu")
    try:
        accelerator.take_idle(Holder("predictor", process=this_process()))
    except Failure as error:
        logger.warning("the device is used without a lock: %s", error)
    return settings


def _said_once() -> Callable[[str], None]:
    """Give what says each new phrase as a line, and not again and again."""
    said = ""

    def say(phrase: str) -> None:
        nonlocal said
        if phrase != said:
            said = phrase
            note(f"{phrase} …")

    return say
