"""The rules over the contributions to a national consultation, where they are at hand."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

import pytest

from adapters.screening.plain import Plain
from adapters.screening.rules import findings
from adapters.screening.similarity import NEAR, Similarity, estimated

REAL: Final = Path(__file__).parents[4] / "shared" / "data" / "republique_numerique_contributions.csv"

pytestmark = pytest.mark.skipif(
    not REAL.exists(), reason="needs ../shared/data/republique_numerique_contributions.csv beside the project"
)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    with REAL.open(encoding="utf-8", newline="") as file:
        return [row["body"] for row in csv.DictReader(file)]


def test_every_link_is_found_and_a_text_in_twenty_suggests_something_sensitive(texts: list[str]) -> None:
    found = {text: findings(Plain(text)) for text in set(texts)}
    rules = Counter(rule for each in found.values() for rule in {finding.rule for finding in each})

    for text, each in found.items():
        assert not any(finding.failed or finding.more for finding in each if finding.rule != "link")
        if re.search(r"https?://\w|www\.\w", text):
            assert any(finding.rule == "link" for finding in each), text
    assert rules["email"] == rules["social-security"] == rules["bank-account"] == 0, "they were masked, or never there"
    assert 0 < rules["sensitive"] < len(found) / 20


def test_every_exact_duplicate_is_found_and_so_is_what_is_near(texts: list[str]) -> None:
    similarity = Similarity(bytes(32))
    likenesses = [similarity.of(Plain(text)) for text in texts]
    by_bucket: defaultdict[int, list[int]] = defaultdict(list)
    for number, likeness in enumerate(likenesses):
        for bucket in likeness.buckets:
            by_bucket[bucket].append(number)
    digests: dict[str, set[bytes]] = defaultdict(set)
    for text, likeness in zip(texts, likenesses, strict=True):
        digests[text].add(likeness.digest)
    repeated = Counter(texts)
    exact = Counter(likeness.digest for likeness in likenesses)

    assert all(len(same) == 1 for same in digests.values())
    assert sum(count for count in repeated.values() if count > 1) == 171
    assert sum(count for count in exact.values() if count > 1) >= 171
    near = {
        frozenset((one, other))
        for same in by_bucket.values()
        for one in same
        for other in same
        if one < other and estimated(likenesses[one].signature, likenesses[other].signature) >= NEAR
    }
    assert all(
        frozenset((texts.index(text), number)) in near
        for number, text in enumerate(texts)
        if repeated[text] > 1 and number != texts.index(text)
    )
    assert len(near) < 600, "what is unrelated is not near"
