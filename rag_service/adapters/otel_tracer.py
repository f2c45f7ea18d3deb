"""Spans sent to an OpenTelemetry collector."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rag_service.core.errors import ConfigError

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
except ImportError as error:
    raise ConfigError(
        "traces need OpenTelemetry's SDK: install ragloop[otel], or unset RAGLOOP_TRACES and "
        "OTEL_EXPORTER_OTLP_ENDPOINT"
    ) from error

_SEND_SECONDS = 5
"""For one batch; it is what stopping a service may wait for."""


class OtelTracer:
    """Sends spans to ``address`` in batches, from a thread.

    OpenTelemetry's own variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER and so on) hold.
    ``exporter`` replaces the one that sends.
    """

    def __init__(self, address: str, exporter: SpanExporter | None = None) -> None:
        if not address.startswith(("http://", "https://")):
            raise ConfigError(
                f"traces are sent over HTTP: {address!r} is no address such as "
                "http://collector:4318 (RAGLOOP_TRACES, OTEL_EXPORTER_OTLP_ENDPOINT)"
            )
        where = f"{address.rstrip('/')}/v1/traces"
        self.provider = TracerProvider(
            resource=Resource.create(
                {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "ragloop"}
            ),
            shutdown_on_exit=False,
        )
        sent = exporter or OTLPSpanExporter(endpoint=where, timeout=_SEND_SECONDS)
        self.provider.add_span_processor(BatchSpanProcessor(sent))
        self._tracer = self.provider.get_tracer("ragloop")

    @contextmanager
    def span(self, name: str, *, current: bool = False) -> Iterator[None]:
        if current:
            with self._tracer.start_as_current_span(name):
                yield
            return
        with _ended(self._tracer.start_span(name)):
            yield

    def trace_id(self) -> str:
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else ""

    def close(self) -> None:
        self.provider.shutdown()


@contextmanager
def _ended(span: trace.Span) -> Iterator[None]:
    """Ends ``span``, with the error that passes if there is one, and never makes it current."""
    try:
        yield
    except Exception as error:
        span.record_exception(error)
        span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        span.end()
