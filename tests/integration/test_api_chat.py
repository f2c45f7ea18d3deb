"""Chat completions, asked by OpenAI's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient

from rag_service.api.app import create_app
from rag_service.core.errors import GenerationError
from tests.fakes.answering import ScriptedGenerator, World
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023)
QUESTION = "What were net sales of Alder Mills in 2023?"
ASKED: list[Any] = [{"role": "user", "content": QUESTION}]


@contextmanager
def _client(home: Path, generator: ScriptedGenerator | None = None) -> Iterator[openai.OpenAI]:
    world = World(home, generator)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    with TestClient(create_app(lambda: nullcontext(world)), raise_server_exceptions=False) as http:
        yield openai.OpenAI(
            base_url="http://testserver/v1", api_key="unused", http_client=http, max_retries=0
        )


@pytest.fixture
def client(tmp_path: Path) -> Iterator[openai.OpenAI]:
    with _client(tmp_path) as client:
        yield client


def _told(completion: Any) -> dict[str, Any]:
    told: dict[str, Any] = completion.model_extra["ragloop"]
    return told


def test_a_completion_cites_in_its_text_and_as_data(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="ragloop", messages=ASKED, max_tokens=50, temperature=0.2, user="reader"
    )
    (choice,) = completion.choices
    told = _told(completion)
    (citation,) = told["citations"]
    assert choice.finish_reason == "stop"
    assert choice.message.role == "assistant"
    assert choice.message.content == (
        f"{told['answer']}\n\n[1] {citation['document']}, page {citation['page']}"
    )
    assert (told["question"], told["grounded"]) == (QUESTION, True)
    assert completion.model == "ragloop/r0001"
    assert completion.id == f"chatcmpl-{told['request_id']}"


def test_a_stream_gives_the_same_text_and_citations(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="ragloop", messages=ASKED)
    chunks = list(client.chat.completions.create(model="ragloop", messages=ASKED, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert "".join(delta.content or "" for delta in deltas) == whole.choices[0].message.content
    assert [
        chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason
    ] == ["stop"]
    assert _told(chunks[-1])["citations"] == _told(whole)["citations"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_release_is_a_model(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(model="ragloop/r0002", messages=ASKED)
    assert completion.model == "ragloop/r0002"
    assert [model.id for model in client.models.list()] == [
        "ragloop", "ragloop/r0001", "ragloop/r0002",
    ]  # fmt: skip
    assert client.models.retrieve("ragloop/r0002").id == "ragloop/r0002"


def test_earlier_turns_complete_a_follow_up(client: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Answer in one word."},
        *ASKED,
        {"role": "assistant", "content": "They were high."},
        {"role": "user", "content": [{"type": "text", "text": "and in 2022?"}]},
    ]
    completion = client.chat.completions.create(model="ragloop", messages=messages)
    assert _told(completion)["question"] == "What were net sales of Alder Mills in 2022?"


@pytest.mark.parametrize("dumped", [False, True])
def test_an_answer_can_be_sent_back_whole(client: openai.OpenAI, dumped: bool) -> None:
    answer: Any = client.chat.completions.create(model="ragloop", messages=ASKED).choices[0].message
    said = answer.model_dump() if dumped else answer
    messages = [*ASKED, said, {"role": "user", "content": "and in 2022?"}]
    completion = client.chat.completions.create(model="ragloop", messages=messages)
    assert _told(completion)["question"] == "What were net sales of Alder Mills in 2022?"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"n": 2}, "n: "),
        ({"logprobs": True}, "logprobs: "),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"messages": []}, "messages: "),
        ({"messages": [*ASKED, {"role": "assistant", "content": "It"}]}, "last message"),
        ({"messages": [{**ASKED[0], "tool_calls": [{}]}, *ASKED]}, "tool_calls"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "role"),
        ({"messages": [{"role": "user", "content": "x" * 3000}]}, "3,000 characters"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "content",
        ),
        ({"messages": [{"role": "assistant", "content": "x" * 30_000}, *ASKED]}, "20000"),
        ({"messages": [{"role": "user", "content": None}]}, "needs content"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": ""}, "stop"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_in_openais_shape(
    client: openai.OpenAI, changed: dict[str, Any], says: str
) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        client.chat.completions.create(**({"model": "ragloop", "messages": ASKED} | changed))
    assert refused.value.type == "invalid_request_error"
    assert refused.value.code == "invalid_request"
    assert says in refused.value.message


def test_tools_are_refused_and_none_are_not_missed(client: openai.OpenAI) -> None:
    tools: list[Any] = [{"type": "function", "function": {"name": "f"}}]
    with pytest.raises(openai.BadRequestError, match="tools are not supported") as refused:
        client.chat.completions.create(model="ragloop", messages=ASKED, tools=tools)
    assert refused.value.type == "invalid_request_error"
    nothing: list[Any] = []
    completion = client.chat.completions.create(
        model="ragloop", messages=ASKED, tools=nothing, store=True, metadata={"a": "b"}
    )
    assert _told(completion)["grounded"]


def test_an_assistant_may_have_said_nothing(client: openai.OpenAI) -> None:
    messages: list[Any] = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "assistant"},
        {"role": "user", "content": "and in 2022?"},
    ]
    completion = client.chat.completions.create(model="ragloop", messages=messages)
    assert _told(completion)["question"] == "What were net sales of Alder Mills in 2022?"


def test_usage_is_told_as_not_known(client: openai.OpenAI) -> None:
    told: list[Any] = list(
        client.chat.completions.create(
            model="ragloop", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    *chunks, last = told
    assert (last.choices, last.usage) == ([], None)
    assert all("usage" in chunk.model_fields_set for chunk in told)
    assert all(chunk.choices for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("stop", ["\n\n[", "million", ["page", "zzz", "\n\n[1] A"], "W", None])
def test_the_text_ends_before_a_stop(client: openai.OpenAI, stop: Any) -> None:
    asked: dict[str, Any] = {"model": "ragloop", "messages": ASKED}
    whole = client.chat.completions.create(**asked).choices[0].message.content
    words = [stop] if isinstance(stop, str) else stop or []
    ends = [whole.find(word) for word in words if word in whole]
    completion = client.chat.completions.create(**asked, stop=stop)
    (choice,) = completion.choices
    assert choice.message.content == whole[: min(ends, default=len(whole))]
    assert choice.finish_reason == "stop"
    chunks = list(client.chat.completions.create(**asked, stop=stop, stream=True))
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert said == choice.message.content
    assert _told(chunks[-1])["citations"] == _told(completion)["citations"]


@pytest.mark.parametrize("model", ["gpt-5", "ragloop/", "ragloop/r9999", "ragloopy", ""])
def test_an_unknown_model_is_404(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model=model, messages=ASKED)
    assert refused.value.code == "not_found"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve(model or "gpt-5")


def test_a_failing_llm_is_an_error_of_the_server(tmp_path: Path) -> None:
    generator = ScriptedGenerator("{", error=GenerationError("the LLM is out of reach"))
    messages: list[Any] = [{"role": "user", "content": "What does Alder Mills say about risk?"}]
    with _client(tmp_path, generator) as client:
        with pytest.raises(openai.InternalServerError) as failed:
            client.chat.completions.create(model="ragloop", messages=messages)
        assert failed.value.status_code == 503
        assert (failed.value.code, failed.value.type) == ("generation", "server_error")
        assert len(failed.value.response.json()["hits"]) == 6
        stream = client.chat.completions.create(model="ragloop", messages=messages, stream=True)
        with pytest.raises(openai.APIError, match="out of reach"):
            list(stream)
