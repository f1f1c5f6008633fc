"""Whether every assignment took the first item that its holder could have been given."""

from domain.treatment.ledger import Ledger
from domain.treatment.queues import Checked
from projections.treatment.measures.document import Departed, QueueConformity


def queueing(ledger: Ledger, seed: bytes | None) -> dict[str, QueueConformity]:
    """By queue; without the seed nobody can tell the order of the readings."""
    conformity = ledger.queues.conformity({ledger.slug: seed} if seed else {})
    return {queue.kind: _told(queue) for queue in conformity.queues}


def _told(queue: Checked) -> QueueConformity:
    departed = [Departed(each.position, str(each.said.get("why", each.rule))) for each in queue.departures]
    return QueueConformity(queue.checked + queue.unverifiable, queue.checked - len(departed), queue.unverifiable, departed)
