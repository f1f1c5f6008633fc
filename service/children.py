"""How processes that another one starts live: no longer than it, and behind those whom somebody waits for."""

import contextlib
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

NICENESS: Final = 15
_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel end this process when the one that started it ends, however it ends. Linux only; elsewhere a killed supervisor
    leaves its children to be ended by hand. `parent` is the one that started it, which may have ended before this process could ask.
    """
    if sys.platform == "linux":
        parent = parent or os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os.kill(os.getpid(), signal.SIGKILL)


def stand_back() -> None:
    """Let requests go first when processors are scarce: read models may lag through a peak, whoever deposits should not wait."""
    os.nice(NICENESS)
    with contextlib.suppress(OSError):  # Linux alone weighs sessions against each other, and only where it is configured to
        Path("/proc/self/autogroup").write_text(str(NICENESS), encoding="ascii")
