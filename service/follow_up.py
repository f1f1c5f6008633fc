"""What the holder of a receipt sees and does: every decision with its reasons, the appeal, questions, withdrawal."""

from datetime import date, datetime
from uuid import UUID

import structlog
from msgspec import Struct

from adapters import receipts
from adapters.sealing import Sealer
from adapters.store import Entry, Unavailable
from domain import contribution
from domain.contribution import (
    AnswerQuestion,
    Appeal,
    Appealed,
    AppealSettled,
    Coded,
    Erased,
    Gone,
    Hidden,
    HidingConfirmed,
    HidingDisputed,
    Kept,
    Origin,
    QuestionAnswered,
    QuestionAsked,
    Recoded,
    Reinstated,
    Submitted,
    Withdraw,
    Withheld,
)  # fmt: skip
from service.clock import Clock
from service.codes import Codes
from service.handler import CONTRIBUTION, Act, Done, Handle
from service.problems import missing
from service.statements import UNSEALED, History, act, history

_log = structlog.get_logger()


class Decision(Struct, frozen=True, omit_defaults=True):
    kind: str
    day: date
    clause: str | None = None
    charter: int | None = None
    analysed: bool | None = None
    origin: Origin | None = None
    """Of a removal: whether a tool proposed what a person then decided."""
    cause: str | None = None
    """Of a reinstatement: `unconfirmed` when nobody confirmed the removal in time, `third-look` when a third reviewer disagreed.
    Of an erasure: `withdrawal`, `request` or `legal-order`."""
    granted: bool | None = None
    statement: str | None = None


class Question(Struct, frozen=True):
    id: UUID
    text: str | None
    answer: str | None


class Status(Struct, frozen=True):
    """What became of a contribution, for the holder of its code."""

    contribution: UUID
    consultation: str
    theme: str
    status: str
    analysed: bool
    readings: int
    text: str | None
    decisions: list[Decision]
    appeal_by: datetime | None
    """Until when an appeal may be made; null when none may be."""
    questions: list[Question]


class FollowUp:
    """Every method raises Refused("wrong-code") and WrongTooOften as Codes.admit does, before it looks at anything else."""

    def __init__(self, handle: Handle, sealer: Sealer, clock: Clock, codes: Codes | None = None) -> None:
        self._handle = handle
        self._sealer = sealer
        self._clock = clock
        self._codes = codes or Codes(handle)

    async def status(self, stream: UUID, code: str) -> Status:
        entries = await self._codes.admit(stream, code)
        past = await history(self._sealer, entries, unseal=False)
        state = past.state
        if state is None:
            missing("contribution", stream)
        past = await history(self._sealer, entries, only=Erased if isinstance(state, Gone) else None)
        return Status(
            stream,
            state.dossier.consultation,
            state.dossier.theme,
            contribution.standing(state),
            contribution.analysed(state),
            len(state.dossier.readings),
            past.texts.get(1),
            [decision for decision in map(_decision, past.entries, past.events, past.texts_in_order) if decision],
            state.appeal_by if isinstance(state, Withheld) and state.appeal_by >= self._clock.now() else None,
            _questions(past),
        )

    async def appeal(self, stream: UUID, code: str, text: str) -> Done:
        await self._codes.admit(stream, code)
        return await self._with_text(stream, Appeal(receipts.code_digest(code), self._clock.now(), *UNSEALED), text)

    async def answer(self, stream: UUID, code: str, question: UUID, text: str) -> Done:
        await self._codes.admit(stream, code)
        return await self._with_text(stream, AnswerQuestion(receipts.code_digest(code), question, *UNSEALED), text)

    async def withdraw(self, stream: UUID, code: str) -> Done:
        """Erase by the contributor's own hand: the event, then the keys."""
        await self._codes.admit(stream, code)
        done = await self._handle.contribution(stream, Withdraw(receipts.code_digest(code)))
        await destroyed(self._sealer, stream)
        return done

    async def _with_text(self, stream: UUID, command: Appeal | AnswerQuestion, text: str) -> Done:
        async def build(state: contribution.Present | Gone, version: int) -> Act[contribution.Command]:
            return await act(self._sealer, stream, version, state, command, text)

        return await self._handle.execute(CONTRIBUTION, stream, build)


async def destroyed(sealer: Sealer, stream: UUID) -> None:
    """Destroy the keys of a contribution whose erasure is recorded. Where the keyring is away the worker does it as soon as it is back."""
    try:
        await sealer.destroy(stream)
    except Unavailable as error:
        _log.warning("keys are destroyed later", reason=str(error))


def _decision(entry: Entry, event: contribution.Event, text: str | None) -> Decision | None:
    """What an event tells the contributor; None for the queue's own events and for what others say elsewhere."""
    day = entry.recorded_at.date()
    match event:
        case Submitted():
            return Decision("submitted", day, charter=event.charter)
        case Kept():
            return Decision("kept", day)
        case Hidden():
            return Decision(
                "hidden",
                day,
                clause=event.clause,
                charter=event.charter,
                analysed=event.analysed,
                origin=event.origin,
                statement=text,
            )
        case HidingConfirmed():
            return Decision("hiding-confirmed", day)
        case HidingDisputed():
            return Decision("hiding-disputed", day)
        case Reinstated():
            return Decision("reinstated", day, cause=event.cause)
        case Appealed():
            return Decision("appealed", day, statement=text)
        case AppealSettled():
            return Decision("appeal-settled", day, granted=event.granted, statement=text)
        case Coded():
            return Decision("read", day)
        case Recoded():
            return Decision("read-anew", day)
        case Erased():
            return Decision("erased", day, cause=event.cause, statement=text)
    return None


def _questions(past: History) -> list[Question]:
    answers = {
        event.question: text
        for event, text in zip(past.events, past.texts_in_order, strict=True)
        if isinstance(event, QuestionAnswered)
    }
    return [
        Question(event.question, text, answers.get(event.question))
        for event, text in zip(past.events, past.texts_in_order, strict=True)
        if isinstance(event, QuestionAsked)
    ]
