"""Histories written straight into a log, as the deciders would have decided them, and read models brought up to them."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from adapters.memory_keyring import MemoryKeyring
from adapters.postgres.store import PostgresStore
from adapters.sealing import Closing, KeyringSealer, commitment
from adapters.store import Draft
from domain import consultation, contribution, proposal
from domain.adopted import Clause, Code
from domain.contribution import Submitted
from domain.record import CODEC, Event, consultation_stream, topic
from domain.sealed import Sealed
from projections import building
from projections.building import NAMES

SLUG: Final = "essai"
NOON: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER: Final = NOON + timedelta(days=30)
SEED: Final = bytes(range(32))
BLIND: Final = bytes(32)


class World:
    """A log, its keyring, and the read models in service."""

    def __init__(self, store: PostgresStore, pool: "asyncpg.Pool[Any]") -> None:
        self.store = store
        self.pool = pool
        self.sealer = KeyringSealer(MemoryKeyring())
        self.versions: Counter[UUID] = Counter()

    async def append(self, stream: UUID, *events: Event, slug: str = SLUG) -> int:
        """Write the next events of a stream; returns the last position."""
        return await self.append_all([(stream, event) for event in events], slug)

    async def append_all(self, happened: Sequence[tuple[UUID, Event]], slug: str = SLUG) -> int:
        drafts = []
        for stream, event in happened:
            self.versions[stream] += 1
            drafts.append(Draft(stream, self.versions[stream], topic(event), CODEC.encode(event), slug))
        return (await self.store.append(drafts))[-1]

    async def seal(self, stream: UUID, version: int, kind: type[Any], **fields: str) -> tuple[bytes, Sealed]:
        """The commitment and the ciphertext for an event that will be at `version`."""
        (sealed,) = await self.sealer.seal([Closing(stream, version, topic(kind), fields, BLIND)])
        return commitment(topic(kind), fields, stream.bytes * 2), sealed

    async def consultation(self, slug: str = SLUG, *, themes: Sequence[str] = ("data", "arts"), readers: int = 2) -> int:
        """Prepared, opened, every theme open."""
        stream = consultation_stream(slug)
        clauses = (
            Clause("1.anonymity", "Anonymat", "Nul ne se nomme."),
            Clause("5.sensitive-data", "Données sensibles", "Aucune.", removal=True),
        )
        codes = tuple(Code(name, name.title(), "Ce qui est dit.") for name in ("access", "costs", "other"))
        made: list[Event] = [
            consultation.Prepared(slug, "Une consultation", "fr", by="staff-administrator"),
            consultation.PoliciesAdopted("after", 3_600, 7_200, readers, 600, 2, 20_000, 365, by="staff-administrator"),
            consultation.CharterAdopted(1, clauses, "", by="staff-administrator"),
            *(consultation.ThemeAdded(name, name.title(), "Quoi ?", NOON, LATER, by="staff-administrator") for name in themes),
            consultation.MethodologyAdopted(1, "# Méthode\n\nChaque texte est lu deux fois.\n", "", by="staff-administrator"),
            consultation.CodebookAdopted(1, codes, "", by="staff-administrator"),
            consultation.CommitmentMade("synthesis", "Publier la synthèse.", date(2026, 4, 1), by="staff-administrator"),
            consultation.CommitmentMade("decisions", "Publier les décisions.", date(2999, 1, 1), by="staff-administrator"),
        ]
        promise, seed = await self.seal(stream, len(made) + 1, consultation.Opened, seed=SEED.hex())
        made.append(consultation.Opened(sha256(SEED).digest(), seed, promise, by="staff-administrator"))
        return await self.append(
            stream, *made, *(consultation.ThemeOpened(name, by="staff-administrator") for name in themes), slug=slug
        )

    async def submitted(self, text: str, theme: str = "data", *, held: bool = False, slug: str = SLUG) -> tuple[UUID, Submitted]:
        """A deposit that is not written yet."""
        stream = uuid4()
        promise, sealed = await self.seal(stream, 1, Submitted, text=text)
        event = Submitted(slug, theme, 1, "web", "", "fr", len(text), True, held, b"\x01" * 32, promise, sealed)
        return stream, event

    async def deposit(self, text: str, theme: str = "data", *, held: bool = False, slug: str = SLUG) -> UUID:
        stream, event = await self.submitted(text, theme, held=held, slug=slug)
        await self.append(stream, event, slug=slug)
        return stream

    async def review(self, stream: UUID, reviewer: str, look: contribution.Look = "first", expires: datetime = LATER) -> UUID:
        assignment = uuid4()
        await self.append(stream, contribution.ReviewAssigned(assignment, reviewer, look, expires, await self.store.head()))
        return assignment

    async def keep(self, stream: UUID, reviewer: str = "moderator-1") -> int:
        await self.review(stream, reviewer)
        return await self.append(stream, contribution.Kept(reviewer))

    async def hide(
        self, stream: UUID, reviewer: str = "moderator-1", *, analysed: bool = False, statement: str = "Motifs."
    ) -> int:
        await self.review(stream, reviewer)
        promise, sealed = await self.seal(stream, self.versions[stream] + 1, contribution.Hidden, text=statement)
        return await self.append(
            stream, contribution.Hidden(reviewer, "5.sensitive-data", 1, analysed, "human", LATER, promise, sealed)
        )

    async def confirm(self, stream: UUID, reviewer: str = "moderator-2") -> int:
        await self.review(stream, reviewer, "second")
        return await self.append(stream, contribution.HidingConfirmed(reviewer, LATER))

    async def appeal(self, stream: UUID, text: str = "Je conteste.") -> int:
        promise, sealed = await self.seal(stream, self.versions[stream] + 1, contribution.Appealed, text=text)
        return await self.append(stream, contribution.Appealed(promise, sealed))

    async def settle(self, stream: UUID, *, granted: bool, reviewer: str = "moderator-3") -> int:
        await self.review(stream, reviewer, "appeal")
        promise, sealed = await self.seal(stream, self.versions[stream] + 1, contribution.AppealSettled, text="Suite donnée.")
        return await self.append(stream, contribution.AppealSettled(reviewer, granted, promise, sealed))

    async def read(self, stream: UUID, reader: str, *codes: str, expires: datetime = LATER) -> UUID:
        """A reading taken, and given back with its codes when there are any."""
        assignment = uuid4()
        await self.append(stream, contribution.ReadingAssigned(assignment, reader, 1, expires, await self.store.head()))
        if codes:
            await self.append(stream, contribution.Coded(assignment, reader, 1, codes))
        return assignment

    async def recodebook(self, version: int = 2, slug: str = SLUG) -> int:
        """A later codebook, which has one code more."""
        codes = tuple(Code(name, name.title(), "Ce qui est dit.") for name in ("access", "costs", "other", "time"))
        adopted = consultation.CodebookAdopted(version, codes, "Un code de plus.", by="staff-administrator")
        return await self.append(consultation_stream(slug), adopted, slug=slug)

    async def recode(self, stream: UUID, assignment: UUID, reader: str, *codes: str, codebook: int = 2) -> int:
        return await self.append(stream, contribution.Recoded(assignment, reader, codebook, codes))

    async def erase(self, stream: UUID) -> int:
        """As the service does: the event, then the keys."""
        position = await self.append(stream, contribution.Erased("contributor", "withdrawal"))
        await self.sealer.destroy(stream)
        return position

    async def proposal(self, *linked: UUID, theme: str = "data", title: str = "Ouvrir les données") -> UUID:
        stream = uuid4()
        links = [proposal.ContributionLinked(each, "analyst-1") for each in linked]
        await self.append(stream, proposal.Drafted(SLUG, theme, title, "Toutes.", "analyst-1"), *links)
        return stream

    async def show(self, *names: str) -> int:
        """Bring the read models in service up to the head of the log; returns its position."""
        head = await self.store.head()
        for name, projection in building.projections(self.sealer).items():
            if name in (names or NAMES):
                await building.ensure(self.store, self.pool, projection)
                await building.catch_up(self.store, self.pool, projection, name, head)
        return head

    async def digests(self) -> dict[str, str]:
        return {name: await building.digest(self.pool, name) for name in NAMES}

    async def life(self) -> list[UUID]:
        """Contributions in every standing there is, read, proposed and decided on."""
        await self.consultation()
        streams = [await self.deposit(f"Texte numéro {number}", "data" if number % 2 else "arts") for number in range(12)]
        kept, hidden, appealed, granted, disputed, erased, hidden_erased, reinstated, *fresh = streams
        for each in (kept, erased):
            await self.keep(each)
        for each in (hidden, appealed, granted, disputed, hidden_erased, reinstated):
            await self.hide(each)
        for each in (hidden, appealed, granted, hidden_erased):
            await self.confirm(each)
        await self.append(disputed, contribution.HidingDisputed("moderator-2"))
        await self.append(reinstated, contribution.Reinstated("system", "unconfirmed"))
        for each in (appealed, granted):
            await self.appeal(each)
        await self.settle(appealed, granted=False)
        await self.settle(granted, granted=True)
        await self.read(kept, "reader-1", "access", "costs")
        second = await self.read(kept, "reader-2", "access")
        await self.read(granted, "reader-1", "other")
        await self.read(reinstated, "reader-1")
        await self.recodebook()
        await self.recode(kept, second, "reader-2", "access", "time")
        await self.review(fresh[0], "moderator-1")
        idea = await self.proposal(kept, granted)
        await self.proposal(theme="arts", title="Autre chose")
        await self.erase(erased)
        await self.erase(hidden_erased)
        stream = consultation_stream(SLUG)
        await self.append(stream, consultation.CommitteeConvened("spring", date(2026, 5, 1), by="staff-administrator"))
        await self.append(
            idea,
            proposal.Submitted("spring", "secretary-1"),
            proposal.OpinionGiven("spring", favourable=True, opinion="Favorable.", secretary="secretary-1"),
        )
        await self.append(
            stream,
            consultation.ThemeClosed("data", by="staff-administrator"),
            consultation.ThemeClosed("arts", by="staff-administrator"),
            consultation.Closed(by="staff-administrator"),
        )
        seen = proposal.Coverage(1, 3, await self.store.head())
        await self.append(idea, proposal.Arbitrated("retained", "Utile.", seen, "Le calendrier.", "secretary-1"))
        await self.append(idea, proposal.ProgressReported("Commencé.", "publisher-1"))
        await self.append(
            stream, consultation.CommitmentKept("synthesis", "https://exemple.fr/synthese", by="staff-administrator")
        )
        return streams
