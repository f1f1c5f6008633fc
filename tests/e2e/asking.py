"""A consultation that a test may ask things of over HTTP."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from adapters.embedded import DataFolder
from adapters.tokens import DevelopmentIssuer, Role
from tests.e2e.running import Running

TRIAL: Final = Path(__file__).parents[2] / "deploy" / "consultations" / "essai.toml"
SHOWN_S: Final = 20.0


class Asking:
    """The public, and staff by role and name, of the consultation `slug`, whose two themes are open."""

    def __init__(self, running: Running, slug: str) -> None:
        self.running = running
        self.slug = slug
        self.base = f"/v1/consultations/{slug}"
        self._clients: list[httpx.Client] = []
        self.public = self._client({})
        self._issuer = DevelopmentIssuer(DataFolder(running.data).secret("token.key"))

    def prepare(self, closes: datetime | None = None, **policies: Any) -> None:
        """Prepare and open it, with other policies and another closing than the trial's where they are named."""
        definition = msgspec.toml.decode(TRIAL.read_bytes()) | {"slug": self.slug}
        definition["policies"] |= policies
        for theme in definition["themes"] if closes else ():
            theme["closes"] = closes
        administrator = self.staff("administrator")
        assert administrator.post("/v1/consultations", json=msgspec.to_builtins(definition)).status_code == 201
        assert administrator.post(f"{self.base}/opening").status_code == 200
        for theme in ("bibliotheques", "fetes"):
            opened = administrator.post(f"{self.base}/themes/{theme}/opening")
            assert opened.status_code == 200 or code(opened, 409) in {"theme-started", "consultation-over"}

    def shown(self, received: int) -> None:
        """Returns once the queues know so many contributions."""
        deadline = time.monotonic() + SHOWN_S
        while time.monotonic() < deadline:
            answer = self.public.get(f"{self.base}/counts")
            if answer.status_code == 200 and answer.json()["totals"]["received"] >= received:
                return
            time.sleep(0.02)
        raise TimeoutError(f"the queues do not know {received} contributions")

    def staff(self, role: Role, name: str = "alice") -> httpx.Client:
        token = self._issuer.mint([role], name, 3_600)
        return self._client({"Authorization": f"Bearer {token}"})

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        self._clients.append(httpx.Client(base_url=self.running.url, timeout=30, headers=headers))
        return self._clients[-1]

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def deposit(self, text: str = "Ouvrir le dimanche.", key: str | None = None, **more: Any) -> httpx.Response:
        body = {"theme": "bibliotheques", "charter": 1, "text": text} | more
        return self.public.post(
            f"{self.base}/contributions", json=body, headers={"Idempotency-Key": key or secrets.token_hex(16)}
        )

    def receipt(self, text: str = "Ouvrir le dimanche.", key: str | None = None, **more: Any) -> dict[str, Any]:
        answer = self.deposit(text, key, **more)
        assert answer.status_code == 201, answer.text
        receipt: dict[str, Any] = answer.json()
        return receipt

    def status(self, receipt: dict[str, Any]) -> dict[str, Any]:
        answer = self.public.get(f"/v1/receipts/{receipt['contribution']}", headers={"Receipt-Code": receipt["code"]})
        assert answer.status_code == 200, answer.text
        status: dict[str, Any] = answer.json()
        return status

    def review(self, receipt: dict[str, Any], moderator: httpx.Client) -> dict[str, Any]:
        """Take from the queue until it hands out this contribution, screened, keeping what comes before and confirming its removal."""
        deadline = time.monotonic() + SHOWN_S
        while time.monotonic() < deadline:
            answer = moderator.post(f"{self.base}/reviews/next")
            if answer.status_code == 200 and answer.content != b"null":
                item: dict[str, Any] = answer.json()
                if item["contribution"] == receipt["contribution"] and item["flags"] is not None:
                    return item
                if item["contribution"] != receipt["contribution"]:
                    act, body = ("kept", {}) if item["look"] == "first" else ("reviewed", {"agrees": True})
                    moderator.post(f"/v1/moderation/{item['contribution']}/{act}", json=body)
            time.sleep(0.02)
        raise TimeoutError("the queue did not hand it out")


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem that an answer tells."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    return told


def code(answer: httpx.Response, status: int) -> str:
    """The stable code of the problem that an answer tells."""
    return str(problem(answer, status)["type"]).removeprefix("urn:registre:problem:")


def fields(answer: httpx.Response, status: int) -> list[str]:
    """The fields that a problem names."""
    return [error["field"] for error in problem(answer, status)["errors"]]


def shown(client: httpx.Client, path: str, enough: Callable[[Any], bool] = bool) -> Any:
    """What a read model says once it has come so far."""
    for _ in range(400):
        answer = client.get(path)
        if answer.status_code == 200 and enough(answer.json()):
            return answer.json()
        time.sleep(0.05)
    raise TimeoutError(path)
