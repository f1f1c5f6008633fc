"""The whole life of a small consultation in which everything happens that can."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID

from domain import consultation, contribution, proposal, publication
from domain.adopted import Code
from domain.record import Recorded
from tests.domain.grammar import SEALED
from tests.domain.treatment.town import ADMIN, CLOSES, CODE_DIGEST, CODES, COMMITMENT, MEETING, SLUG, STREAM, Town

MODERATORS: Final = ("mona", "nils", "olga", "pia")
READERS: Final = ("ada", "bob", "eve", "guy")
FATES: Final[tuple[tuple[bool, ...], ...]] = (
    (),
    (),
    (True, True),
    (True, True, True),
    (True, False, False),
    (True, True, False),
    (),
    (),
)
"""Whether the text may be hidden, look by look; kept where nothing is said. The last is of an appeal, where there is one."""
LEFT_OUT: Final = (2, 3)
"""Those whose removal takes them out of the analysis."""
APPEALED: Final = (3, 5)
PAUSE: Final = timedelta(minutes=2)


def whole_life() -> tuple[Recorded, ...]:
    """Deposited, screened, kept, hidden, confirmed, disputed, appealed, lifted, withdrawn, read, recoded, proposed, decided, published."""
    town = Town()
    town.opens()
    assert town.do(STREAM, consultation.ExtendTheme("data", CLOSES + timedelta(days=1), "Un jour de plus.", by=ADMIN))
    streams = [town.deposits("archives" if number % 3 else "data") for number in range(len(FATES))]
    assert all(town.screened(stream) for stream in streams)
    assert town.screened(streams[0], "screening.2")
    _moderated(town, dict(zip(streams, FATES, strict=True)))
    for number in APPEALED:
        assert town.appeals(streams[number])
    _moderated(town, dict(zip(streams, FATES, strict=True)))
    _followed_up(town, streams)
    _lifted(town)
    _read(town)
    _recoded(town)
    town.passes(timedelta(days=70))
    assert town.finishes()
    _decided(town, [stream for stream, state in town.seen[-1].items() if contribution.analysed(state)])
    assert town.do(STREAM, consultation.AdoptSynthesis("Une synthèse.", by=ADMIN))
    assert town.do(STREAM, consultation.KeepCommitment("verbatims", "https://exemple.fr", by=ADMIN))
    first, second = town.publishes(), town.publishes()
    assert town.do(first, publication.Supersede(first, second, "Complétée.", "karim", SLUG))
    return tuple(town.log)


def _moderated(town: Town, fates: dict[UUID, tuple[bool, ...]]) -> None:
    """All at once: everybody takes, then everybody decides, until nothing is left for anybody."""
    while held := [(who, stream) for who in MODERATORS if (stream := town.takes("review", who))]:
        town.passes(PAUSE)
        for who, stream in held:
            done = len(town.states[stream].dossier.took_part)
            agrees = fates[stream][done] if done < len(fates[stream]) else False
            assert town.looks(stream, who, agrees=agrees, analysed=stream not in [list(fates)[number] for number in LEFT_OUT])


def _followed_up(town: Town, streams: list[UUID]) -> None:
    assert town.withdraws(streams[7])
    question = town.name()
    assert town.do(streams[0], contribution.AskQuestion(question, "ada", COMMITMENT, SEALED))
    assert town.do(streams[0], contribution.AnswerQuestion(CODE_DIGEST, question, COMMITMENT, SEALED))


def _lifted(town: Town) -> None:
    """Hidden, and looked at by nobody else until its delay has passed."""
    late = town.deposits()
    assert town.takes("review", "mona") == late
    assert town.looks(late, "mona", agrees=True)
    town.passes(timedelta(days=4))


def _read(town: Town) -> None:
    """One reader lets a lease expire; two share no code on one text."""
    assert town.takes("reading", "ada")
    town.passes(timedelta(hours=1))
    while held := [(who, stream) for who in READERS if (stream := town.takes("reading", who))]:
        town.passes(PAUSE)
        for who, stream in held:
            assert town.codes(stream, who, "costs" if who == "ada" else "access")


def _recoded(town: Town) -> None:
    """A code is added once everything has been read, and a reader codes what they read anew."""
    codes = (*CODES, Code("hours", "Horaires", "Ouvrir plus longtemps."))
    assert town.do(STREAM, consultation.AdoptCodebook(codes, "Un code manquait.", by=ADMIN))
    for stream, state in town.seen[-1].items():
        if contribution.analysed(state):
            town.codes_anew(stream, "ada", "costs", "hours")


def _decided(town: Town, analysed: list[UUID]) -> None:
    assert town.do(STREAM, consultation.ConveneCommittee(MEETING, date(2026, 12, 1), by=ADMIN))
    idea = town.name()
    linked = [stream for stream in analysed if town.states[stream].dossier.theme == "archives"]
    assert town.do(idea, proposal.DraftProposal("culture", "archives", "Ouvrir", "Tout.", "ada", frozenset({"archives", "data"})))
    assert town.do(idea, proposal.Link(tuple(linked[:2]), "ada", frozenset(analysed)))
    assert town.do(idea, proposal.Unlink(linked[1], "Hors sujet.", "ada"))
    assert town.do(idea, proposal.Revise("Ouvrir", "Presque tout.", "Plus précis.", "ada"))
    assert town.do(idea, proposal.Submit(MEETING, "jules", frozenset({MEETING})))
    assert town.do(idea, proposal.GiveOpinion(MEETING, favourable=True, opinion="Favorable.", secretary="jules"))
    assert town.arbitrates(idea)
    assert town.do(idea, proposal.ReportProgress("Commencé.", "karim"))
