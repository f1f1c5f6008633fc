"""Deposits: a text is recorded once, whatever is retried, and its author leaves with a receipt."""

from hashlib import sha256
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from adapters import receipts
from adapters.sealing import Closing, Sealer, commitment
from adapters.store import Conflict, Unavailable
from domain import consultation, contribution
from domain.contribution import Actor, Channel, Gone, Submit, Submitted
from domain.errors import Refused
from domain.record import consultation_stream, topic
from domain.sealed import PENDING
from service.handler import ATTEMPTS, CONTRIBUTION, Handle
from service.problems import Contended, KeyReused


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


class Deposits:
    def __init__(self, handle: Handle, sealer: Sealer, receipt_secret: bytes) -> None:
        self._handle = handle
        self._sealer = sealer
        self._secret = receipt_secret

    async def warm(self, slug: str) -> None:
        """Read the consultation before its first deposit arrives."""
        await self._handle.terms_of(slug)

    async def accept(self, slug: str, key: str, deposit: Deposit) -> Receipt:
        """Record a deposit, or find the one that the same key recorded before.

        Raises Refused where the rules forbid it, KeyReused when the key came with another body, Unavailable when nothing certain can be said.
        """
        receipt = self._receipt(slug, key, deposit)
        for attempt in range(ATTEMPTS):
            terms, version = await self._handle.terms_of(slug, fresh=attempt > 0)
            try:
                submitted = self._decided(terms, deposit, receipt)
            except Refused:
                if await self._already(receipt):
                    return receipt
                if attempt or not await self._moved(slug, version):
                    raise
                continue
            try:
                await self._record(receipt, submitted, deposit.text, version)
            except Conflict as conflict:
                if await self._already(receipt):
                    return receipt
                if conflict.stream == receipt.contribution:
                    raise Refused("commitment-used", field="blind") from None
            except Unavailable as error:
                if error.uncertain and await self._found(receipt, error):
                    return receipt
                raise
            else:
                return receipt
        raise Contended

    def _receipt(self, slug: str, key: str, deposit: Deposit) -> Receipt:
        """Everything in it follows from secret, key and body: a retry derives the same one."""
        digest = sha256(msgspec.json.encode(deposit, order="deterministic")).digest()
        blind = deposit.blind or receipts.server_blind(self._secret, slug, key, digest)
        return Receipt(
            receipts.contribution_id(self._secret, slug, key),
            receipts.code(self._secret, slug, key, digest),
            commitment(topic(Submitted), {"text": deposit.text}, blind),
            blind,
            slug,
            deposit.theme,
            deposit.charter,
        )

    def _decided(self, state: consultation.Present, deposit: Deposit, receipt: Receipt) -> Submitted:
        command = Submit(
            receipt.consultation, deposit.theme, deposit.charter, deposit.channel, deposit.actor, deposit.language,
            len(deposit.text), len(deposit.text.strip()), contact_left=False, code_digest=receipts.code_digest(receipt.code),
            commitment=receipt.commitment, sealed=PENDING, terms=consultation.terms(state),
        )  # fmt: skip
        (event,) = contribution.decide(None, command)
        if not isinstance(event, Submitted):
            raise TypeError(f"a deposit led to {event!r}")
        return event

    async def _record(self, receipt: Receipt, submitted: Submitted, text: str, version: int) -> None:
        """Seal and append, provided that the consultation is still at `version`: this is what makes closing exact."""
        closing = Closing(receipt.contribution, 1, topic(submitted), {"text": text}, receipt.blind)
        (sealed,) = await self._sealer.seal([closing])
        given = {consultation_stream(receipt.consultation): version}
        await self._handle.begin(
            receipt.contribution, receipt.consultation, [replace(submitted, sealed=sealed)], given, receipt.commitment
        )

    async def _moved(self, slug: str, version: int) -> bool:
        """Whether the consultation has moved since `version`: what memory refused may be allowed by now."""
        _, latest = await self._handle.terms_of(slug, fresh=True)
        return latest != version

    async def _found(self, receipt: Receipt, error: Unavailable) -> bool:
        """As `_already`; raises `error`, which says that the deposit may be recorded, while nobody can tell."""
        try:
            return await self._already(receipt)
        except Unavailable:
            raise error from None

    async def _already(self, receipt: Receipt) -> bool:
        """Whether this very deposit is recorded. Raises KeyReused for another body under its key, Refused when it has been erased."""
        loaded = await self._handle.load(CONTRIBUTION, receipt.contribution)
        if loaded.state is None:
            return False
        if isinstance(loaded.state, Gone):
            raise Refused("erased")
        if not receipts.same(loaded.state.dossier.code_digest, receipts.code_digest(receipt.code)):
            raise KeyReused(errors=[{"field": "Idempotency-Key", "message": "came with another body before"}])
        return True
