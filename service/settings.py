"""Settings: one frozen struct read from REGISTRE_*. Each field says what it means; the README's table is derived from here."""

import ipaddress
import re
from base64 import b64decode
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta, Struct

from adapters.key_sets import KeySet, is_loopback
from adapters.promises import LONGEST_S, ORIGIN

PREFIX: Final = "REGISTRE_"
TOKEN: Final = "REGISTRE_TOKEN"  # noqa: S105 - the name of a variable
"""The access token of the commands that ask a service: no setting of the service itself."""
SECRET_BYTES: Final = 32
_HIDDEN: Final = frozenset({"receipt_secret", "staff_secret", "promise_key", "kek", "kek_previous"})
_SEVERAL: Final = frozenset({"kek_previous", "kek_previous_files"})
_URLS: Final = frozenset({"database_url", "migration_url", "keyring_url", "nats_url"})
_WITHOUT_ISSUER: Final = (
    "requires REGISTRE_ISSUER: the development key, which opens everything, is for the embedded service of one machine."
)

PostgresUrl = Annotated[str, Meta(pattern=r"^postgres(ql)?://")]
NatsUrl = Annotated[str, Meta(pattern=r"^(nats|tls)://")]


class SettingsRefused(ValueError):  # noqa: N818 - the service refuses to start: it is an answer, not an error
    """The service does not start with these settings. The message is a plain sentence that names the variable and never a secret."""


class Settings(Struct, frozen=True, kw_only=True):
    """What an operator decides. Nothing is required: the defaults run everything from a data folder on this machine."""

    env: Annotated[
        Literal["development", "production"],
        Meta(description="In `production` the development key and the embedded clock are refused"),
    ] = "development"
    host: Annotated[str, Meta(description="Address that HTTP listens on; beyond loopback an issuer is required")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port that HTTP listens on", ge=1, le=65_535)] = 8_000
    workers: Annotated[int, Meta(description="HTTP worker processes", ge=1, le=256)] = 1
    database_url: Annotated[
        PostgresUrl | None,
        Meta(description="PostgreSQL of the event store and the read models; empty: the embedded one"),
    ] = None
    migration_url: Annotated[
        PostgresUrl | None,
        Meta(description="The same database as the role that owns its tables; empty: `REGISTRE_DATABASE_URL`"),
    ] = None
    keyring_url: Annotated[
        PostgresUrl | None,
        Meta(description="PostgreSQL of the keyring; required with `REGISTRE_DATABASE_URL`, in production on another cluster"),
    ] = None
    nats_url: Annotated[NatsUrl | None, Meta(description="NATS with JetStream; empty: the embedded one")] = None
    data: Annotated[Path, Meta(description="Folder of the embedded servers, generated secrets and publications")] = Path(
        ".registre"
    )
    issuer: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(
            description="OpenID Connect issuer of staff tokens (their `iss`), required with `REGISTRE_DATABASE_URL`; empty: the development key"
        ),
    ] = None
    jwks: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(
            description="The issuer's key set: a file, an https URL, or an http URL of this machine; required with `REGISTRE_ISSUER`"
        ),
    ] = None
    audience: Annotated[str, Meta(description="What staff tokens must name as their `aud`", min_length=1)] = "registre"
    roles_claim: Annotated[
        str,
        Meta(description="Claim that holds the roles; a dotted path reaches inside, as `realm_access.roles`", min_length=1),
    ] = "roles"
    receipt_secret: Annotated[
        bytes | None,
        Meta(
            description="32 bytes in base64url from which receipts are computed, required with `REGISTRE_DATABASE_URL`; empty: generated"
        ),
    ] = None
    staff_secret: Annotated[
        bytes | None,
        Meta(description="32 bytes in base64url for staff pseudonyms, required with `REGISTRE_DATABASE_URL`; empty: generated"),
    ] = None
    kek: Annotated[
        bytes | None,
        Meta(
            description="32 bytes in base64url, the key-encryption key under which the keyring's keys are wrapped; it or `REGISTRE_KEK_FILE` is required with `REGISTRE_DATABASE_URL`; empty: generated"
        ),
    ] = None
    kek_file: Annotated[Path | None, Meta(description="File that holds the same, closed to others")] = None
    kek_previous: Annotated[
        tuple[bytes, ...],
        Meta(description="Key-encryption keys that are still read with, separated by commas: those that a rotation replaces"),
    ] = ()
    kek_previous_files: Annotated[tuple[Path, ...], Meta(description="Files that hold the same, separated by commas")] = ()
    promise_key: Annotated[
        bytes | None,
        Meta(
            description="32 bytes in base64url, the Ed25519 key that signs the promises of receipts; it or its file is required with `REGISTRE_DATABASE_URL`; empty: generated"
        ),
    ] = None
    promise_key_file: Annotated[
        Path | None, Meta(description="The file that holds it, where `REGISTRE_PROMISE_KEY` is empty")
    ] = None
    promise_delay_s: Annotated[
        int,
        Meta(description="The longest delay until a deposit is in the journal, in seconds, as promised", ge=3_600, le=LONGEST_S),
    ] = 604_800
    origin: Annotated[
        Annotated[str, Meta(pattern=rf"^{ORIGIN}(?!\n)$", max_length=200)] | None,
        Meta(
            description="The service's URL without scheme or trailing slash, by which its signatures are known for ever: never change it; required with `REGISTRE_DATABASE_URL`; empty: `localhost/registre`"
        ),
    ] = None
    body_limit_bytes: Annotated[int, Meta(description="Largest request body, in bytes", ge=1_024, le=64 * 1024 * 1024)] = 262_144
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least level that is logged")] = "info"
    log_format: Annotated[
        Literal["console", "json"], Meta(description="`console` for people, `json` for machines: one object a line")
    ] = "console"
    measures_s: Annotated[
        float,
        Meta(
            description="Seconds between two computations of the measures of equal treatment; more where one takes long",
            gt=0,
            le=86_400,
        ),
    ] = 60.0
    clock_moves: Annotated[
        bool,
        Meta(description="Lets the demo move the clock of the embedded development service; refused anywhere else"),
    ] = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings in `environ`; an empty variable counts as unset. Raises SettingsRefused for a value or a name that means nothing."""
        known = {variable(field.name): field for field in msgspec.structs.fields(cls)}
        given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and name != TOKEN}
        for name in sorted(given.keys() - known.keys()):
            raise SettingsRefused(f"{name} is not a setting{_meant(name, known)}.")
        return cls(**{known[name].name: _parsed(name, value, known[name].type) for name, value in given.items() if value})

    @property
    def embedded(self) -> bool:
        """Whether PostgreSQL and NATS are those of the data folder, all of them."""
        return not any(getattr(self, name) for name in _URLS)

    def check(self) -> None:
        """Raises SettingsRefused, in a plain sentence, for a combination that would break a promise of the service."""
        for refused, sentence in _rules(self):
            if refused:
                raise SettingsRefused(sentence)
        if self.jwks is not None:
            try:
                KeySet(self.jwks)
            except ValueError as error:
                raise SettingsRefused(f"REGISTRE_JWKS: {error}.") from None

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Without secrets and passwords: settings are logged, and shown in tracebacks."""
        return [(name, _shown(name, getattr(self, name))) for name in self.__struct_fields__]


class Described(NamedTuple):
    name: str
    """Of the environment variable."""
    default: str
    """Empty where the description says what happens."""
    description: str


def describe() -> list[Described]:
    """Every setting, in order of definition: the table of the README."""
    return [
        Described(variable(field.name), "" if field.default in {None, ()} else _plain(field.default), _description(field.type))
        for field in msgspec.structs.fields(Settings)
    ]


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def _rules(settings: Settings) -> list[tuple[bool, str]]:
    external = settings.database_url is not None
    production = settings.env == "production"
    required = ("keyring_url", "receipt_secret", "staff_secret", "origin")
    lacking = [variable(name) for name in required if getattr(settings, name) is None]
    lacking += ["REGISTRE_KEK or REGISTRE_KEK_FILE"] if settings.kek is None and settings.kek_file is None else []
    lacking += [] if settings.promise_key or settings.promise_key_file else ["REGISTRE_PROMISE_KEY"]
    single = ("receipt_secret", "staff_secret", "promise_key")
    secrets = [value for name in single if (value := getattr(settings, name)) is not None]
    return [
        (production and settings.issuer is None, f"REGISTRE_ENV=production {_WITHOUT_ISSUER}"),
        (external and settings.issuer is None, f"REGISTRE_DATABASE_URL {_WITHOUT_ISSUER}"),
        (not is_loopback(settings.host) and settings.issuer is None, f"REGISTRE_HOST={settings.host} {_WITHOUT_ISSUER}"),
        (
            not _is_address(settings.host),
            f"REGISTRE_HOST={settings.host} is no address: name one of this machine, as 127.0.0.1 or ::1.",
        ),
        (
            (settings.issuer is None) != (settings.jwks is None),
            "REGISTRE_ISSUER and REGISTRE_JWKS go together: whose tokens are taken, and by which keys they are verified.",
        ),
        (
            external and bool(lacking),
            f"REGISTRE_DATABASE_URL requires {' and '.join(lacking)}: every process must have the same.",
        ),
        (
            settings.migration_url is not None and not external,
            "REGISTRE_MIGRATION_URL requires REGISTRE_DATABASE_URL: the embedded database is migrated by its own role.",
        ),
        (
            len(set(secrets)) < len(secrets),
            "REGISTRE_RECEIPT_SECRET, REGISTRE_STAFF_SECRET and REGISTRE_PROMISE_KEY must differ.",
        ),
        (
            settings.promise_key is not None and settings.promise_key_file is not None,
            "REGISTRE_PROMISE_KEY and REGISTRE_PROMISE_KEY_FILE exclude each other: which of them signs must not be a guess.",
        ),
        (
            settings.kek is not None and settings.kek in {settings.receipt_secret, settings.staff_secret},
            "REGISTRE_KEK must differ from REGISTRE_RECEIPT_SECRET and REGISTRE_STAFF_SECRET.",
        ),
        (
            settings.kek is not None and settings.kek_file is not None,
            "REGISTRE_KEK and REGISTRE_KEK_FILE are two ways to say the same: use one.",
        ),
        (
            production and external and _database(settings.keyring_url) == _database(settings.database_url),
            "REGISTRE_KEYRING_URL must not name the database of REGISTRE_DATABASE_URL: one backup would hold texts and keys together.",
        ),
        (
            settings.clock_moves and (production or not settings.embedded),
            "REGISTRE_CLOCK_MOVES is for the embedded development service alone: elsewhere the time is the time.",
        ),
    ]


def _is_address(host: str) -> bool:
    """An address that can be listened on, or the one name that means this machine everywhere."""
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _database(url: str | None) -> tuple[set[str], str] | None:
    """Which database a URL names, whoever connects to it: its hosts with their ports (there may be several), and its path."""
    if url is None:
        return None
    hosts, _, path = url.partition("://")[2].partition("?")[0].rpartition("@")[2].partition("/")
    return {host if re.search(r":\d+$", host) else f"{host}:5432" for host in hosts.lower().split(",")}, path


def _parsed(name: str, value: str, kind: Any) -> Any:
    if name in map(variable, _SEVERAL):
        one = bytes if name in map(variable, _HIDDEN) else Path
        return tuple(_one(name, each.strip(), one) for each in value.split(","))
    return _one(name, value, kind)


def _one(name: str, value: str, kind: Any) -> Any:
    if name in map(variable, _HIDDEN):
        return secret(name, value)
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=lambda wanted, given: wanted(given))
    except msgspec.ValidationError as error:
        raise SettingsRefused(f"{name}: {error}.") from None


def secret(name: str, value: str) -> bytes:
    """The 32 bytes that stand in base64url in what `name` names. Raises SettingsRefused."""
    unpadded = value.rstrip("=")
    try:
        decoded = b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise SettingsRefused(f"{name} is not base64url.") from None
    if len(decoded) != SECRET_BYTES:
        raise SettingsRefused(f"{name} holds {len(decoded)} bytes, and {SECRET_BYTES} are needed.")
    return decoded


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.8)
    return f"; {close[0]} may be meant" if close else ""


def _shown(name: str, value: Any) -> Any:
    if value in {None, ()} or name not in _HIDDEN | _URLS:
        return value
    # A password may stand before the host, in the query, and hold any character: only the scheme is safe to show.
    return f"{value.partition('://')[0]}://..." if name in _URLS else "..."


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _description(kind: Any) -> str:
    return next(str(meta.description) for meta in get_args(kind)[1:] if meta.description)
