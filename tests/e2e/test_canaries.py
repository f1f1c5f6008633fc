"""Words that nobody else writes are deposited, hidden, appealed against, asked and answered: afterwards they stand in what publishes them alone.

Whoever has the log, the broker's files and all read models, and lacks the keyring or the key over its keys, opens none of them.
"""

import asyncio
import secrets
import time
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from re import findall
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx
import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from adapters.embedded import DataFolder
from adapters.nats.relay import compared
from adapters.postgres.keyring import PostgresKeyring
from adapters.postgres.store import PostgresStore
from adapters.records import event_of
from adapters.sealing import commitment
from adapters.store import Entry
from domain.contribution import Erased
from domain.record import erasure_stream, sealed_in
from domain.sealed import Sealed
from service.located import Located, locate, read_run
from service.settings import Settings
from service.upkeep import opened
from tests.e2e.asking import Asking, code
from tests.e2e.remains import DATABASES, Remains, dumped, forms, left, told
from tests.e2e.running import served

WORDS: Final = {
    name: f"canari{name}{secrets.token_hex(8)}"
    for name in (
        "kept", "pending", "hidden", "erased", "shown", "withdrawn", "statement", "appeal", "settlement", "question", "answer", "refused",
    )
}  # fmt: skip
SECRET: Final = sorted(WORDS.keys() - {"kept", "shown"})
WAIT_S: Final = 60.0
PUBLISHING: Final = {"themes.contribution"}
"""The read models that show the public what it may see."""


class Box(NamedTuple):
    """A sealed text at its place in the log."""

    stream: UUID
    version: int
    topic: str
    sealed: Sealed
    commitment: bytes

    def opens(self, key: bytes) -> bool:
        place = b"registre.sealed.v1\x00" + self.stream.bytes + self.version.to_bytes(8, "big") + self.topic.encode()
        try:
            AESGCM(key).decrypt(self.sealed.nonce, self.sealed.ciphertext, place)
        except InvalidTag:
            return False
        return True


class Run(NamedTuple):
    remains: Remains
    boxes: list[Box]
    keys: dict[UUID, bytes]
    """What the keyring and the key over its keys give."""
    kek: bytes
    texts: list[str]
    """Everything that was deposited, as whoever guesses well would guess it."""


def text(name: str) -> str:
    return f"Voici {WORDS[name]}, dit tout bas."


def played(asking: Asking) -> list[httpx.Response]:
    """Everything that takes a text, and what any visitor and auditor then read."""
    mona, nils, olga = (asking.staff("moderator", name) for name in ("mona", "nils", "olga"))
    withdrawn, erased = asking.receipt(text("withdrawn")), asking.receipt(text("erased"))
    act(asking.public, withdrawn, "withdrawal", {})
    erase(asking, erased)
    kept, shown, hidden = (asking.receipt(text(name)) for name in ("kept", "shown", "hidden"))
    for receipt in (kept, shown):
        asking.review(receipt, mona)
        assert mona.post(f"/v1/moderation/{receipt['contribution']}/kept", json={}).status_code == 200
    seen(asking, shown)
    erase(asking, shown)
    asking.review(hidden, mona)
    why = {"clause": "2.cordialite", "statement": text("statement")}
    assert mona.post(f"/v1/moderation/{hidden['contribution']}/hidden", json=why).status_code == 200
    asking.review(hidden, nils)
    assert nils.post(f"/v1/moderation/{hidden['contribution']}/reviewed", json={"agrees": True}).status_code == 200
    act(asking.public, hidden, "appeal", {"text": text("appeal")})
    asking.review(hidden, olga)
    settlement = {"granted": False, "statement": text("settlement")}
    settled = olga.post(f"/v1/moderation/{hidden['contribution']}/appeal", json=settlement)
    assert settled.status_code == 200, settled.text
    asked = asking.staff("analyst").post(f"/v1/contributions/{kept['contribution']}/questions", json={"text": text("question")})
    assert asked.status_code == 201, asked.text
    act(asking.public, kept, "answers", {"question": asked.json()["question"], "text": text("answer")})
    pending = asking.receipt(text("pending"))
    auditor = asking.staff("auditor")
    streams = [receipt["contribution"] for receipt in (kept, hidden, erased, shown, withdrawn, pending)]
    read = [asking.public.get(f"/v1/contributions/{each}") for each in streams[1:]]
    read += [asking.public.get(f"/v1/contributions/{each}/outcome") for each in streams]
    read += [auditor.get(f"/v1/audit/contributions/{each}") for each in streams]
    return [*read, auditor.get("/v1/audit/events?after=0"), asking.public.get(f"{asking.base}/treatment")]


def act(public: httpx.Client, receipt: dict[str, Any], what: str, body: dict[str, Any]) -> None:
    path, headers = f"/v1/receipts/{receipt['contribution']}/{what}", {"Receipt-Code": receipt["code"]}
    answer = public.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text


def erase(asking: Asking, receipt: dict[str, Any]) -> None:
    path, order = (
        f"/v1/contributions/{receipt['contribution']}/erasure",
        {"cause": "legal-order", "reason": "Décision de justice."},
    )
    assert asking.staff("publisher").post(path, json=order).status_code == 200


def seen(asking: Asking, receipt: dict[str, Any]) -> None:
    """Returns once the public reads it."""
    deadline = time.monotonic() + WAIT_S
    while asking.public.get(f"/v1/contributions/{receipt['contribution']}").json()["text"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refusals(asking: Asking) -> list[httpx.Response]:
    """Answers to deposits that are wrong in each way: none repeats what was sent."""
    said, path = text("refused"), f"{asking.base}/contributions"
    headers = {"Idempotency-Key": secrets.token_hex(16), "Content-Type": "application/json"}
    wrong = [
        asking.deposit(said, theme="nulle-part"),
        asking.deposit(said, charter=99),
        asking.deposit(said * 2_000),
        asking.deposit(said, blind=said),
        asking.deposit(said, language=said),
        asking.deposit(said, unknown=said),
        asking.deposit(said, actor=said),
        asking.public.post(path, content=f'{{"text": "{said}', headers=headers),
        asking.public.post(path, content=f'{{"text": "{said}\ud800"}}'.encode("utf-8", "surrogatepass"), headers=headers),
        asking.public.post(path, content=said, headers={**headers, "Content-Type": "text/plain"}),
        asking.public.post(path, json={"theme": "fetes", "charter": 1, "text": said}),
    ]
    assert all(answer.status_code >= 400 for answer in wrong), [answer.status_code for answer in wrong]
    key = secrets.token_hex(16)
    asking.receipt("Ouvrir le soir.", key)
    again = asking.deposit(said, key)
    assert code(again, 422) == "idempotency-key-reused"
    return [*wrong, again]


@pytest.fixture(scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data: Path = tmp_path_factory.mktemp("canaries") / "data"
    with served(data, REGISTRE_LOG_LEVEL="debug", REGISTRE_LOG_FORMAT="json") as running:
        with closing(Asking(running, "canaries")) as asking:
            asking.prepare(mode="before")
            answers = [told(answer) for answer in (*played(asking), *refusals(asking))]
        located = locate(Settings(data=data))
        await everywhere(located)
        boxes = await boxed(located.database_url)
        keyring = await PostgresKeyring.connect(located.keyring_url, located.keks)
        keys = {each: key.secret for each, key in (await keyring.fetch([box.sealed.key for box in boxes])).items()}
        await keyring.close()
        dumps = {name: dumped(running, read_run(data).ports["postgres"], name) for name in DATABASES}
    (kek,) = DataFolder(data).keks()
    return Run(Remains(dumps, left(data), answers), boxes, keys, kek, [text(name) for name in WORDS])


async def everywhere(located: Located) -> None:
    """Returns once read models, screening and the broker have come as far as the log."""
    async with opened(located) as on, asyncio.timeout(WAIT_S):
        while (head := await on.store.head()) > min(
            await compared(on.store, located.nats_url), await on.pool.fetchval("SELECT min(position) FROM registre.tracking")
        ):
            await asyncio.sleep(0.05)
        assert head > 0


async def boxed(url: str) -> list[Box]:
    store = await PostgresStore.connect(url)
    entries = [entry async for page in store.pages() for entry in page]
    await store.close()
    found = [(entry, event, sealed_in(event)) for entry in entries for event in [event_of(entry)]]
    return [
        Box(_place(entry, event), entry.originator_version, entry.topic, sealed, getattr(event, "commitment", b""))
        for entry, event, sealed in found
        if sealed is not None
    ]


def _place(entry: Entry, event: Any) -> UUID:
    """The stream that a text is sealed under: the reason of an erasure outlives the contribution's keys."""
    stream = UUID(str(entry.originator_id))
    return erasure_stream(stream) if isinstance(event, Erased) else stream


def test_a_word_is_recognised_however_it_is_written() -> None:
    word = WORDS["kept"]
    for prefix in ("", "a", "ab", "abc"):
        encoded = msgspec.json.encode(f"{prefix}{word} et la suite".encode())
        assert any(form in encoded for form in forms(word)), prefix


def test_what_is_published_stands_in_the_read_model_that_publishes_it(run: Run) -> None:
    assert run.remains.tables("registre", WORDS["kept"]) == PUBLISHING
    assert run.remains.tables("registre_keyring", WORDS["kept"]) == set()
    assert run.remains.holders(WORDS["kept"], "/postgres/")
    assert all("/postgres/" in path for path in run.remains.holders(WORDS["kept"]))


@pytest.mark.parametrize("name", SECRET)
def test_what_is_not_published_rests_nowhere(run: Run, name: str) -> None:
    for database in DATABASES:
        assert run.remains.tables(database, WORDS[name]) == set()
    assert run.remains.holders(WORDS[name]) == set()
    assert [answer for answer in run.remains.answers if WORDS[name] in answer] == []


def test_what_was_shown_and_erased_stands_in_no_row_and_at_most_in_dead_ones(run: Run) -> None:
    """PostgreSQL keeps the bytes of deleted rows until VACUUM and the recycling of its log: docs/keyring.md says so."""
    for database in DATABASES:
        assert run.remains.tables(database, WORDS["shown"]) == set()
    assert all("/postgres/" in path for path in run.remains.holders(WORDS["shown"]))
    assert not any(WORDS["shown"] in answer for answer in run.remains.answers)


def test_the_files_that_were_searched_are_those_that_hold_the_run(run: Run) -> None:
    """Else nothing would be found because nothing was looked at."""
    stored = [path for path in run.remains.holders("contribution.submitted.v1") if "/nats/" in path]
    logged = [path for path in run.remains.files if path.endswith(".log")]
    assert stored
    assert len(logged) >= 2
    assert any(b"refused" in run.remains.files[path] or b"serves" in run.remains.files[path] for path in logged)
    assert {box.topic for box in run.boxes} >= {
        "contribution.submitted.v1", "contribution.hidden.v1", "contribution.appealed.v1", "contribution.appeal_settled.v1",
        "contribution.question_asked.v1", "contribution.question_answered.v1",
    }  # fmt: skip


def values(written: str | bytes) -> Iterator[bytes]:
    """Every 32 bytes that stand in a row in anything binary, hexadecimal or base64, at every place."""
    raw = written.encode() if isinstance(written, str) else written
    pieces = [bytes.fromhex(each.decode()) for each in findall(rb"(?:[0-9a-f]{2}){32,}", raw)]
    pieces += [b64decode(each[: len(each) // 4 * 4]) for each in findall(rb"[A-Za-z0-9+/]{43,}={0,2}", raw)]
    for piece in pieces:
        # Of what is hexadecimal, the JSON of an event holds values in base64 again.
        nested = [b64decode(each[: len(each) // 4 * 4]) for each in findall(rb"[A-Za-z0-9+/]{43,}={0,2}", piece)]
        for each in (piece, *nested):
            yield from (each[first : first + 32] for first in range(len(each) - 31))


def stretched(short: Iterable[bytes]) -> set[bytes]:
    """What somebody would try who has a name of a key and hopes that it tells more."""
    return {candidate for each in short for candidate in (sha256(each).digest(), (each * 32)[:32], each.ljust(32, b"\0"))}


def attack(run: Run, keys: set[bytes]) -> int:
    """How many texts are opened by any of some keys."""
    return sum(any(box.opens(key) for key in keys) for box in run.boxes)


def everything_but_the_keyring(run: Run) -> set[bytes]:
    broker = b"".join(content for path, content in run.remains.files.items() if "/nats/" in path)
    found = {*values(run.remains.dumps["registre"]), *values(broker)}
    names = {box.sealed.key.bytes for box in run.boxes} | {box.stream.bytes for box in run.boxes}
    return found | stretched(names) | {bytes(32)}


def test_log_broker_and_read_models_open_nothing_without_the_keyring(run: Run) -> None:
    candidates = everything_but_the_keyring(run)
    assert {box.commitment for box in run.boxes} - {b""} <= candidates, "what stands in events is among what is tried"
    assert not candidates & set(run.keys.values())
    assert attack(run, candidates) == 0
    assert attack(run, candidates | set(run.keys.values())) == len(run.keys) > 0, "with its key each text would have been opened"


def test_commitments_tell_nothing_to_who_guesses_the_very_text(run: Run) -> None:
    candidates = everything_but_the_keyring(run)
    committed = {box.commitment for box in run.boxes} - {b""}
    topics = sorted({box.topic for box in run.boxes})
    assert committed
    for guess in run.texts:
        assert sha256(guess.encode()).digest() not in candidates
        for blind in [bytes(32), *(box.commitment for box in run.boxes if box.commitment)]:
            for name in ("text", "statement"):
                assert not committed & {commitment(topic, {name: guess}, blind) for topic in topics}


def test_the_keyring_without_the_key_over_its_keys_opens_nothing_either(run: Run) -> None:
    rows = findall(
        r"keyring\.key VALUES \('[0-9a-f-]+', '[0-9a-f-]+', '\\x([0-9a-f]+)', '\\x([0-9a-f]+)'",
        run.remains.dumps["registre_keyring"],
    )
    assert len(rows) >= len(run.keys) > 0
    keks, wrapped = {bytes.fromhex(kek) for kek, _ in rows}, [bytes.fromhex(each) for _, each in rows]
    candidates = {*values(run.remains.dumps["registre_keyring"]), *everything_but_the_keyring(run), *stretched(keks)}
    assert run.kek not in candidates
    assert attack(run, candidates) == 0
    assert not any(unwraps(candidate, wrapped[0]) for candidate in candidates)
    assert not any(unwraps(candidate, each) for candidate in stretched(keks) for each in wrapped)
    assert all(unwraps(run.kek, each) for each in wrapped), "with the key over them all would have been unwrapped"


def unwraps(kek: bytes, wrapped: bytes) -> bool:
    try:
        aes_key_unwrap(kek, wrapped)
    except InvalidUnwrap:
        return False
    return True
