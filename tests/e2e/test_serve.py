"""The command as people use it: it says who holds the folder, stops cleanly, finds its data again, and explains itself."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import msgspec
import psutil
import pytest

from service.cli import main
from tests.e2e.asking import Asking, problem
from tests.e2e.running import Running, environment, served

COMMANDS: Final = sorted(main.commands)


def registre(*arguments: str, data: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    options = ["--data", str(data)] if data else []
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments, *options],
        env=environment(**settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_command_explains_itself_with_an_example() -> None:
    assert set(COMMANDS) >= {"serve", "work", "demo", "import", "replay", "rebuild", "token", "migrate", "publish", "doctor"}
    for name in COMMANDS:
        context = main.make_context("registre", [name, "--help"], resilient_parsing=True)
        command = main.get_command(context, name)
        assert command is not None
        assert re.search(rf"Example: registre {name}\b", command.help or ""), name


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_finds_its_data_again(how: signal.Signals, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with served(data) as service:
        asking = Asking(service, "kept")
        asking.prepare()
        receipt = asking.receipt("Garder ceci.")
        asking.close()
        pids = service.pids
        os.kill(service.process.pid, how)
        assert service.process.wait(timeout=60) == 0
    assert [name for name, pid in pids.items() if psutil.pid_exists(pid)] == []
    assert not (data / "run.json").exists()

    with served(data) as again:
        asking = Asking(again, "kept")
        assert asking.status(receipt)["text"] == "Garder ceci."
        asking.close()


def test_a_second_one_on_the_same_folder_says_who_holds_it(running: Running) -> None:
    second = registre("serve", "--port", "0", data=running.data)

    assert second.returncode == 1
    assert str(running.process.pid) in second.stderr
    assert str(running.data) in second.stderr
    assert "Traceback" not in second.stderr
    assert httpx.get(f"{running.url}/health/ready").status_code == 200


def test_a_port_that_is_taken_is_named(running: Running, tmp_path: Path) -> None:
    port = running.url.rpartition(":")[2]

    second = registre("serve", "--port", port, data=tmp_path / "data")

    assert second.returncode == 1
    assert f"127.0.0.1:{port}" in second.stderr
    assert "--port" in second.stderr


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"REGISTRE_ENV": "production"}, "REGISTRE_ISSUER"),
        ({"REGISTRE_HOST": "0.0.0.0"}, "REGISTRE_ISSUER"),  # noqa: S104 - it is refused
        (
            {"REGISTRE_DATABASE_URL": "postgresql://u@127.0.0.1/d", "REGISTRE_KEYRING_URL": "postgresql://u@127.0.0.1/k"},
            "REGISTRE_ISSUER",
        ),
        ({"REGISTRE_PORT": "many"}, "REGISTRE_PORT"),
        ({"REGISTRE_PROT": "8000"}, "REGISTRE_PROT"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_would_be_unsafe_or_misspelt_is_refused_by_name(settings: dict[str, str], told: str, tmp_path: Path) -> None:
    refused = registre("serve", "--port", "0", data=tmp_path / "data", **settings)

    assert refused.returncode == 1
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr


def test_secrets_are_nobody_elses(running: Running) -> None:
    exposed = [path for path in (running.data / "secrets").rglob("*") if path.is_file() and path.stat().st_mode & 0o077]

    assert (running.data / "secrets").is_dir()
    assert exposed == []
    assert running.data.stat().st_mode & 0o077 == 0


def test_no_token_without_the_key_of_a_folder(tmp_path: Path) -> None:
    refused = registre("token", "moderator", data=tmp_path)

    assert refused.returncode == 1
    assert "registre serve" in refused.stderr


def test_a_command_without_a_service_says_how_to_start_one(tmp_path: Path) -> None:
    for arguments in (("doctor",), ("replay", "themes", "--until", "1"), ("rebuild", "themes")):
        refused = registre(*arguments, data=tmp_path)
        assert refused.returncode == 1, arguments
        assert "Traceback" not in refused.stderr, refused.stderr


def test_rows_are_imported_once_and_published_as_they_were_received(running: Running, tmp_path: Path) -> None:
    asking = Asking(running, "imported")
    asking.prepare()
    file = tmp_path / "lettres.csv"
    file.write_text(
        "theme,texte,voie\nfetes,Un bal.,papier\nfetes,Un bal.,papier\nBibliothèques,Le dimanche.,\nmusique,Un orgue.,\n",
        encoding="utf-8",
    )
    columns = ("--consultation", "imported", "--text-column", "texte", "--theme-column", "theme", "--channel-column", "voie")

    first = registre("import", str(file), *columns, data=running.data)
    second = registre("import", str(file), *columns, data=running.data)
    published = registre("publish", "imported", "--kind", "snapshot", "--output", str(tmp_path / "b.zip"), data=running.data)

    assert first.returncode == 0, first.stderr
    assert "4 rows = 3 received + 0 already there + 1 refused" in first.stdout
    assert "unknown-theme" in first.stderr
    assert "4 rows = 0 received + 3 already there + 1 refused" in second.stdout
    assert published.returncode == 0, published.stderr
    assert (tmp_path / "b.zip").stat().st_size > 0
    asking.close()


def test_a_read_model_is_rebuilt_and_replayed_as_it_was(running: Running) -> None:
    asking = Asking(running, "replayed")
    asking.prepare()
    before = asking.public.get("/health/ready").json()["position"]
    receipt = asking.receipt("Après.")
    asking.close()

    rebuilt = registre("rebuild", "themes", data=running.data)
    then = registre("replay", "themes", "--until", str(before), data=running.data)
    now = registre("replay", "themes", "--until", "2999-01-01", data=running.data)
    never = registre("replay", "themes", "--until", "yesterday", data=running.data)

    assert rebuilt.returncode == then.returncode == now.returncode == 0, rebuilt.stderr + then.stderr + now.stderr
    assert receipt["contribution"] not in then.stdout
    assert receipt["contribution"] in now.stdout
    assert msgspec.json.decode(now.stdout)
    assert never.returncode == 2
    assert "yesterday" in never.stderr


def test_the_doctor_finds_nothing_wrong_with_a_service_that_runs(running: Running) -> None:
    healthy = registre("doctor", "--json", data=running.data)

    assert healthy.returncode == 0, healthy.stdout
    assert all(each["ok"] for each in msgspec.json.decode(healthy.stdout))


def test_the_clock_brings_about_what_is_due(tmp_path: Path) -> None:
    """Themes open and close in their windows, leases expire, removals that nobody confirmed are lifted, the consultation ends."""
    with served(tmp_path / "data", REGISTRE_CLOCK_MOVES="true") as service:
        asking = Asking(service, "timed")
        administrator, mona, nils = (
            asking.staff("administrator"),
            asking.staff("moderator", "mona"),
            asking.staff("moderator", "nils"),
        )
        asking.prepare()
        hidden, leased = asking.receipt("Injurieux."), asking.receipt("À examiner.")
        asking.review(hidden, mona)
        statement = {"clause": "2.cordialite", "statement": "Le ton."}
        assert mona.post(f"/v1/moderation/{hidden['contribution']}/hidden", json=statement).status_code == 200
        asking.review(leased, mona)
        now = datetime.fromisoformat(administrator.get("/v1/clock").json()["now"])
        in_a_year = (now + timedelta(days=366)).isoformat()

        assert administrator.put("/v1/clock", json={"now": in_a_year}).status_code == 200
        until(lambda: asking.status(hidden)["status"] == "visible")
        taken = asking.review(leased, nils)
        assert taken["look"] == "first"
        assert nils.post(f"/v1/moderation/{leased['contribution']}/kept", json={}).status_code == 200
        assert problem(mona.post(f"/v1/moderation/{leased['contribution']}/kept", json={}), 409)

        assert administrator.put("/v1/clock", json={"now": "2100-01-01T00:00:00Z"}).status_code == 200
        until(lambda: asking.public.get(asking.base).json()["phase"] == "over")
        refused = asking.deposit("Trop tard.")
        assert problem(refused, 409)["type"].endswith(":theme-closed")
        assert problem(administrator.put("/v1/clock", json={"now": in_a_year}), 409)["type"].endswith(":too-early")
        asking.close()


def until(look: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)
