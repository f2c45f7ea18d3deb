"""Requests drawn from the OpenAPI document find no error and nothing undocumented."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from rag_service.api.app import create_app
from tests.fakes.answering import ScriptedGenerator, World
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023)
Drawn = schemathesis.Case[Any]
EXAMPLES = 10
NAMES = {"model": "ragloop", "release": "r0001", "a": "r0001", "b": "r0002"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    world = World(tmp_path_factory.mktemp("home"), ScriptedGenerator("{}"), caching=True)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    app = create_app(lambda: nullcontext(world))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_drawn_requests_are_answered_as_documented(client: TestClient) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    statuses: set[int] = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        # What holds nothing but free text cannot be drawn wrong.
        for mode in GenerationMode if operation.body else [GenerationMode.POSITIVE]:

            @seed(13)
            @settings(
                max_examples=EXAMPLES,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def conforms(case: Drawn) -> None:
                response = client.request(**_sent(case))
                statuses.add(response.status_code)
                case.validate_response(response, checks=CHECKS)

            conforms()
    assert {200, 404, 422} <= statuses


def _sent(case: Drawn) -> dict[str, Any]:
    """What the client is to send; a drawn name is hardly ever one that there is."""
    if isinstance(case.body, dict):
        case.body.update({field: name for field, name in NAMES.items() if field in case.body})
        messages = case.body.get("messages")
        if isinstance(messages, list):
            messages.append({"role": "user", "content": "And in 2022?"})
    sent = case.as_transport_kwargs(base_url="http://testserver")
    del sent["cookies"]
    if isinstance(sent.get("data"), str | bytes):
        sent["content"] = sent.pop("data")
    return sent
