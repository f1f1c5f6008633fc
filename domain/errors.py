"""What the domain refuses, and under which stable code."""

from typing import Final

TITLES: Final[dict[str, str]] = {
    "already-answered": "this question has its answer",
    "already-appealed": "an appeal may be made once",
    "already-assigned": "somebody else holds this item",
    "already-coded": "this reading is coded under the codebook in force",
    "already-decided": "this contribution has been decided on",
    "already-kept": "this commitment is already kept",
    "already-linked": "this contribution is already linked to the proposal",
    "already-read": "a reader sees a contribution once",
    "already-screened": "this text has been screened, and these rules have nothing to add",
    "appeal-too-late": "the delay for an appeal has passed",
    "appointed-before-opening": "this is adopted before the consultation opens and stands from then on",
    "bundle-outdated": "a contribution that the bundle shows has been hidden or erased since: prepare another, of the present",
    "charter-superseded": "consent is given to the charter in force",
    "clause-not-in-force": "the clause is not one that allows a removal in the charter consented to",
    "closing-not-later": "an extension moves the closing to a later moment",
    "codebook-superseded": "codes come from the codebook in force",
    "code-redefined": "a code keeps its meaning: give the new meaning an id of its own",
    "codes-missing": "a reading gives at least one code",
    "commitment-used": "this commitment belongs to another deposit",
    "confirmation-too-late": "the delay for another look has passed: the removal is lifted",
    "consultation-over": "the consultation has closed",
    "consultation-running": "this waits until the consultation has closed",
    "contribution-not-analysed": "only contributions under analysis support a proposal",
    "contributions-outstanding": "each contribution is first published or withheld with a reason",
    "coverage-incomplete": "below full coverage the decision states why it did not wait",
    "duplicate": "this identifier is taken",
    "empty": "a text that says nothing cannot be taken into account",
    "erased": "the contribution has been erased",
    "identifier-malformed": "an identifier is one word of lower-case letters, digits and hyphens",
    "lengths-impossible": "the shortest text allowed is longer than the longest",
    "lease-expired": "the item went back to its queue",
    "moment-out-of-range": "a moment lies between the years 2000 and 2199",
    "no-contribution-linked": "a proposal rests on at least one contribution",
    "not-a-withdrawal": "only the contributor withdraws: an erasure by others is on request or by legal order",
    "not-a-successor": "a publication is superseded by another one, published, of the same consultation",
    "not-assigned": "decisions are taken on items that the queue handed out",
    "not-linked": "this contribution is not linked to the proposal",
    "not-moderated": "a contribution is read once its moderation is settled",
    "not-now": "the rules do not allow this in the present state",
    "not-open-yet": "the consultation has not opened",
    "not-ready": "something that must be adopted before opening is missing",
    "not-retained": "progress is reported on proposals that were retained or amended",
    "not-the-reader": "a reading is coded anew by whoever made it",
    "opinion-missing": "the committee gives its opinion first",
    "other-meeting": "the proposal is before another meeting",
    "queue-seed-mismatch": "the seed is not the one whose digest was recorded at opening",
    "reading-complete": "the contribution has all the readings that the policy asks for",
    "readings-incomplete": "contributions remain to be read",
    "reason-missing": "a change after opening says why",
    "synthesis-adopted": "the synthesis has been adopted",
    "text-length": "the text is shorter or longer than the policy allows",
    "theme-closed": "the theme does not take contributions now",
    "theme-started": "the theme has already opened",
    "themes-open": "themes are still open",
    "took-part": "the next look belongs to somebody who took no part",
    "too-early": "the moment for this has not come",
    "unknown-code": "no such code in the codebook in force",
    "unknown-commitment": "no such commitment",
    "unknown-meeting": "no such meeting of the committee",
    "unknown-question": "no such question on this contribution",
    "unknown-theme": "no such theme in this consultation",
    "window-empty": "a theme closes after it opens",
    "wrong-code": "the code does not open this contribution",
}
"""Every code that a refusal may carry, with its title. The code is the tail of the problem's type over HTTP; clients branch on it."""


class Refused(Exception):  # noqa: N818 - the rules refuse: it is an answer, not an error
    """The rules do not allow this command in this state. `details` name what the caller can act on."""

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(code)
        self.code = code
        self.title = TITLES[code]
        self.details = details


class CorruptHistory(ValueError):  # noqa: N818 - names the state of the history
    """A stream holds an event that cannot follow the ones before it."""

    def __init__(self, state: object, event: object) -> None:
        super().__init__(f"{type(event).__module__}.{type(event).__name__} cannot follow {type(state).__name__}")
