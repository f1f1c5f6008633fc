"""Tokens: who calls, and everything that must not pass for it."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from adapters.key_sets import FRESH_S, RETRY_S, SIZE_BYTES, UNKNOWN_S, KeySet, KeySetUnavailable
from adapters.tokens import DevelopmentIssuer, OidcIssuer, Staff, TokenRefused

ISSUER = "https://issuer.example"
URL = f"{ISSUER}/keys"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
PUBLISHED = [
    {"kid": "rsa", **RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True)},
    {"kid": "ec", "alg": "ES256", "use": "sig", **ECAlgorithm.to_jwk(EC.public_key(), as_dict=True)},
    {"kid": "ed", **OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True)},
    {"kid": "encryption", "use": "enc", **RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True)},
    {"kid": "shared", "kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
]
SIGNERS: dict[str, Any] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "EdDSA": ED}
KIDS = {"RS256": "rsa", "PS256": "rsa", "ES256": "ec", "EdDSA": "ed"}


def signed(algorithm: str = "ES256", kid: str | None = None, key: Any = None, **changes: Any) -> str:
    claims = {
        "iss": ISSUER,
        "aud": "registre",
        "sub": "alice",
        "exp": int(time.time()) + 60,
        "roles": ["analyst", "cook"],
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key or SIGNERS[algorithm], algorithm=algorithm, headers={"kid": kid or KIDS[algorithm]})


def key_set_file(path: Path, keys: list[dict[str, Any]]) -> str:
    path.write_text(json.dumps({"keys": keys}), encoding="utf-8")
    return str(path)


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    return key_set_file(tmp_path / "keys.json", PUBLISHED)


@pytest.fixture
def issuer(key_file: str) -> OidcIssuer:
    return OidcIssuer(ISSUER, "registre", KeySet(key_file))


async def refusal(verifier: OidcIssuer | DevelopmentIssuer, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    return refused.value.reason


@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_token_says_who_calls_and_unknown_roles_are_ignored(issuer: OidcIssuer, algorithm: str) -> None:
    assert await issuer.verify(signed(algorithm)) == Staff(ISSUER, "alice", frozenset({"analyst"}))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": int(time.time()) - 60}, "expired"),
        ({"nbf": int(time.time()) + 600}, "not-yet-valid"),
        ({"aud": "another"}, "audience"),
        ({"aud": None}, "audience"),
        ({"iss": "https://other.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"exp": None}, "claim-missing"),
        ({"sub": None}, "claim-missing"),
        ({"sub": ""}, "claim-missing"),
        ({"exp": float("inf")}, "malformed"),
    ],
)
async def test_a_token_for_another_time_place_or_person_is_refused(
    issuer: OidcIssuer, changes: dict[str, Any], reason: str
) -> None:
    assert await refusal(issuer, signed(**changes)) == reason


async def test_the_key_decides_the_algorithm(issuer: OidcIssuer) -> None:
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, claims, _ = signed("HS256", kid="rsa", key=b"x" * 32).split(".")
    forged = urlsafe_b64encode(hmac.digest(pem, f"{head}.{claims}".encode(), "sha256")).rstrip(b"=").decode()
    assert await refusal(issuer, f"{head}.{claims}.{forged}") == "algorithm"
    assert await refusal(issuer, signed("HS256", kid="shared", key=b"secret-secret-secret-secret-secret")) == "algorithm"
    assert await refusal(issuer, signed("ES256", kid="rsa")) == "algorithm"
    assert await refusal(issuer, signed("RS512", kid="rsa", key=RSA)) == "algorithm"


async def test_a_token_without_signature_is_refused(issuer: OidcIssuer) -> None:
    unsigned = jwt.encode({"iss": ISSUER, "aud": "registre", "sub": "alice"}, "", algorithm="none", headers={"kid": "ec"})
    assert await refusal(issuer, unsigned) == "algorithm"


async def test_a_forged_signature_and_a_key_for_encryption_are_refused(issuer: OidcIssuer) -> None:
    assert await refusal(issuer, signed(key=ec.generate_private_key(ec.SECP256R1()))) == "signature"
    assert await refusal(issuer, signed("RS256", kid="encryption")) == "unknown-key"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", ".." * 40])
async def test_what_is_no_token_is_refused(issuer: OidcIssuer, token: str) -> None:
    assert await refusal(issuer, token) == "malformed"


async def test_an_extension_that_must_be_understood_is_refused(issuer: OidcIssuer) -> None:
    claims = {"iss": ISSUER, "aud": "registre", "sub": "alice", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, EC, algorithm="ES256", headers={"kid": "ec", "crit": ["exp"]})
    assert await refusal(issuer, token) == "malformed"


@pytest.mark.parametrize(
    ("claim", "claims", "roles"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["auditor", 7]}}, {"auditor"}),
        ("https://registre.example/roles", {"https://registre.example/roles": ["publisher"]}, {"publisher"}),
        ("scope", {"scope": "openid moderator secretary"}, {"moderator", "secretary"}),
        ("realm_access.roles", {"realm_access": ["auditor"]}, set()),
        ("roles", {"roles": None}, set()),
    ],
)
async def test_roles_come_from_the_configured_claim(key_file: str, claim: str, claims: dict[str, Any], roles: set[str]) -> None:
    issuer = OidcIssuer(ISSUER, "registre", KeySet(key_file), claim)
    assert (await issuer.verify(signed(**claims))).roles == roles


async def test_without_key_id_the_only_key_is_meant(issuer: OidcIssuer, tmp_path: Path) -> None:
    claims = {"iss": ISSUER, "aud": "registre", "sub": "alice", "exp": int(time.time()) + 60}
    nameless = jwt.encode(claims, EC, algorithm="ES256")
    assert await refusal(issuer, nameless) == "unknown-key"
    alone = key_set_file(tmp_path / "one.json", PUBLISHED[1:2])
    assert (await OidcIssuer(ISSUER, "registre", KeySet(alone)).verify(nameless)).subject == "alice"


class Web:
    """An issuer's web server: what it answers, how often it was asked, and a clock that the test moves."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = PUBLISHED[:1]
        self.answer: Callable[[], httpx.Response] = lambda: streamed(json.dumps({"keys": self.keys}).encode())
        self.asked = 0
        self.now_s = 1_000.0
        self.key_set = KeySet(URL, transport=httpx.MockTransport(self._respond), clock=lambda: self.now_s)

    def _respond(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        return self.answer()

    async def knows(self, kid: str) -> bool:
        return await self.key_set.find(kid) is not None


def streamed(*chunks: bytes, status: int = 200) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return httpx.Response(status, content=body())


async def test_an_unknown_key_is_looked_for_at_most_once_a_minute() -> None:
    web = Web()
    assert await web.knows("rsa")
    assert not await web.knows("ed")
    assert web.asked == 1
    web.keys = PUBLISHED[:3]
    web.now_s += UNKNOWN_S - 1
    assert not await web.knows("ed")
    web.now_s += 1
    assert await web.knows("ed")
    assert not await web.knows("stranger")
    assert web.asked == 2


async def test_a_withdrawn_key_goes_within_the_hour() -> None:
    web = Web()
    assert await web.knows("rsa")
    web.keys = PUBLISHED[1:2]
    web.now_s += FRESH_S
    assert not await web.knows("rsa")
    assert web.asked == 2


async def test_while_the_issuer_is_away_the_keys_it_gave_serve_on() -> None:
    web = Web()
    assert await web.knows("rsa")
    web.answer = lambda: streamed(b"away", status=503)
    web.now_s += FRESH_S
    assert await web.knows("rsa")
    assert await web.knows("rsa")
    assert web.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda: streamed(b"away", status=503),
        lambda: streamed(b"[]"),
        lambda: streamed(b'{"keys": []}'),
        lambda: streamed(json.dumps({"keys": [{"kty": ["RSA"]}, {"kty": "RSA", "n": "!"}, PUBLISHED[4]]}).encode()),
        lambda: streamed(*[b" " * 1024] * (SIZE_BYTES // 1024), json.dumps({"keys": PUBLISHED}).encode()),
    ],
)
async def test_without_any_key_the_answer_is_not_yet_rather_than_no(answer: Callable[[], httpx.Response]) -> None:
    web = Web()
    good, web.answer = web.answer, answer
    with pytest.raises(KeySetUnavailable, match=URL):
        await web.knows("rsa")
    web.answer = good
    with pytest.raises(KeySetUnavailable):
        await web.knows("rsa")
    web.now_s += RETRY_S
    assert await web.knows("rsa")
    assert web.asked == 2


async def test_a_missing_file_is_not_yet_rather_than_no(tmp_path: Path) -> None:
    with pytest.raises(KeySetUnavailable, match="FileNotFoundError"):
        await KeySet(str(tmp_path / "none.json")).find("rsa")


@pytest.mark.parametrize("location", ["http://issuer.example/keys", "ftp://127.0.0.1/keys", "http://localhost.example/keys"])
def test_keys_do_not_come_over_an_open_wire(location: str) -> None:
    with pytest.raises(ValueError, match="by https"):
        KeySet(location)


async def test_a_development_token_says_who_calls() -> None:
    issuer = DevelopmentIssuer(bytes(range(32)))
    staff = await issuer.verify(issuer.mint(["moderator", "auditor"], "alice", ttl_s=60))
    assert staff == Staff("urn:registre:development", "alice", frozenset({"moderator", "auditor"}))


async def test_a_development_token_expires_and_opens_no_other_folder() -> None:
    issuer = DevelopmentIssuer(bytes(range(32)))
    assert await refusal(issuer, issuer.mint(["moderator"], "alice", ttl_s=-60)) == "expired"
    assert await refusal(DevelopmentIssuer(bytes(32)), issuer.mint(["moderator"], "alice", ttl_s=60)) == "signature"
    assert await refusal(issuer, signed()) == "algorithm"


def test_only_roles_that_exist_are_minted_under_a_key_that_is_long_enough() -> None:
    with pytest.raises(ValueError, match="no such role: cook"):
        DevelopmentIssuer(bytes(32)).mint(["cook"], "alice", ttl_s=60)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="31 bytes"):
        DevelopmentIssuer(bytes(31))
