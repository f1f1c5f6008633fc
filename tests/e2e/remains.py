"""What a whole run leaves behind: dumps of both databases, the files of the servers, logs, and the answers that the public and auditors get."""

import os
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from adapters.embedded import DataFolder
from adapters.embedded.postgres import SUPERUSER
from adapters.embedded.programs import account_for, postgres_programs
from tests.e2e.running import Running

DATABASES: Final = ("registre", "registre_keyring")


class Remains(NamedTuple):
    dumps: dict[str, str]
    """By database: one INSERT a row."""
    files: dict[str, bytes]
    """Every file of the data folder but its secrets, and the log of the processes, by path. Read once everything has stopped."""
    answers: list[str]
    """Problems, and what any visitor or auditor reads."""

    def tables(self, database: str, word: str) -> set[str]:
        """Those whose rows hold a word, written in any way."""
        written = forms(word)
        lines = (line for line in self.dumps[database].splitlines() if line.startswith("INSERT INTO "))
        return {line.split(" ", 3)[2] for line in lines if any(form.decode() in line for form in written)}

    def holders(self, word: str, part: str = "") -> set[str]:
        """The files whose path holds `part` and which hold a word, written in any way."""
        written = forms(word)
        return {path for path, content in self.files.items() if part in path and any(form in content for form in written)}


def forms(word: str) -> set[bytes]:
    """A word as it is, in hexadecimal and in base64 at each of the three places where it can stand in longer text."""
    raw = word.encode()
    turned = {b64encode(b"\0" * shift + raw)[-(-shift * 4 // 3) : -4].rstrip(b"=") for shift in range(3)}
    return {raw, raw.hex().encode(), raw.hex().upper().encode(), *turned}


def dumped(running: Running, port: int, database: str) -> str:
    """All rows of a database, as its superuser."""
    programs = postgres_programs(account_for(running.data / "postgres"))
    secret = DataFolder(running.data).password("postgres")
    command = [
        str(programs / "pg_dump"),
        "--data-only",
        "--inserts",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-U",
        SUPERUSER,
        database,
    ]
    environment = {"PATH": os.defpath, "PGPASSWORD": secret}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def left(data: Path) -> dict[str, bytes]:
    files = [each for each in data.rglob("*") if each.is_file() and each.parent.name != "secrets"]
    return {str(each.relative_to(data.parent)): each.read_bytes() for each in [*files, data.with_name(f"{data.name}.log")]}


def told(answer: httpx.Response) -> str:
    """Everything that an answer says, its headers too."""
    return f"{answer.status_code} {dict(answer.headers)} {answer.text}"
