"""`python -m service.demo.tethered PID COMMAND...`: becomes a command that is asked to stop when PID, which started it, ends, however it ends.

Linux only; elsewhere a killed demo leaves its service running, and the next one says by which process the folder is held.
"""

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before the kernel was asked, perhaps before this program began
            return
    os.execv(command[0], command)  # noqa: S606 - the command is the caller's own, and no shell reads it


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
