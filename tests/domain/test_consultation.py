"""Given these facts of a consultation, when this command, then these events, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from domain.adopted import Clause, Code
from domain.consultation import (
    AddTheme,
    AdoptCharter,
    AdoptCodebook,
    AdoptMethodology,
    AdoptPolicies,
    AdoptSynthesis,
    CharterAdopted,
    Close,
    Closed,
    CloseTheme,
    CodebookAdopted,
    CommitmentKept,
    CommitmentMade,
    CommitteeConvened,
    ConveneCommittee,
    Event,
    ExtendTheme,
    FinishReadings,
    KeepCommitment,
    MakeCommitment,
    MethodologyAdopted,
    Open,
    Opened,
    OpenTheme,
    PoliciesAdopted,
    Prepare,
    Prepared,
    ReadingsFinished,
    Running,
    State,
    SynthesisAdopted,
    ThemeAdded,
    ThemeClosed,
    ThemeExtended,
    ThemeOpened,
    charter_in_force,
    codebook_in_force,
    decide,
    evolve,
    policies,
    removable,
    terms,
)
from domain.contribution import Terms
from domain.definition import Policies
from domain.errors import CorruptHistory, Refused
from domain.record import fold
from tests.domain.grammar import SEALED, Accepts, Refuses, refusal

OPENS = datetime(2026, 9, 1, 8, tzinfo=UTC)
CLOSES = OPENS + timedelta(days=90)
LATER = CLOSES + timedelta(days=14)
BEFORE = OPENS - timedelta(seconds=1)
SEED = bytes(range(32))
DIGEST = sha256(SEED).digest()
COMMITMENT = b"\x05" * 32
DUE = date(2027, 6, 30)
DAY = date(2027, 2, 1)

CORDIAL = Clause("3.cordial", "Ton", "Cordial et constructif.", removal=True)
OPEN_IDEAS = Clause("7.common-good", "Bien commun", "Les idées sont à tous.")
CLAUSES = (CORDIAL, OPEN_IDEAS)
CODES = (Code("access", "Accès", "Accéder."), Code("other", "Autre", "Le reste."))
WIDER = Code("access", "Accès", "Accéder, et y revenir.")
RELABELLED = Code("access", "Accès aux œuvres", "Accéder.")
COSTS = Code("costs", "Coûts", "Ce que cela coûte.")
POLICIES = Policies("before", 259_200, 1_209_600, 2, 1_800, 2, 20_000, 365)

prepared = Prepared("culture", "Stratégie numérique", "fr", by="staff-administrator")
adopted = PoliciesAdopted("before", 259_200, 1_209_600, 2, 1_800, 2, 20_000, 365, by="staff-administrator")
charter = CharterAdopted(1, CLAUSES, "", by="staff-administrator")
theme = ThemeAdded("archives", "Archives", "Que garder ?", OPENS, CLOSES, by="staff-administrator")
other_theme = ThemeAdded("data", "Données", "Que partager ?", OPENS, CLOSES, by="staff-administrator")
methodology = MethodologyAdopted(1, "Deux lectures.", "", by="staff-administrator")
codebook = CodebookAdopted(1, CODES, "", by="staff-administrator")
promise = CommitmentMade("verbatims", "Publier tous les verbatims.", DUE, by="staff-administrator")
opened = Opened(DIGEST, SEALED, COMMITMENT, by="staff-administrator")
theme_opened = ThemeOpened("archives", by="staff-administrator")
theme_closed = ThemeClosed("archives", by="staff-administrator")

EVERYTHING: tuple[Event, ...] = (prepared, adopted, charter, theme, other_theme, methodology, codebook, promise)
RUNNING: tuple[Event, ...] = (*EVERYTHING, opened, theme_opened)
ALL_CLOSED: tuple[Event, ...] = (
    *RUNNING,
    ThemeOpened("data", by="staff-administrator"),
    theme_closed,
    ThemeClosed("data", by="staff-administrator"),
)
NARROWED: tuple[Event, ...] = (*RUNNING, CodebookAdopted(2, CODES[:1], "Trop large.", by="staff-administrator"))
OVER: tuple[Event, ...] = (*ALL_CLOSED, Closed(by="staff-administrator"))
MEETING = CommitteeConvened("spring", DAY, by="staff-administrator")


def given(*events: Event) -> State:
    state: State = None
    for event in events:
        state = evolve(state, event)
    return state


def without(left_out: Event) -> State:
    return given(*(event for event in EVERYTHING if event is not left_out))


PREPARING = given(*EVERYTHING)
THEME = AddTheme("ideas", "Idées", "Lesquelles ?", OPENS, CLOSES, by="staff-administrator")
OPEN = Open(DIGEST, SEALED, COMMITMENT, by="staff-administrator")

ACCEPTED = [
    Accepts(
        "a consultation begins by being prepared",
        None,
        Prepare("culture", "Stratégie numérique", "fr", by="staff-administrator"),
        (prepared,),
    ),
    Accepts("policies are adopted", given(prepared), AdoptPolicies(POLICIES, by="staff-administrator"), (adopted,)),
    Accepts(
        "policies may change while it is prepared",
        given(prepared, adopted),
        AdoptPolicies(POLICIES, by="staff-administrator"),
        (adopted,),
    ),
    Accepts(
        "a charter is adopted without a reason", given(prepared), AdoptCharter(CLAUSES, by="staff-administrator"), (charter,)
    ),
    Accepts(
        "a charter changes after opening, with a reason, as the next version",
        given(*RUNNING),
        AdoptCharter((CORDIAL,), "Une clause de trop.", by="staff-administrator"),
        (CharterAdopted(2, (CORDIAL,), "Une clause de trop.", by="staff-administrator"),),
    ),
    Accepts(
        "a theme is added with its window",
        given(prepared),
        AddTheme("archives", "Archives", "Que garder ?", OPENS, CLOSES, by="staff-administrator"),
        (theme,),
    ),
    Accepts(
        "the methodology is adopted",
        given(prepared),
        AdoptMethodology("Deux lectures.", by="staff-administrator"),
        (methodology,),
    ),
    Accepts(
        "the methodology changes after opening, with a reason",
        given(*OVER),
        AdoptMethodology("Trois lectures.", "Vu le nombre.", by="staff-administrator"),
        (MethodologyAdopted(2, "Trois lectures.", "Vu le nombre.", by="staff-administrator"),),
    ),
    Accepts("a codebook is adopted", given(prepared), AdoptCodebook(CODES, by="staff-administrator"), (codebook,)),
    Accepts(
        "a codebook changes after opening, with a reason",
        given(*RUNNING),
        AdoptCodebook(CODES[:1], "Trop large.", by="staff-administrator"),
        (CodebookAdopted(2, CODES[:1], "Trop large.", by="staff-administrator"),),
    ),
    Accepts(
        "a definition may be corrected while nobody can have used the code",
        given(*EVERYTHING),
        AdoptCodebook((WIDER,), by="staff-administrator"),
        (CodebookAdopted(2, (WIDER,), "", by="staff-administrator"),),
    ),
    Accepts(
        "a label may be corrected, a code added",
        given(*RUNNING),
        AdoptCodebook((RELABELLED, COSTS), "Une coquille.", by="staff-administrator"),
        (CodebookAdopted(2, (RELABELLED, COSTS), "Une coquille.", by="staff-administrator"),),
    ),
    Accepts(
        "a code that was dropped comes back as it was",
        given(*NARROWED),
        AdoptCodebook(CODES, "Il manquait.", by="staff-administrator"),
        (CodebookAdopted(3, CODES, "Il manquait.", by="staff-administrator"),),
    ),
    Accepts(
        "a code that was dropped before the opening may come back with another meaning",
        given(*EVERYTHING, CodebookAdopted(2, CODES[1:], "", by="staff-administrator"), opened),
        AdoptCodebook((WIDER,), "Un ajout.", by="staff-administrator"),
        (CodebookAdopted(3, (WIDER,), "Un ajout.", by="staff-administrator"),),
    ),
    Accepts(
        "a promise is made with its date",
        given(prepared),
        MakeCommitment("verbatims", "Publier tous les verbatims.", DUE, by="staff-administrator"),
        (promise,),
    ),
    Accepts("it opens once everything is adopted", PREPARING, OPEN, (opened,)),
    Accepts(
        "a theme opens when its window begins",
        given(*EVERYTHING, opened),
        OpenTheme("archives", OPENS, by="staff-administrator"),
        (theme_opened,),
    ),
    Accepts(
        "an open theme is extended, with a reason",
        given(*RUNNING),
        ExtendTheme("archives", LATER, "Peu de réponses.", by="staff-administrator"),
        (ThemeExtended("archives", LATER, "Peu de réponses.", by="staff-administrator"),),
    ),
    Accepts(
        "a theme that has not opened is extended too",
        given(*RUNNING),
        ExtendTheme("data", LATER, "Peu de temps.", by="staff-administrator"),
        (ThemeExtended("data", LATER, "Peu de temps.", by="staff-administrator"),),
    ),
    Accepts(
        "a theme closes when its window ends",
        given(*RUNNING),
        CloseTheme("archives", CLOSES, by="staff-administrator"),
        (theme_closed,),
    ),
    Accepts(
        "a theme that nobody opened in its window closes too",
        given(*RUNNING),
        CloseTheme("data", CLOSES, by="staff-administrator"),
        (ThemeClosed("data", by="staff-administrator"),),
    ),
    Accepts(
        "it closes when every theme has", given(*ALL_CLOSED), Close(by="staff-administrator"), (Closed(by="staff-administrator"),)
    ),
    Accepts(
        "readings are finished when none is outstanding",
        given(*OVER),
        FinishReadings(SEED, 0, 900, by="staff-administrator"),
        (ReadingsFinished(SEED, 900, by="staff-administrator"),),
    ),
    Accepts(
        "the committee is convened while it runs",
        given(*RUNNING),
        ConveneCommittee("spring", DAY, by="staff-administrator"),
        (MEETING,),
    ),
    Accepts(
        "the committee is convened afterwards",
        given(*OVER),
        ConveneCommittee("spring", DAY, by="staff-administrator"),
        (MEETING,),
    ),
    Accepts(
        "a synthesis is adopted afterwards",
        given(*OVER),
        AdoptSynthesis("En bref.", by="staff-administrator"),
        (SynthesisAdopted("En bref.", by="staff-administrator"),),
    ),
    Accepts(
        "a promise is kept, with evidence",
        given(*RUNNING),
        KeepCommitment("verbatims", "https://exemple.fr", by="staff-administrator"),
        (CommitmentKept("verbatims", "https://exemple.fr", by="staff-administrator"),),
    ),
    Accepts(
        "a promise is kept afterwards",
        given(*OVER),
        KeepCommitment("verbatims", "annexe 2", by="staff-administrator"),
        (CommitmentKept("verbatims", "annexe 2", by="staff-administrator"),),
    ),
]

MALFORMED = ["", "-archives", "Archives", "été", "archives\n", "a b", "a.b", "a/b"]

REFUSED = [
    *(
        Refuses(
            f"a window {field} within reach of every calendar, not in {year}",
            PREPARING,
            replace(THEME, **{field: OPENS.replace(year=year)}),
            "moment-out-of-range",
            {"field": field},
        )
        for field in ("opens", "closes")
        for year in (1, 1999, 2200, 9999)
    ),
    Refuses(
        "an extension stays within reach",
        given(*RUNNING),
        ExtendTheme("archives", OPENS.replace(year=2200), "Pour de bon.", by="staff-administrator"),
        "moment-out-of-range",
        {"field": "closes"},
    ),
    Refuses(
        "the shortest text is not longer than the longest",
        given(prepared),
        AdoptPolicies(replace(POLICIES, length_min=500, length_max=100), by="staff-administrator"),
        "lengths-impossible",
        {"field": "length_max"},
    ),
    Refuses("nothing comes before its preparation", None, Close(by="staff-administrator"), "not-now", {"command": "Close"}),
    Refuses(
        "nothing but a preparation begins it",
        None,
        AdoptCharter(CLAUSES, by="staff-administrator"),
        "not-now",
        {"state": "nothing"},
    ),
    Refuses(
        "a slug is used once",
        given(prepared),
        Prepare("culture", "Autre", "fr", by="staff-administrator"),
        "duplicate",
        {"field": "slug", "value": "culture"},
    ),
    *(
        Refuses(
            f"{word!r} is no identifier of a consultation",
            None,
            Prepare(word, "Titre", "fr", by="staff-administrator"),
            "identifier-malformed",
            {"field": "slug"},
        )
        for word in MALFORMED
    ),
    *(
        Refuses(
            f"{word!r} is no identifier of a theme",
            given(prepared),
            AddTheme(word, "Titre", "Quoi ?", OPENS, CLOSES, by="staff-administrator"),
            "identifier-malformed",
            {"field": "theme"},
        )
        for word in MALFORMED
    ),
    Refuses(
        "a promise's identifier is one word",
        given(prepared),
        MakeCommitment("Tous les verbatims", "Publier.", DUE, by="staff-administrator"),
        "identifier-malformed",
        {"field": "commitment"},
    ),
    Refuses(
        "a meeting's identifier is one word",
        given(*RUNNING),
        ConveneCommittee("Le printemps", DAY, by="staff-administrator"),
        "identifier-malformed",
        {"field": "meeting"},
    ),
    Refuses(
        "a clause's identifier is one word after its number",
        given(prepared),
        AdoptCharter((Clause("3.Ton cordial", "Ton", "Cordial."),), by="staff-administrator"),
        "identifier-malformed",
        {"field": "clauses"},
    ),
    Refuses(
        "a code's identifier is one word",
        given(prepared),
        AdoptCodebook((Code("accès", "Accès", "Accéder."),), by="staff-administrator"),
        "identifier-malformed",
        {"field": "codes"},
    ),
    Refuses(
        "a clause stands once in a charter",
        given(prepared),
        AdoptCharter((CORDIAL, CORDIAL), by="staff-administrator"),
        "duplicate",
        {"field": "clauses"},
    ),
    Refuses(
        "a code stands once in a codebook",
        given(prepared),
        AdoptCodebook((CODES[0], CODES[0]), by="staff-administrator"),
        "duplicate",
        {"field": "codes"},
    ),
    *(
        Refuses(
            f"a code keeps its meaning {when}",
            given(*facts),
            AdoptCodebook((CODES[1], WIDER), "Plus large.", by="staff-administrator"),
            "code-redefined",
            {"field": "codes", "value": "access"},
        )
        for when, facts in (
            ("from the opening on", RUNNING),
            ("after the closing", OVER),
            ("though it was dropped meanwhile", (*RUNNING, CodebookAdopted(2, CODES[1:], "De trop.", by="staff-administrator"))),
        )
    ),
    Refuses(
        "a code added later keeps its meaning too",
        given(
            *RUNNING,
            CodebookAdopted(2, (COSTS,), "Un ajout.", by="staff-administrator"),
            CodebookAdopted(3, CODES, "Retour.", by="staff-administrator"),
        ),
        AdoptCodebook((Code("costs", "Coûts", "Autre chose."),), "Plus large.", by="staff-administrator"),
        "code-redefined",
        {"value": "costs"},
    ),
    Refuses(
        "a theme is added once",
        given(prepared, theme),
        AddTheme("archives", "Encore", "Quoi ?", OPENS, CLOSES, by="staff-administrator"),
        "duplicate",
        {"field": "theme"},
    ),
    Refuses(
        "a promise is made once",
        given(prepared, promise),
        MakeCommitment("verbatims", "Encore.", DUE, by="staff-administrator"),
        "duplicate",
        {"field": "commitment"},
    ),
    Refuses(
        "a meeting is convened once",
        given(*RUNNING, MEETING),
        ConveneCommittee("spring", DAY, by="staff-administrator"),
        "duplicate",
        {"field": "meeting"},
    ),
    Refuses(
        "a window that ends as it begins is empty",
        given(prepared),
        AddTheme("archives", "Archives", "Que garder ?", OPENS, OPENS, by="staff-administrator"),
        "window-empty",
        {"theme": "archives"},
    ),
    Refuses(
        "policies stand once it runs",
        given(*RUNNING),
        AdoptPolicies(POLICIES, by="staff-administrator"),
        "appointed-before-opening",
        {"field": "policies"},
    ),
    Refuses(
        "policies stand when it is over",
        given(*OVER),
        AdoptPolicies(POLICIES, by="staff-administrator"),
        "appointed-before-opening",
    ),
    Refuses(
        "themes stand once it runs",
        given(*RUNNING),
        AddTheme("new", "Nouveau", "Quoi ?", OPENS, CLOSES, by="staff-administrator"),
        "appointed-before-opening",
        {"field": "theme"},
    ),
    Refuses(
        "promises stand once it runs",
        given(*RUNNING),
        MakeCommitment("new", "Nouveau.", DUE, by="staff-administrator"),
        "appointed-before-opening",
        {"field": "commitment"},
    ),
    *(
        Refuses(f"a {what} that changes after opening says why", given(*state), command, "reason-missing", {"field": "reason"})
        for state in (RUNNING, OVER)
        for what, command in (
            ("charter", AdoptCharter(CLAUSES, " \n", by="staff-administrator")),
            ("methodology", AdoptMethodology("Autre.", by="staff-administrator")),
            ("codebook", AdoptCodebook(CODES, "", by="staff-administrator")),
        )
    ),
    *(
        Refuses(f"it does not open without its {name}", without(event), OPEN, "not-ready", {"missing": [name]})
        for name, event in (
            ("policies", adopted),
            ("charter", charter),
            ("methodology", methodology),
            ("codebook", codebook),
            ("commitments", promise),
        )
    ),
    Refuses(
        "it does not open without a theme",
        given(prepared, adopted, charter, methodology, codebook, promise),
        OPEN,
        "not-ready",
        {"missing": ["themes"]},
    ),
    *(
        Refuses(f"{type(command).__name__} waits until it has opened", PREPARING, command, "not-open-yet")
        for command in (
            OpenTheme("archives", OPENS, by="staff-administrator"),
            ExtendTheme("archives", LATER, "Pourquoi.", by="staff-administrator"),
            CloseTheme("archives", CLOSES, by="staff-administrator"),
            Close(by="staff-administrator"),
            FinishReadings(SEED, 0, 900, by="staff-administrator"),
            ConveneCommittee("spring", DAY, by="staff-administrator"),
            AdoptSynthesis("En bref.", by="staff-administrator"),
            KeepCommitment("verbatims", "annexe", by="staff-administrator"),
        )
    ),
    Refuses("it opens once", given(*RUNNING), OPEN, "not-now", {"state": "Running"}),
    *(
        Refuses(
            f"{type(command).__name__} names a theme of the consultation",
            given(*RUNNING),
            command,
            "unknown-theme",
            {"theme": "music"},
        )
        for command in (
            OpenTheme("music", OPENS, by="staff-administrator"),
            ExtendTheme("music", LATER, "Pourquoi.", by="staff-administrator"),
            CloseTheme("music", CLOSES, by="staff-administrator"),
        )
    ),
    Refuses(
        "a theme opens once",
        given(*RUNNING),
        OpenTheme("archives", OPENS, by="staff-administrator"),
        "theme-started",
        {"theme": "archives"},
    ),
    Refuses(
        "a theme opens no sooner than its window",
        given(*RUNNING),
        OpenTheme("data", BEFORE, by="staff-administrator"),
        "too-early",
        {"theme": "data", "opens": OPENS},
    ),
    Refuses(
        "a theme closes no sooner than its window ends",
        given(*RUNNING),
        CloseTheme("archives", CLOSES - timedelta(microseconds=1), by="staff-administrator"),
        "too-early",
        {"closes": CLOSES},
    ),
    Refuses(
        "an extended theme closes no sooner than its new end",
        given(*RUNNING, ThemeExtended("archives", LATER, "Peu.", by="staff-administrator")),
        CloseTheme("archives", CLOSES, by="staff-administrator"),
        "too-early",
        {"closes": LATER},
    ),
    Refuses(
        "a closed theme does not close again",
        given(*RUNNING, theme_closed),
        CloseTheme("archives", CLOSES, by="staff-administrator"),
        "theme-closed",
    ),
    Refuses(
        "a closed theme is not extended",
        given(*RUNNING, theme_closed),
        ExtendTheme("archives", LATER, "Pourquoi.", by="staff-administrator"),
        "theme-closed",
    ),
    Refuses(
        "a closed theme does not open again",
        given(*RUNNING, theme_closed),
        OpenTheme("archives", OPENS, by="staff-administrator"),
        "theme-started",
    ),
    Refuses(
        "an extension says why",
        given(*RUNNING),
        ExtendTheme("archives", LATER, "  ", by="staff-administrator"),
        "reason-missing",
        {"field": "reason"},
    ),
    Refuses(
        "an extension ends later",
        given(*RUNNING),
        ExtendTheme("archives", CLOSES, "Pourquoi.", by="staff-administrator"),
        "closing-not-later",
        {"closes": CLOSES},
    ),
    Refuses(
        "it does not close while a theme is open",
        given(*RUNNING),
        Close(by="staff-administrator"),
        "themes-open",
        {"themes": ["archives", "data"]},
    ),
    *(
        Refuses(f"{type(command).__name__} comes too late once it is over", given(*OVER), command, "consultation-over")
        for command in (
            OPEN,
            OpenTheme("archives", OPENS, by="staff-administrator"),
            ExtendTheme("archives", LATER, "Pourquoi.", by="staff-administrator"),
            CloseTheme("archives", CLOSES, by="staff-administrator"),
            Close(by="staff-administrator"),
        )
    ),
    *(
        Refuses(f"{type(command).__name__} waits until it is over", given(*RUNNING), command, "consultation-running")
        for command in (
            FinishReadings(SEED, 0, 900, by="staff-administrator"),
            AdoptSynthesis("En bref.", by="staff-administrator"),
        )
    ),
    Refuses(
        "readings are not finished while one is outstanding",
        given(*OVER),
        FinishReadings(SEED, 3, 900, by="staff-administrator"),
        "readings-incomplete",
        {"outstanding": 3},
    ),
    Refuses(
        "the seed is the one of the opening",
        given(*OVER),
        FinishReadings(bytes(32), 0, 900, by="staff-administrator"),
        "queue-seed-mismatch",
    ),
    Refuses(
        "readings are finished once",
        given(*OVER, ReadingsFinished(SEED, 900, by="staff-administrator")),
        FinishReadings(SEED, 0, 900, by="staff-administrator"),
        "not-now",
    ),
    Refuses(
        "a synthesis is adopted once",
        given(*OVER, SynthesisAdopted("En bref.", by="staff-administrator")),
        AdoptSynthesis("Bis.", by="staff-administrator"),
        "synthesis-adopted",
    ),
    Refuses(
        "only a promise that was made is kept",
        given(*RUNNING),
        KeepCommitment("music", "annexe", by="staff-administrator"),
        "unknown-commitment",
        {"commitment": "music"},
    ),
    Refuses(
        "a promise is kept once",
        given(*OVER, CommitmentKept("verbatims", "annexe", by="staff-administrator")),
        KeepCommitment("verbatims", "ailleurs", by="staff-administrator"),
        "already-kept",
    ),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_accepts(case: Accepts) -> None:
    assert decide(case.state, case.command) == case.events


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.rule)
def test_refuses(case: Refuses) -> None:
    refused = refusal(decide, case)

    assert refused.code == case.code
    assert {name: refused.details.get(name) for name in case.details} == case.details


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.rule)
def test_what_was_decided_can_be_folded(case: Accepts) -> None:
    assert fold(evolve, case.events, case.state) is not None


def test_a_deposit_must_satisfy_what_stands_at_that_moment() -> None:
    state = given(*RUNNING, CharterAdopted(2, (CORDIAL,), "Une clause de trop.", by="staff-administrator"))

    assert isinstance(state, Running)
    assert terms(state) == Terms(frozenset({"archives", "data"}), frozenset({"archives"}), 2, 2, 20_000, moderated_before=True)


def test_a_contribution_is_judged_by_the_version_of_the_charter_it_consented_to() -> None:
    state = given(*RUNNING, CharterAdopted(2, (OPEN_IDEAS,), "Une clause de trop.", by="staff-administrator"))

    assert state is not None
    assert charter_in_force(state) == 2
    assert removable(state, 1) == {"3.cordial"}
    assert removable(state, 2) == frozenset()


def test_the_codebook_in_force_is_the_latest() -> None:
    before, after = given(prepared), given(*RUNNING, CodebookAdopted(2, CODES[:1], "Trop large.", by="staff-administrator"))

    assert before is not None
    assert after is not None
    assert codebook_in_force(before) == (0, frozenset())
    assert codebook_in_force(after) == (2, frozenset({"access"}))


def test_there_is_no_policy_before_one_is_adopted() -> None:
    state = given(prepared)

    assert state is not None
    with pytest.raises(Refused) as refused:
        policies(state)
    assert refused.value.code == "not-ready"
    assert refused.value.details == {"missing": ["policies"]}


@pytest.mark.parametrize(
    ("history", "event"),
    [
        ((), opened),
        ((prepared,), prepared),
        ((prepared,), theme_opened),
        (EVERYTHING, Closed(by="staff-administrator")),
        (RUNNING, adopted),
        (RUNNING, theme),
        (RUNNING, promise),
        (RUNNING, opened),
        (RUNNING, ReadingsFinished(SEED, 900, by="staff-administrator")),
        (RUNNING, SynthesisAdopted("En bref.", by="staff-administrator")),
        (OVER, Closed(by="staff-administrator")),
        (OVER, theme_closed),
        (EVERYTHING, MEETING),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else f"after {len(value)} events",
)
def test_a_history_that_no_decision_leads_to_is_refused(history: tuple[Event, ...], event: Any) -> None:
    with pytest.raises(CorruptHistory):
        evolve(given(*history), event)
