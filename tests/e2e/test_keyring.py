"""The key over the keys is replaced while people deposit and read, and whatever kills it on the way, every text stays readable."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from adapters.embedded import DataFolder
from tests.e2e.asking import Asking
from tests.e2e.running import Running, environment, served

MOST: Final = 60


def killed_before(data: Path, step: int) -> bool:
    """Begin, or go on with, a rotation, and kill it before a step; False when it ended before."""
    command = [sys.executable, "-m", "tests.e2e.rotating", str(data), str(step)]
    code = subprocess.run(command, env=environment(), timeout=60, check=False).returncode
    assert code in {0, -signal.SIGKILL}
    return code != 0


def rotate(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service.cli", "keyring", "rotate", *options, "--data", str(data)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def doctor(data: Path) -> str:
    """What the doctor finds of the keyring's keys."""
    command = [sys.executable, "-m", "service.cli", "doctor", "--json", "--data", str(data)]
    told = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False).stdout
    (found,) = [each for each in msgspec.json.decode(told) if each["check"] == "keyring keys"]
    return f"{'ok' if found['ok'] else 'BAD'}: {found['finding']}"


def readable(asking: Asking, receipts: dict[str, dict[str, Any]]) -> None:
    """Everything that was deposited is read, and something more is taken."""
    text = f"Idée {len(receipts)}."
    receipts[text] = asking.receipt(text)
    assert {text: asking.status(receipt)["text"] for text, receipt in receipts.items()} == {text: text for text in receipts}


def test_every_text_is_readable_whatever_step_of_a_rotation_is_the_last(tmp_path: Path) -> None:
    data, receipts = tmp_path / "data", dict[str, dict[str, Any]]()
    secrets = data / "secrets"
    with served(data) as running:
        asking = asked(running)
        readable(asking, receipts)
        first = DataFolder(data).keks()
        assert (secrets / "kek.key").stat().st_mode & 0o777 == 0o600
        steps = 0
        for steps in range(1, MOST):  # each begins where the one before was killed, and comes a step further
            if not killed_before(data, steps):
                break
            readable(asking, receipts)
        assert 6 <= steps < MOST
        assert not (secrets / "kek.previous.key").exists()
        (current,) = DataFolder(data).keks()
        assert current not in first
        assert doctor(data).startswith("ok: ")
        assert " under previous" not in doctor(data)

        told = rotate(data, "--new")
        assert told.returncode == 0, told.stderr
        assert "none remain under others" in told.stdout
        readable(asking, receipts)
        asking.close()
        later = DataFolder(data).keks()
        assert current not in later
    with served(data) as running:
        asking = Asking(running, "wrapped")
        readable(asking, receipts)
        asking.close()

    # With another key in the file nothing passes for damaged; with none the service does not start; with its own everything is back.
    kept = (secrets / "kek.key").read_bytes()
    (secrets / "kek.key").write_bytes(b"A" * 43)
    with served(data) as running:
        asking = Asking(running, "wrapped")
        receipt = next(iter(receipts.values()))
        path, headers = f"/v1/receipts/{receipt['contribution']}", {"Receipt-Code": receipt["code"]}
        assert asking.public.get(path, headers=headers).status_code == 503
        assert doctor(data).startswith("BAD: cannot be unwrapped")
        assert rotate(data).returncode == 1
        (secrets / "kek.key").write_bytes(kept)
        assert {text: asking.status(receipt)["text"] for text, receipt in receipts.items()} == {text: text for text in receipts}
        asking.close()
    log = (tmp_path / "data.log").read_text(encoding="utf-8")
    assert "which is not configured" in log
    assert "secrets/kek.key" in log
    (secrets / "kek.key").unlink()
    with pytest.raises(RuntimeError, match=r"kek\.key is missing: put it back"), served(data):
        pass


def asked(running: Running) -> Asking:
    asking = Asking(running, "wrapped")
    asking.prepare()
    return asking
