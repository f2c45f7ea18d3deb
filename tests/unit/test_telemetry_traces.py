"""Spans, and that there is nothing of OpenTelemetry's SDK where nobody traces."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from redis import Redis

from rag_service.adapters.otel_tracer import OtelTracer
from rag_service.api.app import create_app
from rag_service.core.errors import ConfigError, StoreUnavailable
from rag_service.core.settings import Settings, load_settings
from rag_service.core.telemetry import NO_TELEMETRY, NO_TRACER, Telemetry
from rag_service.loop.jobs import JobStore
from rag_service.wiring import Services, make_tracer
from tests.fakes.answering import ScriptedGenerator, World, said
from tests.fakes.filings import filing

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Traced:
    """A tracer whose spans stay here."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracer = OtelTracer("http://127.0.0.1:9", self._exporter)

    def spans(self) -> dict[str, ReadableSpan]:
        self.tracer.provider.force_flush()
        return {span.name: span for span in self._exporter.get_finished_spans()}


@pytest.fixture
def traced() -> Iterator[Traced]:
    traced = Traced()
    yield traced
    traced.tracer.close()


def test_a_request_is_one_trace_with_its_stages(traced: Traced, tmp_path: Path) -> None:
    chunks = filing("Alder Mills", 2023)
    quote = chunks[1].text.split(". ")[0]
    llm = ScriptedGenerator(said(1, quote, quote))
    world = World(tmp_path, llm, telemetry=Telemetry(tracer=traced.tracer))
    world.add_release("ma", chunks, live=True)
    with TestClient(create_app(lambda: nullcontext(world), traced.tracer)) as client:
        body = {"question": "What does Alder Mills report on leases of stores in 2023?"}
        response = client.post("/v1/ask", json=body, headers={"traceparent": PARENT})
        assert response.status_code == 200
        client.get("/healthz")
    spans = traced.spans()
    assert "GET /healthz" not in spans
    request = spans["POST /v1/ask"]
    assert request.context is not None
    assert request.parent is not None
    assert f"{request.parent.trace_id:032x}" == TRACE
    for stage in ("pin", "encode", "redis", "read", "llm"):
        parent = spans[stage].parent
        assert parent is not None
        assert parent.span_id == request.context.span_id
    told = str([dict(span.attributes or {}) for span in spans.values()])
    assert "leases" not in told, "no span tells what was asked"


def test_a_stage_that_fails_says_so(traced: Traced) -> None:
    with pytest.raises(StoreUnavailable), Telemetry(tracer=traced.tracer).stage("redis"):
        raise StoreUnavailable("away")
    span = traced.spans()["redis"]
    assert not span.status.is_ok
    assert span.events[0].name == "exception"


def test_steps_of_a_job_are_within_it(traced: Traced, tmp_path: Path) -> None:
    jobs = JobStore(tmp_path, traced.tracer)
    assert traced.tracer.trace_id() == ""
    with jobs.run("improve", {}) as job:
        assert job.step("finetune", traced.tracer.trace_id) != ""
    spans = traced.spans()
    parent = spans["finetune"].parent
    assert parent is not None
    assert parent == spans["job improve"].context


@pytest.mark.parametrize("address", ["collector:4318", "ftp://collector"])
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_TRACES"):
        make_tracer(Settings(home=tmp_path, traces=address))


def test_the_address_comes_from_either_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://one:4318")
    assert load_settings().traces == "http://one:4318"
    monkeypatch.setenv("RAGLOOP_TRACES", "http://two:4318")
    assert load_settings().traces == "http://two:4318"


def test_what_is_asked_for_and_not_installed_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "rag_service.adapters.otel_tracer")
    with pytest.raises(ConfigError, match=r"ragloop\[otel\]"):
        make_tracer(Settings(home=tmp_path, traces="http://collector:4318"))


def test_nothing_is_loaded_where_nobody_traces_or_scrapes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("otel_tracer", "prometheus_meter"):
        monkeypatch.setitem(sys.modules, f"rag_service.adapters.{module}", None)
    settings = Settings(home=tmp_path)
    assert make_tracer(settings) is NO_TRACER
    command = Services(settings, Redis(), background=False)
    assert command.telemetry == NO_TELEMETRY
    with pytest.raises(ImportError):
        assert Services(settings, Redis(), background=True).telemetry
