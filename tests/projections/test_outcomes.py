"""From contribution to code, proposal, opinion and decision; promises kept or late; what a frontend shows of a consultation."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain import consultation, proposal, publication
from domain.record import consultation_stream
from projections.outcomes import views as outcomes
from projections.pages import BadCursor
from projections.publications import views as publications
from projections.themes import views as themes
from tests.projections.histories import LATER, SLUG, World


async def test_a_contributor_can_follow_what_became_of_their_words(world: World) -> None:
    kept, *_ = await world.life()
    await world.show()
    view = await outcomes.outcome(world.pool, kept)
    assert view is not None
    assert view.codes == ["access", "costs", "time"]
    (idea,) = view.proposals
    assert (idea.status, idea.favourable, idea.opinion, idea.outcome, idea.motive) == (
        "decided", True, "Favorable.", "retained", "Utile.",
    )  # fmt: skip
    assert await outcomes.outcome(world.pool, uuid4()) is None


async def test_a_proposal_shows_each_step_that_it_has_taken(world: World) -> None:
    await world.consultation()
    first, second = [await world.deposit(f"Texte {number}") for number in range(2)]
    stream = await world.proposal(first, second)

    async def shown() -> outcomes.ProposalView:
        await world.show("outcomes")
        view = await outcomes.proposal(world.pool, stream, drafts=True)
        assert view is not None
        assert view.version == world.versions[stream]
        return view

    assert (await shown()).links == 2
    await world.append(
        stream,
        proposal.Revised("Mieux dire", "Tout.", "Plus clair.", "analyst-1"),
        proposal.ContributionUnlinked(second, "Hors sujet.", "analyst-1"),
    )
    revised = await shown()
    assert (revised.title, revised.text, revised.links, revised.status) == ("Mieux dire", "Tout.", 1, "draft")
    await world.append(stream, proposal.Submitted("spring", "secretary-1"))
    assert ((await shown()).status, (await shown()).meeting) == ("before-committee", "spring")
    await world.append(stream, proposal.OpinionGiven("spring", favourable=False, opinion="Défavorable.", secretary="secretary-1"))
    assert ((await shown()).status, (await shown()).favourable) == ("advised", False)
    coverage = proposal.Coverage(1, 2, 7)
    await world.append(stream, proposal.Arbitrated("amended", "Motif.", coverage, "Le temps.", "secretary-1"))
    await world.append(
        stream, proposal.ProgressReported("Un pas.", "publisher-1"), proposal.ProgressReported("Deux.", "publisher-1")
    )
    decided = await shown()
    assert (decided.outcome, decided.motive, decided.coverage, decided.why_not_waited) == (
        "amended", "Motif.", coverage, "Le temps.",
    )  # fmt: skip
    assert [step.text for step in decided.progress] == ["Un pas.", "Deux."]
    assert await outcomes.proposal(world.pool, uuid4(), drafts=True) is None


async def test_proposals_come_by_pages(world: World) -> None:
    await world.consultation()
    streams = sorted([await world.proposal() for _ in range(5)])
    await world.show("outcomes")
    cursor, listed = None, list[UUID]()
    while True:
        items, cursor = await outcomes.proposals(world.pool, SLUG, cursor, 2, drafts=True)
        listed += [item.id for item in items]
        if cursor is None:
            break
    assert listed == streams


@pytest.mark.parametrize("cursor", ["x", "IiI", "WzFd", "bnVsbA", "é"])
async def test_a_cursor_that_no_page_gave_is_refused(world: World, cursor: str) -> None:
    await world.show()
    with pytest.raises(BadCursor):
        await outcomes.proposals(world.pool, SLUG, cursor, 2, drafts=True)
    with pytest.raises(BadCursor):
        await themes.contributions(world.pool, SLUG, "data", 2, cursor)


async def test_contributions_are_found_by_theme_and_code(world: World) -> None:
    kept, _, _, granted, _, _, _, reinstated, *fresh = await world.life()

    async def found(theme: str | None, code: str | None) -> set[UUID]:
        await world.show("outcomes")
        items, _ = await outcomes.coded(world.pool, SLUG, theme, code, None, 100)
        return {item.contribution for item in items}

    assert await found(None, None) == {kept}
    await world.read(granted, "reader-2", "other")
    await world.read(reinstated, "reader-2", "costs")
    await world.read(reinstated, "reader-3", "costs")
    for reader in ("reader-1", "reader-2"):
        for each in fresh:
            await world.read(each, reader, "costs")
    assert await found(None, "access") == {kept}
    assert await found("data", "other") == {granted}
    assert await found("arts", "other") == set()
    everything = await found(None, None)
    assert everything == {kept, granted, reinstated, *fresh}
    assert everything == await found("arts", None) | await found("data", None)
    first, cursor = await outcomes.coded(world.pool, SLUG, None, None, None, 4)
    rest, end = await outcomes.coded(world.pool, SLUG, None, None, cursor, 4)
    assert [item.contribution for item in first + rest] == sorted(everything)
    assert end is None


async def test_nobody_learns_what_a_reader_found_before_every_reading_is_made(world: World) -> None:
    await world.consultation()
    stream = await world.deposit("Un texte")
    await world.keep(stream)

    async def codes() -> tuple[list[str], int]:
        await world.show("outcomes")
        view = await outcomes.outcome(world.pool, stream)
        assert view is not None
        return view.codes, len((await outcomes.coded(world.pool, SLUG, None, None, None, 10))[0])

    await world.read(stream, "reader-1", "access")
    assert await codes() == ([], 0)
    await world.read(stream, "reader-2", "costs")  # no code in common: a third reading is asked for
    assert await codes() == ([], 0)
    await world.read(stream, "reader-3", "costs")
    assert await codes() == (["access", "costs"], 1)


async def test_promises_are_kept_or_late_as_of_a_day(world: World) -> None:
    await world.consultation()
    await world.append(
        consultation_stream(SLUG), consultation.CommitmentKept("decisions", "https://exemple.fr", by="staff-administrator")
    )
    await world.show("outcomes")
    kept_on = datetime.now(UTC).date()
    on_the_day = await outcomes.commitments(world.pool, SLUG, date(2026, 4, 1))
    assert [(each.id, each.status, each.kept_on) for each in on_the_day] == [
        ("synthesis", "due", None),
        ("decisions", "kept", kept_on),
    ]
    assert [each.status for each in await outcomes.commitments(world.pool, SLUG, date(2026, 4, 2))] == ["late", "kept"]


async def test_a_promise_kept_after_its_day_is_kept_late(world: World) -> None:
    await world.consultation()
    await world.append(
        consultation_stream(SLUG), consultation.CommitmentKept("synthesis", "https://exemple.fr", by="staff-administrator")
    )
    await world.show("outcomes")
    await world.pool.execute("UPDATE outcomes.commitment SET kept_on = due + 1 WHERE id = 'synthesis'")
    assert [each.status for each in await outcomes.commitments(world.pool, SLUG, date(2030, 1, 1))] == ["kept-late", "due"]


async def test_a_consultation_is_shown_as_it_stands(world: World) -> None:
    await world.consultation()
    stream = consultation_stream(SLUG)
    later = LATER + timedelta(days=3)
    await world.append(
        stream,
        consultation.ThemeExtended("data", later, "Une panne.", by="staff-administrator"),
        consultation.ThemeClosed("arts", by="staff-administrator"),
        consultation.MethodologyAdopted(2, "Autrement.", "Plus clair.", by="staff-administrator"),
    )
    await world.deposit("Un texte")
    await world.show("themes")
    view = await themes.consultation(world.pool, SLUG)
    assert view is not None
    assert (view.title, view.phase, view.version, view.methodology) == ("Une consultation", "running", 15, "Autrement.")
    assert view.policies is not None
    assert (view.policies.readers, view.policies.mode) == (2, "after")
    assert view.charter is not None
    assert [clause.id for clause in view.charter.clauses] == ["1.anonymity", "5.sensitive-data"]
    assert view.codebook is not None
    assert [code.id for code in view.codebook.codes] == ["access", "costs", "other"]
    assert [(each.id, each.phase, each.received, each.visible) for each in view.themes] == [
        ("data", "open", 1, 1),
        ("arts", "closed", 0, 0),
    ]
    assert view.themes[0].closes == later
    await world.append(
        stream,
        consultation.ThemeClosed("data", by="staff-administrator"),
        consultation.Closed(by="staff-administrator"),
        consultation.SynthesisAdopted("Voilà.", by="staff-administrator"),
    )
    await world.show("themes")
    over = await themes.consultation(world.pool, SLUG)
    assert over is not None
    assert (over.phase, over.synthesis) == ("over", "Voilà.")
    assert await themes.consultations(world.pool) == [themes.ConsultationEntry(SLUG, "Une consultation", "over")]
    assert await themes.consultation(world.pool, "autre") is None


async def test_a_publication_is_prepared_published_superseded(world: World) -> None:
    stream, successor = uuid4(), uuid4()
    await world.append(stream, publication.Prepared(SLUG, "snapshot", 12, b"\xab" * 32, "publisher-1", 10))
    await world.show("publications")
    prepared = await publications.publication(world.pool, stream, drafts=True)
    assert prepared is not None
    assert (prepared.status, prepared.position, prepared.digest, prepared.location) == ("prepared", 12, "ab" * 32, None)
    await world.append(stream, publication.Published("https://exemple.fr/1.zip", "publisher-1"))
    await world.append(successor, publication.Prepared(SLUG, "results", 20, b"\xcd" * 32, "publisher-1", 10))
    await world.append(stream, publication.Superseded(successor, "Une erreur.", "publisher-1"))
    await world.show("publications")
    listed = await publications.publications(world.pool, SLUG, drafts=True)
    assert [(each.id, each.status, each.superseded_by, each.reason) for each in listed] == [
        (successor, "prepared", None, None),
        (stream, "superseded", successor, "Une erreur."),
    ]
    assert await publications.publication(world.pool, uuid4(), drafts=True) is None
