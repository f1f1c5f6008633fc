"""How near two texts are, and that nothing but the key tells."""

from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.screening.plain import Plain
from adapters.screening.similarity import BANDS, NEAR, VALUES, Likeness, Similarity, estimated

KEY: Final = bytes(range(32))
WORDS: Final = [f"mot{number}" for number in range(3_000)]


def of(text: str, key: bytes = KEY) -> Likeness:
    return Similarity(key).of(Plain(text))


def near(one: str, other: str) -> float:
    return estimated(of(one).signature, of(other).signature)


def shared(one: str, other: str) -> float:
    """The similarity itself."""
    first, second = ({*zip(text.split(), text.split()[1:], strict=False)} for text in (one, other))
    return len(first & second) / len(first | second)


def edited(seed: int, length: int, changes: int) -> tuple[str, str]:
    """A text, and the same with some words changed."""
    random = Random(seed)
    words = random.choices(WORDS, k=length)
    other = list(words)
    for place in random.sample(range(length), changes):
        other[place] = f"autre{place}"
    return " ".join(words), " ".join(other)


@pytest.mark.parametrize("changes", [0, 1, 4, 10, 40])
def test_the_estimate_is_near_the_similarity(changes: int) -> None:
    errors = [near(*pair) - shared(*pair) for pair in (edited(seed, 120, changes) for seed in range(20))]

    assert all(abs(error) < 0.25 for error in errors)
    assert abs(sum(errors) / len(errors)) < 0.05


def test_near_duplicates_share_a_bucket_and_strangers_do_not() -> None:
    for seed in range(40):
        one, other = edited(seed, 60, 2)
        if shared(one, other) >= NEAR:
            assert set(of(one).buckets) & set(of(other).buckets)
        stranger = " ".join(Random(-1 - seed).choices(WORDS, k=60))
        assert not set(of(one).buckets) & set(of(stranger).buckets)
        assert near(one, stranger) < 0.1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ouvrir l'été !", "ouvrir L’ÉTÉ"), ("L'&eacute;t&eacute; <b>ouvert</b>", "l'été ouvert"), ("Oui", "oui."), ("...", " ... "),
        ("a b", "a\n\nb"), ("cœur d'E\u0301té", "coeur d'été"),
    ],
)  # fmt: skip
def test_the_same_words_are_the_same_text(one: str, other: str) -> None:
    assert of(one).digest == of(other).digest
    assert of(one).buckets == of(other).buckets
    assert near(one, other) == 1.0


@pytest.mark.parametrize(
    ("one", "other"), [("oui", "non"), ("...", "!!!"), ("", "oui"), ("a b", "b a"), ("ab", "a b"), ("a b a b", "a b")]
)
def test_other_words_are_another_text(one: str, other: str) -> None:
    assert of(one).digest != of(other).digest


@given(st.text(max_size=80))
def test_a_likeness_depends_on_the_key_in_every_part(text: str) -> None:
    one, other = of(text), of(text, bytes(32))

    assert one == of(text)
    assert one.digest != other.digest
    assert not set(one.buckets) & set(other.buckets)
    assert estimated(one.signature, other.signature) < 0.2
    assert (len(one.signature), len(one.buckets)) == (4 * VALUES, BANDS + 1)


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="a key has 32 bytes, not 3"):
        Similarity(b"abc")
