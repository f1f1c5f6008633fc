"""The data folder: held by one process at a time, closed to everybody else, with the secrets generated for it."""

import contextlib
import fcntl
import os
import secrets
import shlex
import stat
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from adapters.embedded.errors import FolderExposed, FolderHeld, KekLost

SECRET_BYTES: Final = 32
PASSWORDS: Final = ("postgres", "owner", "service", "keyring", "nats")
KEK: Final = "kek.key"
PREVIOUS_KEK: Final = "kek.previous.key"
KEYS: Final = ("token.key", "receipt.key", "staff.key", "promise.key", KEK)


class Holder(msgspec.Struct, frozen=True):
    """What the lock file says, for people: the lock itself is the kernel's."""

    pid: int
    started: datetime
    command: str


@dataclass(frozen=True)
class DataFolder:
    """A data folder at an absolute path. Reading its secrets needs no hold; starting servers in it does."""

    path: Path

    @classmethod
    @contextmanager
    def hold(cls, path: Path) -> Iterator["DataFolder"]:
        """The folder at `path`, made if missing, held until the block ends or the process dies, however it dies.

        Raises FolderHeld while another process holds it, FolderExposed when others could read it, KekLost.
        """
        folder = cls(path.expanduser().resolve())
        make_private(folder.path)
        descriptor = os.open(folder.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            folder._lock(descriptor)
            folder._generate()
            yield folder
        finally:
            os.close(descriptor)

    def secret(self, name: str) -> bytes:
        """The 32 bytes of a key, as "token.key". Raises FolderExposed where others could read it, FileNotFoundError before a first hold."""
        return urlsafe_b64decode(self._read(name) + "=")

    def password(self, name: str) -> str:
        """A password in characters that a URL takes as they are, by one of PASSWORDS. Raises as `secret` does."""
        return self._read(f"{name}.password")

    def keks(self) -> list[bytes]:
        """The key-encryption keys, the current one first; a second while a rotation is under way. Raises as `secret` does."""
        current = self.secret(KEK)  # read first: it is replaced after the previous one has been written
        try:
            return [current, self.secret(PREVIOUS_KEK)]
        except FileNotFoundError:
            return [current]

    @contextmanager
    def replacing_kek(self) -> Iterator[None]:
        """Alone: of two who replace the key-encryption key at once, one would forget what the other made. Raises FolderHeld."""
        descriptor = os.open(self.path / "secrets" / "kek.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self._lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def renew_kek(self) -> bool:
        """Make a new key-encryption key, and keep the present one as the previous. False when a rotation is under way already.

        The previous one is on disk before the current is replaced: after a crash at any step both are there, or one file twice.
        """
        current, *previous = self.keks()
        if previous not in ([], [current]):
            return False
        write_private(self.path / "secrets" / PREVIOUS_KEK, _written(current))
        write_private(self.path / "secrets" / KEK, _written(secrets.token_bytes(SECRET_BYTES)))
        return True

    def forget_previous_kek(self) -> None:
        """Remove the previous key-encryption key. Only once nothing stands under it, and nothing can be written under it."""
        (self.path / "secrets" / PREVIOUS_KEK).unlink(missing_ok=True)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._held(os.pread(descriptor, 65_536, 0)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(Holder(os.getpid(), datetime.now(UTC), shlex.join(sys.argv))), 0)

    def _held(self, written: bytes) -> FolderHeld:
        try:
            holder = msgspec.json.decode(written, type=Holder)
        except msgspec.MsgspecError:  # the other process holds the lock and has not written yet
            return FolderHeld(self.path, None, None)
        return FolderHeld(self.path, holder.pid, holder.started, holder.command)

    def _generate(self) -> None:
        make_private(self.path / "secrets")
        for name in (*KEYS, *(f"{password}.password" for password in PASSWORDS)):
            path = self.path / "secrets" / name
            if path.is_symlink() or path.exists():
                refuse_exposed(path)
            elif name == KEK and (self.path / "postgres" / "data").exists():
                raise KekLost(
                    f"{path} is missing: put it back from its copy. Without it nobody can read what is sealed in {self.path}."
                )
            else:
                write_private(path, _written(secrets.token_bytes(SECRET_BYTES)))

    def _read(self, name: str) -> str:
        path = self.path / "secrets" / name
        for part in (self.path, path.parent, path):
            refuse_exposed(part)
        return path.read_text(encoding="ascii").strip()


def _written(secret: bytes) -> bytes:
    return urlsafe_b64encode(secret).rstrip(b"=")


def make_private(path: Path) -> None:
    """A folder of mode 0700. One that exists must be so already: its mode was somebody's decision. Raises FolderExposed."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700, parents=True)
    refuse_exposed(path)
    if not path.is_dir():
        raise FolderExposed(f"{path} is not a folder.")


def refuse_exposed(path: Path) -> None:
    """Raises FolderExposed, saying what to do, unless `path` is the user's own and closed to everybody else."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise FolderExposed(
            f"{path} is a symbolic link, which could be turned elsewhere: put a file or folder of your own there."
        )
    if status.st_uid != os.geteuid():
        raise FolderExposed(
            f"{path} belongs to user {status.st_uid} and this is user {os.geteuid()}: run as its owner, or name another folder."
        )
    if mode := stat.S_IMODE(status.st_mode) & 0o077:
        closed = stat.S_IMODE(status.st_mode) & ~mode
        raise FolderExposed(
            f"{path} has mode {stat.S_IMODE(status.st_mode):04o}, which opens it to others: "
            f"`chmod {closed:o} {path}` if that is not meant, or name with --data a folder that does not exist yet."
        )


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 so that a crash leaves the old content or the new, never a part; on disk once it returns."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - exclusive and private at once
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
