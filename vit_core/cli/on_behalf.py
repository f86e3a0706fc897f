"""What a command does beside others: it waits for its turn, and ends when the page's process that asked for it does."""

import os
import threading
from collections.abc import Callable

from vit_core.settings import Settings
from vit_core.store.accelerator import Accelerator
from vit_core.store.holder import Holder, this_process


def end_with_input() -> None:
    """End when whoever started us does, in the middle of a computation too: standard input ends then."""

    def wait() -> None:
        while os.read(0, 4096):  # not sys.stdin, whose lock this thread would hold at the end of the process
            continue
        os._exit(1)

    threading.Thread(target=wait, name="input", daemon=True).start()


def await_turn(settings: Settings, say: Callable[[str], None]) -> None:
    """Own the accelerator until this process ends; the predictor gives it up, a run is waited for.

    Args:
        settings: name the folder of locks.
        say: told what is waited for, as a phrase, again and again.
    """
    accelerator = Accelerator(settings.lock_dir)
    me = Holder("trial", process=this_process())
    ticket = accelerator.join(me)

    def look() -> bool:
        holder = accelerator.holder()
        busy = holder is not None and holder.kind != "predictor"
        say("waiting for a run that is under way" if busy else "starting")
        return False

    accelerator.await_turn(ticket, me, stop=look)
    ticket.leave()
