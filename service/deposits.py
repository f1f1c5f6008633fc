"""Deposits: a text is recorded once, whatever is retried, and its author leaves with a receipt."""

from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters import receipts
from adapters.promises import Promises
from adapters.records import event_of
from adapters.sealing import Closing, Sealer, commitment
from adapters.store import Conflict, Unavailable
from domain import consultation, contribution
from domain.contribution import Actor, Channel, Gone, Submit, Submitted, Terms
from domain.errors import Refused
from domain.record import consultation_stream, topic
from domain.sealed import PENDING
from service.handler import ATTEMPTS, CONTRIBUTION, Handle
from service.problems import Contended, KeyReused

_BODY: Final = msgspec.json.Encoder(order="deterministic")
_SUBMITTED: Final = topic(Submitted)


class Deposit(Struct, frozen=True):
    theme: str
    charter: int
    text: str
    actor: Actor = ""
    channel: Channel = "web"
    language: str = "fr"
    blind: bytes | None = None


class Receipt(Struct, frozen=True):
    """What the contributor keeps. The code opens the contribution; the log holds only its digest."""

    contribution: UUID
    code: str
    commitment: bytes
    blind: bytes
    consultation: str
    theme: str
    charter: int
    promise: str
    """A signed note: the commitment is in the public journal within a delay that it states. docs/receipts.md says how to verify it."""


class _Derived(Struct, frozen=True):
    """What follows from secret, key and body: a retry derives the same."""

    receipt: Receipt
    """Without its promise, which is signed for what is recorded."""
    code_digest: bytes


class Deposits:
    def __init__(self, handle: Handle, sealer: Sealer, receipt_secret: bytes, promises: Promises) -> None:
        self._handle = handle
        self._sealer = sealer
        self._secret = receipt_secret
        self._promises = promises
        self._terms: dict[str, tuple[consultation.Present, Terms]] = {}

    async def warm(self, slug: str) -> None:
        """Read the consultation before its first deposit arrives."""
        await self._handle.terms_of(slug)

    async def accept(self, slug: str, key: str, deposit: Deposit) -> Receipt:
        """Record a deposit, or find the one that the same key recorded before.

        Raises Refused where the rules forbid it, KeyReused when the key came with another body, Unavailable when nothing certain can be said.
        """
        receipt = await self._recorded(slug, self._derived(slug, key, deposit), deposit)
        return replace(receipt, promise=self._promises.of(receipt.commitment))

    async def _recorded(self, slug: str, own: _Derived, deposit: Deposit) -> Receipt:
        """The receipt, still without its promise, of a deposit that is recorded. Raises as `accept`."""
        receipt = own.receipt
        for attempt in range(ATTEMPTS):
            state, version = await self._handle.terms_of(slug, fresh=attempt > 0)
            try:
                submitted = self._decided(self._terms_at(state), deposit, own)
            except Refused:
                if earlier := await self._already(own):
                    return earlier
                if attempt or not await self._moved(slug, state):
                    raise
                continue
            try:
                await self._record(receipt, submitted, deposit.text, version)
            except Conflict as conflict:
                if earlier := await self._already(own):
                    return earlier
                if conflict.stream == receipt.contribution:
                    raise Refused("commitment-used", field="blind") from None
            except Unavailable as error:
                if error.uncertain and (earlier := await self._found(own, error)):
                    return earlier
                raise
            else:
                return receipt
        raise Contended

    def _derived(self, slug: str, key: str, deposit: Deposit) -> _Derived:
        digest = sha256(_BODY.encode(deposit)).digest()
        blind = deposit.blind or receipts.server_blind(self._secret, slug, key, digest)
        code = receipts.code(self._secret, slug, key, digest)
        receipt = Receipt(
            receipts.contribution_id(self._secret, slug, key),
            code,
            commitment(_SUBMITTED, {"text": deposit.text}, blind),
            blind,
            slug,
            deposit.theme,
            deposit.charter,
            promise="",
        )
        return _Derived(receipt, receipts.digest_of(code.replace("-", "")))

    def _terms_at(self, state: consultation.Present) -> Terms:
        """What a deposit must satisfy, worked out once for each state of a consultation."""
        known = self._terms.get(state.adopted.slug)
        if known is None or known[0] is not state:
            known = self._terms[state.adopted.slug] = state, consultation.terms(state)
        return known[1]

    def _decided(self, terms: Terms, deposit: Deposit, own: _Derived) -> Submitted:
        command = Submit(
            own.receipt.consultation, deposit.theme, deposit.charter, deposit.channel, deposit.actor, deposit.language,
            len(deposit.text), len(deposit.text.strip()), contact_left=False, code_digest=own.code_digest,
            commitment=own.receipt.commitment, sealed=PENDING, terms=terms,
        )  # fmt: skip
        (event,) = contribution.decide(None, command)
        if not isinstance(event, Submitted):
            raise TypeError(f"a deposit led to {event!r}")
        return event

    async def _record(self, receipt: Receipt, submitted: Submitted, text: str, version: int) -> None:
        """Seal and append, provided that the consultation is still at `version`: this is what makes closing exact."""
        closing = Closing(receipt.contribution, 1, _SUBMITTED, {"text": text}, receipt.blind)
        (sealed,) = await self._sealer.seal([closing])
        given = {consultation_stream(receipt.consultation): version}
        await self._handle.begin(
            receipt.contribution, receipt.consultation, [replace(submitted, sealed=sealed)], given, receipt.commitment
        )

    async def _moved(self, slug: str, state: consultation.Present) -> bool:
        """Whether the consultation is not in this state any more: what memory refused may be allowed by now."""
        latest, _ = await self._handle.terms_of(slug, fresh=True)
        return latest is not state

    async def _found(self, own: _Derived, error: Unavailable) -> Receipt | None:
        """As `_already`; raises `error`, which says that the deposit may be recorded, while nobody can tell."""
        try:
            return await self._already(own)
        except Unavailable:
            raise error from None

    async def _already(self, own: _Derived) -> Receipt | None:
        """The receipt of this very deposit if it is recorded: its commitment is over the topic of the release that recorded it.

        Raises KeyReused for another body under its key, Refused when it has been erased.
        """
        events = [event_of(entry) for entry in await self._handle.entries(CONTRIBUTION.name, own.receipt.contribution)]
        state: contribution.State = None
        for event in events:
            state = contribution.evolve(state, event)
        if state is None:
            return None
        if isinstance(state, Gone):
            raise Refused("erased")
        if not receipts.same(state.dossier.code_digest, own.code_digest):
            raise KeyReused(errors=[{"field": "Idempotency-Key", "message": "came with another body before"}])
        return replace(own.receipt, commitment=events[0].commitment)
