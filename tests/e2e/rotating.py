"""A rotation that is killed: `python -m tests.e2e.rotating DATA STEP`. SIGKILL comes just before its step STEP, counted from 1.

Steps are what changes something outside the process: files, batches of two rows, the retirement. Exits with 0 when STEP lies beyond the last.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from adapters.embedded import folder
from adapters.embedded.folder import DataFolder
from adapters.postgres import rewrapping
from adapters.postgres.rewrapping import Rewrapping
from service.rotating import rotate
from service.settings import Settings


def main(data: Path, last: int) -> None:
    step = 0

    def counted(does: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **more: Any) -> Any:
            nonlocal step
            step += 1
            if step == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return does(*arguments, **more)

        return stepping

    with ExitStack() as stack:
        stack.enter_context(patch.object(rewrapping, "BATCH", 2))
        for owner, name in (
            (folder, "write_private"), (DataFolder, "forget_previous_kek"), (Rewrapping, "_pass"), (Rewrapping, "_rewrap"),
            (Rewrapping, "rotate"),
        ):  # fmt: skip
            stack.enter_context(patch.object(owner, name, counted(getattr(owner, name))))
        asyncio.run(rotate(Settings(data=data), lambda _, __: None, new=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
