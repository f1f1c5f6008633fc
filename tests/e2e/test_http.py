"""What callers are answered: a receipt, a version, or a problem that names the field; and nothing is lost on the way."""

import base64
import secrets
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec import convert

from service.deposits import Receipt
from service.located import promises
from service.receipt.file import read
from service.receipt.verifying import verify
from service.settings import Settings
from tests.e2e.asking import Asking, code, fields, problem, shown
from tests.e2e.running import Running


@pytest.fixture(scope="module")
def asking(running: Running) -> Iterator[Asking]:
    asking = Asking(running, "asked")
    asking.prepare()
    yield asking
    asking.close()


# --- deposits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"theme": None}, 400, "theme"),
        ({"theme": "Fêtes"}, 400, "theme"),
        ({"theme": "musique"}, 422, "theme"),
        ({"charter": "1"}, 400, "charter"),
        ({"charter": 0}, 400, "charter"),
        ({"charter": 2}, 422, "charter"),
        ({"text": ""}, 400, "text"),
        ({"text": 12}, 400, "text"),
        ({"text": "a\x00b"}, 400, "text"),
        ({"text": " \n\t "}, 422, "text"),
        ({"text": "é" * 20_001}, 422, "text"),
        ({"actor": "robot"}, 400, "actor"),
        ({"channel": "pigeon"}, 400, "channel"),
        ({"language": "français"}, 400, "language"),
        ({"blind": "c291cmNl"}, 400, "blind"),
        ({"email": "nobody@exemple.fr"}, 400, "email"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_deposit_that_is_not_taken_names_the_field(asking: Asking, changed: dict[str, Any], status: int, field: str) -> None:
    assert fields(asking.deposit(**changed), status) == [field]


@pytest.mark.parametrize("key", ["", "short", "é" * 30, "a b" * 10, "x" * 129])
def test_a_key_that_could_be_guessed_is_refused_by_name(asking: Asking, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    body = {"theme": "fetes", "charter": 1, "text": "Un bal."}

    assert fields(asking.public.post(f"{asking.base}/contributions", json=body, headers=headers), 400) == ["Idempotency-Key"]


def test_a_deposit_without_a_key_is_refused_by_name(asking: Asking) -> None:
    answer = asking.public.post(f"{asking.base}/contributions", json={"theme": "fetes", "charter": 1, "text": "Un bal."})

    assert fields(answer, 400) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"theme": "fetes", "charter": 1, "text": "\\ud800"}',
        b'{"text": NaN}',
        b"[" * 5_000,
    ],
)
def test_a_body_that_is_not_one_is_a_problem(asking: Asking, body: bytes) -> None:
    headers = {"Idempotency-Key": secrets.token_hex(16), "Content-Type": "application/json"}

    assert code(asking.public.post(f"{asking.base}/contributions", content=body, headers=headers), 400) == "invalid-input"


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(asking: Asking) -> None:
    assert code(asking.deposit("x" * 300_000), 413) == "too-large"


def test_a_form_is_not_json(asking: Asking) -> None:
    answer = asking.public.post(
        f"{asking.base}/contributions", data={"theme": "fetes"}, headers={"Idempotency-Key": secrets.token_hex(16)}
    )

    assert code(answer, 415) == "unsupported-media-type"


def test_a_consultation_that_is_not_there_is_not_found(asking: Asking) -> None:
    body = {"theme": "fetes", "charter": 1, "text": "Un bal."}
    answer = asking.public.post(
        "/v1/consultations/nowhere/contributions", json=body, headers={"Idempotency-Key": secrets.token_hex(16)}
    )

    assert code(answer, 404) == "not-found"


def test_a_retry_meets_the_same_receipt_and_makes_one_contribution(asking: Asking) -> None:
    key = secrets.token_hex(16)

    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda _: asking.receipt("Une seule fois.", key), range(8)))

    assert all(receipt == receipts[0] for receipt in receipts)
    assert asking.receipt("Une seule fois.", key) == receipts[0]


def test_equal_texts_are_contributions_of_their_own(asking: Asking) -> None:
    first, second = asking.receipt("Le même texte."), asking.receipt("Le même texte.")

    assert first["contribution"] != second["contribution"]
    assert first["code"] != second["code"]
    assert first["commitment"] != second["commitment"]


def test_a_key_with_another_body_is_refused_and_the_first_deposit_stands(asking: Asking) -> None:
    key = secrets.token_hex(16)
    receipt = asking.receipt("Le premier.", key)

    refused = asking.deposit("Le second.", key)

    assert code(refused, 422) == "idempotency-key-reused"
    assert fields(refused, 422) == ["Idempotency-Key"]
    assert asking.status(receipt)["text"] == "Le premier."


def test_a_commitment_is_made_once(asking: Asking) -> None:
    blind = base64.b64encode(secrets.token_bytes(32)).decode()
    asking.receipt("Promis.", blind=blind)

    again = asking.deposit("Promis.", blind=blind)

    assert code(again, 409) == "commitment-used"
    assert fields(again, 409) == ["blind"]


@pytest.mark.parametrize("text", ["&lt;b&gt;&eacute;t&#233;", "  e\u0301 \r\n\ttab\u2028 ", "=cmd()|x", "😀" * 500, "é" * 19_999])
def test_a_text_comes_back_byte_for_byte(asking: Asking, text: str) -> None:
    assert asking.status(asking.receipt(text))["text"] == text


# --- what the code of a receipt opens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["nothing", "x" * 43, "_" * 26])
def test_a_wrong_code_opens_nothing(asking: Asking, wrong: str) -> None:
    receipt = asking.receipt()
    path, headers = f"/v1/receipts/{receipt['contribution']}", {"Receipt-Code": wrong}

    assert code(asking.public.get(path, headers=headers), 403) == "wrong-code"
    assert code(asking.public.post(f"{path}/appeal", json={"text": "Non."}, headers=headers), 403) == "wrong-code"
    assert code(asking.public.post(f"{path}/withdrawal", json={}, headers=headers), 403) == "wrong-code"


def test_a_contribution_that_is_not_there_is_told_like_a_wrong_code(asking: Asking) -> None:
    body = {"theme": "fetes", "title": "Un bal", "text": "Chaque été."}
    proposal = asking.staff("analyst").post(f"{asking.base}/proposals", json=body).json()["proposal"]
    receipt = asking.receipt()

    def told(contribution: object, wrong: str) -> list[tuple[int, bytes]]:
        path, headers = f"/v1/receipts/{contribution}", {"Receipt-Code": wrong}
        answers = [
            asking.public.get(path, headers=headers),
            asking.public.post(f"{path}/appeal", json={"text": "Non."}, headers=headers),
            asking.public.post(f"{path}/answers", json={"question": str(uuid4()), "text": "Oui."}, headers=headers),
            asking.public.post(f"{path}/withdrawal", json={}, headers=headers),
        ]
        return [(answer.status_code, answer.content) for answer in answers]

    wrong = told(receipt["contribution"], "0" * 32)
    assert {status for status, _ in wrong} == {403}
    assert told(uuid4(), receipt["code"]) == told(proposal, receipt["code"]) == told(receipt["contribution"], "none") == wrong


def test_wrong_codes_are_throttled_and_the_right_one_still_opens(asking: Asking) -> None:
    receipt, other = asking.receipt(), asking.receipt()
    path, headers = f"/v1/receipts/{receipt['contribution']}", {"Receipt-Code": other["code"]}

    answers = [asking.public.get(path, headers=headers) for _ in range(12)]

    assert [answer.status_code for answer in answers] == [403] * 10 + [429] * 2
    assert code(answers[-1], 429) == "wrong-too-often"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 6
    assert asking.status(receipt)["status"] == "visible"
    assert asking.status(other)["status"] == "visible"
    appeal = asking.public.post(f"{path}/appeal", json={"text": "Non."}, headers=headers)
    assert code(appeal, 429) == "wrong-too-often"


# --- the receipt as a file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("text/plain", "text/plain; charset=utf-8"), ("text/plain, application/json;q=0.5", "text/plain; charset=utf-8"), ("*/*", "application/json"),
        ("application/json, text/plain;q=0.9", "application/json"), ("text/html", "application/json"), ("text/plain-ish", "application/json"),
    ],
)  # fmt: skip
def test_a_receipt_comes_in_the_form_that_is_asked_for(asking: Asking, accept: str, form: str) -> None:
    key, text = secrets.token_hex(16), "Un marché le soir."
    receipt = asking.receipt(text, key)

    body = {"theme": "bibliotheques", "charter": 1, "text": text}
    answer = asking.public.post(f"{asking.base}/contributions", json=body, headers={"Idempotency-Key": key, "Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"], answer.headers["Vary"]) == (201, form, "Accept")
    assert read(answer.content) == convert(receipt, Receipt)


def test_a_receipt_verifies_by_the_key_of_the_service_alone(asking: Asking) -> None:
    receipt = convert(asking.receipt("Un banc devant la mairie."), Receipt)

    keys = [promises(Settings(data=asking.running.data)).verifier]

    assert verify(receipt, keys, "Un banc devant la mairie.").verdict == "verified"
    assert verify(receipt, keys, "Un banc devant la gare.").verdict == "false"


def test_the_code_of_another_opens_nothing(asking: Asking) -> None:
    one, other = asking.receipt(), asking.receipt()

    answer = asking.public.get(f"/v1/receipts/{one['contribution']}", headers={"Receipt-Code": other["code"]})

    assert code(answer, 403) == "wrong-code"


def test_what_was_withdrawn_is_gone_and_its_key_makes_no_other(asking: Asking) -> None:
    key = secrets.token_hex(16)
    receipt = asking.receipt("À retirer.", key)
    headers = {"Receipt-Code": receipt["code"]}

    withdrawn = asking.public.post(f"/v1/receipts/{receipt['contribution']}/withdrawal", json={}, headers=headers)

    assert withdrawn.status_code == 200
    assert asking.status(receipt)["status"] == "withdrawn"
    assert asking.status(receipt)["text"] is None
    assert code(asking.deposit("À retirer.", key), 410) == "erased"
    again = asking.public.post(f"/v1/receipts/{receipt['contribution']}/withdrawal", json={}, headers=headers)
    assert code(again, 410) == "erased"


def test_an_author_reads_the_clause_and_the_reasons_appeals_and_is_heard_by_somebody_else(asking: Asking) -> None:
    receipt = asking.receipt("Une bande d'incapables.")
    first, second, third = (asking.staff("moderator", name) for name in ("mona", "nils", "olga"))
    path = f"/v1/moderation/{receipt['contribution']}"

    item = asking.review(receipt, first)
    hiding = {"clause": "2.cordialite", "statement": "Le ton est injurieux."}
    hidden = first.post(f"{path}/hidden", json=hiding, headers={"If-Match": f'"{item["version"]}"'})
    assert hidden.status_code == 200
    assert hidden.headers["ETag"] == f'"{hidden.json()["version"]}"'
    told = asking.status(receipt)
    removal = told["decisions"][-1]
    assert told["status"] == "withheld"
    assert told["text"] == "Une bande d'incapables."
    assert (removal["kind"], removal["clause"], removal["statement"]) == ("hidden", "2.cordialite", "Le ton est injurieux.")

    assert asking.review(receipt, second)["look"] == "second"
    assert second.post(f"{path}/reviewed", json={"agrees": True}).status_code == 200

    def appeal() -> httpx.Response:
        path, headers = f"/v1/receipts/{receipt['contribution']}/appeal", {"Receipt-Code": receipt["code"]}
        return asking.public.post(path, json={"text": "C'est un cri du cœur."}, headers=headers)

    assert appeal().status_code == 200
    assert code(appeal(), 409) == "already-appealed"

    assert asking.review(receipt, third)["appeal"] == "C'est un cri du cœur."
    settled = third.post(f"{path}/appeal", json={"granted": True, "statement": "Le fond l'emporte."})
    assert settled.status_code == 200
    assert asking.status(receipt)["status"] == "visible"
    view = shown(asking.public, f"/v1/contributions/{receipt['contribution']}", lambda told: told["status"] == "visible")
    assert view["text"] == "Une bande d'incapables."


# --- staff -------------------------------------------------------------------------------------------------------------


def test_staff_bring_a_token_with_the_role(asking: Asking) -> None:
    path = f"{asking.base}/reviews/next"

    assert code(asking.public.post(path), 401) == "token-refused"
    assert "missing" in asking.public.post(path).json()["detail"]
    assert code(asking.public.post(path, headers={"Authorization": "Bearer made.up.token"}), 401) == "token-refused"
    assert code(asking.public.post(path, headers={"Authorization": "Basic YTpi"}), 401) == "token-refused"
    assert code(asking.staff("analyst").post(path), 403) == "forbidden"


def test_nobody_decides_on_what_the_queue_did_not_hand_out(asking: Asking) -> None:
    receipt = asking.receipt()
    moderator = asking.staff("moderator", "xenia")
    path = f"/v1/moderation/{receipt['contribution']}"

    assert code(moderator.post(f"{path}/kept", json={}), 409) == "not-assigned"
    hiding = {"clause": "2.cordialite", "statement": "Non."}
    assert code(moderator.post(f"{path}/hidden", json=hiding), 409) == "not-assigned"


def test_a_removal_cites_a_clause_that_allows_one_and_says_why(asking: Asking) -> None:
    receipt = asking.receipt()
    moderator = asking.staff("moderator", "yves")
    asking.review(receipt, moderator)
    path = f"/v1/moderation/{receipt['contribution']}/hidden"

    assert fields(moderator.post(path, json={"clause": "1.anonymat", "statement": "Non."}), 422) == ["clause"]
    assert fields(moderator.post(path, json={"clause": "2.cordialite"}), 400) == ["statement"]
    assert fields(moderator.post(path, json={"clause": "2.cordialite", "statement": ""}), 400) == ["statement"]
    assert moderator.post(f"/v1/moderation/{receipt['contribution']}/kept", json={}).status_code == 200


def test_a_stale_version_is_told_the_one_that_stands(asking: Asking) -> None:
    administrator = asking.staff("administrator")
    charter = {"clauses": [{"id": "1.ton", "title": "Ton", "text": "Cordial.", "removal": True}], "reason": "Plus court."}
    path = f"{asking.base}/charter"

    stale = administrator.post(path, json=charter, headers={"If-Match": '"1"'})
    assert code(stale, 412) == "version-mismatch"
    assert stale.json()["version"] > 1
    for malformed in ("1", '"one"', 'W/"1"', "*"):
        assert fields(administrator.post(path, json=charter, headers={"If-Match": malformed}), 400) == ["If-Match"]


def test_a_clause_and_a_code_are_named_as_their_patterns_say(asking: Asking) -> None:
    administrator = asking.staff("administrator")
    clause = {"id": "Ton cordial", "title": "Ton", "text": "Cordial."}
    label = {"id": "Accès", "label": "Accès", "definition": "Accéder."}

    charter = administrator.post(f"{asking.base}/charter", json={"clauses": [clause], "reason": "Plus court."})
    codebook = administrator.post(f"{asking.base}/codebook", json={"codes": [label], "reason": "Plus court."})

    assert fields(charter, 400) == ["clauses[0].id"]
    assert fields(codebook, 400) == ["codes[0].id"]


def test_what_stands_since_the_opening_changes_only_with_a_reason(asking: Asking) -> None:
    administrator = asking.staff("administrator")
    codes = [{"id": "autre", "label": "Autre", "definition": "Le reste."}]

    silent = administrator.post(f"{asking.base}/codebook", json={"codes": codes})

    assert fields(silent, 422) == ["reason"]
    assert code(silent, 422) == "reason-missing"


def test_a_definition_is_refused_by_its_field_and_a_slug_is_used_once(asking: Asking) -> None:
    administrator = asking.staff("administrator")

    assert fields(administrator.post("/v1/consultations", json={"slug": "Deux Mots"}), 400) == ["slug"]
    assert fields(administrator.post("/v1/consultations", json={"slug": "deux"}), 400) == ["title"]


# --- reading -------------------------------------------------------------------------------------------------------------


def test_pages_follow_one_another_without_a_gap_or_a_repeat(asking: Asking) -> None:
    texts = {f"Un bal numéro {number}" for number in range(7)}
    receipts = [asking.receipt(text, theme="fetes") for text in texts]
    shown(asking.public, f"/v1/contributions/{receipts[-1]['contribution']}")
    path, query = f"{asking.base}/themes/fetes/contributions", {"limit": 3}

    seen: list[str] = []
    while True:
        page = asking.public.get(path, params=query).json()
        assert len(page["items"]) <= 3
        seen += [item["text"] for item in page["items"]]
        if page["next"] is None:
            break
        query = {"limit": 3, "cursor": page["next"]}

    assert len(seen) == len(set(seen))
    assert texts <= set(seen)


@pytest.mark.parametrize("query", [{"cursor": "made-up"}, {"limit": 0}, {"limit": 501}, {"limit": "many"}], ids=str)
def test_a_page_that_cannot_be_is_refused_by_name(asking: Asking, query: dict[str, Any]) -> None:
    answer = asking.public.get(f"{asking.base}/themes/fetes/contributions", params=query)

    assert fields(answer, 400) == list(query)


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/v1/nowhere", 404, "not-found"),
        ("DELETE", "/v1/consultations", 405, "method-not-allowed"),
        ("GET", "/v1/contributions/00000000-0000-4000-8000-000000000000", 404, "not-found"),
        ("GET", "/v1/consultations/nowhere", 404, "not-found"),
        ("GET", "/v1/consultations/nowhere/themes", 404, "not-found"),
    ],
)
def test_what_is_not_there_is_a_problem_too(asking: Asking, method: str, path: str, status: int, told: str) -> None:
    assert code(asking.public.request(method, path), status) == told


def test_an_auditor_replays_the_log_from_any_position(asking: Asking) -> None:
    receipt = asking.receipt("Pour l'audit.")
    auditor = asking.staff("auditor")

    whole = [line for line in auditor.get("/v1/audit/events").text.splitlines() if line]
    rest = [line for line in auditor.get("/v1/audit/events", params={"after": 5}).text.splitlines() if line]
    few = auditor.get("/v1/audit/events", params={"after": 5, "limit": 2}).text.splitlines()
    of_it = auditor.get("/v1/audit/events", params={"consultation": asking.slug}).text

    assert rest[: len(whole) - 5] == whole[5:]
    assert few == rest[:2]
    assert receipt["contribution"] in of_it
    assert "Pour l'audit." not in of_it
    assert auditor.get("/v1/audit/events", params={"after": 10**12}).text == ""
    assert code(asking.staff("moderator").get("/v1/audit/events"), 403) == "forbidden"


def test_the_history_of_one_contribution_tells_each_step_and_its_delay(asking: Asking) -> None:
    receipt = asking.receipt("Une histoire.")
    moderator = asking.staff("moderator", "zoe")
    asking.review(receipt, moderator)
    moderator.post(f"/v1/moderation/{receipt['contribution']}/kept", json={})

    path = f"/v1/audit/contributions/{receipt['contribution']}"
    history = shown(asking.staff("auditor"), path, lambda told: len(told["steps"]) >= 4)

    assert [step["topic"] for step in history["steps"] if step["topic"] != "contribution.flagged.v1"] == [
        "contribution.submitted.v1",
        "contribution.review_assigned.v1",
        "contribution.kept.v1",
    ]


def test_no_problem_repeats_what_was_sent(asking: Asking) -> None:
    """A text that was refused must not come to rest in a log or a monitoring tool by way of its error."""
    told = problem(asking.deposit("Je m'appelle Camille.", charter="secret"), 400)

    assert "Camille" not in str(told)
    assert "secret" not in str(told)


# --- what attackers try ------------------------------------------------------------------------------------------------


def test_an_identifier_of_another_kind_is_not_found(asking: Asking) -> None:
    analyst, moderator, publisher = asking.staff("analyst"), asking.staff("moderator"), asking.staff("publisher")
    receipt = asking.receipt("Une contribution n'est pas une proposition.")
    body = {"theme": "fetes", "title": "Un bal", "text": "Chaque été."}
    proposal = analyst.post(f"{asking.base}/proposals", json=body).json()["proposal"]
    contribution = receipt["contribution"]

    for answer in (
        moderator.post(f"/v1/moderation/{proposal}/kept", json={}),
        analyst.post(f"/v1/contributions/{proposal}/questions", json={"text": "Pourquoi ?"}),
        publisher.post(f"/v1/proposals/{contribution}/progress", json={"text": "Un pas."}),
        publisher.post(f"/v1/publications/{contribution}/publication", json={"location": "https://exemple.fr"}),
    ):
        assert code(answer, 404) == "not-found"
    linked = analyst.post(f"/v1/proposals/{proposal}/links", json={"contributions": [proposal]})
    assert code(linked, 409) == "contribution-not-analysed"


@pytest.mark.parametrize("closes", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2200-01-01T00:00:00Z"])
def test_a_window_that_no_calendar_holds_is_refused_by_name(asking: Asking, closes: str) -> None:
    administrator = asking.staff("administrator")
    extension = administrator.post(f"{asking.base}/themes/fetes/extension", json={"closes": closes, "reason": "Pour voir."})

    assert fields(extension, 422) == ["closes"]


@pytest.mark.parametrize("query", [{"theme": "\x00"}, {"code": "\x00"}, {"theme": "a\n"}])
def test_a_query_that_no_column_can_hold_is_refused_by_name(asking: Asking, query: dict[str, str]) -> None:
    assert fields(asking.staff("analyst").get(f"{asking.base}/coded", params=query), 400) == list(query)


def test_a_removal_without_words_is_refused_by_name(asking: Asking) -> None:
    moderator = asking.staff("moderator", "sans-motif")
    receipt = asking.receipt("À motiver.")
    asking.review(receipt, moderator)
    blank = {"clause": "2.cordialite", "statement": " \n\t "}

    assert fields(moderator.post(f"/v1/moderation/{receipt['contribution']}/hidden", json=blank), 400) == ["statement"]


def test_an_empty_body_is_missing(asking: Asking) -> None:
    answer = asking.public.post(
        f"{asking.base}/contributions",
        content=b"",
        headers={"Idempotency-Key": secrets.token_hex(16), "Content-Type": "application/json"},
    )

    assert problem(answer, 400)["errors"] == [{"field": "body", "message": "missing"}]


def test_a_body_that_does_not_arrive_gives_its_place_back(asking: Asking) -> None:
    place = httpx.URL(asking.running.url)
    head = (
        f"POST {asking.base}/contributions HTTP/1.1\r\nHost: registre\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {secrets.token_hex(16)}\r\nContent-Length: 100\r\n\r\n"
    )
    with socket.create_connection((place.host, place.port or 0), timeout=25) as connection:
        connection.sendall(head.encode() + b'{"the')
        answer = connection.recv(4_096)

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"urn:registre:problem:too-slow" in answer + b""
