"""A place in the text as read is a place in the text as deposited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.screening.plain import Plain, fold, words

PIECES = st.sampled_from(
    ["a", "É", " ", "&eacute;", "&amp;", "&#233;", "&#xE9;", "&#1;", "&inconnu;", "&", "<b>", "</b>", "<br/>", "<", ">", "1 < 2", "<moi>", "\n",
     "&NotEqualTilde;", '<a href="https://exemple.fr/?a=1&amp;b=2">', "e\u0301", "🎭"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_every_character_as_read_has_a_place_and_all_follow_each_other(text: str) -> None:
    plain = Plain(text)
    places = [plain.place(at, at + 1) for at in range(len(plain.read))]

    assert len(plain.words) == len(plain.read)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    for (start, end), character in zip(places, plain.read, strict=True):
        assert character in (text[start:end], *Plain(text[start:end]).read)


@given(st.text(st.characters(exclude_characters="&<")))
def test_a_text_without_markup_is_read_as_it_is(text: str) -> None:
    plain = Plain(text)

    assert plain.read == plain.words == text
    assert [plain.place(at, at + 1) for at in range(len(text))] == [(at, at + 1) for at in range(len(text))]


def test_references_are_read_and_tags_are_no_words() -> None:
    text = "La sant&eacute; <strong class='x'>publique</strong> &lt;b&gt;"
    plain = Plain(text)

    assert plain.read == "La santé <strong class='x'>publique</strong> <b>"
    assert [(word.folded, text[slice(*plain.place(word.start, word.end))]) for word in words(plain)] == [
        ("la", "La"),
        ("sante", "sant&eacute;"),
        ("publique", "publique"),
        ("b", "b"),
    ]


def test_what_is_no_tag_stays_somebodys_text() -> None:
    text = "si a < b, c > d, <moi> et 1<2 </moi>"

    assert Plain(text).words == text


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Été", "ete"), ("E\u0301TE\u0301", "ete"), ("cœur", "coeur"), ("CŒUR", "coeur"), ("straße", "strasse"), ("sé\u00adcu", "secu"),
        ("sé\u200bcu", "secu"), ("ﬁn", "fin"), ("İ", "i"), ("ＣＧＴ", "cgt"), ("\u200d", ""),
    ],
)  # fmt: skip
def test_words_are_compared_without_what_people_leave_out(written: str, folded: str) -> None:
    assert fold(written) == folded
