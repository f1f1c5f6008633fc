"""The keys that an OpenID Connect issuer publishes (RFC 7517): read from a file or fetched, cached, and fetched again when needed."""

import asyncio
import ipaddress
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from msgspec import Struct

ALGORITHMS: Final = frozenset({"RS256", "PS256", "ES256", "EdDSA"})
_BY_KIND: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): frozenset({"RS256", "PS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}

SIZE_BYTES: Final = 256 * 1024
FETCH_S: Final = 5.0
UNKNOWN_S: Final = 60.0
"""A token that names an unknown key causes at most one fetch in this time: tokens are made by strangers."""
RETRY_S: Final = 5.0
"""Without any key, a failed fetch is tried again after this time."""
FRESH_S: Final = 3_600.0
"""After this time the set is fetched again, so that a key withdrawn by the issuer goes. If that fails the old set serves on."""


class KeySetUnavailable(Exception):  # noqa: N818 - names the state, as the other errors do
    """The issuer's keys cannot be had: nobody can be recognised until they can."""


class VerificationKey(Struct, frozen=True):
    kid: str | None
    algorithms: frozenset[str]
    """Those that this key verifies, whatever a token claims."""
    public: Any
    """A public key of the package cryptography."""


class _Published(Struct):
    """RFC 7517 section 5."""

    keys: list[dict[str, Any]]


class _Jwk(Struct, omit_defaults=True):
    """RFC 7517 section 4, the public members only: what else a key holds is not looked at."""

    kty: str
    use: str = "sig"
    kid: str | None = None
    alg: str | None = None
    crv: str | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None


class KeySet:
    """The verification keys of one issuer, by key id.

    `location` is a file's path, an https URL, or an http URL of this machine; ValueError otherwise. A file is read again under the same
    rules as a URL. `transport` replaces the network in tests, `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        location: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = _reader(location, transport)
        self._location = location
        self._clock = clock
        self._keys: tuple[VerificationKey, ...] = ()
        self._tried_at: float | None = None
        self._read_at = -FRESH_S
        self._failure = "not read yet"
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key of this id; without an id the only key of the set. None if there is none. Raises KeySetUnavailable."""
        if (key := self._find(kid)) is not None and self._clock() - self._read_at < FRESH_S:
            return key
        async with self._lock:
            if self._may_read(known=self._find(kid) is not None):
                await self._refresh()
        if not self._keys:
            raise KeySetUnavailable(f"no keys from {self._location}: {self._failure}")
        return self._find(kid)

    def _find(self, kid: str | None) -> VerificationKey | None:
        matching = [key for key in self._keys if kid is None or key.kid == kid]
        return matching[0] if len(matching) == 1 or (matching and kid is not None) else None

    def _may_read(self, *, known: bool) -> bool:
        now = self._clock()
        if known and now - self._read_at < FRESH_S:
            return False  # another caller fetched it while this one waited
        return self._tried_at is None or now - self._tried_at >= (UNKNOWN_S if self._keys else RETRY_S)

    async def _refresh(self) -> None:
        self._tried_at = self._clock()
        try:
            self._keys, self._read_at = _parsed(await self._read()), self._tried_at
        except (OSError, ValueError, httpx.HTTPError) as error:
            self._failure = f"{type(error).__name__}: {error}"


def _reader(location: str, transport: httpx.AsyncBaseTransport | None) -> Callable[[], Any]:
    if "://" not in location:
        return lambda: asyncio.to_thread(_read_file, Path(location))
    address = urlsplit(location)
    if address.scheme != "https" and not (address.scheme == "http" and is_loopback(address.hostname or "")):
        raise ValueError(f"{location}: keys come from a file, by https, or by http from this machine")
    return lambda: _fetch(location, transport)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine and nothing else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file.read(SIZE_BYTES + 1))


async def _fetch(url: str, transport: httpx.AsyncBaseTransport | None) -> bytes:
    # Nothing is decompressed: a small answer could hide a large one.
    plain = {"accept": "application/json", "accept-encoding": "identity"}
    body = b""
    async with (
        asyncio.timeout(FETCH_S),
        httpx.AsyncClient(transport=transport, timeout=FETCH_S) as client,
        client.stream("GET", url, headers=plain) as response,
    ):
        response.raise_for_status()
        async for chunk in response.aiter_raw():
            body = _bounded(body + chunk)
    return body


def _bounded(body: bytes) -> bytes:
    if len(body) > SIZE_BYTES:
        raise ValueError(f"a key set of more than {SIZE_BYTES} bytes")
    return body


def _parsed(body: bytes) -> tuple[VerificationKey, ...]:
    """The keys for signatures of the kinds we take. Others are left out. Raises ValueError for what is no key set, or leaves none."""
    published = msgspec.json.decode(body, type=_Published).keys
    keys = tuple(key for key in map(_parsed_key, published) if key is not None)
    if not keys:
        raise ValueError(f"a key set without any key for {', '.join(sorted(ALGORITHMS))}")
    return keys


def _parsed_key(member: dict[str, Any]) -> VerificationKey | None:
    try:
        found = msgspec.convert(member, _Jwk)
        algorithms = _BY_KIND.get((found.kty, found.crv), frozenset()) & ({found.alg} if found.alg else ALGORITHMS)
        if not algorithms or found.use != "sig":
            return None
        public = jwt.PyJWK(msgspec.to_builtins(found), min(algorithms)).key
    except (msgspec.ValidationError, jwt.PyJWTError):
        return None
    return VerificationKey(found.kid, algorithms, public)
