"""Signals to a process that may be gone, and whose number may be somebody else's by now."""

import os
import signal
import sys

from vit_core.store.holder import ProcessId, boot_id, start_of


def signal_process(process: ProcessId, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; False when it is gone.

    The descriptor is opened first and the process checked after: from then on the number cannot become another's.
    """
    if process.pid <= 1 or process.boot_id != boot_id():
        return False
    if sys.platform != "linux":
        return _signal_by_number(process, number)
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:
        return False
    try:
        if start_of(process.pid) != process.started:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(descriptor)
    return True


def _signal_by_number(process: ProcessId, number: signal.Signals) -> bool:
    try:
        os.kill(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
