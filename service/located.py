"""Where things are: configured URLs, or the servers and secrets of the data folder."""

import os
import stat
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from adapters.embedded.folder import DataFolder, write_private
from adapters.key_sets import KeySet
from adapters.key_wrapping import Keks
from adapters.promises import Promises
from adapters.tokens import DevelopmentIssuer, Issuer, OidcIssuer
from service.settings import Settings, SettingsRefused, secret

RUN: Final = "run.json"
EMBEDDED_ORIGIN: Final = "localhost/registre"


class NotRunning(RuntimeError):  # noqa: N818 - says what is the matter
    """The embedded servers of the data folder are not running."""


class Run(Struct, frozen=True):
    """What a running `registre serve` says of itself in its data folder."""

    url: str
    pids: dict[str, int]
    ports: dict[str, int]
    """Of the embedded servers: `postgres`, `nats`."""


class Located(Struct, frozen=True):
    """Everything a process needs to reach the others."""

    database_url: str
    migration_url: str
    keyring_url: str
    nats_url: str
    receipt_secret: bytes
    staff_secret: bytes
    keks: Keks
    promise_key: bytes
    """The seed of an Ed25519 key that signs promises and nothing else."""
    origin: str

    def __repr__(self) -> str:
        """Without passwords and secrets: it may stand in a traceback."""
        return "Located(...)"


def read_run(data: Path) -> Run:
    """Raises NotRunning."""
    path = data.expanduser() / RUN
    try:
        run = msgspec.json.decode(path.read_bytes(), type=Run)
    except (FileNotFoundError, msgspec.MsgspecError):
        raise NotRunning(f"no service runs in {data}: start it with `registre serve --data {data}`") from None
    try:
        os.kill(run.pids["supervisor"], 0)
    except (KeyError, ProcessLookupError):
        raise NotRunning(f"the service in {data} has ended: start it with `registre serve --data {data}`") from None
    except PermissionError:
        pass  # it is there, and somebody else's
    return run


def write_run(data: Path, run: Run) -> None:
    write_private(data / RUN, msgspec.json.encode(run))


def locate(settings: Settings) -> Located:
    """URLs and secrets of these settings; what they leave out is the data folder's. Raises NotRunning, FolderExposed."""
    if not _needs_folder(settings):
        return _configured(settings)
    folder = DataFolder(settings.data.expanduser().resolve())
    return at_ports(settings, folder, read_run(folder.path).ports)


def at_ports(settings: Settings, folder: DataFolder, ports: dict[str, int]) -> Located:
    """The same for a caller who knows on which ports the embedded servers listen."""

    def postgres(role: str, password: str, database: str) -> str:
        return f"postgresql://{role}:{folder.password(password)}@127.0.0.1:{ports['postgres']}/{database}"

    database = settings.database_url or postgres("registre", "service", "registre")
    return Located(
        database,
        settings.migration_url or settings.database_url or postgres("registre_owner", "owner", "registre"),
        settings.keyring_url or postgres("registre_keyring", "keyring", "registre_keyring"),
        settings.nats_url or f"nats://registre:{folder.password('nats')}@127.0.0.1:{ports['nats']}",
        settings.receipt_secret or folder.secret("receipt.key"),
        settings.staff_secret or folder.secret("staff.key"),
        Keks(lambda: [*(configured_kek(settings) or folder.keks()), *_previous_keks(settings)]),
        _promise_key(settings) or folder.secret("promise.key"),
        settings.origin or EMBEDDED_ORIGIN,
    )


def configured_kek(settings: Settings) -> list[bytes]:
    """The current key-encryption key of the settings; none where it is the data folder's. Raises SettingsRefused."""
    if settings.kek is not None:
        return [settings.kek]
    return [] if settings.kek_file is None else [_from_file("REGISTRE_KEK_FILE", settings.kek_file)]


def _previous_keks(settings: Settings) -> list[bytes]:
    return [*settings.kek_previous, *(_from_file("REGISTRE_KEK_PREVIOUS_FILES", file) for file in settings.kek_previous_files)]


def _from_file(name: str, file: Path) -> bytes:
    """The secret in a file, which may belong to a group, as mounted secrets do, and must be closed to the rest of the world."""
    try:
        if file.stat().st_mode & stat.S_IRWXO:
            raise SettingsRefused(f"{name}: {file} is open to everybody: `chmod o= {file}`.")
        written = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise SettingsRefused(f"{name}: {file} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from None
    return secret(f"{name}: {file}", written)


def issuer(settings: Settings) -> Issuer:
    """Who vouches for staff: the configured issuer, or the development key of the data folder."""
    if settings.issuer is None or settings.jwks is None:
        return development_issuer(settings)
    return OidcIssuer(settings.issuer, settings.audience, KeySet(settings.jwks), roles_claim=settings.roles_claim)


def development_issuer(settings: Settings) -> DevelopmentIssuer:
    """Mints and verifies tokens by the key of the data folder. Settings.check has refused it wherever it must not be used."""
    settings.check()
    return DevelopmentIssuer(DataFolder(settings.data.expanduser().resolve()).secret("token.key"))


def _needs_folder(settings: Settings) -> bool:
    return None in {settings.database_url, settings.nats_url}


def _configured(settings: Settings) -> Located:
    settings.check()
    database, keyring, nats = settings.database_url, settings.keyring_url, settings.nats_url
    receipt, staff, promise, origin = settings.receipt_secret, settings.staff_secret, _promise_key(settings), settings.origin
    if (
        database is None
        or keyring is None
        or nats is None
        or receipt is None
        or staff is None
        or promise is None
        or origin is None
    ):
        raise NotRunning("a URL or a secret is missing")
    keks = Keks(lambda: [*configured_kek(settings), *_previous_keks(settings)])
    return Located(database, settings.migration_url or database, keyring, nats, receipt, staff, keks, promise, origin)


def promises(settings: Settings) -> Promises:
    """What signs promises by these settings; it needs no running service. Raises SettingsRefused, FolderExposed, FileNotFoundError."""
    key = _promise_key(settings) or DataFolder(settings.data.expanduser().resolve()).secret("promise.key")
    return Promises(settings.origin or EMBEDDED_ORIGIN, key, settings.promise_delay_s)


def _promise_key(settings: Settings) -> bytes | None:
    """The configured one, or the one of the configured file. Raises SettingsRefused."""
    path = settings.promise_key_file
    if path is None:
        return settings.promise_key
    try:
        return secret("REGISTRE_PROMISE_KEY_FILE", path.expanduser().read_text(encoding="ascii").strip())
    except (OSError, UnicodeError) as error:
        raise SettingsRefused(f"REGISTRE_PROMISE_KEY_FILE: {path} cannot be read ({type(error).__name__}).") from None
