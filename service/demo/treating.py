"""The contributions are treated: moderated, appealed, withdrawn, read; then the last window closes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from service.demo.plans import Plan
from service.demo.play import PATIENCE_S, Play
from service.demo.staff import Moderator, Reader, drain
from service.demo.stage import until
from service.importer import spread

MODERATORS: Final[Sequence[str]] = ("alice", "benoit", "claire", "driss")
READERS: Final[Sequence[str]] = ("elise", "farid", "gaelle", "hugo")
FEW: Final = 8


async def moderation(play: Play) -> None:
    """First looks, second looks, and thirds where two disagree."""
    await _moderated(play, "moderation", len(play.receipts.by_row))


async def appeals(play: Play) -> None:
    """Some authors appeal, others withdraw what they wrote: each by the code on the receipt."""
    plans = {row.number: play.scenario.plan(row.text) for row in play.scenario.rows if row.number in play.receipts.by_row}

    async def follow_up(row: int) -> None:
        await _followed_up(play, row, plans[row])

    ordered = max((row for row, plan in plans.items() if plan.withdrawn), default=None)
    if ordered is not None:
        await _ordered(play, ordered)
        del plans[ordered]
    await spread([row for row, plan in plans.items() if plan.appeal or plan.withdrawn], follow_up, FEW)
    await _moderated(play, "appeals", sum(bool(plan.appeal) for plan in plans.values()))


async def _followed_up(play: Play, row: int, plan: Plan) -> None:
    receipt = play.receipts.by_row[row]
    path, code = f"/v1/receipts/{receipt.contribution}", {"Receipt-Code": receipt.code}
    if plan.appeal:
        await play.client.command(
            f"{path}/appeal", {"text": play.scenario.script.appeal}, code, settled={"already-appealed", "erased"}
        )
    if plan.withdrawn:
        await play.client.command(f"{path}/withdrawal", {}, code, settled={"erased"})


async def _ordered(play: Play, row: int) -> None:
    """The last of those who withdraw has lost the receipt, and turns to the publisher."""
    path = f"/v1/contributions/{play.receipts.by_row[row].contribution}/erasure"
    body = {"cause": "request", "reason": play.scenario.script.erasure}
    await play.publisher.command(path, body, settled={"erased"})


async def _moderated(play: Play, act: str, total: int) -> None:
    count = play.counter(act, total)
    await drain([Moderator(play.stage.staff("moderator", name), play.scenario, count) for name in MODERATORS])

    async def nothing_pending() -> bool | None:
        return (await play.counts()).pending == 0 or None

    await until(nothing_pending, PATIENCE_S, "moderation to have nothing left to do")


async def readings(play: Play) -> None:
    """Every contribution under analysis, by as many readers as the policy says."""
    count = play.counter("readings", play.scenario.definition.policies.readers * len(play.receipts.by_row))
    await drain([Reader(play.stage.staff("analyst", name), name, play.scenario, count) for name in READERS])


async def closing(play: Play) -> None:
    """Every window passes, and the consultation with the last of them."""
    await play.clock(max(theme.closes for theme in play.scenario.definition.themes) + timedelta(hours=1))

    async def over() -> bool | None:
        consultation = await play.client.consultation(play.scenario.slug)
        return (consultation is not None and consultation.phase == "over") or None

    await until(over, PATIENCE_S, "the consultation to close")
