"""Consultations: defined, opened, changed with a reason, closed, their promises kept."""

import secrets
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Meta, Struct
from msgspec.structs import replace

from adapters.records import event_of
from adapters.sealing import Closing, Opening, commitment
from adapters.store import Conflict
from domain import consultation
from domain.consultation import (
    AddTheme,
    AdoptCharter,
    AdoptCodebook,
    AdoptMethodology,
    AdoptPolicies,
    AdoptSynthesis,
    Close,
    CloseTheme,
    Command,
    ConveneCommittee,
    ExtendTheme,
    FinishReadings,
    KeepCommitment,
    MakeCommitment,
    Open,
    Opened,
    OpenTheme,
    Prepare,
)  # fmt: skip
from domain.definition import (
    NOT_BLANK,
    ClauseDefinition,
    CodeDefinition,
    Commitment,
    Definition,
    Line,
    Moment,
    Policies,
    Prose,
    Reason,
    Slug,
    Theme,
)
from domain.errors import Refused
from domain.record import consultation_stream, topic
from domain.sealed import PENDING
from projections.outcomes import views as outcomes
from projections.themes import views as themes
from projections.treatment import views as treatment
from service.auth import alias, needs
from service.handler import CONSULTATION, Act
from service.http.bodies import BEARER, Asked, ConsultationMoved, IfMatch, Items, SlugPath, expected, moved
from service.problems import STAFF, documented, missing
from service.wiring import Resources, caught_up, shown


class Charter(Struct, frozen=True, forbid_unknown_fields=True):
    clauses: Annotated[list[ClauseDefinition], Meta(min_length=1, max_length=99)]
    reason: Reason = ""


class Methodology(Struct, frozen=True, forbid_unknown_fields=True):
    text: Prose
    reason: Reason = ""


class Codebook(Struct, frozen=True, forbid_unknown_fields=True):
    codes: Annotated[list[CodeDefinition], Meta(min_length=1, max_length=500)]
    reason: Reason = ""


class Extension(Struct, frozen=True, forbid_unknown_fields=True):
    closes: Moment
    reason: Annotated[str, Meta(min_length=1, max_length=2_000, pattern=NOT_BLANK)]


class Meeting(Struct, frozen=True, forbid_unknown_fields=True):
    meeting: Slug
    date: date


class Synthesis(Struct, frozen=True, forbid_unknown_fields=True):
    text: Prose


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    evidence: Line


Moved = Response[ConsultationMoved]
R = NamedDependency[SkipValidation[Resources]]
ADMINISTRATOR = [needs("administrator")]
SECRETARY = [needs("secretary")]


class ConsultationController(Controller):
    path = "/v1/consultations"
    tags: Sequence[str] = ["consultations"]

    @get(operation_id="listConsultations", responses=documented())
    async def catalogue(self, resources: R) -> Items[themes.ConsultationEntry]:
        return Items(await themes.consultations(resources.pool))

    @get("/{slug:str}", operation_id="getConsultation", responses=documented())
    async def read(self, slug: SlugPath, resources: R) -> Response[themes.ConsultationView]:
        view = await shown(resources, "themes", lambda: themes.consultation(resources.pool, slug))
        if view is None:
            missing("consultation", slug)
        return Response(view, headers={"ETag": f'"{view.version}"'})

    @get("/{slug:str}/themes", operation_id="listThemes", responses=documented())
    async def list_themes(self, slug: SlugPath, resources: R) -> Items[themes.ThemeView]:
        await resources.handle.terms_of(slug)
        return Items(await themes.themes(resources.pool, slug))

    @get("/{slug:str}/commitments", operation_id="listCommitments", responses=documented())
    async def list_commitments(self, slug: SlugPath, resources: R) -> Items[outcomes.CommitmentView]:
        await resources.handle.terms_of(slug)
        return Items(await outcomes.commitments(resources.pool, slug, resources.clock.now().date()))

    @post(operation_id="prepareConsultation", guards=ADMINISTRATOR, responses=documented(*STAFF), security=BEARER)
    async def prepare(self, data: JSONBody[Definition], request: Asked, resources: R) -> Moved:
        events = prepared(data, alias(request, data.slug))
        try:
            done = await resources.handle.begin(consultation_stream(data.slug), data.slug, events, {})
        except Conflict:
            raise Refused("duplicate", field="slug", value=data.slug) from None
        return moved(ConsultationMoved(data.slug, done.version), 201)

    @post(
        "/{slug:str}/opening",
        operation_id="openConsultation",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def open(self, slug: SlugPath, request: Asked, resources: R, if_match: IfMatch = None) -> Moved:
        """The seed that orders the readings is drawn here; its digest is recorded, itself it stays sealed until they are finished."""
        seed, blind = secrets.token_bytes(32), secrets.token_bytes(32)
        fields = {"seed": seed.hex()}
        stream = consultation_stream(slug)

        async def build(state: consultation.Present, version: int) -> Act[Command]:
            command = Open(sha256(seed).digest(), PENDING, commitment(topic(Opened), fields, blind), by=alias(request, slug))
            consultation.decide(state, command)
            (sealed,) = await resources.sealer.seal([Closing(stream, version, topic(Opened), fields, blind)])
            return Act(replace(command, queue_seed=sealed))

        done = await resources.handle.execute(CONSULTATION, stream, build, expected=expected(if_match))
        return moved(ConsultationMoved(slug, done.version))

    @post(
        "/{slug:str}/policies",
        operation_id="adoptPolicies",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def adopt_policies(
        self, slug: SlugPath, data: JSONBody[Policies], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, AdoptPolicies(data, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/charter",
        operation_id="adoptCharter",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def adopt_charter(
        self, slug: SlugPath, data: JSONBody[Charter], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(
            resources,
            slug,
            AdoptCharter(tuple(each.adopted() for each in data.clauses), data.reason, by=alias(request, slug)),
            if_match,
        )

    @post(
        "/{slug:str}/methodology",
        operation_id="adoptMethodology",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def adopt_methodology(
        self, slug: SlugPath, data: JSONBody[Methodology], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, AdoptMethodology(data.text, data.reason, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/codebook",
        operation_id="adoptCodebook",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def adopt_codebook(
        self, slug: SlugPath, data: JSONBody[Codebook], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(
            resources,
            slug,
            AdoptCodebook(tuple(each.adopted() for each in data.codes), data.reason, by=alias(request, slug)),
            if_match,
        )

    @post(
        "/{slug:str}/themes",
        operation_id="addTheme",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def add_theme(
        self, slug: SlugPath, data: JSONBody[Theme], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, _theme_added(data, alias(request, slug)), if_match)

    @post(
        "/{slug:str}/commitments",
        operation_id="makeCommitment",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def make_commitment(
        self, slug: SlugPath, data: JSONBody[Commitment], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, MakeCommitment(data.id, data.text, data.due, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/themes/{theme:str}/opening",
        operation_id="openTheme",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def open_theme(self, slug: SlugPath, theme: SlugPath, request: Asked, resources: R, if_match: IfMatch = None) -> Moved:
        return await _carry_out(resources, slug, OpenTheme(theme, resources.clock.now(), by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/themes/{theme:str}/extension",
        operation_id="extendTheme",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def extend_theme(
        self, slug: SlugPath, theme: SlugPath, data: JSONBody[Extension], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, ExtendTheme(theme, data.closes, data.reason, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/themes/{theme:str}/closing",
        operation_id="closeTheme",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def close_theme(self, slug: SlugPath, theme: SlugPath, request: Asked, resources: R, if_match: IfMatch = None) -> Moved:
        return await _carry_out(resources, slug, CloseTheme(theme, resources.clock.now(), by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/closing",
        operation_id="closeConsultation",
        guards=ADMINISTRATOR,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def close(self, slug: SlugPath, request: Asked, resources: R, if_match: IfMatch = None) -> Moved:
        return await _carry_out(resources, slug, Close(by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/meetings",
        operation_id="conveneCommittee",
        guards=SECRETARY,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def convene(
        self, slug: SlugPath, data: JSONBody[Meeting], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, ConveneCommittee(data.meeting, data.date, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/synthesis",
        operation_id="adoptSynthesis",
        guards=SECRETARY,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def adopt_synthesis(
        self, slug: SlugPath, data: JSONBody[Synthesis], request: Asked, resources: R, if_match: IfMatch = None
    ) -> Moved:
        return await _carry_out(resources, slug, AdoptSynthesis(data.text, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/commitments/{commitment_id:str}/evidence",
        operation_id="keepCommitment",
        guards=[needs("secretary", "publisher")],
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def keep_commitment(
        self,
        slug: SlugPath,
        commitment_id: SlugPath,
        data: JSONBody[Evidence],
        request: Asked,
        resources: R,
        if_match: IfMatch = None,
    ) -> Moved:
        return await _carry_out(resources, slug, KeepCommitment(commitment_id, data.evidence, by=alias(request, slug)), if_match)

    @post(
        "/{slug:str}/completion",
        operation_id="finishReadings",
        guards=SECRETARY,
        status_code=200,
        responses=documented(*STAFF),
        security=BEARER,
    )
    async def finish_readings(self, slug: SlugPath, request: Asked, resources: R, if_match: IfMatch = None) -> Moved:
        """Reveals the seed by which the readings were ordered, once every one of them has been made."""
        stream, seed = consultation_stream(slug), await _seed(resources, slug)

        async def build(_: consultation.Present, __: int) -> Act[Command]:
            await caught_up(resources, "treatment")
            outstanding, seen = await treatment.outstanding_readings(resources.pool, slug)
            return Act(FinishReadings(seed, outstanding, seen, by=alias(request, slug)))

        done = await resources.handle.execute(CONSULTATION, stream, build, expected=expected(if_match))
        return moved(ConsultationMoved(slug, done.version))


async def _seed(resources: Resources, slug: str) -> bytes:
    """The seed that was sealed at opening; empty before."""
    stream = consultation_stream(slug)
    for entry in await resources.store.stream(stream):
        event = event_of(entry)
        if isinstance(event, Opened):
            (clear,) = await resources.sealer.unseal([Opening(stream, entry.originator_version, entry.topic, event.queue_seed)])
            return bytes.fromhex(clear.fields["seed"]) if clear else b""
    return b""


async def _carry_out(resources: Resources, slug: str, command: Command, if_match: str | None) -> Moved:
    done = await resources.handle.consultation(slug, command, expected=expected(if_match))
    return moved(ConsultationMoved(slug, done.version))


def _theme_added(theme: Theme, by: str) -> AddTheme:
    return AddTheme(theme.id, theme.title, theme.question, theme.opens, theme.closes, by=by)


def prepared(definition: Definition, by: str) -> list[consultation.Event]:
    """The events of a whole definition, each decided on the state that those before it leave."""
    commands: list[Command] = [
        Prepare(definition.slug, definition.title, definition.language, by=by),
        AdoptPolicies(definition.policies, by=by),
        AdoptCharter(tuple(each.adopted() for each in definition.charter.clauses), by=by),
        *(_theme_added(theme, by) for theme in definition.themes),
        AdoptMethodology(definition.methodology, by=by),
        AdoptCodebook(tuple(each.adopted() for each in definition.codebook.codes), by=by),
        *(MakeCommitment(made.id, made.text, made.due, by=by) for made in definition.commitments),
    ]
    state: consultation.State = None
    events: list[consultation.Event] = []
    for command in commands:
        for event in consultation.decide(state, command):
            state = consultation.evolve(state, event)
            events.append(event)
    return events
