"""What came of a demo, in numbers that add up."""

from pathlib import Path

from msgspec import Struct
from rich.table import Column, Table

from service.answers import Commitment, Proposal, ProposalPage
from service.client import Client
from service.demo.checks import Equalities
from service.demo.forgotten import Forgotten
from service.demo.play import Play
from service.demo.progress import Deposited
from service.demo.stage import NotPlayed


class Summary(Struct, frozen=True):
    """rows = received + refused, and received = visible + withheld + withdrawn + pending."""

    rows: int
    refused: int
    refused_reasons: dict[str, int]
    """How many rows were refused, by the code of the problem."""
    received: int
    visible: int
    withheld: int
    withdrawn: int
    pending: int
    read_twice: int
    """Contributions with every reading that the policy asks for."""
    proposals: int
    arbitrated: int
    commitments: int
    """Those that have been kept."""
    events: int
    bundle: Path
    bundle_digest: str
    """SHA-256 of the bundle's manifest, in hexadecimal."""
    replay_equal: bool
    stream_equal: bool
    receipts_found: int
    """Receipts that opened their contribution with the text that was deposited."""
    receipts_verified: int
    """Receipts that verified offline, by the service's public key and the text."""
    erased: int
    """Contributions that the notice of withdrawals lists: by their codes, and one by the publisher."""
    canary_found: int
    """Texts of the erased that are found anywhere all the same."""
    duration_s: float

    @property
    def holds(self) -> bool:
        """Whether everything that must be equal is."""
        return (
            self.rows == self.received + self.refused
            and self.received == self.visible + self.withheld + self.withdrawn + self.pending
            and self.pending == 0
            and self.receipts_found == self.received
            and self.receipts_verified == self.received
            and self.erased == self.withdrawn
            and self.canary_found == 0
            and self.replay_equal
            and self.stream_equal
        )

    def table(self) -> Table:
        """For people."""
        table = Table("", Column("", overflow="fold"), show_header=False, box=None, padding=(0, 2))
        for name in self.__struct_fields__:
            value = getattr(self, name)
            said = ", ".join(f"{count} {code}" for code, count in value.items()) or "-" if isinstance(value, dict) else str(value)
            table.add_row(name.replace("_", " "), said)
        return table


async def summarised(play: Play, equal: Equalities, found: int, verified: int, gone: Forgotten, duration_s: float) -> Summary:
    """Gathered from the service itself, but for the rows that it never took. Raises NotPlayed."""
    deposited, published = play.notebook.progress.deposited, play.notebook.progress.publication
    if deposited is None or published is None:
        raise NotPlayed("the demo has not been played to its end")
    counts, proposals = await play.counts(), await _proposals(play.client, play.base)
    kept = [made for made in await play.client.items(f"{play.base}/commitments", Commitment) if made.status.startswith("kept")]
    return Summary(
        rows=deposited.rows,
        refused=_refused(deposited),
        refused_reasons=deposited.refused,
        received=counts.received,
        visible=counts.visible,
        withheld=counts.withheld,
        withdrawn=counts.withdrawn,
        pending=counts.pending,
        read_twice=counts.read_enough,
        proposals=len(proposals),
        arbitrated=sum(proposal.status == "decided" for proposal in proposals),
        commitments=len(kept),
        events=equal.events,
        bundle=play.notebook.bundle,
        bundle_digest=published.digest,
        replay_equal=equal.replay_equal,
        stream_equal=equal.stream_equal,
        receipts_found=found,
        receipts_verified=verified,
        erased=gone.erased,
        canary_found=gone.canary_found,
        duration_s=round(duration_s, 1),
    )


def _refused(deposited: Deposited) -> int:
    return sum(deposited.refused.values())


async def _proposals(client: Client, base: str) -> list[Proposal]:
    page = await client.read(f"{base}/proposals", ProposalPage, limit=200)
    found = page.items
    while page.next:
        page = await client.read(f"{base}/proposals", ProposalPage, limit=200, cursor=page.next)
        found = [*found, *page.items]
    return found
