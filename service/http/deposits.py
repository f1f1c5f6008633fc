"""What participants do and see: deposit, follow by the receipt's code, appeal, answer, withdraw, read what is public."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import FromPath, HeaderParameter, JSONBody, SkipValidation
from msgspec import Meta, Struct

from domain.contribution import Actor, Channel
from domain.definition import Slug
from projections.outcomes import views as outcomes
from projections.themes import views as themes
from service.auth import shared
from service.deposits import Deposit, Receipt
from service.follow_up import Status
from service.http.bodies import Asked, ContributionMoved, Cursor, Limit, Message, Page, SlugPath, moved
from service.problems import documented, missing
from service.receipt.file import written
from service.wiring import Resources, concealed, shown

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=22,
        max_length=128,
        pattern=r"^[A-Za-z0-9_-]{22,128}(?!\n)$",
        description="At least 128 random bits chosen by the client. Repeating the request with the same key returns the same receipt.",
    ),
]
ReceiptCode = Annotated[
    str, HeaderParameter(name="Receipt-Code", min_length=1, max_length=100, description="The secret code of the receipt.")
]
_ENCODER: Final = msgspec.json.Encoder()
_FORMS: Final = ["application/json", "text/plain"]
_VARY: Final = {"Vary": "Accept", "Cache-Control": "no-store"}
_FILE: Final = {**_VARY, "Content-Disposition": 'attachment; filename="registre-recu-receipt.txt"'}
R = NamedDependency[SkipValidation[Resources]]


@dataclass
class InTwoForms(Operation):
    """The OpenAPI entry of a route whose success is told in plain text too: Litestar knows of one form."""

    def __post_init__(self) -> None:
        created = (self.responses or {})["201"]
        if isinstance(created, OpenAPIResponse) and created.content is not None:
            created.content["text/plain"] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


class DepositBody(Struct, frozen=True, forbid_unknown_fields=True):
    theme: Slug
    charter: Annotated[int, Meta(ge=1, le=10_000, description="Version of the charter that the contributor consents to.")]
    text: Annotated[
        str, Meta(min_length=1, max_length=50_000, pattern=r"^[^\x00]+$", description="Verbatim: it is kept as it is.")
    ]
    actor: Actor = ""
    channel: Channel = "web"
    language: Annotated[str, Meta(pattern=r"^[a-z]{2}(?!\n)$", description="ISO 639-1.")] = "fr"
    blind: Annotated[bytes, Meta(min_length=32, max_length=32)] | None = None
    """32 random bytes in base64, when the contributor's own device makes the commitment; else the service draws them."""


class AppealBody(Struct, frozen=True, forbid_unknown_fields=True):
    text: Message


class AnswerBody(Struct, frozen=True, forbid_unknown_fields=True):
    question: UUID
    text: Message


class WithdrawalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is asked: what a contributor says of their reasons would outlive what they withdraw."""


class DepositController(Controller):
    path = "/v1"
    tags: Sequence[str] = ["participants"]

    @post(
        "/consultations/{slug:str}/contributions",
        operation_id="deposit",
        description="The receipt, as JSON, or as a file for people where `Accept` prefers text/plain.",
        operation_class=InTwoForms,
        responses=documented(409, 410, 413, 415, 422),
    )
    async def deposit(
        self, slug: SlugPath, data: JSONBody[DepositBody], key: IdempotencyKey, request: Asked
    ) -> Response[Receipt]:
        deposit = Deposit(data.theme, data.charter, data.text, data.actor, data.channel, data.language, data.blind)
        return _handed(await shared(request).deposits.accept(slug, key, deposit), request)

    @get("/consultations/{slug:str}/themes/{theme:str}/contributions", operation_id="listContributions", responses=documented())
    async def page(
        self, slug: SlugPath, theme: SlugPath, request: Asked, limit: Limit = 50, cursor: Cursor = None
    ) -> Response[Page[themes.ContributionEntry]]:
        resources = shared(request)

        async def write() -> bytes:
            state, _ = await resources.handle.terms_of(slug, fresh=True)
            if theme not in state.adopted.themes:
                missing("theme", theme)
            items, after = await themes.contributions(resources.pool, slug, theme, limit, cursor)
            return _ENCODER.encode(Page(items, after))

        encoded: Any = await resources.pages.page((slug, theme, limit, cursor), write)
        return Response(encoded, media_type="application/json")

    @get("/contributions/{contribution:uuid}", operation_id="getContribution", responses=documented())
    async def read(self, contribution: FromPath[UUID], resources: R) -> themes.ContributionView:
        view = await shown(resources, "themes", lambda: themes.contribution(resources.pool, contribution))
        if view is None:
            missing("contribution", contribution)
        return view

    @get("/contributions/{contribution:uuid}/outcome", operation_id="getOutcome", responses=documented())
    async def outcome(self, contribution: FromPath[UUID], resources: R) -> outcomes.OutcomeView:
        view = await shown(resources, "outcomes", lambda: outcomes.outcome(resources.pool, contribution))
        if view is None:
            missing("contribution", contribution)
        return view


def _handed(receipt: Receipt, request: Asked) -> Response[Receipt]:
    """In the form that the client prefers; JSON where it does not say."""
    accepts = request.headers.get("accept", "")
    if "text/plain" in accepts and request.accept.best_match(_FORMS) == "text/plain":
        text: Any = written(receipt)
        return Response(text, media_type="text/plain", headers=_FILE)
    return Response(receipt, headers=_VARY)


class ReceiptController(Controller):
    path = "/v1/receipts/{contribution:uuid}"
    tags: Sequence[str] = ["participants"]

    @get(operation_id="getReceiptStatus", responses=documented(403, 410, 429))
    async def status(self, contribution: FromPath[UUID], code: ReceiptCode, resources: R) -> Response[Status]:
        status = await resources.follow_up.status(contribution, code)
        return Response(status, headers={"Cache-Control": "no-store"})

    @post("/appeal", operation_id="appeal", status_code=200, responses=documented(403, 409, 410, 413, 415, 429))
    async def appeal(
        self, contribution: FromPath[UUID], data: JSONBody[AppealBody], code: ReceiptCode, resources: R
    ) -> Response[ContributionMoved]:
        done = await resources.follow_up.appeal(contribution, code, data.text)
        return moved(ContributionMoved(contribution, done.version))

    @post("/answers", operation_id="answerQuestion", status_code=200, responses=documented(403, 409, 410, 413, 415, 429))
    async def answer(
        self, contribution: FromPath[UUID], data: JSONBody[AnswerBody], code: ReceiptCode, resources: R
    ) -> Response[ContributionMoved]:
        done = await resources.follow_up.answer(contribution, code, data.question, data.text)
        return moved(ContributionMoved(contribution, done.version))

    @post("/withdrawal", operation_id="withdraw", status_code=200, responses=documented(403, 409, 410, 413, 415, 429))
    async def withdraw(
        self, contribution: FromPath[UUID], data: JSONBody[WithdrawalBody], code: ReceiptCode, resources: R
    ) -> Response[ContributionMoved]:
        _ = data
        done = await resources.follow_up.withdraw(contribution, code)
        await concealed(resources, done.position)
        return moved(ContributionMoved(contribution, done.version))
