"""What a service answers about equal treatment while a consultation is being played, position by position."""

import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import msgspec

from adapters.embedded import DataFolder
from adapters.tokens import DevelopmentIssuer

PAUSE_S: Final = 0.25
AT_ONCE: Final = 4
PATIENCE_S: Final = 60.0


class Recording(threading.Thread):
    """Asks for the present again and again, as an auditor would, and keeps each answer byte for byte until it is stopped."""

    def __init__(self, data: Path) -> None:
        super().__init__(daemon=True)
        self._data = data
        self._stopped = threading.Event()
        self.slug = ""
        self._pending: set[int] = set()
        self.answers: dict[int, bytes] = {}
        """By the position asked for."""

    def run(self) -> None:
        while not self._stopped.wait(PAUSE_S):
            with suppress(httpx.HTTPError, OSError, KeyError, IndexError, ValueError):
                self._ask()

    def _ask(self) -> None:
        """The present, and what has been asked for and not been answered."""
        url = msgspec.json.decode((self._data / "run.json").read_bytes())["url"]
        token = DevelopmentIssuer(DataFolder(self._data).secret("token.key")).mint(["auditor"], "recording", 600)
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10) as client:
            self.slug = client.get("/v1/consultations").raise_for_status().json()["items"][0]["slug"]
            if len(self._pending) < AT_ONCE:
                self._pending.add(client.get("/health/ready").raise_for_status().json()["position"])
            for position in sorted(self._pending - self.answers.keys()):
                answer = client.get(f"/v1/consultations/{self.slug}/treatment", params={"as_of": position}).raise_for_status()
                if answer.status_code == 200:
                    self.answers[position] = answer.content
                    self._pending.discard(position)

    def also(self, positions: Iterable[int]) -> None:
        """Ask for these too, and wait for them: how much is answered while a demo goes on depends on the machine."""
        wanted, until = set(positions), time.monotonic() + PATIENCE_S
        self._pending |= wanted
        while wanted - self.answers.keys() and time.monotonic() < until:
            self._stopped.wait(PAUSE_S)

    def stop(self) -> None:
        self._stopped.set()
        self.join(timeout=30)
