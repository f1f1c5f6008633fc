"""What a receipt proves, found out without the service: from the receipt, a verifier key, and the text if its author gives it."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from adapters import notes, receipts
from adapters.notes import BadSignature, Note, NoteError, Unsigned, Verifier
from adapters.promises import COMMITMENT_BYTES, Promise, key_name, promise_of
from adapters.sealing import BLIND_BYTES, commitment
from domain.contribution import Submitted
from domain.record import CODEC
from service.deposits import Receipt

State = Literal["holds", "fails", "unchecked"]
Verdict = Literal["verified", "false", "unproven"]


class Finding(Struct, frozen=True):
    check: Literal["code", "promise", "signature", "text"]
    state: State
    sentence: str


class Findings(Struct, frozen=True):
    verdict: Verdict
    """`false` when anything fails; `unproven` when nothing fails and no key was there to check the signature by."""
    findings: Sequence[Finding]
    signed_by: str | None
    """The verifier key that the promise's signature fits."""


def verify(receipt: Receipt, keys: Collection[Verifier], text: str | None = None) -> Findings:
    """Check everything that can be checked of a receipt. `keys` are those that the caller trusts; `text` is what was deposited, verbatim."""
    signed_by: Verifier | None = None
    found = [_code(receipt)]
    try:
        note = notes.parsed(receipt.promise)
        promise = promise_of(note)
    except NoteError as error:
        found.append(Finding("promise", "fails", f"The receipt holds no promise that can be read: {error}."))
    else:
        signed_by, signature = _signature(note, promise, keys)
        found += [_promise(receipt, promise), signature]
    found.append(_text(receipt, text))
    return Findings(_verdict(found), found, str(signed_by) if signed_by else None)


def _verdict(found: Sequence[Finding]) -> Verdict:
    if any(each.state == "fails" for each in found):
        return "false"
    return "verified" if any(each.check == "signature" and each.state == "holds" for each in found) else "unproven"


def _code(receipt: Receipt) -> Finding:
    try:
        receipts.normalised(receipt.code)
    except receipts.MalformedCode as error:
        return Finding("code", "fails", f"The code cannot be one: {error}.")
    return Finding("code", "holds", "The code has the shape of a code; whether it opens the contribution, the service says.")


def _promise(receipt: Receipt, promise: Promise) -> Finding:
    if not receipts.same(promise.commitment, receipt.commitment):
        return Finding("promise", "fails", "The promise is for another commitment than the receipt's.")
    within = f"within {promise.within_s} seconds of the deposit"
    return Finding("promise", "holds", f"{promise.origin} promises that this commitment is in its public journal {within}.")


def _signature(note: Note, promise: Promise, keys: Collection[Verifier]) -> tuple[Verifier | None, Finding]:
    """Only a key named after the origin signs for it, whatever else is trusted."""
    name = key_name(promise.origin)
    named = [key for key in keys if key.name == name]
    if not named:
        return None, Finding("signature", "unchecked", _UNTRUSTED[bool(keys)].format(name=name))
    try:
        signer, *_ = notes.verified(note, named)
    except (BadSignature, Unsigned) as error:
        return None, Finding("signature", "fails", f"The promise is not signed by the key of {name}: {error}.")
    return signer, Finding("signature", "holds", f"The promise is signed by {name}, by the key {signer.id.hex()}.")


_UNTRUSTED: Final = {
    False: "The signature was not checked: no key was given. Anybody can write a promise; only the key that {name} publishes tells whose "
    "it is. Give it with --key, and keep it with --keep, so that another one is noticed later.",
    True: "The signature was not checked: no key that was given or kept is named {name}.",
}
"""By whether any key was there."""


def _text(receipt: Receipt, text: str | None) -> Finding:
    if len(receipt.blind) != BLIND_BYTES or len(receipt.commitment) != COMMITMENT_BYTES:
        return Finding("text", "fails", "The commitment and its blind have 32 bytes each, and these have not.")
    if text is None:
        return Finding("text", "unchecked", "The text was not compared: none was given.")
    for topic in CODEC.topics_of(Submitted):
        for said, candidate in _readings(text):
            if receipts.same(commitment(topic, {"text": candidate}, receipt.blind), receipt.commitment):
                return Finding("text", "holds", f"The commitment is over this very text{said}.")
    return Finding(
        "text",
        "fails",
        "The commitment is over another text: one character more or less, or another form of an accent, is another.",
    )


def _readings(text: str) -> Iterator[tuple[str, str]]:
    """The text, and what it was before an editor ended its last line."""
    yield "", text
    if text.endswith("\n"):
        yield ", without the line end that closes the file", text.removesuffix("\n").removesuffix("\r")
