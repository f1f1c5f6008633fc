"""A whole service in a folder of its own, as a person would start it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec

START_S = 60


class Running(NamedTuple):
    url: str
    data: Path
    process: subprocess.Popen[bytes]

    @property
    def pids(self) -> dict[str, int]:
        run: dict[str, dict[str, int]] = msgspec.json.decode((self.data / "run.json").read_bytes())
        return run["pids"]


def environment(**more: str) -> dict[str, str]:
    """The caller's environment without its REGISTRE_* settings."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("REGISTRE_")}, **more}


@contextmanager
def served(data: Path, module: str = "service.cli", /, **settings: str) -> Iterator[Running]:
    """`registre serve` in a folder, on a free port, ready; stopped by SIGTERM at the end."""
    command = [sys.executable, "-m", module, "serve", "--data", str(data), "--port", "0"]
    with (data.parent / f"{data.name}.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment(**settings), stdout=log, stderr=log)
    try:
        yield Running(_ready(data, process), data, process)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _ready(data: Path, process: subprocess.Popen[bytes]) -> str:
    """The URL, once the service answers on it."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"serve ended with {process.returncode}: {(data.parent / f'{data.name}.log').read_text()[-2000:]}")
        try:
            url: str = msgspec.json.decode((data / "run.json").read_bytes())["url"]
            if httpx.get(f"{url}/health/ready", timeout=5).status_code == 200:
                return url
        except (FileNotFoundError, httpx.TransportError):
            pass
        time.sleep(0.05)
    raise TimeoutError(f"serve was not ready within {START_S} s")
