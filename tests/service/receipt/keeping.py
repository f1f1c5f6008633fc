"""Receipts for tests, made as the service makes them."""

from typing import Final

from adapters import receipts
from adapters.sealing import commitment
from service.deposits import Receipt
from tests.service.definitions import PROMISES

TEXT: Final = "Ouvrir le dimanche, « même » en août.\nEt fermer tard."
SECRET: Final = b"s" * 32


def receipt_of(text: str = TEXT, key: str = "k" * 22) -> Receipt:
    blind = receipts.server_blind(SECRET, "culture", key, b"")
    committed = commitment("contribution.submitted.v1", {"text": text}, blind)
    code = receipts.code(SECRET, "culture", key, b"")
    contribution = receipts.contribution_id(SECRET, "culture", key)
    return Receipt(contribution, code, committed, blind, "culture", "archives", 1, PROMISES.of(committed))


RECEIPT: Final = receipt_of()
