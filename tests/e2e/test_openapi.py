"""The OpenAPI document is the truth: whatever is sent, the answer is one that it declares, and never a 500."""

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from adapters.tokens import ROLES, DevelopmentIssuer
from tests.e2e.running import Running

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="session")
def authorization(running: Running) -> dict[str, str]:
    """One person with every role: what is attacked are the routes, not the guards."""
    issuer = DevelopmentIssuer((running.data / "secrets" / "token.key").read_bytes())
    return {"Authorization": f"Bearer {issuer.mint(ROLES, 'everybody', 3_600)}"}


@pytest.fixture(scope="session")
def described(running: Running) -> Any:
    return schemathesis.openapi.from_url(f"{running.url}/docs/openapi.json")


attacked = schemathesis.pytest.from_fixture("described")


@attacked.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_meets_an_undeclared_answer(case: schemathesis.Case, authorization: dict[str, str]) -> None:
    case.call_and_validate(headers=authorization, checks=CHECKS, timeout=20)


def test_every_operation_declares_problems_by_their_media_type(running: Running) -> None:
    document = httpx.get(f"{running.url}/docs/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            problems = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
            assert {"400", "503"} <= set(problems), f"{method} {path}"
            for status, answer in problems.items():
                assert list(answer["content"]) == ["application/problem+json"], f"{method} {path} {status}"


def test_the_page_of_the_document_needs_no_other_host(running: Running) -> None:
    page = httpx.get(f"{running.url}/docs", follow_redirects=True)
    assert page.status_code == 200
    assert "cdn." not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "swagger-ui-standalone-preset.js"):
        assert f"/docs-files/{name}" in page.text
        assert httpx.get(f"{running.url}/docs-files/{name}").status_code == 200
