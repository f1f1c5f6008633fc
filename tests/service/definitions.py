"""A small consultation, defined and opened through the handler, for tests that need one."""

import secrets
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from adapters.promises import Promises
from domain.adopted import Clause, Code
from domain.consultation import (
    AddTheme,
    AdoptCharter,
    AdoptCodebook,
    AdoptMethodology,
    AdoptPolicies,
    Command,
    Event,
    MakeCommitment,
    Open,
    OpenTheme,
    Prepare,
    State,
    decide,
    evolve,
)
from domain.definition import Mode, Policies
from domain.record import consultation_stream
from domain.sealed import PENDING
from service.handler import Handle

SLUG = "culture"
OPENS = datetime(2026, 9, 1, 8, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=90)
DURING = OPENS + timedelta(days=10)
SEED = bytes(range(32))
PROMISES = Promises("consultation.example", b"p" * 32, 604_800)

POLICIES = Policies("after", second_look_s=259_200, appeal_s=1_209_600, readers=2, lease_s=1_800)
CLAUSES = (
    Clause("1.anonymity", "Anonymat", "Les contributions sont anonymes."),
    Clause("3.cordial", "Ton cordial", "Le ton est cordial et constructif.", removal=True),
    Clause("5.sensitive-data", "Données sensibles", "Aucune donnée sensible.", removal=True),
)
CODES = (Code("access", "Accès", "Accéder aux œuvres."), Code("funding", "Moyens", "Payer."), Code("other", "Autre", "Le reste."))


class FixedClock:
    """A clock that stands where the test puts it."""

    def __init__(self, moment: datetime = DURING) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def commands(mode: Mode = "after", themes: tuple[str, ...] = ("french-language", "archives")) -> list[Command]:
    policies = Policies(mode, POLICIES.second_look_s, POLICIES.appeal_s, 2, POLICIES.lease_s)
    return [
        Prepare(SLUG, "Stratégie numérique culturelle", "fr", by="staff-administrator"),
        AdoptPolicies(policies, by="staff-administrator"),
        AdoptCharter(CLAUSES, by="staff-administrator"),
        *(AddTheme(theme, theme, "Que proposez-vous ?", OPENS, CLOSES, by="staff-administrator") for theme in themes),
        AdoptMethodology("Chaque contribution est lue deux fois.", by="staff-administrator"),
        AdoptCodebook(CODES, by="staff-administrator"),
        MakeCommitment("verbatims", "Publier tous les verbatims.", date(2027, 6, 30), by="staff-administrator"),
        Open(sha256(SEED).digest(), PENDING, secrets.token_bytes(32), by="staff-administrator"),
        *(OpenTheme(theme, DURING, by="staff-administrator") for theme in themes),
    ]


def history(mode: Mode = "after", themes: tuple[str, ...] = ("french-language", "archives")) -> list[Event]:
    """The events of a consultation whose themes are open."""
    state: State = None
    events: list[Event] = []
    for command in commands(mode, themes):
        for event in decide(state, command):
            state = evolve(state, event)
            events.append(event)
    return events


async def opened(handle: Handle, mode: Mode = "after", themes: tuple[str, ...] = ("french-language", "archives")) -> None:
    """Record a consultation whose themes are open."""
    await handle.begin(consultation_stream(SLUG), SLUG, history(mode, themes), {})
