"""Connections are bounded in number: whoever takes nothing of an answer must not keep one for ever."""

import os
import socket
import stat
import sys
from pathlib import Path
from typing import Final

UNTAKEN_S: Final = 60
"""How long a peer may take nothing of what it has asked for, a reader that pauses included."""


def end_untaken(after_s: int = UNTAKEN_S) -> int:
    """Have the kernel end each connection whose peer takes nothing for so long: those that this process's listening sockets accept from now on.

    The HTTP server itself bounds only the time that a request's head takes. Returns how many sockets listen; 0 before the server does, and
    where this cannot be asked for (TCP_USER_TIMEOUT, RFC 5482, is Linux's).
    """
    if sys.platform != "linux":
        return 0
    return sum(_bounded(int(descriptor.name), after_s * 1_000) for descriptor in Path("/proc/self/fd").iterdir())


def _bounded(descriptor: int, after_ms: int) -> bool:
    """Whether it is a socket that listens for TCP; if so, it is told."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as each:
            if each.family not in {socket.AF_INET, socket.AF_INET6} or not each.getsockopt(
                socket.SOL_SOCKET, socket.SO_ACCEPTCONN
            ):
                return False
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, after_ms)
    except OSError:  # closed meanwhile
        return False
    return True
