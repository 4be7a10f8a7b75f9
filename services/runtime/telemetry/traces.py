"""Traces that follow one referral through the log: the W3C ``traceparent`` travels as a record header.

Silent and free unless an OTLP endpoint is configured (``OTEL_EXPORTER_OTLP_ENDPOINT``): a span costs tens of
microseconds, and a batch is one span with a link for each referral in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, TraceFlags

HEADER: Final = "traceparent"
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


def configure_traces(service: str, environment: Mapping[str, str] = os.environ) -> Any | None:
    """Start exporting where an endpoint is named; returns the provider to shut down, or None."""
    if not environment.get(ENDPOINT):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"sampan-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


@contextmanager
def batch_span(name: str, parents: Iterable[bytes | None]) -> Iterator[None]:
    """One span for a batch, linked to each record's trace. Exceptions are not recorded: they may echo input."""
    links = [Link(context) for parent in parents if (context := _context(parent)) is not None]
    tracer = trace.get_tracer("sampan")
    with tracer.start_as_current_span(
        name, links=links, record_exception=False, set_status_on_exception=False
    ):
        yield


def traceparent() -> bytes | None:
    """The present span as a header value; None when nothing is traced."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}".encode()


def _context(header: bytes | None) -> SpanContext | None:
    parts = (header or b"").decode("ascii", "replace").split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    try:
        return SpanContext(int(parts[1], 16), int(parts[2], 16), is_remote=True, trace_flags=TraceFlags(1))
    except ValueError:
        return None
