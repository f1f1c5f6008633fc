"""Access tokens of staff and auditors: from the organisation's OpenID Connect issuer, or from the development key of a data folder."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol, get_args

import jwt
from msgspec import Struct

from adapters.key_sets import ALGORITHMS, KeySet

Role = Literal["moderator", "analyst", "secretary", "publisher", "auditor", "administrator"]
ROLES: Final[frozenset[Role]] = frozenset(get_args(Role))

DEVELOPMENT_ISSUER: Final = "urn:registre:development"
AUDIENCE: Final = "registre"
LEEWAY_S: Final = 10
"""How far the issuer's clock may differ from ours."""


class Staff(Struct, frozen=True):
    """Who presents a token. Known to the service for the length of a request; events name a pseudonym."""

    issuer: str
    subject: str
    roles: frozenset[str]
    """Those of ROLES that the issuer gives; others are ignored."""


Reason = Literal[
    "missing", "malformed", "algorithm", "unknown-key", "signature", "expired", "not-yet-valid", "audience", "issuer", "claim-missing",
]  # fmt: skip


class TokenRefused(Exception):  # noqa: N818 - it is an answer, not an error
    """The token does not say who is calling. `reason` may be shown to the caller."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"access token refused: {reason}")
        self.reason = reason


class Issuer(Protocol):
    async def verify(self, token: str) -> Staff:
        """Who presents this token. Raises TokenRefused; KeySetUnavailable while the issuer's keys cannot be had."""
        ...


class DevelopmentIssuer:
    """Mints and verifies tokens under a key of 32 bytes that lies in the data folder. Never in production: whoever reads the key is anybody."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError(f"the development token key has {len(key)} bytes, HS256 needs 32")
        self._key = key

    def mint(self, roles: Sequence[Role], subject: str, ttl_s: int) -> str:
        """A token for `subject` that expires in `ttl_s` seconds. Raises ValueError for a role that does not exist."""
        if unknown := set(roles) - ROLES:
            raise ValueError(f"no such role: {', '.join(sorted(unknown))}; there are {', '.join(sorted(ROLES))}")
        now = int(time.time())
        claims = {
            "iss": DEVELOPMENT_ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "roles": sorted(roles),
            "iat": now,
            "exp": now + ttl_s,
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    async def verify(self, token: str) -> Staff:
        claims = _claims(token, self._key, ["HS256"], DEVELOPMENT_ISSUER, AUDIENCE)
        return Staff(DEVELOPMENT_ISSUER, claims["sub"], _roles(claims, "roles"))


class OidcIssuer:
    """Verifies tokens of an OpenID Connect issuer: asymmetric signatures alone, by the keys that it publishes."""

    def __init__(self, issuer: str, audience: str, key_set: KeySet, roles_claim: str = "roles") -> None:
        self._issuer = issuer
        self._audience = audience
        self._key_set = key_set
        self._roles_claim = roles_claim

    async def verify(self, token: str) -> Staff:
        kid = _key_id(token)
        key = await self._key_set.find(kid)
        if key is None:
            raise TokenRefused("unknown-key")
        claims = _claims(token, key.public, sorted(key.algorithms), self._issuer, self._audience)
        return Staff(self._issuer, claims["sub"], _roles(claims, self._roles_claim))


def _key_id(token: str) -> str | None:
    """The name of the key that the token claims. Refused before any key is looked up: algorithms that never are, extensions unknown here."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise TokenRefused("malformed") from None
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("algorithm")
    if "crit" in header:
        raise TokenRefused("malformed")
    kid: str | None = header.get("kid")
    return kid


_REFUSALS: Final[Sequence[tuple[type[jwt.PyJWTError], Reason]]] = (
    (jwt.ExpiredSignatureError, "expired"),
    (jwt.ImmatureSignatureError, "not-yet-valid"),
    (jwt.InvalidAudienceError, "audience"),
    (jwt.InvalidIssuerError, "issuer"),
    (jwt.InvalidAlgorithmError, "algorithm"),
    (jwt.InvalidSignatureError, "signature"),
)


def _claims(token: str, key: Any, algorithms: Sequence[str], issuer: str, audience: str) -> dict[str, Any]:
    """The verified claims. `key` decides the algorithms, never the token."""
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.MissingRequiredClaimError as missing:
        raise TokenRefused(_MISSING.get(missing.claim, "claim-missing")) from None
    except jwt.PyJWTError as error:
        raise TokenRefused(next((reason for kind, reason in _REFUSALS if isinstance(error, kind)), "malformed")) from None
    except (ValueError, OverflowError):
        raise TokenRefused("malformed") from None
    if not claims["sub"]:
        raise TokenRefused("claim-missing")
    if not _encodable(claims["sub"]):
        raise TokenRefused("malformed")
    return claims


def _encodable(text: str) -> bool:
    """Whether a text is Unicode: JSON can spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_MISSING: Final[Mapping[str, Reason]] = {"aud": "audience", "iss": "issuer"}


def _roles(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """The known roles in a claim: a list, or words in a string. A claim of exactly that name comes before a dotted path."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for step in path.split("."):
            found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, str):
        found = found.split()
    return ROLES & {role for role in found if isinstance(role, str)} if isinstance(found, list) else frozenset()
