"""OpenTelemetry, where a setting names a collector: FastAPI tells the requests, `assistant.accounts` the models."""

from __future__ import annotations

from importlib.metadata import version

from gakju.errors import UsageError


def start(endpoint: str) -> None:
    """Send spans to `endpoint` over OTLP/HTTP from now on. Raises UsageError where the library is not there."""
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as e:
        raise UsageError("Traces need a library that is not here.", hint="Run `pip install 'gakju[otel]'`.") from e
    provider = TracerProvider(resource=Resource({"service.name": "gakju", "service.version": version("gakju")}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)
