"""How near two texts are, told without keeping either: min-hash signatures of keyed shingles.

A. Broder, On the resemblance and containment of documents (1997); bands as in Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3.4.
Whoever has the signatures without the key can neither guess a text nor tell whether a word stands in it.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from adapters.screening.plain import Plain, words

KEY_BYTES: Final = 32
VALUES: Final = 64
"""Of a signature: the estimate's standard error is sqrt(s(1 - s) / 64), at most 0.06."""
BANDS: Final = 16
"""Of four values each: two texts whose similarity is 0.7 share a bucket 99 times in 100, two of 0.3 once in 8."""
NEAR: Final = 0.7
_DIGEST_BYTES: Final = 16
_SHIFT: Final = np.uint64(32)


class Likeness(Struct, frozen=True):
    """What is kept of a text. Every part is a keyed hash."""

    digest: bytes
    """Of all its words in order."""
    signature: bytes
    """64 values of 32 bits, little endian."""
    buckets: list[int]
    """Signed 64-bit numbers: texts that may be near share one; those with equal digests share the first."""


class Similarity:
    """Under one key: texts of different keys have nothing to do with each other."""

    def __init__(self, key: bytes) -> None:
        """Raises ValueError for a key that is not exactly 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
        self._shingle = blake2b(digest_size=8, key=key, person=b"shingle")
        self._whole = blake2b(digest_size=_DIGEST_BYTES, key=key, person=b"whole")
        self._bucket = blake2b(digest_size=8, key=key, person=b"bucket")
        drawn = np.frombuffer(b"".join(_drawn(key, 2 * VALUES)), dtype="<u8")
        self._factors, self._terms = drawn[:VALUES] | np.uint64(1), drawn[VALUES:]

    def of(self, plain: Plain) -> Likeness:
        """The likeness of a text: of its pairs of words without case, accents, punctuation and tags."""
        said = [word.folded for word in words(plain)] or [plain.deposited.strip()]
        signature = self._signature(said)
        digest = _hashed(self._whole, "\x1f".join(said).encode("utf-8", "surrogatepass"))
        rows = len(signature) // BANDS
        bands = [bytes([band]) + signature[band * rows : (band + 1) * rows] for band in range(BANDS)]
        buckets = [_number(_hashed(self._bucket, part)) for part in (b"\xff" + digest, *bands)]
        return Likeness(digest, signature, buckets)

    def _signature(self, said: list[str]) -> bytes:
        pairs = set(pairwise(said)) or {(said[0], "")}
        hashes = [_hashed(self._shingle, f"{one}\x1f{other}".encode("utf-8", "surrogatepass")) for one, other in pairs]
        shingles = np.frombuffer(b"".join(hashes), dtype="<u8")
        least = np.full(VALUES, 2**32 - 1, dtype="<u4")
        for part in np.array_split(
            shingles, len(shingles) // 1_024 + 1
        ):  # so that the longest text needs no more memory than any other
            permuted = (part[:, None] * self._factors + self._terms) >> _SHIFT
            least = np.minimum(least, permuted.min(axis=0, initial=2**32 - 1).astype("<u4"))
        return least.tobytes()


def estimated(one: bytes, other: bytes) -> float:
    """The similarity of two texts by their signatures, from 0 to 1: shared pairs of words over all pairs of words (Jaccard)."""
    return float(np.mean(_values(one) == _values(other)))


def _values(signature: bytes) -> NDArray[np.uint32]:
    return np.frombuffer(signature, dtype="<u4")


def _drawn(key: bytes, count: int) -> Iterator[bytes]:
    for number in range(count):
        yield blake2b(number.to_bytes(2, "big"), digest_size=8, key=key, person=b"permutation").digest()


def _hashed(keyed: "blake2b", message: bytes) -> bytes:
    running = keyed.copy()
    running.update(message)
    return running.digest()


def _number(eight: bytes) -> int:
    return int.from_bytes(eight, "big", signed=True)
