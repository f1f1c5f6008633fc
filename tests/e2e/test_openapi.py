"""The OpenAPI document is the truth: whatever is sent, the answer is one that it declares, and never a 500."""

import secrets
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from adapters.embedded import DataFolder
from adapters.tokens import ROLES, DevelopmentIssuer
from tests.e2e.running import Running

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TRIAL = Path(__file__).parents[2] / "deploy" / "consultations" / "essai.toml"
EXAMPLES = 12
"""For each operation and each way: requests as the document says, and requests that break it."""


@pytest.fixture(scope="module")
def authorization(running: Running) -> dict[str, str]:
    """One person with every role: what is attacked are the routes, not the guards."""
    issuer = DevelopmentIssuer(DataFolder(running.data).secret("token.key"))
    return {"Authorization": f"Bearer {issuer.mint(list(ROLES), 'everybody', 3_600)}"}


@pytest.fixture(scope="module")
def known(running: Running, authorization: dict[str, str]) -> dict[str, str]:
    """Identifiers that exist, so that requests reach beyond the first look-up."""
    definition = msgspec.toml.decode(TRIAL.read_bytes()) | {"slug": "attacked"}
    with httpx.Client(base_url=running.url, headers=authorization, timeout=20) as client:
        client.post("/v1/consultations", json=msgspec.to_builtins(definition)).raise_for_status()
        client.post("/v1/consultations/attacked/opening").raise_for_status()
        client.post("/v1/consultations/attacked/themes/fetes/opening")
        deposit = {"theme": "fetes", "charter": 1, "text": "Un bal sur la place, avec un orchestre."}
        key = {"Idempotency-Key": secrets.token_hex(16)}
        receipt = client.post("/v1/consultations/attacked/contributions", json=deposit, headers=key).raise_for_status().json()
        body = {"theme": "fetes", "title": "Un bal", "text": "Chaque été."}
        proposal = client.post("/v1/consultations/attacked/proposals", json=body).raise_for_status().json()
        snapshot = {"consultation": "attacked", "kind": "snapshot"}
        publication = client.post("/v1/publications", json=snapshot).raise_for_status().json()
    return {
        "slug": "attacked",
        "theme": "fetes",
        "commitment_id": "verbatims",
        "contribution": receipt["contribution"],
        "contribution_id": receipt["contribution"],
        "proposal_id": proposal["proposal"],
        "publication_id": publication["publication"],
    }


@pytest.fixture(scope="module")
def operations(running: Running) -> list[Any]:
    schema = schemathesis.openapi.from_url(f"{running.url}/docs/openapi.json")
    operations: list[Any] = list(schema.get_all_operations())
    return [operation.ok() for operation in operations]


@pytest.mark.parametrize("way", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_meets_an_undeclared_answer(
    operations: list[Any], known: dict[str, str], authorization: dict[str, str], way: GenerationMode
) -> None:
    assert len(operations) > 50
    for operation in operations:
        attack(operation, known, authorization, way)


def attack(operation: Any, known: dict[str, str], authorization: dict[str, str], way: GenerationMode) -> None:
    named = {parameter.name for parameter in operation.path_parameters}
    fixed = {name: value for name, value in known.items() if name in named} if way is GenerationMode.POSITIVE else None

    @given(case=operation.as_strategy(way, path_parameters=fixed))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def attacked(case: Any) -> None:
        case.call_and_validate(headers=authorization, checks=CHECKS, timeout=20)

    # Nothing about a request without parameters and body can be wrong.
    hopeless = way is GenerationMode.NEGATIVE and not (operation.body or list(operation.query) or list(operation.path_parameters))
    with suppress(Unsatisfiable) if hopeless else nullcontext():
        attacked()


def test_every_operation_declares_problems_by_their_media_type(running: Running) -> None:
    document = httpx.get(f"{running.url}/docs/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            problems = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
            assert {"400", "503"} <= set(problems), f"{method} {path}"
            for status, answer in problems.items():
                assert list(answer["content"]) == ["application/problem+json"], f"{method} {path} {status}"


def test_the_page_of_the_document_needs_no_other_host(running: Running) -> None:
    page = httpx.get(f"{running.url}/docs", follow_redirects=True)
    assert page.status_code == 200
    assert "https://" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui-standalone-preset.js"):
        assert f"/docs-files/{name}" in page.text
        assert httpx.get(f"{running.url}/docs-files/{name}").status_code == 200
